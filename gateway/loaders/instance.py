"""Titles and their holdings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from gateway.loaders.batching import ById, Grouped, by_id
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql


class InstanceLoaders(LoaderSet):
    @cached_property
    def instance(self) -> ById:
        return by_id(self.upstream.inventory.instances, self.limits)

    @cached_property
    def holdings(self) -> ById:
        return by_id(self.upstream.inventory.holdings, self.limits)

    def holdings_of_instance(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.inventory.holdings, "instanceId", within=within, sort=sort)

"""Requests by their own id, and by who or what they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway.loaders.batching import ById, Grouped, by_id, one_by_one
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection
from gateway.upstream.record_types import Record

Listed: TypeAlias = "DataLoader[str, list[Record]]"

OPEN_REQUESTS = cql.starts_with("status", "Open")
IN_QUEUE_ORDER = (cql.SortKey("position", number=True),)


class RequestLoaders(LoaderSet):
    @cached_property
    def requests(self) -> BoundCollection:
        upstream = self.upstream
        return upstream.circulation.requests if self.is_direct else upstream.circulation_bff.requests

    @cached_property
    def request(self) -> ById:
        return by_id(self.requests, self.limits)

    @cached_property
    def queue_of_instance(self) -> Listed:
        """Upstream serves one queue a call, whole, up to 1000 requests."""
        return one_by_one(self.upstream.circulation.queue_of_instance, self.upstream.operation)

    @cached_property
    def queue_of_item(self) -> Listed:
        return one_by_one(self.upstream.circulation.queue_of_item, self.upstream.operation)

    @cached_property
    def batch_request(self) -> ById:
        return one_by_one(self.upstream.circulation_bff.batch_request, self.upstream.operation)

    @cached_property
    def pick_slips(self) -> Listed:
        return one_by_one(self.upstream.circulation_bff.pick_slips, self.upstream.operation)

    @cached_property
    def search_slips(self) -> Listed:
        return one_by_one(self.upstream.circulation_bff.search_slips, self.upstream.operation)

    def requests_of_user(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.requests, "requesterId", within=within, sort=sort)

    def requests_of_item(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.requests, "itemId", within=within, sort=sort)

    def requests_of_instance(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.requests, "instanceId", within=within, sort=sort)

    def requests_of_service_point(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """Requests to be picked up at a service point."""
        return self.grouped(self.requests, "pickupServicePointId", within=within, sort=sort)

"""Requests by their own id, and by who or what they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from gateway.loaders.batching import ById, Grouped, by_id
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql

OPEN_REQUESTS = cql.starts_with("status", "Open")
IN_QUEUE_ORDER = (cql.SortKey("position", number=True),)


class RequestLoaders(LoaderSet):
    @cached_property
    def request(self) -> ById:
        return by_id(self.upstream.circulation_bff.requests, self.limits)

    def requests_of_user(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.circulation_bff.requests, "requesterId", within=within, sort=sort)

    def requests_of_item(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.circulation_bff.requests, "itemId", within=within, sort=sort)

    def requests_of_instance(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.circulation_bff.requests, "instanceId", within=within, sort=sort)

    def requests_of_service_point(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """Requests to be picked up at a service point."""
        return self.grouped(
            self.upstream.circulation_bff.requests, "pickupServicePointId", within=within, sort=sort
        )

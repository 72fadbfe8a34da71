"""Requests by id, and by the records they wait for."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway.loaders.loader import ById, one_by_one
from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet, RecordLoader, calls
from gateway.loaders.pages import Slice, Window, page_of
from gateway.upstream import cql
from gateway.upstream.record_types import Record

Listed: TypeAlias = "DataLoader[str, list[Record]]"

OPEN_REQUESTS = cql.starts_with("status", "Open")
IN_QUEUE_ORDER = (cql.SortKey("position", number=True),)
REQUESTS = CollectionName("circulation_bff.requests", direct="circulation.requests")


class AllowedFor(NamedTuple):
    """A record and a requester, by id or by barcode, for which allowed service points are read."""

    parameter: str
    record_id: str
    requester_by: str
    requester: str


class RequestLoaders(LoaderSet):
    request = RecordLoader(REQUESTS)
    requests_of_user = GroupLoader(REQUESTS, "requesterId")
    requests_of_item = GroupLoader(REQUESTS, "itemId")
    requests_of_instance = GroupLoader(REQUESTS, "instanceId")
    requests_of_service_point = GroupLoader(REQUESTS, "pickupServicePointId", has_large_groups=True)

    @cached_property
    @calls("circulation.queue_of_instance")
    def queue_of_instance(self) -> Listed:
        """Upstream serves one queue per call, completely, up to 1000 requests."""
        return one_by_one(self.upstream.circulation.queue_of_instance, self.upstream.operation)

    @cached_property
    @calls("circulation.queue_of_item")
    def queue_of_item(self) -> Listed:
        return one_by_one(self.upstream.circulation.queue_of_item, self.upstream.operation)

    @cached_property
    @calls("circulation_bff.batch_request")
    def batch_request(self) -> ById:
        return one_by_one(self.upstream.circulation_bff.batch_request, self.upstream.operation)

    @cached_property
    @calls("circulation_bff.batch_request_details")
    def details_of_batch_request(self) -> DataLoader[tuple[str, Window], Slice]:
        """Upstream serves the items of one batch per call."""

        async def page(key: tuple[str, Window]) -> Slice:
            batch_id, window = key
            collection = self.upstream.circulation_bff.batch_request_details(batch_id)
            return await page_of(collection, None, (), window)

        return one_by_one(page, self.upstream.operation, cache_key=lambda key: key)

    @cached_property
    @calls("circulation_bff.allowed_service_points")
    def allowed_service_points(self) -> DataLoader[AllowedFor, Record | None]:
        """Upstream serves one record and requester per call."""

        async def allowed(key: AllowedFor) -> Any:
            requester: Any = key.requester
            if key.requester_by == "requesterBarcode":
                user = await self.user_by_barcode.load(key.requester)  # type: ignore[attr-defined]  # of `Loaders`
                if user is None:
                    return None
                requester = user.get("id")
            query = {"operation": "create", "requesterId": requester, key.parameter: key.record_id}
            return await self.upstream.circulation_bff.allowed_service_points(query)

        return one_by_one(allowed, self.upstream.operation, cache_key=lambda key: key)

    @cached_property
    @calls("circulation_bff.pick_slips")
    def pick_slips(self) -> Listed:
        return one_by_one(self.upstream.circulation_bff.pick_slips, self.upstream.operation)

    @cached_property
    @calls("circulation_reports.hold_shelf_clearance")
    def hold_shelf_clearance(self) -> Listed:
        """Upstream computes the report for one service point per call."""
        return one_by_one(self.upstream.circulation_reports.hold_shelf_clearance, self.upstream.operation)

    @cached_property
    @calls("circulation_bff.search_slips")
    def search_slips(self) -> Listed:
        return one_by_one(self.upstream.circulation_bff.search_slips, self.upstream.operation)

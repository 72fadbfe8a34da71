"""Reports that mod-circulation computes from the state of all items at each call."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.record_types import Record, mark_from_circulation
from gateway.upstream.routes import Interface, Route


class CirculationReports(Service):
    """The reports of mod-circulation, each of them complete: they have neither pages nor conditions."""

    hold_shelf_clearance_route = Route(
        "GET",
        "/circulation/requests-reports/hold-shelf-clearance/{servicePointId}",
        Interface("requests-reports", "0.8"),
        "circulation.requests.hold-shelf-clearance-report.get",
    )

    async def hold_shelf_clearance(self, service_point_id: str) -> list[Record]:
        """Return the closed requests whose items are still on the hold shelf of a service point.

        For each item that awaits pickup without a request that does, it is the request which expired or was
        cancelled there last; none for an unknown service point. The requests are as storage has them, with
        their item, but without loan, proxy and pickup service point, and with short summaries of requester
        and title (mod-circulation, RequestHoldShelfClearanceResource).
        """
        return mark_from_circulation(
            await self._client.read_list(self.hold_shelf_clearance_route, "requests", service_point_id)
        )

    items_in_transit_route = Route(
        "GET",
        "/inventory-reports/items-in-transit",
        Interface("inventory-reports", "0.4"),
        "circulation.inventory.items-in-transit-report.get",
    )

    async def items_in_transit(self) -> list[Record]:
        """Return all items in transit, by the name of the service point at which their loans ended.

        Those without such a loan are last. Upstream takes no parameters (mod-circulation,
        ItemsInTransitResource and ItemsInTransitReport).
        """
        return await self._client.read_list(self.items_in_transit_route, "items")

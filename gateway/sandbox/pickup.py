"""Where a request says it will be picked up, and what can be wrong with that place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.sandbox.library import Library, Record
from gateway.sandbox.refusals import reason


def pickup_refusals(library: Library, request: Record) -> Iterator[Record]:
    """Whether the place exists and hands out requests at all."""
    key = request.get("pickupServicePointId")
    if key is None:
        if request["fulfillmentPreference"] == "Hold Shelf":
            message = "Hold Shelf Fulfillment Requests require a Pickup Service Point"
            code = "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT"
            yield reason(message, {"pickupServicePointId": None}, code=code)
        return
    point, parameters = library.service_points.get(key), {"pickupServicePointId": key}
    if point is None:
        yield reason("Pickup service point does not exist", parameters)
    elif not point.get("pickupLocation"):
        code = "SERVICE_POINT_IS_NOT_PICKUP_LOCATION"
        yield reason("Service point is not a pickup location", parameters, code=code)


def not_allowed_at(request: Record, points: Sequence[Record]) -> Iterator[Record]:
    """Whether the request policy is content with the place."""
    key = request.get("pickupServicePointId")
    if key is not None and key not in [point["id"] for point in points]:
        code = "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED"
        message = "One or more Pickup locations are no longer available"
        yield reason(message, {"pickupServicePointId": key}, code=code)

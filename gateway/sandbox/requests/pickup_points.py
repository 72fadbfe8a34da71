"""The pickup locations that a request may use, and the reasons against others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gateway.sandbox.collections.circulation_rules import find_request_policy
from gateway.sandbox.http.errors import reason
from gateway.sandbox.library import Library, Record
from gateway.sandbox.requests.request_types import (
    get_items_of_instance,
    pageable_items,
    permits,
    types_for_item,
)


def pickup_reasons(library: Library, request: Record) -> Iterator[Record]:
    """Return the reasons if the service point is missing, unknown or no pickup location."""
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


def pickup_policy_reasons(request: Record, points: Sequence[Record]) -> Iterator[Record]:
    """Return the reason if the request policy does not allow the service point."""
    key = request.get("pickupServicePointId")
    if key is not None and key not in [point["id"] for point in points]:
        code = "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED"
        message = "One or more Pickup locations are no longer available"
        yield reason(message, {"pickupServicePointId": key}, code=code)


Places = dict[str, list[Record]]


def pickup_points(library: Library, policy: Record | None, kind: str) -> list[Record]:
    """List the pickup locations by name, without routing points; a policy may restrict them."""
    allowed = (policy or {}).get("allowedServicePoints", {}).get(kind)
    points = [
        point
        for point in library.service_points.values()
        if point.get("pickupLocation")
        and not point.get("ecsRequestRouting")
        and (allowed is None or point["id"] in allowed)
    ]
    return sorted(points, key=lambda point: str(point["name"]))


def places_for_item(
    library: Library, user: Record, item: Record, kinds: Iterable[str] | None = None
) -> Places:
    """List the pickup locations by request type; `kinds` replace the types that the item's status allows."""
    policy = find_request_policy(library, user, item)
    request_types = types_for_item(library, user, item) if kinds is None else kinds
    return {kind: pickup_points(library, policy, kind) for kind in request_types if permits(policy, kind)}


def places_for_title(
    library: Library, user: Record, instance_id: str, kinds: Iterable[str] | None = None
) -> Places:
    """List the pickup locations over all items of an instance; only Pages while an item can be paged."""
    items = get_items_of_instance(library, instance_id)
    if not items:
        return {"Hold": pickup_points(library, None, "Hold")}
    if kinds is None and pageable_items(library, user, items):
        kinds = ("Page",)
        items = pageable_items(library, user, items)
    joined: Places = {}
    for item in items:
        for kind, points in places_for_item(library, user, item, kinds).items():
            merged = joined.setdefault(kind, [])
            merged += [point for point in points if point not in merged]
    return {kind: sorted(points, key=lambda point: str(point["name"])) for kind, points in joined.items()}

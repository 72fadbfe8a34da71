"""Where a request says it will be picked up, and what can be wrong with that place."""

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


def pickup_policy_reasons(request: Record, points: Sequence[Record]) -> Iterator[Record]:
    """Whether the request policy is content with the place."""
    key = request.get("pickupServicePointId")
    if key is not None and key not in [point["id"] for point in points]:
        code = "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED"
        message = "One or more Pickup locations are no longer available"
        yield reason(message, {"pickupServicePointId": key}, code=code)


Places = dict[str, list[Record]]


def pickup_points(library: Library, policy: Record | None, kind: str) -> list[Record]:
    """The pickup locations by name, without the routing points of a consortium; a policy may name some."""
    chosen = (policy or {}).get("allowedServicePoints", {}).get(kind)
    points = [
        point
        for point in library.service_points.values()
        if point.get("pickupLocation")
        and not point.get("ecsRequestRouting")
        and (chosen is None or point["id"] in chosen)
    ]
    return sorted(points, key=lambda point: str(point["name"]))


def places_for_item(
    library: Library, user: Record, item: Record, kinds: Iterable[str] | None = None
) -> Places:
    """Pickup points by type; `kinds` are tried in place of those that the item's status takes."""
    policy = find_request_policy(library, user, item)
    asked = types_for_item(library, user, item) if kinds is None else kinds
    return {kind: pickup_points(library, policy, kind) for kind in asked if permits(policy, kind)}


def places_for_title(
    library: Library, user: Record, instance_id: str, kinds: Iterable[str] | None = None
) -> Places:
    """As for an item, over all copies. While one can be paged, nobody need wait for the others."""
    items = get_items_of_instance(library, instance_id)
    if not items:
        return {"Hold": pickup_points(library, None, "Hold")}
    if kinds is None and pageable_items(library, user, items):
        kinds = ("Page",)
        items = pageable_items(library, user, items)
    joined: Places = {}
    for item in items:
        for kind, points in places_for_item(library, user, item, kinds).items():
            known = joined.setdefault(kind, [])
            known += [point for point in points if point not in known]
    return {kind: sorted(points, key=lambda point: str(point["name"])) for kind, points in joined.items()}

"""Which types of request a copy or a title can take from a patron, and where they may be picked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.sandbox.lending_rules import fits, traits
from gateway.sandbox.library import Library, Record

TYPES = ("Page", "Hold", "Recall")
# mod-circulation's own table; the eleven statuses that are not listed take no request at all.
OF_STATUS: dict[str, tuple[str, ...]] = {
    "Available": ("Page",),
    "Awaiting delivery": ("Hold", "Recall"),
    "Awaiting pickup": ("Hold", "Recall"),
    "Checked out": ("Hold", "Recall"),
    "In process": ("Hold", "Recall"),
    "In transit": ("Hold", "Recall"),
    "Missing": ("Hold",),
    "On order": ("Hold", "Recall"),
    "Paged": ("Hold", "Recall"),
    "Restricted": ("Page",),
}
Places = dict[str, list[Record]]


def request_policy_for(library: Library, user: Record, item: Record) -> Record | None:
    """The policy of the first rule that fits; without rules there is none, and everything is allowed."""
    found = traits(user, item)
    for rule in library.request_rules:
        if fits(rule, found):
            return library.request_policies.get(rule["requestPolicyId"])
    return None


def types_for_item(library: Library, user: Record, item: Record) -> list[str]:
    policy = request_policy_for(library, user, item)
    of_status = OF_STATUS.get(item["status"]["name"], ())
    return [kind for kind in of_status if permits(policy, kind)]


def permits(policy: Record | None, kind: str) -> bool:
    return policy is None or kind in policy["requestTypes"]


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
    policy = request_policy_for(library, user, item)
    asked = types_for_item(library, user, item) if kinds is None else kinds
    return {kind: pickup_points(library, policy, kind) for kind in asked if permits(policy, kind)}


def places_for_title(
    library: Library, user: Record, instance_id: str, kinds: Iterable[str] | None = None
) -> Places:
    """As for an item, over all copies. While one can be paged, nobody need wait for the others."""
    items = items_of(library, instance_id)
    if not items:
        return {"Hold": pickup_points(library, None, "Hold")}
    if kinds is None and pageable(library, user, items):
        kinds = ("Page",)
        items = pageable(library, user, items)
    joined: Places = {}
    for item in items:
        for kind, points in places_for_item(library, user, item, kinds).items():
            known = joined.setdefault(kind, [])
            known += [point for point in points if point not in known]
    return {kind: sorted(points, key=lambda point: str(point["name"])) for kind, points in joined.items()}


def items_of(library: Library, instance_id: str) -> list[Record]:
    holdings = {each["id"] for each in library.holdings.values() if each["instanceId"] == instance_id}
    return [item for item in library.items.values() if item["holdingsRecordId"] in holdings]


def pageable(library: Library, user: Record, items: Sequence[Record]) -> list[Record]:
    return [item for item in items if "Page" in types_for_item(library, user, item)]

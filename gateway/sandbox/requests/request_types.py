"""The types of request that an item's status and the request policy allow."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sandbox.collections.circulation_rules import find_request_policy
from gateway.sandbox.library import Library, Record

REQUEST_TYPES = ("Page", "Hold", "Recall")
# mod-circulation's table; the eleven statuses that are not listed allow no request.
TYPES_BY_ITEM_STATUS: dict[str, tuple[str, ...]] = {
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


def types_for_item(library: Library, user: Record, item: Record) -> list[str]:
    policy = find_request_policy(library, user, item)
    of_status = TYPES_BY_ITEM_STATUS.get(item["status"]["name"], ())
    return [kind for kind in of_status if permits(policy, kind)]


def permits(policy: Record | None, kind: str) -> bool:
    return policy is None or kind in policy["requestTypes"]


def get_items_of_instance(library: Library, instance_id: str) -> list[Record]:
    holdings = {each["id"] for each in library.holdings.values() if each["instanceId"] == instance_id}
    return [item for item in library.items.values() if item["holdingsRecordId"] in holdings]


def pageable_items(library: Library, user: Record, items: Sequence[Record]) -> list[Record]:
    return [item for item in items if "Page" in types_for_item(library, user, item)]

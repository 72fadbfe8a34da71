"""Request queues: the open requests for an instance or item, in order."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.collections.requests import circulation_requests, is_open
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Library, Record

CLOSED_ON_SHELF = ("Closed - Pickup expired", "Closed - Cancelled")
MAX_QUEUE_LENGTH = 1000  # mod-circulation reads no more


def get_instance_queue(library: Library, instance_id: str) -> list[Record]:
    """Return the open requests for an instance and its items, which share one queue, by position."""
    open_requests = (
        each for each in library.requests.values() if each.get("instanceId") == instance_id and is_open(each)
    )
    return sorted(open_requests, key=lambda each: each.get("position", 0))


def get_item_queue(library: Library, item_id: str) -> list[Record]:
    open_requests = (
        each for each in library.requests.values() if each.get("itemId") == item_id and is_open(each)
    )
    return sorted(open_requests, key=lambda each: each.get("position", 0))


def find_next_request(library: Library, item: Record) -> Record | None:
    """Return the first request that this item can fill."""
    instance_id = library.holdings.get(item["holdingsRecordId"], {}).get("instanceId", "")
    queue = get_instance_queue(library, instance_id)
    matching = (each for each in queue if each.get("itemId", item["id"]) == item["id"])
    return next(matching, None)


def close_request(library: Library, request: Record, status: str) -> None:
    """Close a request and move the ones behind it up.

    A trigger of storage records the time if its item is on the hold shelf (requestUpdateTrigger.sql).
    """
    position = request.pop("position", None)
    if request["status"] == "Open - Awaiting pickup" and status in CLOSED_ON_SHELF:
        request["awaitingPickupRequestClosedDate"] = library.now()
    request["status"] = status
    if position is None:
        return
    for other in get_instance_queue(library, request["instanceId"]):
        if other.get("position", 0) > position:
            other["position"] -= 1


def read_instance_queue(http_request: HttpRequest) -> Response:
    return queue_response(
        http_request.library, get_instance_queue(http_request.library, http_request.path_uuid())
    )


def read_item_queue(http_request: HttpRequest) -> Response:
    return queue_response(
        http_request.library, get_item_queue(http_request.library, http_request.path_uuid())
    )


def queue_response(library: Library, queue: list[Record]) -> Response:
    rows = circulation_requests(library, queue[:MAX_QUEUE_LENGTH])
    return json_response({"requests": rows, "totalRecords": len(rows)})

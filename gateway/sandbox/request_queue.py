"""Who waits for a title, in order, and how the queue moves on."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.exchange import Exchange, answer
from gateway.sandbox.library import Library, Record
from gateway.sandbox.request import circulation_requests, is_open

LONGEST_QUEUE = 1000  # mod-circulation reads no more


def queue_of_instance(library: Library, instance_id: str) -> list[Record]:
    """The open requests of a title by position; those for its items stand in the same queue."""
    waiting = (
        each for each in library.requests.values() if each.get("instanceId") == instance_id and is_open(each)
    )
    return sorted(waiting, key=lambda each: each.get("position", 0))


def queue_of_item(library: Library, item_id: str) -> list[Record]:
    waiting = (each for each in library.requests.values() if each.get("itemId") == item_id and is_open(each))
    return sorted(waiting, key=lambda each: each.get("position", 0))


def next_for_item(library: Library, item: Record) -> Record | None:
    """The first request that this very item can fill."""
    instance_id = library.holdings.get(item["holdingsRecordId"], {}).get("instanceId", "")
    queue = queue_of_instance(library, instance_id)
    mine = (each for each in queue if each.get("itemId", item["id"]) == item["id"])
    return next(mine, None)


def close(library: Library, request: Record, status: str) -> None:
    """End a request; those behind it move up."""
    position = request.pop("position", None)
    request["status"] = status
    if position is None:
        return
    for other in queue_of_instance(library, request["instanceId"]):
        if other.get("position", 0) > position:
            other["position"] -= 1


def instance_queue(exchange: Exchange) -> Response:
    return shown(exchange.library, queue_of_instance(exchange.library, exchange.uuid()))


def item_queue(exchange: Exchange) -> Response:
    return shown(exchange.library, queue_of_item(exchange.library, exchange.uuid()))


def shown(library: Library, queue: list[Record]) -> Response:
    rows = circulation_requests(library, queue[:LONGEST_QUEUE])
    return answer({"requests": rows, "totalRecords": len(rows)})

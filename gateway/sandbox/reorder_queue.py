"""Putting those who wait into another order."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from gateway.sandbox.body import is_uuid
from gateway.sandbox.exchange import Exchange
from gateway.sandbox.library import Record, Shelved
from gateway.sandbox.refusals import LoanOrRequestNotFound, Refused, reason
from gateway.sandbox.request_queue import queue_of_instance, queue_of_item, shown

NOT_STARTED = "Open - Not yet filled"


def reorder_instance_queue(exchange: Exchange) -> Response:
    key = existing(exchange, exchange.library.instances, "instance")
    return reordered(exchange, queue_of_instance(exchange.library, key), {"instanceId": key})


def reorder_item_queue(exchange: Exchange) -> Response:
    """Those for one copy trade the places they have in the queue of the title."""
    key = existing(exchange, exchange.library.items, "item")
    return reordered(exchange, queue_of_item(exchange.library, key), {"itemId": key})


def existing(exchange: Exchange, shelved: Shelved, name: str) -> str:
    key = exchange.uuid()
    if key not in shelved:
        raise LoanOrRequestNotFound(f'{name} record with ID "{key}" cannot be found')
    return key


def reordered(exchange: Exchange, queue: list[Record], of: dict[str, str]) -> Response:
    asked = new_positions(exchange)
    for check in (inconsistent, with_gaps, displacing):
        reasons = [found | {"parameters": parameters(of)} for found in check(queue, asked)]
        if reasons:
            raise Refused(reasons)
    places = sorted(request["position"] for request in queue)
    wanted = dict(asked)
    queue.sort(key=lambda request: wanted[request["id"]])
    for place, request in zip(places, queue, strict=True):
        request["position"] = place
    return shown(exchange.library, queue)


def new_positions(exchange: Exchange) -> list[tuple[str, int]]:
    rows = exchange.record().get("reorderedQueue")
    if not isinstance(rows, list):
        raise exchange.unreadable("reorderedQueue is not an array")
    return [row_of(exchange, row) for row in rows]


def row_of(exchange: Exchange, row: object) -> tuple[str, int]:
    key, position = (row.get("id"), row.get("newPosition")) if isinstance(row, dict) else (None, None)
    if not is_uuid(key) or not isinstance(position, int) or isinstance(position, bool):
        raise exchange.unreadable("a row of reorderedQueue needs an id and a newPosition")
    return str(key).lower(), position


def parameters(of: dict[str, str]) -> list[Record]:
    return [{"key": key, "value": value} for key, value in of.items()]


def inconsistent(queue: list[Record], asked: list[tuple[str, int]]) -> Iterator[Record]:
    if sorted(key for key, _ in asked) != sorted(request["id"] for request in queue):
        yield reason("There is inconsistency between provided reordered queue and request queue.")


def with_gaps(queue: list[Record], asked: list[tuple[str, int]]) -> Iterator[Record]:
    if sorted(position for _, position in asked) != list(range(1, len(queue) + 1)):
        yield reason("Positions must have sequential order.")


def displacing(queue: list[Record], asked: list[tuple[str, int]]) -> Iterator[Record]:
    """Whoever is being served stays in front: started requests and pages at the head keep the head."""
    wanted, head = dict(asked), len(queue)
    for index, request in enumerate(queue):
        if request["status"] == NOT_STARTED and request["requestType"] != "Page":
            head = index
            break
    for request in queue[:head]:
        if wanted[request["id"]] > head:
            what = "Page requests" if request["status"] == NOT_STARTED else "Requests"
            yield reason(f"{what} can not be displaced from position {request['position']}.")
            return

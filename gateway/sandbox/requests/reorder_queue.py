"""The reordering of request queues."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from gateway.sandbox.http.errors import CirculationNotFound, Refused, reason
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.http.validation import is_uuid
from gateway.sandbox.library import Record, RecordsById
from gateway.sandbox.log.records import editor_of
from gateway.sandbox.log.requests import log_new_position
from gateway.sandbox.requests.request_queue import get_instance_queue, get_item_queue, queue_response

NOT_STARTED = "Open - Not yet filled"


def reorder_instance_queue(http_request: HttpRequest) -> Response:
    key = require_record(http_request, http_request.library.instances, "instance")
    return reorder(http_request, get_instance_queue(http_request.library, key), {"instanceId": key})


def reorder_item_queue(http_request: HttpRequest) -> Response:
    """POST a new order for one item; its requests exchange their positions in the instance's queue."""
    key = require_record(http_request, http_request.library.items, "item")
    return reorder(http_request, get_item_queue(http_request.library, key), {"itemId": key})


def require_record(http_request: HttpRequest, records: RecordsById, name: str) -> str:
    key = http_request.path_uuid()
    if key not in records:
        raise CirculationNotFound(f'{name} record with ID "{key}" cannot be found')
    return key


def reorder(http_request: HttpRequest, queue: list[Record], key_fields: dict[str, str]) -> Response:
    positions = parse_positions(http_request)
    for check in (find_inconsistency, find_gaps, find_displacement):
        reasons = [error | {"parameters": error_parameters(key_fields)} for error in check(queue, positions)]
        if reasons:
            raise Refused(reasons)
    free_positions = sorted(request["position"] for request in queue)
    position_by_id = dict(positions)
    queue.sort(key=lambda request: position_by_id[request["id"]])
    for position, request in zip(free_positions, queue, strict=True):
        former, request["position"] = request["position"], position
        if former != position:
            log_new_position(http_request.library, request, former, editor_of(request))
    return queue_response(http_request.library, queue)


def parse_positions(http_request: HttpRequest) -> list[tuple[str, int]]:
    rows = http_request.json_object().get("reorderedQueue")
    if not isinstance(rows, list):
        raise http_request.invalid_input("reorderedQueue is not an array")
    return [parse_row(http_request, row) for row in rows]


def parse_row(http_request: HttpRequest, row: object) -> tuple[str, int]:
    key, position = (row.get("id"), row.get("newPosition")) if isinstance(row, dict) else (None, None)
    if not is_uuid(key) or not isinstance(position, int) or isinstance(position, bool):
        raise http_request.invalid_input("a row of reorderedQueue needs an id and a newPosition")
    return str(key).lower(), position


def error_parameters(key_fields: dict[str, str]) -> list[Record]:
    return [{"key": key, "value": value} for key, value in key_fields.items()]


def find_inconsistency(queue: list[Record], positions: list[tuple[str, int]]) -> Iterator[Record]:
    if sorted(key for key, _ in positions) != sorted(request["id"] for request in queue):
        yield reason("There is inconsistency between provided reordered queue and request queue.")


def find_gaps(queue: list[Record], positions: list[tuple[str, int]]) -> Iterator[Record]:
    if sorted(position for _, position in positions) != list(range(1, len(queue) + 1)):
        yield reason("Positions must have sequential order.")


def find_displacement(queue: list[Record], positions: list[tuple[str, int]]) -> Iterator[Record]:
    """Return the reason if a started request or a Page at the head of the queue loses the head."""
    position_by_id, head = dict(positions), len(queue)
    for index, request in enumerate(queue):
        if request["status"] == NOT_STARTED and request["requestType"] != "Page":
            head = index
            break
    for request in queue[:head]:
        if position_by_id[request["id"]] > head:
            subject = "Page requests" if request["status"] == NOT_STARTED else "Requests"
            yield reason(f"{subject} can not be displaced from position {request['position']}.")
            return

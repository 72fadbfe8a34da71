"""The move of a request to another item of the same instance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from starlette.responses import Response

from gateway.sandbox.collections.item_context import get_item_context
from gateway.sandbox.collections.requests import circulation_requests, is_open
from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.http.validation import validate_body
from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.requests import log_move
from gateway.sandbox.metadata import stamp
from gateway.sandbox.requests.create_request import apply_to_item
from gateway.sandbox.requests.pickup_points import pickup_policy_reasons, places_for_item
from gateway.sandbox.requests.refusals import type_not_allowed_reason
from gateway.sandbox.requests.request_queue import get_item_queue
from gateway.sandbox.requests.request_types import REQUEST_TYPES
from gateway.sandbox.requests.update_request import already_closed_reason, get_request, release_item

KINDS = {"destinationItemId": "uuid", "requestType": "text"}
REQUIRED = {"destinationItemId": "A request is moved to an item"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    library: Library
    caller: Caller
    request: Record
    item_id: str
    kind: str

    @property
    def item(self) -> Record | None:
        return self.library.items.get(self.item_id)


def move_request(http_request: HttpRequest) -> Response:
    """POST a move: the request keeps its position in the queue and starts over with the new item."""
    library, request = http_request.library, get_request(http_request)
    body = validate_body(http_request, KINDS, REQUIRED)
    attempt = Move(
        library=library,
        caller=http_request.caller,
        request=request,
        item_id=body["destinationItemId"].lower(),
        kind=str(body.get("requestType", request["requestType"])),
    )
    if attempt.kind not in REQUEST_TYPES:
        raise http_request.invalid_input(f"requestType is not valid: {attempt.kind}")
    if attempt.item is not None and attempt.item["status"]["name"] == "Available":
        attempt = replace(attempt, kind="Page")  # also if another type was requested
    reasons = list(find_reasons(attempt))
    if reasons:
        raise Refused(reasons)
    change_item(attempt)
    (view,) = circulation_requests(library, [request])
    return json_response(view)


def change_item(attempt: Move) -> None:
    library, request = attempt.library, attempt.request
    item = attempt.item or {}  # validation ensures that it exists
    former_id = request.get("itemId")
    former = library.items.get(former_id or "")
    request |= {
        "itemId": item["id"],
        "holdingsRecordId": item["holdingsRecordId"],
        "requestType": attempt.kind,
        "status": "Open - Not yet filled",
    }
    request.pop("holdShelfExpirationDate", None)
    if former is not None:
        release_item(library, former)
    stamp(request, attempt.caller, library.now())
    log_move(library, request, former_id)
    apply_to_item(library, request, item, attempt.caller)


def find_reasons(attempt: Move) -> Iterator[Record]:
    library, request, item = attempt.library, attempt.request, attempt.item
    if not is_open(request):
        yield already_closed_reason(request)
    elif item is None:
        yield reason("Item does not exist", {"itemId": attempt.item_id})
    elif request.get("itemId") == item["id"]:
        message = "Not allowed to move a request to the item it is for"
        parameters = {"id": request["id"], "itemId": item["id"]}
        yield reason(message, parameters, code="MOVING_REQUEST_TO_THE_SAME_ITEM")
    elif get_item_context(library, item).instance.get("id") != request["instanceId"]:
        message = "Request can only be moved to an item with the same instance ID"
        yield reason(message, {"itemId": item["id"], "instanceId": request["instanceId"]})
    else:
        yield from requester_reasons(attempt, item)
        user = library.users.get(request.get("requesterId", ""), {})
        places = places_for_item(library, user, item)
        if attempt.kind not in places:
            yield type_not_allowed_reason(attempt.kind, "item")
        else:
            yield from pickup_policy_reasons(request, places[attempt.kind])


def requester_reasons(attempt: Move, item: Record) -> Iterator[Record]:
    """Refuse an item that the requester has already requested or borrowed."""
    requester_id = attempt.request.get("requesterId")
    for other in get_item_queue(attempt.library, item["id"]):
        if other.get("requesterId") == requester_id:
            message = "This requester already has an open request for this item"
            parameters = {"requesterId": requester_id, "itemId": item["id"], "requestId": other["id"]}
            yield reason(message, parameters, code="ITEM_ALREADY_REQUESTED")
            return
    loan = attempt.library.open_loan_of_item(item["id"])
    if loan is not None and loan.get("userId") == requester_id:
        parameters = {"itemId": item["id"], "userId": requester_id, "loanId": loan["id"]}
        code = "REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN"
        yield reason("This requester already has this item on loan", parameters, code=code)

"""Giving a request another copy of the same title."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.responses import Response

from gateway.sandbox.body import checked
from gateway.sandbox.create_request import take_effect
from gateway.sandbox.exchange import Exchange, answer
from gateway.sandbox.item import copy_of
from gateway.sandbox.library import Library, Record
from gateway.sandbox.permissions import Caller
from gateway.sandbox.pickup import not_allowed_at
from gateway.sandbox.refusals import Refused, reason
from gateway.sandbox.request import circulation_requests, is_open
from gateway.sandbox.request_queue import queue_of_item
from gateway.sandbox.request_refusals import not_for
from gateway.sandbox.request_rules import TYPES, places_for_item
from gateway.sandbox.update_request import closed_already, put_back, stored_request

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


def move_request(exchange: Exchange) -> Response:
    """The request keeps its place in the title's queue and starts over with the new copy."""
    library, request = exchange.library, stored_request(exchange)
    body = checked(exchange, KINDS, REQUIRED)
    attempt = Move(
        library=library,
        caller=exchange.caller,
        request=request,
        item_id=body["destinationItemId"].lower(),
        kind=str(body.get("requestType", request["requestType"])),
    )
    if attempt.kind not in TYPES:
        raise exchange.unreadable(f"requestType is not valid: {attempt.kind}")
    reasons = list(refusals(attempt))
    if reasons:
        raise Refused(reasons)
    change_copy(attempt)
    (view,) = circulation_requests(library, [request])
    return answer(view)


def change_copy(attempt: Move) -> None:
    library, request, item = attempt.library, attempt.request, attempt.item or {}  # found, or refused
    former = library.items.get(request.get("itemId", ""))
    request |= {
        "itemId": item["id"],
        "holdingsRecordId": item["holdingsRecordId"],
        "requestType": attempt.kind,
        "status": "Open - Not yet filled",
    }
    request.pop("holdShelfExpirationDate", None)
    if former is not None:
        put_back(library, former)
    take_effect(library, request, item, attempt.caller)


def refusals(attempt: Move) -> Iterator[Record]:
    library, request, item = attempt.library, attempt.request, attempt.item
    if not is_open(request):
        yield closed_already(request)
    elif item is None:
        yield reason("Item does not exist", {"itemId": attempt.item_id})
    elif request.get("itemId") == item["id"]:
        message = "Not allowed to move a request to the item it is for"
        parameters = {"id": request["id"], "itemId": item["id"]}
        yield reason(message, parameters, code="MOVING_REQUEST_TO_THE_SAME_ITEM")
    elif copy_of(library, item).instance.get("id") != request["instanceId"]:
        message = "Request can only be moved to an item with the same instance ID"
        yield reason(message, {"itemId": item["id"], "instanceId": request["instanceId"]})
    else:
        yield from requester_refusals(attempt, item)
        user = library.users.get(request.get("requesterId", ""), {})
        places = places_for_item(library, user, item)
        if attempt.kind not in places:
            yield not_for(attempt.kind, "item")
        else:
            yield from not_allowed_at(request, places[attempt.kind])


def requester_refusals(attempt: Move, item: Record) -> Iterator[Record]:
    """Nobody gets a copy twice, or one that they have."""
    requester_id = attempt.request.get("requesterId")
    for other in queue_of_item(attempt.library, item["id"]):
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

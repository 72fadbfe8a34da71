"""Changing or cancelling a request: the whole record is written anew."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from gateway.sandbox.check_in import move
from gateway.sandbox.exchange import Exchange
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.pickup import not_allowed_at, pickup_refusals
from gateway.sandbox.refusals import LoanOrRequestNotFound, Refused, reason
from gateway.sandbox.request import NOT_FOUND_TEXT, is_open
from gateway.sandbox.request_body import REQUIRED, request_body
from gateway.sandbox.request_queue import close, queue_of_item
from gateway.sandbox.request_rules import pickup_points, request_policy_for

CHANGEABLE = fields(
    "patronComments fulfillmentPreference deliveryAddressTypeId requestExpirationDate "
    "holdShelfExpirationDate pickupServicePointId tags cancellationReasonId cancelledByUserId "
    "cancellationAdditionalInformation cancelledDate"
)
CANCELLED = "Closed - Cancelled"
OF_CANCELLING = ("cancellationReasonId", "cancelledByUserId", "cancelledDate")
STATUSES = {
    "Open - Not yet filled",
    "Open - Awaiting pickup",
    "Open - In transit",
    "Open - Awaiting delivery",
    "Closed - Filled",
    "Closed - Cancelled",
    "Closed - Unfilled",
    "Closed - Pickup expired",
}


def update_request(exchange: Exchange) -> Response:
    library, request = exchange.library, stored_request(exchange)
    if not is_open(request):
        raise Refused([closed_already(request)])
    body = request_body(exchange, REQUIRED)
    status = body.get("status", request["status"])
    if status not in STATUSES:
        raise exchange.unreadable(f"status is not valid: {status}")
    reasons = list(refusals(library, request, body | {"status": status}))
    if reasons:
        raise Refused(reasons)
    rewrite(library, request, body)
    if str(status).startswith("Closed"):
        end(library, request, status)
    else:
        request["status"] = status
    return Response(status_code=204)


def stored_request(exchange: Exchange) -> Record:
    key = exchange.uuid()
    if key not in exchange.library.requests:
        raise LoanOrRequestNotFound(NOT_FOUND_TEXT.format(id=key))
    return exchange.library.requests[key]


def closed_already(request: Record) -> Record:
    message = "The Request has already been closed"
    return reason(message, {"id": request["id"]}, code="REQUEST_ALREADY_CLOSED")


def refusals(library: Library, request: Record, body: Record) -> Iterator[Record]:
    if body["status"] == CANCELLED:
        for name in OF_CANCELLING:
            if name not in body:
                yield reason(f"A cancelled request needs its {name}", {name: None})
        key = body.get("cancellationReasonId")
        if key is not None and key not in library.cancellation_reasons:
            yield reason("Cancellation reason does not exist", {"cancellationReasonId": key})
        return
    wrong = list(pickup_refusals(library, body))
    yield from wrong
    if not wrong and body.get("pickupServicePointId") != request.get("pickupServicePointId"):
        yield from policy_refusals(library, request, body)


def policy_refusals(library: Library, request: Record, body: Record) -> Iterator[Record]:
    """The policy is asked again only about a new place."""
    item = library.items.get(request.get("itemId", ""))
    user = library.users.get(request.get("requesterId", ""), {})
    policy = None if item is None else request_policy_for(library, user, item)
    yield from not_allowed_at(body, pickup_points(library, policy, request["requestType"]))


def rewrite(library: Library, request: Record, body: Record) -> None:
    """Take over what may change; what the body leaves out is gone."""
    for name in CHANGEABLE:
        request.pop(name, None)
        if name in body:
            request[name] = body[name]
    if "metadata" in request:
        request["metadata"]["updatedDate"] = library.now()


def end(library: Library, request: Record, status: str) -> None:
    close(library, request, status)
    item = library.items.get(request.get("itemId", ""))
    if item is not None:
        put_back(library, item)


def put_back(library: Library, item: Record) -> None:
    """A copy that nobody fetches any more; one on the hold shelf or on its way waits for its next scan."""
    if item["status"]["name"] == "Paged" and not queue_of_item(library, item["id"]):
        move(library, item, "Available")

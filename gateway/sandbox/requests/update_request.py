"""The update or cancellation of a request by replacing its record."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from gateway.sandbox.collections.circulation_rules import find_request_policy
from gateway.sandbox.collections.items import set_item_status
from gateway.sandbox.collections.requests import REQUEST_NOT_FOUND, is_open
from gateway.sandbox.http.errors import CirculationNotFound, Refused, reason
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.library import Library, Record, split_names
from gateway.sandbox.log.loans import log_due_date_of_item
from gateway.sandbox.log.requests import log_update
from gateway.sandbox.metadata import stamp
from gateway.sandbox.requests.pickup_points import pickup_points, pickup_policy_reasons, pickup_reasons
from gateway.sandbox.requests.request_body import REQUIRED, request_body
from gateway.sandbox.requests.request_queue import close_request, get_item_queue

CHANGEABLE = split_names(
    "fulfillmentPreference deliveryAddressTypeId requestExpirationDate "
    "holdShelfExpirationDate pickupServicePointId tags cancellationReasonId cancelledByUserId "
    "cancellationAdditionalInformation cancelledDate"
)
CANCELLED = "Closed - Cancelled"
CANCELLATION_FIELDS = ("cancellationReasonId", "cancelledByUserId", "cancelledDate")
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


def update_request(http_request: HttpRequest) -> Response:
    library, request = http_request.library, get_request(http_request)
    if not is_open(request):
        raise Refused([already_closed_reason(request)])
    body = request_body(http_request, REQUIRED)
    status = body.get("status", request["status"])
    if status not in STATUSES:
        raise http_request.invalid_input(f"status is not valid: {status}")
    comments = request.get("patronComments")
    if body.get("patronComments") != comments:
        raise Refused(
            [reason("Patron comments are not allowed to change", {"existingPatronComments": comments})]
        )
    reasons = list(find_reasons(library, request, body | {"status": status}))
    if reasons:
        raise Refused(reasons)
    former = request.copy()
    replace_fields(request, body)
    stamp(request, http_request.caller, library.now())
    if str(status).startswith("Closed"):
        close_and_release(library, request, status)
    else:
        request["status"] = status
    log_update(library, request, former)
    log_due_date_of_item(library, request.get("itemId"))
    return Response(status_code=204)


def get_request(http_request: HttpRequest) -> Record:
    key = http_request.path_uuid()
    if key not in http_request.library.requests:
        raise CirculationNotFound(REQUEST_NOT_FOUND.format(id=key))
    return http_request.library.requests[key]


def already_closed_reason(request: Record) -> Record:
    message = "The Request has already been closed"
    return reason(message, {"id": request["id"]}, code="REQUEST_ALREADY_CLOSED")


def find_reasons(library: Library, request: Record, body: Record) -> Iterator[Record]:
    if body["status"] == CANCELLED:
        for name in CANCELLATION_FIELDS:
            if name not in body:
                yield reason(f"A cancelled request needs its {name}", {name: None})
        key = body.get("cancellationReasonId")
        if key is not None and key not in library.cancellation_reasons:
            yield reason("Cancellation reason does not exist", {"cancellationReasonId": key})
        return
    reasons = list(pickup_reasons(library, body))
    yield from reasons
    if not reasons and body.get("pickupServicePointId") != request.get("pickupServicePointId"):
        yield from policy_reasons(library, request, body)


def policy_reasons(library: Library, request: Record, body: Record) -> Iterator[Record]:
    """Check a changed pickup service point against the request policy."""
    item = library.items.get(request.get("itemId", ""))
    user = library.users.get(request.get("requesterId", ""), {})
    policy = None if item is None else find_request_policy(library, user, item)
    yield from pickup_policy_reasons(body, pickup_points(library, policy, request["requestType"]))


def replace_fields(request: Record, body: Record) -> None:
    """Replace the changeable fields; those absent from the body are removed."""
    for name in CHANGEABLE:
        request.pop(name, None)
        if name in body:
            request[name] = body[name]


def close_and_release(library: Library, request: Record, status: str) -> None:
    close_request(library, request, status)
    item = library.items.get(request.get("itemId", ""))
    if item is not None:
        release_item(library, item)


def release_item(library: Library, item: Record) -> None:
    """Release a paged item without requests; one on the hold shelf or in transit waits for its next scan."""
    if item["status"]["name"] == "Paged" and not get_item_queue(library, item["id"]):
        set_item_status(library, item, "Available")

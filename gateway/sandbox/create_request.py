"""Asking for a copy or a title, and what follows from it."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox import loan_history
from gateway.sandbox.check_in import move
from gateway.sandbox.check_out import signed
from gateway.sandbox.clock import after, iso, moment_of
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.override import Overrides, overrides
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import Refused
from gateway.sandbox.request import circulation_requests, request_view, through_bff
from gateway.sandbox.request_body import REQUIRED, request_body
from gateway.sandbox.request_queue import queue_of_instance
from gateway.sandbox.request_refusals import refusals
from gateway.sandbox.wish import Wish, matched

STORED = fields(
    "id requestType requestLevel requestDate patronComments requesterId proxyUserId instanceId "
    "holdingsRecordId itemId fulfillmentPreference deliveryAddressTypeId requestExpirationDate "
    "pickupServicePointId tags"
)
RECALL_INTERVAL = {"duration": 7, "intervalId": "Days"}  # unless the loan policy says otherwise


def bff_create_request(exchange: Exchange) -> Response:
    """The BFF shows the request with its own types, and without the loan that is in the way."""
    request = grant(wish(exchange))
    return answer(through_bff(request_view(exchange.library, request)), 201)


def circulation_create_request(exchange: Exchange) -> Response:
    request = grant(wish(exchange))
    (view,) = circulation_requests(exchange.library, [request])
    return answer(view, 201, {"Location": f"/circulation/requests/{request['id']}"})


def wish(exchange: Exchange) -> Wish:
    body = request_body(exchange, REQUIRED)
    asked = body.get("requestProcessingParameters", {})
    if not isinstance(asked, dict):
        raise exchange.unreadable("requestProcessingParameters is not an object")
    lifted = overrides(exchange, asked.get("overrideBlocks"))
    # Only this one has a meaning for requests.
    blocks = {name: each for name, each in lifted.blocks.items() if name == "patronBlock"}
    return Wish(
        library=exchange.library,
        caller=exchange.caller,
        record=body,
        asked=Overrides(blocks=blocks, comment=lifted.comment),
    )


def grant(wanted: Wish) -> Record:
    """Store the request at the end of its queue, with all that follows from it.

    Raises Refused, and then nothing has changed.
    """
    reasons = refusals(wanted)
    if reasons:
        raise Refused(reasons)
    library, item = wanted.library, matched(wanted)
    request = {name: wanted.record.get(name) for name in STORED}
    request |= {
        "id": wanted.record.get("id") or library.new_id(),
        "status": "Open - Not yet filled",
        "position": len(queue_of_instance(library, wanted.record["instanceId"])) + 1,
        "metadata": signed(library.now(), wanted.caller),
    }
    if item is not None:
        request |= {"itemId": item["id"], "holdingsRecordId": item["holdingsRecordId"]}
    stored = without_nulls(request)
    library.requests[stored["id"]] = stored
    if item is not None:
        take_effect(library, stored, item, wanted.caller)
    return stored


def take_effect(library: Library, request: Record, item: Record, who: Caller) -> None:
    """What a request does to the copy: it is fetched from the shelf, or its borrower hears of it."""
    if request["requestType"] == "Page":
        move(library, item, "Paged")
        return
    loan = library.open_loan_of_item(item["id"])
    if loan is None:
        return
    loan["action"] = "recallrequested" if request["requestType"] == "Recall" else "holdrequested"
    loan.pop("actionComment", None)
    if request["requestType"] == "Recall":
        shorten(library, loan)
    loan_history.changed(library, loan, who)


def shorten(library: Library, loan: Record) -> None:
    """A recalled loan ends soon; it is never made longer, and never shortened twice."""
    policy = library.loan_policies.get(loan.get("loanPolicyId", ""), {})
    recalls = policy.get("requestManagement", {}).get("recalls", {})
    due = after(library.clock.now(), recalls.get("recallReturnInterval", RECALL_INTERVAL))
    if not loan.get("dueDateChangedByRecall") and due < moment_of(loan["dueDate"]):
        loan |= {"dueDate": iso(due), "dueDateChangedByRecall": True}

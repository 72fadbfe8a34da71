"""The creation of requests, with its effects on the item and its loan."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.clock import add_period, format_timestamp, parse_timestamp
from gateway.sandbox.collections.items import set_item_status
from gateway.sandbox.collections.loan_history import record_change
from gateway.sandbox.collections.requests import circulation_requests, request_view, to_bff_request
from gateway.sandbox.http.errors import Refused
from gateway.sandbox.http.overrides import Overrides, parse_overrides
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import HttpRequest, json_response, omit_nulls
from gateway.sandbox.library import Library, Record, split_names
from gateway.sandbox.log.loans import RECALL_REQUESTED, log_due_date
from gateway.sandbox.log.records import editor_of
from gateway.sandbox.log.requests import log_creation
from gateway.sandbox.requests.new_request import NewRequest, select_item
from gateway.sandbox.requests.refusals import find_reasons
from gateway.sandbox.requests.request_body import REQUIRED, request_body
from gateway.sandbox.requests.request_queue import get_instance_queue, get_item_queue

STORED_FIELDS = split_names(
    "id requestType requestLevel requestDate patronComments requesterId proxyUserId instanceId "
    "holdingsRecordId itemId fulfillmentPreference deliveryAddressTypeId requestExpirationDate "
    "pickupServicePointId tags"
)
DEFAULT_RECALL_INTERVAL = {"duration": 7, "intervalId": "Days"}  # unless the loan policy sets another


def bff_create_request(http_request: HttpRequest) -> Response:
    """POST at the BFF, which renders the request with its own types and without the item's loan."""
    request = create_request(parse_new_request(http_request))
    return json_response(to_bff_request(request_view(http_request.library, request)), 201)


def circulation_create_request(http_request: HttpRequest) -> Response:
    request = create_request(parse_new_request(http_request))
    (view,) = circulation_requests(http_request.library, [request])
    return json_response(view, 201, {"Location": f"/circulation/requests/{request['id']}"})


def parse_new_request(http_request: HttpRequest) -> NewRequest:
    body = request_body(http_request, REQUIRED)
    parameters = body.get("requestProcessingParameters", {})
    if not isinstance(parameters, dict):
        raise http_request.invalid_input("requestProcessingParameters is not an object")
    overrides = parse_overrides(http_request, parameters.get("overrideBlocks"))
    # Requests support no other block.
    blocks = {name: each for name, each in overrides.blocks.items() if name == "patronBlock"}
    return NewRequest(
        library=http_request.library,
        caller=http_request.caller,
        record=body,
        overrides=Overrides(blocks=blocks, comment=overrides.comment),
    )


def create_request(new_request: NewRequest) -> Record:
    """Store the request at the end of its queue and apply it to the item.

    Raises Refused without changing anything.
    """
    reasons = find_reasons(new_request)
    if reasons:
        raise Refused(reasons)
    library, item = new_request.library, select_item(new_request)
    request = {name: new_request.record.get(name) for name in STORED_FIELDS}
    request |= {
        "id": new_request.record.get("id") or library.new_id(),
        "status": "Open - Not yet filled",
        "position": len(get_instance_queue(library, new_request.record["instanceId"])) + 1,
        "metadata": new_request.caller.creation_metadata(library.now()),
    }
    if item is not None:
        request |= {"itemId": item["id"], "holdingsRecordId": item["holdingsRecordId"]}
    stored = omit_nulls(request)
    library.requests[stored["id"]] = stored
    log_creation(library, stored, is_override=bool(new_request.overrides.blocks))
    if item is not None:
        apply_to_item(library, stored, item, new_request.caller)
    return stored


def apply_to_item(library: Library, request: Record, item: Record, caller: Caller) -> None:
    """Apply a request to its item: page it, or mark (and for a recall shorten) its loan."""
    if request["requestType"] == "Page":
        set_item_status(library, item, "Paged")
        return
    loan = library.open_loan_of_item(item["id"])
    if loan is None:
        return
    former_due_date, former_editor = loan.get("dueDate"), editor_of(loan)
    loan["action"] = "recallrequested" if request["requestType"] == "Recall" else "holdrequested"
    loan.pop("actionComment", None)
    if request["requestType"] == "Recall":
        shorten_recalled_loan(library, loan)
    record_change(library, loan, caller)
    log_due_date(library, loan, former_due_date, editor_of(loan))
    if request["requestType"] == "Recall" and count_waiting_recalls(library, item) == 1:
        log_due_date(library, loan, former_due_date, former_editor, RECALL_REQUESTED)


def count_waiting_recalls(library: Library, item: Record) -> int:
    """Count the recalls that no check-in has assigned; only the first one is announced."""
    queue = get_item_queue(library, item["id"])
    return sum(
        each["requestType"] == "Recall" and each["status"] == "Open - Not yet filled" for each in queue
    )


def shorten_recalled_loan(library: Library, loan: Record) -> None:
    """Shorten a recalled loan; it is never extended, and never shortened twice."""
    policy = library.loan_policies.get(loan.get("loanPolicyId", ""), {})
    recalls = policy.get("requestManagement", {}).get("recalls", {})
    due = add_period(library.clock.now(), recalls.get("recallReturnInterval", DEFAULT_RECALL_INTERVAL))
    if not loan.get("dueDateChangedByRecall") and due < parse_timestamp(loan["dueDate"]):
        loan |= {"dueDate": format_timestamp(due), "dueDateChangedByRecall": True}

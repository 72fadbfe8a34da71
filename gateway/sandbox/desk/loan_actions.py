"""Writes on a loan: declare lost, claim returned, declare missing, change the due date, add a note."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.clock import format_timestamp, parse_timestamp
from gateway.sandbox.collections.accounts import charge_lost_item_fees
from gateway.sandbox.collections.loan_history import record_change
from gateway.sandbox.collections.loans import LOAN_NOT_FOUND
from gateway.sandbox.http.errors import ApiError, CirculationNotFound, InvalidRequest, Refused, reason
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.http.validation import validate_body
from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.loans import log_comment, log_due_date, log_loan_action
from gateway.sandbox.log.records import editor_of
from gateway.sandbox.requests.request_queue import get_item_queue

SERVICE_POINT_REQUIRED = "A service point is required for item to be declared lost"
LOST_KINDS = {"servicePointId": "uuid", "declaredLostDateTime": "date", "comment": "text"}
LOST_REQUIRED = {
    "servicePointId": SERVICE_POINT_REQUIRED,
    "declaredLostDateTime": "A date is required for item to be declared lost",
}
CLAIM_KINDS = {"itemClaimedReturnedDateTime": "date", "comment": "text"}
CLAIM_REQUIRED = {"itemClaimedReturnedDateTime": "Item claimed returned date is a required field"}
MISSING_KINDS = {"comment": "text"}
MISSING_REQUIRED = {"comment": "Comment is a required field"}
DUE_DATE_REQUIRED = {"dueDate": "A new due date is required in order to change the due date"}
INFO_ACTIONS = ("patronInfoAdded", "staffInfoAdded")
INFO_REQUIRED = (
    f"An action of type {INFO_ACTIONS[0]} or {INFO_ACTIONS[1]}, with associated actionComment, "
    "required in order to add info"
)
# The due date of an item in these statuses cannot change.
WITHOUT_DUE_DATE_CHANGE = {"Aged to lost", "Claimed returned", "Declared lost"}
NOT_DECLARED_MISSING = "FAILED_TO_DECLARE_CLAIMED_RETURNED_ITEM_AS_MISSING"


def get_loan(http_request: HttpRequest) -> Record:
    loan_id = http_request.path_uuid()
    loan = http_request.library.loans.get(loan_id)
    if loan is None:
        raise CirculationNotFound(LOAN_NOT_FOUND.format(id=loan_id))
    return loan


def get_open_loan(http_request: HttpRequest) -> Record:
    loan = get_loan(http_request)
    if loan["status"]["name"] != "Open":
        raise Refused([reason("Loan is closed", {"loanId": loan["id"]})])
    return loan


def declare_item_lost(http_request: HttpRequest) -> Response:
    library, body = http_request.library, validate_body(http_request, LOST_KINDS, LOST_REQUIRED)
    loan = get_open_loan(http_request)
    service_point_id = body["servicePointId"].lower()
    if get_item_status(library, loan) == "Declared lost":
        raise Refused([reason("The item is already declared lost", {"itemId": loan["itemId"]})])
    if service_point_id not in library.service_points:
        raise Refused([reason(SERVICE_POINT_REQUIRED, {"servicePointId": service_point_id})])
    loan |= {
        "action": "declaredLost",
        "actionComment": body.get("comment", ""),
        "declaredLostDate": format_timestamp(parse_timestamp(body["declaredLostDateTime"])),
    }
    set_loan_item_status(library, loan, "Declared lost")
    is_charged = charge_lost_item_fees(library, loan, http_request.caller)
    log_comment(library, loan, editor_of(loan))
    if not is_charged:
        record_loan_change(http_request, loan)
        close_as_paid(library, loan)
    return record_loan_change(http_request, loan)


def close_as_paid(library: Library, loan: Record) -> None:
    """Close the loan of a lost item for which nothing is to be paid; the comment is dropped."""
    loan |= {"action": "closedLoan", "status": {"name": "Closed"}, "returnDate": library.now()}
    loan.pop("actionComment", None)
    set_loan_item_status(library, loan, "Lost and paid")


def claim_item_returned(http_request: HttpRequest) -> Response:
    body = validate_body(http_request, CLAIM_KINDS, CLAIM_REQUIRED)
    loan = get_open_loan(http_request)
    loan |= {
        "action": "claimedReturned",
        "claimedReturnedDate": format_timestamp(parse_timestamp(body["itemClaimedReturnedDateTime"])),
    }
    if body.get("comment", "").strip():  # an empty comment keeps the previous one
        loan["actionComment"] = body["comment"]
    set_loan_item_status(http_request.library, loan, "Claimed returned")
    log_comment(http_request.library, loan, editor_of(loan))
    return record_loan_change(http_request, loan)


def declare_missing(http_request: HttpRequest) -> Response:
    """Declare an item missing that the patron claims to have returned; this closes the loan."""
    body = validate_body(http_request, MISSING_KINDS, MISSING_REQUIRED)
    loan = get_open_loan(http_request)
    if get_item_status(http_request.library, loan) != "Claimed returned":
        raise Refused([reason("Item is not Claimed returned", {"itemId": loan["itemId"]})])
    loan |= {"action": "markedMissing", "actionComment": body["comment"], "status": {"name": "Closed"}}
    set_loan_item_status(http_request.library, loan, "Missing")
    log_comment(http_request.library, loan, editor_of(loan))
    return record_loan_change(http_request, loan)


def bff_declare_missing(http_request: HttpRequest) -> Response:
    """Replace every failure with one error, as the BFF does; the reason is lost."""
    try:
        return declare_missing(http_request)
    except InvalidRequest:
        raise  # the framework rejects such bodies before the BFF's own code runs
    except ApiError as error:
        loan_id = http_request.path_params["id"]
        message = f"Failed to declare claimed returned item as missing: loan {loan_id}"
        wrapped = reason(message, {"loanId": loan_id}, code=NOT_DECLARED_MISSING)
        raise Refused([wrapped], has_total=True) from error


def change_due_date(http_request: HttpRequest) -> Response:
    library = http_request.library
    body = validate_body(http_request, {"dueDate": "date"}, DUE_DATE_REQUIRED)
    loan = get_open_loan(http_request)
    status = get_item_status(library, loan)
    if status in WITHOUT_DUE_DATE_CHANGE:
        raise Refused([reason(f"item is {status}", {"itemId": loan["itemId"]})])
    former_due_date = loan.get("dueDate")
    # Action and comment stay those of the former change.
    loan["dueDate"] = format_timestamp(parse_timestamp(body["dueDate"]))
    clear_recall_flag(library, loan)
    log_due_date(library, loan, former_due_date, editor_of(loan))
    return record_loan_change(http_request, loan)


def add_info(http_request: HttpRequest) -> Response:
    """POST a note; a closed loan accepts it too."""
    body = validate_body(http_request, {"action": "text", "actionComment": "text"}, {})
    comment = body.get("actionComment", "")
    if body.get("action") not in INFO_ACTIONS or not comment.strip():
        raise Refused([reason(INFO_REQUIRED, {"action": None})])
    loan = get_loan(http_request)
    loan |= {"action": body["action"], "actionComment": comment}
    log_loan_action(http_request.library, loan, comment, editor_of(loan))
    return record_loan_change(http_request, loan)


def get_item_status(library: Library, loan: Record) -> str:
    """Return the status of the lent item, or the one stored in the loan if the item no longer exists."""
    item = library.items.get(loan["itemId"])
    return str(loan.get("itemStatus", "") if item is None else item["status"]["name"])


def set_loan_item_status(library: Library, loan: Record, status: str) -> None:
    loan["itemStatus"] = status
    if loan["itemId"] in library.items:
        library.items[loan["itemId"]]["status"] = {"name": status, "date": library.now()}


def clear_recall_flag(library: Library, loan: Record) -> None:
    """Clear the recall flag of a loan with a new due date unless a recall is open."""
    recalls = [each for each in get_item_queue(library, loan["itemId"]) if each["requestType"] == "Recall"]
    if loan.get("dueDateChangedByRecall") and not recalls:
        loan["dueDateChangedByRecall"] = False


def record_loan_change(http_request: HttpRequest, loan: Record) -> Response:
    record_change(http_request.library, loan, http_request.caller)
    return Response(status_code=204)

"""What the desk does to an open loan: lost, claimed, missing, another due date, a note."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox import loan_history, lost_fee
from gateway.sandbox.body import checked
from gateway.sandbox.clock import iso, moment_of
from gateway.sandbox.exchange import Exchange
from gateway.sandbox.library import Library, Record
from gateway.sandbox.loan import NOT_FOUND_TEXT
from gateway.sandbox.refusals import Answered, LoanOrRequestNotFound, Malformed, Refused, reason
from gateway.sandbox.request_queue import queue_of_item

SERVICE_POINT_NEEDED = "A service point is required for item to be declared lost"
LOST_KINDS = {"servicePointId": "uuid", "declaredLostDateTime": "date", "comment": "text"}
LOST_REQUIRED = {
    "servicePointId": SERVICE_POINT_NEEDED,
    "declaredLostDateTime": "A date is required for item to be declared lost",
}
CLAIM_KINDS = {"itemClaimedReturnedDateTime": "date", "comment": "text"}
CLAIM_REQUIRED = {"itemClaimedReturnedDateTime": "Item claimed returned date is a required field"}
MISSING_KINDS = {"comment": "text"}
MISSING_REQUIRED = {"comment": "Comment is a required field"}
DUE_DATE_REQUIRED = {"dueDate": "A new due date is required in order to change the due date"}
INFO_ACTIONS = ("patronInfoAdded", "staffInfoAdded")
INFO_NEEDED = (
    f"An action of type {INFO_ACTIONS[0]} or {INFO_ACTIONS[1]}, with associated actionComment, "
    "required in order to add info"
)
# A due date means nothing while the item is not simply out.
WITHOUT_DUE_DATE_CHANGE = {"Aged to lost", "Claimed returned", "Declared lost"}
NOT_DECLARED_MISSING = "FAILED_TO_DECLARE_CLAIMED_RETURNED_ITEM_AS_MISSING"


def found_loan(exchange: Exchange) -> Record:
    loan_id = exchange.uuid()
    loan = exchange.library.loans.get(loan_id)
    if loan is None:
        raise LoanOrRequestNotFound(NOT_FOUND_TEXT.format(id=loan_id))
    return loan


def open_loan(exchange: Exchange) -> Record:
    loan = found_loan(exchange)
    if loan["status"]["name"] != "Open":
        raise Refused([reason("Loan is closed", {"loanId": loan["id"]})])
    return loan


def declare_item_lost(exchange: Exchange) -> Response:
    library, body = exchange.library, checked(exchange, LOST_KINDS, LOST_REQUIRED)
    loan = open_loan(exchange)
    service_point_id = body["servicePointId"].lower()
    if status_of(library, loan) == "Declared lost":
        raise Refused([reason("The item is already declared lost", {"itemId": loan["itemId"]})])
    if service_point_id not in library.service_points:
        raise Refused([reason(SERVICE_POINT_NEEDED, {"servicePointId": service_point_id})])
    loan |= {
        "action": "declaredLost",
        "actionComment": body.get("comment", ""),
        "declaredLostDate": iso(moment_of(body["declaredLostDateTime"])),
    }
    give_status(library, loan, "Declared lost")
    lost_fee.charge(library, loan, exchange.caller)
    return taken_down(exchange, loan)


def claim_item_returned(exchange: Exchange) -> Response:
    body = checked(exchange, CLAIM_KINDS, CLAIM_REQUIRED)
    loan = open_loan(exchange)
    loan |= {
        "action": "claimedReturned",
        "claimedReturnedDate": iso(moment_of(body["itemClaimedReturnedDateTime"])),
    }
    if body.get("comment", "").strip():  # a claim without a word keeps the comment before it
        loan["actionComment"] = body["comment"]
    give_status(exchange.library, loan, "Claimed returned")
    return taken_down(exchange, loan)


def declare_missing(exchange: Exchange) -> Response:
    """Give up on an item that the patron claims to have returned; the loan ends with it."""
    body = checked(exchange, MISSING_KINDS, MISSING_REQUIRED)
    loan = open_loan(exchange)
    if status_of(exchange.library, loan) != "Claimed returned":
        raise Refused([reason("Item is not Claimed returned", {"itemId": loan["itemId"]})])
    loan |= {"action": "markedMissing", "actionComment": body["comment"], "status": {"name": "Closed"}}
    give_status(exchange.library, loan, "Missing")
    return taken_down(exchange, loan)


def bff_declare_missing(exchange: Exchange) -> Response:
    """The BFF says one thing for every failure, so that the reason is lost."""
    try:
        return declare_missing(exchange)
    except Malformed:
        raise  # its framework refuses such bodies before it is asked
    except Answered as error:
        loan_id = exchange.path_values["id"]
        message = f"Failed to declare claimed returned item as missing: loan {loan_id}"
        wrapped = reason(message, {"loanId": loan_id}, code=NOT_DECLARED_MISSING)
        raise Refused([wrapped], counted=True) from error


def change_due_date(exchange: Exchange) -> Response:
    library = exchange.library
    body = checked(exchange, {"dueDate": "date"}, DUE_DATE_REQUIRED)
    loan = open_loan(exchange)
    status = status_of(library, loan)
    if status in WITHOUT_DUE_DATE_CHANGE:
        raise Refused([reason(f"item is {status}", {"itemId": loan["itemId"]})])
    loan |= {"action": "dueDateChanged", "dueDate": iso(moment_of(body["dueDate"]))}
    loan.pop("actionComment", None)
    forget_recall(library, loan)
    return taken_down(exchange, loan)


def add_info(exchange: Exchange) -> Response:
    """A closed loan takes notes as well."""
    body = checked(exchange, {"action": "text", "actionComment": "text"}, {})
    comment = body.get("actionComment", "")
    if body.get("action") not in INFO_ACTIONS or not comment.strip():
        raise Refused([reason(INFO_NEEDED, {"action": None})])
    loan = found_loan(exchange)
    loan |= {"action": body["action"], "actionComment": comment}
    return taken_down(exchange, loan)


def status_of(library: Library, loan: Record) -> str:
    """The status of the lent item; of one that is gone, what the loan remembers."""
    item = library.items.get(loan["itemId"])
    return str(loan.get("itemStatus", "") if item is None else item["status"]["name"])


def give_status(library: Library, loan: Record, status: str) -> None:
    loan["itemStatus"] = status
    if loan["itemId"] in library.items:
        library.items[loan["itemId"]]["status"] = {"name": status, "date": library.now()}


def forget_recall(library: Library, loan: Record) -> None:
    """A new due date no longer comes from a recall when none is open."""
    recalls = [each for each in queue_of_item(library, loan["itemId"]) if each["requestType"] == "Recall"]
    if loan.get("dueDateChangedByRecall") and not recalls:
        loan["dueDateChangedByRecall"] = False


def taken_down(exchange: Exchange, loan: Record) -> Response:
    loan_history.changed(exchange.library, loan, exchange.caller)
    return Response(status_code=204)

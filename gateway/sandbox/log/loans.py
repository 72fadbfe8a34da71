"""Records on loans: check-outs, check-ins, and the actions between them.

The events are those of mod-circulation (EventPublisher, LoanLogContext, LogContextActionResolver and
CirculationCheckInCheckOutLogEventMapper), the records those of mod-audit (CheckOutRecordBuilder,
CheckInRecordBuilder and LoanRecordBuilder).
"""

from __future__ import annotations

from gateway.sandbox.clock import parse_timestamp
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.records import (
    LOAN,
    NONE,
    REQUEST,
    add_record,
    editor_of,
    get_barcode,
    get_name,
    log_item,
    personal_name,
)

CHANGED_DUE_DATE, RECALL_REQUESTED = "Changed due date", "Recall requested"
ACTIONS = {  # by the action of the loan
    "checkedout": "Checked out",
    "checkedOutThroughOverride": "Checked out through override",
    "claimedReturned": "Claimed returned",
    "declaredLost": "Declared lost",
    "heldForUseAtLocation": "Held for use at location",
    "itemAgedToLost": "Age to lost",
    "markedMissing": "Marked as missing",
    "patronInfoAdded": "Patron info added",
    "pickedUpForUseAtLocation": "Picked up for use at location",
    "renewed": "Renewed",
    "renewedThroughOverride": "Renewed through override",
    "staffInfoAdded": "Staff info added",
}


def log_check_out(library: Library, loan: Record, caller: Caller) -> None:
    proxy = get_barcode(library, loan.get("proxyUserId"))
    add_record(
        library,
        LOAN,
        ACTIONS[loan["action"]],
        f"Lent to proxy: {proxy or 'none'}.",
        items=[log_item(library, loan["itemId"], loan["id"])],
        source=desk_name(caller),
        user_barcode=get_barcode(library, loan.get("userId")),
        service_point_id=loan.get("checkoutServicePointId"),
        links={"userId": loan.get("userId")},
    )


def log_check_in(
    library: Library, item: Record, loan: Record | None, service_point_id: str, caller: Caller
) -> None:
    """Add the record of the check-in, and one of the loan if that is closed by it."""
    destination = library.service_points.get(item.get("inTransitDestinationServicePointId", ""), {})
    status = item["status"]["name"]
    way = f", on its way to {destination.get('name')}" if status == "In transit" else ""
    records = [(NONE, "Checked in", f"Status of the item: {status}{way}.")]
    if loan is not None:
        records.append((LOAN, "Closed loan", describe_return(loan, status)))
    for kind, action, description in records:
        add_at_desk(library, kind, action, description, item, loan, service_point_id, caller)


def log_request_status(
    library: Library,
    request: Record,
    former_status: str,
    item: Record,
    loan: Record | None,
    service_point_id: str | None,
    caller: Caller,
) -> None:
    """Add the record of a request whose status a check-in or check-out sets, also to the one it had.

    It names the patron of the loan and not the requester.
    """
    point = library.service_points.get(request.get("pickupServicePointId", ""), {}).get("name")
    parts = [f"Type: {request['requestType']}."]
    parts += [f"Pickup at {point}."] if point else []
    parts.append(f"Status: {request['status']}, before: {former_status}.")
    action, description = "Request status changed", " ".join(parts)
    record = add_at_desk(library, REQUEST, action, description, item, loan, service_point_id, caller)
    record["linkToIds"]["requestId"] = request["id"]


def add_at_desk(
    library: Library,
    kind: str,
    action: str,
    description: str,
    item: Record,
    loan: Record | None,
    service_point_id: str | None,
    caller: Caller,
) -> Record:
    user_id = None if loan is None else loan.get("userId")
    return add_record(
        library,
        kind,
        action,
        description,
        items=[log_item(library, item["id"], None if loan is None else loan["id"])],
        source=desk_name(caller),
        user_barcode=get_barcode(library, user_id),
        service_point_id=service_point_id,
        links={"userId": user_id},
    )


def desk_name(caller: Caller) -> str | None:
    """Return the name of the caller; mod-circulation sends the username of one without a name."""
    personal = caller.user.get("personal", {})
    is_complete = personal.get("lastName") and personal.get("firstName")
    return personal_name(caller.user) if is_complete else caller.user.get("username")


def describe_return(loan: Record, status: str) -> str:
    returned, recorded = (parse_timestamp(loan[name]) for name in ("returnDate", "systemReturnDate"))
    parts = [f"Status of the item: {status}"]
    if returned.replace(second=0, microsecond=0) != recorded.replace(second=0, microsecond=0):
        parts.append(f"backdated to {show_date(loan['returnDate'])}")
    due = loan.get("dueDate")
    if due is not None and parse_timestamp(due) > returned:  # upstream compares in this direction
        parts.append(f"due {show_date(due)}")
    return "; ".join(parts) + "."


def show_date(text: str | None) -> str:
    return "none" if text is None else f"{parse_timestamp(text):%Y-%m-%d %H:%M}"


def log_loan_action(library: Library, loan: Record, description: str, editor_id: str | None) -> None:
    """Add the record of the action that the loan has; `editor_id` is the user whose name it shows.

    For most actions mod-circulation sends the loan with its metadata as read, so that this is the user of the
    change before (LoanRepository.updateLoan).
    """
    add_loan_record(library, loan, ACTIONS[loan["action"]], description, editor_id)


def log_comment(library: Library, loan: Record, editor_id: str | None) -> None:
    comment = loan.get("actionComment") or "none"
    log_loan_action(library, loan, f"Comment: {comment}", editor_id)


def log_due_date(
    library: Library,
    loan: Record,
    former_due_date: str | None,
    editor_id: str | None,
    action: str = CHANGED_DUE_DATE,
) -> None:
    description = f"Due {show_date(loan.get('dueDate'))}, before: {show_date(former_due_date)}."
    add_loan_record(library, loan, action, description, editor_id)


def log_renewal(library: Library, loan: Record, former_due_date: str | None, caller: Caller) -> None:
    """Add both records of a renewal."""
    for action in (CHANGED_DUE_DATE, ACTIONS[loan["action"]]):
        log_due_date(library, loan, former_due_date, caller.user.get("id"), action)


def log_due_date_of_item(library: Library, item_id: str | None) -> None:
    """Add the record that mod-circulation sends after each write of a request for an item on loan.

    Its due date may be the same as before (EventPublisher.publishDueDateChangedEvent for requests).
    """
    loan = None if item_id is None else library.open_loan_of_item(item_id)
    if loan is not None:
        log_due_date(library, loan, loan.get("dueDate"), editor_of(loan))


def add_loan_record(
    library: Library, loan: Record, action: str, description: str, editor_id: str | None
) -> None:
    add_record(
        library,
        LOAN,
        action,
        description,
        items=[log_item(library, loan["itemId"], loan["id"])],
        source=get_name(library, editor_id),
        user_barcode=get_barcode(library, loan.get("userId")),
        service_point_id=loan.get("checkinServicePointId") or loan.get("checkoutServicePointId"),
        links={"userId": loan.get("userId")},
    )

"""The seeded circulation log: of open loans and a few closed ones, requests, fees, blocks and notices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from gateway.sandbox.clock import format_timestamp, parse_timestamp
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.library import Record
from gateway.sandbox.log.fees import log_fee_fine_action, log_manual_block
from gateway.sandbox.log.loans import (
    CHANGED_DUE_DATE,
    RECALL_REQUESTED,
    log_check_in,
    log_check_out,
    log_comment,
    log_due_date,
    log_renewal,
    log_request_status,
)
from gateway.sandbox.log.records import LOAN, NOTICE, SYSTEM, add_record, editor_of, get_barcode, log_item
from gateway.sandbox.log.requests import add_request_record, log_creation, log_update
from gateway.sandbox.seed import users
from gateway.sandbox.seed.seeder import Seeder

LOGGED_CLOSED = range(10)  # of the closed loans and requests these only
NOT_FILLED = "Open - Not yet filled"
ARRIVED = ("Open - Awaiting pickup", "Open - In transit", "Open - Awaiting delivery")
EXPIRED = {"Closed - Unfilled": "Expired", "Closed - Pickup expired": "Pickup expired"}


def add_circulation_log(seeder: Seeder) -> None:
    library = seeder.library
    desk = Caller(library.users[seeder.id("user", "desk")], "desk")
    closed = {seeder.id(kind, f"closed-{number}") for kind in ("loan", "request") for number in LOGGED_CLOSED}
    for entry in library.loan_history.values():
        loan = entry["loan"]
        if library.loans[loan["id"]]["status"]["name"] == "Open" or loan["id"] in closed:
            write(seeder, entry["id"], entry["createdDate"], partial(log_loan, seeder, loan, desk))
    for request in library.requests.values():
        if request["status"].startswith("Open") or request["id"] in closed:
            log_request(seeder, request, desk)
    for action in library.fee_fine_actions.values():
        log = partial(log_fee_fine_action, library, action)
        write(seeder, action["id"], action["dateAction"], log)
    for block in library.manual_blocks.values():
        log = partial(log_manual_block, library, block, "Created", desk)
        write(seeder, block["id"], block["metadata"]["createdDate"], log)
    for number, notice in enumerate((log_overdue_notice, log_failed_notice, log_pickup_notice)):
        write(seeder, f"notice-{number}", seeder.day(-2 - number), partial(notice, seeder))


def write(seeder: Seeder, key: str, date: str, log: Callable[[], object]) -> None:
    """Let a function add records, and give them stable ids and this date."""
    library = seeder.library
    records, library.circulation_log = library.circulation_log, {}
    log()
    for number, record in enumerate(library.circulation_log.values()):
        record |= {"id": seeder.id("circulation-log", f"{key}/{number}"), "date": date}
        records[record["id"]] = record
    library.circulation_log = records


def log_loan(seeder: Seeder, loan: Record, desk: Caller) -> None:
    """Add the records of one change of a loan, which is the action that it has."""
    library, action = seeder.library, loan["action"]
    item, editor_id = library.items.get(loan["itemId"]), editor_of(loan)
    former = format_timestamp(parse_timestamp(loan["dueDate"]) - timedelta(days=28))
    if action == "checkedout":
        log_check_out(library, loan, desk)
    elif action == "renewed":
        log_renewal(library, loan, former, desk)
    elif action == "recallrequested":
        for name in (CHANGED_DUE_DATE, RECALL_REQUESTED):
            log_due_date(library, loan, former, editor_id, name)
    elif action in ("claimedReturned", "declaredLost"):
        log_comment(library, loan, editor_id)
    elif action == "itemAgedToLost":
        log_by_system(seeder, loan, "Age to lost")
    elif action == "checkedin" and item is not None:
        log_check_in(library, item, loan, loan["checkinServicePointId"], desk)
        if "userId" not in loan:
            log_by_system(seeder, loan, "Anonymize")


def log_by_system(seeder: Seeder, loan: Record, action: str) -> None:
    """Add the record of an action that FOLIO took, without a service point."""
    library, user_id = seeder.library, loan.get("userId")
    items, barcode = [log_item(library, loan["itemId"], loan["id"])], get_barcode(library, user_id)
    add_record(
        library,
        LOAN,
        action,
        "By FOLIO.",
        items=items,
        source=SYSTEM,
        user_barcode=barcode,
        links={"userId": user_id},
    )


def log_request(seeder: Seeder, request: Record, desk: Caller) -> None:
    """Add the records of the creation of a request, and of its last change."""
    library, key, status = seeder.library, request["id"], request["status"]
    write(seeder, key, request["requestDate"], partial(log_creation, library, request, is_override=False))
    item, point = library.items.get(request.get("itemId", "")), request.get("pickupServicePointId")
    if status in ARRIVED and item is not None:
        log = partial(log_request_status, library, request, NOT_FILLED, item, None, point, desk)
        write(seeder, f"{key}/arrived", seeder.day(-1), log)
    elif status == "Closed - Cancelled":
        write(
            seeder,
            f"{key}/cancelled",
            request["cancelledDate"],
            partial(log_update, library, request, request),
        )
    elif status in EXPIRED:
        log = partial(add_request_record, library, request, EXPIRED[status], source=SYSTEM)
        write(seeder, f"{key}/expired", seeder.day(-60), log)


def log_overdue_notice(seeder: Seeder) -> None:
    """Add the record of a notice about two loans."""
    user_id = seeder.id("user", users.MANY_LOANS)
    loans = [each for each in seeder.library.loans.values() if each.get("userId") == user_id][:2]
    add_notice(seeder, user_id, "Due date reminder", loans)


def log_failed_notice(seeder: Seeder) -> None:
    """Add the record of a notice about a fine that could not be sent, and had no policy."""
    account = next(iter(seeder.library.accounts.values()))
    links = {"feeFineId": account["id"]}
    record = add_notice(
        seeder, account["userId"], "Overdue fine", [{"itemId": account["itemId"]}], links, "Send error"
    )
    del record["linkToIds"]["noticePolicyId"]


def log_pickup_notice(seeder: Seeder) -> None:
    """Add the record of a notice about a request."""
    requests = seeder.library.requests.values()
    request = next(each for each in requests if each["status"] == "Open - Awaiting pickup")
    item = {"itemId": request["itemId"]}
    add_notice(seeder, request["requesterId"], "Awaiting pickup", [item], {"requestId": request["id"]})


def add_notice(
    seeder: Seeder,
    user_id: str,
    event: str,
    loans: list[Record],
    links: Record | None = None,
    action: str = "Send",
) -> Record:
    library = seeder.library
    return add_record(
        library,
        NOTICE,
        action,
        f"Template: {event}.",
        items=[log_item(library, loan["itemId"], loan.get("id")) for loan in loans],
        source=SYSTEM,
        user_barcode=get_barcode(library, user_id),
        links={
            "userId": user_id,
            "templateId": seeder.id("notice-template", event),
            "noticePolicyId": seeder.id("notice-policy", "Reminders"),
            **(links or {}),
        },
    )

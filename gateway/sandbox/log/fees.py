"""Records on fees, fines and manual blocks.

The events are those of mod-feesfines (LogEventPayloadHelper, ManualBlocksAPI), the records those of mod-audit
(FeeFineRecordBuilder, ManualBlockRecordBuilder).
"""

from __future__ import annotations

from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.library import Library, Record, split_names
from gateway.sandbox.log.records import (
    FEE_FINE,
    MANUAL_BLOCK,
    add_record,
    get_barcode,
    log_item,
    personal_name,
)

BILLED, STAFF_INFORMATION = "Billed", "Staff information only added"
STAFF_INFO_ONLY = "staff info only"
SETTLEMENTS = (
    "Paid partially",
    "Paid fully",
    "Waived partially",
    "Waived fully",
    "Transferred partially",
    "Transferred fully",
    "Refunded partially",
    "Refunded fully",
    "Credited fully",
    "Cancelled as error",
)
NOT_LOGGED = "Credited partially"  # an action that mod-audit does not know
BLOCKED = split_names("borrowing renewals requests")


def log_fee_fine_action(library: Library, action: Record) -> None:
    """Add the record of an action on an account; those of which mod-audit knows no action have none."""
    account = library.accounts.get(action.get("accountId", ""))
    name = action_name(action)
    if account is None or name is None:
        return
    add_record(
        library,
        FEE_FINE,
        name,
        describe(action, account, name),
        items=[log_item(library, account.get("itemId"), account.get("loanId"))],
        source=action.get("source"),
        user_barcode=get_barcode(library, account.get("userId")),
        service_point_id=action.get("createdAt"),
        links={"userId": account.get("userId"), "feeFineId": account["id"]},
    )


def action_name(action: Record) -> str | None:
    """Return the action of the record. One of an unknown kind counts as a charge if it has no payment method.

    So do cancellations by mod-circulation, such as `Cancelled item returned` (FeeFineActionHelper.isCharge).
    """
    kind = str(action.get("typeAction", ""))
    if kind in SETTLEMENTS:
        return kind
    if kind.lower() == STAFF_INFO_ONLY:
        return STAFF_INFORMATION
    is_charge = action.get("paymentMethod") is None and kind != NOT_LOGGED
    return BILLED if is_charge else None


def describe(action: Record, account: Record, name: str) -> str:
    comments, amount = action.get("comments", ""), action.get("amountAction", 0)
    if name == STAFF_INFORMATION:
        return str(comments)
    if name == BILLED:
        return f"{account.get('feeFineType')}, owner {account.get('feeFineOwner')}, amount {amount:.2f}."
    parts = [f"{account.get('feeFineType')}, amount {amount:.2f}, balance {action.get('balance', 0):.2f}."]
    parts += [f"By {action['paymentMethod']}."] if "paymentMethod" in action else []
    return " ".join([*parts, *str(comments).splitlines()])


def log_manual_block(library: Library, block: Record, action: str, caller: Caller) -> None:
    """Add the record of a block that the caller created, changed or deleted. It has no items."""
    kinds = ", ".join(name for name in BLOCKED if block.get(name))
    texts = [block.get(name) for name in ("desc", "staffInformation", "patronMessage")]
    add_record(
        library,
        MANUAL_BLOCK,
        action,
        " ".join([f"Blocks: {kinds or 'none'}.", *(text for text in texts if text)]),
        items=[],
        source=personal_name(caller.user),
        user_barcode=get_barcode(library, block["userId"]),
        links={"userId": block["userId"]},
    )

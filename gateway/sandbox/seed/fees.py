"""Seeded reference data of fees and fines, and the limits of automated patron blocks."""

from __future__ import annotations

from gateway.sandbox.collections.accounts import LOST_ITEM_FEE, OWNER, PROCESSING_FEE
from gateway.sandbox.library import Record
from gateway.sandbox.seed.seeder import Seeder

BRANCH_OWNER = "Annex"
OWNERS = {OWNER: ("cd1", "cd2"), BRANCH_OWNER: ("annex",)}  # with the codes of their service points
AUTOMATIC_TYPES = ("Overdue fine", LOST_ITEM_FEE, PROCESSING_FEE, "Replacement processing fee")
MANUAL_TYPES = {  # with owner and default amount
    "Copies": (OWNER, 0.1),
    "Damaged material": (OWNER, 15.0),
    "Room key": (BRANCH_OWNER, 40.0),
}
PAYMENT_METHODS = {  # with owner, and if refunds by it are allowed
    "Cash": (OWNER, True),
    "Credit card": (OWNER, True),
    "Check": (OWNER, False),
    "Cash at the annex": (BRANCH_OWNER, True),
}
WAIVE_REASONS = ("Charged in error", "First offence", "Goodwill")
TRANSFER_ACCOUNTS = {"Bursar": OWNER, "Collection agency": OWNER, "Bursar of the annex": BRANCH_OWNER}
REFUND_REASONS = ("Item found", "Overpaid", "Paid in error")
CONDITIONS = {  # with the type of their limits (mod-patron-blocks, populate-patron-block-conditions.sql)
    "charged-out": ("Maximum number of items charged out", "Integer"),
    "lost": ("Maximum number of lost items", "Integer"),
    "overdue": ("Maximum number of overdue items", "Integer"),
    "recalls": ("Maximum number of overdue recalls", "Integer"),
    "fees": ("Maximum outstanding fee/fine balance", "Double"),
    "recall-days": ("Recall overdue by maximum number of days", "Integer"),
}
LIMITS = {"overdue": 10, "fees": 25.5}  # for each group


def add_fees(seeder: Seeder) -> None:
    library = seeder.library
    for name, points in OWNERS.items():
        seeder.add(library.fee_fine_owners, owner(seeder, name, points))
    for name in AUTOMATIC_TYPES:
        kind = {"id": seeder.id("fee-fine", name), "feeFineType": name, "automatic": True}
        seeder.add(library.fee_fine_types, kind | {"metadata": seeder.metadata()})
    for name, (owner_name, amount) in MANUAL_TYPES.items():
        seeder.add(library.fee_fine_types, manual_type(seeder, name, owner_name, amount))
    for name, (owner_name, refundable) in PAYMENT_METHODS.items():
        method = {"id": seeder.id("payment-method", name), "nameMethod": name}
        owned = {"allowedRefundMethod": refundable, **owned_by(seeder, owner_name)}
        seeder.add(library.payment_methods, method | owned)
    for name, owner_name in TRANSFER_ACCOUNTS.items():
        account = {"id": seeder.id("transfer-account", name), "accountName": name, "desc": f"The {name}"}
        seeder.add(library.transfer_accounts, account | owned_by(seeder, owner_name))
    for name in WAIVE_REASONS:
        seeder.add(library.waive_reasons, reason(seeder, "waive-reason", name))
    for name in REFUND_REASONS:
        seeder.add(library.refund_reasons, reason(seeder, "refund-reason", name))
    add_limits(seeder)


def owner(seeder: Seeder, name: str, points: tuple[str, ...]) -> Record:
    ids = [seeder.id("service-point", code) for code in points]
    return {
        "id": seeder.id("fee-fine-owner", name),
        "owner": name,
        "desc": f"{name}, for the sandbox",
        "servicePointOwner": [
            {"value": point_id, "label": seeder.library.service_points[point_id]["name"]} for point_id in ids
        ],
        "defaultChargeNoticeId": seeder.id("notice-template", "charge"),
        "defaultActionNoticeId": seeder.id("notice-template", "action"),
        "metadata": seeder.metadata(),
    }


def manual_type(seeder: Seeder, name: str, owner_name: str, amount: float) -> Record:
    return {
        "id": seeder.id("fee-fine", name),
        "feeFineType": name,
        "automatic": False,
        "defaultAmount": amount,
        "chargeNoticeId": seeder.id("notice-template", f"charge of {name}"),
        "actionNoticeId": seeder.id("notice-template", f"action on {name}"),
        **owned_by(seeder, owner_name),
    }


def owned_by(seeder: Seeder, owner_name: str) -> Record:
    return {"ownerId": seeder.id("fee-fine-owner", owner_name), "metadata": seeder.metadata()}


def reason(seeder: Seeder, kind: str, name: str) -> Record:
    return {
        "id": seeder.id(kind, name),
        "nameReason": name,
        "description": f"{name}, for the sandbox",
        "metadata": seeder.metadata(),
    }


def add_limits(seeder: Seeder) -> None:
    """Add the conditions of automated blocks, which are the same in each library, and its own limits."""
    library = seeder.library
    for key, (name, kind) in CONDITIONS.items():
        condition = {
            "id": seeder.id("block-condition", key),
            "name": name,
            "blockBorrowing": key in LIMITS,
            "blockRenewals": key in LIMITS,
            "blockRequests": key == "fees",
            "valueType": kind,
            "message": f"{name} exceeded" if key in LIMITS else "",
            "metadata": seeder.metadata(),
        }
        seeder.add(library.block_conditions, condition)
    for group in library.groups.values():
        for key, value in LIMITS.items():
            limit = {
                "id": seeder.id("block-limit", f"{group['group']}-{key}"),
                "patronGroupId": group["id"],
                "conditionId": seeder.id("block-condition", key),
                "value": value,
                "metadata": seeder.metadata(),
            }
            seeder.add(library.block_limits, limit)

"""Accounts (fees and fines), the actions on them, and the fees for lost items."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.item_context import get_item_context
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record, RecordsById
from gateway.sandbox.log.fees import log_fee_fine_action


def accounts_view(library: Library, records: Sequence[Record]) -> list[Record]:
    """Return accounts with holdings and instance of the item, which each read adds (AccountsAPI)."""
    return [record | current_item_ids(library, record) for record in records]


def current_item_ids(library: Library, account: Record) -> Record:
    item = library.items.get(account.get("itemId", ""), {})
    holdings = library.holdings.get(item.get("holdingsRecordId", ""))
    if holdings is None:
        return {}
    return {"holdingsRecordId": holdings["id"], "instanceId": holdings["instanceId"]}


ACCOUNTS = Collection(
    key="accounts",
    records=lambda library: library.accounts,
    indexes=index_names(
        "id amount remaining dateCreated dateUpdated status.name paymentStatus.name feeFineType feeFineOwner "
        "title callNumber barcode materialType itemStatus.name location dueDate returnedDate loanId userId "
        "itemId materialTypeId feeFineId ownerId holdingsRecordId instanceId contributors.name loanPolicyId "
        f"overdueFinePolicyId lostItemFeePolicyId {METADATA}"
    ),
    view=accounts_view,
)
FEE_FINE_ACTIONS = Collection(
    key="feefineactions",
    records=lambda library: library.fee_fine_actions,
    indexes=index_names(
        "id dateAction typeAction comments notify amountAction balance transactionInformation createdAt "
        "originalCreatedAt source paymentMethod accountId userId"
    ),
)


LOST_ITEM_FEE, PROCESSING_FEE = "Lost item fee", "Lost item processing fee"


OWNER = "Main circulation"


def charge_lost_item_fees(library: Library, loan: Record, caller: Caller) -> bool:
    """Open the accounts that the loan's policy prescribes when an item is declared lost.

    Returns True if it prescribes any; those of actual costs follow later.
    """
    policy = library.lost_item_policies.get(loan.get("lostItemPolicyId", ""), {})
    charge = policy.get("chargeAmountItem", {})
    amounts = {LOST_ITEM_FEE: charge.get("amount", 0)}
    if policy.get("chargeAmountItemPatron"):
        amounts[PROCESSING_FEE] = policy.get("lostItemProcessingFee", 0)
    for kind, amount in amounts.items():
        if amount:
            account = new_account(library, loan, kind, float(amount))
            library.accounts[account["id"]] = account
            add_action(library, account, kind, float(amount), caller)
    return any(amounts.values()) or charge.get("chargeType") == "actualCost"


def new_account(library: Library, loan: Record, kind: str, amount: float) -> Record:
    item = library.items.get(loan["itemId"], {})
    now = library.now()
    return omit_nulls(
        {
            "id": library.new_id(),
            "amount": amount,
            "remaining": amount,
            "dateCreated": now,
            "dateUpdated": now,
            "status": {"name": "Open"},
            "paymentStatus": {"name": "Outstanding"},
            "feeFineType": kind,
            "feeFineOwner": OWNER,
            "feeFineId": find_id(library.fee_fine_types, "feeFineType", kind),
            "ownerId": find_id(library.fee_fine_owners, "owner", OWNER),
            **account_item_fields(library, item),
            "dueDate": loan.get("dueDate"),
            "loanId": loan["id"],
            "userId": loan.get("userId"),
            "itemId": loan["itemId"],
            "loanPolicyId": loan.get("loanPolicyId"),
            "overdueFinePolicyId": loan.get("overdueFinePolicyId"),
            "lostItemFeePolicyId": loan.get("lostItemPolicyId"),
        }
    )


def find_id(records: RecordsById, name: str, value: str) -> str | None:
    return next((record["id"] for record in records.values() if record.get(name) == value), None)


def account_item_fields(library: Library, item: Record) -> Record:
    """Return the texts about an item that an account copies, so that it outlives the item."""
    context = get_item_context(library, item)
    kind = item.get("materialTypeId")
    return omit_nulls(
        {
            "title": context.title,
            "callNumber": context.call_number.get("callNumber"),
            "barcode": item.get("barcode"),
            "materialType": library.material_types.get(kind or "", {}).get("name"),
            "materialTypeId": kind,
            "itemStatus": {"name": item["status"]["name"]} if "status" in item else None,
            "location": context.location.get("name"),
            "holdingsRecordId": item.get("holdingsRecordId"),
            "instanceId": context.instance.get("id"),
            "contributors": context.contributors or None,
        }
    )


def cancel_lost_item_fees(library: Library, loan: Record, status: str, caller: Caller) -> None:
    """Cancel the open fees for losing the item."""
    for account in library.accounts.values():
        is_lost_item_fee = account.get("loanId") == loan["id"] and account.get("feeFineType") in (
            LOST_ITEM_FEE,
            PROCESSING_FEE,
        )
        if is_lost_item_fee and account["status"]["name"] == "Open":
            remaining = float(account["remaining"])
            account |= {
                "remaining": 0.0,
                "status": {"name": "Closed"},
                "paymentStatus": {"name": status},
                "dateUpdated": library.now(),
            }
            add_action(library, account, status, remaining, caller)


def add_action(library: Library, account: Record, action: str, amount: float, caller: Caller) -> None:
    """Record an action on an account."""
    entry = omit_nulls(
        {
            "id": library.new_id(),
            "accountId": account["id"],
            "userId": account.get("userId"),
            "dateAction": library.now(),
            "typeAction": action,
            "amountAction": amount,
            "balance": account["remaining"],
            "notify": False,
            "transactionInformation": "-",
            "source": caller.username,
        }
    )
    library.fee_fine_actions[entry["id"]] = entry
    log_fee_fine_action(library, entry)

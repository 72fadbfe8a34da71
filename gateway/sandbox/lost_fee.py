"""What a lost item costs, and that the debt is forgotten when the item is found or renewed."""

from __future__ import annotations

from gateway.sandbox.exchange import without_nulls
from gateway.sandbox.item import copy_of
from gateway.sandbox.library import Library, Record
from gateway.sandbox.permissions import Caller

LOST, PROCESSING = "Lost item fee", "Lost item processing fee"
OWNER = "Main circulation"


def charge(library: Library, loan: Record, who: Caller) -> None:
    """Open the accounts that the loan's policy asks for when an item is declared lost."""
    policy = library.lost_item_policies.get(loan.get("lostItemPolicyId", ""), {})
    amounts = {LOST: policy.get("chargeAmountItem", {}).get("amount", 0)}
    if policy.get("chargeAmountItemPatron"):
        amounts[PROCESSING] = policy.get("lostItemProcessingFee", 0)
    for kind, amount in amounts.items():
        if amount:
            account = opened(library, loan, kind, float(amount))
            library.accounts[account["id"]] = account
            note(library, account, kind, float(amount), who)


def opened(library: Library, loan: Record, kind: str, amount: float) -> Record:
    item = library.items.get(loan["itemId"], {})
    now = library.now()
    return without_nulls(
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
            **of_item(library, item),
            "dueDate": loan.get("dueDate"),
            "loanId": loan["id"],
            "userId": loan.get("userId"),
            "itemId": loan["itemId"],
            "loanPolicyId": loan.get("loanPolicyId"),
            "overdueFinePolicyId": loan.get("overdueFinePolicyId"),
            "lostItemFeePolicyId": loan.get("lostItemPolicyId"),
            "metadata": {"createdDate": now, "updatedDate": now},
        }
    )


def of_item(library: Library, item: Record) -> Record:
    """The texts about an item that an account keeps, so that it can be read when the item is gone."""
    copy = copy_of(library, item)
    kind = item.get("materialTypeId")
    return without_nulls(
        {
            "title": copy.title,
            "callNumber": copy.call_number.get("callNumber"),
            "barcode": item.get("barcode"),
            "materialType": library.material_types.get(kind or "", {}).get("name"),
            "materialTypeId": kind,
            "itemStatus": {"name": item["status"]["name"]} if "status" in item else None,
            "location": copy.location.get("name"),
            "holdingsRecordId": item.get("holdingsRecordId"),
            "instanceId": copy.instance.get("id"),
            "contributors": copy.contributors or None,
        }
    )


def forget(library: Library, loan: Record, why: str, who: Caller) -> None:
    """Cancel what is still owed for losing the item."""
    for account in library.accounts.values():
        lost = account.get("loanId") == loan["id"] and account.get("feeFineType") in (LOST, PROCESSING)
        if lost and account["status"]["name"] == "Open":
            remaining = float(account["remaining"])
            account |= {
                "remaining": 0.0,
                "status": {"name": "Closed"},
                "paymentStatus": {"name": why},
                "dateUpdated": library.now(),
            }
            note(library, account, why, remaining, who)


def note(library: Library, account: Record, action: str, amount: float, who: Caller) -> None:
    """Take down what was done to an account."""
    entry = without_nulls(
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
            "source": who.username,
        }
    )
    library.fee_fine_actions[entry["id"]] = entry

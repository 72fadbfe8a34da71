"""Loans: open ones in every state, closed and anonymized ones, and what is owed for them."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.lost_fee import OWNER, of_item
from gateway.sandbox.seed import people
from gateway.sandbox.seed.catalogue import ON_LOAN
from gateway.sandbox.seed.places import DESKS
from gateway.sandbox.seed.planting import Planting
from gateway.sandbox.seed.policies import ALLOWED_RENEWALS

FIRST_RETURNED, RETURNED = 170, 95  # closed loans are of items from here on
BORROWERS = range(40, 100)
LONG_LIST = range(30, 60)  # items that one reader has together
OF_THE_VISITOR = (60, 61)
AT_RENEWAL_LIMIT = 120
DANGLING_USER, BY_PROXY, COMPLETE = 62, 63, 65
CLAIMED, DECLARED_LOST, AGED_TO_LOST = 150, 151, 152
ITEM_STATUS = {CLAIMED: "Claimed returned", DECLARED_LOST: "Declared lost", AGED_TO_LOST: "Aged to lost"}
ACTIONS = {CLAIMED: "claimedReturned", DECLARED_LOST: "declaredLost", AGED_TO_LOST: "itemAgedToLost"}


def plant(planting: Planting) -> None:
    library = planting.library
    for number in ON_LOAN:
        loan = planting.shelve(library.loans, open_loan(planting, number))
        item = library.items[loan["itemId"]]
        item["status"] = {"name": loan["itemStatus"], "date": loan["loanDate"]}
    for number in range(RETURNED):
        planting.shelve(library.loans, closed_loan(planting, number))
    plant_oddities(planting)
    for number in (30, 31, COMPLETE, 70):
        for account in accounts(planting, number):
            planting.shelve(library.accounts, account)
            for act in acts(planting, account):
                planting.shelve(library.fee_fine_actions, act)


def borrower(planting: Planting, number: int) -> str:
    if number in LONG_LIST:
        return planting.id("user", people.MANY_LOANS)
    if number in OF_THE_VISITOR:
        return planting.id("user", people.AT_THE_LIMIT)
    if number == DANGLING_USER:
        return planting.id("user", "deleted long ago")
    if number == BY_PROXY:
        return planting.id("user", people.SPONSOR)
    return planting.id("user", BORROWERS[number % len(BORROWERS)])


def loan(planting: Planting, key: object, number: int, days: float) -> Record:
    item_id = planting.id("item", number)
    library = planting.library
    holding = library.holdings[library.items[item_id]["holdingsRecordId"]]
    return {
        "id": planting.id("loan", key),
        "userId": borrower(planting, number),
        "itemId": item_id,
        "itemEffectiveLocationIdAtCheckOut": holding["permanentLocationId"],
        "loanDate": planting.day(days),
        "dueDate": planting.day(days + 28, end=True),
        "status": {"name": "Open"},
        "itemStatus": "Checked out",
        "action": "checkedout",
        "renewalCount": number % 3,
        "loanPolicyId": planting.id("loan-policy", "Standard loan"),
        "overdueFinePolicyId": planting.id("overdue-fine-policy", "standard"),
        "lostItemPolicyId": planting.id("lost-item-policy", "standard"),
        "checkoutServicePointId": planting.id("service-point", DESKS[number % len(DESKS)]),
        "patronGroupIdAtCheckout": planting.id("group", "graduate" if number % 2 else "undergrad"),
        "metadata": planting.metadata(days, "desk"),
    }


def open_loan(planting: Planting, number: int) -> Record:
    record = loan(planting, number, number, -(number % 40) - 1)
    if number == BY_PROXY:
        record["proxyUserId"] = planting.id("user", people.PROXY)
    if number == AT_RENEWAL_LIMIT:
        record["renewalCount"] = ALLOWED_RENEWALS
    if record["renewalCount"]:
        record["action"] = "renewed"
    if number == COMPLETE:
        record |= complete_loan(planting)
    if number in ITEM_STATUS:
        record |= {"itemStatus": ITEM_STATUS[number], "action": ACTIONS[number]}
    if number == CLAIMED:
        record["claimedReturnedDate"] = planting.day(-3)
    if number == DECLARED_LOST:
        record["declaredLostDate"] = planting.day(-2)
    if number % 20 == 7:
        record |= {"action": "recallrequested", "dueDateChangedByRecall": True}
    return record


def complete_loan(planting: Planting) -> Record:
    return {
        "action": "checkedOutThroughOverride",
        "actionComment": "Needed for an exhibition",
        "dueDateChangedByRecall": False,
        "dueDateChangedByNearExpireUser": False,
        "dueDateChangedByHold": True,
        "declaredLostDate": planting.day(-1),
        "claimedReturnedDate": planting.day(-1),
        "isDcb": False,
        "forUseAtLocation": {"status": "Held", "statusDate": planting.day(-1)},
        "reminders": {
            "lastFeeBilled": {"number": 1, "date": planting.day(-1)},
            "renewalBlocked": True,
        },
    }


def closed_loan(planting: Planting, number: int) -> Record:
    """A finished loan; every fifth one is anonymized."""
    days = -100.0 - number
    record = loan(planting, f"closed-{number}", FIRST_RETURNED + number, days)
    record |= {
        "status": {"name": "Closed"},
        "itemStatus": "Available",
        "action": "checkedin",
        "returnDate": planting.day(days + 20),
        "systemReturnDate": planting.day(days + 20.01),
        "checkinServicePointId": planting.id("service-point", DESKS[(number + 1) % len(DESKS)]),
    }
    if number % 5 == 4:
        del record["userId"]
    return record


def plant_oddities(planting: Planting) -> None:
    """A loan from a consortium and one of an item that is gone; both closed."""
    library = planting.library
    library.loans[planting.id("loan", "closed-0")]["isDcb"] = True
    library.loans[planting.id("loan", "closed-1")]["itemId"] = planting.id("item", "deleted long ago")
    library.loans[planting.id("loan", "closed-2")]["actionComment"] = "Returned by post"
    # One date in the short form that old records still have.
    old = library.loans[planting.id("loan", "closed-3")]
    old["loanDate"] = old["loanDate"][:19] + "Z"


def accounts(planting: Planting, number: int) -> list[Record]:
    """A fine that is paid in part and one that is settled."""
    loan = planting.library.loans[planting.id("loan", number)]
    shared = {
        "loanId": loan["id"],
        "userId": loan["userId"],
        "feeFineType": "Overdue fine",
        "feeFineOwner": OWNER,
        "feeFineId": planting.id("fee-fine", "Overdue fine"),
        "ownerId": planting.id("fee-fine-owner", OWNER),
        "itemId": loan["itemId"],
        "dueDate": loan["dueDate"],
        "loanPolicyId": loan["loanPolicyId"],
        "overdueFinePolicyId": loan["overdueFinePolicyId"],
        "lostItemFeePolicyId": loan["lostItemPolicyId"],
        "dateCreated": planting.day(-6),
        "dateUpdated": planting.day(-3),
        "metadata": planting.metadata(-6, "desk"),
        **of_item(planting.library, planting.library.items[loan["itemId"]]),
    }
    owed = {
        "id": planting.id("account", number),
        "amount": 12.5,
        "remaining": 7.25,
        "status": {"name": "Open"},
        "paymentStatus": {"name": "Paid partially"},
    }
    paid = {
        "id": planting.id("account", f"{number}-paid"),
        "amount": 3.0,
        "remaining": 0.0,
        "status": {"name": "Closed"},
        "paymentStatus": {"name": "Paid fully"},
        "returnedDate": planting.day(-4),
    }
    return [shared | owed, shared | paid]


def acts(planting: Planting, account: Record) -> list[Record]:
    """The charge and the payment of a fine."""
    amount, remaining = account["amount"], account["remaining"]
    shared = {
        "accountId": account["id"],
        "userId": account["userId"],
        "notify": False,
        "source": "Desk, Dana",
    }
    charged = {
        "id": planting.id("charge", account["id"]),
        "dateAction": planting.day(-6),
        "typeAction": account["feeFineType"],
        "amountAction": amount,
        "balance": amount,
        "transactionInformation": "-",
    }
    paid = {
        "id": planting.id("payment", account["id"]),
        "dateAction": planting.day(-3),
        "typeAction": account["paymentStatus"]["name"],
        "amountAction": amount - remaining,
        "balance": remaining,
        "paymentMethod": "Cash",
        "comments": "STAFF : paid at the desk",
        "transactionInformation": f"receipt {account['id'][:8]}",
    }
    return [shared | charged, shared | paid]

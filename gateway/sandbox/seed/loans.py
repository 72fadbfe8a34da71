"""Seeded loans in every state, with closed and anonymized ones, and their accounts."""

from __future__ import annotations

from gateway.sandbox.collections.accounts import OWNER, account_item_fields
from gateway.sandbox.library import Record
from gateway.sandbox.seed import users
from gateway.sandbox.seed.inventory import ITEMS_ON_LOAN
from gateway.sandbox.seed.places import DESKS
from gateway.sandbox.seed.policies import ALLOWED_RENEWALS
from gateway.sandbox.seed.seeder import Seeder

FIRST_RETURNED_ITEM, RETURNED_COUNT = 170, 95  # closed loans are of items from this number on
BORROWERS = range(40, 100)
ITEMS_OF_ONE_READER = range(30, 60)  # items on loan to one patron
VISITOR_LOANS = (60, 61)
AT_RENEWAL_LIMIT = 120
DANGLING_USER, BY_PROXY, COMPLETE = 62, 63, 65
RETURNED_ELSEWHERE = (50, 51)  # closed loans of items on their way home
CLAIMED, DECLARED_LOST, AGED_TO_LOST = 150, 151, 152
ITEM_STATUS = {CLAIMED: "Claimed returned", DECLARED_LOST: "Declared lost", AGED_TO_LOST: "Aged to lost"}
ACTIONS = {CLAIMED: "claimedReturned", DECLARED_LOST: "declaredLost", AGED_TO_LOST: "itemAgedToLost"}


def add_loans(seeder: Seeder) -> None:
    library = seeder.library
    for number in ITEMS_ON_LOAN:
        loan = seeder.add(library.loans, open_loan(seeder, number))
        item = library.items[loan["itemId"]]
        item["status"] = {"name": loan["itemStatus"], "date": loan["loanDate"]}
    for number in range(RETURNED_COUNT):
        seeder.add(library.loans, closed_loan(seeder, number))
    for number in RETURNED_ELSEWHERE:
        send_home(seeder, number)
    add_odd_loans(seeder)
    for number in (30, 31, COMPLETE, 70):
        for account in accounts(seeder, number):
            seeder.add(library.accounts, account)
            for action in fee_actions(seeder, account):
                seeder.add(library.fee_fine_actions, action)


def borrower(seeder: Seeder, number: int) -> str:
    if number in ITEMS_OF_ONE_READER:
        return seeder.id("user", users.MANY_LOANS)
    if number in VISITOR_LOANS:
        return seeder.id("user", users.AT_THE_LIMIT)
    if number == DANGLING_USER:
        return seeder.id("user", "deleted long ago")
    if number == BY_PROXY:
        return seeder.id("user", users.SPONSOR)
    return seeder.id("user", BORROWERS[number % len(BORROWERS)])


def loan(seeder: Seeder, key: object, number: int, days: float) -> Record:
    item_id = seeder.id("item", number)
    library = seeder.library
    holding = library.holdings[library.items[item_id]["holdingsRecordId"]]
    return {
        "id": seeder.id("loan", key),
        "userId": borrower(seeder, number),
        "itemId": item_id,
        "itemEffectiveLocationIdAtCheckOut": holding["permanentLocationId"],
        "loanDate": seeder.day(days),
        "dueDate": seeder.day(days + 28, end=True),
        "status": {"name": "Open"},
        "itemStatus": "Checked out",
        "action": "checkedout",
        "renewalCount": number % 3,
        "loanPolicyId": seeder.id("loan-policy", "Standard loan"),
        "overdueFinePolicyId": seeder.id("overdue-fine-policy", "standard"),
        "lostItemPolicyId": seeder.id("lost-item-policy", "standard"),
        "checkoutServicePointId": seeder.id("service-point", DESKS[number % len(DESKS)]),
        "patronGroupIdAtCheckout": seeder.id("group", "graduate" if number % 2 else "undergrad"),
        "metadata": seeder.metadata(days, "desk"),
    }


def open_loan(seeder: Seeder, number: int) -> Record:
    record = loan(seeder, number, number, -(number % 40) - 1)
    if number == BY_PROXY:
        record["proxyUserId"] = seeder.id("user", users.PROXY)
    if number == AT_RENEWAL_LIMIT:
        record["renewalCount"] = ALLOWED_RENEWALS
    if record["renewalCount"]:
        record["action"] = "renewed"
    if number == COMPLETE:
        record |= complete_loan(seeder)
    if number in ITEM_STATUS:
        record |= {"itemStatus": ITEM_STATUS[number], "action": ACTIONS[number]}
    if number == CLAIMED:
        record["claimedReturnedDate"] = seeder.day(-3)
    if number == DECLARED_LOST:
        record["declaredLostDate"] = seeder.day(-2)
    if number % 20 == 7:
        record |= {"action": "recallrequested", "dueDateChangedByRecall": True}
    return record


def complete_loan(seeder: Seeder) -> Record:
    return {
        "action": "checkedOutThroughOverride",
        "actionComment": "Needed for an exhibition",
        "dueDateChangedByRecall": False,
        "dueDateChangedByNearExpireUser": False,
        "dueDateChangedByHold": True,
        "declaredLostDate": seeder.day(-1),
        "claimedReturnedDate": seeder.day(-1),
        "isDcb": False,
        "forUseAtLocation": {"status": "Held", "statusDate": seeder.day(-1)},
        "reminders": {
            "lastFeeBilled": {"number": 1, "date": seeder.day(-1)},
            "renewalBlocked": True,
        },
    }


def closed_loan(seeder: Seeder, number: int) -> Record:
    """Build a closed loan; every fifth one is anonymized."""
    days = -100.0 - number
    record = loan(seeder, f"closed-{number}", FIRST_RETURNED_ITEM + number, days)
    record |= {
        "status": {"name": "Closed"},
        "itemStatus": "Available",
        "action": "checkedin",
        "returnDate": seeder.day(days + 20),
        "systemReturnDate": seeder.day(days + 20.01),
        "checkinServicePointId": seeder.id("service-point", DESKS[(number + 1) % len(DESKS)]),
    }
    if number % 5 == 4:
        del record["userId"]
    return record


def send_home(seeder: Seeder, number: int) -> None:
    """Put the item of a closed loan in transit from the desk of its return to that of its location."""
    library = seeder.library
    record = library.loans[seeder.id("loan", f"closed-{number}")]
    record["itemStatus"] = "In transit"
    item = library.items[record["itemId"]]
    location = library.locations[library.holdings[item["holdingsRecordId"]]["permanentLocationId"]]
    item |= {
        "status": {"name": "In transit", "date": record["systemReturnDate"]},
        "inTransitDestinationServicePointId": location["primaryServicePoint"],
        "lastCheckIn": {
            "dateTime": record["systemReturnDate"],
            "servicePointId": record["checkinServicePointId"],
            "staffMemberId": seeder.id("user", "desk"),
        },
    }


def add_odd_loans(seeder: Seeder) -> None:
    """Turn closed loans into special cases: consortium, deleted item, comment, old date format."""
    library = seeder.library
    library.loans[seeder.id("loan", "closed-0")]["isDcb"] = True
    library.loans[seeder.id("loan", "closed-1")]["itemId"] = seeder.id("item", "deleted long ago")
    library.loans[seeder.id("loan", "closed-2")]["actionComment"] = "Returned by post"
    # A date in the short form of old records.
    old = library.loans[seeder.id("loan", "closed-3")]
    old["loanDate"] = old["loanDate"][:19] + "Z"


def accounts(seeder: Seeder, number: int) -> list[Record]:
    """Build a partially paid fine and a paid one."""
    loan = seeder.library.loans[seeder.id("loan", number)]
    shared = {
        "loanId": loan["id"],
        "userId": loan["userId"],
        "feeFineType": "Overdue fine",
        "feeFineOwner": OWNER,
        "feeFineId": seeder.id("fee-fine", "Overdue fine"),
        "ownerId": seeder.id("fee-fine-owner", OWNER),
        "itemId": loan["itemId"],
        "dueDate": loan["dueDate"],
        "loanPolicyId": loan["loanPolicyId"],
        "overdueFinePolicyId": loan["overdueFinePolicyId"],
        "lostItemFeePolicyId": loan["lostItemPolicyId"],
        "dateCreated": seeder.day(-6),
        "dateUpdated": seeder.day(-3),
        "metadata": seeder.metadata(-6, "desk"),
        **account_item_fields(seeder.library, seeder.library.items[loan["itemId"]]),
    }
    open_fine = {
        "id": seeder.id("account", number),
        "amount": 12.5,
        "remaining": 7.25,
        "status": {"name": "Open"},
        "paymentStatus": {"name": "Paid partially"},
    }
    paid_fine = {
        "id": seeder.id("account", f"{number}-paid"),
        "amount": 3.0,
        "remaining": 0.0,
        "status": {"name": "Closed"},
        "paymentStatus": {"name": "Paid fully"},
        "returnedDate": seeder.day(-4),
    }
    return [shared | open_fine, shared | paid_fine]


def fee_actions(seeder: Seeder, account: Record) -> list[Record]:
    """Build the charge and the payment of a fine."""
    amount, remaining = account["amount"], account["remaining"]
    shared = {
        "accountId": account["id"],
        "userId": account["userId"],
        "notify": False,
        "source": "Desk, Dana",
    }
    charged = {
        "id": seeder.id("charge", account["id"]),
        "dateAction": seeder.day(-6),
        "typeAction": account["feeFineType"],
        "amountAction": amount,
        "balance": amount,
        "transactionInformation": "-",
    }
    paid_fine = {
        "id": seeder.id("payment", account["id"]),
        "dateAction": seeder.day(-3),
        "typeAction": account["paymentStatus"]["name"],
        "amountAction": amount - remaining,
        "balance": remaining,
        "paymentMethod": "Cash",
        "comments": "STAFF : paid at the desk",
        "transactionInformation": f"receipt {account['id'][:8]}",
    }
    return [shared | charged, shared | paid_fine]

"""What may be lent to whom for how long, and the small tables of the desk."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.seed.planting import Planting

MATERIAL_TYPES = ["book", "dvd", "sound recording", "microform", "text"]
LOAN_TYPES = ["Can circulate", "Course reserves", "Reading room", "Selected"]
POLICIES: list[tuple[str, tuple[int, str] | None]] = [
    ("Standard loan", (28, "Days")),
    ("One week", (1, "Weeks")),
    ("Three hours", (3, "Hours")),
    ("Not loanable", None),
]
RULES = [
    ({"loan type": "Reading room"}, "Not loanable"),
    ({"loan type": "Course reserves"}, "Three hours"),
    ({"material type": "dvd"}, "One week"),
    ({}, "Standard loan"),
]
REASONS = ["Item Not Available", "Needed For Course Reserves", "Patron Cancelled", "Other"]
SLIPS = ["Hold", "Transit", "Pick slip", "Request delivery", "Search slip (Hold requests)"]
VISITORS_LIMIT = 2
ALLOWED_RENEWALS = 3
NOT_RENEWABLE = ("Three hours", "Not loanable")
RENEWED_DESPITE_HOLDS = "Standard loan"


def plant(planting: Planting) -> None:
    library = planting.library
    for name in MATERIAL_TYPES:
        planting.shelve(library.material_types, typed(planting, "material-type", name))
    for name in LOAN_TYPES:
        planting.shelve(library.loan_types, typed(planting, "loan-type", name))
    for name, period in POLICIES:
        planting.shelve(library.loan_policies, policy(planting, name, period))
    planting.shelve(library.overdue_fine_policies, overdue_fine_policy(planting))
    planting.shelve(library.lost_item_policies, lost_item_policy(planting))
    for conditions, name in RULES:
        library.loan_rules.append(rule(planting, conditions, name))
    limit = {
        "patronGroupId": planting.id("group", "visitor"),
        "materialTypeId": planting.id("material-type", "book"),
    }
    library.item_limits.append(limit | {"limit": VISITORS_LIMIT})
    for name in REASONS:
        planting.shelve(library.cancellation_reasons, cancellation_reason(planting, name))
    for name in SLIPS:
        planting.shelve(library.staff_slips, staff_slip(planting, name))


def typed(planting: Planting, kind: str, name: str) -> Record:
    return {"id": planting.id(kind, name), "name": name, "source": "folio", "metadata": planting.metadata()}


def policy(planting: Planting, name: str, period: tuple[int, str] | None) -> Record:
    record: Record = {
        "id": planting.id("loan-policy", name),
        "name": name,
        "description": f"{name}, for the sandbox",
        "loanable": period is not None,
        "renewable": name not in NOT_RENEWABLE,
        "metadata": planting.metadata(),
    }
    if period is not None:
        record["loansPolicy"] = {
            "profileId": "Rolling",
            "period": {"duration": period[0], "intervalId": period[1]},
            "closedLibraryDueDateManagementId": "CURRENT_DUE_DATE_TIME",
            "gracePeriod": {"duration": 2, "intervalId": "Hours"},
            "itemLimit": 100,
        }
        record["requestManagement"] = request_management(name)
    if record["renewable"]:
        record["renewalsPolicy"] = {
            "unlimited": False,
            "numberAllowed": ALLOWED_RENEWALS,
            "renewFromId": "SYSTEM_DATE",
            "differentPeriod": False,
        }
    return record


def request_management(name: str) -> Record:
    """What a recall does to a loan, and whether a hold stands in the way of a renewal."""
    return {
        "recalls": {
            "alternateGracePeriod": {"duration": 1, "intervalId": "Days"},
            "minimumGuaranteedLoanPeriod": {"duration": 5, "intervalId": "Days"},
            "recallReturnInterval": {"duration": 7, "intervalId": "Days"},
            "allowRecallsToExtendOverdueLoans": False,
        },
        "holds": {
            "alternateCheckoutLoanPeriod": {"duration": 14, "intervalId": "Days"},
            "renewItemsWithRequest": name == RENEWED_DESPITE_HOLDS,
        },
    }


def overdue_fine_policy(planting: Planting) -> Record:
    return {
        "id": planting.id("overdue-fine-policy", "standard"),
        "name": "Overdue, 25 cents a day",
        "description": "For every kind of item",
        "overdueFine": {"quantity": 0.25, "intervalId": "day"},
        "countClosed": True,
        "maxOverdueFine": 25.0,
        "forgiveOverdueFine": False,
        "overdueRecallFine": {"quantity": 1.0, "intervalId": "day"},
        "gracePeriodRecall": False,
        "maxOverdueRecallFine": 50.0,
        "metadata": planting.metadata(),
    }


def lost_item_policy(planting: Planting) -> Record:
    return {
        "id": planting.id("lost-item-policy", "standard"),
        "name": "Lost, replacement cost",
        "description": "A fixed price and a processing fee",
        "itemAgedLostOverdue": {"duration": 6, "intervalId": "Weeks"},
        "patronBilledAfterAgedLost": {"duration": 1, "intervalId": "Weeks"},
        "chargeAmountItem": {"chargeType": "anotherCost", "amount": 40.0},
        "lostItemProcessingFee": 10.0,
        "chargeAmountItemPatron": True,
        "chargeAmountItemSystem": True,
        "returnedLostItemProcessingFee": True,
        "replacedLostItemProcessingFee": False,
        "replacementProcessingFee": 0.0,
        "replacementAllowed": False,
        "lostItemReturned": "Charge",
        "metadata": planting.metadata(),
    }


def rule(planting: Planting, conditions: dict[str, str], name: str) -> Record:
    record = {"loanPolicyId": planting.id("loan-policy", name)}
    for kind, value in conditions.items():
        field = {"loan type": "loanTypeId", "material type": "materialTypeId"}[kind]
        record[field] = planting.id(kind.replace(" ", "-"), value)
    return record


def cancellation_reason(planting: Planting, name: str) -> Record:
    return {
        "id": planting.id("cancellation-reason", name),
        "name": name,
        "description": f"Reason: {name}",
        "publicDescription": f"Your request was cancelled: {name}",
        "requiresAdditionalInformation": name == "Other",
        "source": "System",
        "metadata": planting.metadata(),
    }


def staff_slip(planting: Planting, name: str) -> Record:
    return {
        "id": planting.id("staff-slip", name),
        "name": name,
        "description": f"Template of {name}",
        "active": True,
        "isRequired": name == "Hold",
        "template": "<p><b>{{item.title}}</b></p><p>{{item.barcode}}</p>",
        "metadata": planting.metadata(),
    }

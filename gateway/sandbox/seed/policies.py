"""Seeded policies of loans and fees, limits, types, cancellation reasons and slips."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.seed.seeder import Seeder

MATERIAL_TYPES = ["book", "dvd", "sound recording", "microform", "text"]
LOAN_TYPES = ["Can circulate", "Course reserves", "Reading room", "Selected"]
POLICIES: list[tuple[str, tuple[int, str] | None]] = [
    ("Standard loan", (28, "Days")),
    ("One week", (1, "Weeks")),
    ("Three hours", (3, "Hours")),
    ("Not loanable", None),
]
CANCELLATION_REASONS = ["Item Not Available", "Needed For Course Reserves", "Patron Cancelled", "Other"]
STAFF_SLIPS = ["Hold", "Transit", "Pick slip", "Request delivery", "Search slip (Hold requests)"]
VISITORS_LIMIT = 2
ALLOWED_RENEWALS = 3
NOT_RENEWABLE = ("Three hours", "Not loanable")
RENEWED_DESPITE_HOLDS = "Standard loan"


def add_policies(seeder: Seeder) -> None:
    library = seeder.library
    for name in MATERIAL_TYPES:
        seeder.add(library.material_types, named_type(seeder, "material-type", name))
    for name in LOAN_TYPES:
        seeder.add(library.loan_types, named_type(seeder, "loan-type", name))
    for name, period in POLICIES:
        seeder.add(library.loan_policies, loan_policy(seeder, name, period))
    overdue, lost = overdue_fine_policy(seeder), lost_item_policy(seeder)
    for policy in (overdue, reserves_fine_policy(seeder, overdue)):
        seeder.add(library.overdue_fine_policies, policy)
    for policy in (lost, actual_cost_policy(seeder, lost)):
        seeder.add(library.lost_item_policies, policy)
    limit = {
        "patronGroupId": seeder.id("group", "visitor"),
        "materialTypeId": seeder.id("material-type", "book"),
    }
    library.item_limits.append(limit | {"limit": VISITORS_LIMIT})
    for name in CANCELLATION_REASONS:
        seeder.add(library.cancellation_reasons, cancellation_reason(seeder, name))
    for name in STAFF_SLIPS:
        seeder.add(library.staff_slips, staff_slip(seeder, name))


def named_type(seeder: Seeder, kind: str, name: str) -> Record:
    return {"id": seeder.id(kind, name), "name": name, "source": "folio", "metadata": seeder.metadata()}


def loan_policy(seeder: Seeder, name: str, period: tuple[int, str] | None) -> Record:
    record: Record = {
        "id": seeder.id("loan-policy", name),
        "name": name,
        "description": f"{name}, for the sandbox",
        "loanable": period is not None,
        "renewable": name not in NOT_RENEWABLE,
        "metadata": seeder.metadata(),
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
    """Build the effect of recalls on a loan, and of holds on its renewal."""
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


def overdue_fine_policy(seeder: Seeder) -> Record:
    return {
        "id": seeder.id("overdue-fine-policy", "standard"),
        "name": "Overdue, 25 cents a day",
        "description": "For every kind of item",
        "overdueFine": {"quantity": 0.25, "intervalId": "day"},
        "countClosed": True,
        "maxOverdueFine": 25.0,
        "forgiveOverdueFine": False,
        "overdueRecallFine": {"quantity": 1.0, "intervalId": "day"},
        "gracePeriodRecall": False,
        "maxOverdueRecallFine": 50.0,
        "metadata": seeder.metadata(),
    }


def reserves_fine_policy(seeder: Seeder, standard: Record) -> Record:
    return standard | {
        "id": seeder.id("overdue-fine-policy", "reserves"),
        "name": "Overdue, 1 an hour",
        "description": "For course reserves",
        "overdueFine": {"quantity": 1.0, "intervalId": "hour"},
        "countClosed": False,
    }


def lost_item_policy(seeder: Seeder) -> Record:
    return {
        "id": seeder.id("lost-item-policy", "standard"),
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
        "metadata": seeder.metadata(),
    }


def actual_cost_policy(seeder: Seeder, standard: Record) -> Record:
    return standard | {
        "id": seeder.id("lost-item-policy", "actual cost"),
        "name": "Lost, actual cost",
        "description": "The price of a new copy",
        "chargeAmountItem": {"chargeType": "actualCost"},
    }


def cancellation_reason(seeder: Seeder, name: str) -> Record:
    return {
        "id": seeder.id("cancellation-reason", name),
        "name": name,
        "description": f"Reason: {name}",
        "publicDescription": f"Your request was cancelled: {name}",
        "requiresAdditionalInformation": name == "Other",
        "source": "System",
        "metadata": seeder.metadata(),
    }


def staff_slip(seeder: Seeder, name: str) -> Record:
    return {
        "id": seeder.id("staff-slip", name),
        "name": name,
        "description": f"Template of {name}",
        "active": True,
        "isRequired": name == "Hold",
        "template": "<p><b>{{item.title}}</b></p><p>{{item.barcode}}</p>",
        "metadata": seeder.metadata(),
    }

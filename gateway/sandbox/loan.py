"""Loans: as stored, as mod-circulation shows them, and what the circulation BFF leaves of them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sandbox.clock import java_date
from gateway.sandbox.embedded_item import loan_item
from gateway.sandbox.exchange import without_nulls
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.refusals import LoanOrRequestNotFound
from gateway.sandbox.service_point import summary
from gateway.sandbox.shelf import METADATA, Shelf, indexes
from gateway.sandbox.user import names_of

COPIED = fields(
    "id userId proxyUserId itemId loanPolicyId overdueFinePolicyId lostItemPolicyId "
    "itemEffectiveLocationIdAtCheckOut status loanDate dueDate returnDate systemReturnDate action "
    "actionComment renewalCount dueDateChangedByRecall dueDateChangedByNearExpireUser dueDateChangedByHold "
    "checkoutServicePointId checkinServicePointId declaredLostDate claimedReturnedDate isDcb "
    "forUseAtLocation reminders metadata"
)
LOST_IN_BFF = ("forUseAtLocation", "reminders", "claimedReturnedDate")
JAVA_DATES = ("loanDate", "dueDate", "returnDate", "systemReturnDate", "declaredLostDate")


def loan_view(library: Library, loan: Record) -> Record:
    item = library.items.get(loan["itemId"])
    view = {name: loan.get(name) for name in COPIED}
    view |= {
        "borrower": borrower(library, loan),
        "loanPolicy": policy_name(library.loan_policies, loan.get("loanPolicyId")),
        "overdueFinePolicy": policy_name(library.overdue_fine_policies, loan.get("overdueFinePolicyId")),
        "lostItemPolicy": policy_name(library.lost_item_policies, loan.get("lostItemPolicyId")),
        "item": None if item is None else item_of_loan(library, loan, item),
        "checkoutServicePoint": service_point(library, loan.get("checkoutServicePointId")),
        "checkinServicePoint": service_point(library, loan.get("checkinServicePointId")),
        "patronGroupAtCheckout": group_at_checkout(library, loan),
        "feesAndFines": {"amountRemainingToPay": amount_remaining(library, loan["id"])},
    }
    return without_nulls(view)


def item_of_loan(library: Library, loan: Record, item: Record) -> Record:
    view = loan_item(library, item)
    if loan.get("isDcb"):
        view["tenantId"] = library.tenant
    return view


def borrower(library: Library, loan: Record) -> Record | None:
    user = library.users.get(loan.get("userId", ""))
    if user is None:
        return None
    preferred = user.get("personal", {}).get("preferredFirstName")
    return names_of(user) | without_nulls(
        {"preferredFirstName": preferred, "patronGroup": user.get("patronGroup")}
    )


def policy_name(policies: dict[str, Record], key: str | None) -> Record | None:
    policy = policies.get(key or "")
    return None if policy is None else {"name": policy["name"]}


def service_point(library: Library, key: str | None) -> Record | None:
    return summary(library.service_points.get(key or ""), with_dates=True)


def group_at_checkout(library: Library, loan: Record) -> Record | None:
    key = loan.get("patronGroupIdAtCheckout")
    if key is None:
        return None
    return without_nulls({"id": key, "name": library.groups.get(key, {}).get("group")})


def amount_remaining(library: Library, loan_id: str) -> float:
    accounts = (account for account in library.accounts.values() if account.get("loanId") == loan_id)
    return sum(float(account["remaining"]) for account in accounts if account["status"]["name"] == "Open")


def circulation_loans(library: Library, loans: Sequence[Record]) -> list[Record]:
    return [loan_view(library, loan) for loan in loans]


def bff_loans(library: Library, loans: Sequence[Record]) -> list[Record]:
    return [through_bff(loan_view(library, loan)) for loan in loans]


def through_bff(view: Record) -> Record:
    """A loan after the BFF's own types: undeclared fields are gone and dates are rewritten."""
    for name in LOST_IN_BFF:
        view.pop(name, None)
    for name in JAVA_DATES:
        if name in view:
            view[name] = java_date(view[name])
    return view


STORED = (
    "id userId proxyUserId itemId itemStatus status.name loanDate dueDate returnDate systemReturnDate action "
    "actionComment renewalCount loanPolicyId overdueFinePolicyId lostItemPolicyId checkoutServicePointId "
    "checkinServicePointId itemEffectiveLocationIdAtCheckOut patronGroupIdAtCheckout dueDateChangedByRecall "
    "dueDateChangedByHold dueDateChangedByNearExpireUser declaredLostDate claimedReturnedDate isDcb "
    f"forUseAtLocation.status forUseAtLocation.statusDate reminders.* {METADATA}"
)
NOT_FOUND_TEXT = 'loan record with ID "{id}" cannot be found'
LOANS = Shelf(
    key="loans",
    records=lambda library: library.loans,
    indexes=indexes(STORED),
    view=circulation_loans,
    missing=LoanOrRequestNotFound,
    missing_text=NOT_FOUND_TEXT,
)
BFF_LOANS = Shelf(
    key="loans",
    records=lambda library: library.loans,
    indexes=indexes(STORED),
    view=bff_loans,
    missing=LoanOrRequestNotFound,
    missing_text=NOT_FOUND_TEXT,
)

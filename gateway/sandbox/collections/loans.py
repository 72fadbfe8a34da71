"""Loans, as mod-circulation shows them and as the circulation BFF reduces them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sandbox.clock import parse_timestamp, to_java_date
from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.embedded_items import loan_item
from gateway.sandbox.collections.locations import service_point_summary
from gateway.sandbox.collections.users import name_summary
from gateway.sandbox.http.errors import CirculationNotFound
from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record, split_names

COPIED_FIELDS = split_names(
    "id userId proxyUserId itemId loanPolicyId overdueFinePolicyId lostItemPolicyId "
    "itemEffectiveLocationIdAtCheckOut status loanDate dueDate returnDate systemReturnDate action "
    "actionComment renewalCount dueDateChangedByRecall dueDateChangedByNearExpireUser dueDateChangedByHold "
    "checkoutServicePointId checkinServicePointId declaredLostDate claimedReturnedDate isDcb "
    "forUseAtLocation reminders metadata"
)
OMITTED_BY_BFF = ("forUseAtLocation", "reminders", "claimedReturnedDate")
OMITTED_BY_BFF_OF_ITEM = ("seriesStatements", "administrativeNotes")
JAVA_DATES = ("loanDate", "dueDate", "returnDate", "systemReturnDate", "declaredLostDate")


def loan_view(library: Library, loan: Record) -> Record:
    item = library.items.get(loan["itemId"])
    view = {name: loan.get(name) for name in COPIED_FIELDS}
    view |= {
        "borrower": borrower_summary(library, loan),
        "loanPolicy": policy_name(library.loan_policies, loan.get("loanPolicyId")),
        "overdueFinePolicy": policy_name(library.overdue_fine_policies, loan.get("overdueFinePolicyId")),
        "lostItemPolicy": policy_name(library.lost_item_policies, loan.get("lostItemPolicyId")),
        "item": None if item is None else item_summary(library, loan, item),
        "checkoutServicePoint": loan_service_point(library, loan.get("checkoutServicePointId")),
        "checkinServicePoint": loan_service_point(library, loan.get("checkinServicePointId")),
        "patronGroupAtCheckout": group_summary(library, loan),
        "feesAndFines": {"amountRemainingToPay": amount_remaining(library, loan["id"])},
    }
    if library.legacy_dates:
        write_legacy_dates(view)
    return omit_nulls(view)


LEGACY_FORMS = (
    lambda date: date[:19],
    lambda date: date[:23],
    lambda date: f"{date[:23]}456",
    lambda date: f"{date[:23]}456+00:00",
    lambda date: date[:10],
    lambda date: f"{date[:16]}Z",
)


def write_legacy_dates(view: Record) -> None:
    """Write the dates of a loan in one of the forms that its id chooses."""
    write = LEGACY_FORMS[int(view["id"][:8], 16) % len(LEGACY_FORMS)]
    for name in ("loanDate", "returnDate"):
        if view.get(name) is not None:
            view[name] = write(parse_timestamp(view[name]).isoformat(timespec="milliseconds"))


def item_summary(library: Library, loan: Record, item: Record) -> Record:
    view = loan_item(library, item)
    if loan.get("isDcb"):
        view["tenantId"] = library.tenant
    return view


def borrower_summary(library: Library, loan: Record) -> Record | None:
    user = library.users.get(loan.get("userId", ""))
    if user is None:
        return None
    preferred = user.get("personal", {}).get("preferredFirstName")
    return name_summary(user) | omit_nulls(
        {"preferredFirstName": preferred, "patronGroup": user.get("patronGroup")}
    )


def policy_name(policies: dict[str, Record], key: str | None) -> Record | None:
    policy = policies.get(key or "")
    return None if policy is None else {"name": policy["name"]}


def loan_service_point(library: Library, key: str | None) -> Record | None:
    return service_point_summary(library.service_points.get(key or ""), with_dates=True)


def group_summary(library: Library, loan: Record) -> Record | None:
    key = loan.get("patronGroupIdAtCheckout")
    if key is None:
        return None
    return omit_nulls({"id": key, "name": library.groups.get(key, {}).get("group")})


def amount_remaining(library: Library, loan_id: str) -> float:
    accounts = (account for account in library.accounts.values() if account.get("loanId") == loan_id)
    return sum(float(account["remaining"]) for account in accounts if account["status"]["name"] == "Open")


def circulation_loans(library: Library, loans: Sequence[Record]) -> list[Record]:
    return [loan_view(library, loan) for loan in loans]


def bff_loans(library: Library, loans: Sequence[Record]) -> list[Record]:
    return [to_bff_loan(loan_view(library, loan)) for loan in loans]


def to_bff_loan(view: Record) -> Record:
    """Apply the BFF's types to a loan: undeclared fields are lost and dates reformatted."""
    for name in OMITTED_BY_BFF:
        view.pop(name, None)
    for name in OMITTED_BY_BFF_OF_ITEM:
        view.get("item", {}).pop(name, None)
    for name in JAVA_DATES:
        if name in view:
            view[name] = to_java_date(view[name])
    return view


STORED_INDEXES = (
    "id userId proxyUserId itemId itemStatus status.name loanDate dueDate returnDate systemReturnDate action "
    "actionComment renewalCount loanPolicyId overdueFinePolicyId lostItemPolicyId checkoutServicePointId "
    "checkinServicePointId itemEffectiveLocationIdAtCheckOut patronGroupIdAtCheckout dueDateChangedByRecall "
    "dueDateChangedByHold dueDateChangedByNearExpireUser declaredLostDate claimedReturnedDate isDcb "
    f"forUseAtLocation.status forUseAtLocation.statusDate reminders.* {METADATA}"
)
LOAN_NOT_FOUND = 'loan record with ID "{id}" cannot be found'
LOANS = Collection(
    key="loans",
    records=lambda library: library.loans,
    indexes=index_names(STORED_INDEXES),
    view=circulation_loans,
    not_found=CirculationNotFound,
    not_found_text=LOAN_NOT_FOUND,
)
BFF_LOANS = Collection(
    key="loans",
    records=lambda library: library.loans,
    indexes=index_names(STORED_INDEXES),
    view=bff_loans,
    not_found=CirculationNotFound,
    not_found_text=LOAN_NOT_FOUND,
)

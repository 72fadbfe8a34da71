"""The seeded loan history: check-out, renewals and the last change of each loan."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.sandbox.clock import format_timestamp, parse_timestamp
from gateway.sandbox.collections.loan_history import CREATED, UPDATED, add_entry
from gateway.sandbox.library import Record, split_names
from gateway.sandbox.seed.seeder import Seeder

LATER_FIELDS = split_names(
    "returnDate systemReturnDate checkinServicePointId declaredLostDate claimedReturnedDate actionComment "
    "dueDateChangedByRecall dueDateChangedByHold dueDateChangedByNearExpireUser reminders forUseAtLocation"
)


def add_loan_history(seeder: Seeder) -> None:
    for loan in seeder.library.loans.values():
        versions = list(loan_versions(loan))
        for number, version in enumerate(versions):
            operation = UPDATED if number else CREATED
            timestamp = version_timestamp(loan, number, len(versions))
            entry = version | {"metadata": signed_metadata(seeder, loan, timestamp, number)}
            key = seeder.id("loan-history", f"{loan['id']}/{number}")
            add_entry(seeder.library, entry, operation, timestamp, key)


def loan_versions(loan: Record) -> Iterator[Record]:
    """Yield the loan after each change; the last version is the loan itself."""
    open_loan = {name: value for name, value in loan.items() if name not in LATER_FIELDS}
    open_loan |= {"status": {"name": "Open"}, "itemStatus": "Checked out", "action": "checkedout"}
    yield open_loan | {"renewalCount": 0}
    for count in range(1, loan["renewalCount"] + 1):
        if (count, loan["action"]) != (loan["renewalCount"], "renewed"):
            yield open_loan | {"renewalCount": count, "action": "renewed"}
    if loan["action"] != "checkedout":
        yield loan


def version_timestamp(loan: Record, number: int, count: int) -> str:
    """Return the date of a version; changes are spread evenly from check-out to the last one."""
    start = parse_timestamp(loan["loanDate"])
    end = parse_timestamp(loan.get("systemReturnDate") or loan["metadata"]["updatedDate"])
    return format_timestamp(start + (end - start) * (number / max(count - 1, 1)))


def signed_metadata(seeder: Seeder, loan: Record, timestamp: str, number: int) -> Record:
    username = "head" if number % 2 else "desk"
    author = {"updatedByUserId": seeder.id("user", username), "updatedByUsername": username}
    return {**loan["metadata"], **author, "updatedDate": timestamp}

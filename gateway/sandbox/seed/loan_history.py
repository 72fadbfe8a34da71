"""The past of every seeded loan: its check-out, its renewals, and what came last."""

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
            when = version_timestamp(loan, number, len(versions))
            signed = version | {"metadata": signed_metadata(seeder, loan, when, number)}
            key = seeder.id("loan-history", f"{loan['id']}/{number}")
            add_entry(seeder.library, signed, operation, when, key)


def loan_versions(loan: Record) -> Iterator[Record]:
    """The loan as it was after each change; the last version is the loan itself."""
    begun = {name: value for name, value in loan.items() if name not in LATER_FIELDS}
    begun |= {"status": {"name": "Open"}, "itemStatus": "Checked out", "action": "checkedout"}
    yield begun | {"renewalCount": 0}
    for count in range(1, loan["renewalCount"] + 1):
        if (count, loan["action"]) != (loan["renewalCount"], "renewed"):
            yield begun | {"renewalCount": count, "action": "renewed"}
    if loan["action"] != "checkedout":
        yield loan


def version_timestamp(loan: Record, number: int, of: int) -> str:
    """Changes lie evenly between the check-out and the last one."""
    start = parse_timestamp(loan["loanDate"])
    end = parse_timestamp(loan.get("systemReturnDate") or loan["metadata"]["updatedDate"])
    return format_timestamp(start + (end - start) * (number / max(of - 1, 1)))


def signed_metadata(seeder: Seeder, loan: Record, when: str, number: int) -> Record:
    by = "head" if number % 2 else "desk"
    author = {"updatedByUserId": seeder.id("user", by), "updatedByUsername": by}
    return {**loan["metadata"], **author, "updatedDate": when}

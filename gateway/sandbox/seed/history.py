"""The past of every seeded loan: its check-out, its renewals, and what came last."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.sandbox.clock import iso, moment_of
from gateway.sandbox.library import Record, fields
from gateway.sandbox.loan_history import CREATED, UPDATED, keep
from gateway.sandbox.seed.planting import Planting

CAME_LATER = fields(
    "returnDate systemReturnDate checkinServicePointId declaredLostDate claimedReturnedDate actionComment "
    "dueDateChangedByRecall dueDateChangedByHold dueDateChangedByNearExpireUser reminders forUseAtLocation"
)


def plant(planting: Planting) -> None:
    for loan in planting.library.loans.values():
        versions = list(story(loan))
        for number, version in enumerate(versions):
            operation = UPDATED if number else CREATED
            when = moment(loan, number, len(versions))
            signed = version | {"metadata": signature(planting, loan, when, number)}
            key = planting.id("loan-history", f"{loan['id']}/{number}")
            keep(planting.library, signed, operation, when, key)


def story(loan: Record) -> Iterator[Record]:
    """The loan as it was after each change; the last version is the loan itself."""
    begun = {name: value for name, value in loan.items() if name not in CAME_LATER}
    begun |= {"status": {"name": "Open"}, "itemStatus": "Checked out", "action": "checkedout"}
    yield begun | {"renewalCount": 0}
    for count in range(1, loan["renewalCount"] + 1):
        if (count, loan["action"]) != (loan["renewalCount"], "renewed"):
            yield begun | {"renewalCount": count, "action": "renewed"}
    if loan["action"] != "checkedout":
        yield loan


def moment(loan: Record, number: int, of: int) -> str:
    """Changes lie evenly between the check-out and the last one."""
    start = moment_of(loan["loanDate"])
    end = moment_of(loan.get("systemReturnDate") or loan["metadata"]["updatedDate"])
    return iso(start + (end - start) * (number / max(of - 1, 1)))


def signature(planting: Planting, loan: Record, when: str, number: int) -> Record:
    by = "head" if number % 2 else "desk"
    author = {"updatedByUserId": planting.id("user", by), "updatedByUsername": by}
    return {**loan["metadata"], **author, "updatedDate": when}

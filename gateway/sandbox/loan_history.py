"""What became of each loan: a copy of it for every change, as the storage's audit table keeps them."""

from __future__ import annotations

from copy import deepcopy

from gateway.sandbox.exchange import without_nulls
from gateway.sandbox.library import Library, Record
from gateway.sandbox.permissions import Caller
from gateway.sandbox.shelf import Shelf, indexes

CREATED, UPDATED = "I", "U"  # the letters of the database's trigger

LOAN_HISTORY = Shelf(
    key="loansHistory",
    records=lambda library: library.loan_history,
    indexes=indexes("id createdDate operation loan.*"),
)


def created(library: Library, loan: Record) -> None:
    """Take down a loan that has just been made."""
    keep(library, loan, CREATED, library.now())


def changed(library: Library, loan: Record, who: Caller) -> None:
    """Sign a change of a loan and take it down. To be called after the change."""
    now = library.now()
    author = {"updatedByUserId": who.user.get("id"), "updatedByUsername": who.user.get("username")}
    loan["metadata"] = {**loan.get("metadata", {}), "updatedDate": now, **without_nulls(author)}
    keep(library, loan, UPDATED, now)


def keep(library: Library, loan: Record, operation: str, when: str, key: str = "") -> None:
    entry: Record = {
        "id": key or library.new_id(),
        "createdDate": when,
        "operation": operation,
        "loan": deepcopy(loan),
    }
    library.loan_history[entry["id"]] = entry


def begin(library: Library) -> None:
    """Give each loan of unknown past its first entry."""
    for loan in library.loans.values():
        when = loan.get("metadata", {}).get("createdDate") or loan.get("loanDate") or library.now()
        keep(library, loan, CREATED, when)

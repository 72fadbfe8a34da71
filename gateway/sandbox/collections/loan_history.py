"""What became of each loan: a copy of it for every change, as the storage's audit table keeps them."""

from __future__ import annotations

from copy import deepcopy

from gateway.sandbox.collections.collection import Collection, index_names
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record

CREATED, UPDATED = "I", "U"  # the letters of the database's trigger

LOAN_HISTORY = Collection(
    key="loansHistory",
    records=lambda library: library.loan_history,
    indexes=index_names("id createdDate operation loan.*"),
)


def record_creation(library: Library, loan: Record) -> None:
    """Take down a loan that has just been made."""
    add_entry(library, loan, CREATED, library.now())


def record_change(library: Library, loan: Record, caller: Caller) -> None:
    """Sign a change of a loan and take it down. To be called after the change."""
    now = library.now()
    author = {"updatedByUserId": caller.user.get("id"), "updatedByUsername": caller.user.get("username")}
    loan["metadata"] = {**loan.get("metadata", {}), "updatedDate": now, **omit_nulls(author)}
    add_entry(library, loan, UPDATED, now)


def add_entry(library: Library, loan: Record, operation: str, when: str, key: str = "") -> None:
    entry: Record = {
        "id": key or library.new_id(),
        "createdDate": when,
        "operation": operation,
        "loan": deepcopy(loan),
    }
    library.loan_history[entry["id"]] = entry


def add_initial_entries(library: Library) -> None:
    """Give each loan of unknown past its first entry."""
    for loan in library.loans.values():
        when = loan.get("metadata", {}).get("createdDate") or loan.get("loanDate") or library.now()
        add_entry(library, loan, CREATED, when)

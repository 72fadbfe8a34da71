"""The loan history: a copy of the loan after each change, as in the storage's audit table."""

from __future__ import annotations

from copy import deepcopy

from gateway.sandbox.collections.collection import Collection, index_names
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.library import Library, Record
from gateway.sandbox.metadata import stamp

CREATED, UPDATED = "I", "U"  # as the database's trigger writes them

LOAN_HISTORY = Collection(
    key="loansHistory",
    records=lambda library: library.loan_history,
    indexes=index_names("id createdDate operation loan.*"),
)


def record_creation(library: Library, loan: Record) -> None:
    """Record a new loan."""
    add_entry(library, deepcopy(loan), CREATED, library.now())


def record_change(library: Library, loan: Record, caller: Caller) -> None:
    """Update the metadata of a changed loan and record the change."""
    now = library.now()
    stamp(loan, caller, now)
    add_entry(library, deepcopy(loan), UPDATED, now)


def add_entry(library: Library, loan: Record, operation: str, timestamp: str, key: str = "") -> None:
    """Add an entry that holds `loan` itself, which must not change any more."""
    entry: Record = {
        "id": key or library.new_id(),
        "createdDate": timestamp,
        "operation": operation,
        "loan": loan,
    }
    library.append("loan_history", entry)


def add_initial_entries(library: Library) -> None:
    """Add a first entry for each loan without history."""
    for loan in library.loans.values():
        timestamp = loan.get("metadata", {}).get("createdDate") or loan.get("loanDate") or library.now()
        add_entry(library, deepcopy(loan), CREATED, timestamp)

"""Loans by id, by item and by the records they belong to."""

from __future__ import annotations

from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet, RecordLoader
from gateway.upstream import cql

OPEN_LOANS = cql.equal("status.name", "Open")
LOANS = CollectionName("circulation_bff.loans", direct="circulation.loans")


class LoanLoaders(LoaderSet):
    loan = RecordLoader(LOANS)
    # An item has at most one open loan (a unique index of mod-circulation-storage).
    open_loan_of_item = RecordLoader(LOANS, index="itemId", within=OPEN_LOANS)
    loans_of_user = GroupLoader(LOANS, "userId")
    loans_of_item = GroupLoader(LOANS, "itemId")
    loans_of_service_point = GroupLoader(LOANS, "checkoutServicePointId", has_large_groups=True)
    # The history of a loan has a copy of it for each change.
    history_of_loan = GroupLoader(
        CollectionName("circulation_storage.loan_history"), "loan.id", member=("loan", "id")
    )

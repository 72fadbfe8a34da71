"""What patrons owe: accounts, and what happened to them."""

from __future__ import annotations

from gateway.sandbox.shelf import METADATA, Shelf, indexes

ACCOUNTS = Shelf(
    key="accounts",
    records=lambda library: library.accounts,
    indexes=indexes(
        "id amount remaining dateCreated dateUpdated status.name paymentStatus.name feeFineType feeFineOwner "
        "title callNumber barcode materialType itemStatus.name location dueDate returnedDate loanId userId "
        "itemId materialTypeId feeFineId ownerId holdingsRecordId instanceId contributors.name loanPolicyId "
        f"overdueFinePolicyId lostItemFeePolicyId {METADATA}"
    ),
)
FEE_FINE_ACTIONS = Shelf(
    key="feefineactions",
    records=lambda library: library.fee_fine_actions,
    indexes=indexes(
        "id dateAction typeAction comments notify amountAction balance transactionInformation createdAt "
        "originalCreatedAt source paymentMethod accountId userId"
    ),
)

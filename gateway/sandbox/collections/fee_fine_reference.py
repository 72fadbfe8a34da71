"""Reference data of fees and fines: owners, types, payment methods, transfer accounts and reasons."""

from __future__ import annotations

from gateway.sandbox.collections.collection import METADATA, Collection, index_names

OWNERS = Collection(
    key="owners",
    records=lambda library: library.fee_fine_owners,
    indexes=index_names(
        "id owner desc servicePointOwner servicePointOwner.* defaultChargeNoticeId defaultActionNoticeId "
        f"{METADATA}"
    ),
)
TYPES = Collection(
    key="feefines",
    records=lambda library: library.fee_fine_types,
    indexes=index_names(
        f"id automatic feeFineType defaultAmount chargeNoticeId actionNoticeId ownerId {METADATA}"
    ),
)
PAYMENT_METHODS = Collection(
    key="payments",
    records=lambda library: library.payment_methods,
    indexes=index_names(f"id nameMethod allowedRefundMethod ownerId {METADATA}"),
)
WAIVE_REASONS = Collection(
    key="waivers",
    records=lambda library: library.waive_reasons,
    indexes=index_names(f"id nameReason description accountId {METADATA}"),
)
TRANSFER_ACCOUNTS = Collection(
    key="transfers",
    records=lambda library: library.transfer_accounts,
    indexes=index_names(f"id accountName desc ownerId {METADATA}"),
)
REFUND_REASONS = Collection(
    key="refunds",
    records=lambda library: library.refund_reasons,
    indexes=index_names(f"id nameReason description accountId {METADATA}"),
)

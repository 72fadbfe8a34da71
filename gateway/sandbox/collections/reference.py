"""Reference data: types, policies, reasons, slips, tags and preferences."""

from __future__ import annotations

from gateway.sandbox.collections.collection import METADATA, Collection, index_names

MATERIAL_TYPES = Collection(
    key="mtypes",
    forwards_total=True,
    records=lambda library: library.material_types,
    indexes=index_names(f"id name source {METADATA}"),
)
LOAN_TYPES = Collection(
    key="loantypes",
    forwards_total=True,
    records=lambda library: library.loan_types,
    indexes=index_names(f"id name source {METADATA}"),
)
LOAN_POLICIES = Collection(
    key="loanPolicies",
    records=lambda library: library.loan_policies,
    indexes=index_names(
        "id name description loanable renewable loansPolicy.* renewalsPolicy.* requestManagement.* "
        f"{METADATA}"
    ),
)
OVERDUE_FINE_POLICIES = Collection(
    key="overdueFinePolicies",
    records=lambda library: library.overdue_fine_policies,
    indexes=index_names(
        "id name description overdueFine.* overdueRecallFine.* maxOverdueFine maxOverdueRecallFine "
        f"countClosed forgiveOverdueFine gracePeriodRecall reminderFeesPolicy.* {METADATA}"
    ),
)
LOST_ITEM_FEE_POLICIES = Collection(
    key="lostItemFeePolicies",
    records=lambda library: library.lost_item_policies,
    indexes=index_names(
        "id name description itemAgedLostOverdue.* patronBilledAfterAgedLost.* chargeAmountItem.* "
        "lostItemProcessingFee chargeAmountItemPatron chargeAmountItemSystem lostItemChargeFeeFine.* "
        "returnedLostItemProcessingFee replacedLostItemProcessingFee replacementProcessingFee "
        f"replacementAllowed lostItemReturned {METADATA}"
    ),
)
CANCELLATION_REASONS = Collection(
    key="cancellationReasons",
    records=lambda library: library.cancellation_reasons,
    indexes=index_names(
        f"id name description publicDescription requiresAdditionalInformation source {METADATA}"
    ),
)
STAFF_SLIPS = Collection(
    key="staffSlips",
    records=lambda library: library.staff_slips,
    indexes=index_names(f"id name description active isRequired template {METADATA}"),
)
TAGS = Collection(
    key="tags",
    forwards_total=True,
    records=lambda library: library.tags,
    indexes=index_names(f"id label description {METADATA}"),
    min_limit=1,
)
REQUEST_PREFERENCES = Collection(
    key="requestPreferences",
    records=lambda library: library.request_preferences,
    indexes=index_names(
        "id userId holdShelf delivery defaultServicePointId defaultDeliveryAddressTypeId fulfillment "
        f"{METADATA}"
    ),
)

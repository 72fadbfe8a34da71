"""The small tables that other records refer to."""

from __future__ import annotations

from gateway.sandbox.shelf import METADATA, Shelf, indexes

MATERIAL_TYPES = Shelf(
    key="mtypes",
    records=lambda library: library.material_types,
    indexes=indexes(f"id name source {METADATA}"),
)
LOAN_TYPES = Shelf(
    key="loantypes",
    records=lambda library: library.loan_types,
    indexes=indexes(f"id name source {METADATA}"),
)
LOAN_POLICIES = Shelf(
    key="loanPolicies",
    records=lambda library: library.loan_policies,
    indexes=indexes(
        "id name description loanable renewable loansPolicy.* renewalsPolicy.* requestManagement.* "
        f"{METADATA}"
    ),
)
OVERDUE_FINE_POLICIES = Shelf(
    key="overdueFinePolicies",
    records=lambda library: library.overdue_fine_policies,
    indexes=indexes(
        "id name description overdueFine.* overdueRecallFine.* maxOverdueFine maxOverdueRecallFine "
        f"countClosed forgiveOverdueFine gracePeriodRecall reminderFeesPolicy.* {METADATA}"
    ),
)
LOST_ITEM_FEE_POLICIES = Shelf(
    key="lostItemFeePolicies",
    records=lambda library: library.lost_item_policies,
    indexes=indexes(
        "id name description itemAgedLostOverdue.* patronBilledAfterAgedLost.* chargeAmountItem.* "
        "lostItemProcessingFee chargeAmountItemPatron chargeAmountItemSystem lostItemChargeFeeFine.* "
        "returnedLostItemProcessingFee replacedLostItemProcessingFee replacementProcessingFee "
        f"replacementAllowed lostItemReturned {METADATA}"
    ),
)
CANCELLATION_REASONS = Shelf(
    key="cancellationReasons",
    records=lambda library: library.cancellation_reasons,
    indexes=indexes(f"id name description publicDescription requiresAdditionalInformation source {METADATA}"),
)
STAFF_SLIPS = Shelf(
    key="staffSlips",
    records=lambda library: library.staff_slips,
    indexes=indexes(f"id name description active isRequired template {METADATA}"),
)
TAGS = Shelf(
    key="tags",
    records=lambda library: library.tags,
    indexes=indexes(f"id label description {METADATA}"),
)
REQUEST_PREFERENCES = Shelf(
    key="requestPreferences",
    records=lambda library: library.request_preferences,
    indexes=indexes(
        "id userId holdShelf delivery defaultServicePointId defaultDeliveryAddressTypeId fulfillment "
        f"{METADATA}"
    ),
)

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
    indexes=indexes(f"id name description loanable renewable loansPolicy.* renewalsPolicy.* {METADATA}"),
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

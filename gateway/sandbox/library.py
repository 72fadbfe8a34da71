"""The state of one tenant: records as the services store them, by id."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.sandbox.clock import Clock, format_timestamp

Record = dict[str, Any]  # a JSON object as the services store it
RecordsById = dict[str, Record]


def split_names(names: str) -> list[str]:
    """Split a text into field names."""
    return names.split()


@dataclass(slots=True, kw_only=True, repr=False)  # too long to print
class Library:
    """The collections of one tenant, each from id to storage record; tests read and change them directly."""

    tenant: str
    clock: Clock = field(default_factory=Clock)

    users: RecordsById = field(default_factory=dict)
    groups: RecordsById = field(default_factory=dict)
    departments: RecordsById = field(default_factory=dict)
    address_types: RecordsById = field(default_factory=dict)
    proxies: RecordsById = field(default_factory=dict)
    manual_blocks: RecordsById = field(default_factory=dict)
    automated_blocks: RecordsById = field(default_factory=dict)
    notes: RecordsById = field(default_factory=dict)
    note_types: RecordsById = field(default_factory=dict)

    service_points: RecordsById = field(default_factory=dict)
    institutions: RecordsById = field(default_factory=dict)
    campuses: RecordsById = field(default_factory=dict)
    libraries: RecordsById = field(default_factory=dict)
    locations: RecordsById = field(default_factory=dict)
    calendars: RecordsById = field(default_factory=dict)

    instances: RecordsById = field(default_factory=dict)
    holdings: RecordsById = field(default_factory=dict)
    items: RecordsById = field(default_factory=dict)
    material_types: RecordsById = field(default_factory=dict)
    loan_types: RecordsById = field(default_factory=dict)

    loans: RecordsById = field(default_factory=dict)
    loan_history: RecordsById = field(default_factory=dict)
    requests: RecordsById = field(default_factory=dict)
    accounts: RecordsById = field(default_factory=dict)
    fee_fine_actions: RecordsById = field(default_factory=dict)
    fee_fine_owners: RecordsById = field(default_factory=dict)
    fee_fine_types: RecordsById = field(default_factory=dict)
    payment_methods: RecordsById = field(default_factory=dict)
    waive_reasons: RecordsById = field(default_factory=dict)
    transfer_accounts: RecordsById = field(default_factory=dict)
    refund_reasons: RecordsById = field(default_factory=dict)
    block_conditions: RecordsById = field(default_factory=dict)
    block_limits: RecordsById = field(default_factory=dict)
    loan_policies: RecordsById = field(default_factory=dict)
    overdue_fine_policies: RecordsById = field(default_factory=dict)
    lost_item_policies: RecordsById = field(default_factory=dict)
    cancellation_reasons: RecordsById = field(default_factory=dict)
    staff_slips: RecordsById = field(default_factory=dict)
    circulation_settings: RecordsById = field(default_factory=dict)
    request_preferences: RecordsById = field(default_factory=dict)
    tags: RecordsById = field(default_factory=dict)
    batch_requests: RecordsById = field(default_factory=dict)
    batch_request_details: RecordsById = field(default_factory=dict)
    mediated_requests: RecordsById = field(default_factory=dict)
    request_policies: RecordsById = field(default_factory=dict)
    circulation_log: RecordsById = field(default_factory=dict)
    notice_policies: RecordsById = field(default_factory=dict)

    circulation_rules: list[Record] = field(default_factory=list)
    """The first that matches applies: {patronGroupId?, materialTypeId?, loanTypeId?} and the ids of policies,
    {loanPolicyId, requestPolicyId, overdueFinePolicyId, lostItemPolicyId, noticePolicyId}."""
    item_limits: list[Record] = field(default_factory=list)
    """Maximum open loans of a patron per rule: {patronGroupId?, materialTypeId?, loanTypeId?, limit}."""
    max_exact_count: int = 1000
    """The most matches that a service counts exactly if it is not requested to; above, it estimates."""
    capital_keys: bool = False
    """True to send foreign keys in capitals, as records of some migrations have them."""
    gone: set[str] = field(default_factory=set)
    """Ids that no collection serves, but that circulation still embeds in loans and requests: of records that
    were deleted later, of virtual items, of records of another tenant."""
    lost_names: bool = False
    """True for requests that have lost the names of their service points, locations and loan types."""
    older_summaries: bool = False
    """True for items of loans without `instanceHrid` and `accessionNumber`, as before CIRC-2273."""
    legacy_dates: bool = False
    """True for loan and return dates without an offset, with microseconds or of a day alone. Storage has them
    from older versions and migrations, and declares no format for them (CIRC-1577, MODFEE-266)."""
    use_at_location: bool = True
    """False if loans for use at the location are not enabled, which is the default of mod-circulation."""
    secure: bool = False
    """True for the secure tenant of a consortium, in which staff confirm each request first."""

    def now(self) -> str:
        return format_timestamp(self.clock.now())

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def append(self, name: str, record: Record) -> None:
        """Add a record to the collection of this name."""
        getattr(self, name)[record["id"]] = record

    def user_by_barcode(self, barcode: str) -> Record | None:
        return next((user for user in self.users.values() if user.get("barcode") == barcode), None)

    def user_by_name(self, username: str) -> Record | None:
        return next((user for user in self.users.values() if user.get("username") == username), None)

    def item_by_barcode(self, barcode: str) -> Record | None:
        return next((item for item in self.items.values() if item.get("barcode") == barcode), None)

    def open_loans(self) -> Iterator[Record]:
        return (loan for loan in self.loans.values() if loan["status"]["name"] == "Open")

    def open_loan_of_item(self, item_id: str) -> Record | None:
        return next((loan for loan in self.open_loans() if loan["itemId"] == item_id), None)

    def open_loans_of_user(self, user_id: str) -> list[Record]:
        return [loan for loan in self.open_loans() if loan.get("userId") == user_id]

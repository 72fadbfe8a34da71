"""The state of one tenant's library: records as the services store them, by id."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.sandbox.clock import Clock, iso

Record = dict[str, Any]  # JSON as the services store it
Shelved = dict[str, Record]


def fields(names: str) -> list[str]:
    """Field names written in one text."""
    return names.split()


@dataclass(slots=True, kw_only=True, repr=False)  # a library is too long to print
class Library:
    """Every collection is a dict from id to storage record; tests may read and change them directly."""

    tenant: str
    clock: Clock = field(default_factory=Clock)

    users: Shelved = field(default_factory=dict)
    groups: Shelved = field(default_factory=dict)
    departments: Shelved = field(default_factory=dict)
    address_types: Shelved = field(default_factory=dict)
    proxies: Shelved = field(default_factory=dict)
    manual_blocks: Shelved = field(default_factory=dict)
    automated_blocks: Shelved = field(default_factory=dict)

    service_points: Shelved = field(default_factory=dict)
    institutions: Shelved = field(default_factory=dict)
    campuses: Shelved = field(default_factory=dict)
    libraries: Shelved = field(default_factory=dict)
    locations: Shelved = field(default_factory=dict)

    instances: Shelved = field(default_factory=dict)
    holdings: Shelved = field(default_factory=dict)
    items: Shelved = field(default_factory=dict)
    material_types: Shelved = field(default_factory=dict)
    loan_types: Shelved = field(default_factory=dict)

    loans: Shelved = field(default_factory=dict)
    loan_history: Shelved = field(default_factory=dict)
    requests: Shelved = field(default_factory=dict)
    accounts: Shelved = field(default_factory=dict)
    fee_fine_actions: Shelved = field(default_factory=dict)
    loan_policies: Shelved = field(default_factory=dict)
    overdue_fine_policies: Shelved = field(default_factory=dict)
    lost_item_policies: Shelved = field(default_factory=dict)
    cancellation_reasons: Shelved = field(default_factory=dict)
    staff_slips: Shelved = field(default_factory=dict)
    circulation_settings: Shelved = field(default_factory=dict)
    request_preferences: Shelved = field(default_factory=dict)
    tags: Shelved = field(default_factory=dict)
    batch_requests: Shelved = field(default_factory=dict)
    batch_request_details: Shelved = field(default_factory=dict)
    mediated_requests: Shelved = field(default_factory=dict)
    request_policies: Shelved = field(default_factory=dict)

    loan_rules: list[Record] = field(default_factory=list)
    """First match wins: {loanTypeId?, materialTypeId?, loanPolicyId}."""
    item_limits: list[Record] = field(default_factory=list)
    """How many loans of a kind a patron may have: {patronGroupId?, materialTypeId?, loanTypeId?, limit}."""
    request_rules: list[Record] = field(default_factory=list)
    """First match wins: {loanTypeId?, materialTypeId?, patronGroupId?, requestPolicyId}; none allows all."""
    secure: bool = False
    """Whether this is the secure tenant of a consortium, whose requests staff confirm first."""

    def now(self) -> str:
        return iso(self.clock.now())

    def new_id(self) -> str:
        return str(uuid.uuid4())

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

"""The policies that a loan was made under."""

from __future__ import annotations

import strawberry

from gateway.schema.metadata import Metadata
from gateway.schema.record import field


@strawberry.type(description="How long items are lent, and how they may be renewed.")
class LoanPolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("What the policy is for.")
    loanable: bool | None = field("Whether items under this policy can be lent at all.")
    renewable: bool | None = field("Whether loans under this policy can be renewed.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="What overdue items cost.")
class OverdueFinePolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("What the policy is for.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="What lost items cost, and when an item counts as lost.")
class LostItemFeePolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("What the policy is for.")
    metadata: Metadata | None = field("Who made the record and when.")

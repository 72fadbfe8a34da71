"""Which loans, and in which order: the arguments of every list of loans."""

from __future__ import annotations

from enum import Enum

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import DateTimeRange, SortDirection, condition
from gateway.fields.enums import member
from gateway.schema.enums import ItemStatusName, LoanStatusName
from gateway.schema.loan_extras import AtLocationUseStatus


@strawberry.input(
    description="Which loans. All conditions must hold; a list matches any of its values. "
    'What is overdue: `{ status: [OPEN], dueDate: { before: "2026-11-26T00:00:00Z" } }`.'
)
class LoanFilter:
    id: list[strawberry.ID] | None = condition("Ids of loans.", "id", arguments.ids)
    borrower_id: list[strawberry.ID] | None = condition("Ids of borrowers.", "userId", arguments.ids)
    item_id: list[strawberry.ID] | None = condition("Ids of items.", "itemId", arguments.ids)
    status: list[LoanStatusName] | None = condition("Running or ended.", "status.name", arguments.members)
    due_date: DateTimeRange | None = condition("When the item is due.", "dueDate", arguments.span)
    loan_date: DateTimeRange | None = condition("When the item was lent.", "loanDate", arguments.span)
    action: list[str] | None = condition(
        "What happened to the loan last, such as `checkedout` or `renewed`.", "action", arguments.exact
    )
    item_status: list[ItemStatusName] | None = condition(
        "The state of the item as the loan keeps it.", "itemStatus", arguments.members
    )
    checkout_service_point_id: list[strawberry.ID] | None = condition(
        "Where the item was lent.", "checkoutServicePointId", arguments.ids
    )
    checkin_service_point_id: list[strawberry.ID] | None = condition(
        "Where the item came back.", "checkinServicePointId", arguments.ids
    )
    for_use_at_location_status: list[AtLocationUseStatus] | None = condition(
        "Where items are that must not leave the library.", "forUseAtLocation.status", arguments.members
    )
    created_by_username: list[str] | None = condition(
        "The log-in name of whoever lent it.", "metadata.createdByUsername", arguments.exact
    )


@strawberry.enum(description="What loans can be sorted by.")
class LoanSortField(Enum):
    DUE_DATE = member("dueDate", "When the item is due.")
    LOAN_DATE = member("loanDate", "When the item was lent.")
    ACTION = member("action", "What happened last.")
    STATUS = member("status.name", "Running or ended.")


@strawberry.input(
    description="One key to sort loans by; of several, the first counts most. "
    "The last first: `{ field: DUE_DATE, direction: DESCENDING }`."
)
class LoanSort:
    field: LoanSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )

"""Filter and sort arguments of lists of loans."""

from enum import Enum

import strawberry

from gateway.fields.arguments import condition
from gateway.schema import filters
from gateway.schema.enums import ItemStatusName, LoanStatusName, member
from gateway.schema.filters import DateTimeRange, SortDirection
from gateway.schema.loan_extras import AtLocationUseStatus


@strawberry.input(
    description="Conditions on loans. All must hold; a list matches any of its values. Overdue loans: `{ "
    'status: [OPEN], dueDate: { before: "2026-11-26T00:00:00Z" } }`.'
)
class LoanFilter:
    id: list[strawberry.ID] | None = condition("Ids of loans.", "id", filters.ids)
    borrower_id: list[strawberry.ID] | None = condition("Ids of borrowers.", "userId", filters.ids)
    item_id: list[strawberry.ID] | None = condition("Ids of items.", "itemId", filters.ids)
    status: list[LoanStatusName] | None = condition(
        "The states of the loans.", "status.name", filters.members
    )
    due_date: DateTimeRange | None = condition("The date the item is due.", "dueDate", filters.span)
    loan_date: DateTimeRange | None = condition("The date the item was lent.", "loanDate", filters.span)
    action: list[str] | None = condition(
        "The last action on the loan, such as `checkedout` or `renewed`.", "action", filters.exact
    )
    item_status: list[ItemStatusName] | None = condition(
        "The state of the item as stored in the loan.", "itemStatus", filters.members
    )
    checkout_service_point_id: list[strawberry.ID] | None = condition(
        "The service point of the check-out.", "checkoutServicePointId", filters.ids
    )
    checkin_service_point_id: list[strawberry.ID] | None = condition(
        "The service point of the check-in.", "checkinServicePointId", filters.ids
    )
    for_use_at_location_status: list[AtLocationUseStatus] | None = condition(
        "The states of items for use inside the library only.", "forUseAtLocation.status", filters.members
    )
    created_by_username: list[str] | None = condition(
        "User names of the staff members who lent the items.", "metadata.createdByUsername", filters.exact
    )


@strawberry.enum(description="Sort keys for loans.")
class LoanSortField(Enum):
    DUE_DATE = member("dueDate", "The date the item is due.")
    LOAN_DATE = member("loanDate", "The date the item was lent.")
    ACTION = member("action", "The last action.")
    STATUS = member("status.name", "The state of the loan.")


@strawberry.input(
    description="One sort key for loans; of several, the first takes precedence. Latest first: `{ field: "
    "DUE_DATE, direction: DESCENDING }`."
)
class LoanSort:
    field: LoanSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )

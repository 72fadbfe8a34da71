"""Which accounts, and in which order: the arguments of every list of accounts."""

from __future__ import annotations

from enum import Enum

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import DateTimeRange, SortDirection, condition
from gateway.fields.enums import member, unknown_member
from gateway.upstream import cql

LATEST_ACCOUNTS_FIRST = (cql.SortKey("metadata.createdDate", descending=True),)


@strawberry.enum(description="Whether something is still owed.")
class AccountStatusName(Enum):
    OPEN = member("Open", "Something is owed.")
    CLOSED = member("Closed", "It was paid, waived, transferred or cancelled.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="How far an account was settled, and how.")
class PaymentStatusName(Enum):
    OUTSTANDING = member("Outstanding", "Nothing was paid yet.")
    PAID_PARTIALLY = member("Paid partially", "A part was paid.")
    PAID_FULLY = member("Paid fully", "It was paid.")
    WAIVED_PARTIALLY = member("Waived partially", "A part was waived.")
    WAIVED_FULLY = member("Waived fully", "It was waived.")
    TRANSFERRED_PARTIALLY = member("Transferred partially", "A part went to another account, as a bursar's.")
    TRANSFERRED_FULLY = member("Transferred fully", "It went to another account, such as a bursar's.")
    REFUNDED_PARTIALLY = member("Refunded partially", "A part of what was paid was given back.")
    REFUNDED_FULLY = member("Refunded fully", "What was paid was given back.")
    CREDITED_PARTIALLY = member("Credited partially", "A part was credited.")
    CREDITED_FULLY = member("Credited fully", "It was credited.")
    CANCELLED_ITEM_RETURNED = member("Cancelled item returned", "Cancelled: the lost item came back.")
    CANCELLED_ITEM_RENEWED = member("Cancelled item renewed", "Cancelled: the lost item was renewed.")
    CANCELLED_ITEM_DECLARED_LOST = member(
        "Cancelled item declared lost", "Cancelled: the item that had aged to lost was declared lost."
    )
    CANCELLED_AS_ERROR = member("Cancelled as error", "Cancelled: it was charged by mistake.")
    SUSPENDED_CLAIM_RETURNED = member(
        "Suspended claim returned", "Suspended: the patron says that the item came back."
    )
    UNKNOWN = unknown_member()


@strawberry.input(
    description="Which accounts. All conditions must hold; a list matches any of its values. "
    'Overdue fines that are still owed: `{ status: [OPEN], feeFineType: ["Overdue fine"] }`.'
)
class AccountFilter:
    id: list[strawberry.ID] | None = condition("Ids of accounts.", "id", arguments.ids)
    user_id: list[strawberry.ID] | None = condition("Who owes.", "userId", arguments.ids)
    loan_id: list[strawberry.ID] | None = condition("For which loans.", "loanId", arguments.ids)
    item_id: list[strawberry.ID] | None = condition("For which items.", "itemId", arguments.ids)
    status: list[AccountStatusName] | None = condition(
        "Whether something is still owed.", "status.name", arguments.members
    )
    payment_status: list[PaymentStatusName] | None = condition(
        "How far they were settled.", "paymentStatus.name", arguments.members
    )
    fee_fine_type: list[str] | None = condition(
        "What is charged for, such as `Overdue fine`.", "feeFineType", arguments.exact
    )
    fee_fine_owner: list[str] | None = condition("Names of who charges.", "feeFineOwner", arguments.exact)
    date_created: DateTimeRange | None = condition("When they were made.", "dateCreated", arguments.span)


@strawberry.enum(description="What accounts can be sorted by.")
class AccountSortField(Enum):
    CREATED_DATE = member("metadata.createdDate", "When the account was made.")
    DUE_DATE = member("dueDate", "When the item was due.")
    AMOUNT = member("amount/number", "What was charged.")
    REMAINING = member("remaining/number", "What is still owed.")
    FEE_FINE_TYPE = member("feeFineType", "What is charged for.")


@strawberry.input(
    description="One key to sort accounts by; of several, the first counts most. "
    "The last first: `{ field: CREATED_DATE, direction: DESCENDING }`."
)
class AccountSort:
    field: AccountSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )

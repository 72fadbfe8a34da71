"""Filter and sort arguments of lists of accounts."""

from enum import Enum

import strawberry

from gateway.fields.arguments import condition
from gateway.schema import filters
from gateway.schema.enums import member, unknown_member
from gateway.schema.filters import DateTimeRange, SortDirection
from gateway.upstream import cql

LATEST_ACCOUNTS_FIRST = (cql.SortKey("metadata.createdDate", descending=True),)


@strawberry.enum(description="The state of an account: open while money is owed.")
class AccountStatusName(Enum):
    OPEN = member("Open", "Money is owed.")
    CLOSED = member("Closed", "Paid, waived, transferred or cancelled.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The settlement state of an account and its reason.")
class PaymentStatusName(Enum):
    OUTSTANDING = member("Outstanding", "Nothing has been paid.")
    PAID_PARTIALLY = member("Paid partially", "Part of the amount was paid.")
    PAID_FULLY = member("Paid fully", "The full amount was paid.")
    WAIVED_PARTIALLY = member("Waived partially", "Part of the amount was waived.")
    WAIVED_FULLY = member("Waived fully", "The full amount was waived.")
    TRANSFERRED_PARTIALLY = member(
        "Transferred partially",
        "Part of the amount was transferred to another account, such as the bursar's.",
    )
    TRANSFERRED_FULLY = member(
        "Transferred fully", "The full amount was transferred to another account, such as the bursar's."
    )
    REFUNDED_PARTIALLY = member("Refunded partially", "Part of the payment was refunded.")
    REFUNDED_FULLY = member("Refunded fully", "The payment was refunded in full.")
    CREDITED_PARTIALLY = member("Credited partially", "Part of the amount was credited.")
    CREDITED_FULLY = member("Credited fully", "The full amount was credited.")
    CANCELLED_ITEM_RETURNED = member(
        "Cancelled item returned", "Cancelled because the lost item was returned."
    )
    CANCELLED_ITEM_RENEWED = member("Cancelled item renewed", "Cancelled because the lost item was renewed.")
    CANCELLED_ITEM_DECLARED_LOST = member(
        "Cancelled item declared lost", "Cancelled because the item, aged to lost before, was declared lost."
    )
    CANCELLED_AS_ERROR = member("Cancelled as error", "Cancelled because it was charged in error.")
    SUSPENDED_CLAIM_RETURNED = member(
        "Suspended claim returned", "Suspended because the patron claims to have returned the item."
    )
    UNKNOWN = unknown_member()


@strawberry.input(
    description="Conditions on accounts. All must hold; a list matches any of its values. Overdue fines "
    'still owed: `{ status: [OPEN], feeFineType: ["Overdue fine"] }`.'
)
class AccountFilter:
    id: list[strawberry.ID] | None = condition("Ids of accounts.", "id", filters.ids)
    user_id: list[strawberry.ID] | None = condition(
        "Ids of the patrons who owe the amounts.", "userId", filters.ids
    )
    loan_id: list[strawberry.ID] | None = condition("Ids of loans.", "loanId", filters.ids)
    item_id: list[strawberry.ID] | None = condition("Ids of items.", "itemId", filters.ids)
    status: list[AccountStatusName] | None = condition(
        "The state of an account: open while money is owed.", "status.name", filters.members
    )
    payment_status: list[PaymentStatusName] | None = condition(
        "Settlement states.", "paymentStatus.name", filters.members
    )
    fee_fine_type: list[str] | None = condition(
        "The type of fee or fine, such as `Overdue fine`.", "feeFineType", filters.exact
    )
    fee_fine_owner: list[str] | None = condition(
        "Names of fee and fine owners.", "feeFineOwner", filters.exact
    )
    date_created: DateTimeRange | None = condition("The creation date.", "dateCreated", filters.span)


@strawberry.enum(description="Sort keys for accounts.")
class AccountSortField(Enum):
    CREATED_DATE = member("metadata.createdDate", "The creation date.")
    DUE_DATE = member("dueDate", "The date the item was due.")
    AMOUNT = member("amount/number", "The amount charged.")
    REMAINING = member("remaining/number", "The amount still owed.")
    FEE_FINE_TYPE = member("feeFineType", "The type of fee or fine.")


@strawberry.input(
    description="One sort key for accounts; of several, the first takes precedence. Latest first: `{ "
    "field: CREATED_DATE, direction: DESCENDING }`."
)
class AccountSort:
    field: AccountSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )

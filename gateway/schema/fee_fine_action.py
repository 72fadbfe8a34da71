"""The actions on fees and fines: charges, payments and the others, and their root field."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.link import link
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.fields.scalars import DateTime
from gateway.schema import filters
from gateway.schema.enums import member
from gateway.schema.filters import DateTimeRange, SortDirection
from gateway.schema.page import Connection
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.account import Account
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User

LATEST_ACTIONS_FIRST = (cql.SortKey("dateAction", descending=True),)


@strawberry.type(description="An action on an account: its charge, a payment, a waiver and so on, or a note.")
class FeeFineAction:
    id: strawberry.ID = field("The id, a UUID.")
    date_action: DateTime | None = field("The date of the action.")
    type_action: str | None = field(
        "The kind of action: the type of fee or fine for its charge, otherwise a settlement state such as "
        "`Paid partially` or `Staff info only`."
    )
    amount_action: float | None = field("The amount of the action. Null for a note.")
    balance: float | None = field("The amount still owed on the account after the action.")
    payment_method: str | None = field(
        "The name of the payment method, the transfer account, or the waive or refund reason."
    )
    transaction_information: str | None = field("Additional information, such as the number of a check.")
    comments: str | None = field(
        "The comments for staff and patron, in FOLIO's form `STAFF : ... \\n PATRON : ...`."
    )
    notify: bool | None = field("True if a notice about it was requested for the patron.")
    source: str | None = field("The name of the staff member.")
    created_at: Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None = link(
        "The service point of the desk.", loader="service_point", key="createdAt"
    )
    original_created_at: str | None = field(
        "The desk of an action from an older version of FOLIO, if that is no id of a service point."
    )
    account: Annotated["Account", strawberry.lazy("gateway.schema.account")] | None = link(
        "The account.", loader="account", key="accountId"
    )
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The patron who owes or owed the amount.", loader="user", key="userId"
    )


@strawberry.type(description="A page of actions on fees and fines.")
class FeeFineActionConnection(Connection[FeeFineAction]):
    pass


@strawberry.input(
    description="Conditions on actions. All must hold; a list matches any of its values. Full payments: "
    '`{ typeAction: ["Paid fully"] }`.'
)
class FeeFineActionFilter:
    id: list[strawberry.ID] | None = condition("Ids of actions.", "id", filters.ids)
    account_id: list[strawberry.ID] | None = condition("Ids of accounts.", "accountId", filters.ids)
    user_id: list[strawberry.ID] | None = condition("Ids of patrons.", "userId", filters.ids)
    type_action: list[str] | None = condition(
        "Kinds of actions, such as `Paid fully`.", "typeAction", filters.exact
    )
    payment_method: list[str] | None = condition(
        "Names of payment methods, transfer accounts or reasons.", "paymentMethod", filters.exact
    )
    created_at: list[strawberry.ID] | None = condition("Ids of service points.", "createdAt", filters.ids)
    date_action: DateTimeRange | None = condition("The date of the action.", "dateAction", filters.span)


@strawberry.enum(description="Sort keys for actions.")
class FeeFineActionSortField(Enum):
    DATE_ACTION = member("dateAction", "The date of the action.")
    TYPE_ACTION = member("typeAction", "The kind of action.")
    AMOUNT_ACTION = member("amountAction/number", "The amount of the action.")


@strawberry.input(
    description="One sort key for actions; of several, the first takes precedence. Oldest first: `{ "
    "field: DATE_ACTION }`."
)
class FeeFineActionSort:
    field: FeeFineActionSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )


QUERIES = [
    root(
        "fee_fine_actions",
        FeeFineActionConnection,
        connection(
            "A page of actions on the fees and fines of all patrons.",
            collection="fees.actions",
            filter=FeeFineActionFilter,
            sort=FeeFineActionSort,
            default_sort=LATEST_ACTIONS_FIRST,
        ),
    ),
]

"""Accounts, the fees and fines of patrons, and their root fields."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway import errors
from gateway.fields.link import link
from gateway.fields.page import connection, connection_link, page_field
from gateway.fields.record import derived, field
from gateway.fields.root import lookup, root
from gateway.fields.scalars import DateTime, is_date
from gateway.loaders.pages import Slice
from gateway.schema.account_search import (
    LATEST_ACCOUNTS_FIRST,
    AccountFilter,
    AccountSort,
    AccountStatusName,
    PaymentStatusName,
)
from gateway.schema.enums import ItemStatusName, upstream_text
from gateway.schema.fee_fine_action import (
    LATEST_ACTIONS_FIRST,
    FeeFineActionConnection,
    FeeFineActionFilter,
    FeeFineActionSort,
)
from gateway.schema.fee_fine_reference import FeeFineOwner, FeeFineType
from gateway.schema.loan_item import Named
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.policy import LoanPolicy, LostItemFeePolicy, OverdueFinePolicy
from gateway.schema.reference import MaterialType

if TYPE_CHECKING:
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.item import Item
    from gateway.schema.loan import Loan
    from gateway.schema.user import User


@strawberry.type(description="The state of an account: open while money is owed.")
class AccountStatus:
    name: AccountStatusName | None = field("`OPEN` or `CLOSED`.")
    name_text: str | None = upstream_text("name")


@strawberry.type(description="The settlement state of an account.")
class PaymentStatus:
    name: PaymentStatusName | None = field("The settlement state and its reason.")
    name_text: str | None = upstream_text("name")


@strawberry.type(description="The state of the item when the account was last written.")
class AccountItemStatus:
    name: ItemStatusName | None = field("The state.")
    name_text: str | None = upstream_text("name")


@strawberry.type(
    description="A fee or fine charged to a patron. Item details are copied when the account is written; "
    "links lead to current records."
)
class Account:
    id: strawberry.ID = field("The id, a UUID.")
    amount: float | None = field("The amount charged, in the library's currency.")
    remaining: float | None = field("The amount still owed, in the library's currency.")
    date_created: DateTime | None = field(
        "The creation date. Null if upstream does not record it; see `metadata`."
    )
    date_updated: DateTime | None = field("The date of the last change. Null if upstream does not record it.")
    status: AccountStatus | None = field("The state of an account: open while money is owed.")
    payment_status: PaymentStatus | None = field("The settlement state and its reason.")
    fee_fine_type: str | None = field("The type of fee or fine, such as `Overdue fine`.")
    fee_fine_owner: str | None = field("The name of the fee or fine owner.")
    title: str | None = field("The title of the item.")
    barcode: str | None = field("The barcode of the item.")
    call_number: str | None = field("The call number of the item.")
    location: str | None = field("The name of the item's location at the time of the charge.")
    material_type: str | None = field("The name of the item's material type.")
    item_material_type: MaterialType | None = link(
        "The material type of the item. Its id and name cost no upstream call.",
        loader="material_type",
        key="materialTypeId",
        embedded={"name!": "materialType"},
    )
    item_status: AccountItemStatus | None = field("The state of the item at the time of the charge.")
    contributors: list[Named | None] | None = field("The contributors of the work.")
    due_date: DateTime | None = field(
        "The date the item was due. Null if the account does not concern a loan."
    )
    returned_date: DateTime | None = derived(
        "The date the item was returned. Null while it is out, and if the account does not concern a loan.",
        lambda account: _moment(account.get("returnedDate")),
        members=("returnedDate",),
    )
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The patron who owes the amount.", loader="user", key="userId"
    )
    loan: Annotated["Loan", strawberry.lazy("gateway.schema.loan")] | None = link(
        "The loan charged for. Null if staff charged it manually.", loader="loan", key="loanId"
    )
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = link(
        "The item charged for.", loader="item", key="itemId"
    )
    holdings: Annotated["Holdings", strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the item.", loader="holdings", key="holdingsRecordId"
    )
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title of the item.", loader="instance", key="instanceId"
    )
    loan_policy: LoanPolicy | None = link(
        "The loan policy in force.", loader="loan_policy", key="loanPolicyId"
    )
    overdue_fine_policy: OverdueFinePolicy | None = link(
        "The policy that set the overdue fine.", loader="overdue_fine_policy", key="overdueFinePolicyId"
    )
    lost_item_fee_policy: LostItemFeePolicy | None = link(
        "The policy that set the lost item fee.", loader="lost_item_fee_policy", key="lostItemFeePolicyId"
    )
    fee_fine: FeeFineType | None = link(
        "The type of fee or fine. Its id costs no upstream call.", loader="fee_fine_type", key="feeFineId"
    )
    owner: FeeFineOwner | None = link(
        "The owner to which the amount is owed. Its id costs no upstream call.",
        loader="fee_fine_owner",
        key="ownerId",
    )
    actions: FeeFineActionConnection | None = connection_link(
        "The history of the account: its charge, payments and other actions, latest first.",
        loader="actions_of_account",
        filter=FeeFineActionFilter,
        sort=FeeFineActionSort,
        default_sort=LATEST_ACTIONS_FIRST,
    )
    process_id: strawberry.ID | None = field(
        "An id shared by accounts that the same check-in or job created."
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


def _moment(value: Any) -> Any:
    """Return a date, None for the hyphen that FOLIO writes if there was no loan. Any: JSON."""
    return value if is_date(value) else None


def _exact(value: object) -> Decimal:
    """Return a number of JSON as a decimal. One without a fraction is a double too, however long."""
    return Decimal(str(float(value) if type(value) is int else value))


def _sum_remaining(page: Slice) -> float | None:
    """Add in decimals: in binary 0.1 + 0.2 is not 0.3."""
    if page.whole is None:
        return None
    try:
        return float(sum(_exact(each.get("remaining") or 0) for each in page.whole))
    except ArithmeticError:
        raise errors.UpstreamBadResponse("An upstream service sent a sum that is no number.") from None


@strawberry.type(description="A page of accounts, with the total amount owed.")
class AccountConnection(Connection[Account]):
    amount_remaining: float | None = page_field(
        "The amount owed on all accounts that match the filter, not only on this page; exact. "
        "Reads the complete list upstream, one call per 1000 accounts; `totalCount` beside it "
        "costs nothing more.",
        _sum_remaining,
        of_records=("remaining",),
    )


QUERIES = [
    root(
        "account",
        Account,
        lookup("One account. Null when there is none.", id=("account", strawberry.ID, "The id, a UUID.")),
    ),
    root(
        "accounts",
        AccountConnection,
        connection(
            "A page of accounts of all patrons.",
            collection="fees.accounts",
            filter=AccountFilter,
            sort=AccountSort,
            default_sort=LATEST_ACCOUNTS_FIRST,
        ),
    ),
]

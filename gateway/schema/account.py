"""Accounts: what patrons owe, and the queries that start at them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway import errors
from gateway.fields.link import link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, connection, page_field
from gateway.fields.record import derived, field
from gateway.fields.root import root
from gateway.fields.scalars import DateTime, has_offset
from gateway.loaders.loader import Slice
from gateway.schema.account_search import (
    LATEST_ACCOUNTS_FIRST,
    AccountFilter,
    AccountSort,
    AccountStatusName,
    PaymentStatusName,
)
from gateway.schema.enums import ItemStatusName
from gateway.schema.loan_item import Named
from gateway.schema.metadata import Metadata
from gateway.schema.policy import LoanPolicy, LostItemFeePolicy, OverdueFinePolicy
from gateway.schema.reference import MaterialType

if TYPE_CHECKING:
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.item import Item
    from gateway.schema.loan import Loan
    from gateway.schema.user import User


@strawberry.type(description="Whether something is still owed.")
class AccountStatus:
    name: AccountStatusName | None = field("`OPEN` or `CLOSED`.")


@strawberry.type(description="How far an account was settled.")
class PaymentStatus:
    name: PaymentStatusName | None = field("How far, and how.")


@strawberry.type(description="The state of the item when the account was last written.")
class AccountItemStatus:
    name: ItemStatusName | None = field("The state.")


@strawberry.type(
    description="A fee or fine that a patron owes or owed. What it says of the item is a copy of its time; "
    "the links lead to what is so now."
)
class Account:
    id: strawberry.ID = field("The id, a UUID.")
    amount: float | None = field("What was charged, in the library's currency.")
    remaining: float | None = field("What is still owed of it.")
    date_created: DateTime | None = field("When it was made, where upstream keeps it; else see `metadata`.")
    date_updated: DateTime | None = field("When it was changed last, where upstream keeps it.")
    status: AccountStatus | None = field("Whether something is still owed.")
    payment_status: PaymentStatus | None = field("How far it was settled, and how.")
    fee_fine_type: str | None = field("What is charged for, such as `Overdue fine`.")
    fee_fine_owner: str | None = field("Who charges, by name.")
    title: str | None = field("The title of the item.")
    barcode: str | None = field("The barcode of the item.")
    call_number: str | None = field("The call number of the item.")
    location: str | None = field("Where the item belonged, by name.")
    material_type: str | None = field("What kind of thing the item is, by name.")
    item_material_type: MaterialType | None = link(
        "What kind of thing the item is. Id and name cost no upstream call.",
        loader="material_type",
        key="materialTypeId",
        embedded={"name": "materialType"},
    )
    item_status: AccountItemStatus | None = field("The state of the item when the account was written.")
    contributors: list[Named | None] | None = field("Who made the work.")
    due_date: DateTime | None = field("When the item was due. Null for what is no matter of a loan.")
    returned_date: DateTime | None = derived(
        "When the item came back. Null while it has not, and for what is no matter of a loan.",
        lambda account: _moment(account.get("returnedDate")),
    )
    user: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who owes it.", loader="user", key="userId"
    )
    loan: Annotated[Loan, strawberry.lazy("gateway.schema.loan")] | None = link(
        "The loan that it is charged for. Null for what staff charged by hand.", loader="loan", key="loanId"
    )
    item: Annotated[Item, strawberry.lazy("gateway.schema.item")] | None = link(
        "The item that it is charged for.", loader="item", key="itemId"
    )
    holdings: Annotated[Holdings, strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the item.", loader="holdings", key="holdingsRecordId"
    )
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title of the item.", loader="instance", key="instanceId"
    )
    loan_policy: LoanPolicy | None = link("The rules of the loan.", loader="loan_policy", key="loanPolicyId")
    overdue_fine_policy: OverdueFinePolicy | None = link(
        "The rules that an overdue fine came from.", loader="overdue_fine_policy", key="overdueFinePolicyId"
    )
    lost_item_fee_policy: LostItemFeePolicy | None = link(
        "The rules that a lost item fee came from.", loader="lost_item_fee_policy", key="lostItemFeePolicyId"
    )
    fee_fine_id: strawberry.ID | None = field("What is charged for: an id of FOLIO's fees and fines.")
    owner_id: strawberry.ID | None = field("Who charges: an id of FOLIO's fee and fine owners.")
    process_id: strawberry.ID | None = field("The same for accounts that one check-in or one job made.")
    metadata: Metadata | None = field("Who made the record and when.")


def _moment(value: Any) -> Any:
    """A date; FOLIO writes a hyphen for the return of what was never lent. Any: JSON."""
    return value if has_offset(value) else None


def _sum_remaining(page: Slice) -> float | None:
    """Reckoned in decimals: in binary 0.1 + 0.2 is not 0.3."""
    if page.whole is None:
        return None
    try:
        return float(sum(Decimal(str(each.get("remaining") or 0)) for each in page.whole))
    except ArithmeticError:
        raise errors.UpstreamBadResponse("An upstream service sent a sum that is no number.") from None


@strawberry.type(description="A page of accounts, and what is owed on all of them.")
class AccountConnection(Connection[Account]):
    amount_remaining: float | None = page_field(
        "What is owed on the whole list that the filter leaves, not on this page; exact. It reads the whole "
        "list upstream, one call per 1000 accounts, and `totalCount` beside it then costs nothing.",
        _sum_remaining,
        of_records=("remaining",),
    )


QUERIES = [
    root(
        "account", Account, lookup("One account. Null when there is none.", id=("account", "The id, a UUID."))
    ),
    root(
        "accounts",
        AccountConnection,
        connection(
            "Accounts of all patrons, a page at a time.",
            ask=lambda upstream: upstream.fees.accounts,
            filter=AccountFilter,
            sort=AccountSort,
            default_sort=LATEST_ACCOUNTS_FIRST,
        ),
    ),
]

"""Inputs and results that all actions on fees and fines share, and the checks before them."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link, links
from gateway.fields.record import field
from gateway.fields.root import query
from gateway.fields.scalars import Decimal
from gateway.schema.account import Account
from gateway.schema.fee_fine_action import FeeFineAction
from gateway.upstream.record_types import Record

MAX_ACCOUNTS = 100  # of one action; upstream reads a thousand actions on them and no more for a refund


@strawberry.input
class DeskInput:
    """The fields of each action on an account: by whom and where, and the notice about it."""

    user_name: str = strawberry.field(
        description="The name of the staff member, as FOLIO records it: `Last name, First name`."
    )
    service_point_id: strawberry.ID = strawberry.field(description="The service point of the desk.")
    notify_patron: bool = strawberry.field(description="True to send the patron a notice.")


@strawberry.input
class SettlementInput(DeskInput):
    """The fields of each action that settles an amount."""

    amount: Decimal = strawberry.field(description="The amount, greater than zero.")
    comments: str | None = strawberry.field(
        default=None,
        description="Comments for staff and patron, in FOLIO's form `STAFF : ... \\n PATRON : ...`.",
    )


@strawberry.type
class AccountActedOn:
    """The result of an action on one account."""

    record: strawberry.Private[Record]  # upstream's response
    account: Account | None = link(
        "The account after the action. Its id costs no upstream call.", loader="account", key="accountId"
    )
    amount: Decimal | None = field("The amount of the action. Null for a cancellation.")
    remaining_amount: Decimal | None = field("The amount still owed on the account.")
    actions: list[FeeFineAction | None] | None = field(
        "The actions that were added to the history of the account; a refund adds several.",
        key="feefineactions",
    )


@strawberry.type
class AccountsActedOn:
    """The result of an action on several accounts."""

    record: strawberry.Private[Record]  # upstream's response
    accounts: list[Account | None] | None = links(
        "The accounts after the action.", loader="account", key="accountIds"
    )
    amount: Decimal | None = field("The total amount of the action. Null for a cancellation.")
    actions: list[FeeFineAction | None] | None = field(
        "The actions that were added to the history of the accounts, with the amount of each.",
        key="feefineactions",
    )


def check_accounts(ids: Sequence[strawberry.ID]) -> list[str]:
    """Return the ids of accounts in lower case.

    Raises `BadUserInput`, naming the field, for none, a malformed or a repeated one, and `LimitExceeded`.
    """
    if not ids:
        raise errors.BadUserInput("`accountIds` must have at least one element.")
    if len(ids) > MAX_ACCOUNTS:
        raise errors.LimitExceeded(f"`accountIds` must have at most {MAX_ACCOUNTS} elements; got {len(ids)}.")
    checked = [arguments.check_uuid(each, "accountIds") for each in ids]
    if len(set(checked)) < len(checked):
        raise errors.BadUserInput("`accountIds` must contain each account once.")
    return checked


@strawberry.enum(description="An action that settles an amount, or reverses that.")
class SettlementAction(Enum):
    PAY = strawberry.enum_value("pay", description="A payment.")
    WAIVE = strawberry.enum_value("waive", description="A waiver.")
    TRANSFER = strawberry.enum_value("transfer", description="A transfer to an account outside the library.")
    REFUND = strawberry.enum_value("refund", description="A refund of what was paid or transferred.")


@strawberry.type(description="FOLIO's check of an action on one account.")
class FeeFineActionCheck:
    allowed: bool | None = field("True if the action is allowed.")
    amount: Decimal | None = field("The amount that was checked.")
    remaining_amount: Decimal | None = field(
        "The amount that would remain: after a refund the amount that could still be refunded, otherwise the "
        "amount owed. Null if the action is not allowed."
    )
    error_message: str | None = field("FOLIO's reason if the action is not allowed.")
    account: Account | None = link(
        "The account. Its id costs no upstream call.", loader="account", key="accountId"
    )


@strawberry.type(description="FOLIO's check of an action on several accounts.")
class FeeFinesActionCheck:
    allowed: bool | None = field("True if the action is allowed.")
    amount: Decimal | None = field("The total amount that was checked.")
    remaining_amount: Decimal | None = field(
        "The amount that would remain: after a refund the amount that could still be refunded, otherwise the "
        "amount owed. Null if the action is not allowed."
    )
    error_message: str | None = field("FOLIO's reason if the action is not allowed.")
    accounts: list[Account | None] | None = links("The accounts.", loader="account", key="accountIds")


_CHECKS = tuple(f"fee_fine_actions.check_{action}" for action in ("pay", "waive", "transfer", "refund"))


@query(
    "A check of an action on one account, before it: FOLIO computes what would remain. One upstream call, "
    "which changes nothing. Null if the account does not exist.",
    calls=[
        (
            "fee_fine_actions.check_pay",
            "fee_fine_actions.check_waive",
            "fee_fine_actions.check_transfer",
            "fee_fine_actions.check_refund",
        )
    ],
)
async def fee_fine_action_check(
    info: Info,
    action: Annotated[SettlementAction, strawberry.argument(description="The action.")],
    account_id: Annotated[strawberry.ID, strawberry.argument(description="The account.")],
    amount: Annotated[Decimal, strawberry.argument(description="The amount.")],
) -> FeeFineActionCheck | None:
    key = arguments.check_uuid(account_id, "accountId")
    fees = info.context.upstream.fee_fine_actions
    check = {
        SettlementAction.PAY: fees.check_pay,
        SettlementAction.WAIVE: fees.check_waive,
        SettlementAction.TRANSFER: fees.check_transfer,
        SettlementAction.REFUND: fees.check_refund,
    }[action]
    return cast(FeeFineActionCheck | None, await check(key, str(amount)))


@query(
    "A check of an action on several accounts, as `feeFineActionCheck`. Null if one of the accounts does not "
    "exist.",
    calls=[
        (
            "fee_fine_actions.check_pay_all",
            "fee_fine_actions.check_waive_all",
            "fee_fine_actions.check_transfer_all",
            "fee_fine_actions.check_refund_all",
        )
    ],
)
async def fee_fines_action_check(
    info: Info,
    action: Annotated[SettlementAction, strawberry.argument(description="The action.")],
    account_ids: Annotated[list[strawberry.ID], strawberry.argument(description="The accounts, up to 100.")],
    amount: Annotated[Decimal, strawberry.argument(description="The total amount.")],
) -> FeeFinesActionCheck | None:
    keys = check_accounts(account_ids)
    fees = info.context.upstream.fee_fine_actions
    check = {
        SettlementAction.PAY: fees.check_pay_all,
        SettlementAction.WAIVE: fees.check_waive_all,
        SettlementAction.TRANSFER: fees.check_transfer_all,
        SettlementAction.REFUND: fees.check_refund_all,
    }[action]
    return cast(FeeFinesActionCheck | None, await check(keys, str(amount)))


QUERIES = [fee_fine_action_check, fee_fines_action_check]

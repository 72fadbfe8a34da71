"""Transfer an amount owed on an account to one outside the library."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.settlement_look_up import TRANSFERRED, Settlement
from gateway.live.changed_records import changes_by_actions
from gateway.schema.fee_fine_settlement import AccountActedOn, SettlementInput
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `transferFeeFine`.")
class TransferFeeFineInput(SettlementInput):
    account_id: strawberry.ID = strawberry.field(description="The account.")
    payment_method: str = strawberry.field(
        description="The name of an account outside the library, one of `transferAccounts`."
    )
    transaction_info: str | None = strawberry.field(
        default=None, description="Additional information, such as the number of a check."
    )


@strawberry.type(description="An amount was transferred.")
class FeeFineTransferred(AccountActedOn):
    pass


TransferFeeFineResult = Annotated[
    FeeFineTransferred | Refusal,
    strawberry.union("TransferFeeFineResult", description="The result of `transferFeeFine`."),
]


@mutation(
    "Transfer an amount owed on an account to one outside the library. Sent once, and looked up if its "
    "response is lost.",
    changes=changes_by_actions,
)
async def transfer_fee_fine(info: Info, input: TransferFeeFineInput) -> TransferFeeFineResult:
    account_id = arguments.check_uuid(input.account_id, "accountId")
    arguments.check_positive(input.amount, "amount")
    body = body_of(input, "accountId")
    try:
        response = await begin_mutation(info).fee_fine_actions.transfer_fee_fine(account_id, body)
    except errors.OutcomeUnknown as unknown:
        settlement = Settlement([account_id], body, TRANSFERRED)
        response = await look_up(info, unknown, settlement.find)
    return FeeFineTransferred(record=response)

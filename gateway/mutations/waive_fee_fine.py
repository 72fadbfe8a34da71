"""Waive an amount owed on an account."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.settlement_look_up import WAIVED, Settlement
from gateway.live.changed_records import changes_by_actions
from gateway.schema.fee_fine_settlement import AccountActedOn, SettlementInput
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `waiveFeeFine`.")
class WaiveFeeFineInput(SettlementInput):
    account_id: strawberry.ID = strawberry.field(description="The account.")
    payment_method: str = strawberry.field(description="The name of a reason, one of `waiveReasons`.")
    transaction_info: str | None = strawberry.field(
        default=None, description="Additional information, such as the number of a check."
    )


@strawberry.type(description="An amount was waived.")
class FeeFineWaived(AccountActedOn):
    pass


WaiveFeeFineResult = Annotated[
    FeeFineWaived | Refusal,
    strawberry.union("WaiveFeeFineResult", description="The result of `waiveFeeFine`."),
]


@mutation(
    "Waive an amount owed on an account. Sent once, and looked up if its response is lost.",
    changes=changes_by_actions,
)
async def waive_fee_fine(info: Info, input: WaiveFeeFineInput) -> WaiveFeeFineResult:
    account_id = arguments.check_uuid(input.account_id, "accountId")
    arguments.check_positive(input.amount, "amount")
    body = body_of(input, "accountId")
    try:
        response = await begin_mutation(info).fee_fine_actions.waive_fee_fine(account_id, body)
    except errors.OutcomeUnknown as unknown:
        settlement = Settlement([account_id], body, WAIVED)
        response = await look_up(info, unknown, settlement.find)
    return FeeFineWaived(record=response)

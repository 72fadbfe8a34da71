"""Refund an amount that was paid on an account or transferred."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.settlement_look_up import CREDITED, REFUNDED, Settlement
from gateway.live.changed_records import changes_by_actions
from gateway.schema.fee_fine_settlement import AccountActedOn, SettlementInput
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `refundFeeFine`.")
class RefundFeeFineInput(SettlementInput):
    account_id: strawberry.ID = strawberry.field(description="The account.")
    payment_method: str = strawberry.field(description="The name of a reason, one of `refundReasons`.")


@strawberry.type(description="An amount was refunded; it is owed again.")
class FeeFineRefunded(AccountActedOn):
    pass


RefundFeeFineResult = Annotated[
    FeeFineRefunded | Refusal,
    strawberry.union("RefundFeeFineResult", description="The result of `refundFeeFine`."),
]


@mutation(
    "Refund an amount that was paid on an account or transferred. Sent once, and looked up if its "
    "response is lost.",
    changes=changes_by_actions,
)
async def refund_fee_fine(info: Info, input: RefundFeeFineInput) -> RefundFeeFineResult:
    account_id = arguments.check_uuid(input.account_id, "accountId")
    arguments.check_positive(input.amount, "amount")
    body = body_of(input, "accountId")
    try:
        response = await begin_mutation(info).fee_fine_actions.refund_fee_fine(account_id, body)
    except errors.OutcomeUnknown as unknown:
        settlement = Settlement([account_id], body, REFUNDED, CREDITED, has_one_action=False)
        response = await look_up(info, unknown, settlement.find)
    return FeeFineRefunded(record=response)

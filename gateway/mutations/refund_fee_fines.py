"""Refund an amount that was paid on several accounts or transferred."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.settlement_look_up import CREDITED, REFUNDED, Settlement
from gateway.live.changed_records import changes_by_actions
from gateway.schema.fee_fine_settlement import AccountsActedOn, SettlementInput, check_accounts
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `refundFeeFines`.")
class RefundFeeFinesInput(SettlementInput):
    account_ids: list[strawberry.ID] = strawberry.field(description="The accounts, up to 100.")
    payment_method: str = strawberry.field(description="The name of a reason, one of `refundReasons`.")


@strawberry.type(description="An amount was refunded; it is owed again.")
class FeeFinesRefunded(AccountsActedOn):
    pass


RefundFeeFinesResult = Annotated[
    FeeFinesRefunded | Refusal,
    strawberry.union("RefundFeeFinesResult", description="The result of `refundFeeFines`."),
]


@mutation(
    "Refund an amount that was paid on several accounts or transferred. FOLIO splits it evenly, and no "
    "account gets more than was paid or transferred. Sent once, and looked up if its response is lost.",
    changes=changes_by_actions,
)
async def refund_fee_fines(info: Info, input: RefundFeeFinesInput) -> RefundFeeFinesResult:
    account_ids = check_accounts(input.account_ids)
    arguments.check_positive(input.amount, "amount")
    body = {"accountIds": account_ids, **body_of(input, "accountIds")}
    try:
        response = await begin_mutation(info).fee_fine_actions.refund_fee_fines(body)
    except errors.OutcomeUnknown as unknown:
        settlement = Settlement(account_ids, body, REFUNDED, CREDITED, has_one_action=False)
        response = await look_up(info, unknown, settlement.find)
    return FeeFinesRefunded(record=response)

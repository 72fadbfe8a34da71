"""Waive an amount owed on several accounts."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.settlement_look_up import WAIVED, Settlement
from gateway.live.changed_records import changes_by_actions
from gateway.schema.fee_fine_settlement import AccountsActedOn, SettlementInput, check_accounts
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `waiveFeeFines`.")
class WaiveFeeFinesInput(SettlementInput):
    account_ids: list[strawberry.ID] = strawberry.field(description="The accounts, up to 100.")
    payment_method: str = strawberry.field(description="The name of a reason, one of `waiveReasons`.")
    transaction_info: str | None = strawberry.field(
        default=None, description="Additional information, such as the number of a check."
    )


@strawberry.type(description="An amount was waived.")
class FeeFinesWaived(AccountsActedOn):
    pass


WaiveFeeFinesResult = Annotated[
    FeeFinesWaived | Refusal,
    strawberry.union("WaiveFeeFinesResult", description="The result of `waiveFeeFines`."),
]


@mutation(
    "Waive an amount owed on several accounts. FOLIO splits it evenly, and no account gets more than is "
    "owed on it. Sent once, and looked up if its response is lost.",
    changes=changes_by_actions,
)
async def waive_fee_fines(info: Info, input: WaiveFeeFinesInput) -> WaiveFeeFinesResult:
    account_ids = check_accounts(input.account_ids)
    arguments.check_positive(input.amount, "amount")
    body = {"accountIds": account_ids, **body_of(input, "accountIds")}
    try:
        response = await begin_mutation(info).fee_fine_actions.waive_fee_fines(body)
    except errors.OutcomeUnknown as unknown:
        settlement = Settlement(account_ids, body, WAIVED)
        response = await look_up(info, unknown, settlement.find)
    return FeeFinesWaived(record=response)

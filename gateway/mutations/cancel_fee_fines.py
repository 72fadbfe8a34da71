"""Cancel the fees and fines of several accounts."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.settlement_look_up import Settlement
from gateway.live.changed_records import changes_by_actions
from gateway.schema.fee_fine_settlement import AccountsActedOn, DeskInput, check_accounts
from gateway.schema.refusal import Refusal

CANCELLED = "Cancelled as error"


@strawberry.input(description="The input of `cancelFeeFines`.")
class CancelFeeFinesInput(DeskInput):
    account_ids: list[strawberry.ID] = strawberry.field(description="The accounts, up to 100.")
    comments: str = strawberry.field(
        description="Comments for staff and patron, in FOLIO's form `STAFF : ... \\n PATRON : ...`. FOLIO "
        "requires them here."
    )


@strawberry.type(description="The fees and fines were cancelled as errors; nothing is owed.")
class FeeFinesCancelled(AccountsActedOn):
    pass


CancelFeeFinesResult = Annotated[
    FeeFinesCancelled | Refusal,
    strawberry.union("CancelFeeFinesResult", description="The result of `cancelFeeFines`."),
]


@mutation(
    "Cancel the fees and fines of several accounts as errors. If one is closed, all are refused. Sent "
    "once, and looked up if its response is lost.",
    changes=changes_by_actions,
)
async def cancel_fee_fines(info: Info, input: CancelFeeFinesInput) -> CancelFeeFinesResult:
    account_ids = check_accounts(input.account_ids)
    body = {"accountIds": account_ids, **body_of(input, "accountIds")}
    try:
        response = await begin_mutation(info).fee_fine_actions.cancel_fee_fines(body)
    except errors.OutcomeUnknown as unknown:
        settlement = Settlement(account_ids, body, [CANCELLED])
        response = await look_up(info, unknown, settlement.find)
    return FeeFinesCancelled(record=response)

"""Cancel the fee or fine of an account."""

from enum import Enum
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.settlement_look_up import Settlement
from gateway.live.changed_records import changes_by_actions
from gateway.schema.enums import member
from gateway.schema.fee_fine_settlement import AccountActedOn, DeskInput
from gateway.schema.refusal import Refusal

CANCELLED = "Cancelled as error"


@strawberry.enum(description="The settlement state of an account that was cancelled.")
class FeeFineCancellation(Enum):
    CANCELLED_AS_ERROR = member("Cancelled as error", "It was charged in error.")
    CANCELLED_ITEM_RETURNED = member("Cancelled item returned", "The lost item was returned.")
    CANCELLED_ITEM_RENEWED = member("Cancelled item renewed", "The lost item was renewed.")
    CANCELLED_ITEM_DECLARED_LOST = member(
        "Cancelled item declared lost", "The item, aged to lost before, was declared lost."
    )


@strawberry.input(description="The input of `cancelFeeFine`.")
class CancelFeeFineInput(DeskInput):
    account_id: strawberry.ID = strawberry.field(description="The account.")
    comments: str | None = strawberry.field(
        default=None,
        description="Comments for staff and patron, in FOLIO's form `STAFF : ... \\n PATRON : ...`.",
    )
    cancellation_reason: FeeFineCancellation | None = strawberry.field(
        default=None, description="The reason. Defaults to `CANCELLED_AS_ERROR`."
    )


@strawberry.type(description="The fee or fine was cancelled; nothing is owed.")
class FeeFineCancelled(AccountActedOn):
    pass


CancelFeeFineResult = Annotated[
    FeeFineCancelled | Refusal,
    strawberry.union("CancelFeeFineResult", description="The result of `cancelFeeFine`."),
]


@mutation(
    "Cancel the fee or fine of an account. A closed one is refused. Sent once, and looked up if its "
    "response is lost.",
    changes=changes_by_actions,
)
async def cancel_fee_fine(info: Info, input: CancelFeeFineInput) -> CancelFeeFineResult:
    account_id = arguments.check_uuid(input.account_id, "accountId")
    body = body_of(input, "accountId")
    try:
        response = await begin_mutation(info).fee_fine_actions.cancel_fee_fine(account_id, body)
    except errors.OutcomeUnknown as unknown:
        settlement = Settlement([account_id], body, [body.get("cancellationReason", CANCELLED)])
        response = await look_up(info, unknown, settlement.find)
    return FeeFineCancelled(record=response)

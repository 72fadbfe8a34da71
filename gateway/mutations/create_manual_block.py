"""Block a user manually."""

from functools import partial
from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, new_id
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import Changed, Written, changes_of_user
from gateway.schema.patron_block import ManualBlock
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `createManualBlock`.")
class CreateManualBlockInput:
    user_id: strawberry.ID = strawberry.field(description="The user to block.")
    desc: str = strawberry.field(description="The reason, for staff.")
    borrowing: bool | None = strawberry.field(default=None, description="True to block borrowing.")
    renewals: bool | None = strawberry.field(default=None, description="True to block renewals.")
    requests: bool | None = strawberry.field(default=None, description="True to block requests.")
    staff_information: str | None = strawberry.field(
        default=None, description="Additional text for staff only."
    )
    patron_message: str | None = strawberry.field(default=None, description="The text shown to the patron.")
    expiration_date: DateTime | None = strawberry.field(
        default=None,
        description="The date on which the block ends, such as `2026-11-21T10:00:00Z`. It has no end if "
        "absent.",
    )
    code: str | None = strawberry.field(
        default=None, description="The code of the template that the block is created from."
    )
    type: str | None = strawberry.field(
        default=None, description="The type of the block. Defaults to `Manual`, which FOLIO writes."
    )
    id: strawberry.ID | None = strawberry.field(
        default=None, description="A UUID chosen by the client. Defaults to a new one."
    )


@strawberry.type(description="The user is blocked.")
class ManualBlockCreated:
    manual_block: ManualBlock = strawberry.field(description="The new block.")


CreateManualBlockResult = Annotated[
    ManualBlockCreated | Refusal,
    strawberry.union("CreateManualBlockResult", description="The result of `createManualBlock`."),
]


def _changes(written: Written[CreateManualBlockInput, ManualBlockCreated]) -> Changed:
    """Return the change of the user, to whom the block belongs."""
    return changes_of_user(written.input.user_id)


@mutation(
    "Block a user manually. Sent once, and looked up if its response is lost.",
    changes=_changes,
)
async def create_manual_block(info: Info, input: CreateManualBlockInput) -> CreateManualBlockResult:
    body = {"id": new_id(info), "type": "Manual", **body_of(input)}
    try:
        block = await begin_mutation(info).fees.create_manual_block(body)
    except errors.OutcomeUnknown as unknown:
        block = await look_up(info, unknown, partial(_find_block, body))
    return ManualBlockCreated(manual_block=cast(ManualBlock, block))


async def _find_block(body: Record, look_up: LookUp) -> Record | None:
    block = await look_up.upstream.fees.manual_block(body["id"])
    return look_up.proven("block", block, body, is_new=True)

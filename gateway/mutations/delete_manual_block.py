"""Delete a manual block."""

from functools import partial
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import ONCE, LookUp, look_up
from gateway.fields.mutation import begin_mutation, mutation
from gateway.live.changed_records import NoChanges
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `deleteManualBlock`.")
class DeleteManualBlockInput:
    manual_block_id: strawberry.ID = strawberry.field(description="The block.")


@strawberry.type(description="The block was deleted.")
class ManualBlockDeleted:
    id: strawberry.ID = strawberry.field(description="The id of the block, which exists no more.")


DeleteManualBlockResult = Annotated[
    ManualBlockDeleted | Refusal,
    strawberry.union("DeleteManualBlockResult", description="The result of `deleteManualBlock`."),
]


@mutation(
    "Delete a manual block. Sent once: after `OUTCOME_UNKNOWN` read the block first.",
    changes=NoChanges("Blocks are watched by their user, whom neither input nor response names."),
)
async def delete_manual_block(info: Info, input: DeleteManualBlockInput) -> DeleteManualBlockResult:
    block_id = arguments.check_uuid(input.manual_block_id, "manualBlockId")
    try:
        await begin_mutation(info).fees.delete_manual_block(block_id)
    except errors.OutcomeUnknown as unknown:
        await look_up(info, unknown, partial(_see_block, block_id), ONCE)
    return ManualBlockDeleted(id=strawberry.ID(block_id))


async def _see_block(block_id: str, look_up: LookUp) -> None:
    """See the block. Its absence proves nothing: it may not have existed before."""
    block = await look_up.upstream.fees.manual_block(block_id)
    look_up.seen = "The block does not exist." if block is None else "The block exists."

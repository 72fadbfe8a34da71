"""Change a manual block."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, nulls_of
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import Changed, Written, changes_of_user
from gateway.schema.patron_block import ManualBlock
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.input(
    description="The input of `updateManualBlock`. An absent field keeps its value, null removes it."
)
class UpdateManualBlockInput:
    manual_block_id: strawberry.ID = strawberry.field(description="The block.")
    desc: str | None = strawberry.field(
        default=strawberry.UNSET, description="The reason, for staff. It cannot be removed."
    )
    borrowing: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True to block borrowing."
    )
    renewals: bool | None = strawberry.field(default=strawberry.UNSET, description="True to block renewals.")
    requests: bool | None = strawberry.field(default=strawberry.UNSET, description="True to block requests.")
    staff_information: str | None = strawberry.field(
        default=strawberry.UNSET, description="Additional text for staff only."
    )
    patron_message: str | None = strawberry.field(
        default=strawberry.UNSET, description="The text shown to the patron."
    )
    expiration_date: DateTime | None = strawberry.field(
        default=strawberry.UNSET,
        description="The date on which the block ends, such as `2026-11-21T10:00:00Z`. Null for a block "
        "without end.",
    )
    code: str | None = strawberry.field(
        default=strawberry.UNSET, description="The code of the template that the block was created from."
    )


@strawberry.type(description="The block was changed.")
class ManualBlockUpdated:
    record: strawberry.Private[Record]  # the key for the link; upstream sends no body
    manual_block: ManualBlock | None = link(
        "The block after the change. Its id costs no upstream call.",
        loader="manual_block",
        key="manualBlockId",
    )


UpdateManualBlockResult = Annotated[
    ManualBlockUpdated | Refusal,
    strawberry.union("UpdateManualBlockResult", description="The result of `updateManualBlock`."),
]


def _changes(written: Written[UpdateManualBlockInput, ManualBlockUpdated]) -> Changed:
    """Return the change of the user, to whom the block belongs."""
    return changes_of_user(written.before.get("userId"))


@mutation(
    "Change a manual block. The complete record is read once and written once, because upstream offers no "
    "other way.",
    changes=_changes,
    calls=["fees.manual_block", "fees.update_manual_block"],
)
async def update_manual_block(info: Info, input: UpdateManualBlockInput) -> UpdateManualBlockResult:
    block_id = arguments.check_uuid(input.manual_block_id, "manualBlockId")
    if input.desc is None:
        raise errors.BadUserInput("`desc` must not be null: a block has a reason.")
    changes = body_of(input, "manualBlockId")
    removed = nulls_of(input)
    fees = begin_mutation(info).fees
    block = await fees.manual_block(block_id)
    if block is None:
        raise errors.NotFound("The block does not exist; nothing was sent.", upstream="folio", status=404)
    info.context.mutations.before = block
    kept = {name: value for name, value in block.items() if name not in removed}
    try:
        await fees.update_manual_block(block_id, kept | changes)
    except errors.OutcomeUnknown as unknown:
        expected = {**dict.fromkeys(removed), **changes}
        await look_up(info, unknown, partial(_find_block, block_id, expected))
    return ManualBlockUpdated(record={"manualBlockId": block_id})


async def _find_block(block_id: str, expected: Mapping[str, Any], look_up: LookUp) -> Record | None:
    """Return the changed block. Any: JSON."""
    return look_up.proven("block", await look_up.upstream.fees.manual_block(block_id), expected)

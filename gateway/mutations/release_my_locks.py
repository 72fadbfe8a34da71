"""Release all locks of the caller."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import ONCE, LookUp, look_up
from gateway.fields.mutation import begin_mutation, mutation
from gateway.live.changed_records import NoChanges
from gateway.schema.refusal import Refusal


@strawberry.input(
    description="The input of `releaseMyLocks`: a confirmation, because all locks of the caller are released."
)
class ReleaseMyLocksInput:
    confirm: bool = strawberry.field(description="Must be true.")


@strawberry.type(description="The caller holds no more locks at the workstation.")
class MyLocksReleased:
    released: bool = strawberry.field(description="Always true.")


ReleaseMyLocksResult = Annotated[
    MyLocksReleased | Refusal,
    strawberry.union("ReleaseMyLocksResult", description="The result of `releaseMyLocks`."),
]


@mutation(
    "Release all locks that the caller holds at the workstation, such as those left behind by "
    "a closed browser. Locks of other users are kept.",
    changes=NoChanges("Watched locks are read every two seconds."),
)
async def release_my_locks(info: Info, input: ReleaseMyLocksInput) -> ReleaseMyLocksResult:
    if not input.confirm:
        raise errors.BadUserInput("`confirm` must be true: all locks of the caller are released.")
    try:
        await begin_mutation(info).polaris.release_my_locks()
    except errors.OutcomeUnknown as unknown:
        await look_up(info, unknown, _see_locks, ONCE)
    return MyLocksReleased(released=True)


async def _see_locks(look_up: LookUp) -> None:
    """See the locks of the caller. That there are none proves nothing."""
    locks = await look_up.upstream.polaris.locks(everyones=False)
    look_up.seen = f"The caller holds {len(locks)} locks."

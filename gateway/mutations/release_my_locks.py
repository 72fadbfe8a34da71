"""Release every lock that the caller left behind."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.mutation import begin_mutation, mutation
from gateway.schema.refusal import Refusal


@strawberry.input(description="A confirmation, because this releases all of your locks at your workstation.")
class ReleaseMyLocksInput:
    confirm: bool = strawberry.field(description="Must be true.")


@strawberry.type(description="You hold no locks at your workstation any more.")
class MyLocksReleased:
    released: bool = strawberry.field(description="Always true.")


ReleaseMyLocksResult = Annotated[
    MyLocksReleased | Refusal,
    strawberry.union("ReleaseMyLocksResult", description="What came of releasing your locks."),
]


@mutation(
    "Release all locks that you hold at your workstation, and nobody else's: "
    "for the locks that a closed browser left behind."
)
async def release_my_locks(
    info: Info,
    input: Annotated[ReleaseMyLocksInput, strawberry.argument(description="The confirmation.")],
) -> ReleaseMyLocksResult | None:
    if not input.confirm:
        raise errors.BadUserInput("`confirm` must be true: all of your locks would be released.")
    await begin_mutation(info).polaris.release_my_locks()
    return MyLocksReleased(released=True)

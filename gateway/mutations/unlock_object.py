"""Release the lock on a Polaris object."""

from functools import partial
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import ONCE, LookUp, look_up
from gateway.fields.mutation import begin_mutation, mutation
from gateway.live.changed_records import NoChanges
from gateway.mutations.lock_object import ObjectLockConflict, conflict
from gateway.schema.object_lock import object_number, type_id
from gateway.schema.object_type import ObjectType
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `unlockObject`.")
class UnlockObjectInput:
    object_type: ObjectType = strawberry.field(description="The type of the object.")
    object_id: int = strawberry.field(description="The id of the object in Polaris.")


@strawberry.type(description="The caller holds no lock on the object.")
class ObjectUnlocked:
    object_type: ObjectType = strawberry.field(description="The type of the object.")
    object_type_text: str = strawberry.field(description="Polaris's number of the object type.")
    object_id: int = strawberry.field(description="The id of the object in Polaris.")


UnlockObjectResult = Annotated[
    ObjectUnlocked | ObjectLockConflict | Refusal,
    strawberry.union("UnlockObjectResult", description="The result of `unlockObject`."),
]


@mutation(
    "Release the caller's lock on an object. A lock of another user is kept.",
    changes=NoChanges("Watched locks are read every two seconds."),
)
async def unlock_object(info: Info, input: UnlockObjectInput) -> UnlockObjectResult:
    kind, number = type_id(input.object_type), object_number(input.object_id)
    try:
        held = await begin_mutation(info).polaris.unlock_object(kind, number)
    except errors.OutcomeUnknown as unknown:
        held = await look_up(info, unknown, partial(_see_lock, kind, number), ONCE)
    if held is not None:
        return conflict(held, kind, number)
    return ObjectUnlocked(object_type=input.object_type, object_type_text=str(kind), object_id=number)


async def _see_lock(kind: int, number: int, look_up: LookUp) -> None:
    """See the lock. Its absence proves nothing: Polaris also releases locks when a user logs in again."""
    lock = await look_up.upstream.polaris.lock(kind, number)
    holder = None if lock is None else lock.get("WorkstationName") or lock.get("WorkstationID")
    look_up.seen = (
        "The object is not locked."
        if lock is None
        else f"The object is locked at workstation {holder} since {lock.get('LockDate')}."
    )

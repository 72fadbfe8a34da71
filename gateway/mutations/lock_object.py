"""Lock a Polaris object against changes by other users."""

from functools import partial
from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, mutation
from gateway.live.changed_records import NoChanges
from gateway.schema.object_lock import ObjectLock, object_number, type_id
from gateway.schema.object_type import ObjectType
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record
from gateway.upstream.services.polaris import HeldByAnother, Lock, is_on


@strawberry.input(description="The input of `lockObject`.")
class LockObjectInput:
    object_type: ObjectType = strawberry.field(description="The type of the object.")
    object_id: int = strawberry.field(description="The id in Polaris, such as the PatronID.")


@strawberry.type(description="The object is locked for the caller at the workstation.")
class ObjectLocked:
    lock: ObjectLock = strawberry.field(description="The lock.")
    existing_lock: bool = strawberry.field(description="True if the caller already held the lock.")


@strawberry.type(description="Another user holds the lock, and nothing changed.")
class ObjectLockConflict:
    held_by: ObjectLock | None = strawberry.field(
        description="The existing lock. Null if Polaris does not report it."
    )


LockObjectResult = Annotated[
    ObjectLocked | ObjectLockConflict | Refusal,
    strawberry.union("LockObjectResult", description="The result of `lockObject`."),
]


def conflict(held: HeldByAnother, kind: int, number: int) -> ObjectLockConflict:
    """Build the result for a lock held by another user, from the body of the 409."""
    lock = lock_on(kind, number, held.record) if held.record else None
    return ObjectLockConflict(held_by=cast(ObjectLock | None, lock))


def lock_on(kind: int, number: int, record: Record) -> Record:
    """Add the object to a lock record, because Polaris may omit it from the response."""
    return {**record, "ObjectTypeID": kind, "ObjectID": number}


@mutation(
    "Lock an object. Release it after use: a forgotten lock blocks other users.",
    changes=NoChanges("Watched locks are read every two seconds."),
)
async def lock_object(info: Info, input: LockObjectInput) -> LockObjectResult:
    kind, number = type_id(input.object_type), object_number(input.object_id)
    try:
        locked = await begin_mutation(info).polaris.lock_object(kind, number)
    except errors.OutcomeUnknown as unknown:
        locked = await look_up(info, unknown, partial(_find_lock, kind, number))
    if isinstance(locked, HeldByAnother):
        return conflict(locked, kind, number)
    lock = lock_on(kind, number, locked.record)
    return ObjectLocked(
        lock=cast(ObjectLock, lock),
        existing_lock=lock.get("ExistingLock") is True,
    )


async def _find_lock(kind: int, number: int, look_up: LookUp) -> Lock | None:
    """Return the caller's lock on the object if it was taken after the sending.

    Polaris lists the locks of the caller at the workstation alone. A date without an offset is in the time
    zone of its server, which is not known, so it proves nothing.
    """
    own = await look_up.upstream.polaris.locks(everyones=False)
    lock = next((each for each in own if is_on(each, kind, number)), None)
    if lock is None:
        look_up.seen = "The caller does not hold the lock."
        return None
    if not look_up.is_after(lock.get("LockDate")):
        look_up.seen = f"The caller holds the lock since {lock.get('LockDate')}."
        return None
    return Lock(lock)

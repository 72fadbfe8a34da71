"""Lock a Polaris object against changes by other users."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from gateway.context import Info
from gateway.fields.mutation import begin_mutation, mutation
from gateway.schema.object_lock import ObjectLock, object_number, type_id
from gateway.schema.object_type import ObjectType
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record
from gateway.upstream.services.polaris import HeldByAnother


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


@mutation("Lock an object. Release it after use: a forgotten lock blocks other users.")
async def lock_object(info: Info, input: LockObjectInput) -> LockObjectResult | None:
    kind, number = type_id(input.object_type), object_number(input.object_id)
    locked = await begin_mutation(info).polaris.lock_object(kind, number)
    if isinstance(locked, HeldByAnother):
        return conflict(locked, kind, number)
    lock = lock_on(kind, number, locked.record)
    return ObjectLocked(
        lock=cast(ObjectLock, lock),
        existing_lock=bool(lock.get("ExistingLock")),
    )

"""Lock a Polaris object, so that nobody else changes it meanwhile."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields.mutation import begin_mutation, mutation
from gateway.schema.object_lock import ObjectLock, object_number, type_id
from gateway.schema.object_type import ObjectType
from gateway.schema.refusal import Refusal
from gateway.upstream.response import Record
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
    """Who holds the lock on this object, as far as the 409 says it."""
    known = lock_on(kind, number, held.record) if held.record else None
    return ObjectLockConflict(held_by=known)  # type: ignore[arg-type]  # a record


def lock_on(kind: int, number: int, told: Record) -> Record:
    """A lock as Polaris told it, of the object that was asked for: an answer may leave out which it was."""
    return {**told, "ObjectTypeID": kind, "ObjectID": number}


@mutation("Lock an object. Release it after use: a forgotten lock blocks other users.")
async def lock_object(
    info: Info, input: Annotated[LockObjectInput, strawberry.argument(description="The object to lock.")]
) -> LockObjectResult | None:
    kind, number = type_id(input.object_type), object_number(input.object_id)
    locked = await begin_mutation(info).polaris.lock_object(kind, number)
    if isinstance(locked, HeldByAnother):
        return conflict(locked, kind, number)
    lock = lock_on(kind, number, locked.record)
    return ObjectLocked(
        lock=lock,  # type: ignore[arg-type]  # a record
        existing_lock=bool(lock.get("ExistingLock")),
    )

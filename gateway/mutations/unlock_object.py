"""Release the lock on a Polaris object."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields.mutation import begin_mutation, mutation
from gateway.mutations.lock_object import ObjectLockConflict, conflict
from gateway.schema.object_lock import object_number, type_id
from gateway.schema.object_type import ObjectType
from gateway.schema.refusal import Refusal


@strawberry.input(description="Which object to release.")
class UnlockObjectInput:
    object_type: ObjectType = strawberry.field(description="What kind of object.")
    object_id: int = strawberry.field(description="Its id in Polaris.")


@strawberry.type(description="You hold no lock on the object any more.")
class ObjectUnlocked:
    object_type: ObjectType = strawberry.field(description="What kind of object.")
    object_id: int = strawberry.field(description="Its id in Polaris.")


UnlockObjectResult = Annotated[
    ObjectUnlocked | ObjectLockConflict | Refusal,
    strawberry.union("UnlockObjectResult", description="What came of releasing an object."),
]


@mutation("Release the lock on an object. A lock of someone else stays.")
async def unlock_object(
    info: Info, input: Annotated[UnlockObjectInput, strawberry.argument(description="Which object.")]
) -> UnlockObjectResult | None:
    kind, number = type_id(input.object_type), object_number(input.object_id)
    held = await begin_mutation(info).polaris.unlock_object(kind, number)
    if held is not None:
        return conflict(held, kind, number)
    return ObjectUnlocked(object_type=input.object_type, object_id=number)

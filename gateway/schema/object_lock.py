"""Object locks of Polaris, and the queries that start at them."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.enums import UNKNOWN
from gateway.fields.page import FullList
from gateway.fields.record import derived, field
from gateway.fields.root import query
from gateway.fields.scalars import DateTime, has_offset
from gateway.loaders.loader import Slice
from gateway.schema.object_type import ObjectType
from gateway.upstream.response import Record

LARGEST_OBJECT_ID = 2_147_483_647


def _named(lock: Record) -> bool:
    """Whether a lock says what it is on. One that does not is not shown: its id is never null."""
    return lock.get("ObjectTypeID") is not None and lock.get("ObjectID") is not None


@strawberry.type(
    description="A lock that keeps two people from changing one Polaris object at the same time."
)
class ObjectLock:
    id: strawberry.ID = derived(
        "Object type and object id, such as `27:29937`: there is at most one lock on an object.",
        lambda lock: f"{lock['ObjectTypeID']}:{lock['ObjectID']}" if _named(lock) else None,
    )
    object_type: ObjectType | None = field("What kind of object is locked.", key="ObjectTypeID")
    object_id: int | None = field("The id of the object in Polaris.", key="ObjectID")
    polaris_user_id: int | None = field("Who holds the lock, by the id in Polaris.", key="PolarisUserID")
    polaris_user_name: str | None = field("Who holds the lock, by name.", key="PolarisUserName")
    workstation_id: int | None = field("At which workstation, by the id in Polaris.", key="WorkstationID")
    workstation_name: str | None = field("At which workstation, by name.", key="WorkstationName")
    lock_date: DateTime | None = derived(
        "Since when. Null where Polaris leaves out the offset of its clock; see `lockDateText`.",
        lambda lock: lock.get("LockDate") if has_offset(lock.get("LockDate")) else None,
    )
    lock_date_text: str | None = field(
        "Since when, as Polaris wrote it; without an offset it is the clock of the Polaris server.",
        key="LockDate",
    )
    existing_lock: bool | None = field(
        "Whether the caller held the lock before asking for it.", key="ExistingLock"
    )
    lock_exists_in_database: bool | None = field(
        "Whether Polaris has the lock in its database.", key="LockExistsInDatabase"
    )


@strawberry.type(description="Object locks, all of them.")
class ObjectLockList(FullList[ObjectLock]):
    pass


def type_id(object_type: ObjectType) -> int:
    """The id that Polaris knows a kind by. Raises `BadUserInput` for UNKNOWN."""
    if object_type.value == UNKNOWN:
        raise errors.BadUserInput("`objectType` cannot be UNKNOWN: nothing can be locked by it.")
    return int(object_type.value)


def object_number(object_id: int) -> int:
    """An object's id. Raises `BadUserInput` where Polaris cannot have it."""
    if not 1 <= object_id <= LARGEST_OBJECT_ID:
        raise errors.BadUserInput("`objectId` must be a number from 1.")
    return object_id


@query("The lock on one object, whoever holds it. Null when it is not locked.")
async def object_lock(
    info: Info,
    object_type: Annotated[ObjectType, strawberry.argument(description="What kind of object.")],
    object_id: Annotated[int, strawberry.argument(description="Its id in Polaris.")],
) -> ObjectLock | None:
    return await info.context.upstream.polaris.lock(  # type: ignore[return-value]  # a record
        type_id(object_type), object_number(object_id)
    )


@query("Your own locks at your workstation, or every lock in the system.")
async def object_locks(
    info: Info,
    all: Annotated[bool, strawberry.argument(description="Whether to see everybody's.")] = False,
) -> ObjectLockList | None:
    locks = await info.context.upstream.polaris.locks(everyones=all)
    return Slice(locks)  # type: ignore[return-value]  # what a list reads


QUERIES = [
    object_lock,
    object_locks,
]

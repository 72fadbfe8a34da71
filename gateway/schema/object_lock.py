"""Object locks of Polaris and their root fields."""

from typing import Annotated, ClassVar, cast

import strawberry
from graphql import FieldNode

from gateway import errors
from gateway.context import Info
from gateway.fields.arguments import UNKNOWN, argument
from gateway.fields.base import Arguments, Json, Selected
from gateway.fields.record import derived, field
from gateway.fields.root import query, root
from gateway.fields.scalars import DateTime, has_offset
from gateway.fields.scalars import upstream_text as date_text
from gateway.fields.subscription import SubscriptionField
from gateway.live.changes import Change, Watch
from gateway.loaders import Loaders
from gateway.loaders.loader_set import Calls
from gateway.loaders.pages import Slice
from gateway.schema.changes import ChangeKind, kind_of_change
from gateway.schema.enums import upstream_text
from gateway.schema.object_type import ObjectType
from gateway.schema.page import FullList
from gateway.upstream.record_types import Record
from gateway.upstream.services import ListsFrom

MAX_OBJECT_ID = 2_147_483_647


def _has_object(lock: Record) -> bool:
    """Return True if a lock names its object. Others are omitted, because an id is never null."""
    return type(lock.get("ObjectTypeID")) is int and type(lock.get("ObjectID")) is int


@strawberry.type(description="A lock that prevents simultaneous changes of one Polaris object.")
class ObjectLock:
    id: strawberry.ID = derived(
        "The object type and object id, such as `27:29937`: an object has at most one lock.",
        lambda lock: f"{lock.get('ObjectTypeID')}:{lock.get('ObjectID')}" if _has_object(lock) else None,
        members=("ObjectTypeID", "ObjectID"),
    )
    object_type: ObjectType | None = field("The type of the locked object.", key="ObjectTypeID")
    object_type_text: str | None = upstream_text("objectType", key="ObjectTypeID")
    object_id: int | None = field("The id of the object in Polaris.", key="ObjectID")
    polaris_user_id: int | None = field("The Polaris id of the user who holds the lock.", key="PolarisUserID")
    polaris_user_name: str | None = field("The name of the user who holds the lock.", key="PolarisUserName")
    workstation_id: int | None = field(
        "The Polaris id of the workstation that holds the lock.", key="WorkstationID"
    )
    workstation_name: str | None = field(
        "The name of the workstation that holds the lock.", key="WorkstationName"
    )
    lock_date: DateTime | None = derived(
        "The date the lock was taken. Null if Polaris omits its time zone; see `lockDateText`.",
        lambda lock: lock.get("LockDate") if has_offset(lock.get("LockDate")) else None,
        members=("LockDate",),
    )
    lock_date_text: str | None = field(
        "The date the lock was taken, as Polaris's text; without an offset it is in the Polaris "
        "server's time zone.",
        key="LockDate",
    )
    existing_lock: bool | None = field("True if the caller already held the lock.", key="ExistingLock")
    lock_exists_in_database: bool | None = field(
        "True if the lock exists in Polaris's database.", key="LockExistsInDatabase"
    )


@strawberry.type(description="A complete list of object locks.")
class ObjectLockList(FullList[ObjectLock]):
    pass


def type_id(object_type: ObjectType) -> int:
    """Return Polaris's id of an object type. Raises `BadUserInput` for UNKNOWN."""
    if object_type.value == UNKNOWN:
        raise errors.BadUserInput("`objectType` must not be UNKNOWN.")
    return int(object_type.value)


def object_number(object_id: int) -> int:
    """Return an object's id. Raises `BadUserInput` if it is out of range."""
    if not 1 <= object_id <= MAX_OBJECT_ID:
        raise errors.BadUserInput(f"`objectId` must be between 1 and {MAX_OBJECT_ID}; got {object_id}.")
    return object_id


@query(
    "The lock on one object, held by any user. Null if the object is not locked.",
    calls=["polaris.lock"],
)
async def object_lock(
    info: Info,
    object_type: Annotated[ObjectType, strawberry.argument(description="The type of the object.")],
    object_id: Annotated[int, strawberry.argument(description="The id of the object in Polaris.")],
) -> ObjectLock | None:
    lock = await info.context.upstream.polaris.lock(type_id(object_type), object_number(object_id))
    return cast(ObjectLock | None, lock)


@query(
    "The caller's locks at the workstation, or all locks in the system.",
    calls=["polaris.locks"],
)
async def object_locks(
    info: Info,
    all: Annotated[bool, strawberry.argument(description="True for the locks of all users.")] = False,
) -> ObjectLockList:
    locks = await info.context.upstream.polaris.locks(everyones=all)
    return cast(ObjectLockList, Slice(locks))


QUERIES = [
    object_lock,
    object_locks,
]


@strawberry.type(description="A change of the lock on an object.")
class ObjectLockChange:
    kind: ChangeKind | None = kind_of_change()
    occurred_at: DateTime | None = field(
        "The date the change was noticed, up to two seconds after it.", is_required=True
    )
    object_lock: ObjectLock | None = field("The lock after the change. Null if the object is not locked.")


class ObjectLockField(SubscriptionField):
    """The changes of a lock, which Polaris is polled for."""

    is_polled: ClassVar[bool] = True
    subject = "objectLock"
    target = None
    member = "objectLock"

    def parse(self, given: Arguments, selected: Selected) -> Watch:
        key = f"{type_id(given['objectType'])}:{object_number(given['objectId'])}"
        return Watch(self.subject, "object", key)

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        return (("polaris.lock",),)

    async def read_watched(self, loaders: Loaders, watch: Watch) -> Json:
        object_type, _, object_id = watch.value.partition(":")
        return await loaders.upstream.polaris.lock(int(object_type), int(object_id))

    def result(self, watch: Watch, change: Change, record: Json) -> Json:
        kind = change.kind  # of the poll, after which the lock may have changed again
        if kind != "resync" and (record is None) != (kind == "deleted"):
            kind = "deleted" if record is None else "updated"
        return {"kind": kind, "occurredAt": date_text(change.occurred_at), "objectLock": record}


def _object_lock_changed() -> ObjectLockField:
    declared = ObjectLockField(
        description="Changes of the lock on one object. Polaris sends no events, so that it is read every "
        "two seconds while there are subscribers."
    )
    declared.arguments = [
        argument("objectType", ObjectType, "The type of the object."),
        argument("objectId", int, "The id of the object in Polaris."),
    ]
    return declared


SUBSCRIPTIONS = [root("object_lock_changed", ObjectLockChange, _object_lock_changed())]

"""FOLIO's domain events as changes: which subscribers an event of a topic concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

from gateway.live.changes import ALL_KEYS, Change, Kind, Subject, updated_at

Json: TypeAlias = Mapping[str, object]
Key: TypeAlias = tuple[str, str]

NOT_YET_FILLED = "Open - Not yet filled"
SLIP_TYPES = ("Page", "Hold")  # the requests on pick slips and on search slips
NO_RECORD = "00000000-0000-0000-0000-000000000000"  # the key of an event about all records

# `REINDEX`, `ITERATE` and `MIGRATION` of inventory are absent: no record has changed for its readers.
KINDS: Final[Mapping[str, Kind]] = {
    "CREATED": "created",
    "UPDATED": "updated",
    "DELETED": "deleted",
    "ALL_DELETED": "resync",
    "CREATE": "created",
    "UPDATE": "updated",
    "DELETE": "deleted",
    "DELETE_ALL": "resync",
}


class Event(NamedTuple):
    """An event in one shape: `old` and `new` are empty if the event has no such record."""

    kind: Kind
    old: Json
    new: Json
    id: str | None
    tenant: str
    occurred_at: datetime
    position: int


def changes_of(
    topic: str, key: str | None, value: object, tenant: str | None, timestamp: int
) -> list[Change]:
    """Return the changes that an event signals; none for an unknown or foreign one.

    `topic` is the name after `{ENV}.{tenant}.`, `value` the decoded JSON, `tenant` the one of the header or
    of the topic, and `timestamp` that of Kafka's record in milliseconds, which becomes the position. An event
    whose payload names another tenant is foreign.
    """
    if not isinstance(value, dict) or topic not in TOPICS:
        return []
    if topic.startswith("feesfines."):
        event = _read_bare(value, tenant, timestamp)
    else:
        event = _read(value, key, tenant, timestamp, is_wrapped=not topic.startswith("inventory."))
    return [] if event is None else list(TOPICS[topic](event))


def changes_of_unreadable(topic: str, tenant: str, timestamp: int) -> list[Change]:
    """Return the changes of an event that cannot be read: all streams that it may concern read again."""
    occurred_at = _time(timestamp)
    if occurred_at is None:
        return []
    event = Event("resync", {}, {}, None, tenant, occurred_at, timestamp)
    subjects = (subject for subject, topics in SUBJECT_TOPICS.items() if topic in topics)
    return [_change(event, subject, "resync", "", {ALL_KEYS}) for subject in subjects]


def _read(
    value: Json, key: str | None, tenant: str | None, timestamp: int, *, is_wrapped: bool
) -> Event | None:
    """Read the shape of mod-circulation-storage and mod-users (`data`), or that of mod-inventory-storage.

    Source: service/event/DomainEvent and EntityChangedData of the first two, services/domainevent/DomainEvent
    of the third.
    """
    kind = KINDS.get(_text(value, "type") or "")
    named = _text(value, "tenant") or tenant
    if kind is None or named is None or (tenant is not None and named != tenant):
        return None
    records = _member(value, "data") if is_wrapped else value
    old, new = _member(records, "old"), _member(records, "new")
    id = _id(new, "id") or _id(old, "id") or (key.lower() if key and key != NO_RECORD else None)
    time = value.get("timestamp" if is_wrapped else "eventTs")
    occurred_at = (_time(time) if type(time) is int else None) or _time(timestamp)
    if occurred_at is None:
        return None
    return Event(kind, old, new, id, named, occurred_at, timestamp)


def _read_bare(value: Json, tenant: str | None, timestamp: int) -> Event | None:
    """Read the payload of mod-feesfines, which is no envelope (rest/service/KafkaEventProducer)."""
    occurred_at = _time(timestamp)
    if tenant is None or occurred_at is None:
        return None
    return Event("updated", {}, value, None, tenant, occurred_at, timestamp)


def _loan(event: Event) -> Iterator[Change]:
    yield from _record(event, "loan", "userId", "itemId")


def _request(event: Event) -> Iterator[Change]:
    """Yield the request, its queues, and the slips.

    The slips of a service point are the requests not yet filled whose item is at one of its locations
    (mod-circulation SlipsResource). The event does not say the location, so that it concerns the slips of all
    service points.
    """
    yield from _record(event, "request", "requesterId", "instanceId", "itemId", "pickupServicePointId")
    yield from _queues(event)
    if event.kind == "resync" or any(_is_on_slips(each) for each in (event.old, event.new)):
        kind: Kind = "resync" if event.kind == "resync" else "updated"
        yield _change(event, "slips", kind, "", {ALL_KEYS})


def _queues(event: Event) -> Iterator[Change]:
    """Yield the queue of the title, and that of the title to which the request belonged before."""
    if event.kind == "resync":
        yield _change(event, "requestQueue", "resync", "", {ALL_KEYS})
        return
    queues: dict[str, set[Key]] = {}
    for record in (event.old, event.new):
        keys = set(_keys(record, ("instanceId", "itemId")))
        queue = _id(record, "instanceId") or _id(record, "itemId")
        if queue is not None:
            queues.setdefault(queue, set()).update(keys)
    for queue, keys in queues.items():
        yield _change(event, "requestQueue", "updated", queue, keys)


def _reordering(event: Event) -> Iterator[Change]:
    """Yield the queue, and each of its requests by its id: their positions have moved without other events.

    The event is sent by request-storage-batch (mod-circulation-storage RequestBatchResourceService) and has
    the item of the first request only, and no requesters.
    """
    yield from _queues(event)
    ids = event.new.get("requestIds")
    for id in ids if isinstance(ids, list) else ():
        if isinstance(id, str) and id:
            yield _change(event, "request", "updated", id.lower(), {("id", id.lower())})


def _check_in(event: Event) -> Iterator[Change]:
    if event.id is None:
        return
    item = _id(event.new, "itemId")
    keys = set(_keys(event.new, ("servicePointId", "itemId")))
    yield _change(event, "checkIn", event.kind, event.id, keys)
    if item is not None:
        yield _change(event, "item", "updated", item, {("id", item)})


def _item(event: Event) -> Iterator[Change]:
    yield from _record(event, "item", "instanceId")


def _user(event: Event) -> Iterator[Change]:
    yield from _record(event, "user")


def _balance(event: Event) -> Iterator[Change]:
    """Yield the accounts of the user.

    The event of a deleted account has no user (mod-feesfines AccountEventPublisher), so that it concerns the
    accounts of all users.
    """
    user = _id(event.new, "userId")
    if user is not None:
        yield _change(event, "accounts", "updated", user, {("userId", user)})
    elif _id(event.new, "feeFineId") is not None:
        yield _change(event, "accounts", "resync", "", {ALL_KEYS})


def _closed_fees(event: Event) -> Iterator[Change]:
    loan = _id(event.new, "loanId")
    if loan is not None:
        yield _change(event, "loan", "updated", loan, {("id", loan)})


TOPICS: Final[Mapping[str, Callable[[Event], Iterator[Change]]]] = {
    "circulation.loan": _loan,
    "circulation.request": _request,
    "circulation.request-queue-reordering": _reordering,
    "circulation.check-in": _check_in,
    "inventory.item": _item,
    "users.users": _user,
    "feesfines.FEE_FINE_BALANCE_CHANGED": _balance,
    "feesfines.LOAN_RELATED_FEE_FINE_CLOSED": _closed_fees,
}
"""The topics that concern a watch. Those of instances and holdings do not: items have separate events."""

SUBJECT_TOPICS: Final[Mapping[Subject, tuple[str, ...]]] = {
    "loan": ("circulation.loan", "feesfines.LOAN_RELATED_FEE_FINE_CLOSED"),
    "request": ("circulation.request", "circulation.request-queue-reordering"),
    "requestQueue": ("circulation.request", "circulation.request-queue-reordering"),
    "slips": ("circulation.request",),
    "checkIn": ("circulation.check-in",),
    "item": ("inventory.item", "circulation.check-in"),
    "user": ("users.users",),
    "accounts": ("feesfines.FEE_FINE_BALANCE_CHANGED",),
    "objectLock": (),  # Polaris has no events
}
"""The topics whose events change a subject."""


def _record(event: Event, subject: Subject, *foreign_keys: str) -> Iterator[Change]:
    if event.kind == "resync":
        yield _change(event, subject, "resync", "", {ALL_KEYS})
    elif event.id is not None:
        keys = {("id", event.id)}
        for record in (event.old, event.new):
            keys.update(_keys(record, foreign_keys))
        yield _change(event, subject, event.kind, event.id, keys)


def _change(event: Event, subject: Subject, kind: Kind, id: str, keys: set[Key]) -> Change:
    return Change(
        tenant=event.tenant,
        subject=subject,
        kind=kind,
        id=id,
        keys=frozenset(keys),
        occurred_at=event.occurred_at,
        position=event.position,
        updated_at=updated_at(event.new) if event.id == id else None,
    )


def _is_on_slips(request: Json) -> bool:
    return request.get("requestType") in SLIP_TYPES and request.get("status") == NOT_YET_FILLED


def _keys(record: Json, names: tuple[str, ...]) -> Iterator[Key]:
    for name in names:
        value = _id(record, name)
        if value is not None:
            yield name, value


def _time(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):  # beyond the year 9999
        return None


def _text(record: Json, name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) and value else None


def _id(record: Json, name: str) -> str | None:
    """Return an id in lower case, as streams watch it: not all modules normalize the case of UUIDs."""
    value = _text(record, name)
    return None if value is None else value.lower()


def _member(record: Json, name: str) -> Json:
    value = record.get(name)
    return value if isinstance(value, dict) else {}

"""Domain events: what FOLIO's modules publish to Kafka when records change, with the topic, key and value.

The shapes are those of mod-circulation-storage and mod-users (DomainEvent with `data`), mod-inventory-storage
(DomainEvent without) and mod-feesfines (KafkaEventProducer). mod-circulation writes moved positions by
request-storage-batch, which publishes one event for the queue and none for its requests.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import NamedTuple

from gateway.sandbox.collections.item_context import effective_location_id
from gateway.sandbox.collections.items import storage_item
from gateway.sandbox.collections.requests import is_open
from gateway.sandbox.library import Library, Record
from gateway.sandbox.metadata import own_fields
from gateway.sandbox.stored_records import Changes, Difference, recorded_changes

COLLECTIONS = ("loans", "requests", "items", "users", "accounts")
WRITTEN_BY_BATCH = frozenset({"position", "metadata"})
NO_LONGER_IN_QUEUE = 0

Publish = Callable[["Event"], None]


class Event(NamedTuple):
    """An event of a tenant. `topic` is the name after `{ENV}.{tenant}.`, `timestamp` in milliseconds."""

    tenant: str
    topic: str
    key: str
    value: Record
    timestamp: int


@contextmanager
def published_changes(library: Library, publish: Publish | None) -> Iterator[None]:
    """Publish the events of the records that are changed meanwhile, in the order of their collections."""
    if publish is None:
        yield
        return
    with recorded_changes(library, COLLECTIONS) as changes:
        try:
            yield
        finally:
            for event in events_of(library, changes):
                publish(event)


def events_of(library: Library, changes: Changes) -> Iterator[Event]:
    """Return the events of all records that differ from those before."""
    differences = {
        name: [each for each in changes.differences(name) if has_changed(each)] for name in COLLECTIONS
    }
    for each in differences["loans"]:
        yield domain_event(library, "circulation.loan", each)
    moved = [each for each in differences["requests"] if is_moved(each)]
    for each in differences["requests"]:
        if each not in moved:
            yield domain_event(library, "circulation.request", each)
    yield from reorderings(library, [each.new for each in moved if each.new is not None])
    for each in differences["items"]:
        yield inventory_event(library, "inventory.item", each)
        if (check_in := check_in_of(library, each)) is not None:
            yield domain_event(library, "circulation.check-in", Difference(None, check_in))
    for each in differences["users"]:
        yield domain_event(library, "users.users", each)
    for each in differences["accounts"]:
        if each.old is None or each.new is None or each.old["remaining"] != each.new["remaining"]:
            yield balance_event(library, each)


def has_changed(difference: Difference) -> bool:
    """Return True unless only members have changed that are stored elsewhere."""
    old, new = difference
    return old is None or new is None or own_fields(old) != own_fields(new)


def is_moved(difference: Difference) -> bool:
    """Return True for a request of which only the position in the queue has changed."""
    old, new = difference
    if old is None or new is None:
        return False
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    return "position" in changed <= WRITTEN_BY_BATCH


def domain_event(library: Library, topic: str, difference: Difference) -> Event:
    """Return an event of mod-circulation-storage or mod-users."""
    now = current_time()
    old, new = difference
    kind = "CREATED" if old is None else "DELETED" if new is None else "UPDATED"
    value = {
        "id": str(uuid.uuid4()),
        "type": kind,
        "tenant": library.tenant,
        "timestamp": now,
        "data": without_nulls({"old": deepcopy(old), "new": deepcopy(new)}),
    }
    return Event(library.tenant, topic, difference.key, value, now)


def inventory_event(library: Library, topic: str, difference: Difference) -> Event:
    """Return an event of mod-inventory-storage: an item has the id of its title."""
    now = current_time()
    old, new = (None if each is None else deepcopy(item_with_title(library, each)) for each in difference)
    kind = "CREATE" if old is None else "DELETE" if new is None else "UPDATE"
    value = {
        "eventId": str(uuid.uuid4()),
        "eventTs": now,
        "type": kind,
        "tenant": library.tenant,
        **without_nulls({"old": old, "new": new}),
    }
    return Event(library.tenant, topic, difference.key, value, now)


def item_with_title(library: Library, item: Record) -> Record:
    holding = library.holdings.get(item["holdingsRecordId"], {})
    return without_nulls(storage_item(library, item) | {"instanceId": holding.get("instanceId")})


def reorderings(library: Library, moved: list[Record]) -> Iterator[Event]:
    """Return an event for each title with moved requests, with the item of the first of them."""
    queues: dict[str, list[Record]] = {}
    for request in moved:
        queues.setdefault(request["instanceId"], []).append(request)
    for instance_id, requests in queues.items():
        requests.sort(key=lambda request: request.get("position", NO_LONGER_IN_QUEUE))
        reordering = {
            "instanceId": instance_id,
            "itemId": requests[0].get("itemId"),
            "requestLevel": requests[0].get("requestLevel"),
            "requestIds": [request["id"] for request in requests],
        }
        event = domain_event(
            library,
            "circulation.request-queue-reordering",
            Difference(None, {"id": instance_id, **without_nulls(reordering)}),
        )
        del event.value["data"]["new"]["id"]
        yield event


def check_in_of(library: Library, difference: Difference) -> Record | None:
    """Return the check-in that circulation storage keeps of a scanned item; None if it was not scanned."""
    old, new = difference
    scan = None if new is None else new.get("lastCheckIn")
    if new is None or scan is None or (old is not None and old.get("lastCheckIn") == scan):
        return None
    waiting = [each for each in library.requests.values() if each.get("itemId") == new["id"]]
    return without_nulls(
        {
            "id": library.new_id(),
            "occurredDateTime": scan["dateTime"],
            "itemId": new["id"],
            "itemStatusPriorToCheckIn": None if old is None else old["status"]["name"],
            "requestQueueSize": sum(map(is_open, waiting)),
            "itemLocationId": effective_location_id(library, new),
            "servicePointId": scan["servicePointId"],
            "performedByUserId": scan.get("staffMemberId"),
        }
    )


def balance_event(library: Library, difference: Difference) -> Event:
    """Return the event about the balance of an account; that of a deleted one names neither user nor loan."""
    new = difference.new
    name = "FEE_FINE_BALANCE_CHANGED"
    value: Record = {"feeFineId": difference.key, "balance": 0.0}
    if new is not None:
        value = without_nulls(
            {
                "userId": new.get("userId"),
                "feeFineId": new["id"],
                "feeFineTypeId": new.get("feeFineId"),
                "balance": new["remaining"],
                "loanId": new.get("loanId"),
            }
        )
    return Event(library.tenant, f"feesfines.{name}", name, value, current_time())


def current_time() -> int:
    """Return the time in milliseconds by the system's clock, as brokers and producers have it."""
    return time.time_ns() // 1_000_000


def without_nulls(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}

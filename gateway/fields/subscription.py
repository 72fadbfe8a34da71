"""Fields of the subscription: what is watched, and how the record of a change is read.

A change says which record has changed. The record is read with the token of the subscriber, before the result
is made from it, so that upstream decides each time whether they may know of the change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from typing import ClassVar, NamedTuple

from graphql import FieldNode

from gateway.context import Context
from gateway.fields.arguments import given_key
from gateway.fields.base import Arguments, Declared, Json, Selected, Source
from gateway.fields.root import RootField
from gateway.fields.scalars import upstream_text
from gateway.live.changes import Change, Subject, Watch, updated_at
from gateway.loaders import Loaders
from gateway.loaders.loader_set import Calls
from gateway.loaders.pages import Slice
from gateway.upstream.services import ListsFrom


class SubscriptionField(RootField):
    """A field of the subscription. The value of each result is in the context.

    `target` is the loader of the record that is read for each change, and `member` its place in the result.
    """

    semantic_non_null = (0,)
    is_polled: ClassVar[bool] = False  # upstream sends no events; the record may be absent
    subject: Subject
    target: str | None
    member: str

    def parse(self, given: Arguments, selected: Selected) -> Watch:
        """Return what is watched. Raises `BadUserInput` unless exactly one valid key is given."""
        return Watch(self.subject, *given_key(given, self.keys))

    def start(self, context: Context, watch: Json, selected: Selected, *, is_alone: bool = False) -> Json:
        """Return the value of this result. Raises the error of reading its record."""
        if isinstance(context.change, Exception):
            raise context.change
        return context.change

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        return (tuple(chain.from_iterable(super().upstream_calls(selected, node, lists_from))),)

    def sources(self, selected: Selected, is_direct: bool) -> list[Source]:
        return []  # a record is read for each change, as a dictionary

    @property
    def loader_names(self) -> Collection[str]:
        return super().loader_names if self.target is None else [self.target]

    def id_in(self, watch: Watch, change: Change) -> str:
        """Return the id of the record that a change is about; empty if it may be any of those watched."""
        if self.target is None:
            return ""
        if self.subject == "checkIn":
            return dict(change.keys).get("itemId", "")
        return change.id or (watch.value if watch.key == "id" else "")

    async def read_watched(self, loaders: Loaders, watch: Watch) -> Json:
        """Read the record that the watched key is the id of; None if it does not exist."""
        return await getattr(loaders, self.loaders[watch.key]).load_now(watch.value)

    async def read(self, loaders: Loaders, watch: Watch, change: Change, selected: Selected) -> Json:
        """Read the record of a change; None if it does not exist.

        Without one it is the record of the watched key, by which upstream decides what the caller may know.
        """
        key = self.id_in(watch, change)
        if self.target is None or not key:
            return await self.read_watched(loaders, watch)
        return await getattr(loaders.direct if selected.is_direct else loaders, self.target).load_now(key)

    def result(self, watch: Watch, change: Change, record: Json) -> Json:
        """Return the value of a result, with the members that the fields of its type read."""
        has_record = self.target is None or bool(self.id_in(watch, change))
        return {
            "kind": change.kind,
            "occurredAt": upstream_text(change.occurred_at),
            watch.key: watch.value,
            self.member: record if has_record else None,
        }

    def is_outdated(self, watch: Watch, change: Change, record: Json) -> bool:
        """Return True if a record that was read is older than the change: a replica may lag behind."""
        if not self.id_in(watch, change) or change.kind in ("deleted", "resync"):
            return False
        if record is None or change.updated_at is None:
            return record is None
        read = updated_at(record)
        return read is not None and read < change.updated_at


class QueueChange(NamedTuple):
    """A result about a request queue, which is read for each change."""

    kind: str
    occurred_at: str
    queue: Slice


class QueueField(SubscriptionField):
    """The changes of a request queue: the one of a title, or of an item."""

    queues: ClassVar[Mapping[str, str]] = {"instanceId": "queue_of_instance", "itemId": "queue_of_item"}

    @property
    def loader_names(self) -> Collection[str]:
        return self.queues.values()

    async def read(self, loaders: Loaders, watch: Watch, change: Change, selected: Selected) -> Json:
        return await getattr(loaders, self.queues[watch.key]).load_now(watch.value)

    def result(self, watch: Watch, change: Change, record: Json) -> Json:
        return QueueChange(change.kind, upstream_text(change.occurred_at), Slice(record))


def subscription(
    description: str,
    *,
    subject: Subject,
    member: str,
    target: str | None,
    kind: type[SubscriptionField] = SubscriptionField,
    **keys: tuple[str, type, str],
) -> Declared:
    """Declare a field of the subscription by its keys, as `set_keys` takes them. One of them is given.

    `target` is the loader of the record that has changed, and `member` the one of the result that has it; if
    it is None, the member is the record of the watched key. A single key is a required argument.
    """
    field = kind(description=description)
    field.subject, field.member, field.target = subject, member, target
    field.set_keys(keys)
    return field

"""Stored records, and what a write creates, changes and deletes among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from functools import wraps
from typing import Any, NamedTuple

from gateway.sandbox.library import Library, Record, RecordsById

# Of each recording in this context: records as they were before their first change, by their identity.
_recordings: ContextVar[tuple[dict[int, Record], ...]] = ContextVar("recordings", default=())


class StoredRecord(dict[str, Any]):
    """A record that is copied before its first change while changes are recorded.

    Its values are replaced, not changed in place, so that a shallow copy is enough.
    """

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        return deepcopy(dict(self), memo)


def _recorded(change: Callable[..., object]) -> Callable[..., object]:
    @wraps(change)
    def change_record(record: StoredRecord, *args: Any, **members: Any) -> object:
        for former in _recordings.get():
            if id(record) not in former:
                former[id(record)] = record.copy()
        return change(record, *args, **members)

    return change_record


for _name in ("__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault", "update"):
    setattr(StoredRecord, _name, _recorded(getattr(dict, _name)))


def stored(records: RecordsById) -> RecordsById:
    """Return the records as a library stores them."""
    return {key: StoredRecord(record) for key, record in records.items()}


class Difference(NamedTuple):
    """A record before and after a write; None if it did not exist."""

    old: Record | None
    new: Record | None

    @property
    def key(self) -> str:
        return str((self.new or self.old or {})["id"])


class Changes:
    """The changes of a library since they are recorded, in the collections of these names."""

    def __init__(self, library: Library, names: Iterable[str]) -> None:
        self.library = library
        self.before: dict[str, RecordsById] = {name: getattr(library, name).copy() for name in names}
        self.former: dict[int, Record] = {
            id(record): record.copy()
            for records in self.before.values()
            for record in records.values()
            if type(record) is dict  # put there by a test
        }

    def differences(self, name: str) -> list[Difference]:
        """Return the records of a collection that differ from those before, deleted ones at the end."""
        before, after, former = self.before[name], getattr(self.library, name), self.former
        differences = []
        for key, new in after.items():
            old = before.get(key)
            if old is not new or id(new) in former:
                old = former.get(id(old), old)
                if old != new:
                    differences.append(Difference(old, new))
        deleted = [old for key, old in before.items() if key not in after]
        return differences + [Difference(former.get(id(old), old), None) for old in deleted]


@contextmanager
def recorded_changes(library: Library, names: Iterable[str]) -> Iterator[Changes]:
    """Record the changes of collections. At the end of the outermost recording, new records are stored."""
    others = _recordings.get()
    changes = Changes(library, names)
    token = _recordings.set((*others, changes.former))
    try:
        yield changes
    finally:
        _recordings.reset(token)
        if not others:
            for name, before in changes.before.items():
                records = getattr(library, name)
                for key in records.keys() - before.keys():
                    records[key] = StoredRecord(records[key])

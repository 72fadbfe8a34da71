"""The metadata of records: when and by whom each was created and last changed.

FOLIO's storage modules set them on each write: raml-module-builder replaces those of a body with the current
time and the user of the token, and keeps the creation (its MetadataUtil), for requests of a reordered queue
too (mod-circulation-storage, RequestsBatchAPI); mod-requests-mediated does the same (its MetadataEntity).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.library import Library, Record, split_names
from gateway.sandbox.stored_records import recorded_changes

COLLECTIONS = split_names(
    "loans items requests batch_requests batch_request_details mediated_requests accounts"
)
STORED_ELSEWHERE = frozenset({"printDetails"})  # print events have a table of their own


@contextmanager
def stamped_changes(library: Library, caller: Caller) -> Iterator[None]:
    """Set the metadata of each record that is created or changed meanwhile, also if an error ends it.

    Metadata that were set meanwhile stay as they are.
    """
    with recorded_changes(library, COLLECTIONS) as changes:
        try:
            yield
        finally:
            now = library.now()
            for old, new in chain.from_iterable(map(changes.differences, COLLECTIONS)):
                if new is None:
                    continue
                if old is None:
                    new.setdefault("metadata", caller.creation_metadata(now))
                else:
                    stamp_change(new, old, caller, now)


def stamp_change(record: Record, former: Record, caller: Caller, now: str) -> None:
    """Set the metadata of a record unless it was only joined with others or has new metadata already."""
    is_stamped = record.get("metadata") != former.get("metadata")
    if not is_stamped and own_fields(record) != own_fields(former):
        stamp(record, caller, now)


def own_fields(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in STORED_ELSEWHERE}


def stamp(record: Record, caller: Caller, now: str) -> None:
    """Set the metadata of a record that the caller writes, even with the values it has."""
    created = {
        name: value for name, value in record.get("metadata", {}).items() if name.startswith("created")
    }
    record["metadata"] = created | caller.change_metadata(now)

"""Notes by id, and those of a user or a request; their types."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway.loaders.loader import ById, key_too_long, one_by_one
from gateway.loaders.loader_set import LoaderSet, RowLoader, TableLoader, calls
from gateway.loaders.pages import MAX_PAGE_SIZE, Slice, Window, page_of
from gateway.upstream import cql
from gateway.upstream.services.notes import with_targets


class NotesOf(NamedTuple):
    """A page of the notes of a record: its domain and kind in mod-notes, and encoded parameters."""

    domain: str
    kind: str
    record_id: str
    parameters: str
    window: Window


NotePages: TypeAlias = "DataLoader[NotesOf, Slice]"


class NoteLoaders(LoaderSet):
    @cached_property
    @calls("notes.note")
    def note(self) -> ById:
        return one_by_one(self.upstream.notes.note, self.upstream.operation)

    @cached_property
    @calls("notes.notes_of_record")
    def notes_of_record(self) -> NotePages:
        """Upstream serves the notes of one record per call."""

        async def page(key: NotesOf) -> Slice:
            collection = self.upstream.notes.notes_of_record(*key[:4])
            length = collection.request_line_length("", limit=MAX_PAGE_SIZE, offset=key.window.offset)
            if length > self.limits.max_request_line:
                raise key_too_long(self.limits.max_request_line)
            return _with_targets(await page_of(collection, None, (), key.window))

        return one_by_one(page, self.upstream.operation, cache_key=lambda key: key)

    note_types = TableLoader("notes.note_types", cql.SortKey("name"))
    note_type = RowLoader(note_types)


def _with_targets(page: Slice) -> Slice:
    for note in page.records:
        with_targets(note)
    return page

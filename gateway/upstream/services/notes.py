"""Notes on users, requests and other records, and their types (mod-notes)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import BoundCollection, Collection
from gateway.upstream.record_types import Record
from gateway.upstream.routes import Interface, Route

NOTES = Interface("notes", "4.0")
TARGETS = {"user": "userId", "request": "requestId"}
"""The kinds of linked records that the schema has, and the members that their ids get in a link."""


class Notes(Service):
    """The interface of mod-notes, whose lists have at least one record (notes.yml, parameter `limit`).

    Notes of many records cannot be read at once. In GET /notes each condition on a link is a separate join
    without `distinct` (folio-spring-cql, Cql2JpaCriteria.getPath): for 75 ids, a note with two links would
    be joined to 2 to the power of 75 rows, and be counted as often.
    """

    note_types = Collection(
        Route("GET", "/note-types", NOTES, "note.types.collection.get"),
        "noteTypes",
        forwards_total=True,
        min_limit=1,
    )

    note_route = Route("GET", "/notes/{noteId}", NOTES, "notes.item.get")

    async def note(self, note_id: str) -> Record | None:
        """Return one note, with the user names of its metadata, which lists lack; None if it is absent."""
        note = await self._client.read_record(self.note_route, note_id)
        return None if note is None else with_targets(note)

    notes_of_record_route = Route(
        "GET",
        "/note-links/domain/{domain}/type/{objectType}/id/{objectId}",
        NOTES,
        "note.links.collection.get",
    )

    def notes_of_record(self, domain: str, kind: str, record_id: str, parameters: str) -> BoundCollection:
        """Return the notes of a domain, narrowed to a record of a kind by these encoded parameters.

        Upstream sends up to 1000 per call (NotesServiceImpl, `folio.notes.response.limit`), with an exact
        total.
        """
        route = self.notes_of_record_route
        notes = Collection(route, "notes", extra=parameters, tie_break=None, forwards_total=True, min_limit=1)
        return notes.bind(self._client, domain, kind, record_id)


def with_targets(note: Record) -> Record:
    """Give each link to a record of TARGETS its member for the id, by which the record is loaded."""
    links = note.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and (member := TARGETS.get(str(link.get("type")))) is not None:
            link[member] = link.get("id")
    return note

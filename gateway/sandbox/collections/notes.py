"""Notes and their types, as mod-notes serves them (its NotesServiceImpl and NoteTypesServiceImpl)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from starlette.responses import Response

from gateway.sandbox.collections.collection import Collection, index_names
from gateway.sandbox.cql.terms import fold
from gateway.sandbox.http.errors import BadRequest, NotesError
from gateway.sandbox.http.request import MAX_INTEGER, UUID, HttpRequest, json_response
from gateway.sandbox.library import Library, Record

DEFAULT_LIMIT = 1000
MAX_LIMIT = 1000  # of the notes of a record; all other lists have none (MAX_RECORDS_COUNT of mod-notes)
STATUSES = ("assigned", "unassigned", "all")
ORDERS = ("asc", "desc")
_TAGS = re.compile(r"<[^>]+>", re.IGNORECASE)
_LINE_BREAKS = re.compile(r"\n+")


def metadata_of(record: Record) -> Record:
    return dict(record.get("metadata", {}))


NOTE_TYPES = Collection(
    key="noteTypes",
    records=lambda library: library.note_types,
    indexes=index_names("id name createdBy createdDate updatedBy updatedDate"),
    computed={
        "createdBy": lambda library, record: metadata_of(record).get("createdByUserId"),
        "createdDate": lambda library, record: metadata_of(record).get("createdDate"),
        "updatedBy": lambda library, record: metadata_of(record).get("updatedByUserId"),
        "updatedDate": lambda library, record: metadata_of(record).get("updatedDate"),
    },
)


def indexed_content(note: Record) -> str:
    """Return the title and the content without tags and line breaks, as the module's trigger computes it."""
    content = _LINE_BREAKS.sub(" ", _TAGS.sub("", note.get("content", "")))
    return f"{note['title']} {content}"


SORT_KEYS: Mapping[str, tuple[Callable[[Record], str | None], str]] = {
    "title": (lambda note: fold(note["title"]), "asc"),
    "content": (lambda note: fold(indexed_content(note)), "asc"),
    "noteType": (lambda note: note["typeId"], "asc"),
    "updatedDate": (lambda note: metadata_of(note).get("updatedDate"), "desc"),
}
"""The values that notes are sorted by, and the order of each if none is given."""


def read_notes_of_record(http_request: HttpRequest) -> Response:
    """GET the notes of a domain, by default all, in no order unless it is given."""
    library, query = http_request.library, http_request.query
    domain, kind, record_id = (
        http_request.path_params[name] for name in ("domain", "object_type", "object_id")
    )
    status = choice(query, "status", STATUSES) or "all"
    order_by, order = choice(query, "orderBy", tuple(SORT_KEYS)), choice(query, "order", ORDERS)
    link = {"id": record_id, "type": kind}
    notes = [
        note
        for note in library.notes.values()
        if note["domain"] == domain
        and (status == "all" or (link in note.get("links", [])) is (status == "assigned"))
    ]
    if query.get("search", "").strip():
        pattern = like(query["search"])
        notes = [note for note in notes if pattern.search(indexed_content(note).casefold())]
    if names := type_names(http_request.query_lists.get("noteType", ())):
        notes = [note for note in notes if type_of(library, note).get("name") in names]
    notes.sort(key=lambda note: note["id"][::-1])  # a fixed shuffle
    if order_by is not None:
        notes = sort_notes(notes, order_by, order)
    page = cut_page(http_request, notes, MAX_LIMIT)
    return json_response({"notes": [note_view(library, note) for note in page], "totalRecords": len(notes)})


def read_note(http_request: HttpRequest) -> Response:
    """GET one note, with the names of the users in its metadata."""
    key = note_id(http_request)
    note = http_request.library.notes.get(key)
    if note is None:
        raise NotesError(f"Note with ID [{key}] was not found", 404, "NOT_FOUND_ERROR")
    return json_response(with_user_names(http_request.library, note_view(http_request.library, note)))


def read_note_types(http_request: HttpRequest) -> Response:
    library = http_request.library
    try:
        types = NOTE_TYPES.find(library, http_request.query.get("query") or "cql.allRecords=1")
    except BadRequest as error:
        raise NotesError(error.text) from error
    used = {note["typeId"] for note in library.notes.values()}
    page = cut_page(http_request, types, MAX_INTEGER)
    views = [each | {"usage": {"isAssigned": each["id"] in used}} for each in page]
    return json_response({"noteTypes": views, "totalRecords": len(types)})


def note_view(library: Library, note: Record) -> Record:
    """Return a note as lists have it, with the name of its type."""
    name = type_of(library, note).get("name")
    return {**note, "links": note.get("links", []), **({} if name is None else {"type": name})}


def with_user_names(library: Library, note: Record) -> Record:
    metadata = metadata_of(note)
    for verb in ("created", "updated"):
        user = library.users.get(metadata.get(f"{verb}ByUserId", ""), {})
        personal = user.get("personal", {})
        names = {name: personal[name] for name in ("lastName", "firstName", "middleName") if name in personal}
        if "username" in user:
            metadata[f"{verb}ByUsername"] = user["username"]
        if names:
            metadata[f"{verb}By"] = names
    return {**note, "metadata": metadata} if metadata else note


def type_of(library: Library, note: Record) -> Record:
    return library.note_types.get(note["typeId"], {})


def sort_notes(notes: list[Record], order_by: str, order: str | None) -> list[Record]:
    """Sort by one key, and by content. Notes without a value come last, or first if descending."""
    read, default = SORT_KEYS[order_by]
    descending = (order or default) == "desc"
    notes.sort(key=lambda note: fold(indexed_content(note)))
    present = [note for note in notes if read(note) is not None]
    absent = [note for note in notes if read(note) is None]
    present.sort(key=lambda note: read(note) or "", reverse=descending)
    return absent + present if descending else present + absent


def like(text: str) -> re.Pattern[str]:
    """Return the pattern of a part of a text as SQL's ILIKE reads it: `%` and `_` are wildcards."""
    wildcards = {"%": ".*", "_": "."}
    return re.compile("".join(wildcards.get(each) or re.escape(each) for each in text.casefold()), re.DOTALL)


def type_names(values: Sequence[str]) -> list[str]:
    """Return the names of types in a parameter, which Spring divides at commas if it is sent once."""
    return values[0].split(",") if len(values) == 1 else list(values)


def choice(query: Mapping[str, str], name: str, choices: Sequence[str]) -> str | None:
    """Return a parameter with a closed set of values, in any case. Raises NotesError for others."""
    value = query.get(name)
    if value is None:
        return None
    match = next((each for each in choices if each.casefold() == value.casefold()), None)
    if match is None:
        raise NotesError(f"Failed to convert value of type 'java.lang.String' for parameter {name}: {value}")
    return match


def note_id(http_request: HttpRequest) -> str:
    value = http_request.path_params["id"]
    if not UUID.fullmatch(value):
        raise NotesError(f"Failed to convert value of type 'java.lang.String' to a UUID: {value}")
    return value.lower()


def cut_page(http_request: HttpRequest, records: Sequence[Record], max_limit: int) -> Sequence[Record]:
    """Return one page. Raises NotesError for a `limit` below 1 or a negative `offset`."""
    limit = number(http_request, "limit", DEFAULT_LIMIT, 1)
    offset = number(http_request, "offset", 0, 0)
    return records[offset : offset + min(limit, max_limit)]


def number(http_request: HttpRequest, name: str, default: int, least: int) -> int:
    text = http_request.query.get(name, str(default))
    if not re.fullmatch(r"-?\d{1,10}", text, re.ASCII) or int(text) > MAX_INTEGER:
        raise NotesError(f"Failed to convert value of type 'java.lang.String' for parameter {name}: {text}")
    if int(text) < least:
        raise NotesError(f"{name}: must be greater than or equal to {least}")
    return int(text)

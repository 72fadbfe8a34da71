"""Notes on users and requests, their types, and their root fields."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, NamedTuple, cast

import strawberry

from gateway.context import Context
from gateway.fields.arguments import argument, check_not_blank, check_text
from gateway.fields.base import Arguments, Declared, Json, Load, Selected
from gateway.fields.link import link
from gateway.fields.page import PAGE_ARGUMENTS, ConnectionLink, PageRequest, connection
from gateway.fields.record import field
from gateway.fields.root import lookup, root
from gateway.loaders.note import NotesOf
from gateway.loaders.pages import Slice
from gateway.schema.enums import member
from gateway.schema.filters import SortDirection
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.reference import ReferenceFilter
from gateway.upstream import cql
from gateway.upstream.caller import percent_encode

if TYPE_CHECKING:
    from gateway.schema.request import Request
    from gateway.schema.user import User


@strawberry.type(description="The usage of a note type.")
class NoteTypeUsage:
    is_assigned: bool | None = field("True if a note has the type.")


@strawberry.type(description="A type of note, configured by the library.")
class NoteType:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name, such as `General note`.")
    usage: NoteTypeUsage | None = field("The usage of the type.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A record that a note is linked to.")
class NoteLink:
    id: str | None = field("The id of the record: a UUID for users and requests, another key for others.")
    type: str | None = field(
        "The type of the record: `user` and `request` in circulation, others such as `package` elsewhere."
    )
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user. Null for a record of another type.", loader="user", key="userId"
    )
    request: Annotated["Request", strawberry.lazy("gateway.schema.request")] | None = link(
        "The request. Null for a record of another type.", loader="request", key="requestId"
    )


@strawberry.type(description="A note of staff, linked to one or more records.")
class Note:
    id: strawberry.ID = field("The id, a UUID.")
    title: str | None = field("The title, plain text.")
    content: str | None = field(
        "The text, as HTML. FOLIO allows paragraphs, headings, lists, links and emphasis, and removes all "
        "else when the note is written; sanitize it nevertheless before it is shown."
    )
    domain: str | None = field("The part of FOLIO that it belongs to: `users`, `requests` and others.")
    type: NoteType | None = link(
        "The type. Its id and name cost no upstream call.",
        loader="note_type",
        key="typeId",
        embedded={"name": "type"},
    )
    pop_up_on_check_out: bool | None = field("True if it is to pop up when items are lent to the user.")
    pop_up_on_user: bool | None = field("True if it is to pop up when the user's record is opened.")
    links: list[NoteLink | None] | None = field("The records that it is linked to.")
    metadata: Metadata | None = field(
        "The dates and users of the creation and the last change. Only `note` has the user names; lists "
        "lack them."
    )


@strawberry.type(description="A page of notes.")
class NoteConnection(Connection[Note]):
    pass


@strawberry.type(description="A page of note types.")
class NoteTypeConnection(Connection[NoteType]):
    pass


@strawberry.enum(description="The notes of a domain, by their link to one record.")
class NoteLinkStatus(Enum):
    ASSIGNED = member("assigned", "Linked to the record.")
    UNASSIGNED = member("unassigned", "Not linked to the record, but to others: candidates to link.")
    ALL = member("all", "Linked to any record.")


@strawberry.input(
    description='Conditions on notes. All must hold. By text: `{ search: "large print", type: ["General '
    'note"] }`.'
)
class NoteFilter:
    status: NoteLinkStatus | None = strawberry.field(
        description="The link to this record, by default `ASSIGNED`: its own notes.", default=None
    )
    search: str | None = strawberry.field(
        description="A part of the title, or of the text without its HTML tags, in any case; `%` matches any "
        "text and `_` any character.",
        default=None,
    )
    type: list[str] | None = strawberry.field(
        description="Any of these names of types, exactly.", default=None
    )


@strawberry.enum(description="Sort keys for notes.")
class NoteSortField(Enum):
    UPDATED_DATE = member("updatedDate", "The date of the last change.")
    TITLE = member("title", "The title.")
    CONTENT = member("content", "The title and the text without its HTML tags.")
    NOTE_TYPE = member("noteType", "The type: notes of a type are together, in the order of the types' ids.")


@strawberry.input(
    description="The sort key for notes; ties are broken by title and text. By title: `{ field: TITLE }`."
)
class NoteSort:
    field: NoteSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )


class NotesRequest(NamedTuple):
    """A page of notes, and the encoded parameters that select and sort them."""

    page: PageRequest
    parameters: str


class NotesOfRecord(ConnectionLink):
    """The notes of one record. Upstream serves them one record per call, without CQL."""

    batched = False
    domain: str
    kind: str

    def parse(self, given: Arguments, selected: Selected) -> Json:  # NotesRequest
        page = super().parse({name: given.get(name) for name in ("first", "after")}, selected)
        filter, sort = given.get("filter"), given.get("sort")
        return NotesRequest(page, "&".join([*_conditions(filter or NoteFilter()), _order(sort)]))

    def load(self, context: Context, request: Json, selected: Selected) -> Load:
        page, parameters = cast(NotesRequest, request)
        page.check(context)
        domain, kind, window = self.domain, self.kind, page.window
        return Load(
            context.loaders.notes_of_record,
            lambda key: NotesOf(domain, kind, key, parameters, window),
            empty=Slice([], window.offset, 0, False),
        )


def _conditions(filter: NoteFilter) -> list[str]:
    conditions = [f"status={(filter.status or NoteLinkStatus.ASSIGNED).value}"]
    if filter.search is not None:
        check_not_blank(filter.search, "search")
        conditions.append(f"search={percent_encode(check_text(filter.search, 'search'))}")
    names = [check_text(name, "type") for name in filter.type or ()]
    if len(names) == 1 and "," in names[0]:
        names *= 2  # Spring divides a parameter at its commas, unless there are several of that name
    return conditions + [f"noteType={percent_encode(name)}" for name in names]


def _order(sort: NoteSort | None) -> str:
    """Return the order, which upstream does not have by itself: pages need one."""
    if sort is None:
        return "orderBy=updatedDate&order=desc"
    order = "desc" if sort.direction is SortDirection.DESCENDING else "asc"
    return f"orderBy={sort.field.value}&order={order}"


def notes_of(domain: str, kind: str) -> Declared:
    """Declare the notes of a record, by the domain and the kind of object that it has in mod-notes."""
    declared = NotesOfRecord(
        description="The notes of staff, last changed first. One upstream call per record: FOLIO reads the "
        "notes of one at a time."
    )
    declared.loader, declared.key = "notes_of_record", ("id",)
    declared.domain, declared.kind = domain, kind
    declared.arguments = [
        argument("filter", NoteFilter | None, "The conditions."),
        argument("sort", NoteSort | None, "The sort order."),
        *PAGE_ARGUMENTS,
    ]
    return declared


QUERIES = [
    root(
        "note",
        Note,
        lookup("One note. Null if it does not exist.", id=("note", strawberry.ID, "The id, a UUID.")),
    ),
    root(
        "note_types",
        NoteTypeConnection,
        connection(
            "A page of note types; a library has at most 25, unless its FOLIO is configured otherwise.",
            collection="notes.note_types",
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="note_types",
        ),
    ),
]

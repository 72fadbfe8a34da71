"""Instances, and the queries that start at them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import SortDirection, condition
from gateway.fields.enums import member
from gateway.fields.link import link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, connection, connection_link, full_list_link
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.loaders.request import IN_QUEUE_ORDER, OPEN_REQUESTS
from gateway.schema.allowed_service_points import AllowedServicePoints, allowed_for
from gateway.schema.holdings import HoldingsConnection
from gateway.schema.item import ON_THE_SHELF, ElectronicAccess, ItemConnection, ItemFilter, ItemSort
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.request import RequestConnection, RequestQueue


@strawberry.type(description="Another title of the same work.")
class AlternativeTitle:
    alternative_title_type_id: strawberry.ID | None = field(
        "What kind of title: an id of FOLIO's alternative title types."
    )
    alternative_title: str | None = field("The title.")
    authority_id: strawberry.ID | None = field("The id of the authority record that controls it.")


@strawberry.type(description="A series that a title is part of.")
class Series:
    value: str | None = field("The series, often with the number in it.")
    authority_id: strawberry.ID | None = field("The id of the authority record that controls it.")


@strawberry.type(description="A number that a title is known by, such as an ISBN.")
class Identifier:
    value: str | None = field("The number.")
    identifier_type_id: strawberry.ID | None = field(
        "What kind of number: an id of FOLIO's identifier types."
    )


@strawberry.type(description="Somebody who made a work, or had a part in it.")
class Contributor:
    name: str | None = field("The name.")
    contributor_type_id: strawberry.ID | None = field("Which part: an id of FOLIO's contributor types.")
    contributor_type_text: str | None = field("Which part, as free text.")
    contributor_name_type_id: strawberry.ID | None = field(
        "Person, body or meeting: an id of FOLIO's contributor name types."
    )
    authority_id: strawberry.ID | None = field("The id of the authority record that controls the name.")
    primary: bool | None = field("Whether this one is named first.")


@strawberry.type(description="What a work is about.")
class Subject:
    value: str | None = field("The heading.")
    authority_id: strawberry.ID | None = field("The id of the authority record that controls it.")
    source_id: strawberry.ID | None = field(
        "Whose heading it is: an id of FOLIO's subject sources. Null in a search."
    )
    type_id: strawberry.ID | None = field(
        "What kind of heading: an id of FOLIO's subject types. Null in a search."
    )


@strawberry.type(description="The place of a title in a classification.")
class Classification:
    classification_number: str | None = field("The notation.")
    classification_type_id: strawberry.ID | None = field(
        "Which classification: an id of FOLIO's classification types."
    )


@strawberry.type(description="Who brought a title out, where and when.")
class Publication:
    publisher: str | None = field("The publisher.")
    place: str | None = field("The place.")
    date_of_publication: str | None = field("When, as the catalogue has it: free text.")
    role: str | None = field("What the publisher did. Null in a search.")


@strawberry.type(description="The years in which a title came out.")
class PublicationPeriod:
    start: int | None = field("The first year.")
    end: int | None = field("The last year; null while it still comes out.")


@strawberry.type(description="When a title came out, in the form of the MARC field 008.")
class InstanceDates:
    date_type_id: strawberry.ID | None = field("How to read the dates: an id of FOLIO's instance date types.")
    date1: str | None = field("The first date: four characters, `u` for a digit that is not known.")
    date2: str | None = field("The second date, in the same form.")


@strawberry.type(description="A note of a title.")
class InstanceNote:
    instance_note_type_id: strawberry.ID | None = field(
        "What kind of note: an id of FOLIO's instance note types."
    )
    note: str | None = field("The text.")
    staff_only: bool | None = field("Whether patrons must not see it.")


@strawberry.type(description="A title that this one is part of.")
class ParentInstance:
    id: strawberry.ID | None = field("The id of the relationship, a UUID.")
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title above.", loader="instance", key="superInstanceId"
    )
    instance_relationship_type_id: strawberry.ID | None = field(
        "How they belong together: an id of FOLIO's instance relationship types."
    )


@strawberry.type(description="A title that is part of this one.")
class ChildInstance:
    id: strawberry.ID | None = field("The id of the relationship, a UUID.")
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title below.", loader="instance", key="subInstanceId"
    )
    instance_relationship_type_id: strawberry.ID | None = field(
        "How they belong together: an id of FOLIO's instance relationship types."
    )


@strawberry.type(description="The title that came before this one.")
class PrecedingTitle:
    id: strawberry.ID | None = field("The id of the relationship, a UUID.")
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title itself. Null where the library does not have it.",
        loader="instance",
        key="precedingInstanceId",
    )
    title: str | None = field("The title.")
    hrid: str | None = field("The number of the title that people use.")
    identifiers: list[Identifier | None] | None = field("Numbers that it is known by.")


@strawberry.type(description="The title that came after this one.")
class SucceedingTitle:
    id: strawberry.ID | None = field("The id of the relationship, a UUID.")
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title itself. Null where the library does not have it.",
        loader="instance",
        key="succeedingInstanceId",
    )
    title: str | None = field("The title.")
    hrid: str | None = field("The number of the title that people use.")
    identifiers: list[Identifier | None] | None = field("Numbers that it is known by.")


@strawberry.type(description="A title: what holdings and items are copies of.")
class Instance:
    id: strawberry.ID = field("The id, a UUID.")
    version: int | None = field("Counts the changes of the record.", key="_version")
    hrid: str | None = field("The number of the record that people use.")
    match_key: str | None = field("A key by which catalogues without common numbers find the same title.")
    source: str | None = field("Where the record comes from: `FOLIO`, `MARC` or another.")
    source_record_format: str | None = field("The format of the source record; null where there is none.")
    title: str | None = field("The title.")
    index_title: str | None = field("The title as it is sorted, without a leading article.")
    alternative_titles: list[AlternativeTitle | None] | None = field("Other titles of the same work.")
    editions: list[str | None] | None = field("Editions.")
    series: list[Series | None] | None = field("Series that it is part of.")
    identifiers: list[Identifier | None] | None = field("Numbers that it is known by.")
    contributors: list[Contributor | None] | None = field("Who made the work.")
    subjects: list[Subject | None] | None = field("What it is about.")
    classifications: list[Classification | None] | None = field("Its places in classifications.")
    publication: list[Publication | None] | None = field("Who brought it out, where and when.")
    publication_frequency: list[str | None] | None = field("How often it comes out.")
    publication_range: list[str | None] | None = field("From which part to which it came out.")
    publication_period: PublicationPeriod | None = field("The years in which it came out.")
    dates: InstanceDates | None = field("When it came out, in the form of MARC.")
    electronic_access: list[ElectronicAccess | None] | None = field("Where it can be read online.")
    instance_type_id: strawberry.ID | None = field(
        "What kind of content it is: an id of FOLIO's instance types."
    )
    instance_format_ids: list[strawberry.ID | None] | None = field(
        "On what it comes: ids of FOLIO's instance formats."
    )
    physical_descriptions: list[str | None] | None = field("What it looks like, such as `120 pages ; 23 cm`.")
    languages: list[str | None] | None = field("Its languages, as codes of MARC such as `eng`.")
    notes: list[InstanceNote | None] | None = field("Notes about the title.")
    administrative_notes: list[str | None] | None = field("Notes of the staff about the record.")
    mode_of_issuance_id: strawberry.ID | None = field(
        "Whether it is one piece, several or a serial: an id of FOLIO's modes of issuance."
    )
    nature_of_content_term_ids: list[strawberry.ID | None] | None = field(
        "What it is, such as a festschrift: ids of FOLIO's nature of content terms."
    )
    cataloged_date: str | None = field("When it counts as catalogued, as upstream keeps it.")
    previously_held: bool | None = field("Whether the library had it once and has it no more.")
    staff_suppress: bool | None = field("Whether only cataloguers are to see it.")
    discovery_suppress: bool | None = field("Whether patrons must not find it.")
    deleted: bool | None = field("Whether it is marked as deleted.")
    statistical_code_ids: list[strawberry.ID | None] | None = field(
        "What it is counted as: ids of FOLIO's statistical codes."
    )
    status_id: strawberry.ID | None = field("How far it is catalogued: an id of FOLIO's instance statuses.")
    status_updated_date: str | None = field("When that changed last, as upstream keeps it.")
    is_bound_with: bool | None = field("Whether it shares its covers with other titles.")
    parent_instances: list[ParentInstance | None] | None = field("Titles that it is part of.")
    child_instances: list[ChildInstance | None] | None = field("Titles that are part of it.")
    preceding_titles: list[PrecedingTitle | None] | None = field("Titles that came before it.")
    succeeding_titles: list[SucceedingTitle | None] | None = field("Titles that came after it.")
    tags: Tags | None = field("Free labels.")
    metadata: Metadata | None = field("Who made the record and when.")
    holdings: HoldingsConnection | None = connection_link(
        "What the library has of it, place by place.",
        loader="holdings_of_instance",
        default_sort=[cql.SortKey("callNumber")],
    )
    items: ItemConnection | None = connection_link(
        "All its items, whatever holdings they belong to, in the order of the shelf.",
        loader="items_of_instance",
        filter=ItemFilter,
        sort=ItemSort,
        default_sort=ON_THE_SHELF,
    )
    request_queue: Annotated[RequestQueue, strawberry.lazy("gateway.schema.request")] | None = full_list_link(
        "The queue of the title, whole and in order. One upstream call for each title; `openRequests` is one "
        "for fifty.",
        loader="queue_of_instance",
    )
    allowed_service_points: AllowedServicePoints | None = allowed_for(
        "Where a new request for it may be picked up, by kind of request. One upstream call each.",
        "instanceId",
    )
    open_requests: Annotated[RequestConnection, strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "The requests that wait for this title or one of its items, by their place in the queue.",
            loader="requests_of_instance",
            within=OPEN_REQUESTS,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=IN_QUEUE_ORDER,
        )
    )
    requests: Annotated[RequestConnection, strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "All requests for this title or one of its items, closed ones too.",
            loader="requests_of_instance",
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=[cql.SortKey("requestDate", descending=True)],
        )
    )


@strawberry.type(description="A page of titles.")
class InstanceConnection(Connection[Instance]):
    pass


@strawberry.input(
    description="Which titles. All conditions must hold; a list matches any of its values. "
    'By words of the title: `{ title: "history bridges" }`.'
)
class InstanceFilter:
    id: list[strawberry.ID] | None = condition("Ids of titles.", "id", arguments.ids)
    hrid: list[str] | None = condition(
        "Numbers that people use, such as `in00000102`.", "hrid", arguments.exact
    )
    title: str | None = condition(
        "Words of the title in any order, all of them: `history bridges`.", "title", arguments.words
    )
    source: list[str] | None = condition(
        "Where the records come from: `FOLIO`, `MARC` ...", "source", arguments.exact
    )
    staff_suppress: bool | None = condition(
        "Those that only cataloguers are to see, or the others.", "staffSuppress", arguments.flag
    )
    discovery_suppress: bool | None = condition(
        "Those that patrons must not find, or the others.", "discoverySuppress", arguments.flag
    )


@strawberry.enum(description="What titles can be sorted by.")
class InstanceSortField(Enum):
    TITLE = member("title", "The title.")
    INDEX_TITLE = member("indexTitle", "The title without a leading article.")
    HRID = member("hrid", "The number that people use.")


@strawberry.input(
    description="One key to sort titles by; of several, the first counts most. "
    "The last first: `{ field: INDEX_TITLE, direction: DESCENDING }`."
)
class InstanceSort:
    field: InstanceSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )


QUERIES = [
    root(
        "instance",
        Instance,
        lookup("One title. Null when there is none.", id=("instance", "The id, a UUID.")),
    ),
    root(
        "instances",
        InstanceConnection,
        connection(
            "Titles, a page at a time. "
            'Try `{ instances(filter: { title: "history" }) { nodes { title items { totalCount } } } }`.',
            ask=lambda upstream: upstream.inventory.instances,
            filter=InstanceFilter,
            sort=InstanceSort,
            default_sort=[cql.SortKey("title")],
        ),
    ),
]

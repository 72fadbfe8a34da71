"""Instances, the titles of the catalogue, and their root fields."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar

import strawberry

from gateway.context import Context, Info
from gateway.fields.arguments import condition
from gateway.fields.base import Arguments, Json, Load, Path, Selected
from gateway.fields.link import id_in, link
from gateway.fields.page import PageRequest, connection, connection_link, full_list_link
from gateway.fields.record import field, record_of
from gateway.fields.root import lookup, root
from gateway.fields.selection import get_selected
from gateway.loaders.bound_with import OfInstance
from gateway.loaders.request import IN_QUEUE_ORDER, OPEN_REQUESTS
from gateway.schema import filters
from gateway.schema.allowed_service_points import AllowedServicePoints, allowed_for
from gateway.schema.enums import member
from gateway.schema.filters import SortDirection
from gateway.schema.holdings import HoldingsConnection
from gateway.schema.item import (
    ON_THE_SHELF,
    ElectronicAccess,
    ItemConnection,
    ItemFilter,
    ItemsOfRecord,
    ItemSort,
)
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.page import Connection
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.request import RequestConnection, RequestQueue


@strawberry.type(description="Another title of the same work.")
class AlternativeTitle:
    alternative_title_type_id: strawberry.ID | None = field("The id of the FOLIO alternative title type.")
    alternative_title: str | None = field("The title.")
    authority_id: strawberry.ID | None = field("The id of the controlling authority record.")


@strawberry.type(description="A series that the title belongs to.")
class Series:
    value: str | None = field("The series, often with its numbering.")
    authority_id: strawberry.ID | None = field("The id of the controlling authority record.")


@strawberry.type(description="An identifier of a title, such as an ISBN.")
class Identifier:
    value: str | None = field("The identifier.")
    identifier_type_id: strawberry.ID | None = field("The id of the FOLIO identifier type.")


@strawberry.type(description="A contributor to a work.")
class Contributor:
    name: str | None = field("The name.")
    contributor_type_id: strawberry.ID | None = field("The id of the FOLIO contributor type.")
    contributor_type_text: str | None = field("The contributor's role, as free text.")
    contributor_name_type_id: strawberry.ID | None = field(
        "The id of the FOLIO contributor name type: person, organization or meeting."
    )
    authority_id: strawberry.ID | None = field("The id of the authority record that controls the name.")
    primary: bool | None = field("True for the primary contributor.")


@strawberry.type(description="A subject of a work.")
class Subject:
    value: str | None = field("The heading.")
    authority_id: strawberry.ID | None = field("The id of the controlling authority record.")
    source_id: strawberry.ID | None = field("The id of the FOLIO subject source. Null in a search.")
    type_id: strawberry.ID | None = field("The id of the FOLIO subject type. Null in a search.")


@strawberry.type(description="A classification of a title.")
class Classification:
    classification_number: str | None = field("The notation.")
    classification_type_id: strawberry.ID | None = field("The id of the FOLIO classification type.")


@strawberry.type(description="A publication statement: publisher, place and date.")
class Publication:
    publisher: str | None = field("The publisher.")
    place: str | None = field("The place of publication.")
    date_of_publication: str | None = field("The date of publication, as free text.")
    role: str | None = field("The publisher's role. Null in a search.")


@strawberry.type(description="The years of publication.")
class PublicationPeriod:
    start: int | None = field("The first year.")
    end: int | None = field("The last year. Null while publication continues.")


@strawberry.type(description="The dates of publication, as in MARC field 008.")
class InstanceDates:
    date_type_id: strawberry.ID | None = field("The id of the FOLIO instance date type.")
    date1: str | None = field("The first date: four characters, with `u` for an unknown digit.")
    date2: str | None = field("The second date, in the same format.")


@strawberry.type(description="A note on a title.")
class InstanceNote:
    instance_note_type_id: strawberry.ID | None = field("The id of the FOLIO instance note type.")
    note: str | None = field("The text.")
    staff_only: bool | None = field("True if patrons must not see it.")


@strawberry.type(description="A title that contains this one.")
class ParentInstance:
    id: strawberry.ID | None = field("The id of the relationship, a UUID.")
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The containing title.", loader="instance", key="superInstanceId"
    )
    instance_relationship_type_id: strawberry.ID | None = field(
        "The id of the FOLIO instance relationship type."
    )


@strawberry.type(description="A title contained in this one.")
class ChildInstance:
    id: strawberry.ID | None = field("The id of the relationship, a UUID.")
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The contained title.", loader="instance", key="subInstanceId"
    )
    instance_relationship_type_id: strawberry.ID | None = field(
        "The id of the FOLIO instance relationship type."
    )


@strawberry.type(description="The preceding title.")
class PrecedingTitle:
    id: strawberry.ID | None = field("The id of the relationship, a UUID.")
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The full title. Null if the library does not hold it.",
        loader="instance",
        key="precedingInstanceId",
    )
    title: str | None = field("The title.")
    hrid: str | None = field("The human-readable number of the title.")
    identifiers: list[Identifier | None] | None = field("Identifiers of the title.")


@strawberry.type(description="The succeeding title.")
class SucceedingTitle:
    id: strawberry.ID | None = field("The id of the relationship, a UUID.")
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The full title. Null if the library does not hold it.",
        loader="instance",
        key="succeedingInstanceId",
    )
    title: str | None = field("The title.")
    hrid: str | None = field("The human-readable number of the title.")
    identifiers: list[Identifier | None] | None = field("Identifiers of the title.")


class ItemsOfInstance(ItemsOfRecord):
    """The items of a title. Fewer calls are needed if the title says that it is not bound with others."""

    key_types: ClassVar[Mapping[Path, type]] = MappingProxyType({("isBoundWith",): bool})
    key_paths = (("id",), ("isBoundWith",))
    optional_key_paths = frozenset({("isBoundWith",)})

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record, selection = record_of(source, self), get_selected(info, self)
        load = self.load(info.context, self.parse(arguments, selection), selection)
        return load.one((record.get("id"), record.get("isBoundWith")))

    def load(self, context: Context, request: PageRequest, selected: Selected) -> Load:
        def key(read: tuple[Json, Json]) -> OfInstance | None:
            instance_id, is_bound_with = id_in(self, read[0]), read[1]
            if instance_id is None:
                return None
            is_known = type(is_bound_with) is bool
            return OfInstance(instance_id, request.window, is_bound_with if is_known else None)

        return super().load(context, request, selected)._replace(key=key)


@strawberry.type(description="A title. Its copies are holdings and items.")
class Instance:
    id: strawberry.ID = field("The id, a UUID.")
    version: int | None = field("The version of the record, increased with every change.", key="_version")
    hrid: str | None = field("The human-readable number of the record.")
    match_key: str | None = field(
        "A key that identifies the same title in catalogues without common identifiers."
    )
    source: str | None = field("The source of the record: `FOLIO`, `MARC` or another.")
    source_uri: str | None = field("The URI of the source record. Null if the source has none.")
    source_record_format: str | None = field("The format of the source record. Null if there is none.")
    title: str | None = field("The title.")
    index_title: str | None = field("The title used for sorting, without a leading article.")
    alternative_titles: list[AlternativeTitle | None] | None = field("Other titles of the same work.")
    editions: list[str | None] | None = field("Editions.")
    series: list[Series | None] | None = field("Series that the title belongs to.")
    identifiers: list[Identifier | None] | None = field("Identifiers of the title.")
    contributors: list[Contributor | None] | None = field("The contributors of the work.")
    subjects: list[Subject | None] | None = field("Subjects of the work.")
    classifications: list[Classification | None] | None = field("Classifications.")
    publication: list[Publication | None] | None = field("Publication statements: publisher, place and date.")
    publication_frequency: list[str | None] | None = field("The frequency of publication.")
    publication_range: list[str | None] | None = field("The range of published parts.")
    publication_period: PublicationPeriod | None = field("The years of publication.")
    dates: InstanceDates | None = field("The dates of publication, as in MARC field 008.")
    electronic_access: list[ElectronicAccess | None] | None = field("Links to online access.")
    instance_type_id: strawberry.ID | None = field("The id of the FOLIO instance type.")
    instance_format_ids: list[strawberry.ID | None] | None = field("Ids of FOLIO instance formats.")
    physical_descriptions: list[str | None] | None = field(
        "Physical descriptions, such as `120 pages ; 23 cm`."
    )
    languages: list[str | None] | None = field("Languages, as MARC codes such as `eng`.")
    notes: list[InstanceNote | None] | None = field("Notes on the title.")
    administrative_notes: list[str | None] | None = field("Administrative notes of staff.")
    mode_of_issuance_id: strawberry.ID | None = field("The id of the FOLIO mode of issuance.")
    nature_of_content_term_ids: list[strawberry.ID | None] | None = field(
        "Ids of FOLIO nature of content terms, such as festschrift."
    )
    cataloged_date: str | None = field("The cataloguing date, in upstream's format.")
    previously_held: bool | None = field("True if the library held it in the past and no longer does.")
    staff_suppress: bool | None = field("True if only cataloguers may see the record.")
    discovery_suppress: bool | None = field("True if patrons must not see the record.")
    deleted: bool | None = field("True if the record is marked as deleted.")
    statistical_code_ids: list[strawberry.ID | None] | None = field("Ids of FOLIO statistical codes.")
    status_id: strawberry.ID | None = field("The id of the FOLIO instance status.")
    status_updated_date: str | None = field(
        "The date of the last change of the status, in upstream's format."
    )
    is_bound_with: bool | None = field("True if it is bound with other titles.")
    parent_instances: list[ParentInstance | None] | None = field("Titles that contain this one.")
    child_instances: list[ChildInstance | None] | None = field("Titles contained in this one.")
    preceding_titles: list[PrecedingTitle | None] | None = field("Preceding titles.")
    succeeding_titles: list[SucceedingTitle | None] | None = field("Succeeding titles.")
    tags: Tags | None = field("Free-text labels.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    holdings: HoldingsConnection | None = connection_link(
        "The library's holdings of the title, by location.",
        loader="holdings_of_instance",
        default_sort=[cql.SortKey("callNumber")],
    )
    items: ItemConnection | None = connection_link(
        "The items of all holdings, in shelf order, including those in which it is bound with other titles.",
        loader="items_of_instance",
        kind=ItemsOfInstance,
        filter=ItemFilter,
        sort=ItemSort,
        default_sort=ON_THE_SHELF,
    )
    request_queue: Annotated["RequestQueue", strawberry.lazy("gateway.schema.request")] | None = (
        full_list_link(
            "The complete request queue of the title, in order. One upstream call per title; "
            "`openRequests` costs one per 75.",
            loader="queue_of_instance",
        )
    )
    allowed_service_points: AllowedServicePoints | None = allowed_for(
        "The service points that allow pickup of a new request, by request type. One upstream call each.",
        "instanceId",
    )
    open_requests: Annotated["RequestConnection", strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "The open requests for this title or one of its items, in queue order.",
            loader="requests_of_instance",
            within=OPEN_REQUESTS,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=IN_QUEUE_ORDER,
        )
    )
    requests: Annotated["RequestConnection", strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "All requests for this title or one of its items, including closed ones.",
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
    description="Conditions on titles. All must hold; a list matches any of its values. By words of the "
    'title: `{ title: "history bridges" }`.'
)
class InstanceFilter:
    id: list[strawberry.ID] | None = condition("Ids of titles.", "id", filters.ids)
    hrid: list[str] | None = condition("Human-readable numbers, such as `in00000102`.", "hrid", filters.exact)
    title: str | None = condition(
        "Words of the title in any order; all must match: `history bridges`.", "title", filters.words
    )
    source: list[str] | None = condition(
        "Sources of the records, such as `FOLIO` or `MARC`.", "source", filters.exact
    )
    staff_suppress: bool | None = condition(
        "True for records that only cataloguers may see, false for the others.",
        "staffSuppress",
        filters.flag,
    )
    discovery_suppress: bool | None = condition(
        "True for records hidden from patrons, false for the others.", "discoverySuppress", filters.flag
    )


@strawberry.enum(description="Sort keys for titles.")
class InstanceSortField(Enum):
    TITLE = member("title", "The title.")
    INDEX_TITLE = member("indexTitle", "The title without a leading article.")
    HRID = member("hrid", "The human-readable number.")


@strawberry.input(
    description="One sort key for titles; of several, the first takes precedence. Reverse order: `{ field: "
    "INDEX_TITLE, direction: DESCENDING }`."
)
class InstanceSort:
    field: InstanceSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )


QUERIES = [
    root(
        "instance",
        Instance,
        lookup("One title. Null if it does not exist.", id=("instance", strawberry.ID, "The id, a UUID.")),
    ),
    root(
        "instances",
        InstanceConnection,
        connection(
            'A page of titles. Try `{ instances(filter: { title: "history" }) { nodes { title items { '
            "totalCount } } } }`.",
            collection="inventory.instances",
            filter=InstanceFilter,
            sort=InstanceSort,
            default_sort=[cql.SortKey("title")],
        ),
    ),
]

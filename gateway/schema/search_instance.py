"""Titles in a search of the circulation BFF, and their root field."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from graphql import FieldNode

from gateway import errors
from gateway.context import Context, Info
from gateway.fields import arguments
from gateway.fields.arguments import Key, argument
from gateway.fields.base import Arguments, Declared, Field, Json, Load, Place, Selected
from gateway.fields.link import embedded_link, link
from gateway.fields.page import connection_link
from gateway.fields.record import field, record_of
from gateway.fields.root import RootField, root
from gateway.loaders.loader_set import Calls
from gateway.loaders.request import IN_QUEUE_ORDER, OPEN_REQUESTS
from gateway.schema.allowed_service_points import AllowedServicePoints, allowed_for
from gateway.schema.holdings import Holdings
from gateway.schema.instance import (
    AlternativeTitle,
    Classification,
    Contributor,
    Identifier,
    Instance,
    InstanceDates,
    Publication,
    Series,
    Subject,
)
from gateway.schema.item import ElectronicAccess, Item, ItemLocation, ItemStatus
from gateway.schema.loan_item import CallNumberComponents, Named
from gateway.schema.location import Location
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.reference import LoanType
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.schema.service_point import ServicePoint
from gateway.upstream import cql
from gateway.upstream.services import ListsFrom

if TYPE_CHECKING:
    from gateway.schema.loan import Loan
    from gateway.schema.request import RequestConnection


@strawberry.type(description="A note in a search result.")
class SearchNote:
    note: str | None = field("The text.")
    staff_only: bool | None = field("True if patrons must not see it.")


@strawberry.type(description="Holdings in a search result.")
class SearchHoldings:
    id: strawberry.ID = field("The id, a UUID.")
    holdings: Holdings | None = link(
        "The holdings in inventory. Their id, hrid, call number and copy number cost no upstream "
        "call. Null for holdings of another library.",
        loader="holdings",
        key="id",
        embedded={
            "hrid!": "hrid",
            "callNumber": "callNumber",
            "callNumberPrefix": "callNumberPrefix",
            "callNumberSuffix": "callNumberSuffix",
            "copyNumber": "copyNumber",
        },
    )
    tenant_id: str | None = field("The tenant of the consortium that owns the holdings.")
    permanent_location: Location | None = link(
        "The permanent location of the items.", loader="location", key="permanentLocationId"
    )
    discovery_suppress: bool | None = field("True if patrons must not see them.")
    hrid: str | None = field("The human-readable number of the record.")
    source_id: strawberry.ID | None = field("The id of the FOLIO holdings source.")
    former_ids: list[str | None] | None = field("Former ids of the record, including those of other systems.")
    statistical_code_ids: list[strawberry.ID | None] | None = field("Ids of FOLIO statistical codes.")
    tags: Tags | None = field("Free-text labels.")
    holdings_type_id: strawberry.ID | None = field("The id of the FOLIO holdings type.")
    call_number_prefix: str | None = field("The prefix of the call number.")
    call_number: str | None = field("The call number.")
    call_number_suffix: str | None = field("The suffix of the call number.")
    copy_number: str | None = field("The copy number.")
    electronic_access: list[ElectronicAccess | None] | None = field("Links to online access.")
    administrative_notes: list[str | None] | None = field("Administrative notes of staff.")
    notes: list[SearchNote | None] | None = field("Notes on the holdings.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="An item in a search result.")
class SearchItem:
    id: strawberry.ID = field("The id, a UUID.")
    item: Item | None = link(
        "The item in inventory. Its id, title, barcode and status cost no upstream call. Null for "
        "an item of another library.",
        loader="item",
        key="id",
        embedded={
            "title!": "title",
            "barcode": "barcode",
            "effectiveCallNumberComponents.callNumber": "callNumberComponents.callNumber",
            "effectiveCallNumberComponents.prefix": "callNumberComponents.prefix",
            "effectiveCallNumberComponents.suffix": "callNumberComponents.suffix",
            "effectiveLocation.name!": "effectiveLocation.name",
            "holdingsRecordId!": "holdingsRecordId",
            "instanceId!": "instanceId",
            "status.name!": "status.name",
            "status.date": "status.date",
            "enumeration": "enumeration",
            "chronology": "chronology",
            "volume": "volume",
            "displaySummary": "displaySummary",
            "accessionNumber": "accessionNumber",
            "inTransitDestinationServicePointId": "inTransitDestinationServicePointId",
            "inTransitDestinationServicePoint>name!": "inTransitDestinationServicePoint.name",
        },
    )
    tenant_id: str | None = field("The tenant of the consortium that owns the item.")
    title: str | None = field("The title.")
    call_number: str | None = field("The call number in force.")
    call_number_components: CallNumberComponents | None = field("The parts of the call number.")
    material_type: Named | None = field("The material type.")
    contributors: list[Contributor | None] | None = field(
        "The contributors of the work. Only the names are available."
    )
    holdings: Holdings | None = link(
        "The holdings that the item belongs to.", loader="holdings", key="holdingsRecordId"
    )
    instance: Instance | None = link(
        "The title of the copy. Its id and title cost no upstream call.",
        loader="instance",
        key="instanceId",
        embedded={"title!": "title"},
    )
    barcode: str | None = field("The barcode. Null for items without one.")
    effective_location: ItemLocation | None = field("The location in force. Only the name is available.")
    permanent_loan_type: LoanType | None = embedded_link(
        "The permanent loan type. Its id and name cost no upstream call.", loader="loan_type"
    )
    temporary_loan_type: LoanType | None = embedded_link(
        "The temporary loan type. Null if the permanent one applies. Its id and name cost no upstream call.",
        loader="loan_type",
    )
    status: ItemStatus | None = field("The state.")
    enumeration: str | None = field("The part of a series, such as `v.73:no.1-6`.")
    chronology: str | None = field("The time covered, such as `1987:Jan.-June`.")
    volume: str | None = field("The volume.")
    display_summary: str | None = field("A single line for lists, instead of volume and enumeration.")
    copy_number: str | None = field("The copy number of the item or its holdings.")
    in_transit_destination_service_point: ServicePoint | None = link(
        "The service point the item is on its way to. Null unless it is in transit. Its id and "
        "name cost no upstream call.",
        loader="service_point",
        key="inTransitDestinationServicePointId",
        embedded={"name!": "inTransitDestinationServicePoint.name"},
    )
    accession_number: str | None = field("The accession number.")
    open_loan: Annotated["Loan", strawberry.lazy("gateway.schema.loan")] | None = link(
        "The open loan. Null if the item is not on loan.",
        loader="open_loan_of_item",
        key="id",
        identity=None,
    )
    allowed_service_points: AllowedServicePoints | None = allowed_for(
        "The service points that allow pickup of a new request, by request type. One upstream call each.",
        "itemId",
    )
    open_requests: Annotated["RequestConnection", strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "The open requests for this item.",
            loader="requests_of_item",
            within=OPEN_REQUESTS,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=IN_QUEUE_ORDER,
        )
    )


class ItemByBarcode(Field):
    """One of the items of a search result."""

    reads = (("items",),)

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        return self._pick(record_of(source).get("items"), arguments)

    def load(self, context: Context, arguments: Arguments, selected: Selected) -> Load:
        return Load(None, lambda items: self._pick(items, arguments))

    def _pick(self, items: Any, arguments: Arguments) -> Any:
        barcode = arguments["barcode"]
        records = [item for item in items if hasattr(item, "get")] if isinstance(items, list) else []
        for compared in (str.casefold, cql.fold):  # one with the exact spelling before one without accents
            for item in records:
                if compared(str(item.get("barcode"))) == compared(barcode):
                    return item
        return None

    def plan(self, place: Place) -> str:
        return place.pick("items", "barcode")


def _item_by_barcode(description: str) -> Declared:
    declared = ItemByBarcode(description=description)
    declared.arguments = [argument("barcode", str, "The barcode, such as `2000000001`.")]
    return declared


@strawberry.type(description="A title in a search result, with its holdings and items across the consortium.")
class SearchInstance:
    id: strawberry.ID = field("The id, a UUID.")
    instance: Instance | None = link(
        "The title in inventory. Its id, title, hrid, source and editions cost no upstream call.",
        loader="instance",
        key="id",
        embedded={
            "title!": "title",
            "indexTitle": "indexTitle",
            "hrid!": "hrid",
            "source!": "source",
            "editions": "editions",
        },
    )
    tenant_id: str | None = field("The tenant of the consortium that owns the record.")
    shared: bool | None = field("True if the consortium shares the record. Null outside a consortium.")
    hrid: str | None = field("The human-readable number of the record.")
    source: str | None = field("The source of the record: `FOLIO`, `MARC` or another.")
    statistical_code_ids: list[strawberry.ID | None] | None = field("Ids of FOLIO statistical codes.")
    status_id: strawberry.ID | None = field("The id of the FOLIO instance status.")
    title: str | None = field("The title.")
    index_title: str | None = field("The title used for sorting, without a leading article.")
    series: list[Series | None] | None = field("Series that the title belongs to.")
    alternative_titles: list[AlternativeTitle | None] | None = field("Other titles of the same work.")
    identifiers: list[Identifier | None] | None = field("Identifiers of the title.")
    contributors: list[Contributor | None] | None = field("The contributors of the work.")
    subjects: list[Subject | None] | None = field("Subjects of the work.")
    dates: InstanceDates | None = field("The dates of publication, as in MARC field 008.")
    instance_type_id: strawberry.ID | None = field("The id of the FOLIO instance type.")
    instance_format_ids: list[strawberry.ID | None] | None = field("Ids of FOLIO instance formats.")
    languages: list[str | None] | None = field("Languages, as MARC codes such as `eng`.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    administrative_notes: list[str | None] | None = field("Administrative notes of staff.")
    mode_of_issuance_id: strawberry.ID | None = field("The id of the FOLIO mode of issuance.")
    nature_of_content_term_ids: list[strawberry.ID | None] | None = field(
        "Ids of FOLIO nature of content terms, such as festschrift."
    )
    publication: list[Publication | None] | None = field("Publication statements: publisher, place and date.")
    staff_suppress: bool | None = field("True if only cataloguers may see the record.")
    discovery_suppress: bool | None = field("True if patrons must not see the record.")
    is_bound_with: bool | None = field("True if it is bound with other titles.")
    tags: Tags | None = field("Free-text labels.")
    classifications: list[Classification | None] | None = field("Classifications.")
    electronic_access: list[ElectronicAccess | None] | None = field("Links to online access.")
    notes: list[SearchNote | None] | None = field("Notes on the title.")
    holdings: list[SearchHoldings | None] | None = field("All holdings of the title.")
    physical_descriptions: list[str | None] | None = field(
        "Physical descriptions, such as `120 pages ; 23 cm`."
    )
    item: SearchItem | None = _item_by_barcode(
        "The item with this barcode. Null if the title has none. Costs no upstream call."
    )
    items: list[SearchItem | None] | None = field("All items of the title.")
    editions: list[str | None] | None = field("Editions.")
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


def _of_caller(text: str) -> cql.Cql:
    try:
        return cql.caller_cql(text)
    except cql.CqlError as problem:
        raise errors.BadUserInput(f"`cql` cannot be used: {problem}.") from None


# Each argument becomes a condition on the index of mod-search.
CONDITIONS: Mapping[str, Callable[[str], cql.Cql]] = {
    "id": lambda key: cql.equal("id", arguments.check_uuid(key, "id")),
    "hrid": lambda key: cql.equal("hrid", arguments.check_text(key, "hrid")),
    "barcode": lambda key: cql.equal("items.barcode", arguments.check_text(key, "barcode")),
    "cql": _of_caller,
}


class SearchField(RootField):
    """A root that searches for one title."""

    def start(self, context: Context, query: cql.Cql, selected: Selected, *, is_alone: bool = False) -> Json:
        return context.upstream.circulation_bff.search_instance(query)

    def parse(self, given: Arguments, selected: Selected) -> cql.Cql:
        name, value = arguments.exactly_one(**{name: given.get(name) for name in CONDITIONS})
        return CONDITIONS[name](value)

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        return (("circulation_bff.search_instance",),)


def _search(description: str) -> Declared:
    declared = SearchField(description=description)
    declared.arguments = arguments.key_arguments(
        {
            "id": Key(strawberry.ID, "The id of the title, a UUID."),
            "hrid": Key(str, "The human-readable number of the title, such as `in00000102`."),
            "barcode": Key(str, "The barcode of one of its items, such as `2000000001`."),
            "cql": Key(
                str,
                "A CQL condition on FOLIO's search index, such as `isbn==9780000000001`, without `sortby`; "
                "at most 2000 characters.",
            ),
        }
    )
    return declared


QUERIES = [
    root(
        "search_instance",
        SearchInstance,
        _search(
            "The first title that matches exactly one of the keys, with its holdings and items across "
            "the consortium. Null if there is none. The search index lags behind the records by a few "
            "seconds."
        ),
    ),
]

"""Titles as the circulation BFF finds them, and the query that starts there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway import errors
from gateway.engine.core import StrawberryField
from gateway.fields import arguments
from gateway.fields.link import embedded_link, link
from gateway.fields.page import argument, connection_link
from gateway.fields.record import Path, field, record_of
from gateway.fields.root import root
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

if TYPE_CHECKING:
    from gateway.schema.loan import Loan
    from gateway.schema.request import RequestConnection


@strawberry.type(description="A note as a search finds it.")
class SearchNote:
    note: str | None = field("The text.")
    staff_only: bool | None = field("Whether patrons must not see it.")


@strawberry.type(description="Holdings as a search finds them.")
class SearchHoldings:
    id: strawberry.ID = field("The id, a UUID.")
    holdings: Holdings | None = link(
        "The holdings as inventory keeps them. Id, hrid, call number and copy number cost no upstream call. "
        "Null for those of another library.",
        loader="holdings",
        key="id",
        embedded={
            "hrid": "hrid",
            "callNumber": "callNumber",
            "callNumberPrefix": "callNumberPrefix",
            "callNumberSuffix": "callNumberSuffix",
            "copyNumber": "copyNumber",
        },
    )
    tenant_id: str | None = field("The library of the consortium that they belong to.")
    permanent_location: Location | None = link(
        "Where the items belong.", loader="location", key="permanentLocationId"
    )
    discovery_suppress: bool | None = field("Whether patrons must not find them.")
    hrid: str | None = field("The number of the record that people use.")
    source_id: strawberry.ID | None = field("Where the record comes from: an id of FOLIO's holdings sources.")
    former_ids: list[str | None] | None = field("Ids that the record had before, in other systems too.")
    statistical_code_ids: list[strawberry.ID | None] | None = field(
        "What they are counted as: ids of FOLIO's statistical codes."
    )
    tags: Tags | None = field("Free labels.")
    holdings_type_id: strawberry.ID | None = field("What kind of holdings: an id of FOLIO's holdings types.")
    call_number_prefix: str | None = field("What stands before the call number.")
    call_number: str | None = field("The call number.")
    call_number_suffix: str | None = field("What stands after the call number.")
    copy_number: str | None = field("Which copy it is.")
    electronic_access: list[ElectronicAccess | None] | None = field("Where it can be read online.")
    administrative_notes: list[str | None] | None = field("Notes of the staff about the record.")
    notes: list[SearchNote | None] | None = field("Notes about the holdings.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="An item as a search finds it.")
class SearchItem:
    id: strawberry.ID = field("The id, a UUID.")
    item: Item | None = link(
        "The item as inventory keeps it. Id, title, barcode and status cost no upstream call. "
        "Null for an item of another library.",
        loader="item",
        key="id",
        embedded={
            "title": "title",
            "barcode": "barcode",
            "effectiveCallNumberComponents.callNumber": "callNumberComponents.callNumber",
            "effectiveCallNumberComponents.prefix": "callNumberComponents.prefix",
            "effectiveCallNumberComponents.suffix": "callNumberComponents.suffix",
            "effectiveLocation.name": "effectiveLocation.name",
            "holdingsRecordId": "holdingsRecordId",
            "instanceId": "instanceId",
            "status.name": "status.name",
            "status.date": "status.date",
            "enumeration": "enumeration",
            "chronology": "chronology",
            "volume": "volume",
            "displaySummary": "displaySummary",
            "accessionNumber": "accessionNumber",
            "inTransitDestinationServicePointId": "inTransitDestinationServicePointId",
            "inTransitDestinationServicePoint>name": "inTransitDestinationServicePoint.name",
        },
    )
    tenant_id: str | None = field("The library of the consortium where it is.")
    title: str | None = field("The title.")
    call_number: str | None = field("The call number in force.")
    call_number_components: CallNumberComponents | None = field("The parts of the call number.")
    material_type: Named | None = field("What kind of thing it is.")
    contributors: list[Contributor | None] | None = field("Who made the work. Only the names are there.")
    holdings: Holdings | None = link(
        "The holdings that it belongs to.", loader="holdings", key="holdingsRecordId"
    )
    instance: Instance | None = link(
        "The title that it is a copy of. Id and title cost no upstream call.",
        loader="instance",
        key="instanceId",
        embedded={"title": "title"},
    )
    barcode: str | None = field("The barcode; null for items without.")
    effective_location: ItemLocation | None = field("Where it belongs now. Only the name is there.")
    permanent_loan_type: LoanType | None = embedded_link(
        "How it may be lent. Id and name cost no upstream call.", loader="loan_type"
    )
    temporary_loan_type: LoanType | None = embedded_link(
        "How it may be lent for now; null unless that differs. Id and name cost no upstream call.",
        loader="loan_type",
    )
    status: ItemStatus | None = field("Its state.")
    enumeration: str | None = field("Which part of a series, such as `v.73:no.1-6`.")
    chronology: str | None = field("Which time it covers, such as `1987:Jan.-June`.")
    volume: str | None = field("Which volume it is.")
    display_summary: str | None = field("One line for lists, in place of volume and enumeration.")
    copy_number: str | None = field("Which copy it is: its own number, or that of the holdings.")
    in_transit_destination_service_point: ServicePoint | None = link(
        "Where it travels to. Null unless it is in transit. Id and name cost no upstream call.",
        loader="service_point",
        key="inTransitDestinationServicePointId",
        embedded={"name": "inTransitDestinationServicePoint.name"},
    )
    accession_number: str | None = field("The number it got when it was bought.")
    open_loan: Annotated[Loan, strawberry.lazy("gateway.schema.loan")] | None = link(
        "The loan that it is out on; null when it is not lent.",
        loader="open_loan_of_item",
        key="id",
        identity=None,
    )
    allowed_service_points: AllowedServicePoints | None = allowed_for(
        "Where a new request for it may be picked up, by kind of request. One upstream call each.",
        "itemId",
    )
    open_requests: Annotated[RequestConnection, strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "The requests that wait for this item.",
            loader="requests_of_item",
            within=OPEN_REQUESTS,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=IN_QUEUE_ORDER,
        )
    )


class ItemByBarcode(StrawberryField):
    """One of the items that a search found. Any: Strawberry's own signatures are wide."""

    @property
    def needs(self) -> tuple[Path, ...]:
        return (("items",),)

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        barcode = kwargs["barcode"].casefold()
        items = record_of(source).get("items")
        known = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        return next((item for item in known if str(item.get("barcode")).casefold() == barcode), None)

    @property
    def is_basic_field(self) -> bool:
        return False


def _item_by_barcode(description: str) -> Any:  # Any: the annotation beside the declaration is the type
    made = ItemByBarcode(description=description)
    made.arguments = [argument("barcode", str, "The barcode.")]
    return made


@strawberry.type(
    description="A title as a search finds it, with its holdings and items across a whole consortium."
)
class SearchInstance:
    id: strawberry.ID = field("The id, a UUID.")
    instance: Instance | None = link(
        "The title as inventory keeps it. Id, title, hrid, source and editions cost no upstream call.",
        loader="instance",
        key="id",
        embedded={
            "title": "title",
            "indexTitle": "indexTitle",
            "hrid": "hrid",
            "source": "source",
            "editions": "editions",
        },
    )
    tenant_id: str | None = field("The library of the consortium that the record belongs to.")
    shared: bool | None = field("Whether the whole consortium shares the record. Null outside a consortium.")
    hrid: str | None = field("The number of the record that people use.")
    source: str | None = field("Where the record comes from: `FOLIO`, `MARC` or another.")
    statistical_code_ids: list[strawberry.ID | None] | None = field(
        "What it is counted as: ids of FOLIO's statistical codes."
    )
    status_id: strawberry.ID | None = field("How far it is catalogued: an id of FOLIO's instance statuses.")
    title: str | None = field("The title.")
    index_title: str | None = field("The title as it is sorted, without a leading article.")
    series: list[Series | None] | None = field("Series that it is part of.")
    alternative_titles: list[AlternativeTitle | None] | None = field("Other titles of the same work.")
    identifiers: list[Identifier | None] | None = field("Numbers that it is known by.")
    contributors: list[Contributor | None] | None = field("Who made the work.")
    subjects: list[Subject | None] | None = field("What it is about.")
    dates: InstanceDates | None = field("When it came out, in the form of MARC.")
    instance_type_id: strawberry.ID | None = field(
        "What kind of content it is: an id of FOLIO's instance types."
    )
    instance_format_ids: list[strawberry.ID | None] | None = field(
        "On what it comes: ids of FOLIO's instance formats."
    )
    languages: list[str | None] | None = field("Its languages, as codes of MARC such as `eng`.")
    metadata: Metadata | None = field("Who made the record and when.")
    administrative_notes: list[str | None] | None = field("Notes of the staff about the record.")
    mode_of_issuance_id: strawberry.ID | None = field(
        "Whether it is one piece, several or a serial: an id of FOLIO's modes of issuance."
    )
    nature_of_content_term_ids: list[strawberry.ID | None] | None = field(
        "What it is, such as a festschrift: ids of FOLIO's nature of content terms."
    )
    publication: list[Publication | None] | None = field("Who brought it out, where and when.")
    staff_suppress: bool | None = field("Whether only cataloguers are to see it.")
    discovery_suppress: bool | None = field("Whether patrons must not find it.")
    is_bound_with: bool | None = field("Whether it shares its covers with other titles.")
    tags: Tags | None = field("Free labels.")
    classifications: list[Classification | None] | None = field("Its places in classifications.")
    electronic_access: list[ElectronicAccess | None] | None = field("Where it can be read online.")
    notes: list[SearchNote | None] | None = field("Notes about the title.")
    holdings: list[SearchHoldings | None] | None = field("All its holdings.")
    physical_descriptions: list[str | None] | None = field("What it looks like, such as `120 pages ; 23 cm`.")
    item: SearchItem | None = _item_by_barcode(
        "The item with this barcode; null when the title has none. It costs no upstream call."
    )
    items: list[SearchItem | None] | None = field("All its items.")
    editions: list[str | None] | None = field("Editions.")
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


def _of_caller(text: str) -> cql.Cql:
    try:
        return cql.caller_cql(text)
    except cql.CqlError as problem:
        raise errors.BadUserInput(f"`cql` cannot be used: {problem}.") from None


# Each argument becomes a condition on the index of mod-search.
QUESTIONS: Mapping[str, Callable[[str], cql.Cql]] = {
    "id": lambda key: cql.equal("id", arguments.uuid(key, "id")),
    "hrid": lambda key: cql.equal("hrid", arguments.text(key, "hrid")),
    "barcode": lambda key: cql.equal("items.barcode", arguments.text(key, "barcode")),
    "cql": _of_caller,
}


class SearchField(StrawberryField):
    """A root that searches for one title. Any: Strawberry's own signatures are wide."""

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        name, given = arguments.exactly_one(**{name: kwargs.get(name) for name in QUESTIONS})
        return info.context.upstream.circulation_bff.search_instance(QUESTIONS[name](given))


def _search(description: str) -> Any:  # Any: the annotation beside the declaration is the type
    made = SearchField(description=description)
    made.arguments = [
        argument("id", strawberry.ID | None, "The id of the title, a UUID.", default=None),
        argument(
            "hrid", str | None, "The number of the title that people use, such as `in00000102`.", default=None
        ),
        argument("barcode", str | None, "The barcode of one of its items.", default=None),
        argument(
            "cql",
            str | None,
            "For people who know CQL: a condition on FOLIO's search index, such as `isbn==9780141439518`, "
            "without `sortby`, at most 2000 characters.",
            default=None,
        ),
    ]
    return made


QUERIES = [
    root(
        "search_instance",
        SearchInstance,
        _search(
            "The first title that exactly one of the keys finds, with its holdings and items across a whole "
            "consortium. Null when there is none. Lags behind the records by a few seconds."
        ),
    ),
]

"""Items, and the queries that start at them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.arguments import SortDirection, condition
from gateway.fields.enums import member
from gateway.fields.link import Link, embedded_link, id_in, link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, connection, connection_link, full_list_link
from gateway.fields.record import field, record_of
from gateway.fields.root import query, root
from gateway.fields.scalars import DateTime
from gateway.fields.selection import needs_of
from gateway.loaders.request import IN_QUEUE_ORDER, OPEN_REQUESTS
from gateway.schema.allowed_service_points import AllowedServicePoints, allowed_for
from gateway.schema.enums import CirculationNoteType, ItemStatusName
from gateway.schema.loan_item import Named
from gateway.schema.loan_search import LoanFilter, LoanSort
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.reference import LoanType, MaterialType
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.loan import Loan, LoanConnection
    from gateway.schema.location import Location
    from gateway.schema.request import RequestConnection, RequestQueue
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User

ON_THE_SHELF = (cql.SortKey("effectiveShelvingOrder"), cql.SortKey("barcode"))


class InstanceOfItem(Link):
    """The title of an item. Inventory's items name only their holdings; those inside loans the title too.

    Any: as in `Link`.
    """

    calls = 2  # the holdings first, where the item does not name its title

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        source = record_of(source, self)
        known = {"id": id_in(self, source.get("instanceId")), "title": source.get("title")}
        known = {name: value for name, value in known.items() if value is not None}
        known |= source.get(self.through) or {}
        if known and needs_of(info) <= {(name,) for name in known}:
            return known
        if "id" in known:
            return self.load(known["id"], info)
        holdings = id_in(self, source.get("holdingsRecordId"))
        return None if holdings is None else self._through_holdings(holdings, known, info)

    async def _through_holdings(self, key: str, known: dict[str, Any], info: Info) -> Any:
        holdings = await info.context.loaders.holdings.load(key)
        instance = None if holdings is None else id_in(self, holdings.get("instanceId"))
        if instance is None:
            return None
        if needs_of(info) <= {("id",), *((name,) for name in known)}:
            return {"id": instance, **known}
        return await self.load(instance, info)


def _instance_of_item(description: str) -> Any:  # Any: the annotation beside the declaration is the type
    made = InstanceOfItem(description=description)
    made.loader, made.key, made.embedded = "instance", ("instanceId",), {}
    return made


@strawberry.type(description="Where something can be read online.")
class ElectronicAccess:
    uri: str | None = field("The address.")
    link_text: str | None = field("What to show in place of the address.")
    materials_specification: str | None = field("Which part of the whole it is.")
    public_note: str | None = field("What patrons should know.")
    relationship_id: strawberry.ID | None = field(
        "What it is to the thing described: an id of FOLIO's electronic access relationships. "
        "Null in a search."
    )


@strawberry.type(description="A call number with its parts.")
class CallNumber:
    call_number: str | None = field("The number itself.")
    prefix: str | None = field("What stands before it.")
    suffix: str | None = field("What stands after it.")
    type_id: strawberry.ID | None = field("Which scheme it follows: an id of FOLIO's call number types.")


@strawberry.type(description="The state of an item.")
class ItemStatus:
    name: ItemStatusName | None = field("The state.")
    date: DateTime | None = field("Since when.")


@strawberry.type(description="A location as an item names it.")
class ItemLocation:
    id: strawberry.ID | None = field("The id of the location, a UUID. Null in a search.")
    name: str | None = field("The name.")
    location: Annotated[Location, strawberry.lazy("gateway.schema.location")] | None = link(
        "The location itself. Id and name cost no upstream call. Null in a search.",
        loader="location",
        key="id",
        embedded={"name": "name"},
    )


@strawberry.type(description="A note of an item.")
class ItemNote:
    item_note_type_id: strawberry.ID | None = field("What kind of note: an id of FOLIO's item note types.")
    note: str | None = field("The text.")
    staff_only: bool | None = field("Whether patrons must not see it.")


@strawberry.type(description="A note that the desk is shown when an item is lent or comes back.")
class CirculationNote:
    id: strawberry.ID | None = field("The id of the note, where upstream keeps one.")
    note_type: CirculationNoteType | None = field("When it is shown.")
    note: str | None = field("The text.")
    staff_only: bool | None = field("Whether patrons must not see it.")
    source: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who wrote it. Id, family name and given name cost no upstream call.",
        loader="user",
        key="source.id",
        embedded={
            "personal.lastName": "source.personal.lastName",
            "personal.firstName": "source.personal.firstName",
        },
    )
    date: str | None = field("When it was written, as upstream keeps it.")


@strawberry.type(description="A title that shares its covers with others.")
class BoundWithTitle:
    holdings: Annotated[Holdings, strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the title. Id and hrid cost no upstream call.",
        loader="holdings",
        key="briefHoldingsRecord.id",
        embedded={"hrid": "briefHoldingsRecord.hrid"},
    )
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title. Id, hrid and title cost no upstream call.",
        loader="instance",
        key="briefInstance.id",
        embedded={"hrid": "briefInstance.hrid", "title": "briefInstance.title"},
    )


@strawberry.type(description="When and where an item was checked in last.")
class LastCheckIn:
    date_time: DateTime | None = field("When.")
    service_point: Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None = link(
        "Where.", loader="service_point", key="servicePointId"
    )
    staff_member: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who checked it in.", loader="user", key="staffMemberId"
    )


@strawberry.type(description="One copy: what lies on the shelf and is lent.")
class Item:
    id: strawberry.ID = field("The id, a UUID.")
    version: int | None = field("Counts the changes of the record.", key="_version")
    hrid: str | None = field("The number of the record that people use.")
    holdings: Annotated[Holdings, strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings that it belongs to.", loader="holdings", key="holdingsRecordId"
    )
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = _instance_of_item(
        "The title that it is a copy of. The title's text costs no upstream call."
    )
    former_ids: list[str | None] | None = field("Ids that it had before, in other systems too.")
    discovery_suppress: bool | None = field("Whether patrons must not find it.")
    title: str | None = field("The title.")
    contributor_names: list[Named | None] | None = field("Who made the work.")
    call_number: str | None = field("The call number.")
    barcode: str | None = field("The barcode; null for items without.")
    effective_shelving_order: str | None = field("The place on the shelf, as text that sorts.")
    accession_number: str | None = field("The number it got when it was bought.")
    item_level_call_number: str | None = field(
        "Its own call number; null where that of the holdings is in force."
    )
    item_level_call_number_prefix: str | None = field("What stands before its own call number.")
    item_level_call_number_suffix: str | None = field("What stands after its own call number.")
    item_level_call_number_type_id: strawberry.ID | None = field(
        "Which scheme its own call number follows: an id of FOLIO's call number types."
    )
    effective_call_number_components: CallNumber | None = field(
        "The call number in force, its own or that of the holdings, with its parts."
    )
    additional_call_numbers: list[CallNumber | None] | None = field(
        "Further call numbers; null from older versions of FOLIO."
    )
    display_summary: str | None = field("One line for lists, in place of volume and enumeration.")
    volume: str | None = field("Which volume it is.")
    enumeration: str | None = field("Which part of a series, such as `v.73:no.1-6`.")
    chronology: str | None = field("Which time it covers, such as `1987:Jan.-June`.")
    year_caption: list[str | None] | None = field("Years, as they stand on the piece.")
    item_identifier: str | None = field("A number from elsewhere, such as a union catalogue.")
    copy_number: str | None = field("Which copy it is.")
    number_of_pieces: str | None = field("How many pieces it has, such as 7 discs; text.")
    description_of_pieces: str | None = field("What the pieces are.")
    number_of_missing_pieces: str | None = field("How many pieces are missing; text.")
    missing_pieces: str | None = field("Which pieces are missing.")
    missing_pieces_date: str | None = field("Since when pieces are missing, as upstream keeps it.")
    item_damaged_status_id: strawberry.ID | None = field(
        "Whether it is damaged: an id of FOLIO's item damaged statuses."
    )
    item_damaged_status_date: str | None = field("Since when it is damaged, as upstream keeps it.")
    order: int | None = field("Its place among the items of its holdings; null from older versions of FOLIO.")
    administrative_notes: list[str | None] | None = field("Notes of the staff about the record.")
    notes: list[ItemNote | None] | None = field("Notes about the copy.")
    circulation_notes: list[CirculationNote | None] | None = field("What the desk is to be shown.")
    status: ItemStatus | None = field("Its state.")
    material_type: MaterialType | None = embedded_link(
        "What kind of thing it is. Id and name cost no upstream call.", loader="material_type"
    )
    permanent_loan_type: LoanType | None = embedded_link(
        "How it may be lent. Id and name cost no upstream call.", loader="loan_type"
    )
    temporary_loan_type: LoanType | None = embedded_link(
        "How it may be lent for now; null unless that differs. Id and name cost no upstream call.",
        loader="loan_type",
    )
    permanent_location: ItemLocation | None = field("Where it belongs; null where the holdings say so.")
    temporary_location: ItemLocation | None = field("Where it belongs for now; null unless that differs.")
    effective_location: ItemLocation | None = field(
        "Where it belongs now: the first that is set of the item's temporary and permanent location "
        "and those of its holdings."
    )
    is_bound_with: bool | None = field("Whether several titles share its covers.")
    bound_with_titles: list[BoundWithTitle | None] | None = field(
        "The titles that share its covers, its own among them."
    )
    electronic_access: list[ElectronicAccess | None] | None = field("Where it can be read online.")
    in_transit_destination_service_point: (
        Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "Where it travels to. Null unless it is in transit.",
        loader="service_point",
        key="inTransitDestinationServicePointId",
    )
    statistical_code_ids: list[strawberry.ID | None] | None = field(
        "What it is counted as: ids of FOLIO's statistical codes."
    )
    purchase_order_line_identifier: str | None = field("The order that it was bought with.")
    tags: Tags | None = field("Free labels.")
    last_check_in: LastCheckIn | None = field("When and where it was checked in last.")
    metadata: Metadata | None = field("Who made the record and when.")
    open_loan: Annotated[Loan, strawberry.lazy("gateway.schema.loan")] | None = link(
        "The loan that it is out on; null when it is not lent.",
        loader="open_loan_of_item",
        key="id",
        identity=None,
    )
    loans: Annotated[LoanConnection, strawberry.lazy("gateway.schema.loan")] | None = connection_link(
        "All loans of the item, closed ones too.",
        loader="loans_of_item",
        filter=LoanFilter,
        sort=LoanSort,
        default_sort=[cql.SortKey("loanDate", descending=True)],
    )
    request_queue: Annotated[RequestQueue, strawberry.lazy("gateway.schema.request")] | None = full_list_link(
        "The queue of the item, whole and in order. One upstream call for each item; `openRequests` is one "
        "for fifty.",
        loader="queue_of_item",
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
    requests: Annotated[RequestConnection, strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "All requests for this item, closed ones too.",
            loader="requests_of_item",
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=[cql.SortKey("requestDate", descending=True)],
        )
    )


@strawberry.type(description="A page of items.")
class ItemConnection(Connection[Item]):
    pass


@strawberry.input(
    description="Which items. All conditions must hold; a list matches any of its values. "
    "What is not in its place: `{ status: [MISSING, LONG_MISSING] }`."
)
class ItemFilter:
    id: list[strawberry.ID] | None = condition("Ids of items.", "id", arguments.ids)
    hrid: list[str] | None = condition(
        "Numbers that people use, such as `it00000001`.", "hrid", arguments.exact
    )
    barcode: list[str] | None = condition("Barcodes, such as `2000000001`.", "barcode", arguments.exact)
    accession_number: list[str] | None = condition(
        "Numbers that they got when they were bought.", "accessionNumber", arguments.exact
    )
    holdings_id: list[strawberry.ID] | None = condition("Ids of holdings.", "holdingsRecordId", arguments.ids)
    instance_id: list[strawberry.ID] | None = condition("Ids of titles.", "instance.id", arguments.ids)
    status: list[ItemStatusName] | None = condition(
        "Their state, such as `MISSING`.", "status.name", arguments.members
    )
    material_type_id: list[strawberry.ID] | None = condition(
        "What kind of thing they are: ids of FOLIO's material types.", "materialTypeId", arguments.ids
    )
    permanent_loan_type_id: list[strawberry.ID] | None = condition(
        "How they may be lent: ids of FOLIO's loan types.", "permanentLoanTypeId", arguments.ids
    )
    effective_location_id: list[strawberry.ID] | None = condition(
        "Where they belong now.", "effectiveLocationId", arguments.ids
    )
    discovery_suppress: bool | None = condition(
        "Those that patrons must not find, or the others.", "discoverySuppress", arguments.flag
    )


@strawberry.enum(description="What items can be sorted by.")
class ItemSortField(Enum):
    BARCODE = member("barcode", "The barcode.")
    HRID = member("hrid", "The number that people use.")
    SHELVING_ORDER = member("effectiveShelvingOrder", "The place on the shelf.")
    STATUS = member("status.name", "The state, in the alphabet of FOLIO's words.")


@strawberry.input(
    description="One key to sort items by; of several, the first counts most. "
    "The last first: `{ field: BARCODE, direction: DESCENDING }`."
)
class ItemSort:
    field: ItemSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )


@query(
    "One item of any library of the consortium by its barcode, as the library that owns it "
    "has it. One upstream call each; it cannot be batched. Outside a consortium `item(barcode:)` does."
)
async def consortium_item(
    info: Info,
    barcode: Annotated[str, strawberry.argument(description="The barcode; no blanks and no quotes.")],
) -> Item | None:
    if not arguments.text(barcode, "barcode").isprintable() or any(char in barcode for char in " \t\"'"):
        raise errors.BadUserInput("`barcode` must not hold blanks or quotes here: upstream cuts them off.")
    return await info.context.upstream.circulation_bff.item_by_barcode(  # type: ignore[return-value]  # a record
        barcode
    )


QUERIES = [
    consortium_item,
    root(
        "item",
        Item,
        lookup(
            "One item by exactly one of the keys. Null when there is none. "
            'Try `{ item(barcode: "2000000001") { title status { name } } }`.',
            id=("item", "The id, a UUID."),
            barcode=("item_by_barcode", "The barcode as it is printed, such as `2000000001`."),
        ),
    ),
    root(
        "items",
        ItemConnection,
        connection(
            "Items, a page at a time. Try `{ items(filter: { status: [MISSING] }) { nodes { barcode } } }`.",
            ask=lambda upstream: upstream.inventory.items,
            filter=ItemFilter,
            sort=ItemSort,
            default_sort=[cql.SortKey("barcode")],
        ),
    ),
]

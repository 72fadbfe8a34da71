"""Items and their root fields."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

import strawberry
from graphql import FieldNode, ListValueNode, ObjectValueNode, ValueNode, VariableNode

from gateway import errors
from gateway.context import Context, Info
from gateway.fields import arguments
from gateway.fields.arguments import condition
from gateway.fields.base import (
    Arguments,
    Cost,
    Declared,
    Json,
    Load,
    Path,
    Place,
    Selected,
    Source,
    loader_sources,
)
from gateway.fields.link import Link, embedded_link, id_in, link, load_or_embedded
from gateway.fields.page import (
    ConnectionField,
    ConnectionLink,
    PagedField,
    PageRequest,
    connection,
    connection_link,
    full_list_link,
)
from gateway.fields.record import RecordField, field, is_missing, record_of
from gateway.fields.root import lookup, query, root
from gateway.fields.scalars import DateTime
from gateway.fields.selection import get_selected
from gateway.loaders.bound_with import OfRecords
from gateway.loaders.grouped import MORE_CALLS
from gateway.loaders.instance import HOLDINGS, InstanceOf
from gateway.loaders.loader_set import Calls
from gateway.loaders.pages import Slice
from gateway.loaders.request import IN_QUEUE_ORDER, OPEN_REQUESTS
from gateway.schema import filters
from gateway.schema.allowed_service_points import AllowedServicePoints, allowed_for
from gateway.schema.applied_policies import AppliedPolicies, applied_to
from gateway.schema.circulation_log import CirculationLogConnection, log_of
from gateway.schema.enums import CirculationNoteType, ItemStatusName, member, upstream_text
from gateway.schema.filters import SortDirection
from gateway.schema.loan_item import Named
from gateway.schema.loan_search import LoanFilter, LoanSort
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.page import Connection
from gateway.schema.reference import LoanType, MaterialType
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection
from gateway.upstream.services import ListsFrom

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
    """The title of an item. Items of inventory have the id of their holdings, those in loans its own."""

    key_paths = (("instanceId",), ("holdingsRecordId",), ("title",))
    calls = 2  # the holdings first, unless the item has the id of its title
    embeds = MappingProxyType({("id",): ("instanceId",), ("title",): ("title",)})
    sent_with = embeds

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = record_of(source, self)
        selection = get_selected(info, self)
        key = id_in(self, record.get("instanceId"))
        target, is_complete = self.embed(record, key, selection.needs)
        if is_complete:
            return target
        read = (key, record.get("holdingsRecordId"), record.get("title"))
        return load_or_embedded(self.load(info.context, {}, selection), read, target, selection.needs)

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        def key(read: tuple[str | None, str | None, str | None]) -> InstanceOf | None:
            instance_id, holdings_id, title = read
            if instance_id := id_in(self, instance_id):
                return InstanceOf(instance_id, None)
            holdings_id, title = id_in(self, holdings_id), title if type(title) is str else None
            return None if holdings_id is None else InstanceOf(None, holdings_id, title, summary)

        flat = all(len(path) == 1 for path in selected.needs)
        summary = frozenset(path[0] for path in selected.needs) if flat else None
        loaders = context.loaders.direct if selected.is_direct else context.loaders
        return Load(loaders.instance_of_item, key)

    def sources(self, selected: Selected, is_direct: bool) -> list[Source]:
        return [*super().sources(selected, is_direct), Source(HOLDINGS, is_direct, ("instanceId",))]

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        holdings = HOLDINGS.members(False, lists_from)
        return holdings, *super().upstream_calls(selected, node, lists_from)


def _instance_of_item(description: str) -> Declared:
    field = InstanceOfItem(description=description)
    field.loader, field.key = "instance", ("instanceId",)
    return field


class BoundWithTitles(RecordField):
    """The titles bound in an item, which upstream sends with a single item and not in lists."""

    reads_ids = True
    loads_owner = True
    loader_names = ("item_with_titles",)
    key_paths = (("id",), ("isBoundWith",))
    key_types: ClassVar[Mapping[Path, type]] = MappingProxyType({("isBoundWith",): bool})

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = record_of(source, self)
        if is_missing(record, self.key):
            return None
        if (titles := self.read(record)) is not None:
            return titles
        load = self.load(info.context, {}, Selected())._replace(value=self.read)
        return load.one((record.get("id"), record.get("isBoundWith")))

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        def key(read: tuple[str | None, bool | None]) -> str | None:
            item_id, is_bound_with = read
            return id_in(self, item_id) if is_bound_with is True else None

        return Load(context.loaders.item_with_titles, key)

    def sources(self, selected: Selected, is_direct: bool) -> list[Source]:
        return loader_sources("item", is_direct)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(1, True, rows, more=MORE_CALLS)

    def plan(self, place: Place) -> str:
        return place.load(place.member(self.key), if_null=True)


def _bound_with_titles(description: str) -> Declared:
    return BoundWithTitles(description=description, default=None)


@strawberry.type(description="A link to online access.")
class ElectronicAccess:
    uri: str | None = field("The URL.")
    link_text: str | None = field("The text to show instead of the URL.")
    materials_specification: str | None = field("The part of the work behind the link.")
    public_note: str | None = field("A note for patrons.")
    relationship_id: strawberry.ID | None = field(
        "The id of the FOLIO electronic access relationship. Null in a search."
    )


@strawberry.type(description="A call number with its parts.")
class CallNumber:
    call_number: str | None = field("The call number without prefix and suffix.")
    prefix: str | None = field("The prefix.")
    suffix: str | None = field("The suffix.")
    type_id: strawberry.ID | None = field("The id of the FOLIO call number type.")


@strawberry.type(description="The state of an item.")
class ItemStatus:
    name: ItemStatusName | None = field("The state.")
    name_text: str | None = upstream_text("name")
    date: DateTime | None = field("The date since which it applies.")


@strawberry.type(description="A location as stated in an item.")
class ItemLocation:
    id: strawberry.ID | None = field("The id of the location, a UUID. Null in a search.")
    name: str | None = field("The name.")
    location: Annotated["Location", strawberry.lazy("gateway.schema.location")] | None = link(
        "The full location. Its id and name cost no upstream call. Null in a search.",
        loader="location",
        key="id",
        embedded={"name!": "name"},
    )


@strawberry.type(description="A note on an item.")
class ItemNote:
    item_note_type_id: strawberry.ID | None = field("The id of the FOLIO item note type.")
    note: str | None = field("The text.")
    staff_only: bool | None = field("True if patrons must not see it.")


@strawberry.type(description="A note shown to staff at check-out or check-in of an item.")
class CirculationNote:
    id: strawberry.ID | None = field("The id of the note. Null if upstream does not record it.")
    note_type: CirculationNoteType | None = field("The occasion on which it is shown.")
    note_type_text: str | None = upstream_text("noteType")
    note: str | None = field("The text.")
    staff_only: bool | None = field("True if patrons must not see it.")
    source: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The author of the note. The id, family name and given name cost no upstream call.",
        loader="user",
        key="source.id",
        embedded={
            "personal.lastName": "source.personal.lastName",
            "personal.firstName": "source.personal.firstName",
        },
    )
    date: str | None = field("The date the note was written, in upstream's format.")


@strawberry.type(description="A title bound in the same volume as others.")
class BoundWithTitle:
    holdings: Annotated["Holdings", strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the title. Their id and hrid cost no upstream call.",
        loader="holdings",
        key="briefHoldingsRecord.id",
        embedded={"hrid!": "briefHoldingsRecord.hrid"},
    )
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title. Its id, hrid and title cost no upstream call.",
        loader="instance",
        key="briefInstance.id",
        embedded={"hrid!": "briefInstance.hrid", "title!": "briefInstance.title"},
    )


@strawberry.type(description="The last check-in of an item.")
class LastCheckIn:
    date_time: DateTime | None = field("The date.")
    service_point: Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None = link(
        "The service point.", loader="service_point", key="servicePointId"
    )
    staff_member: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The staff member who checked the item in.", loader="user", key="staffMemberId"
    )


@strawberry.type(description="One copy of a title: the physical item that is lent.")
class Item:
    id: strawberry.ID = field("The id, a UUID.")
    version: int | None = field("The version of the record, increased with every change.", key="_version")
    hrid: str | None = field("The human-readable number of the record.")
    holdings: Annotated["Holdings", strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings that the item belongs to.", loader="holdings", key="holdingsRecordId"
    )
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = _instance_of_item(
        "The title of the copy. Its `title` costs no upstream call."
    )
    former_ids: list[str | None] | None = field("Former ids, including those of other systems.")
    discovery_suppress: bool | None = field("True if patrons must not see the record.")
    title: str | None = field("The title.")
    contributor_names: list[Named | None] | None = field("The contributors of the work.")
    call_number: str | None = field("The call number.")
    barcode: str | None = field("The barcode. Null for items without one.")
    effective_shelving_order: str | None = field("The shelving order, as sortable text.")
    accession_number: str | None = field("The accession number.")
    item_level_call_number: str | None = field(
        "The item's own call number. Null if the holdings' call number applies."
    )
    item_level_call_number_prefix: str | None = field("The prefix of the item's own call number.")
    item_level_call_number_suffix: str | None = field("The suffix of the item's own call number.")
    item_level_call_number_type_id: strawberry.ID | None = field(
        "The id of the FOLIO call number type of the item's own call number."
    )
    effective_call_number_components: CallNumber | None = field(
        "The call number in force, from the item or its holdings, with its parts."
    )
    additional_call_numbers: list[CallNumber | None] | None = field(
        "Additional call numbers. Null in older versions of FOLIO."
    )
    display_summary: str | None = field("A single line for lists, instead of volume and enumeration.")
    volume: str | None = field("The volume.")
    enumeration: str | None = field("The part of a series, such as `v.73:no.1-6`.")
    chronology: str | None = field("The time covered, such as `1987:Jan.-June`.")
    year_caption: list[str | None] | None = field("The years printed on the item.")
    item_identifier: str | None = field("An identifier from another system, such as a union catalogue.")
    copy_number: str | None = field("The copy number.")
    number_of_pieces: str | None = field("The number of pieces, such as 7 discs; text.")
    description_of_pieces: str | None = field("A description of the pieces.")
    number_of_missing_pieces: str | None = field("The number of missing pieces; text.")
    missing_pieces: str | None = field("A description of the missing pieces.")
    missing_pieces_date: str | None = field("The date since which pieces are missing, in upstream's format.")
    item_damaged_status_id: strawberry.ID | None = field("The id of the FOLIO item damaged status.")
    item_damaged_status_date: str | None = field(
        "The date since which the item is damaged, in upstream's format."
    )
    order: int | None = field("The item's position within its holdings. Null in older versions of FOLIO.")
    administrative_notes: list[str | None] | None = field("Administrative notes of staff.")
    notes: list[ItemNote | None] | None = field("Notes on the item.")
    circulation_notes: list[CirculationNote | None] | None = field(
        "Notes shown to staff at check-out or check-in."
    )
    status: ItemStatus | None = field("The state.")
    material_type: MaterialType | None = embedded_link(
        "The material type. Its id and name cost no upstream call.", loader="material_type"
    )
    permanent_loan_type: LoanType | None = embedded_link(
        "The permanent loan type. Its id and name cost no upstream call.", loader="loan_type"
    )
    temporary_loan_type: LoanType | None = embedded_link(
        "The temporary loan type. Null if the permanent one applies. Its id and name cost no upstream call.",
        loader="loan_type",
    )
    permanent_location: ItemLocation | None = field(
        "The permanent location. Null if the holdings' location applies."
    )
    temporary_location: ItemLocation | None = field(
        "The temporary location. Null if the item is at its permanent location."
    )
    effective_location: ItemLocation | None = field(
        "The location in force: the first one set of the item's temporary and permanent location "
        "and those of its holdings."
    )
    is_bound_with: bool | None = field("True if several titles are bound in this item.")
    bound_with_titles: list[BoundWithTitle | None] | None = _bound_with_titles(
        "The titles bound in this item, including its own. Null unless `isBoundWith`. One upstream call for "
        "each such item."
    )
    electronic_access: list[ElectronicAccess | None] | None = field("Links to online access.")
    in_transit_destination_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The service point the item is on its way to. Null unless it is in transit.",
        loader="service_point",
        key="inTransitDestinationServicePointId",
    )
    statistical_code_ids: list[strawberry.ID | None] | None = field("Ids of FOLIO statistical codes.")
    purchase_order_line_identifier: str | None = field("The id of the purchase order line.")
    tags: Tags | None = field("Free-text labels.")
    last_check_in: LastCheckIn | None = field("The date and service point of the last check-in.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    open_loan: Annotated["Loan", strawberry.lazy("gateway.schema.loan")] | None = link(
        "The open loan. Null if the item is not on loan.",
        loader="open_loan_of_item",
        key="id",
        identity=None,
    )
    loans: Annotated["LoanConnection", strawberry.lazy("gateway.schema.loan")] | None = connection_link(
        "All loans of the item, including closed ones.",
        loader="loans_of_item",
        filter=LoanFilter,
        sort=LoanSort,
        default_sort=[cql.SortKey("loanDate", descending=True)],
    )
    circulation_log: CirculationLogConnection | None = log_of(
        "The circulation log of the item, latest first. One upstream call per item.",
        loader="log_of_id",
        key="id",
    )
    request_queue: Annotated["RequestQueue", strawberry.lazy("gateway.schema.request")] | None = (
        full_list_link(
            "The complete request queue of the item, in order. One upstream call per item; "
            "`openRequests` costs one per 75.",
            loader="queue_of_item",
        )
    )
    allowed_service_points: AllowedServicePoints | None = allowed_for(
        "The service points that allow pickup of a new request, by request type. One upstream call each.",
        "itemId",
    )
    applied_policies: AppliedPolicies | None = applied_to(
        "The policies that the circulation rules determine for the item and a patron, and the rules that "
        "match. Null for an unknown patron. One upstream call for the patron, and one for each policy."
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
    requests: Annotated["RequestConnection", strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "All requests for this item, including closed ones.",
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
    description="Conditions on items. All must hold; a list matches any of its values. Missing items: `{ "
    "status: [MISSING, LONG_MISSING] }`."
)
class ItemFilter:
    id: list[strawberry.ID] | None = condition("Ids of items.", "id", filters.ids)
    hrid: list[str] | None = condition("Human-readable numbers, such as `it00000001`.", "hrid", filters.exact)
    barcode: list[str] | None = condition("Barcodes, such as `2000000001`.", "barcode", filters.exact)
    accession_number: list[str] | None = condition("Accession numbers.", "accessionNumber", filters.exact)
    holdings_id: list[strawberry.ID] | None = condition(
        "Ids of holdings. Items in which their titles are bound with others match too.",
        "holdingsRecordId",
        filters.ids,
    )
    instance_id: list[strawberry.ID] | None = condition(
        "Ids of titles. Items in which they are bound with others match too.", "instance.id", filters.ids
    )
    status: list[ItemStatusName] | None = condition(
        "States, such as `MISSING`.", "status.name", filters.members
    )
    material_type_id: list[strawberry.ID] | None = condition(
        "Ids of FOLIO material types.", "materialTypeId", filters.ids
    )
    permanent_loan_type_id: list[strawberry.ID] | None = condition(
        "Ids of FOLIO loan types.", "permanentLoanTypeId", filters.ids
    )
    effective_location_id: list[strawberry.ID] | None = condition(
        "Ids of the locations in force.", "effectiveLocationId", filters.ids
    )
    discovery_suppress: bool | None = condition(
        "True for records hidden from patrons, false for the others.", "discoverySuppress", filters.flag
    )


@strawberry.enum(description="Sort keys for items.")
class ItemSortField(Enum):
    BARCODE = member("barcode", "The barcode.")
    HRID = member("hrid", "The human-readable number.")
    SHELVING_ORDER = member("effectiveShelvingOrder", "The shelving order.")
    STATUS = member("status.name", "The state, in alphabetical order of FOLIO's text.")


@strawberry.input(
    description="One sort key for items; of several, the first takes precedence. Reverse order: `{ field: "
    "BARCODE, direction: DESCENDING }`."
)
class ItemSort:
    field: ItemSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )


class ItemConditions(PagedField):
    """A part of lists of items: conditions by holdings and titles include items bound with others."""

    def parse(self, arguments: Arguments, selected: Selected) -> Any:
        parse = super().parse
        request, filter = parse(arguments, selected), arguments.get("filter")
        if filter is None or (filter.holdings_id is None and filter.instance_id is None):
            return request
        others = replace(filter, holdings_id=None, instance_id=None)
        within = parse({**arguments, "filter": others}, selected).clause
        holdings, titles = filter.holdings_id, filter.instance_id
        clause = OfRecords(
            None if holdings is None else [*map(str.lower, holdings)],
            None if titles is None else [*map(str.lower, titles)],
            within,
        )
        return request._replace(clause=clause)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        cost, calls = super().cost(selected, rows, node), 0
        for name, value in self._conditions(node):
            is_single = value is not None and (
                not isinstance(value, VariableNode | ListValueNode)
                or (isinstance(value, ListValueNode) and len(value.values) == 1)
            )
            calls += len(_CALLS_FOR_BOUND[name]) + (0 if is_single else MORE_CALLS)
        return cost._replace(calls=cost.calls + calls)

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        before = [call for name, _ in self._conditions(node) for call in _CALLS_FOR_BOUND[name]]
        return (*before, *super().upstream_calls(selected, node, lists_from))

    def _conditions(self, node: FieldNode) -> list[tuple[str, ValueNode | None]]:
        """Return the conditions for which other records are read first; None is a value that may be any."""
        filter = next((each.value for each in node.arguments or () if each.name.value == "filter"), None)
        if isinstance(filter, VariableNode):
            return [(name, None) for name in _CALLS_FOR_BOUND]
        fields = filter.fields if isinstance(filter, ObjectValueNode) else ()
        return [(each.name.value, each.value) for each in fields if each.name.value in _CALLS_FOR_BOUND]


_PARTS = ("inventory.bound_with_parts",)
_CALLS_FOR_BOUND: Mapping[str, Calls] = {
    "holdingsId": (_PARTS,),
    "instanceId": (("inventory.holdings",), _PARTS),
}


class Items(ItemConditions, ConnectionField):
    """The items of the library."""

    async def read(
        self, context: Context, collection: BoundCollection, request: PageRequest, selected: Selected
    ) -> Slice:
        window, condition, sort = request
        if not isinstance(condition, OfRecords):
            return await super().read(context, collection, request, selected)
        return await context.loaders.items_of(condition, sort, window, selected.decoder)


class ItemsOfRecord(ItemConditions, ConnectionLink):
    """The items of a record."""


@query(
    "One item of any library of the consortium by barcode, as recorded in the library that "
    "owns it. One upstream call each; not batched. Outside a consortium use `item(barcode:)`.",
    calls=["circulation_bff.item_by_barcode"],
)
async def consortium_item(
    info: Info,
    barcode: Annotated[
        str, strawberry.argument(description="The barcode, such as `2000000001`, without spaces or quotes.")
    ],
) -> Item | None:
    if not arguments.check_text(barcode, "barcode").isprintable() or any(
        char in barcode for char in " \t\"'"
    ):
        raise errors.BadUserInput("`barcode` must not contain spaces or quotes: upstream removes them.")
    return cast(Item | None, await info.context.upstream.circulation_bff.item_by_barcode(barcode))


QUERIES = [
    consortium_item,
    root(
        "item",
        Item,
        lookup(
            "One item by exactly one of the keys. Null if it does not exist. Try `{ item(barcode: "
            '"2000000001") { title status { name } } }`.',
            id=("item", strawberry.ID, "The id, a UUID."),
            barcode=("item_by_barcode", str, "The printed barcode, such as `2000000001`."),
        ),
    ),
    root(
        "items",
        ItemConnection,
        connection(
            "A page of items. Try `{ items(filter: { status: [MISSING] }) { nodes { barcode } } }`.",
            collection="inventory.items",
            filter=ItemFilter,
            sort=ItemSort,
            default_sort=[cql.SortKey("barcode")],
            kind=Items,
        ),
    ),
]

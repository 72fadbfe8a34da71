"""Items: as stored and as mod-inventory shows them."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.item_context import ItemContext, effective_location_id, get_item_context
from gateway.sandbox.http.errors import InvalidRequest
from gateway.sandbox.http.request import HttpRequest, json_response, omit_nulls
from gateway.sandbox.library import Library, Record, split_names

INVENTORY_COPIED = split_names(
    "id _version hrid holdingsRecordId formerIds discoverySuppress displaySummary barcode "
    "effectiveShelvingOrder accessionNumber itemLevelCallNumber itemLevelCallNumberPrefix "
    "itemLevelCallNumberSuffix itemLevelCallNumberTypeId volume enumeration chronology yearCaption "
    "itemIdentifier copyNumber numberOfPieces descriptionOfPieces numberOfMissingPieces missingPieces "
    "missingPiecesDate itemDamagedStatusId itemDamagedStatusDate administrativeNotes notes circulationNotes "
    "status electronicAccess inTransitDestinationServicePointId statisticalCodeIds "
    "purchaseOrderLineIdentifier metadata tags lastCheckIn"
)


def id_and_name(records: dict[str, Record], key: str | None) -> Record | None:
    """Build a reference {id, name}; the id stays if the record is missing."""
    if key is None:
        return None
    return omit_nulls({"id": key, "name": records.get(key, {}).get("name")})


def storage_items(library: Library, items: Sequence[Record]) -> list[Record]:
    return [storage_item(library, item) for item in items]


def storage_item(library: Library, item: Record) -> Record:
    return {
        **item,
        "effectiveLocationId": effective_location_id(library, item),
        "effectiveCallNumberComponents": get_item_context(library, item).call_number,
    }


def inventory_items(library: Library, items: Sequence[Record]) -> list[Record]:
    return [inventory_item(library, item) for item in items]


def inventory_item(library: Library, item: Record) -> Record:
    context = get_item_context(library, item)
    view = {name: item.get(name) for name in INVENTORY_COPIED}
    view |= {
        "title": context.title,
        "contributorNames": context.contributors,
        "callNumber": context.call_number.get("callNumber"),
        "effectiveCallNumberComponents": context.call_number or None,
        "materialType": id_and_name(library.material_types, item.get("materialTypeId")),
        "permanentLoanType": id_and_name(library.loan_types, item.get("permanentLoanTypeId")),
        "temporaryLoanType": id_and_name(library.loan_types, item.get("temporaryLoanTypeId")),
        "permanentLocation": id_and_name(library.locations, item.get("permanentLocationId")),
        "temporaryLocation": id_and_name(library.locations, item.get("temporaryLocationId")),
        "effectiveLocation": id_and_name(library.locations, effective_location_id(library, item)),
        "isBoundWith": item.get("isBoundWith", False),
    }
    return omit_nulls(view)


def single_inventory_item(library: Library, item: Record) -> Record:
    """Show an item with the titles bound in it, which lists leave out."""
    view = inventory_item(library, item)
    if item.get("isBoundWith"):
        view["boundWithTitles"] = bound_with_titles(library, get_item_context(library, item))
    return view


def bound_with_titles(library: Library, context: ItemContext) -> list[Record]:
    """List the titles bound together: the item's own and those of its further holdings."""
    ids = [context.holding.get("id", ""), *context.item.get("boundWithHoldingsIds", [])]
    holdings = [library.holdings[key] for key in ids if key in library.holdings]
    return [
        {
            "briefHoldingsRecord": {"id": holding["id"], "hrid": holding["hrid"]},
            "briefInstance": {
                name: library.instances[holding["instanceId"]][name] for name in ("id", "hrid", "title")
            },
        }
        for holding in holdings
    ]


def read_items_by_barcode(http_request: HttpRequest) -> Response:
    """GET an item by barcode at the BFF, which extracts the barcode from the query without parsing CQL."""
    if "query" not in http_request.query:
        raise InvalidRequest()
    text = http_request.query["query"].replace("barcode==", "")
    barcode = text.translate(str.maketrans("", "", "\"' "))
    item = http_request.library.item_by_barcode(barcode)
    items = [] if item is None else [inventory_item(http_request.library, item)]
    return json_response({"items": items, "totalRecords": len(items)})


STORED_INDEXES = (
    "id hrid barcode holdingsRecordId status.name status.date materialTypeId permanentLoanTypeId "
    "temporaryLoanTypeId permanentLocationId temporaryLocationId effectiveLocationId accessionNumber "
    "formerIds discoverySuppress itemLevelCallNumber effectiveShelvingOrder volume enumeration chronology "
    "yearCaption itemIdentifier copyNumber numberOfPieces itemDamagedStatusId administrativeNotes "
    "notes.note circulationNotes.note displaySummary inTransitDestinationServicePointId statisticalCodeIds "
    "purchaseOrderLineIdentifier lastCheckIn.* tags tags.tagList effectiveCallNumberComponents.callNumber "
    "effectiveCallNumberComponents.prefix effectiveCallNumberComponents.suffix instance.* holdingsRecords.* "
    f"materialType.* {METADATA}"
)
COMPUTED_INDEXES = {
    "effectiveLocationId": effective_location_id,
    "effectiveCallNumberComponents": lambda library, item: get_item_context(library, item).call_number,
    "instance": lambda library, item: get_item_context(library, item).instance,
    "holdingsRecords": lambda library, item: get_item_context(library, item).holding,
    "materialType": lambda library, item: library.material_types.get(item.get("materialTypeId", "")),
}
STORED_ITEMS = Collection(
    key="items",
    records=lambda library: library.items,
    indexes=index_names(STORED_INDEXES),
    computed=COMPUTED_INDEXES,
    view=storage_items,
)
ITEMS = Collection(
    key="items",
    records=lambda library: library.items,
    indexes=index_names(STORED_INDEXES),
    computed=COMPUTED_INDEXES,
    view=inventory_items,
    record_view=single_inventory_item,
)


def set_item_status(library: Library, item: Record, status: str, destination: str | None = None) -> None:
    item["status"] = {"name": status, "date": library.now()}
    item.pop("inTransitDestinationServicePointId", None)
    if destination is not None:
        item["inTransitDestinationServicePointId"] = destination


def describe_item_status(library: Library, item: Record) -> str:
    """Describe an item for an error message about its status."""
    title = get_item_context(library, item).title
    kind = library.material_types.get(item.get("materialTypeId", ""), {}).get("name")
    return f"{title} ({kind}) (Barcode: {item['barcode']}) has the item status {item['status']['name']}"

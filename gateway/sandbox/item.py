"""Items: as stored and as mod-inventory shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.refusals import Malformed
from gateway.sandbox.shelf import METADATA, Shelf, indexes

CALL_NUMBER_PARTS = {
    "callNumber": ("itemLevelCallNumber", "callNumber"),
    "prefix": ("itemLevelCallNumberPrefix", "callNumberPrefix"),
    "suffix": ("itemLevelCallNumberSuffix", "callNumberSuffix"),
    "typeId": ("itemLevelCallNumberTypeId", "callNumberTypeId"),
}
INVENTORY_COPIED = fields(
    "id _version hrid holdingsRecordId formerIds discoverySuppress displaySummary barcode "
    "effectiveShelvingOrder accessionNumber itemLevelCallNumber itemLevelCallNumberPrefix "
    "itemLevelCallNumberSuffix itemLevelCallNumberTypeId volume enumeration chronology yearCaption "
    "itemIdentifier copyNumber numberOfPieces descriptionOfPieces numberOfMissingPieces missingPieces "
    "missingPiecesDate itemDamagedStatusId itemDamagedStatusDate administrativeNotes notes circulationNotes "
    "status electronicAccess inTransitDestinationServicePointId statisticalCodeIds "
    "purchaseOrderLineIdentifier metadata tags lastCheckIn"
)


@dataclass(frozen=True, slots=True)
class Copy:
    """An item with the records around it; what is missing is an empty record."""

    item: Record
    holding: Record
    instance: Record
    location: Record

    @property
    def title(self) -> str | None:
        return self.instance.get("title")

    @property
    def contributors(self) -> list[Record]:
        return [
            {"name": person["name"]} for person in self.instance.get("contributors", []) if person.get("name")
        ]

    @property
    def primary_contributor(self) -> str | None:
        people = self.instance.get("contributors", [])
        return next((person.get("name") for person in people if person.get("primary")), None)

    @property
    def call_number(self) -> Record:
        """Effective components: the item's own call number wins over the one of the holdings."""
        own = 0 if self.item.get("itemLevelCallNumber") else 1
        records = (self.item, self.holding)
        return without_nulls(
            {part: records[own].get(names[own]) for part, names in CALL_NUMBER_PARTS.items()}
        )

    @property
    def call_number_without_type(self) -> Record | None:
        return {part: text for part, text in self.call_number.items() if part != "typeId"} or None

    @property
    def copy_number(self) -> str | None:
        return self.item.get("copyNumber") or self.holding.get("copyNumber")


def location_id_of(library: Library, item: Record) -> str | None:
    holding = library.holdings.get(item.get("holdingsRecordId", ""), {})
    return (
        item.get("temporaryLocationId")
        or item.get("permanentLocationId")
        or holding.get("temporaryLocationId")
        or holding.get("permanentLocationId")
    )


def copy_of(library: Library, item: Record) -> Copy:
    holding = library.holdings.get(item.get("holdingsRecordId", ""), {})
    instance = library.instances.get(holding.get("instanceId", ""), {})
    location = library.locations.get(location_id_of(library, item) or "", {})
    return Copy(item, holding, instance, location)


def loan_type_id_of(item: Record) -> str | None:
    return item.get("temporaryLoanTypeId") or item.get("permanentLoanTypeId")


def named(shelved: dict[str, Record], key: str | None) -> Record | None:
    """A reference as {id, name}; the id stays when the record is gone."""
    if key is None:
        return None
    return without_nulls({"id": key, "name": shelved.get(key, {}).get("name")})


def stored(library: Library, items: Sequence[Record]) -> list[Record]:
    return [storage_view(library, item) for item in items]


def storage_view(library: Library, item: Record) -> Record:
    return {
        **item,
        "effectiveLocationId": location_id_of(library, item),
        "effectiveCallNumberComponents": copy_of(library, item).call_number,
    }


def inventory_items(library: Library, items: Sequence[Record]) -> list[Record]:
    return [inventory_item(library, item) for item in items]


def inventory_item(library: Library, item: Record) -> Record:
    copy = copy_of(library, item)
    view = {name: item.get(name) for name in INVENTORY_COPIED}
    view |= {
        "title": copy.title,
        "contributorNames": copy.contributors,
        "callNumber": copy.call_number.get("callNumber"),
        "effectiveCallNumberComponents": copy.call_number or None,
        "materialType": named(library.material_types, item.get("materialTypeId")),
        "permanentLoanType": named(library.loan_types, item.get("permanentLoanTypeId")),
        "temporaryLoanType": named(library.loan_types, item.get("temporaryLoanTypeId")),
        "permanentLocation": named(library.locations, item.get("permanentLocationId")),
        "temporaryLocation": named(library.locations, item.get("temporaryLocationId")),
        "effectiveLocation": named(library.locations, location_id_of(library, item)),
        "isBoundWith": item.get("isBoundWith", False),
        "boundWithTitles": bound_with(library, copy) if item.get("isBoundWith") else None,
    }
    return without_nulls(view)


def bound_with(library: Library, copy: Copy) -> list[Record]:
    """The titles between the same covers: the item's own and those of the further holdings it names."""
    ids = [copy.holding.get("id", ""), *copy.item.get("boundWithHoldingsIds", [])]
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


def item_by_barcode_text(exchange: Exchange) -> Response:
    """The BFF's item look-up: not CQL, but a text from which the barcode is cut out."""
    if "query" not in exchange.query:
        raise Malformed()
    text = exchange.query["query"].replace("barcode==", "")
    barcode = text.translate(str.maketrans("", "", "\"' "))
    item = exchange.library.item_by_barcode(barcode)
    items = [] if item is None else [inventory_item(exchange.library, item)]
    return answer({"items": items, "totalRecords": len(items)})


STORED = (
    "id hrid barcode holdingsRecordId status.name status.date materialTypeId permanentLoanTypeId "
    "temporaryLoanTypeId permanentLocationId temporaryLocationId effectiveLocationId accessionNumber "
    "formerIds discoverySuppress itemLevelCallNumber effectiveShelvingOrder volume enumeration chronology "
    "yearCaption itemIdentifier copyNumber numberOfPieces itemDamagedStatusId administrativeNotes "
    "notes.note circulationNotes.note displaySummary inTransitDestinationServicePointId statisticalCodeIds "
    "purchaseOrderLineIdentifier lastCheckIn.* tags tags.tagList effectiveCallNumberComponents.callNumber "
    "effectiveCallNumberComponents.prefix effectiveCallNumberComponents.suffix instance.* holdingsRecords.* "
    f"materialType.* {METADATA}"
)
JOINED = {
    "effectiveLocationId": location_id_of,
    "effectiveCallNumberComponents": lambda library, item: copy_of(library, item).call_number,
    "instance": lambda library, item: copy_of(library, item).instance,
    "holdingsRecords": lambda library, item: copy_of(library, item).holding,
    "materialType": lambda library, item: library.material_types.get(item.get("materialTypeId", "")),
}
STORED_ITEMS = Shelf(
    key="items",
    records=lambda library: library.items,
    indexes=indexes(STORED),
    joined=JOINED,
    view=stored,
)
ITEMS = Shelf(
    key="items",
    records=lambda library: library.items,
    indexes=indexes(STORED),
    joined=JOINED,
    view=inventory_items,
)

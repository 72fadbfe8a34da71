"""An item together with its holdings, instance and location."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record

CALL_NUMBER_PARTS = {
    "callNumber": ("itemLevelCallNumber", "callNumber"),
    "prefix": ("itemLevelCallNumberPrefix", "callNumberPrefix"),
    "suffix": ("itemLevelCallNumberSuffix", "callNumberSuffix"),
    "typeId": ("itemLevelCallNumberTypeId", "callNumberTypeId"),
}


@dataclass(frozen=True, slots=True)
class ItemContext:
    """An item with its related records; a missing one is an empty record."""

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
        """The effective components: the item's call number takes precedence over that of the holdings."""
        own = 0 if self.item.get("itemLevelCallNumber") else 1
        records = (self.item, self.holding)
        return omit_nulls({part: records[own].get(names[own]) for part, names in CALL_NUMBER_PARTS.items()})

    @property
    def call_number_without_type(self) -> Record | None:
        return {part: text for part, text in self.call_number.items() if part != "typeId"} or None

    @property
    def copy_number(self) -> str | None:
        return self.item.get("copyNumber") or self.holding.get("copyNumber")


def effective_location_id(library: Library, item: Record) -> str | None:
    holding = library.holdings.get(item.get("holdingsRecordId", ""), {})
    return (
        item.get("temporaryLocationId")
        or item.get("permanentLocationId")
        or holding.get("temporaryLocationId")
        or holding.get("permanentLocationId")
    )


def get_item_context(library: Library, item: Record) -> ItemContext:
    holding = library.holdings.get(item.get("holdingsRecordId", ""), {})
    instance = library.instances.get(holding.get("instanceId", ""), {})
    location = library.locations.get(effective_location_id(library, item) or "", {})
    return ItemContext(item, holding, instance, location)


def effective_loan_type_id(item: Record) -> str | None:
    return item.get("temporaryLoanTypeId") or item.get("permanentLoanTypeId")

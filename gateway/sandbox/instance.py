"""Instances: as stored, as mod-inventory shows them, and as the circulation BFF finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from gateway.sandbox.embedded_item import search_item
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.refusals import BadRequest, BadSearch, Malformed
from gateway.sandbox.shelf import METADATA, Shelf, indexes

ISBN = "8261054f-be78-422d-bd51-4ed9f33c3422"  # FOLIO's own identifier type, the same in every tenant
STORED = (
    "id hrid source title indexTitle alternativeTitles alternativeTitles.alternativeTitle editions series "
    "series.value identifiers identifiers.value identifiers.identifierTypeId contributors contributors.name "
    "contributorNames subjects subjects.value classifications classifications.classificationNumber "
    "publication publication.publisher publication.dateOfPublication electronicAccess dates.date1 "
    "dates.date2 instanceTypeId instanceFormatIds physicalDescriptions languages notes.note "
    "modeOfIssuanceId catalogedDate previouslyHeld staffSuppress discoverySuppress statisticalCodeIds "
    "statusId statusUpdatedDate natureOfContentTermIds administrativeNotes tags tags.tagList keyword isbn "
    f"{METADATA}"
)
SEARCHED = "items.* item.* holdings.*"
SEARCH_COPIED = fields(
    "id hrid source statisticalCodeIds statusId title indexTitle series alternativeTitles identifiers "
    "contributors subjects dates instanceTypeId instanceFormatIds languages metadata administrativeNotes "
    "modeOfIssuanceId natureOfContentTermIds staffSuppress discoverySuppress tags classifications "
    "physicalDescriptions editions"
)
HOLDING_COPIED = fields(
    "id permanentLocationId discoverySuppress hrid sourceId formerIds statisticalCodeIds tags holdingsTypeId "
    "callNumberPrefix callNumber callNumberSuffix copyNumber administrativeNotes metadata"
)
PUBLICATION = ("publisher", "place", "dateOfPublication")
ACCESS = ("uri", "linkText", "materialsSpecification", "publicNote")
# Fields that are part of the record in storage but not of what mod-inventory or mod-search show.
HIDDEN = {"shared", "tenantId"}


def keyword(instance: Record) -> str:
    """Title, names and identifiers as one text, so that words may come from different fields."""
    names = (person.get("name", "") for person in instance.get("contributors", []))
    numbers = (identifier.get("value", "") for identifier in instance.get("identifiers", []))
    return " ".join([instance.get("title", ""), *names, *numbers])


def isbns(instance: Record) -> list[str]:
    return [each["value"] for each in instance.get("identifiers", []) if each.get("identifierTypeId") == ISBN]


def instance_view(library: Library, instances: Sequence[Record]) -> list[Record]:
    return [full_instance(instance) for instance in instances]


def full_instance(instance: Record) -> Record:
    view = {key: value for key, value in instance.items() if key not in HIDDEN}
    view.setdefault("isBoundWith", False)
    return view


JOINED = {
    "keyword": lambda library, instance: keyword(instance),
    "isbn": lambda library, instance: isbns(instance),
}
STORED_INSTANCES = Shelf(
    key="instances",
    records=lambda library: library.instances,
    indexes=indexes(STORED),
    joined=JOINED,
    view=lambda library, records: [{k: v for k, v in each.items() if k not in HIDDEN} for each in records],
)
INSTANCES = Shelf(
    key="instances",
    records=lambda library: library.instances,
    indexes=indexes(STORED),
    joined=JOINED,
    view=instance_view,
)


def search_instances(exchange: Exchange) -> Response:
    """GET of the first instance a search finds, with its holdings and items, or `{}`."""
    if "query" not in exchange.query:
        raise Malformed()
    library = exchange.library
    try:
        found = search_shelf(library).find(library, exchange.query["query"])
    except BadRequest as error:
        raise BadSearch(error.text) from error
    return answer(search_view(library, found[0]) if found else {})


def search_shelf(library: Library) -> Shelf:
    """The index of mod-search at this moment: items and holdings hang under their instance."""
    holdings: dict[str, list[Record]] = {}
    items: dict[str, list[Record]] = {}
    owner: dict[str, str] = {}
    for holding in library.holdings.values():
        owner[holding["id"]] = holding["instanceId"]
        holdings.setdefault(holding["instanceId"], []).append(holding)
    for item in library.items.values():
        items.setdefault(owner.get(item["holdingsRecordId"], ""), []).append(item)

    def items_of(_: Library, instance: Record) -> Any:
        return items.get(instance["id"])

    def holdings_of(_: Library, instance: Record) -> Any:
        return holdings.get(instance["id"])

    return Shelf(
        key="instances",
        records=lambda library: library.instances,
        indexes=indexes(f"{STORED} {SEARCHED}"),
        joined={**JOINED, "items": items_of, "item": items_of, "holdings": holdings_of},
    )


def search_view(library: Library, instance: Record) -> Record:
    holdings = [each for each in library.holdings.values() if each["instanceId"] == instance["id"]]
    ids = {each["id"] for each in holdings}
    items = [item for item in library.items.values() if item["holdingsRecordId"] in ids]
    view = {name: instance.get(name) for name in SEARCH_COPIED}
    view |= {
        "tenantId": instance.get("tenantId", library.tenant),
        "shared": instance.get("shared", False),
        "isBoundWith": instance.get("isBoundWith", False),
        "publication": chosen(instance.get("publication"), PUBLICATION),
        "electronicAccess": chosen(instance.get("electronicAccess", []), ACCESS),
        "notes": chosen(instance.get("notes", []), ("note", "staffOnly")),
        "holdings": [search_holding(library, each) for each in holdings],
        "items": [search_item(library, item) for item in items],
    }
    return without_nulls(view)


def search_holding(library: Library, holding: Record) -> Record:
    view = {name: holding.get(name) for name in HOLDING_COPIED}
    view |= {
        "tenantId": library.tenant,
        "electronicAccess": chosen(holding.get("electronicAccess", []), ACCESS),
        "notes": chosen(holding.get("notes", []), ("note", "staffOnly")),
    }
    return without_nulls(view)


def chosen(rows: list[Record] | None, names: Sequence[str]) -> list[Record] | None:
    if rows is None:
        return None
    return [without_nulls({name: row.get(name) for name in names}) for row in rows]

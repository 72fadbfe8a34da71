"""The circulation BFF's search: the first matching instance with its holdings and items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from gateway.sandbox.collections.collection import Collection, index_names
from gateway.sandbox.collections.embedded_items import search_item
from gateway.sandbox.collections.instances import COMPUTED_INDEXES, STORED_INDEXES
from gateway.sandbox.http.errors import BadRequest, InvalidRequest, InvalidSearch
from gateway.sandbox.http.request import HttpRequest, json_response, omit_nulls
from gateway.sandbox.library import Library, Record, split_names

SEARCH_INDEXES = "items.* item.* holdings.*"


SEARCH_FIELDS = split_names(
    "id hrid source statisticalCodeIds statusId title indexTitle series alternativeTitles identifiers "
    "contributors subjects dates instanceTypeId instanceFormatIds languages metadata administrativeNotes "
    "modeOfIssuanceId natureOfContentTermIds staffSuppress discoverySuppress tags classifications "
    "physicalDescriptions editions"
)


SEARCH_HOLDINGS_FIELDS = split_names(
    "id permanentLocationId discoverySuppress hrid sourceId formerIds statisticalCodeIds tags holdingsTypeId "
    "callNumberPrefix callNumber callNumberSuffix copyNumber administrativeNotes metadata"
)


PUBLICATION_FIELDS = ("publisher", "place", "dateOfPublication")


ELECTRONIC_ACCESS_FIELDS = ("uri", "linkText", "materialsSpecification", "publicNote")


def read_search_instances(http_request: HttpRequest) -> Response:
    """GET the first instance that a search matches, with its holdings and items, or `{}`."""
    if "query" not in http_request.query:
        raise InvalidRequest()
    library = http_request.library
    try:
        instances = search_collection(library).find(library, http_request.query["query"])
    except BadRequest as error:
        raise InvalidSearch(error.text) from error
    return json_response(search_instance(library, instances[0]) if instances else {})


def search_collection(library: Library) -> Collection:
    """Build the current index of mod-search, in which items and holdings belong to their instance."""
    holdings: dict[str, list[Record]] = {}
    items: dict[str, list[Record]] = {}
    owner: dict[str, str] = {}
    for holding in library.holdings.values():
        owner[holding["id"]] = holding["instanceId"]
        holdings.setdefault(holding["instanceId"], []).append(holding)
    for item in library.items.values():
        items.setdefault(owner.get(item["holdingsRecordId"], ""), []).append(item)

    def get_items(_: Library, instance: Record) -> Any:
        return items.get(instance["id"])

    def get_holdings(_: Library, instance: Record) -> Any:
        return holdings.get(instance["id"])

    return Collection(
        key="instances",
        records=lambda library: library.instances,
        indexes=index_names(f"{STORED_INDEXES} {SEARCH_INDEXES}"),
        computed={**COMPUTED_INDEXES, "items": get_items, "item": get_items, "holdings": get_holdings},
        has_gone=True,
    )


def search_instance(library: Library, instance: Record) -> Record:
    holdings = [holding for holding in library.holdings.values() if holding["instanceId"] == instance["id"]]
    ids = {holding["id"] for holding in holdings}
    items = [item for item in library.items.values() if item["holdingsRecordId"] in ids]
    view = {name: instance.get(name) for name in SEARCH_FIELDS}
    view |= {
        "tenantId": instance.get("tenantId", library.tenant),
        "shared": instance.get("shared", False),
        "isBoundWith": instance.get("isBoundWith", False),
        "publication": select_fields(instance.get("publication"), PUBLICATION_FIELDS),
        "electronicAccess": select_fields(instance.get("electronicAccess", []), ELECTRONIC_ACCESS_FIELDS),
        "notes": select_fields(instance.get("notes", []), ("note", "staffOnly")),
        "holdings": [search_holding(library, holding) for holding in holdings],
        "items": [search_item(library, item) for item in items],
    }
    return omit_nulls(view)


def search_holding(library: Library, holding: Record) -> Record:
    view = {name: holding.get(name) for name in SEARCH_HOLDINGS_FIELDS}
    view |= {
        "tenantId": library.tenant,
        "electronicAccess": select_fields(holding.get("electronicAccess", []), ELECTRONIC_ACCESS_FIELDS),
        "notes": select_fields(holding.get("notes", []), ("note", "staffOnly")),
    }
    return omit_nulls(view)


def select_fields(rows: list[Record] | None, names: Sequence[str]) -> list[Record] | None:
    if rows is None:
        return None
    return [omit_nulls({name: row.get(name) for name in names}) for row in rows]

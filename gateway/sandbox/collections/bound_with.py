"""Items in which several titles are bound: the parts, and the items of holdings including these."""

from __future__ import annotations

import re
import uuid

from starlette.responses import Response

from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.endpoints import build_page
from gateway.sandbox.collections.items import inventory_items
from gateway.sandbox.http.errors import BadRequest
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Library, Record, RecordsById

ONLY_BOUND_WITHS, WITHOUT_DIRECT_ITEMS = "onlyBoundWiths", "onlyBoundWithsSkipDirectlyLinkedItem"


def bound_with_parts(library: Library) -> RecordsById:
    """Return a part for each item and each of its holdings, by id; other items have none."""
    parts: RecordsById = {}
    for item in library.items.values():
        further = item.get("boundWithHoldingsIds", [])
        for holdings_id in [item["holdingsRecordId"], *further] if further else []:
            key = str(uuid.uuid5(uuid.UUID(item["id"]), holdings_id))
            parts[key] = {"id": key, "itemId": item["id"], "holdingsRecordId": holdings_id}
    return parts


BOUND_WITH_PARTS = Collection(
    key="boundWithParts",
    records=bound_with_parts,
    indexes=index_names(f"id itemId holdingsRecordId {METADATA}"),
)


def read_items_by_holdings_id(http_request: HttpRequest) -> Response:
    """GET the items of one holdings record; the query is an id, no CQL."""
    library = http_request.library
    query = http_request.query.get("query", "")
    parts = re.split("={1,2}", re.sub("[()]", "", query))
    if len(parts) != 2 or "holdingsRecordId" not in query:
        raise BadRequest(
            "Items must be retrieved by 'holdingsRecordId' from this API: "
            f"query=holdingsRecordId==[a UUID]. Query was: {query}"
        )
    relations = http_request.query.get("relations")
    if relations not in (None, ONLY_BOUND_WITHS, WITHOUT_DIRECT_ITEMS):
        raise BadRequest("The only valid values of the request parameter 'relations' are: ...")
    key = parts[1].strip('"').lower()
    bound = {each["itemId"] for each in bound_with_parts(library).values() if each["holdingsRecordId"] == key}

    def is_listed(item: Record) -> bool:
        is_direct = item["holdingsRecordId"] == key
        if relations is None:
            return is_direct or item["id"] in bound
        return item["id"] in bound and not (is_direct and relations == WITHOUT_DIRECT_ITEMS)

    items = sorted(filter(is_listed, library.items.values()), key=lambda item: item.get("barcode", ""))
    return json_response(build_page(http_request, "items", items, inventory_items, forwards_total=False))

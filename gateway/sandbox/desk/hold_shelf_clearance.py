"""The hold-shelf clearance report: closed requests whose items still stand on the hold shelf."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.collections.requests import stored_request_view
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Library, Record
from gateway.sandbox.requests.request_queue import CLOSED_ON_SHELF

BATCH_SIZE = 40  # items whose requests mod-circulation reads, and sorts, by one query


def read_hold_shelf_clearance(http_request: HttpRequest) -> Response:
    """GET the report. Its service point is compared as text: one that does not exist has an empty report."""
    library, service_point_id = http_request.library, http_request.path_params["service_point_id"]
    requests = [
        each for each in last_on_shelf(library) if each.get("pickupServicePointId") == service_point_id
    ]
    rows = [stored_request_view(library, each) for each in requests]
    return json_response({"requests": rows, "totalRecords": len(rows)})


def last_on_shelf(library: Library) -> list[Record]:
    """Return, for each item that awaits pickup for no request, the one that was closed last on the shelf.

    The items come in batches, and the requests of each batch from the latest to the earliest.
    """
    awaited = {
        each.get("itemId") for each in library.requests.values() if each["status"] == "Open - Awaiting pickup"
    }
    item_ids = [
        key
        for key, item in library.items.items()
        if item["status"]["name"] == "Awaiting pickup" and key not in awaited
    ]
    last: list[Record] = []
    for start in range(0, len(item_ids), BATCH_SIZE):
        by_item: dict[str, Record] = {}
        for request in find_closed_on_shelf(library, item_ids[start : start + BATCH_SIZE]):
            by_item.setdefault(request["itemId"], request)
        last += by_item.values()
    return last


def find_closed_on_shelf(library: Library, item_ids: list[str]) -> list[Record]:
    """Return the requests that were closed while these items awaited pickup, the latest first."""
    closed = (
        each
        for each in library.requests.values()
        if each.get("itemId") in item_ids
        and each["status"] in CLOSED_ON_SHELF
        and each.get("awaitingPickupRequestClosedDate")
    )
    return sorted(closed, key=lambda each: str(each["awaitingPickupRequestClosedDate"]), reverse=True)

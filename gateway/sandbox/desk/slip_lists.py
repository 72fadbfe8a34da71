"""The slips that a service point prints: pick slips for Pages and search slips for Holds.

Both lists are computed from the state. A request is on one if it is not yet filled and its item belongs to
a location whose primary service point is this one. Pick slips are Pages of items that are Paged; search
slips are Holds with an item, of any status, and require that PRINT_HOLD_REQUESTS is on.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from gateway.sandbox.collections.circulation_settings import is_enabled
from gateway.sandbox.collections.item_context import get_item_context
from gateway.sandbox.desk.staff_slips import slip_context
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Library, Record

MAX_SLIPS = 2500  # mod-circulation reads no more
CHECK_IN_FIELDS = ("fromServicePoint", "toServicePoint")  # only check-in sets them


def read_pick_slips(http_request: HttpRequest) -> Response:
    return slips_response(
        http_request,
        "pickSlips",
        find_paged(http_request.library, http_request.path_uuid("service_point_id")),
    )


def read_search_slips(http_request: HttpRequest) -> Response:
    library, service_point_id = http_request.library, http_request.path_uuid("service_point_id")
    is_on = is_enabled(library, "PRINT_HOLD_REQUESTS", "printHoldRequestsEnabled")
    pairs = find_unfilled(library, service_point_id, "Hold") if is_on else iter(())
    return slips_response(http_request, "searchSlips", pairs)


def find_paged(library: Library, service_point_id: str) -> Iterator[tuple[Record, Record]]:
    for request, item in find_unfilled(library, service_point_id, "Page"):
        if item["status"]["name"] == "Paged":
            yield request, item


def find_unfilled(library: Library, service_point_id: str, kind: str) -> Iterator[tuple[Record, Record]]:
    """Yield the unfilled requests of a type with their items at this service point."""
    for request in library.requests.values():
        item = library.items.get(request.get("itemId", ""))
        if item is None or request["requestType"] != kind or request["status"] != "Open - Not yet filled":
            continue
        if get_item_context(library, item).location.get("primaryServicePoint") == service_point_id:
            yield request, item


def slips_response(http_request: HttpRequest, key: str, pairs: Iterator[tuple[Record, Record]]) -> Response:
    slips = [render_slip(http_request.library, request, item) for request, item in pairs][:MAX_SLIPS]
    return json_response({key: slips, "totalRecords": len(slips)})


def render_slip(library: Library, request: Record, item: Record) -> Record:
    context = slip_context(library, item, request)
    for name in CHECK_IN_FIELDS:
        context["item"].pop(name, None)
    return context

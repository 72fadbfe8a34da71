"""The slips that a service point prints: what to fetch for Pages, and what to look for on behalf of Holds.

Both lists are computed from the state. A request is on one when it is not yet filled and its item belongs to
a location whose primary service point is this one. Pick slips are Pages of items that are Paged; search
slips are Holds whose item is known, whatever its status, and exist only while PRINT_HOLD_REQUESTS is on.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from gateway.sandbox.circulation_settings import enabled
from gateway.sandbox.exchange import Exchange, answer
from gateway.sandbox.item import copy_of
from gateway.sandbox.library import Library, Record
from gateway.sandbox.staff_slip import slip

MOST_SLIPS = 2500  # mod-circulation reads no more
ONLY_AT_THE_DESK = ("fromServicePoint", "toServicePoint")  # known to check-in alone


def pick_slips(exchange: Exchange) -> Response:
    return shown(exchange, "pickSlips", paged(exchange.library, exchange.uuid("service_point_id")))


def search_slips(exchange: Exchange) -> Response:
    library, service_point_id = exchange.library, exchange.uuid("service_point_id")
    wanted = enabled(library, "PRINT_HOLD_REQUESTS", "printHoldRequestsEnabled")
    found = waiting(library, service_point_id, "Hold") if wanted else iter(())
    return shown(exchange, "searchSlips", found)


def paged(library: Library, service_point_id: str) -> Iterator[tuple[Record, Record]]:
    for request, item in waiting(library, service_point_id, "Page"):
        if item["status"]["name"] == "Paged":
            yield request, item


def waiting(library: Library, service_point_id: str, kind: str) -> Iterator[tuple[Record, Record]]:
    """The requests of a type that nobody has acted on, with their items at this service point."""
    for request in library.requests.values():
        item = library.items.get(request.get("itemId", ""))
        if item is None or request["requestType"] != kind or request["status"] != "Open - Not yet filled":
            continue
        if copy_of(library, item).location.get("primaryServicePoint") == service_point_id:
            yield request, item


def shown(exchange: Exchange, key: str, found: Iterator[tuple[Record, Record]]) -> Response:
    slips = [printed(exchange.library, request, item) for request, item in found][:MOST_SLIPS]
    return answer({key: slips, "totalRecords": len(slips)})


def printed(library: Library, request: Record, item: Record) -> Record:
    context = slip(library, item, request)
    for name in ONLY_AT_THE_DESK:
        context["item"].pop(name, None)
    return context

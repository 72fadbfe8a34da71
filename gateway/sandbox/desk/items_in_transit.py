"""The report on items in transit."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.collections.embedded_items import location_summary, transit_destination
from gateway.sandbox.collections.item_context import get_item_context
from gateway.sandbox.collections.items import id_and_name
from gateway.sandbox.collections.locations import service_point_summary
from gateway.sandbox.collections.users import get_group
from gateway.sandbox.http.request import HttpRequest, json_response, omit_nulls
from gateway.sandbox.library import Library, Record
from gateway.sandbox.requests.request_queue import get_item_queue

IN_TRANSIT = "In transit"


def read_items_in_transit(http_request: HttpRequest) -> Response:
    """GET all items in transit, by the name of the service point of their check-in, those without last."""
    library = http_request.library
    loans = {
        loan["itemId"]: loan
        for loan in reversed(library.loans.values())
        if loan.get("itemStatus") == IN_TRANSIT
    }
    rows = [
        report_row(library, item, loans.get(key))
        for key, item in library.items.items()
        if item["status"]["name"] == IN_TRANSIT
    ]
    rows.sort(key=check_in_place)
    return json_response({"items": rows, "totalRecords": len(rows)})


def check_in_place(row: Record) -> tuple[bool, str]:
    name = row.get("loan", {}).get("checkInServicePoint", {}).get("name")
    return name is None, name or ""


def report_row(library: Library, item: Record, loan: Record | None) -> Record:
    context = get_item_context(library, item)
    queue = get_item_queue(library, item["id"])
    return omit_nulls(
        {
            "id": item["id"],
            "title": context.title,
            "barcode": item.get("barcode"),
            "contributors": context.contributors or None,
            "callNumber": context.call_number.get("callNumber"),
            "enumeration": item.get("enumeration"),
            "displaySummary": item.get("displaySummary"),
            "volume": item.get("volume"),
            "yearCaption": item.get("yearCaption") or None,
            "status": {"name": item["status"]["name"]},
            **transit_destination(library, item),
            "copyNumber": context.copy_number,
            "effectiveCallNumberComponents": context.call_number_without_type,
            "location": location_summary(library, context.location),
            "request": transit_request(library, queue[0]) if queue else None,
            "loan": None if loan is None else transit_loan(library, loan),
            "lastCheckIn": last_check_in(library, item),
        }
    )


def transit_request(library: Library, request: Record) -> Record:
    """Render the first open request, with the description of the requester's patron group, not its name."""
    pickup = library.service_points.get(request.get("pickupServicePointId", ""), {})
    requester = library.users.get(request.get("requesterId", ""), {})
    return omit_nulls(
        {
            "requestType": request.get("requestType"),
            "requestDate": request.get("requestDate"),
            "requestExpirationDate": request.get("requestExpirationDate"),
            "requestPickupServicePointName": pickup.get("name"),
            "requestPatronGroup": get_group(library, requester).get("desc"),
            "tags": request.get("tags", {}).get("tagList") or None,
        }
    )


def transit_loan(library: Library, loan: Record) -> Record:
    point = library.service_points.get(loan.get("checkinServicePointId", ""))
    return omit_nulls(
        {
            "checkInServicePoint": service_point_summary(point),
            "checkInDateTime": loan.get("returnDate"),
        }
    )


def last_check_in(library: Library, item: Record) -> Record | None:
    scan = item.get("lastCheckIn")
    if scan is None:
        return None
    key = scan.get("servicePointId")
    point = id_and_name(library.service_points, key) if key in library.service_points else None
    return omit_nulls({"dateTime": scan.get("dateTime"), "servicePoint": point})

"""Check-in: closes the loan and routes the item to its next place."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.clock import add_period, format_timestamp, parse_timestamp
from gateway.sandbox.collections.accounts import cancel_lost_item_fees
from gateway.sandbox.collections.embedded_items import loan_item
from gateway.sandbox.collections.item_context import get_item_context
from gateway.sandbox.collections.items import describe_item_status, set_item_status
from gateway.sandbox.collections.loan_history import record_change
from gateway.sandbox.collections.loans import loan_view
from gateway.sandbox.collections.locations import is_served_by
from gateway.sandbox.desk.staff_slips import slip_context
from gateway.sandbox.desk.use_at_location import RETURNED, set_use
from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import HttpRequest, json_response, omit_nulls
from gateway.sandbox.http.validation import validate_body
from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.loans import log_check_in, log_request_status
from gateway.sandbox.requests.request_queue import find_next_request

KINDS = {
    "itemBarcode": "text",
    "servicePointId": "uuid",
    "checkInDate": "date",
    "claimedReturnedResolution": "text",
    "sessionId": "uuid",
}
REQUIRED = {
    "itemBarcode": "Check in needs an item barcode",
    "servicePointId": "Check in must be performed at a service point",
    "checkInDate": "Check in needs a date",
}
LOST_STATUSES = ("Declared lost", "Aged to lost", "Lost and paid")
RESOLUTIONS = {
    "Found by library": "checkedInFoundByLibrary",
    "Returned by patron": "checkedInReturnedByPatron",
}


def bff_check_in(http_request: HttpRequest) -> Response:
    """POST check-in at the BFF, whose type has no `inHouseUse`."""
    result = perform_check_in(http_request)
    del result["inHouseUse"]
    return json_response(result)


def circulation_check_in(http_request: HttpRequest) -> Response:
    return json_response(perform_check_in(http_request))


def perform_check_in(http_request: HttpRequest) -> Record:
    """Check the item in and return the result.

    Raises Refused without changing anything, unless it is about the fees of a lost item, which are settled
    last.
    """
    library, body = http_request.library, validate_body(http_request, KINDS, REQUIRED)
    service_point_id = body["servicePointId"].lower()
    item = validate_check_in(library, body, service_point_id)
    loan = library.open_loan_of_item(item["id"])
    was_lost = item["status"]["name"] in LOST_STATUSES
    in_house = loan is None and is_in_house_use(library, item, service_point_id)
    if loan is not None:
        close_loan(library, loan, body, http_request.caller)
    item["lastCheckIn"] = omit_nulls(
        {
            "dateTime": library.now(),
            "servicePointId": service_point_id,
            "staffMemberId": http_request.caller.user.get("id"),
        }
    )
    next_request = find_next_request(library, item)
    former_status = "" if next_request is None else next_request["status"]
    request = route_item(library, item, service_point_id)
    if loan is not None:
        loan["itemStatus"] = item["status"]["name"]
        record_change(library, loan, http_request.caller)
    log_check_in(library, item, loan, service_point_id, http_request.caller)
    if request is not None:
        log_request_status(library, request, former_status, item, loan, service_point_id, http_request.caller)
    if was_lost and loan is None:
        find_lost_loan(library, item["id"])
    return omit_nulls(
        {
            "loan": None if loan is None else loan_view(library, loan),
            "item": loan_item(library, item),
            "staffSlipContext": slip_context(library, item, request),
            "inHouseUse": in_house,
        }
    )


def find_lost_loan(library: Library, item_id: str) -> None:
    """Find the last loan of a lost item, whose fees would be refunded. Raises Refused if there is none."""
    loans = [each for each in library.loans.values() if each["itemId"] == item_id]
    if not loans:
        message = "Item is lost however there is no aged to lost nor declared lost loan found"
        raise Refused([reason(message, {"itemId": item_id})])
    last = max(loans, key=lambda loan: str(loan["loanDate"]))
    if not last.get("declaredLostDate") and not last.get("agedToLostDelayedBilling"):
        message = "Last loan for lost item is neither aged to lost nor declared lost"
        raise Refused([reason(message, {"loanId": last["id"]})])


def validate_check_in(library: Library, body: Record, service_point_id: str) -> Record:
    """Return the item if it may be checked in. Raises Refused."""
    barcode, resolution = body["itemBarcode"], body.get("claimedReturnedResolution")
    item = library.item_by_barcode(barcode)
    if service_point_id not in library.service_points:
        raise Refused([reason(REQUIRED["servicePointId"], {"servicePointId": service_point_id})])
    if item is None:
        message = f"No item with barcode {barcode} exists"
        raise Refused([reason(message, {"itemBarcode": barcode}, code="ITEM_BARCODE_NOT_FOUND")])
    if item["status"]["name"] == "Intellectual item":
        message = f"{describe_item_status(library, item)} and cannot be checked in"
        raise Refused([reason(message, {"itemBarcode": barcode})])
    if resolution is not None and resolution not in RESOLUTIONS:
        message = "No such claimed returned resolution"
        raise Refused([reason(message, {"claimedReturnedResolution": resolution})])
    if resolution is None and item["status"]["name"] == "Claimed returned":
        message = "Item is claimed returned, a resolution is required"
        raise Refused([reason(message, {"claimedReturnedResolution": None})])
    return item


def is_in_house_use(library: Library, item: Record, service_point_id: str) -> bool:
    """True if the item was used in the library: available, at its own desk and not requested."""
    return (
        item["status"]["name"] == "Available"
        and is_served_by(get_item_context(library, item).location, service_point_id)
        and find_next_request(library, item) is None
    )


def close_loan(library: Library, loan: Record, body: Record, caller: Caller) -> None:
    loan |= {
        "status": {"name": "Closed"},
        "action": RESOLUTIONS.get(body.get("claimedReturnedResolution", ""), "checkedin"),
        "returnDate": format_timestamp(parse_timestamp(body["checkInDate"])),
        "systemReturnDate": library.now(),
        "checkinServicePointId": body["servicePointId"].lower(),
    }
    loan.pop("actionComment", None)
    if library.use_at_location and "forUseAtLocation" in loan:
        set_use(library, loan, RETURNED)
    cancel_lost_item_fees(library, loan, "Cancelled item returned", caller)


def route_item(library: Library, item: Record, service_point_id: str) -> Record | None:
    """Assign the item to the next request it can fill, or send it home. Returns that request."""
    request = find_next_request(library, item)
    if request is None:
        location = get_item_context(library, item).location
        if is_served_by(location, service_point_id):
            set_item_status(library, item, "Available")
        else:
            set_item_status(library, item, "In transit", location.get("primaryServicePoint"))
        return None
    request |= {"itemId": item["id"], "holdingsRecordId": item["holdingsRecordId"]}
    if request["fulfillmentPreference"] == "Delivery":
        request["status"] = "Open - Awaiting delivery"
        set_item_status(library, item, "Awaiting delivery")
    elif request.get("pickupServicePointId") == service_point_id:
        put_on_hold_shelf(library, request)
        set_item_status(library, item, "Awaiting pickup")
    else:
        request["status"] = "Open - In transit"
        set_item_status(library, item, "In transit", request.get("pickupServicePointId"))
    return request


def put_on_hold_shelf(library: Library, request: Record) -> None:
    if request["status"] == "Open - Awaiting pickup":
        return  # a second scan does not extend the hold shelf period
    request["status"] = "Open - Awaiting pickup"
    period = library.service_points[request["pickupServicePointId"]].get("holdShelfExpiryPeriod")
    if period:
        request["holdShelfExpirationDate"] = format_timestamp(add_period(library.clock.now(), period))

"""Taking an item back at the desk, and sending it where it is wanted."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox import loan_history, lost_fee
from gateway.sandbox.body import checked
from gateway.sandbox.check_out import described
from gateway.sandbox.clock import after, iso, moment_of
from gateway.sandbox.embedded_item import loan_item
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.item import copy_of
from gateway.sandbox.library import Library, Record
from gateway.sandbox.loan import loan_view
from gateway.sandbox.location import is_home
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import Refused, reason
from gateway.sandbox.request_queue import next_for_item
from gateway.sandbox.staff_slip import slip

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
RESOLUTIONS = {
    "Found by library": "checkedInFoundByLibrary",
    "Returned by patron": "checkedInReturnedByPatron",
}


def bff_check_in(exchange: Exchange) -> Response:
    """The BFF's own type has no `inHouseUse`."""
    shown = checked_in(exchange)
    del shown["inHouseUse"]
    return answer(shown)


def circulation_check_in(exchange: Exchange) -> Response:
    return answer(checked_in(exchange))


def checked_in(exchange: Exchange) -> Record:
    """Take the item back and show what became of it. Raises Refused, and then nothing has changed."""
    library, body = exchange.library, checked(exchange, KINDS, REQUIRED)
    service_point_id = body["servicePointId"].lower()
    item = accepted(library, body, service_point_id)
    loan = library.open_loan_of_item(item["id"])
    in_house = loan is None and used_in_house(library, item, service_point_id)
    if loan is not None:
        give_back(library, loan, body, exchange.caller)
    item["lastCheckIn"] = without_nulls(
        {
            "dateTime": library.now(),
            "servicePointId": service_point_id,
            "staffMemberId": exchange.caller.user.get("id"),
        }
    )
    request = send_on(library, item, service_point_id)
    if loan is not None:
        loan["itemStatus"] = item["status"]["name"]
        loan_history.changed(library, loan, exchange.caller)
    return without_nulls(
        {
            "loan": None if loan is None else loan_view(library, loan),
            "item": loan_item(library, item),
            "staffSlipContext": slip(library, item, request),
            "inHouseUse": in_house,
        }
    )


def accepted(library: Library, body: Record, service_point_id: str) -> Record:
    """The item, when it may come back."""
    barcode, resolution = body["itemBarcode"], body.get("claimedReturnedResolution")
    item = library.item_by_barcode(barcode)
    if service_point_id not in library.service_points:
        raise Refused([reason(REQUIRED["servicePointId"], {"servicePointId": service_point_id})])
    if item is None:
        message = f"No item with barcode {barcode} exists"
        raise Refused([reason(message, {"itemBarcode": barcode}, code="ITEM_BARCODE_NOT_FOUND")])
    if item["status"]["name"] == "Intellectual item":
        message = f"{described(library, item)} and cannot be checked in"
        raise Refused([reason(message, {"itemBarcode": barcode})])
    if resolution is not None and resolution not in RESOLUTIONS:
        message = "No such claimed returned resolution"
        raise Refused([reason(message, {"claimedReturnedResolution": resolution})])
    if resolution is None and item["status"]["name"] == "Claimed returned":
        message = "Item is claimed returned, a resolution is required"
        raise Refused([reason(message, {"claimedReturnedResolution": None})])
    return item


def used_in_house(library: Library, item: Record, service_point_id: str) -> bool:
    """Somebody read it in the library: available, at home, and nobody waits for it."""
    return (
        item["status"]["name"] == "Available"
        and is_home(copy_of(library, item).location, service_point_id)
        and next_for_item(library, item) is None
    )


def give_back(library: Library, loan: Record, body: Record, who: Caller) -> None:
    loan |= {
        "status": {"name": "Closed"},
        "action": RESOLUTIONS.get(body.get("claimedReturnedResolution", ""), "checkedin"),
        "returnDate": iso(moment_of(body["checkInDate"])),
        "systemReturnDate": library.now(),
        "checkinServicePointId": body["servicePointId"].lower(),
    }
    loan.pop("actionComment", None)
    lost_fee.forget(library, loan, "Cancelled item returned", who)


def send_on(library: Library, item: Record, service_point_id: str) -> Record | None:
    """Give the item to the next request it can fill, or send it home. Returns that request."""
    request = next_for_item(library, item)
    if request is None:
        location = copy_of(library, item).location
        if is_home(location, service_point_id):
            move(library, item, "Available")
        else:
            move(library, item, "In transit", location.get("primaryServicePoint"))
        return None
    request |= {"itemId": item["id"], "holdingsRecordId": item["holdingsRecordId"]}
    if request["fulfillmentPreference"] == "Delivery":
        request["status"] = "Open - Awaiting delivery"
        move(library, item, "Awaiting delivery")
    elif request.get("pickupServicePointId") == service_point_id:
        put_on_hold_shelf(library, request)
        move(library, item, "Awaiting pickup")
    else:
        request["status"] = "Open - In transit"
        move(library, item, "In transit", request.get("pickupServicePointId"))
    return request


def put_on_hold_shelf(library: Library, request: Record) -> None:
    if request["status"] == "Open - Awaiting pickup":
        return  # a second scan does not make the patron's time longer
    request["status"] = "Open - Awaiting pickup"
    period = library.service_points[request["pickupServicePointId"]].get("holdShelfExpiryPeriod")
    if period:
        request["holdShelfExpirationDate"] = iso(after(library.clock.now(), period))


def move(library: Library, item: Record, status: str, destination: str | None = None) -> None:
    item["status"] = {"name": status, "date": library.now()}
    item.pop("inTransitDestinationServicePointId", None)
    if destination is not None:
        item["inTransitDestinationServicePointId"] = destination

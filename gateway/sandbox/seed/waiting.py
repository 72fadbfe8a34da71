"""Requests of every type, level and status, and their queues."""

from __future__ import annotations

from itertools import count

from gateway.sandbox.library import Record
from gateway.sandbox.request_queue import queue_of_instance
from gateway.sandbox.seed import people
from gateway.sandbox.seed.places import DESKS
from gateway.sandbox.seed.planting import Planting

ON_LOAN = range(30, 110)  # one hold or recall for each
TWICE = range(30, 36)  # and a second one for these
PAGED = range(230, 250)
AWAITING_PICKUP = range(250, 258)
IN_TRANSIT = range(258, 264)
AWAITING_DELIVERY = range(264, 268)
CLOSED = 60
CLOSED_STATUSES = ("Closed - Filled", "Closed - Cancelled", "Closed - Unfilled", "Closed - Pickup expired")
FIRST_REQUESTER = 120
COMPLETE = 32  # the request for this item has everything
DELIVERED = range(40, 44)
BY_PROXY = 45


def plant(planting: Planting) -> None:
    requesters = count(FIRST_REQUESTER)
    shelf = planting.library.requests
    for number in ON_LOAN:
        planting.shelve(shelf, hold_or_recall(planting, number, next(requesters)))
    for number in PAGED:
        planting.shelve(shelf, page(planting, number, next(requesters)))
    for numbers, status in ((AWAITING_PICKUP, "Awaiting pickup"), (IN_TRANSIT, "In transit")):
        for number in numbers:
            planting.shelve(shelf, arrived(planting, number, next(requesters), status))
    for number in AWAITING_DELIVERY:
        request = delivered(planting, arrived(planting, number, next(requesters), "Awaiting delivery"))
        planting.shelve(shelf, request)
    for number in TWICE:
        second = item_request(planting, f"{number}-second", number, next(requesters), "Hold", -1)
        planting.shelve(shelf, second)
    for number in range(CLOSED):
        planting.shelve(shelf, closed(planting, number))
    give_positions(planting)
    shelf[planting.id("request", COMPLETE)] |= complete_request(planting)
    plant_batch(planting)


def item_request(
    planting: Planting, key: object, number: int, requester: int, kind: str, days: float
) -> Record:
    item = planting.library.items[planting.id("item", number)]
    return {
        "id": planting.id("request", key),
        "requestType": kind,
        "requestLevel": "Item",
        "requestDate": planting.day(days),
        "requesterId": planting.id("user", requester),
        "instanceId": planting.library.holdings[item["holdingsRecordId"]]["instanceId"],
        "holdingsRecordId": item["holdingsRecordId"],
        "itemId": item["id"],
        "status": "Open - Not yet filled",
        "fulfillmentPreference": "Hold Shelf",
        "pickupServicePointId": planting.id("service-point", DESKS[number % len(DESKS)]),
        "metadata": planting.metadata(days, "desk"),
    }


def hold_or_recall(planting: Planting, number: int, requester: int) -> Record:
    request = item_request(
        planting, number, number, requester, "Recall" if number % 20 == 7 else "Hold", -(number % 25)
    )
    if number % 5 == 4:
        request["requestLevel"] = "Title"
        del request["itemId"], request["holdingsRecordId"]
    if number in DELIVERED:
        delivered(planting, request)
    if number == BY_PROXY:
        request |= {
            "requesterId": planting.id("user", people.SPONSOR),
            "proxyUserId": planting.id("user", people.PROXY),
        }
    if number % 3 == 0:
        request["requestExpirationDate"] = planting.day(60, end=True)
    return request


def delivered(planting: Planting, request: Record) -> Record:
    del request["pickupServicePointId"]
    request |= {
        "fulfillmentPreference": "Delivery",
        "deliveryAddressTypeId": planting.id("address-type", "Home"),
    }
    return request


def page(planting: Planting, number: int, requester: int) -> Record:
    request = item_request(planting, number, number, requester, "Page", -(number % 6) - 1)
    if number % 4 == 0:
        request["requestLevel"] = "Title"
    set_item_status(planting, number, "Paged")
    return request


def arrived(planting: Planting, number: int, requester: int, status: str) -> Record:
    """A request whose item is on its way or already there."""
    request = page(planting, number, requester) | {"status": f"Open - {status}"}
    set_item_status(planting, number, status)
    item = planting.library.items[request["itemId"]]
    if status == "Awaiting pickup":
        request["holdShelfExpirationDate"] = planting.day(10, end=True)
    if status == "In transit":
        item["inTransitDestinationServicePointId"] = request["pickupServicePointId"]
    return request


def set_item_status(planting: Planting, number: int, status: str) -> None:
    planting.library.items[planting.id("item", number)]["status"] = {"name": status, "date": planting.day(-1)}


def closed(planting: Planting, number: int) -> Record:
    """A finished request; every sixth one is anonymized."""
    kind = ("Hold", "Recall", "Page")[number % 3]
    request = item_request(planting, f"closed-{number}", 170 + number, 20 + number, kind, -90.0 - number)
    request["status"] = CLOSED_STATUSES[number % len(CLOSED_STATUSES)]
    if request["status"] == "Closed - Cancelled":
        request |= {
            "cancellationReasonId": planting.id("cancellation-reason", "Other"),
            "cancelledByUserId": planting.id("user", "desk"),
            "cancellationAdditionalInformation": "Asked by telephone",
            "cancelledDate": planting.day(-80.0 - number),
        }
    if number % 6 == 5:
        del request["requesterId"]
    return request


def complete_request(planting: Planting) -> Record:
    return {
        "ecsRequestPhase": "Primary",
        "patronComments": "Please the edition with the maps",
        "proxyUserId": planting.id("user", people.PROXY),
        "holdShelfExpirationDate": planting.day(20, end=True),
        "requestExpirationDate": planting.day(60, end=True),
        "tags": {"tagList": ["urgent"]},
        "printDetails": {
            "printCount": 1,
            "requesterId": planting.id("user", "desk"),
            "isPrinted": True,
            "printEventDate": planting.day(-1),
        },
        "itemLocationCode": "SU/M/MAIN",
        "isDcbReRequestCancellation": False,
    }


def give_positions(planting: Planting) -> None:
    """Number each title's queue: items that wait at a desk first, then by date."""
    for instance_id in planting.library.instances:
        queue = queue_of_instance(planting.library, instance_id)
        queue.sort(
            key=lambda each: (each["status"] == "Open - Not yet filled", each["requestDate"], each["id"])
        )
        for position, request in enumerate(queue, start=1):
            request["position"] = position


def plant_batch(planting: Planting) -> None:
    """Three requests that were made together."""
    library = planting.library
    requests = [library.requests[planting.id("request", number)] for number in (32, 33, 35)]
    batch = {
        "id": planting.id("batch-request", 0),
        "requesterId": requests[0]["requesterId"],
        "mediatedRequestStatus": "Completed",
        "requestDate": planting.day(-5),
        "patronComments": "For my seminar",
        "mediatedWorkflow": "Multi-Item request",
        "metadata": planting.metadata(-5, "desk"),
    }
    planting.shelve(library.batch_requests, batch)
    for request in requests:
        detail = {
            "id": planting.id("batch-request-detail", request["id"]),
            "batchId": batch["id"],
            "itemId": request["itemId"],
            "requesterId": batch["requesterId"],
            "pickupServicePointId": request["pickupServicePointId"],
            "mediatedRequestStatus": "Completed",
            "requestStatus": request["status"],
            "confirmedRequestId": request["id"],
            "metadata": batch["metadata"],
        }
        planting.shelve(library.batch_request_details, detail)

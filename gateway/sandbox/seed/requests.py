"""Seeded requests of every type, level and status, and their queues."""

from __future__ import annotations

from itertools import count

from gateway.sandbox.library import Record
from gateway.sandbox.requests.request_queue import get_instance_queue
from gateway.sandbox.seed import users
from gateway.sandbox.seed.places import DESKS
from gateway.sandbox.seed.seeder import Seeder

REQUESTED_ON_LOAN = range(30, 110)  # one Hold or Recall each
REQUESTED_TWICE = range(30, 36)  # a second Hold each
PAGED = range(230, 250)
AWAITING_PICKUP = range(250, 258)
IN_TRANSIT = range(258, 264)
AWAITING_DELIVERY = range(264, 268)
CLOSED_COUNT = 60
LEFT_ON_SHELF = (3, 9, 15)  # closed requests whose items still await pickup
CLOSED_STATUSES = ("Closed - Filled", "Closed - Cancelled", "Closed - Unfilled", "Closed - Pickup expired")
FIRST_REQUESTER = 120
COMPLETE = 32  # the request for this item has every field
DELIVERED = range(40, 44)
BY_PROXY = 45


def add_requests(seeder: Seeder) -> None:
    requesters = count(FIRST_REQUESTER)
    stored = seeder.library.requests
    for number in REQUESTED_ON_LOAN:
        seeder.add(stored, hold_or_recall(seeder, number, next(requesters)))
    for number in PAGED:
        seeder.add(stored, page(seeder, number, next(requesters)))
    for numbers, status in ((AWAITING_PICKUP, "Awaiting pickup"), (IN_TRANSIT, "In transit")):
        for number in numbers:
            seeder.add(stored, arrived_request(seeder, number, next(requesters), status))
    for number in AWAITING_DELIVERY:
        request = set_delivery(seeder, arrived_request(seeder, number, next(requesters), "Awaiting delivery"))
        seeder.add(stored, request)
    for number in REQUESTED_TWICE:
        second = item_request(seeder, f"{number}-second", number, next(requesters), "Hold", -1)
        seeder.add(stored, second)
    for number in range(CLOSED_COUNT):
        seeder.add(stored, closed_request(seeder, number))
    for days, number in enumerate(LEFT_ON_SHELF, start=1):
        leave_on_shelf(seeder, number, -days)
    number_queues(seeder)
    stored[seeder.id("request", COMPLETE)] |= complete_request(seeder)
    add_batch(seeder)


def item_request(seeder: Seeder, key: object, number: int, requester: int, kind: str, days: float) -> Record:
    item = seeder.library.items[seeder.id("item", number)]
    return {
        "id": seeder.id("request", key),
        "requestType": kind,
        "requestLevel": "Item",
        "requestDate": seeder.day(days),
        "requesterId": seeder.id("user", requester),
        "instanceId": seeder.library.holdings[item["holdingsRecordId"]]["instanceId"],
        "holdingsRecordId": item["holdingsRecordId"],
        "itemId": item["id"],
        "status": "Open - Not yet filled",
        "fulfillmentPreference": "Hold Shelf",
        "pickupServicePointId": seeder.id("service-point", DESKS[number % len(DESKS)]),
        "metadata": seeder.metadata(days, "desk"),
    }


def hold_or_recall(seeder: Seeder, number: int, requester: int) -> Record:
    request = item_request(
        seeder, number, number, requester, "Recall" if number % 20 == 7 else "Hold", -(number % 25)
    )
    if number % 5 == 4:
        request["requestLevel"] = "Title"
        del request["itemId"], request["holdingsRecordId"]
    if number in DELIVERED:
        set_delivery(seeder, request)
    if number == BY_PROXY:
        request |= {
            "requesterId": seeder.id("user", users.SPONSOR),
            "proxyUserId": seeder.id("user", users.PROXY),
        }
    if number % 3 == 0:
        request["requestExpirationDate"] = seeder.day(60, end=True)
    return request


def set_delivery(seeder: Seeder, request: Record) -> Record:
    del request["pickupServicePointId"]
    request |= {
        "fulfillmentPreference": "Delivery",
        "deliveryAddressTypeId": seeder.id("address-type", "Home"),
    }
    return request


def page(seeder: Seeder, number: int, requester: int) -> Record:
    request = item_request(seeder, number, number, requester, "Page", -(number % 6) - 1)
    if number % 4 == 0:
        request["requestLevel"] = "Title"
    set_item_status(seeder, number, "Paged")
    return request


def arrived_request(seeder: Seeder, number: int, requester: int, status: str) -> Record:
    """Build a request with its item in transit or at the service point."""
    request = page(seeder, number, requester) | {"status": f"Open - {status}"}
    set_item_status(seeder, number, status)
    item = seeder.library.items[request["itemId"]]
    if status == "Awaiting pickup":
        request["holdShelfExpirationDate"] = seeder.day(10, end=True)
    if status == "In transit":
        item["inTransitDestinationServicePointId"] = request["pickupServicePointId"]
        item["lastCheckIn"] = {
            "dateTime": seeder.day(-1),
            "servicePointId": seeder.id("service-point", DESKS[(number + 1) % len(DESKS)]),
            "staffMemberId": seeder.id("user", "desk"),
        }
    return request


def leave_on_shelf(seeder: Seeder, number: int, days: float) -> None:
    """Close a request while its item awaits pickup at the first desk: it expired, or was cancelled."""
    request = seeder.library.requests[seeder.id("request", f"closed-{number}")]
    request |= {
        "pickupServicePointId": seeder.id("service-point", DESKS[0]),
        "holdShelfExpirationDate": seeder.day(days, end=True),
        "awaitingPickupRequestClosedDate": seeder.day(days),
    }
    seeder.library.items[request["itemId"]]["status"] = {"name": "Awaiting pickup", "date": seeder.day(-20)}


def set_item_status(seeder: Seeder, number: int, status: str) -> None:
    seeder.library.items[seeder.id("item", number)]["status"] = {"name": status, "date": seeder.day(-1)}


def closed_request(seeder: Seeder, number: int) -> Record:
    """Build a closed request; every sixth one is anonymized."""
    kind = ("Hold", "Recall", "Page")[number % 3]
    request = item_request(seeder, f"closed-{number}", 170 + number, 20 + number, kind, -90.0 - number)
    request["status"] = CLOSED_STATUSES[number % len(CLOSED_STATUSES)]
    if request["status"] == "Closed - Cancelled":
        request |= {
            "cancellationReasonId": seeder.id("cancellation-reason", "Other"),
            "cancelledByUserId": seeder.id("user", "desk"),
            "cancellationAdditionalInformation": "Asked by telephone",
            "cancelledDate": seeder.day(-80.0 - number),
        }
    if number % 6 == 5:
        del request["requesterId"]
    return request


def complete_request(seeder: Seeder) -> Record:
    return {
        "ecsRequestPhase": "Primary",
        "patronComments": "Please the edition with the maps",
        "proxyUserId": seeder.id("user", users.PROXY),
        "holdShelfExpirationDate": seeder.day(20, end=True),
        "requestExpirationDate": seeder.day(60, end=True),
        "tags": {"tagList": ["urgent"]},
        "printDetails": {
            "printCount": 1,
            "requesterId": seeder.id("user", "desk"),
            "isPrinted": True,
            "printEventDate": seeder.day(-1),
        },
        "itemLocationCode": "SU/M/MAIN",
        "isDcbReRequestCancellation": False,
    }


def number_queues(seeder: Seeder) -> None:
    """Number each instance's queue: started requests first, then by date."""
    for instance_id in seeder.library.instances:
        queue = get_instance_queue(seeder.library, instance_id)
        queue.sort(
            key=lambda request: (
                request["status"] == "Open - Not yet filled",
                request["requestDate"],
                request["id"],
            )
        )
        for position, request in enumerate(queue, start=1):
            request["position"] = position


def add_batch(seeder: Seeder) -> None:
    """Add a completed batch of three requests."""
    library = seeder.library
    requests = [library.requests[seeder.id("request", number)] for number in (32, 33, 35)]
    batch = {
        "id": seeder.id("batch-request", 0),
        "requesterId": requests[0]["requesterId"],
        "mediatedRequestStatus": "Completed",
        "requestDate": seeder.day(-5),
        "patronComments": "For my seminar",
        "mediatedWorkflow": "Multi-Item request",
        "metadata": seeder.metadata(-5, "desk"),
    }
    seeder.add(library.batch_requests, batch)
    for request in requests:
        detail = {
            "id": seeder.id("batch-request-detail", request["id"]),
            "batchId": batch["id"],
            "itemId": request["itemId"],
            "requesterId": batch["requesterId"],
            "pickupServicePointId": request["pickupServicePointId"],
            "mediatedRequestStatus": "Completed",
            "requestStatus": request["status"],
            "confirmedRequestId": request["id"],
            "metadata": batch["metadata"],
        }
        seeder.add(library.batch_request_details, detail)

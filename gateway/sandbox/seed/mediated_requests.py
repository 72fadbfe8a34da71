"""Seeded mediated requests and batches."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.requests.mediated_requests import WORKFLOW, status_fields
from gateway.sandbox.seed import users
from gateway.sandbox.seed.seeder import Seeder

STATUSES = (
    "New - Awaiting confirmation",
    "Open - Not yet filled",
    "Open - In transit for approval",
    "Open - Item arrived",
    "Open - In transit to be checked out",
    "Open - Awaiting pickup",
    "Closed - Cancelled",
    "Closed - Declined",
    "Closed - Filled",
)
# Mediated requests 0 to 8 have one status each, the others are new.
OF_INACTIVE, COMPLETE, OF_BLOCKED = 9, 10, 11
ITEM_OF_INACTIVE, ITEM_OF_COMPLETE, ITEM_OF_BLOCKED = 285, 160, 287
FIRST_ITEM, FIRST_REQUESTER = 270, 242
# Batch 0 is completed and was added with its requests.
FAILED_BATCH, PENDING_BATCH, RUNNING_BATCH = 1, 2, 3


def add_mediated_requests(seeder: Seeder) -> None:
    library = seeder.library
    for number, status in enumerate(STATUSES):
        record = mediated_request(seeder, number, status, FIRST_ITEM + number, FIRST_REQUESTER + number)
        seeder.add(library.mediated_requests, record)
    filled = library.requests[seeder.id("request", "closed-0")]
    library.mediated_requests[seeder.id("mediated-request", STATUSES.index("Closed - Filled"))] |= {
        name: filled[name]
        for name in ("requestType", "requesterId", "instanceId", "holdingsRecordId", "itemId")
    } | {"confirmedRequestId": filled["id"]}
    for number, item, requester in (
        (OF_INACTIVE, ITEM_OF_INACTIVE, users.INACTIVE),
        (OF_BLOCKED, ITEM_OF_BLOCKED, users.MANUALLY_BLOCKED),
    ):
        seeder.add(library.mediated_requests, mediated_request(seeder, number, STATUSES[0], item, requester))
    seeder.add(library.mediated_requests, complete_mediated_request(seeder))
    add_batches(seeder)


def mediated_request(seeder: Seeder, number: int, status: str, item_number: int, requester: int) -> Record:
    item = seeder.library.items[seeder.id("item", item_number)]
    record = {
        "id": seeder.id("mediated-request", number),
        "requestLevel": "Item",
        "requestType": "Page",
        "requestDate": seeder.day(-1 - number),
        "requesterId": seeder.id("user", requester),
        "instanceId": seeder.library.holdings[item["holdingsRecordId"]]["instanceId"],
        "holdingsRecordId": item["holdingsRecordId"],
        "itemId": item["id"],
        "fulfillmentPreference": "Hold Shelf",
        "pickupServicePointId": seeder.id("service-point", "cd1"),
        "mediatedWorkflow": WORKFLOW,
        "metadata": seeder.metadata(-1 - number, "desk"),
    } | status_fields(status)
    if status in ("Closed - Cancelled", "Closed - Declined"):
        record |= cancellation_fields(seeder)
    return record


def cancellation_fields(seeder: Seeder) -> Record:
    return {
        "cancellationReasonId": seeder.id("cancellation-reason", "Other"),
        "cancelledByUserId": seeder.id("user", "desk"),
        "cancellationAdditionalInformation": "Withdrawn by letter",
        "cancelledDate": seeder.day(-1),
    }


def complete_mediated_request(seeder: Seeder) -> Record:
    """Build a delivery for a sponsor with every field, including those of a cancellation."""
    record = mediated_request(seeder, COMPLETE, STATUSES[0], ITEM_OF_COMPLETE, users.SPONSOR)
    return (
        record
        | cancellation_fields(seeder)
        | {
            "patronComments": "Sealed envelope, please",
            "proxyUserId": seeder.id("user", users.PROXY),
            "fulfillmentPreference": "Delivery",
            "deliveryAddressTypeId": seeder.id("address-type", "Home"),
            "position": 1,
        }
    )


def add_batches(seeder: Seeder) -> None:
    """Add a failed batch, a pending one and one in progress."""
    library = seeder.library
    finished = library.batch_requests[seeder.id("batch-request", 0)]
    for detail in library.batch_request_details.values():
        detail["patronComments"] = finished["patronComments"]
    failed = {
        "mediatedRequestStatus": "Failed",
        "errorCode": "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION",
        "errorDetails": "Page requests are not allowed for this patron and item combination",
    }
    add_batch(seeder, FAILED_BATCH, "Failed", (23, 17), failed)
    add_batch(seeder, PENDING_BATCH, "Pending", (290, 291, 292), {})
    add_batch(seeder, RUNNING_BATCH, "In progress", (293, 23), {})


def add_batch(seeder: Seeder, number: int, status: str, items: tuple[int, ...], fields: Record) -> None:
    library = seeder.library
    batch = {
        "id": seeder.id("batch-request", number),
        "requesterId": seeder.id("user", 250 + number),
        "mediatedRequestStatus": status,
        "requestDate": seeder.day(-number),
        "mediatedWorkflow": "Multi-Item request",
        "metadata": seeder.metadata(-number, "desk"),
    }
    seeder.add(library.batch_requests, batch)
    for item in items:
        detail = {
            "id": seeder.id("batch-request-detail", f"{number}-{item}"),
            "batchId": batch["id"],
            "itemId": seeder.id("item", item),
            "requesterId": batch["requesterId"],
            "pickupServicePointId": seeder.id("service-point", "cd1"),
            "mediatedRequestStatus": status,
            "metadata": seeder.metadata(-number, "desk"),
        }
        seeder.add(library.batch_request_details, detail | fields)

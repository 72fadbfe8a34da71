"""Who may ask for what, and requests on their way through the secure library and in batches."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.mediated_request import WORKFLOW, in_status
from gateway.sandbox.request_rules import TYPES
from gateway.sandbox.seed import people
from gateway.sandbox.seed.planting import Planting

POLICIES: list[tuple[str, tuple[str, ...]]] = [
    ("Every request", TYPES),
    ("Hold only", ("Hold",)),
    ("Page only", ("Page",)),
    ("Page or hold, at the Music Desk", ("Page", "Hold")),
    ("No requests", ()),
]
RULES = [
    ({"loanTypeId": ("loan-type", "Reading room")}, "No requests"),
    ({"loanTypeId": ("loan-type", "Course reserves")}, "Hold only"),
    ({"patronGroupId": ("group", "visitor")}, "Page only"),
    ({"materialTypeId": ("material-type", "dvd")}, "Page or hold, at the Music Desk"),
    ({}, "Every request"),
]
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
# Mediated requests are numbered: 0 to 8 have one status each, the others are new.
OF_INACTIVE, COMPLETE, OF_BLOCKED = 9, 10, 11
ITEM_OF_INACTIVE, ITEM_OF_COMPLETE, ITEM_OF_BLOCKED = 285, 160, 287
FIRST_ITEM, FIRST_REQUESTER = 270, 242
# The batches are numbered, too; 0 is finished and was planted with its requests.
FAILED_BATCH, PENDING_BATCH, RUNNING_BATCH = 1, 2, 3


def plant(planting: Planting) -> None:
    library = planting.library
    for name, kinds in POLICIES:
        planting.shelve(library.request_policies, policy(planting, name, kinds))
    for conditions, name in RULES:
        rule = {field: planting.id(*named) for field, named in conditions.items()}
        library.request_rules.append(rule | {"requestPolicyId": planting.id("request-policy", name)})
    for number, status in enumerate(STATUSES):
        record = mediated(planting, number, status, FIRST_ITEM + number, FIRST_REQUESTER + number)
        planting.shelve(library.mediated_requests, record)
    filled = library.requests[planting.id("request", "closed-0")]
    library.mediated_requests[planting.id("mediated-request", STATUSES.index("Closed - Filled"))] |= {
        name: filled[name]
        for name in ("requestType", "requesterId", "instanceId", "holdingsRecordId", "itemId")
    } | {"confirmedRequestId": filled["id"]}
    for number, item, requester in (
        (OF_INACTIVE, ITEM_OF_INACTIVE, people.INACTIVE),
        (OF_BLOCKED, ITEM_OF_BLOCKED, people.MANUALLY_BLOCKED),
    ):
        planting.shelve(library.mediated_requests, mediated(planting, number, STATUSES[0], item, requester))
    planting.shelve(library.mediated_requests, complete(planting))
    plant_batches(planting)


def policy(planting: Planting, name: str, kinds: tuple[str, ...]) -> Record:
    record: Record = {
        "id": planting.id("request-policy", name),
        "name": name,
        "requestTypes": list(kinds),
        "metadata": planting.metadata(),
    }
    if name.endswith("at the Music Desk"):
        music = [planting.id("service-point", "music")]
        record["allowedServicePoints"] = dict.fromkeys(kinds, music)
    return record


def mediated(planting: Planting, number: int, status: str, item_number: int, requester: int) -> Record:
    item = planting.library.items[planting.id("item", item_number)]
    record = {
        "id": planting.id("mediated-request", number),
        "requestLevel": "Item",
        "requestType": "Page",
        "requestDate": planting.day(-1 - number),
        "requesterId": planting.id("user", requester),
        "instanceId": planting.library.holdings[item["holdingsRecordId"]]["instanceId"],
        "holdingsRecordId": item["holdingsRecordId"],
        "itemId": item["id"],
        "fulfillmentPreference": "Hold Shelf",
        "pickupServicePointId": planting.id("service-point", "cd1"),
        "mediatedWorkflow": WORKFLOW,
        "metadata": planting.metadata(-1 - number, "desk"),
    } | in_status(status)
    if status in ("Closed - Cancelled", "Closed - Declined"):
        record |= cancelled(planting)
    return record


def cancelled(planting: Planting) -> Record:
    return {
        "cancellationReasonId": planting.id("cancellation-reason", "Other"),
        "cancelledByUserId": planting.id("user", "desk"),
        "cancellationAdditionalInformation": "Withdrawn by letter",
        "cancelledDate": planting.day(-1),
    }


def complete(planting: Planting) -> Record:
    """A delivery for a proxy's sponsor with every field, as if it had been cancelled and asked for again."""
    record = mediated(planting, COMPLETE, STATUSES[0], ITEM_OF_COMPLETE, people.SPONSOR)
    return (
        record
        | cancelled(planting)
        | {
            "patronComments": "Sealed envelope, please",
            "proxyUserId": planting.id("user", people.PROXY),
            "fulfillmentPreference": "Delivery",
            "deliveryAddressTypeId": planting.id("address-type", "Home"),
            "position": 1,
        }
    )


def plant_batches(planting: Planting) -> None:
    """One that went wrong, one that waits for its first read, and one for its second."""
    library = planting.library
    finished = library.batch_requests[planting.id("batch-request", 0)]
    for detail in library.batch_request_details.values():
        detail["patronComments"] = finished["patronComments"]
    failed = {
        "mediatedRequestStatus": "Failed",
        "errorCode": "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION",
        "errorDetails": "Page requests are not allowed for this patron and item combination",
    }
    plant_batch(planting, FAILED_BATCH, "Failed", (23, 17), failed)
    plant_batch(planting, PENDING_BATCH, "Pending", (290, 291, 292), {})
    plant_batch(planting, RUNNING_BATCH, "In progress", (293, 23), {})


def plant_batch(planting: Planting, number: int, status: str, items: tuple[int, ...], more: Record) -> None:
    library = planting.library
    batch = {
        "id": planting.id("batch-request", number),
        "requesterId": planting.id("user", 250 + number),
        "mediatedRequestStatus": status,
        "requestDate": planting.day(-number),
        "mediatedWorkflow": "Multi-Item request",
        "metadata": planting.metadata(-number, "desk"),
    }
    planting.shelve(library.batch_requests, batch)
    for item in items:
        detail = {
            "id": planting.id("batch-request-detail", f"{number}-{item}"),
            "batchId": batch["id"],
            "itemId": planting.id("item", item),
            "requesterId": batch["requesterId"],
            "pickupServicePointId": planting.id("service-point", "cd1"),
            "mediatedRequestStatus": status,
            "metadata": planting.metadata(-number, "desk"),
        }
        planting.shelve(library.batch_request_details, detail | more)

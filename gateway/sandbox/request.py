"""Requests: as stored, as mod-circulation shows them, and what the circulation BFF makes of them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sandbox.clock import java_date
from gateway.sandbox.embedded_item import request_item
from gateway.sandbox.exchange import without_nulls
from gateway.sandbox.instance import isbns
from gateway.sandbox.item import copy_of
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.refusals import LoanOrRequestNotFound
from gateway.sandbox.service_point import summary
from gateway.sandbox.shelf import METADATA, Shelf, indexes
from gateway.sandbox.user import group_of, names_of

COPIED = fields(
    "id requestType requestLevel ecsRequestPhase requestDate patronComments requesterId proxyUserId "
    "instanceId holdingsRecordId itemId status cancellationReasonId cancelledByUserId "
    "cancellationAdditionalInformation cancelledDate position fulfillmentPreference deliveryAddressTypeId "
    "requestExpirationDate holdShelfExpirationDate pickupServicePointId tags metadata printDetails "
    "itemLocationCode isDcbReRequestCancellation"
)
LOST_IN_BFF = ("loan", "printDetails", "itemLocationCode", "isDcbReRequestCancellation")
JAVA_DATES = ("requestDate", "cancelledDate", "requestExpirationDate", "holdShelfExpirationDate")
PUBLICATION_FIELDS = ("publisher", "place", "dateOfPublication", "role")
ADDRESS = fields("addressLine1 addressLine2 city region postalCode countryId addressTypeId")


def is_open(request: Record) -> bool:
    return str(request["status"]).startswith("Open")


def request_view(library: Library, request: Record, loan: Record | None = None) -> Record:
    instance = library.instances.get(request.get("instanceId", ""))
    item = library.items.get(request.get("itemId", ""))
    view = {name: request.get(name) for name in COPIED}
    view |= {
        "instance": None if instance is None else instance_summary(instance),
        "item": None if item is None else request_item(library, item),
        "requester": person(library, request.get("requesterId")),
        "proxy": person(library, request.get("proxyUserId")),
        "pickupServicePoint": summary(library.service_points.get(request.get("pickupServicePointId", ""))),
        "deliveryAddress": delivery_address(library, request),
        "loan": {"dueDate": loan["dueDate"]} if loan else None,
        "printDetails": print_details(library, request),
    }
    return without_nulls(view)


def instance_summary(instance: Record) -> Record:
    return without_nulls(
        {
            "title": instance.get("title"),
            "identifiers": [
                {name: each[name] for name in ("value", "identifierTypeId")}
                for each in instance.get("identifiers", [])
            ],
            "contributorNames": [{"name": each["name"]} for each in instance.get("contributors", [])],
            "publication": [
                without_nulls({name: each.get(name) for name in PUBLICATION_FIELDS})
                for each in instance.get("publication", [])
            ],
            "editions": instance.get("editions", []),
        }
    )


def person(library: Library, user_id: str | None) -> Record | None:
    """A requester or proxy, without id; absent when anonymized or deleted."""
    user = library.users.get(user_id or "")
    if user is None:
        return None
    group = group_of(library, user)
    shown = {name: group[name] for name in ("id", "group", "desc") if name in group}
    return names_of(user) | without_nulls(
        {"patronGroupId": user.get("patronGroup"), "patronGroup": shown or None}
    )


def print_details(library: Library, request: Record) -> Record | None:
    """When the slip was printed, with the names of whoever did it, while they are known."""
    details: Record | None = request.get("printDetails")
    printer = library.users.get((details or {}).get("requesterId", ""))
    if details is None or printer is None:
        return details
    names = {name: value for name, value in names_of(printer).items() if name != "barcode"}
    return details | {"lastPrintRequester": names}


def delivery_address(library: Library, request: Record) -> Record | None:
    address = address_of(library, request)
    return None if address is None else {name: address[name] for name in ADDRESS if name in address}


def address_of(library: Library, request: Record) -> Record | None:
    """The requester's address of the asked type, while there is one."""
    if request["fulfillmentPreference"] != "Delivery":
        return None
    personal = library.users.get(request.get("requesterId", ""), {}).get("personal", {})
    wanted = request.get("deliveryAddressTypeId")
    return next((each for each in personal.get("addresses", []) if each.get("addressTypeId") == wanted), None)


def circulation_requests(library: Library, requests: Sequence[Record]) -> list[Record]:
    loans = {loan["itemId"]: loan for loan in library.open_loans()}
    return [request_view(library, request, loans.get(request.get("itemId", ""))) for request in requests]


def bff_requests(library: Library, requests: Sequence[Record]) -> list[Record]:
    batches = {
        detail["confirmedRequestId"]: library.batch_requests.get(detail["batchId"])
        for detail in library.batch_request_details.values()
        if "confirmedRequestId" in detail
    }
    return [
        with_batch(through_bff(request_view(library, each)), batches.get(each["id"])) for each in requests
    ]


def through_bff(view: Record) -> Record:
    """A request after the BFF's own types: undeclared fields are gone and dates are rewritten."""
    for name in LOST_IN_BFF:
        view.pop(name, None)
    for name in JAVA_DATES:
        if name in view:
            view[name] = java_date(view[name])
    return view


def with_batch(view: Record, batch: Record | None) -> Record:
    if batch is not None:
        view["batchRequestInfo"] = {
            "batchRequestId": batch["id"],
            "batchRequestSubmittedAt": java_date(batch["requestDate"]),
        }
    return view


def search_index(library: Library, request: Record) -> Record:
    item = library.items.get(request.get("itemId", ""), {})
    pickup = library.service_points.get(request.get("pickupServicePointId", ""), {})
    return {
        "callNumberComponents": copy_of(library, item).call_number,
        "shelvingOrder": item.get("effectiveShelvingOrder"),
        "pickupServicePointName": pickup.get("name"),
    }


def full_call_number(library: Library, request: Record) -> str | None:
    parts = copy_of(library, library.items.get(request.get("itemId", ""), {})).call_number
    return " ".join(parts[name] for name in ("prefix", "callNumber", "suffix") if name in parts) or None


STORED = (
    "id requestType requestLevel ecsRequestPhase requestDate patronComments requesterId proxyUserId "
    "instanceId holdingsRecordId itemId status cancellationReasonId cancelledByUserId cancelledDate "
    "position fulfillmentPreference deliveryAddressTypeId requestExpirationDate holdShelfExpirationDate "
    "pickupServicePointId tags tags.tagList itemIsbn fullCallNumberIndex printDetails.* searchIndex.* "
    f"requester.* proxy.* item.* {METADATA} instance.title instance.identifiers instance.identifiers.value "
    "instance.contributorNames.name"
)
JOINED = {
    "requester": lambda library, request: person(library, request.get("requesterId")),
    "proxy": lambda library, request: person(library, request.get("proxyUserId")),
    "item": lambda library, request: request_item(library, library.items.get(request.get("itemId", ""), {})),
    "instance": lambda library, request: instance_summary(
        library.instances.get(request.get("instanceId", ""), {})
    ),
    "itemIsbn": lambda library, request: isbns(library.instances.get(request.get("instanceId", ""), {})),
    "searchIndex": search_index,
    "fullCallNumberIndex": full_call_number,
}
NOT_FOUND_TEXT = 'request record with ID "{id}" cannot be found'
REQUESTS = Shelf(
    key="requests",
    records=lambda library: library.requests,
    indexes=indexes(STORED),
    joined=JOINED,
    view=circulation_requests,
    missing=LoanOrRequestNotFound,
    missing_text=NOT_FOUND_TEXT,
)
BFF_REQUESTS = Shelf(
    key="requests",
    records=lambda library: library.requests,
    indexes=indexes(STORED),
    joined=JOINED,
    view=bff_requests,
)

"""Requests, as mod-circulation shows them and as the circulation BFF converts them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sandbox.clock import to_java_date
from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.embedded_items import request_item
from gateway.sandbox.collections.instances import isbn_values
from gateway.sandbox.collections.item_context import get_item_context
from gateway.sandbox.collections.locations import service_point_summary
from gateway.sandbox.collections.users import get_group, name_summary
from gateway.sandbox.http.errors import CirculationNotFound
from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record, split_names

COPIED_FIELDS = split_names(
    "id requestType requestLevel ecsRequestPhase requestDate patronComments requesterId proxyUserId "
    "instanceId holdingsRecordId itemId status cancellationReasonId cancelledByUserId "
    "cancellationAdditionalInformation cancelledDate position fulfillmentPreference deliveryAddressTypeId "
    "requestExpirationDate holdShelfExpirationDate pickupServicePointId tags metadata printDetails "
    "itemLocationCode isDcbReRequestCancellation awaitingPickupRequestClosedDate"
)
OMITTED_BY_BFF = (
    "loan",
    "printDetails",
    "itemLocationCode",
    "isDcbReRequestCancellation",
    "awaitingPickupRequestClosedDate",
)
JAVA_DATES = ("requestDate", "cancelledDate", "requestExpirationDate", "holdShelfExpirationDate")
PUBLICATION_FIELDS = ("publisher", "place", "dateOfPublication", "role")
ADDRESS_FIELDS = split_names("addressLine1 addressLine2 city region postalCode countryId addressTypeId")


def is_open(request: Record) -> bool:
    return str(request["status"]).startswith("Open")


def request_view(library: Library, request: Record, loan: Record | None = None) -> Record:
    instance = library.instances.get(request.get("instanceId", ""))
    item = library.items.get(request.get("itemId", ""))
    view = {name: request.get(name) for name in COPIED_FIELDS}
    view |= {
        "instance": None if instance is None else instance_summary(instance),
        "item": None if item is None else request_item(library, item),
        "requester": user_summary(library, request.get("requesterId")),
        "proxy": user_summary(library, request.get("proxyUserId")),
        "pickupServicePoint": pickup_summary(library, request),
        "deliveryAddress": delivery_address_view(library, request),
        "loan": {"dueDate": loan["dueDate"]} if loan else None,
        "printDetails": print_details(library, request),
    }
    return omit_nulls(view)


def stored_request_view(library: Library, request: Record) -> Record:
    """Render a request as storage has it, with its complete item: names alone of its requester and title."""
    item = library.items.get(request.get("itemId", ""))
    instance = library.instances.get(request.get("instanceId", ""))
    user = library.users.get(request.get("requesterId", ""))
    view = {name: request.get(name) for name in COPIED_FIELDS}
    view |= {
        "instance": None if instance is None else stored_instance_summary(instance),
        "item": None if item is None else request_item(library, item),
        "requester": None if user is None else name_summary(user),
    }
    return omit_nulls(view)


def stored_instance_summary(instance: Record) -> Record:
    summary = instance_summary(instance)
    return {name: summary[name] for name in ("title", "identifiers") if name in summary}


def pickup_summary(library: Library, request: Record) -> Record | None:
    summary = service_point_summary(library.service_points.get(request.get("pickupServicePointId", "")))
    return {} if library.lost_names and summary is not None else summary


def instance_summary(instance: Record) -> Record:
    return omit_nulls(
        {
            "title": instance.get("title"),
            "identifiers": [
                {name: each[name] for name in ("value", "identifierTypeId")}
                for each in instance.get("identifiers", [])
            ],
            "contributorNames": [{"name": each["name"]} for each in instance.get("contributors", [])],
            "publication": [
                omit_nulls({name: each.get(name) for name in PUBLICATION_FIELDS})
                for each in instance.get("publication", [])
            ],
            "editions": instance.get("editions", []),
        }
    )


def user_summary(library: Library, user_id: str | None) -> Record | None:
    """Render a requester or proxy without an id. Returns None if anonymized or deleted."""
    user = library.users.get(user_id or "")
    if user is None:
        return None
    group = get_group(library, user)
    group_fields = {name: group[name] for name in ("id", "group", "desc") if name in group}
    return name_summary(user) | omit_nulls(
        {"patronGroupId": user.get("patronGroup"), "patronGroup": group_fields or None}
    )


def print_details(library: Library, request: Record) -> Record | None:
    """Return the print details, with the name of the staff member if the user still exists."""
    details: Record | None = request.get("printDetails")
    printer = library.users.get((details or {}).get("requesterId", ""))
    if details is None or printer is None:
        return details
    names = {name: value for name, value in name_summary(printer).items() if name != "barcode"}
    return details | {"lastPrintRequester": names}


def delivery_address_view(library: Library, request: Record) -> Record | None:
    address = get_delivery_address(library, request)
    return None if address is None else {name: address[name] for name in ADDRESS_FIELDS if name in address}


def get_delivery_address(library: Library, request: Record) -> Record | None:
    """Return the requester's address of the requested type, or None."""
    if request["fulfillmentPreference"] != "Delivery":
        return None
    personal = library.users.get(request.get("requesterId", ""), {}).get("personal", {})
    address_type = request.get("deliveryAddressTypeId")
    return next(
        (each for each in personal.get("addresses", []) if each.get("addressTypeId") == address_type), None
    )


def circulation_requests(library: Library, requests: Sequence[Record]) -> list[Record]:
    loans = {loan["itemId"]: loan for loan in library.open_loans()}
    return [request_view(library, request, loans.get(request.get("itemId", ""))) for request in requests]


BATCH_CHUNK, BATCH_LIMIT = 20, 10


def bff_requests(library: Library, requests: Sequence[Record]) -> list[Record]:
    """Render requests with their batches: the BFF reads those of 20 requests at once, and gets 10 at most."""
    batch_of = {
        detail["confirmedRequestId"]: library.batch_requests.get(detail["batchId"])
        for detail in library.batch_request_details.values()
        if "confirmedRequestId" in detail
    }
    batches: dict[str, Record | None] = {}
    for start in range(0, len(requests), BATCH_CHUNK):
        ids = [each["id"] for each in requests[start : start + BATCH_CHUNK] if each["id"] in batch_of]
        batches |= {each: batch_of[each] for each in ids[:BATCH_LIMIT]}
    return [
        add_batch(to_bff_request(request_view(library, each)), batches.get(each["id"])) for each in requests
    ]


def to_bff_request(view: Record) -> Record:
    """Apply the BFF's types to a request: undeclared fields are lost and dates reformatted."""
    for name in OMITTED_BY_BFF:
        view.pop(name, None)
    for name in JAVA_DATES:
        if name in view:
            view[name] = to_java_date(view[name])
    return view


def add_batch(view: Record, batch: Record | None) -> Record:
    if batch is not None:
        view["batchRequestInfo"] = {
            "batchRequestId": batch["id"],
            "batchRequestSubmittedAt": to_java_date(batch["requestDate"]),
        }
    return view


def search_index(library: Library, request: Record) -> Record:
    item = library.items.get(request.get("itemId", ""), {})
    pickup = library.service_points.get(request.get("pickupServicePointId", ""), {})
    return {
        "callNumberComponents": get_item_context(library, item).call_number,
        "shelvingOrder": item.get("effectiveShelvingOrder"),
        "pickupServicePointName": pickup.get("name"),
    }


def full_call_number_text(library: Library, request: Record) -> str | None:
    parts = get_item_context(library, library.items.get(request.get("itemId", ""), {})).call_number
    return " ".join(parts[name] for name in ("prefix", "callNumber", "suffix") if name in parts) or None


STORED_INDEXES = (
    "id requestType requestLevel ecsRequestPhase requestDate patronComments requesterId proxyUserId "
    "instanceId holdingsRecordId itemId status cancellationReasonId cancelledByUserId cancelledDate "
    "position fulfillmentPreference deliveryAddressTypeId requestExpirationDate holdShelfExpirationDate "
    "pickupServicePointId awaitingPickupRequestClosedDate "
    "tags tags.tagList itemIsbn fullCallNumberIndex printDetails.* searchIndex.* "
    f"requester.* proxy.* item.* {METADATA} instance.title instance.identifiers instance.identifiers.value "
    "instance.contributorNames.name"
)
COMPUTED_INDEXES = {
    "requester": lambda library, request: user_summary(library, request.get("requesterId")),
    "proxy": lambda library, request: user_summary(library, request.get("proxyUserId")),
    "item": lambda library, request: request_item(library, library.items.get(request.get("itemId", ""), {})),
    "instance": lambda library, request: instance_summary(
        library.instances.get(request.get("instanceId", ""), {})
    ),
    "itemIsbn": lambda library, request: isbn_values(
        library.instances.get(request.get("instanceId", ""), {})
    ),
    "searchIndex": search_index,
    "fullCallNumberIndex": full_call_number_text,
}
REQUEST_NOT_FOUND = 'request record with ID "{id}" cannot be found'
REQUESTS = Collection(
    key="requests",
    records=lambda library: library.requests,
    indexes=index_names(STORED_INDEXES),
    computed=COMPUTED_INDEXES,
    view=circulation_requests,
    not_found=CirculationNotFound,
    not_found_text=REQUEST_NOT_FOUND,
)
BFF_REQUESTS = Collection(
    key="requests",
    records=lambda library: library.requests,
    indexes=index_names(STORED_INDEXES),
    computed=COMPUTED_INDEXES,
    view=bff_requests,
)

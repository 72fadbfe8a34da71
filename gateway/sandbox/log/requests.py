"""Records on requests.

The events are those of mod-circulation (CreateRequestService, UpdateRequestService, MoveRequestService and
RequestQueueResource), the records those of mod-audit (RequestRecordBuilder).
"""

from __future__ import annotations

from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.records import REQUEST, add_record, editor_of, get_barcode, get_name, log_item

CREATED, CREATED_THROUGH_OVERRIDE = "Created", "Created through override"
EDITED, CANCELLED, MOVED, REORDERED = "Edited", "Cancelled", "Moved", "Queue position reordered"
COMPARED = {  # members whose change the description of an edited request shows
    "requestType": "type",
    "requestExpirationDate": "expiration date",
    "fulfillmentPreference": "fulfillment",
    "pickupServicePointId": "pickup service point",
    "deliveryAddressTypeId": "address type",
}


def log_creation(library: Library, request: Record, *, is_override: bool) -> None:
    add_request_record(library, request, CREATED_THROUGH_OVERRIDE if is_override else CREATED)


def log_update(library: Library, request: Record, former: Record) -> None:
    """Add the record of an update, or of the cancellation that it is; also if nothing changed."""
    if request["status"] == "Closed - Cancelled":
        reason = library.cancellation_reasons.get(request.get("cancellationReasonId", ""), {})
        add_request_record(library, request, CANCELLED, f"Cancellation reason: {reason.get('description')}.")
        return
    changes = [
        f"{label.capitalize()}: {request.get(name, 'none')}, before: {former.get(name, 'none')}."
        for name, label in COMPARED.items()
        if request.get(name) != former.get(name)
    ]
    add_request_record(library, request, EDITED, *changes)


def log_move(library: Library, request: Record, former_item_id: str | None) -> None:
    """Add the record of a move, which has the item that the request was for before."""
    items = (library.items.get(key or "", {}) for key in (request["itemId"], former_item_id))
    barcode, before = (item.get("barcode") for item in items)
    add_request_record(library, request, MOVED, f"Item: {barcode}, before: {before}.", item_id=former_item_id)


def log_new_position(library: Library, request: Record, former: int, editor_id: str | None) -> None:
    position = f"Position: {request['position']}, before: {former}."
    add_request_record(library, request, REORDERED, position, editor_id=editor_id)


def add_request_record(
    library: Library,
    request: Record,
    action: str,
    *details: str,
    item_id: str | None = None,
    editor_id: str | None = None,
    source: str | None = None,
) -> None:
    add_record(
        library,
        REQUEST,
        action,
        " ".join([f"Type: {request['requestType']}.", *details]),
        items=[log_item(library, item_id or request.get("itemId"))],
        source=source or get_name(library, editor_id or editor_of(request)),
        user_barcode=get_barcode(library, request.get("requesterId")),
        service_point_id=request.get("pickupServicePointId"),
        links={"userId": request.get("requesterId"), "requestId": request["id"]},
    )

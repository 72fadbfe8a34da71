"""Requests that staff of a secure library confirm before circulation hears of them."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.check_out import signed
from gateway.sandbox.clock import java_date
from gateway.sandbox.create_request import grant
from gateway.sandbox.embedded_item import request_item
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.item import copy_of
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import Unmediated
from gateway.sandbox.request import delivery_address, instance_summary, person, search_index
from gateway.sandbox.request_body import REQUIRED, request_body
from gateway.sandbox.service_point import summary
from gateway.sandbox.user import is_active
from gateway.sandbox.wish import Wish

WORKFLOW = "Private request"
NEW, OPEN = "New - Awaiting confirmation", "Open - Not yet filled"
WRITTEN = fields(
    "requestLevel requestType requestDate patronComments requesterId proxyUserId instanceId "
    "holdingsRecordId itemId fulfillmentPreference deliveryAddressTypeId pickupServicePointId"
)
COPIED = fields(
    "id mediatedWorkflow mediatedRequestStatus mediatedRequestStep status cancellationReasonId "
    "cancelledByUserId cancellationAdditionalInformation cancelledDate position confirmedRequestId metadata"
)
JAVA_DATES = ("requestDate", "cancelledDate")
ITEM = fields(
    "barcode location enumeration volume chronology displaySummary status callNumber callNumberComponents "
    "copyNumber"
)
INACTIVE_SAVE, INACTIVE_CONFIRM, UNKNOWN_CONSTRAINT = "100", "102", "-1"


def confirm_mediated_request(exchange: Exchange) -> Response:
    """Write the record, then confirm it: two steps at the BFF, so the first one stays if the second fails."""
    library, body = exchange.library, request_body(exchange, REQUIRED)
    if not whole(body.get("instance", {"title": "", "identifiers": []})):
        raise exchange.unreadable("instance is not valid")
    known = "id" in body
    record = found(library, body["id"]) if known else None
    if record is not None and record["status"] != NEW:
        message = f"Mediated request status should be '{NEW}'"
        raise Unmediated(message, code=UNKNOWN_CONSTRAINT, parameters={"id": record["id"]})
    code = INACTIVE_CONFIRM if known else INACTIVE_SAVE
    refuse_inactive(library, body["requesterId"], code)
    record = written(library, body, record or new_record(library, exchange.caller))
    confirm(library, exchange.caller, record)
    return answer(mediated_request(library, record), 201)


def whole(instance: object) -> bool:
    return isinstance(instance, dict) and {"title", "identifiers"} <= set(instance)


def found(library: Library, key: str) -> Record:
    if key not in library.mediated_requests:
        message = f"Mediated request was not found: {key}"
        raise Unmediated(message, 404, kind="EntityNotFoundException", parameters={"id": key})
    return library.mediated_requests[key]


def refuse_inactive(library: Library, user_id: str, code: str) -> None:
    user = library.users.get(user_id)
    if user is None or not is_active(library, user):
        act = "confirmed" if code == INACTIVE_CONFIRM else "saved"
        message = f"Mediated request cannot be {act} for inactive patron"
        raise Unmediated(message, code=code, parameters={"requesterId": user_id})


def new_record(library: Library, who: Caller) -> Record:
    return {
        "id": library.new_id(),
        "mediatedWorkflow": WORKFLOW,
        "metadata": signed(library.now(), who),
    } | in_status(NEW)


def in_status(status: str) -> Record:
    """The three fields that say the same thing."""
    stage, step = status.split(" - ")
    return {"status": status, "mediatedRequestStatus": stage, "mediatedRequestStep": step}


def written(library: Library, body: Record, record: Record) -> Record:
    """Replace what a caller may write, and shelve the record."""
    for name in WRITTEN:
        record.pop(name, None)
        if name in body:
            record[name] = body[name]
    library.mediated_requests[record["id"]] = record
    return record


def confirm(library: Library, who: Caller, record: Record) -> None:
    """Ask circulation for it. Raises Refused with circulation's reasons."""
    wanted = {name: record[name] for name in WRITTEN if name in record}
    request = grant(Wish(library=library, caller=who, record=wanted))
    record |= in_status(OPEN) | {"confirmedRequestId": request["id"], "position": request["position"]}
    if "itemId" in request:
        record |= {name: request[name] for name in ("itemId", "holdingsRecordId")}
    if "metadata" in record:
        record["metadata"]["updatedDate"] = library.now()


def mediated_request(library: Library, record: Record) -> Record:
    instance = library.instances.get(record.get("instanceId", ""))
    view = {name: record.get(name) for name in (*COPIED, *WRITTEN)}
    view |= {
        "requester": person(library, record.get("requesterId")),
        "proxy": person(library, record.get("proxyUserId")),
        "instance": None if instance is None else shown_instance(instance),
        "item": shown_item(library, record),
        "deliveryAddress": delivery_address(library, record),
        "pickupServicePoint": summary(library.service_points.get(record.get("pickupServicePointId", ""))),
        "searchIndex": without_nulls(search_index(library, record) | call_number(library, record)),
    }
    for name in JAVA_DATES:
        if record.get(name):
            view[name] = java_date(record[name])
    return without_nulls(view)


def shown_instance(instance: Record) -> Record:
    return without_nulls(instance_summary(instance) | {"hrid": instance.get("hrid")})


def call_number(library: Library, record: Record) -> Record:
    """Its parts without the type, which the BFF's own class does not have."""
    item = library.items.get(record.get("itemId", ""), {})
    return {"callNumberComponents": copy_of(library, item).call_number_without_type}


def shown_item(library: Library, record: Record) -> Record | None:
    item = library.items.get(record.get("itemId", ""))
    if item is None:
        return None
    view = request_item(library, item)
    return {name: view[name] for name in ITEM if name in view}

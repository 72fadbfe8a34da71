"""Mediated requests, which staff of a secure tenant confirm before they reach circulation."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.clock import to_java_date
from gateway.sandbox.collections.collection import Collection, index_names
from gateway.sandbox.collections.embedded_items import request_item
from gateway.sandbox.collections.endpoints import build_page
from gateway.sandbox.collections.item_context import get_item_context
from gateway.sandbox.collections.locations import service_point_summary
from gateway.sandbox.collections.requests import (
    delivery_address_view,
    instance_summary,
    search_index,
    user_summary,
)
from gateway.sandbox.collections.users import is_active
from gateway.sandbox.http.errors import BadRequest, InvalidRequest, MediatedRequestError
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import UUID, HttpRequest, json_response, omit_nulls
from gateway.sandbox.library import Library, Record, split_names
from gateway.sandbox.requests.create_request import create_request
from gateway.sandbox.requests.new_request import NewRequest
from gateway.sandbox.requests.request_body import REQUIRED, request_body

WORKFLOW = "Private request"
NEW, OPEN = "New - Awaiting confirmation", "Open - Not yet filled"
WRITABLE_FIELDS = split_names(
    "requestLevel requestType requestDate patronComments requesterId proxyUserId instanceId "
    "holdingsRecordId itemId fulfillmentPreference deliveryAddressTypeId pickupServicePointId"
)
READ_ONLY_FIELDS = split_names(
    "id mediatedWorkflow mediatedRequestStatus mediatedRequestStep status cancellationReasonId "
    "cancelledByUserId cancellationAdditionalInformation cancelledDate position confirmedRequestId metadata"
)
JAVA_DATES = ("requestDate", "cancelledDate")
ITEM_FIELDS = split_names(
    "barcode location enumeration volume chronology displaySummary status callNumber callNumberComponents "
    "copyNumber"
)
INACTIVE_SAVE, INACTIVE_CONFIRM, UNKNOWN_CONSTRAINT = "100", "102", "-1"


def confirm_mediated_request(http_request: HttpRequest) -> Response:
    """Save the record, then confirm it: two steps at the BFF, so the record stays if confirmation fails."""
    library, body = http_request.library, request_body(http_request, REQUIRED)
    if not is_valid_instance(body.get("instance", {"title": "", "identifiers": []})):
        raise http_request.invalid_input("instance is not valid")
    exists = "id" in body
    record = get_mediated_request(library, body["id"]) if exists else None
    if record is not None and record["status"] != NEW:
        message = f"Mediated request status should be '{NEW}'"
        raise MediatedRequestError(message, code=UNKNOWN_CONSTRAINT, parameters={"id": record["id"]})
    code = INACTIVE_CONFIRM if exists else INACTIVE_SAVE
    reject_inactive_requester(library, body["requesterId"], code)
    record = save_record(library, body, record or new_record(library, http_request.caller))
    confirm(library, http_request.caller, record)
    return json_response(mediated_request_view(library, record), 201)


def read_mediated_request(http_request: HttpRequest) -> Response:
    """GET a record at mod-requests-mediated, which leaves out its search index.

    A missing one is a 404 without a body (its MediatedRequestsCrudController, MediatedRequestsServiceImpl).
    """
    key = http_request.path_params["id"].lower()
    if not UUID.fullmatch(key):
        raise InvalidRequest()
    record = http_request.library.mediated_requests.get(key)
    if record is None:
        return Response(status_code=404)
    (view,) = stored_views(http_request.library, [record])
    return json_response(view)


def read_mediated_requests(http_request: HttpRequest) -> Response:
    """GET the records that a query matches at mod-requests-mediated, without their search indexes."""
    text = http_request.query.get("query", "").strip() or "cql.allRecords=1"
    try:
        records = MEDIATED_REQUESTS.find(http_request.library, text)
    except BadRequest as error:
        raise MediatedRequestError(error.text, 400, kind="CqlQueryValidationException") from error
    return json_response(build_page(http_request, MEDIATED_REQUESTS.key, records, MEDIATED_REQUESTS.view))


def stored_views(library: Library, records: Sequence[Record]) -> list[Record]:
    views = [mediated_request_view(library, record) for record in records]
    for view in views:
        del view["searchIndex"]
    return views


def is_valid_instance(instance: object) -> bool:
    return isinstance(instance, dict) and {"title", "identifiers"} <= set(instance)


def get_mediated_request(library: Library, key: str) -> Record:
    if key not in library.mediated_requests:
        message = f"Mediated request was not found: {key}"
        raise MediatedRequestError(message, 404, kind="not-found", parameters={"id": key})
    return library.mediated_requests[key]


def reject_inactive_requester(library: Library, user_id: str, code: str) -> None:
    user = library.users.get(user_id)
    if user is None or not is_active(library, user):
        action = "confirmed" if code == INACTIVE_CONFIRM else "saved"
        message = f"Mediated request cannot be {action} for inactive patron"
        raise MediatedRequestError(message, code=code, parameters={"requesterId": user_id})


def new_record(library: Library, caller: Caller) -> Record:
    return {
        "id": library.new_id(),
        "mediatedWorkflow": WORKFLOW,
        "metadata": caller.creation_metadata(library.now()),
    } | status_fields(NEW)


def status_fields(status: str) -> Record:
    """Return the three fields that express a status."""
    request_status, step = status.split(" - ")
    return {"status": status, "mediatedRequestStatus": request_status, "mediatedRequestStep": step}


def save_record(library: Library, body: Record, record: Record) -> Record:
    """Replace the writable fields and store the record."""
    for name in WRITABLE_FIELDS:
        record.pop(name, None)
        if name in body:
            record[name] = body[name]
    library.mediated_requests[record["id"]] = record
    return record


def confirm(library: Library, caller: Caller, record: Record) -> None:
    """Create the request in circulation. Raises Refused with circulation's reasons."""
    fields = {name: record[name] for name in WRITABLE_FIELDS if name in record}
    request = create_request(NewRequest(library=library, caller=caller, record=fields))
    record |= status_fields(OPEN) | {"confirmedRequestId": request["id"], "position": request["position"]}
    if "itemId" in request:
        record |= {name: request[name] for name in ("itemId", "holdingsRecordId")}


def mediated_request_view(library: Library, record: Record) -> Record:
    instance = library.instances.get(record.get("instanceId", ""))
    view = {name: record.get(name) for name in (*READ_ONLY_FIELDS, *WRITABLE_FIELDS)}
    view |= {
        "requester": user_summary(library, record.get("requesterId")),
        "proxy": user_summary(library, record.get("proxyUserId")),
        "instance": None if instance is None else instance_view(instance),
        "item": item_view(library, record),
        "deliveryAddress": delivery_address_view(library, record),
        "pickupServicePoint": service_point_summary(
            library.service_points.get(record.get("pickupServicePointId", ""))
        ),
        "searchIndex": omit_nulls(search_index(library, record) | call_number_fields(library, record)),
    }
    for name in JAVA_DATES:
        if record.get(name):
            view[name] = to_java_date(record[name])
    return omit_nulls(view)


def instance_view(instance: Record) -> Record:
    return omit_nulls(instance_summary(instance) | {"hrid": instance.get("hrid")})


def call_number_fields(library: Library, record: Record) -> Record:
    """Return the call number's parts without the type, which the BFF's class lacks."""
    item = library.items.get(record.get("itemId", ""), {})
    return {"callNumberComponents": get_item_context(library, item).call_number_without_type}


def item_view(library: Library, record: Record) -> Record | None:
    item = library.items.get(record.get("itemId", ""))
    if item is None:
        return None
    view = request_item(library, item)
    return {name: view[name] for name in ITEM_FIELDS if name in view}


# The query names the columns of the table (mod-requests-mediated, MediatedRequestEntity and MetadataEntity).
MEDIATED_REQUESTS = Collection(
    key="mediatedRequests",
    records=lambda library: library.mediated_requests,
    indexes=index_names(
        "id requestLevel requestType requestDate patronComments requesterId proxyUserId instanceId "
        "holdingsRecordId itemId mediatedWorkflow mediatedRequestStatus mediatedRequestStep status position "
        "fulfillmentPreference deliveryAddressTypeId pickupServicePointId confirmedRequestId "
        "createdDate updatedDate"
    ),
    computed={
        "createdDate": lambda library, record: record.get("metadata", {}).get("createdDate"),
        "updatedDate": lambda library, record: record.get("metadata", {}).get("updatedDate"),
    },
    view=stored_views,
)

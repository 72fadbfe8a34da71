"""Requests from outside a consortium: they have no type, so the first allowed one is used.

An id in the body never becomes that of the new record. mod-tlr removes it (EcsTlrServiceImpl.create, since
1.2.0). In the secure tenant mod-requests-mediated generates the ids, and saves a record that has one as a
change of the stored record; if none is stored, Hibernate 6.6 and later raise an error (MediatedRequestEntity;
the migration guide of Hibernate), and earlier versions store it under another id.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.collections.requests import request_view, to_bff_request
from gateway.sandbox.http.errors import Refused, ServerError
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Library, Record
from gateway.sandbox.requests.create_request import create_request
from gateway.sandbox.requests.mediated_requests import (
    INACTIVE_SAVE,
    NEW,
    mediated_request_view,
    new_record,
    reject_inactive_requester,
    save_record,
    status_fields,
)
from gateway.sandbox.requests.new_request import NewRequest
from gateway.sandbox.requests.request_body import REQUIRED, request_body

REQUIRED_FIELDS = {
    name: REQUIRED[name] for name in ("requesterId", "requestLevel", "requestDate", "fulfillmentPreference")
}
TYPES_IN_ORDER = ("Page", "Recall", "Hold")


def create_ecs_request_external(http_request: HttpRequest) -> Response:
    """POST a request; in the secure tenant it has to be confirmed first."""
    library, body = http_request.library, request_body(http_request, REQUIRED_FIELDS)
    record = add_item_fields(library, body)
    if library.secure:
        reject_inactive_requester(library, record["requesterId"], INACTIVE_SAVE)
        record["requestType"] = "Page"
        stored = get_replaced(library, record) or new_record(library, http_request.caller)
        mediated_request = save_record(library, record, stored)
        return json_response(mediated_request_view(library, mediated_request), 201)
    request = create_first_allowed(library, http_request.caller, record)
    return json_response(to_bff_request(request_view(library, request)), 201)


def get_replaced(library: Library, body: Record) -> Record | None:
    """Return the record with the id of the body, as new as it was at its creation. Raises ServerError."""
    if "id" not in body:
        return None
    stored = library.mediated_requests.get(body["id"])
    if stored is None:
        raise ServerError()
    kept = {name: stored[name] for name in ("id", "mediatedWorkflow", "metadata")}
    return kept | status_fields(NEW)


def add_item_fields(library: Library, body: Record) -> Record:
    """Add the instance and holdings of an item, which the BFF looks up."""
    record = {name: value for name, value in body.items() if name not in ("requestType", "proxyUserId")}
    item = library.items.get(body.get("itemId", ""))
    if item is not None and body["requestLevel"] == "Item":
        holding = library.holdings.get(item["holdingsRecordId"], {})
        record["holdingsRecordId"] = item["holdingsRecordId"]
        record.setdefault("instanceId", holding.get("instanceId"))
    return record


def create_first_allowed(library: Library, caller: Caller, record: Record) -> Record:
    """Create a request of the first allowed type. Raises Refused with the reasons against the last type."""
    reasons: Sequence[Record] = ()
    record = {"instanceId": ""} | record  # an unknown instance, refused as such
    record.pop("id", None)
    for kind in TYPES_IN_ORDER:
        try:
            return create_request(
                NewRequest(library=library, caller=caller, record=record | {"requestType": kind})
            )
        except Refused as refused:
            reasons = refused.reasons
    raise Refused(reasons)

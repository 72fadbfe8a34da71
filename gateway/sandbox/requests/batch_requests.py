"""Batch requests: several items in one request, processed step by step."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.clock import to_java_date
from gateway.sandbox.collections.collection import Collection, ComputedIndex, index_names
from gateway.sandbox.collections.endpoints import build_page
from gateway.sandbox.collections.users import is_active
from gateway.sandbox.cql.clauses import AnyOf, Chain, Clause, Comparison
from gateway.sandbox.cql.parser import Query
from gateway.sandbox.http.errors import (
    BadRequest,
    InvalidRequest,
    MediatedRequestError,
    Refused,
    ServerError,
)
from gateway.sandbox.http.permissions import DEFAULT_STAFF, Caller
from gateway.sandbox.http.request import HttpRequest, json_response, omit_nulls
from gateway.sandbox.http.validation import is_uuid, validate_body
from gateway.sandbox.library import Library, Record, split_names
from gateway.sandbox.metadata import stamped_changes
from gateway.sandbox.requests.create_request import create_request
from gateway.sandbox.requests.new_request import NewRequest
from gateway.sandbox.requests.request_types import types_for_item

KINDS = {"batchId": "uuid", "requesterId": "uuid", "patronComments": "text", "mediatedWorkflow": "text"}
REQUIRED = dict.fromkeys(("requesterId", "mediatedWorkflow", "itemRequests"), "")  # the BFF sends no message
WORKFLOW = "Multi-Item request"
MAX_ITEMS = 50
PENDING, IN_PROGRESS, COMPLETED, FAILED = "Pending", "In progress", "Completed", "Failed"
STATISTICS = {"pending": PENDING, "inProgress": IN_PROGRESS, "completed": COMPLETED, "failed": FAILED}
DETAIL_FIELDS = split_names(
    "batchId itemId requesterId pickupServicePointId mediatedRequestStatus requestStatus confirmedRequestId "
    "errorCode errorDetails patronComments metadata"
)


def create_batch_request(http_request: HttpRequest) -> Response:
    """POST a batch, which stays pending; its first read starts the processing."""
    library, body = http_request.library, validate_body(http_request, KINDS, REQUIRED)
    rows = body["itemRequests"]
    if body["mediatedWorkflow"] != WORKFLOW or not isinstance(rows, list) or not all(map(is_row, rows)):
        raise InvalidRequest()
    reject_invalid_batch(library, body, rows)
    now = library.now()
    metadata = http_request.caller.creation_metadata(now)
    batch = {
        "id": body.get("batchId", library.new_id()).lower(),
        "requesterId": body["requesterId"].lower(),
        "mediatedRequestStatus": PENDING,
        "requestDate": now,
        "patronComments": body.get("patronComments"),
        "mediatedWorkflow": WORKFLOW,
        "metadata": metadata,
    }
    library.batch_requests[batch["id"]] = omit_nulls(batch)
    for row in rows:
        detail = new_detail(batch, row) | {"id": library.new_id(), "metadata": dict(metadata)}
        library.batch_request_details[detail["id"]] = detail
    return json_response(batch_view(library, library.batch_requests[batch["id"]]), 201)


def is_row(row: object) -> bool:
    return isinstance(row, dict) and is_uuid(row.get("itemId")) and is_uuid(row.get("pickupServicePointId"))


def new_detail(batch: Record, row: Record) -> Record:
    return omit_nulls(
        {
            "batchId": batch["id"],
            "itemId": row["itemId"].lower(),
            "requesterId": batch["requesterId"],
            "pickupServicePointId": row["pickupServicePointId"].lower(),
            "mediatedRequestStatus": PENDING,
            "patronComments": batch.get("patronComments"),
        }
    )


def reject_invalid_batch(library: Library, body: Record, rows: Sequence[Record]) -> None:
    """Raise the first error, with its number, as mod-requests-mediated does.

    It checks the items before the id, which it never replaces (its BatchRequestsServiceDelegate,
    MediatedBatchRequestsServiceImpl.create and ErrorCode).
    """
    batch_id, items = body.get("batchId", "").lower(), [row["itemId"].lower() for row in rows]
    if len(set(items)) < len(items):
        raise MediatedRequestError("Items of a batch request have to differ", code="106")
    if len(items) > MAX_ITEMS:
        message = f"A batch request has {MAX_ITEMS} items at most"
        counts = {"requestedItemsCount": str(len(items)), "maxAllowedItems": str(MAX_ITEMS)}
        raise MediatedRequestError(message, code="107", parameters=counts)
    if batch_id in library.batch_requests:
        message = "Batch request with this id exists already"
        raise MediatedRequestError(message, code="103", parameters={"batchId": batch_id})
    status = body.get("mediatedRequestStatus", PENDING)
    if status != PENDING:
        message = "A new batch request has to be pending"
        raise MediatedRequestError(message, code="104", parameters={"mediatedRequestStatus": str(status)})
    for row in rows:
        key = row["pickupServicePointId"].lower()
        if not library.service_points.get(key, {}).get("pickupLocation"):
            message = "Pickup service point is not allowed"
            raise MediatedRequestError(message, code="105", parameters={"pickupServicePointId": key})
    requester_id = body["requesterId"].lower()
    if not is_active(library, library.users.get(requester_id, {})):
        message = "Batch request cannot be saved for inactive patron"
        raise MediatedRequestError(message, code="100", parameters={"requesterId": requester_id})


def read_batch_request(http_request: HttpRequest) -> Response:
    """GET a batch; each read advances its processing by one step."""
    batch = get_batch(http_request)
    library, author = http_request.library, get_author(http_request.library, batch)
    with stamped_changes(library, author):
        advance_batch(library, batch, author)
    view = batch_view(library, batch)
    return json_response(view | {"itemRequestsStats": count_statuses(library, batch["id"])})


def check_limit(http_request: HttpRequest) -> None:
    """Raise the exception for a page without records (folio-spring-support, OffsetRequest)."""
    if http_request.query_number("limit", 1) < 1:
        raise ServerError


def read_batch_details(http_request: HttpRequest) -> Response:
    check_limit(http_request)
    details = get_details(http_request.library, get_batch(http_request)["id"])
    return json_response(build_page(http_request, "mediatedBatchRequestDetails", details, detail_views))


def read_batch_requests(http_request: HttpRequest) -> Response:
    text = http_request.query.get("query", "").strip() or "cql.allRecords=1"
    check_limit(http_request)
    try:
        check_query(BATCH_REQUESTS.parse(text))
        batches = BATCH_REQUESTS.find(http_request.library, text)
    except BadRequest as error:
        raise MediatedRequestError(error.text, 400, kind="CqlQueryValidationException") from error
    return json_response(build_page(http_request, BATCH_REQUESTS.key, batches, BATCH_REQUESTS.view))


def get_batch(http_request: HttpRequest) -> Record:
    key = http_request.path_uuid()
    if key not in http_request.library.batch_requests:
        message = f"Batch request was not found: {key}"
        raise MediatedRequestError(message, 404, kind="not-found", parameters={"id": key})
    return http_request.library.batch_requests[key]


def get_details(library: Library, batch_id: str) -> list[Record]:
    return [detail for detail in library.batch_request_details.values() if detail["batchId"] == batch_id]


def get_author(library: Library, batch: Record) -> Caller:
    """Return the user who created a batch, in whose name it is processed."""
    return Caller(library.users.get(batch.get("metadata", {}).get("createdByUserId", ""), {}), DEFAULT_STAFF)


def advance_batch(library: Library, batch: Record, author: Caller) -> None:
    """Advance a batch from pending to in progress, and from there to its end."""
    details, status = get_details(library, batch["id"]), batch["mediatedRequestStatus"]
    if status == PENDING:
        batch["mediatedRequestStatus"] = IN_PROGRESS
        for detail in details:
            detail["mediatedRequestStatus"] = IN_PROGRESS
    elif status == IN_PROGRESS:
        for detail in details:
            if detail["mediatedRequestStatus"] in (PENDING, IN_PROGRESS):
                process_detail(library, batch, detail, author)
        failed = any(detail["mediatedRequestStatus"] == FAILED for detail in details)
        batch["mediatedRequestStatus"] = FAILED if failed else COMPLETED


def process_detail(library: Library, batch: Record, detail: Record, author: Caller) -> None:
    record = build_request(library, batch, detail)
    try:
        request = create_request(NewRequest(library=library, caller=author, record=record))
    except Refused as refused:
        first = refused.reasons[0]
        detail |= {
            "mediatedRequestStatus": FAILED,
            "errorCode": first.get("code", "-1"),
            "errorDetails": "; ".join(detail["message"] for detail in refused.reasons),
        }
    else:
        detail |= {
            "mediatedRequestStatus": COMPLETED,
            "requestStatus": request["status"],
            "confirmedRequestId": request["id"],
        }


def build_request(library: Library, batch: Record, detail: Record) -> Record:
    """Build the request for an item: a Page if allowed, else a Hold or a Recall, in that order."""
    item = library.items.get(detail["itemId"])
    holding = library.holdings.get((item or {}).get("holdingsRecordId", ""), {})
    user = library.users.get(batch["requesterId"], {})
    request_types = [] if item is None else types_for_item(library, user, item)
    record = {
        "requestType": next(iter(request_types), "Page"),
        "requestLevel": "Item",
        "requestDate": batch["requestDate"],
        "patronComments": batch.get("patronComments"),
        "requesterId": batch["requesterId"],
        "instanceId": holding.get("instanceId", ""),
        "holdingsRecordId": holding.get("id", ""),
        "itemId": detail["itemId"],
        "fulfillmentPreference": "Hold Shelf",
        "pickupServicePointId": detail["pickupServicePointId"],
    }
    return omit_nulls(record)


def batch_view(library: Library, batch: Record) -> Record:
    """Render a batch without its statistics, as in lists and in the response to its creation."""
    return omit_nulls(
        {
            "batchId": batch["id"],
            "requesterId": batch["requesterId"],
            "mediatedRequestStatus": batch["mediatedRequestStatus"],
            "requestDate": to_java_date(batch["requestDate"]),
            "patronComments": batch.get("patronComments"),
            "mediatedWorkflow": batch["mediatedWorkflow"],
            "metadata": batch.get("metadata"),
        }
    )


def count_statuses(library: Library, batch_id: str) -> Record:
    states = [detail["mediatedRequestStatus"] for detail in get_details(library, batch_id)]
    return {"total": len(states)} | {name: states.count(state) for name, state in STATISTICS.items()}


def batch_views(library: Library, batches: Sequence[Record]) -> list[Record]:
    return [batch_view(library, batch) for batch in batches]


def detail_views(library: Library, details: Sequence[Record]) -> list[Record]:
    return [{name: detail[name] for name in DETAIL_FIELDS if name in detail} for detail in details]


def check_query(query: Query) -> None:
    """Check the sort keys, which are attributes too, and the dates. Raises BadRequest and ServerError."""
    for key in query.sort:
        if not BATCH_REQUESTS.supports(key.index):
            raise BadRequest(f"Could not resolve attribute '{key.index}'")
    check_dates(query.where)


def check_dates(clause: Clause) -> None:
    """Check the dates of a query, which Java parses as local ones: any with an offset is an exception."""
    if isinstance(clause, Chain):
        for each in (clause.first, *(part for _, part in clause.rest)):
            check_dates(each)
    elif isinstance(clause, Comparison | AnyOf) and clause.index in DATES:
        values = clause.values if isinstance(clause, AnyOf) else {clause.term.literal or ""}
        if not all(LOCAL_DATE_TIME.fullmatch(each) for each in values):
            raise ServerError


# The attributes of the entity in mod-requests-mediated, by which JPA reads CQL.
DATES = ("requestDate", "createdDate", "updatedDate")
ATTRIBUTES = split_names(
    "createdDate createdByUserId createdByUsername updatedDate updatedByUserId updatedByUsername"
)
LOCAL_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?", re.ASCII)


def of_metadata(name: str) -> ComputedIndex:
    return lambda library, batch: batch.get("metadata", {}).get(name)


BATCH_REQUESTS = Collection(
    key="mediatedBatchRequests",
    records=lambda library: library.batch_requests,
    indexes=index_names("id requesterId mediatedRequestStatus requestDate patronComments mediatedWorkflow")
    | {*ATTRIBUTES},
    computed={name: of_metadata(name) for name in ATTRIBUTES},
    view=batch_views,
)

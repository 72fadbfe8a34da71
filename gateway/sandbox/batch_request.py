"""Several items asked for at once, and the work on them as it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.body import checked, is_uuid
from gateway.sandbox.check_out import signed
from gateway.sandbox.clock import java_date
from gateway.sandbox.create_request import grant
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.permissions import DEFAULT_STAFF, Caller
from gateway.sandbox.refusals import BadRequest, Malformed, Refused, Unmediated
from gateway.sandbox.request_rules import types_for_item
from gateway.sandbox.shelf import METADATA, Shelf, indexes, page
from gateway.sandbox.user import is_active
from gateway.sandbox.wish import Wish

KINDS = {"batchId": "uuid", "requesterId": "uuid", "patronComments": "text", "mediatedWorkflow": "text"}
REQUIRED = dict.fromkeys(("requesterId", "mediatedWorkflow", "itemRequests"), "")  # the BFF has no words
WORKFLOW = "Multi-Item request"
MOST_ITEMS = 50
PENDING, IN_PROGRESS, COMPLETED, FAILED = "Pending", "In progress", "Completed", "Failed"
STATISTICS = {"pending": PENDING, "inProgress": IN_PROGRESS, "completed": COMPLETED, "failed": FAILED}
DETAIL = fields(
    "batchId itemId requesterId pickupServicePointId mediatedRequestStatus requestStatus confirmedRequestId "
    "errorCode errorDetails patronComments metadata"
)


def create_batch_request(exchange: Exchange) -> Response:
    """The batch waits; its first read starts the work."""
    library, body = exchange.library, checked(exchange, KINDS, REQUIRED)
    rows = body["itemRequests"]
    if body["mediatedWorkflow"] != WORKFLOW or not isinstance(rows, list) or not all(map(is_row, rows)):
        raise Malformed()
    refuse(library, body, rows)
    now = library.now()
    metadata = signed(now, exchange.caller)
    batch = {
        "id": body.get("batchId", library.new_id()).lower(),
        "requesterId": body["requesterId"].lower(),
        "mediatedRequestStatus": PENDING,
        "requestDate": now,
        "patronComments": body.get("patronComments"),
        "mediatedWorkflow": WORKFLOW,
        "metadata": metadata,
    }
    library.batch_requests[batch["id"]] = without_nulls(batch)
    for row in rows:
        detail = new_detail(batch, row) | {"id": library.new_id(), "metadata": dict(metadata)}
        library.batch_request_details[detail["id"]] = detail
    return answer(batch_request(library, library.batch_requests[batch["id"]]), 201)


def is_row(row: object) -> bool:
    return isinstance(row, dict) and is_uuid(row.get("itemId")) and is_uuid(row.get("pickupServicePointId"))


def new_detail(batch: Record, row: Record) -> Record:
    return without_nulls(
        {
            "batchId": batch["id"],
            "itemId": row["itemId"].lower(),
            "requesterId": batch["requesterId"],
            "pickupServicePointId": row["pickupServicePointId"].lower(),
            "mediatedRequestStatus": PENDING,
            "patronComments": batch.get("patronComments"),
        }
    )


def refuse(library: Library, body: Record, rows: Sequence[Record]) -> None:
    """mod-requests-mediated tells one error at a time, each by its number."""
    batch_id, items = body.get("batchId", "").lower(), [row["itemId"].lower() for row in rows]
    if batch_id in library.batch_requests:
        raise Unmediated("Batch request with this id exists already", code="103", parameters={"id": batch_id})
    status = body.get("mediatedRequestStatus", PENDING)
    if status != PENDING:
        message = "A new batch request has to be pending"
        raise Unmediated(message, code="104", parameters={"mediatedRequestStatus": str(status)})
    if len(items) > MOST_ITEMS:
        message = f"A batch request has {MOST_ITEMS} items at most"
        raise Unmediated(message, code="107", parameters={"itemRequests": str(len(items))})
    twice = sorted({key for key in items if items.count(key) > 1})
    if twice:
        message = "Items of a batch request have to differ"
        raise Unmediated(message, code="106", parameters={"itemIds": ", ".join(twice)})
    for row in rows:
        key = row["pickupServicePointId"].lower()
        if not library.service_points.get(key, {}).get("pickupLocation"):
            message = "Pickup service point is not allowed"
            raise Unmediated(message, code="105", parameters={"pickupServicePointId": key})
    requester_id = body["requesterId"].lower()
    if not is_active(library, library.users.get(requester_id, {})):
        message = "Batch request cannot be saved for inactive patron"
        raise Unmediated(message, code="100", parameters={"requesterId": requester_id})


def read_batch_request(exchange: Exchange) -> Response:
    """Every look at a batch finds the work one step further."""
    batch = existing(exchange)
    go_on(exchange.library, batch)
    view = batch_request(exchange.library, batch)
    return answer(view | {"itemRequestsStats": statistics(exchange.library, batch["id"])})


def read_batch_details(exchange: Exchange) -> Response:
    details = details_of(exchange.library, existing(exchange)["id"])
    return answer(page(exchange, "mediatedBatchRequestDetails", details, shown_details))


def read_batch_requests(exchange: Exchange) -> Response:
    text = exchange.query.get("query", "").strip() or "cql.allRecords=1"
    try:
        found = BATCH_REQUESTS.find(exchange.library, text)
    except BadRequest as error:
        raise Unmediated(error.text, 400, kind="CqlQueryValidationException") from error
    return answer(page(exchange, BATCH_REQUESTS.key, found, BATCH_REQUESTS.view))


def existing(exchange: Exchange) -> Record:
    key = exchange.uuid()
    if key not in exchange.library.batch_requests:
        message = f"Batch request was not found: {key}"
        raise Unmediated(message, 404, kind="EntityNotFoundException", parameters={"id": key})
    return exchange.library.batch_requests[key]


def details_of(library: Library, batch_id: str) -> list[Record]:
    return [each for each in library.batch_request_details.values() if each["batchId"] == batch_id]


def go_on(library: Library, batch: Record) -> None:
    """From pending to in progress, and from there to the end."""
    details, status = details_of(library, batch["id"]), batch["mediatedRequestStatus"]
    if status == PENDING:
        batch["mediatedRequestStatus"] = IN_PROGRESS
        for detail in details:
            detail["mediatedRequestStatus"] = IN_PROGRESS
    elif status == IN_PROGRESS:
        for detail in details:
            if detail["mediatedRequestStatus"] in (PENDING, IN_PROGRESS):
                finish(library, batch, detail)
        failed = any(detail["mediatedRequestStatus"] == FAILED for detail in details)
        batch["mediatedRequestStatus"] = FAILED if failed else COMPLETED


def finish(library: Library, batch: Record, detail: Record) -> None:
    author = library.users.get(batch.get("metadata", {}).get("createdByUserId", ""), {})
    wanted = wanted_request(library, batch, detail)
    try:
        request = grant(Wish(library=library, caller=Caller(author, DEFAULT_STAFF), record=wanted))
    except Refused as refused:
        first = refused.reasons[0]
        detail |= {
            "mediatedRequestStatus": FAILED,
            "errorCode": first.get("code", "-1"),
            "errorDetails": "; ".join(each["message"] for each in refused.reasons),
        }
    else:
        detail |= {
            "mediatedRequestStatus": COMPLETED,
            "requestStatus": request["status"],
            "confirmedRequestId": request["id"],
        }


def wanted_request(library: Library, batch: Record, detail: Record) -> Record:
    """An item is paged where it can be, else held or recalled, in that order."""
    item = library.items.get(detail["itemId"])
    holding = library.holdings.get((item or {}).get("holdingsRecordId", ""), {})
    user = library.users.get(batch["requesterId"], {})
    kinds = [] if item is None else types_for_item(library, user, item)
    wanted = {
        "requestType": next(iter(kinds), "Page"),
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
    return without_nulls(wanted)


def batch_request(library: Library, batch: Record) -> Record:
    """A batch without its statistics, as lists and the answer to its creation have it."""
    return without_nulls(
        {
            "batchId": batch["id"],
            "requesterId": batch["requesterId"],
            "mediatedRequestStatus": batch["mediatedRequestStatus"],
            "requestDate": java_date(batch["requestDate"]),
            "patronComments": batch.get("patronComments"),
            "mediatedWorkflow": batch["mediatedWorkflow"],
            "metadata": batch.get("metadata"),
        }
    )


def statistics(library: Library, batch_id: str) -> Record:
    states = [detail["mediatedRequestStatus"] for detail in details_of(library, batch_id)]
    return {"total": len(states)} | {name: states.count(state) for name, state in STATISTICS.items()}


def shown_batches(library: Library, batches: Sequence[Record]) -> list[Record]:
    return [batch_request(library, batch) for batch in batches]


def shown_details(library: Library, details: Sequence[Record]) -> list[Record]:
    return [{name: detail[name] for name in DETAIL if name in detail} for detail in details]


BATCH_REQUESTS = Shelf(
    key="mediatedBatchRequests",
    records=lambda library: library.batch_requests,
    indexes=indexes(
        f"id batchId requesterId mediatedRequestStatus requestDate patronComments mediatedWorkflow {METADATA}"
    ),
    joined={"batchId": lambda library, batch: batch["id"]},
    view=shown_batches,
)

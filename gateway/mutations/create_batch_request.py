"""Request several items for one patron at once."""

from functools import partial
from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, new_id
from gateway.live.changed_records import NoChanges
from gateway.schema.batch_request import BatchRequest
from gateway.schema.refusal import Refusal
from gateway.upstream.caller import keys_in
from gateway.upstream.record_types import Record

_WORKFLOW = "Multi-Item request"  # the only value that upstream accepts, and it is required


@strawberry.input(description="One item of a batch.")
class BatchRequestItemInput:
    item_id: strawberry.ID = strawberry.field(description="The item.")
    pickup_service_point_id: strawberry.ID = strawberry.field(description="The pickup service point.")


@strawberry.input(description="The input of `createBatchRequest`.")
class CreateBatchRequestInput:
    requester_id: strawberry.ID = strawberry.field(description="The id of the requester.")
    item_requests: list[BatchRequestItemInput] = strawberry.field(description="The items; at least one.")
    patron_comments: str | None = strawberry.field(default=None, description="The patron's comment.")
    batch_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="A UUID for the batch, which upstream accepts once. Defaults to a new one.",
    )


@strawberry.type(description="The batch was accepted; its requests are created one by one.")
class BatchRequestCreated:
    batch_request: BatchRequest = strawberry.field(
        description="The new batch. Read it again to see its progress."
    )


CreateBatchRequestResult = Annotated[
    BatchRequestCreated | Refusal,
    strawberry.union("CreateBatchRequestResult", description="The result of `createBatchRequest`."),
]


@mutation(
    "Request several items at once. Sent once, and looked up if its response is lost.",
    changes=NoChanges("Upstream creates the requests of a batch after its response."),
)
async def create_batch_request(info: Info, input: CreateBatchRequestInput) -> CreateBatchRequestResult:
    body = _body(info, input)
    try:
        batch = await begin_mutation(info).circulation_bff.create_batch_request(body)
    except errors.OutcomeUnknown as unknown:
        batch = await look_up(info, unknown, partial(_find_batch, body))
    return BatchRequestCreated(batch_request=cast(BatchRequest, batch))


def _body(info: Info, input: CreateBatchRequestInput) -> Record:
    if not input.item_requests:
        raise errors.BadUserInput("`itemRequests` must have at least one element.")
    body = {"mediatedWorkflow": _WORKFLOW, **body_of(input)}
    body.setdefault("batchId", new_id(info))
    return body


async def _find_batch(body: Record, look_up: LookUp) -> Record | None:
    """Return the batch with the id that was sent, if it has the items that were sent."""
    bff = look_up.upstream.circulation_bff
    batch = await bff.batch_request(body["batchId"])
    expected = keys_in(body, "requesterId", "patronComments")
    if look_up.proven("batch", batch, expected, is_new=True) is None:
        return None
    sent = body["itemRequests"]
    details = await bff.batch_request_details(body["batchId"])(None, limit=len(sent) + 1)
    if sorted(map(_place, sent)) != sorted(map(_place, details.records)):
        look_up.seen = "The batch was created after this write was sent, but has other items."
        return None
    return batch


def _place(row: Record) -> tuple[str, str]:
    return str(row.get("itemId")).lower(), str(row.get("pickupServicePointId")).lower()

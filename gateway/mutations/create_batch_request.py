"""Request several items for one patron at once."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.schema.batch_request import BatchRequest
from gateway.schema.refusal import Refusal
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
        description="A UUID chosen by the client. After a failure it shows if the batch exists.",
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


@mutation("Request several items at once. Sent once: after `OUTCOME_UNKNOWN` read the batch first.")
async def create_batch_request(info: Info, input: CreateBatchRequestInput) -> CreateBatchRequestResult | None:
    batch = await begin_mutation(info).circulation_bff.create_batch_request(_body(input))
    return BatchRequestCreated(batch_request=cast(BatchRequest, batch))


def _body(input: CreateBatchRequestInput) -> Record:
    if not input.item_requests:
        raise errors.BadUserInput("`itemRequests` must have at least one element.")
    return {"mediatedWorkflow": _WORKFLOW, **body_of(input)}

"""Request many items for one patron at once."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.schema.batch_request import BatchRequest
from gateway.schema.refusal import Refusal
from gateway.upstream.response import Record

_WORKFLOW = "Multi-Item request"  # the only value that upstream knows, and it wants it


@strawberry.input(description="One item of a batch.")
class BatchRequestItemInput:
    item_id: strawberry.ID = strawberry.field(description="The item.")
    pickup_service_point_id: strawberry.ID = strawberry.field(description="Where it is picked up.")


@strawberry.input(description="Who wants which items.")
class CreateBatchRequestInput:
    requester_id: strawberry.ID = strawberry.field(description="Who wants them.")
    item_requests: list[BatchRequestItemInput] = strawberry.field(description="The items; at least one.")
    patron_comments: str | None = strawberry.field(default=None, description="What the patron says.")
    batch_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="A UUID of your own for it: when no answer comes, you can ask whether it is there.",
    )


@strawberry.type(description="The batch was taken; its requests are made one by one.")
class BatchRequestCreated:
    batch_request: BatchRequest = strawberry.field(
        description="The new batch. Ask for it again to see it grow."
    )


CreateBatchRequestResult = Annotated[
    BatchRequestCreated | Refusal,
    strawberry.union("CreateBatchRequestResult", description="What came of a batch."),
]


@mutation("Request many items at once. Sent once: after `OUTCOME_UNKNOWN` look for the batch first.")
async def create_batch_request(
    info: Info, input: Annotated[CreateBatchRequestInput, strawberry.argument(description="Who and what.")]
) -> CreateBatchRequestResult | None:
    batch = await begin_mutation(info).circulation_bff.create_batch_request(_body(input))
    return BatchRequestCreated(batch_request=batch)  # type: ignore[arg-type]  # a record


def _body(input: CreateBatchRequestInput) -> Record:
    if not input.item_requests:
        raise errors.BadUserInput("`itemRequests` must name an item at least.")
    return {"mediatedWorkflow": _WORKFLOW, **body_of(input)}

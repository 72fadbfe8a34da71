"""Move a request to another item."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.schema.enums import RequestType
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request


@strawberry.input(description="Which request goes to which item.")
class MoveRequestInput:
    request_id: strawberry.ID = strawberry.field(description="The open request.")
    destination_item_id: strawberry.ID = strawberry.field(description="Another item of the same title.")
    request_type: RequestType | None = strawberry.field(
        default=None, description="The kind that it becomes there; the same, unless given."
    )


@strawberry.type(description="The request waits for another item.")
class RequestMoved:
    request: Request = strawberry.field(description="The request in its new queue.")


MoveRequestResult = Annotated[
    RequestMoved | Refusal,
    strawberry.union("MoveRequestResult", description="What came of moving a request."),
]


@mutation(
    "Move a request to another item of its title. Sent once: after `OUTCOME_UNKNOWN` look "
    "at the request's item first."
)
async def move_request(
    info: Info, input: Annotated[MoveRequestInput, strawberry.argument(description="Which and where.")]
) -> MoveRequestResult | None:
    request_id = arguments.uuid(input.request_id, "requestId")
    moved = await begin_mutation(info).circulation.move_request(request_id, body_of(input, "requestId"))
    return RequestMoved(request=moved)  # type: ignore[arg-type]  # a record

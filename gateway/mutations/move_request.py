"""Move a request to another item."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.schema.enums import RequestType
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request


@strawberry.input(description="The input of `moveRequest`.")
class MoveRequestInput:
    request_id: strawberry.ID = strawberry.field(description="The open request.")
    destination_item_id: strawberry.ID = strawberry.field(description="Another item of the same title.")
    request_type: RequestType | None = strawberry.field(
        default=None, description="The new request type. Defaults to the current one."
    )


@strawberry.type(description="The request was moved to the other item.")
class RequestMoved:
    request: Request = strawberry.field(description="The request in its new queue.")


MoveRequestResult = Annotated[
    RequestMoved | Refusal,
    strawberry.union("MoveRequestResult", description="The result of `moveRequest`."),
]


@mutation(
    "Move a request to another item of its title. Sent once: after `OUTCOME_UNKNOWN` read the "
    "request's item first."
)
async def move_request(info: Info, input: MoveRequestInput) -> MoveRequestResult | None:
    request_id = arguments.check_uuid(input.request_id, "requestId")
    moved = await begin_mutation(info).circulation.move_request(request_id, body_of(input, "requestId"))
    return RequestMoved(request=cast(Request, moved))

"""Cancel a request."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.schema.enums import RequestStatus
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request


@strawberry.input(description="Which request is cancelled, why and by whom.")
class CancelRequestInput:
    request_id: strawberry.ID = strawberry.field(description="The open request.")
    cancellation_reason_id: strawberry.ID = strawberry.field(description="Why: one of the library's reasons.")
    cancelled_by_user_id: strawberry.ID = strawberry.field(description="Who cancels it.")
    cancellation_additional_information: str | None = strawberry.field(
        default=None, description="What else is to be said; some reasons want it."
    )
    cancelled_date: DateTime | None = strawberry.field(
        default=None, description="When it was cancelled; now, unless given."
    )


@strawberry.type(description="The request was cancelled, and those behind it moved up.")
class RequestCancelled:
    record: strawberry.Private[Any]  # Any: the key that the link reads; upstream answers nothing
    request: Request | None = link(
        "The request as it is now. Its id costs no upstream call.", loader="request", key="requestId"
    )


CancelRequestResult = Annotated[
    RequestCancelled | Refusal,
    strawberry.union("CancelRequestResult", description="What came of cancelling a request."),
]


@mutation(
    "Cancel a request. The whole record is read once and written once, because upstream has "
    "no other way. A request that is closed already is refused."
)
async def cancel_request(
    info: Info, input: Annotated[CancelRequestInput, strawberry.argument(description="Which and why.")]
) -> CancelRequestResult | None:
    request_id = arguments.uuid(input.request_id, "requestId")
    cancelled = {
        "status": RequestStatus.CLOSED_CANCELLED.value,
        "cancelledDate": now(),
        **body_of(input, "requestId"),
    }
    circulation = begin_mutation(info).circulation
    request = await circulation.request(request_id)
    if request is None:
        raise errors.NotFound("There is no such request; nothing was sent.", upstream="folio", status=404)
    await circulation.cancel_request(request_id, request | cancelled)
    return RequestCancelled(record={"requestId": request_id}, request=None)  # the link reads the record

"""Cancel a request."""

from __future__ import annotations

from typing import Annotated

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
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `cancelRequest`.")
class CancelRequestInput:
    request_id: strawberry.ID = strawberry.field(description="The open request.")
    cancellation_reason_id: strawberry.ID = strawberry.field(
        description="The id of the library's cancellation reason."
    )
    cancelled_by_user_id: strawberry.ID = strawberry.field(
        description="The id of the user who cancels the request."
    )
    cancellation_additional_information: str | None = strawberry.field(
        default=None, description="Additional explanation; required by some reasons."
    )
    cancelled_date: DateTime | None = strawberry.field(
        default=None, description="The date of the cancellation. Defaults to now."
    )


@strawberry.type(description="The request was cancelled, and later requests in its queue moved up.")
class RequestCancelled:
    record: strawberry.Private[Record]  # the key for the link; upstream sends no body
    request: Request | None = link(
        "The request after the change. Its id costs no upstream call.", loader="request", key="requestId"
    )


CancelRequestResult = Annotated[
    RequestCancelled | Refusal,
    strawberry.union("CancelRequestResult", description="The result of `cancelRequest`."),
]


@mutation(
    "Cancel a request. The complete record is read once and written once, because upstream "
    "offers no other way. A closed request is refused."
)
async def cancel_request(info: Info, input: CancelRequestInput) -> CancelRequestResult | None:
    request_id = arguments.check_uuid(input.request_id, "requestId")
    cancelled = {
        "status": RequestStatus.CLOSED_CANCELLED.value,
        "cancelledDate": now(),
        **body_of(input, "requestId"),
    }
    circulation = begin_mutation(info).circulation
    request = await circulation.request(request_id)
    if request is None:
        raise errors.NotFound("The request does not exist; nothing was sent.", upstream="folio", status=404)
    await circulation.cancel_request(request_id, request | cancelled)
    return RequestCancelled(record={"requestId": request_id})

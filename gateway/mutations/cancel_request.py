"""Cancel a request."""

from functools import partial
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import (
    Changed,
    Written,
    changes_of_item,
    changes_of_request,
    changes_of_slips,
)
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
        default=None,
        description="The date of the cancellation, such as `2026-11-21T10:00:00Z`. Defaults to now.",
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


def _changes(written: Written[CancelRequestInput, RequestCancelled]) -> Changed:
    """Return the changes of the request, its queue, its slip and its item, which may be available again."""
    request = written.before
    return (
        *changes_of_request({**request, "id": written.input.request_id, "metadata": None}),
        *changes_of_item(request.get("itemId"), request.get("instanceId")),
        *changes_of_slips(request),
    )


@mutation(
    "Cancel a request. The complete record is read once and written once, because upstream "
    "offers no other way. A closed request is refused.",
    changes=_changes,
    calls=["circulation.request", "circulation.cancel_request"],
)
async def cancel_request(info: Info, input: CancelRequestInput) -> CancelRequestResult:
    request_id = arguments.check_uuid(input.request_id, "requestId")
    cancelled = {
        "status": RequestStatus.CLOSED_CANCELLED.value,
        "cancelledDate": now(info),
        **body_of(input, "requestId"),
    }
    circulation = begin_mutation(info).circulation
    request = await circulation.request(request_id)
    if request is None:
        raise errors.NotFound("The request does not exist; nothing was sent.", upstream="folio", status=404)
    info.context.mutations.before = request
    try:
        await circulation.cancel_request(request_id, request | cancelled)
    except errors.OutcomeUnknown as unknown:
        await look_up(info, unknown, partial(_find_request, request_id, cancelled))
    return RequestCancelled(record={"requestId": request_id})


async def _find_request(request_id: str, cancelled: Record, look_up: LookUp) -> Record | None:
    return look_up.proven("request", await look_up.request(request_id), cancelled)

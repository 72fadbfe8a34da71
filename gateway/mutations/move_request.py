"""Move a request to another item."""

from functools import partial
from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.live.changed_records import (
    Changed,
    Written,
    changes_of_item,
    changes_of_request,
    changes_of_slips,
    values_of,
)
from gateway.schema.enums import RequestType
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `moveRequest`.")
class MoveRequestInput:
    request_id: strawberry.ID = strawberry.field(description="The open request.")
    destination_item_id: strawberry.ID = strawberry.field(description="Another item of the same title.")
    request_type: RequestType | None = strawberry.field(
        default=None,
        description="The new request type. Defaults to the current one; FOLIO makes it `PAGE` if the item is "
        "available.",
    )


@strawberry.type(description="The request was moved to the other item.")
class RequestMoved:
    request: Request = strawberry.field(description="The request in its new queue.")


MoveRequestResult = Annotated[
    RequestMoved | Refusal,
    strawberry.union("MoveRequestResult", description="The result of `moveRequest`."),
]


def _changes(written: Written[MoveRequestInput, RequestMoved]) -> Changed:
    """Return the changes of request, slip, new queue and new item; those before are not known."""
    request = {
        "id": written.input.request_id,
        "itemId": written.input.destination_item_id,
        **values_of(None if written.result is None else written.result.request),
    }
    item = changes_of_item(request["itemId"], request.get("instanceId"))
    return (*changes_of_request(request), *item, *changes_of_slips(request))


@mutation(
    "Move a request to another item of its title. Sent once, and looked up if its response is lost.",
    changes=_changes,
)
async def move_request(info: Info, input: MoveRequestInput) -> MoveRequestResult:
    request_id = arguments.check_uuid(input.request_id, "requestId")
    body = body_of(input, "requestId")
    try:
        moved = await begin_mutation(info).circulation.move_request(request_id, body)
    except errors.OutcomeUnknown as unknown:
        moved = await look_up(info, unknown, partial(_find_request, request_id, body))
    return RequestMoved(request=cast(Request, moved))


async def _find_request(request_id: str, body: Record, look_up: LookUp) -> Record | None:
    """Return the request if it was written after the sending, and is for the item it was to be moved to."""
    request = await look_up.request(request_id)
    expected: dict[str, object] = {"itemId": body["destinationItemId"]}
    if "requestType" in body:  # for an available item any becomes a page (MoveRequestService)
        expected["requestType"] = frozenset({body["requestType"], RequestType.PAGE.value})
    return look_up.proven("request", request, expected)

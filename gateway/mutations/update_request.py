"""Change a request."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.look_up import LookUp, look_up, moment_of
from gateway.fields.mutation import begin_mutation, body_of, mutation, nulls_of
from gateway.fields.scalars import DateTime, has_offset
from gateway.live.changed_records import Changed, Written, changes_of_request, changes_of_slips
from gateway.schema.enums import FulfillmentPreference
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request
from gateway.upstream.record_types import FROM_CIRCULATION, Record, dig

MAX_TAGS = 100  # of one request; those of all requests are counted in one list of the library
_DAY = timedelta(hours=25)  # the longest, at the end of summer time


@strawberry.input(
    description="The input of `updateRequest`. An absent field keeps its value, null removes it."
)
class UpdateRequestInput:
    request_id: strawberry.ID = strawberry.field(description="The open request.")
    unchanged_since: DateTime | None = strawberry.field(
        default=None,
        description="`metadata.updatedDate` of the request as it was shown, such as "
        "`2026-11-21T10:00:00.000Z`. If it was changed since, nothing "
        "is sent, and the result is `RequestConflict` with the current request.",
    )
    fulfillment_preference: FulfillmentPreference | None = strawberry.field(
        default=strawberry.UNSET,
        description="The way the patron receives the item. It cannot be removed.",
    )
    pickup_service_point_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The pickup service point; required for the hold shelf. Null for a delivery.",
    )
    delivery_address_type_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The type of the requester's address to deliver to. Null for the hold shelf.",
    )
    request_expiration_date: DateTime | None = strawberry.field(
        default=strawberry.UNSET,
        description="The date after which the patron no longer needs the item, such as "
        "`2026-11-21T10:00:00Z`. FOLIO stores the end of that "
        "day.",
    )
    hold_shelf_expiration_date: DateTime | None = strawberry.field(
        default=strawberry.UNSET,
        description="The date until which the item stays on the hold shelf, such as `2026-11-21T10:00:00Z`.",
    )
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="All labels of the request, in place of those it has."
    )


@strawberry.type(description="The request was changed.")
class RequestUpdated:
    record: strawberry.Private[Record]  # the key for the link; upstream sends no body
    request: Request | None = link(
        "The request after the change. Its id costs no upstream call.", loader="request", key="requestId"
    )


@strawberry.type(description="The request was changed by someone else in the meantime, and nothing was sent.")
class RequestConflict:
    current: Request = strawberry.field(description="The request as it is now.")


UpdateRequestResult = Annotated[
    RequestUpdated | RequestConflict | Refusal,
    strawberry.union("UpdateRequestResult", description="The result of `updateRequest`."),
]


def _changed(written: Written[UpdateRequestInput, RequestUpdated | RequestConflict]) -> Changed:
    """Return the changes of the request, also for its former pickup service point, its queue and its slip."""
    if isinstance(written.result, RequestConflict):
        return ()
    request = {**written.before, "id": written.input.request_id, "metadata": None}
    pickup = {"pickupServicePointId": written.input.pickup_service_point_id}
    return (*changes_of_request(request, pickup), *changes_of_slips(request))


@mutation(
    "Change a request. The complete record is read once and written once, because upstream offers no other "
    "way. A closed request is refused. Upstream compares no versions: `unchangedSince` shows changes up to "
    "the read, and one in the moment between read and write is lost.",
    changes=_changed,
    calls=["circulation.request", "circulation.update_request"],
)
async def update_request(info: Info, input: UpdateRequestInput) -> UpdateRequestResult:
    request_id = arguments.check_uuid(input.request_id, "requestId")
    changes, removed = _changes(input)
    circulation = begin_mutation(info).circulation
    request = await circulation.request(request_id)
    if request is None:
        raise errors.NotFound("The request does not exist; nothing was sent.", upstream="folio", status=404)
    # A repetition finds its own change, if there is one, and sends nothing.
    if not info.context.mutations.is_repetition and _has_changed(request, input.unchanged_since):
        return RequestConflict(current=cast(Request, {**request, FROM_CIRCULATION: True}))
    info.context.mutations.before = request
    kept = {name: value for name, value in request.items() if name not in removed}
    try:
        await circulation.update_request(request_id, kept | changes)
    except errors.OutcomeUnknown as unknown:
        expected = {**dict.fromkeys(removed), **changes}
        await look_up(info, unknown, partial(_find_request, request_id, expected))
    return RequestUpdated(record={"requestId": request_id})


def _changes(input: UpdateRequestInput) -> tuple[Record, set[str]]:
    """Return the members to set and those to remove. Raises `BadUserInput`, naming the field."""
    removed = nulls_of(input) - {"unchangedSince"}
    if "fulfillmentPreference" in removed:
        raise errors.BadUserInput("`fulfillmentPreference` must not be null: a request has one.")
    changes = body_of(input, "requestId", "unchangedSince")
    if "tags" in changes:
        tags = changes["tags"]
        if len(tags) > MAX_TAGS:
            raise errors.LimitExceeded(f"`tags` must have at most {MAX_TAGS} elements; got {len(tags)}.")
        changes["tags"] = {"tagList": [arguments.check_text(each, "tags") for each in tags]}
    return changes, removed


def _has_changed(request: Record, since: datetime | None) -> bool:
    """Return True if a request was written after a date, or does not show when it was."""
    if since is None:
        return False
    value = dig(request, ("metadata", "updatedDate")) or dig(request, ("metadata", "createdDate"))
    written = moment_of(value) if has_offset(value) else None
    return written is None or written > since


async def _find_request(request_id: str, expected: Mapping[str, Any], look_up: LookUp) -> Record | None:
    """Return the changed request. Any: JSON.

    Circulation stores the end of the day of an expiration date (RequestFromRepresentationService).
    """
    exact = dict(expected)
    date = exact.pop("requestExpirationDate", None)
    request = look_up.proven("request", await look_up.request(request_id), exact)
    if request is None:
        return None
    stored = request.get("requestExpirationDate")
    if "requestExpirationDate" not in expected or _is_end_of_day(stored, date):
        return request
    look_up.has_members("request", request, {"requestExpirationDate": date})
    return None


def _is_end_of_day(stored: Any, sent: str | None) -> bool:
    """Return True if a stored date is less than a day after the one that was sent. Any: JSON.

    It is a whole second, the last one of the day (mod-circulation, DateTimeUtil.atEndOfDay).
    """
    if sent is None or stored is None:
        return sent is stored
    end, moment = moment_of(stored), moment_of(sent)
    return end is not None and moment is not None and moment.replace(microsecond=0) <= end < moment + _DAY

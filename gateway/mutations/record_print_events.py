"""Record that slips of requests were printed."""

from functools import partial
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import ONCE, LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import Changed, Written, changes_of_request
from gateway.schema.refusal import Refusal
from gateway.upstream import cql
from gateway.upstream.record_types import Record

_MAX_SEEN = 50  # requests, whose ids fit into one query


@strawberry.input(description="The input of `recordPrintEvents`.")
class RecordPrintEventsInput:
    request_ids: list[strawberry.ID] = strawberry.field(description="The requests; at least one.")
    requester_id: strawberry.ID = strawberry.field(
        description="The id of the staff member who printed the slips; FOLIO calls it requester."
    )
    requester_name: str = strawberry.field(description="The name of the staff member who printed the slips.")
    print_event_date: DateTime | None = strawberry.field(
        default=None, description="The date of the printing, such as `2026-11-21T10:00:00Z`. Defaults to now."
    )


@strawberry.type(description="The printing was recorded.")
class PrintEventsRecorded:
    recorded: bool = strawberry.field(description="Always true.")


RecordPrintEventsResult = Annotated[
    PrintEventsRecorded | Refusal,
    strawberry.union("RecordPrintEventsResult", description="The result of `recordPrintEvents`."),
]


def _changes(written: Written[RecordPrintEventsInput, PrintEventsRecorded]) -> Changed:
    """Return the changes of the requests, of which no more than the ids is known."""
    return tuple(change for each in written.input.request_ids for change in changes_of_request({"id": each}))


@mutation(
    "Record that slips were printed. Refused if the library does not log it. Sent once: a "
    "second record counts as a second printing.",
    changes=_changes,
)
async def record_print_events(info: Info, input: RecordPrintEventsInput) -> RecordPrintEventsResult:
    if not input.request_ids:
        raise errors.BadUserInput("`requestIds` must have at least one element.")
    arguments.check_not_blank(input.requester_name, "requesterName")
    body = {"printEventDate": now(info), **body_of(input)}
    try:
        await begin_mutation(info).circulation.record_print_events(body)
    except errors.OutcomeUnknown as unknown:
        await look_up(info, unknown, partial(_see_printings, body), ONCE)
    return PrintEventsRecorded(recorded=True)


async def _see_printings(body: Record, look_up: LookUp) -> None:
    """See the last printing of each request. Its date is that of the caller, so it proves nothing."""
    ids = body["requestIds"][:_MAX_SEEN]
    query = str(cql.any_of("id", ids))
    requests = (await look_up.upstream.circulation.requests(query, limit=len(ids))).records
    expected = {"printDetails.printEventDate": body["printEventDate"]}
    printed = [each for each in requests if look_up.has_members("request", each, expected)]
    look_up.seen = f"The last printing of {len(printed)} of {len(ids)} requests has this date."

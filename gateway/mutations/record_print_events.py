"""Record that slips of requests were printed."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `recordPrintEvents`.")
class RecordPrintEventsInput:
    request_ids: list[strawberry.ID] = strawberry.field(description="The requests; at least one.")
    requester_id: strawberry.ID = strawberry.field(
        description="The id of the staff member who printed the slips; FOLIO calls it requester."
    )
    requester_name: str = strawberry.field(description="The name of the staff member who printed the slips.")
    print_event_date: DateTime | None = strawberry.field(
        default=None, description="The date of the printing. Defaults to now."
    )


@strawberry.type(description="The printing was recorded.")
class PrintEventsRecorded:
    recorded: bool = strawberry.field(description="Always true.")


RecordPrintEventsResult = Annotated[
    PrintEventsRecorded | Refusal,
    strawberry.union("RecordPrintEventsResult", description="The result of `recordPrintEvents`."),
]


@mutation(
    "Record that slips were printed. Refused if the library does not log it. Sent once: a "
    "second record counts as a second printing."
)
async def record_print_events(info: Info, input: RecordPrintEventsInput) -> RecordPrintEventsResult | None:
    if not input.request_ids:
        raise errors.BadUserInput("`requestIds` must have at least one element.")
    arguments.check_not_blank(input.requester_name, "requesterName")
    body = {"printEventDate": now(), **body_of(input)}
    await begin_mutation(info).circulation.record_print_events(body)
    return PrintEventsRecorded(recorded=True)

"""Note that slips of requests were printed."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.schema.refusal import Refusal


@strawberry.input(description="Whose slips were printed, by whom and when.")
class RecordPrintEventsInput:
    request_ids: list[strawberry.ID] = strawberry.field(description="The requests; at least one.")
    requester_id: strawberry.ID = strawberry.field(
        description="Who printed: a member of the staff, though FOLIO says requester."
    )
    requester_name: str = strawberry.field(description="The name of whoever printed.")
    print_event_date: DateTime | None = strawberry.field(
        default=None, description="When it was printed; now, unless given."
    )


@strawberry.type(description="It is noted that the slips were printed.")
class PrintEventsRecorded:
    recorded: bool = strawberry.field(description="Always true.")


RecordPrintEventsResult = Annotated[
    PrintEventsRecorded | Refusal,
    strawberry.union("RecordPrintEventsResult", description="What came of noting prints."),
]


@mutation(
    "Note that slips were printed, where the library logs it; it is refused where it does "
    "not. Sent once: a second time counts as printed again."
)
async def record_print_events(
    info: Info,
    input: Annotated[RecordPrintEventsInput, strawberry.argument(description="Whose, who and when.")],
) -> RecordPrintEventsResult | None:
    if not input.request_ids:
        raise errors.BadUserInput("`requestIds` must name a request at least.")
    arguments.not_blank(input.requester_name, "requesterName")
    body = {"printEventDate": now(), **body_of(input)}
    await begin_mutation(info).circulation.record_print_events(body)
    return PrintEventsRecorded(recorded=True)

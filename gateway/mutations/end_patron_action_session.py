"""End sessions at the desk, so that their notices are sent."""

from enum import Enum
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.live.changed_records import NoChanges
from gateway.schema.enums import member
from gateway.schema.refusal import Refusal


@strawberry.enum(description="The type of a session at the desk.")
class PatronActionType(Enum):
    CHECK_OUT = member("Check-out", "Check-out of items to the patron.")
    CHECK_IN = member("Check-in", "Check-in of the patron's items.")


@strawberry.input(description="A session of one patron.")
class EndSessionInput:
    patron_id: strawberry.ID = strawberry.field(description="The patron.")
    action_type: PatronActionType = strawberry.field(description="The type of the session.")


@strawberry.input(
    description="The input of `endPatronActionSession`. A check-in has one session per patron with "
    "returned items."
)
class EndPatronActionSessionInput:
    end_sessions: list[EndSessionInput] = strawberry.field(description="The sessions; at least one.")


@strawberry.type(description="The sessions ended, and their notices are sent.")
class PatronActionSessionEnded:
    ended: bool = strawberry.field(description="Always true, also if the patron had no session.")


EndPatronActionSessionResult = Annotated[
    PatronActionSessionEnded | Refusal,
    strawberry.union("EndPatronActionSessionResult", description="The result of `endPatronActionSession`."),
]


@mutation(
    "End sessions at the desk: their notices wait until then, or until a timeout. Sent once.",
    changes=NoChanges("It sends the notices of a session, and changes no record."),
)
async def end_patron_action_session(
    info: Info, input: EndPatronActionSessionInput
) -> EndPatronActionSessionResult:
    if not input.end_sessions:  # upstream never responds to none (EndPatronActionSessionResource)
        raise errors.BadUserInput("`endSessions` must have at least one element.")
    await begin_mutation(info).circulation.end_patron_action_session(body_of(input))
    return PatronActionSessionEnded(ended=True)

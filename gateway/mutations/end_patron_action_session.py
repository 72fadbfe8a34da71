"""End a session at the desk, so that the notices about it go out."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.enums import member
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.schema.refusal import Refusal


@strawberry.enum(description="What was done in a session at the desk.")
class PatronActionType(Enum):
    CHECK_OUT = member("Check-out", "Items were lent to the patron.")
    CHECK_IN = member("Check-in", "Items of the patron were taken back.")


@strawberry.input(description="A session of one patron.")
class EndSessionInput:
    patron_id: strawberry.ID = strawberry.field(description="The patron.")
    action_type: PatronActionType = strawberry.field(description="What was done.")


@strawberry.input(
    description="Which sessions end: at check-in several, one for each patron whose items came back."
)
class EndPatronActionSessionInput:
    end_sessions: list[EndSessionInput] = strawberry.field(description="The sessions; at least one.")


@strawberry.type(description="The sessions ended, and their notices are on their way.")
class PatronActionSessionEnded:
    ended: bool = strawberry.field(description="Always true. A patron without a session is no mistake.")


EndPatronActionSessionResult = Annotated[
    PatronActionSessionEnded | Refusal,
    strawberry.union("EndPatronActionSessionResult", description="What came of ending sessions."),
]


@mutation("End sessions at the desk: until then, or a timeout, their notices wait. Sent once.")
async def end_patron_action_session(
    info: Info,
    input: Annotated[EndPatronActionSessionInput, strawberry.argument(description="Which sessions.")],
) -> EndPatronActionSessionResult | None:
    if (
        not input.end_sessions
    ):  # upstream would never answer (mod-circulation, EndPatronActionSessionResource)
        raise errors.BadUserInput("`endSessions` must name a session at least.")
    await begin_mutation(info).circulation.end_patron_action_session(body_of(input))
    return PatronActionSessionEnded(ended=True)

"""What every act begins and ends with."""

from __future__ import annotations

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.schema.refusal import Refusal, refusal
from gateway.upstream.services import Upstream


def begin_mutation(info: Info) -> Upstream:
    """The services to act on. What was loaded before is forgotten, because the act may change it.

    Raises `UpstreamUnavailable` after an act of this operation whose outcome is unknown: whoever wrote the
    acts in this order meant the later ones to follow what nobody knows to have happened. And when the process
    stops: it waits for what was sent, not for what might be.
    """
    if info.context.stopping.now:
        raise errors.UpstreamUnavailable(
            "Not attempted, nothing was sent: this gateway is stopping.",
            details={"reason": "notAttempted"},
        )
    if info.context.acts.outcome_unknown:
        raise errors.UpstreamUnavailable(
            "Not attempted, nothing was sent: the outcome of an earlier act of this operation is unknown.",
            details={"reason": "notAttempted"},
        )
    info.context.loaders.forget()
    info.context.upstream.deadline.renew()  # an earlier act may have used it up
    return info.context.upstream


class OutcomeUnknownRemembered(strawberry.ExceptionHandler[errors.OutcomeUnknown, Refusal]):
    """Notes that an act ended with its outcome unknown. It stays an error: None declines to handle it."""

    def handle(self, exception: errors.OutcomeUnknown, *, field: object, info: Info) -> None:
        info.context.acts.outcome_unknown = True


class RefusedAsData(strawberry.ExceptionHandler[errors.Refused, Refusal]):
    """The one place where the library's no becomes data: in every result that has a `Refusal`."""

    def handle(self, exception: errors.Refused, *, field: object, info: object) -> Refusal:
        return refusal(exception)

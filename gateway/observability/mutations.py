"""What came of acts: a line in the log for each, because an act that was sent happens whoever waits."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from gateway.errors import OutcomeUnknown
from gateway.observability import logs

SUCCESS = "SUCCESS"
LOCKED = "LOCKED"
CANCELLED = "CANCELLED"
INTERNAL_ERROR = "INTERNAL_ERROR"

_UNCLEAR = frozenset({OutcomeUnknown.code, CANCELLED, INTERNAL_ERROR})

log = logging.getLogger("gateway.act")


@dataclass(slots=True)
class MutationOutcome:
    """One act and what is known of it: `SUCCESS`, `LOCKED`, or the code of the error that the client gets."""

    act: str
    upstream: str
    outcome: str
    status: int | None = None


def log_mutation(act: MutationOutcome, tenant: str | None, request_id: str) -> None:
    """Write the line of an act: a warning where nobody knows whether it happened. It names no keys."""
    level = logging.WARNING if act.outcome in _UNCLEAR else logging.INFO
    if not log.isEnabledFor(level):
        return
    fields: dict[str, object] = {
        "act": act.act,
        "upstream": act.upstream,
        "outcome": act.outcome,
        "tenant": tenant,
        "requestId": request_id,
    }
    if act.status is not None:
        fields["status"] = act.status
    logs.write(log, "act", fields, level)

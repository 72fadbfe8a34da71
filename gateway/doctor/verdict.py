"""What became of one question, in a word."""

from __future__ import annotations

from enum import Enum

from gateway import errors


class Verdict(Enum):
    """The word that is printed."""

    REACHABLE = "reachable"
    NOT_CONFIGURED = "not configured"
    NOT_TRIED = "not tried"
    ABSENT = "absent"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    BAD_RESPONSE = "bad response"
    RATE_LIMITED = "rate limited"


_OF_ERRORS: tuple[tuple[type[errors.GatewayError], Verdict], ...] = (
    (errors.UpstreamNotConfigured, Verdict.NOT_CONFIGURED),
    (errors.Unauthenticated, Verdict.UNAUTHENTICATED),
    (errors.Forbidden, Verdict.FORBIDDEN),
    (errors.UpstreamRejected, Verdict.REFUSED),
    (errors.Conflict, Verdict.REFUSED),
    (errors.UpstreamTimeout, Verdict.TIMEOUT),
    (errors.UpstreamUnavailable, Verdict.UNAVAILABLE),
    (errors.UpstreamError, Verdict.FAILED),
    (errors.RateLimited, Verdict.RATE_LIMITED),
)


def verdict(error: errors.GatewayError) -> Verdict:
    """The word for a question that ended in this error.

    Without a status the caller lacks something that is needed before anything can be asked: a Polaris
    identity, or a workstation.
    """
    if isinstance(error, errors.Unauthenticated | errors.BadUserInput) and error.status is None:
        return Verdict.NOT_TRIED
    if isinstance(error, errors.UpstreamBadResponse) and error.status == 404:
        return Verdict.ABSENT
    return next((word for kind, word in _OF_ERRORS if isinstance(error, kind)), Verdict.BAD_RESPONSE)

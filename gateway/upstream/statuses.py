"""What the statuses of upstream mean, for a read and for an act."""

from __future__ import annotations

import math
from datetime import datetime

from gateway import errors
from gateway.upstream.error_bodies import kept_out_of_bff, not_routed, reasons_in, token_missing
from gateway.upstream.response import UpstreamResponse
from gateway.upstream.write import Write


def read_refusal(upstream: str, answer: UpstreamResponse) -> errors.GatewayError:
    """The error for a read that was not answered with a 2xx."""
    if answer.status == 414:
        return too_long(upstream, status=414)
    return _refusal(upstream, answer, errors.UpstreamRejected) or _failed(upstream, answer)


def write_refusal(upstream: str, act: Write, answer: UpstreamResponse) -> errors.GatewayError:
    """The error for an act that was not answered with a 2xx: a refusal only where that is certain."""
    unknown = outcome_unknown(upstream, act, answer.sent_at)
    if answer.status in (409, 412):  # from a service behind, when another may have written already
        return unknown
    if act.looks_up_afterwards and answer.status in (403, 404) and not kept_out_of_bff(answer.body):
        return unknown
    if not_routed(answer.body) and answer.status == 404:
        return errors.UpstreamUnavailable(
            f"{upstream} is not there for this tenant; nothing was done.", upstream=upstream, status=404
        )
    return _refusal(upstream, answer, errors.Refused) or unknown


def outcome_unknown(upstream: str, act: Write, sent_at: datetime) -> errors.OutcomeUnknown:
    """The error for an act that was sent and got no conclusive answer: how to look is part of it."""
    return errors.OutcomeUnknown(
        f"{act.operation} was sent to {upstream}, but no clear answer came. "
        "It may or may not have happened. Check before repeating.",
        upstream=upstream,
        details={
            "operation": act.operation,
            "keys": dict(act.keys),
            "sentAt": sent_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "verify": act.verify,
        },
    )


def not_served(upstream: str, status: int) -> errors.UpstreamBadResponse:
    """The error for a question that this upstream does not know."""
    return errors.UpstreamBadResponse(
        f"{upstream} does not serve this question here.", upstream=upstream, status=status
    )


def too_long(upstream: str, status: int | None = None) -> errors.LimitExceeded:
    """The error for a request line that is too long for us (no status) or for upstream."""
    return errors.LimitExceeded(
        f"The question is too long for {upstream}; ask for less at once.", upstream=upstream, status=status
    )


def retry_after(answer: UpstreamResponse) -> float | None:
    """Seconds of `Retry-After`; None where it is missing, a date, or no number that JSON can hold."""
    try:
        seconds = float(answer.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _refusal(
    upstream: str, answer: UpstreamResponse, rejected: type[errors.GatewayError]
) -> errors.GatewayError | None:
    """The error for a status that says for certain: refused. None for the others."""
    status = answer.status
    if status == 401 or (status == 400 and token_missing(answer.body)):
        return errors.Unauthenticated(
            f"{upstream} does not accept the token, or none was sent.", upstream=upstream, status=status
        )
    if status in (400, 422):
        reasons = reasons_in(answer.body)
        return rejected(f"{upstream} refused.", upstream=upstream, status=status, reasons=reasons)
    if status == 403:
        return errors.Forbidden(
            f"{upstream} says that this user may not do this.", upstream=upstream, status=status
        )
    if status == 404 and not not_routed(answer.body):
        return errors.NotFound(f"{upstream} has no such record.", upstream=upstream, status=status)
    if status in (409, 412):
        return errors.Conflict(
            f"{upstream} says that the record changed or is in use.", upstream=upstream, status=status
        )
    if status == 429:
        return errors.RateLimited(
            f"{upstream} wants fewer requests.",
            upstream=upstream,
            status=status,
            retry_after=retry_after(answer),
        )
    return None


def _failed(upstream: str, answer: UpstreamResponse) -> errors.GatewayError:
    status = answer.status
    if status == 408:  # the sidecar's read_timeout_error
        return errors.UpstreamTimeout(f"{upstream} did not answer in time.", upstream=upstream, status=status)
    if status in (502, 503, 504):
        return errors.UpstreamUnavailable(
            f"{upstream} is not ready.", upstream=upstream, status=status, retry_after=retry_after(answer)
        )
    if status >= 500:
        return errors.UpstreamError(f"{upstream} failed.", upstream=upstream, status=status)
    return not_served(upstream, status)

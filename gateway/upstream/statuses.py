"""The meaning of upstream's response statuses, for reads and for writes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from gateway import errors
from gateway.upstream.error_bodies import (
    has_folio_errors,
    is_not_routed,
    is_route_missing,
    is_token_missing,
    missing_permission,
    read_reasons,
)
from gateway.upstream.transport.exchange import UpstreamResponse

MAX_RETRY_AFTER_TEXT = 64  # characters; the longest form of a date has 33


class Write(NamedTuple):
    """A write as its caller identifies it, so that an unknown outcome can be verified.

    `keys` are the caller's own (barcodes, ids); `verify` is the query that shows the outcome.
    `reads_afterwards` is true if upstream writes first and reads afterwards, so that a status may be that of
    a later read and does not prove that nothing was written (mod-circulation-bff, CheckInServiceImpl).
    `is_own_404` recognizes the service's own body of a 404; any other one proves nothing. `own_texts` are the
    beginnings of the plain texts with which the service refuses: the client receives these, and no others.
    `is_late` recognizes the body of a 422 that the service sends after it has written.
    """

    operation: str
    keys: Mapping[str, str | int]
    verify: str
    reads_afterwards: bool = False
    is_own_404: Callable[[bytes], bool] | None = None
    own_texts: tuple[str, ...] = ()
    is_late: Callable[[bytes], bool] | None = None


class WriteTarget(NamedTuple):
    """The route of a write as it is sent, to compare with the route that an error body names.

    `family` is that of the route. `token_expires` is in seconds since 1970; None without a token, or if it
    cannot be read.
    """

    method: str
    path: str
    family: str
    base_path: str = ""
    permission: str | None = None
    token_expires: float | None = None

    @property
    def paths(self) -> tuple[str, str]:
        """The path as upstream may see it: a proxy in front may remove the path of the base URL."""
        return self.path, self.base_path + self.path

    def expired_during_call(self, sent_at: datetime) -> bool:
        """Return True if the token expired after the call was sent."""
        return self.token_expires is not None and sent_at.timestamp() < self.token_expires <= time.time()


def read_status_error(upstream: str, response: UpstreamResponse) -> errors.GatewayError:
    """Return the error for a read whose response is not a 2xx."""
    if response.status == 414:
        return request_too_long(upstream, status=414)
    return _rejection(upstream, response, errors.UpstreamRejected) or _failure(upstream, response)


def write_status_error(
    upstream: str, write: Write, target: WriteTarget, response: UpstreamResponse
) -> errors.GatewayError:
    """Return the error for a write whose response is not a 2xx: a rejection only if that is certain."""
    status = response.status
    permission = target.permission if status == 403 else None
    unknown = outcome_unknown(upstream, write, response.sent_at, permission)
    if status in (409, 412):  # from a service behind this one, after another may have written
        return unknown
    if status == 401 and target.expired_during_call(response.sent_at):
        return unknown
    if write.reads_afterwards and not _is_before_write(target, response):
        return unknown
    if status == 422 and write.is_late is not None and write.is_late(response.body):
        return unknown
    if status == 404 and write.is_own_404 is not None and not write.is_own_404(response.body):
        return unknown
    if status == 404 and is_not_routed(response.body):
        return errors.UpstreamUnavailable(
            f"{upstream} is not available for this tenant; nothing was written.",
            upstream=upstream,
            status=404,
        )
    return _rejection(upstream, response, errors.Refused, write.own_texts) or unknown


def _is_before_write(target: WriteTarget, response: UpstreamResponse) -> bool:
    """Return True if a status is that of the write itself, and not of a read that upstream sent after it.

    The sidecar's 403 has one text for every route, and a 429 or a bare 400 may come from any service.
    """
    status, body = response.status, response.body
    if status == 403 or (status == 400 and is_token_missing(body)):
        return target.permission is not None and missing_permission(body) == target.permission
    if status == 404:
        return is_route_missing(body, target.method, target.paths)
    if status == 400:
        return has_folio_errors(body)
    return status != 429


def outcome_unknown(
    upstream: str, write: Write, sent_at: datetime, permission: str | None = None
) -> errors.OutcomeUnknown:
    """Return the error for a write without a conclusive response, with the way to verify it."""
    return errors.OutcomeUnknown(
        f"{write.operation} was sent to {upstream}, but no conclusive response was received. "
        "It may or may not have been executed. Verify before repeating it.",
        sent_at=sent_at,
        permission=permission,
        upstream=upstream,
        details={
            "operation": write.operation,
            "keys": dict(write.keys),
            "sentAt": sent_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "verify": write.verify,
        },
    )


def not_served(upstream: str, status: int) -> errors.UpstreamBadResponse:
    """Return the error for a route that this upstream does not serve."""
    return errors.UpstreamBadResponse(
        f"{upstream} does not serve this request here.", upstream=upstream, status=status
    )


def request_too_long(upstream: str, status: int | None = None) -> errors.LimitExceeded:
    """Return the error for a request line that is too long for the gateway (no status) or for upstream."""
    return errors.LimitExceeded(
        f"The request is too long for {upstream}; request less at once.", upstream=upstream, status=status
    )


def retry_after(response: UpstreamResponse) -> float | None:
    """Return the seconds of `Retry-After`, a number or an HTTP date; None if it is neither.

    A date is read in each of its three forms (RFC 9110, section 5.6.7) and compared with the clock of this
    machine; one that is over means zero.
    """
    text = response.headers.get("retry-after", "")[:MAX_RETRY_AFTER_TEXT]
    try:
        seconds = float(text)
    except ValueError:
        return _seconds_until(text)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:  # the third form names no zone
            moment = moment.replace(tzinfo=UTC)
        return float(max(math.ceil(moment.timestamp() - time.time()), 0))
    except (ValueError, OverflowError):
        return None


def _rejection(
    upstream: str,
    response: UpstreamResponse,
    rejected: type[errors.GatewayError],
    own_texts: tuple[str, ...] = (),
) -> errors.GatewayError | None:
    """Return the error for a status that is a certain rejection; None for the others."""
    status = response.status
    if status == 401 or (status == 400 and is_token_missing(response.body)):
        return errors.Unauthenticated(
            f"{upstream} does not accept the token, or none was sent.", upstream=upstream, status=status
        )
    if status in (400, 422):
        reasons = read_reasons(response.body, own_texts)
        return rejected(
            f"{upstream} rejected the request.", upstream=upstream, status=status, reasons=reasons
        )
    if status == 403:
        return errors.Forbidden(
            f"{upstream} does not permit this to the user.", upstream=upstream, status=status
        )
    if status == 404 and not is_not_routed(response.body):
        return errors.NotFound(f"{upstream} has no such record.", upstream=upstream, status=status)
    if status in (409, 412):
        return errors.Conflict(
            f"{upstream} reports that the record changed or is in use.", upstream=upstream, status=status
        )
    if status == 429:
        return errors.RateLimited(
            f"{upstream} limits the rate of requests.",
            upstream=upstream,
            status=status,
            retry_after=retry_after(response),
        )
    return None


def _failure(upstream: str, response: UpstreamResponse) -> errors.GatewayError:
    status = response.status
    if status == 408:  # the sidecar's read_timeout_error
        return errors.UpstreamTimeout(
            f"{upstream} did not respond in time.", upstream=upstream, status=status
        )
    if status in (502, 503, 504):
        return errors.UpstreamUnavailable(
            f"{upstream} is not ready.", upstream=upstream, status=status, retry_after=retry_after(response)
        )
    if status >= 500:
        return errors.UpstreamError(f"{upstream} failed.", upstream=upstream, status=status)
    return not_served(upstream, status)

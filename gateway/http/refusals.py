"""The HTTP statuses and headers of requests that are refused as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.engine.operations import MutationNotAllowed
from gateway.engine.subscriptions import EventStreamRequired
from gateway.errors import (
    GatewayError,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    Overloaded,
    RateLimited,
    Unauthenticated,
    UpstreamUnavailable,
)
from gateway.http.request import HTTPError

_STATUSES: tuple[tuple[type[GatewayError], int], ...] = (
    (Unauthenticated, 401),
    (IdempotencyKeyInUse, 409),
    (IdempotencyKeyReused, 422),
    (RateLimited, 429),
    (Overloaded, 503),
    (UpstreamUnavailable, 503),
)
"""The statuses of requests that are refused as a whole, for reasons that are not in the request itself."""


def refuse_request(error: Exception) -> tuple[int, Exception, Sequence[tuple[bytes, bytes]]]:
    """Return the status, the error and further headers of a request that is refused as a whole."""
    if isinstance(error, MutationNotAllowed):
        error = HTTPError(405, "A mutation must be sent by POST.", (b"allow", b"POST"))
    if isinstance(error, EventStreamRequired):
        error = HTTPError(406, "The results of a subscription are sent as text/event-stream.")
    if isinstance(error, HTTPError):
        return error.status, error.error, error.headers
    # These are not about the document, so that clients of plain JSON receive them too.
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), None)
    if status is None:
        return 400 if isinstance(error, GatewayError) else 500, error, ()
    assert isinstance(error, GatewayError)  # noqa: S101 - all of `_STATUSES` are
    headers = [] if error.retry_after is None else [(b"retry-after", b"%d" % (error.retry_after or 1))]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, Overloaded):  # the rest of the body is in transit, and is not read
        headers.append((b"connection", b"close"))
    return status, error, headers

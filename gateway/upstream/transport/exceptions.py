"""The exceptions of the transports, translated to the gateway's errors by a complete table."""

from __future__ import annotations

import httpx

from gateway import errors
from gateway.upstream.transport.connection_failures import connection_failure

# Everything that a transport may raise. An application in this process raises the OSError itself.
TRANSPORT_ERRORS = (httpx.HTTPError, OSError)


# The connection was not opened or did not last. A read may then be retried if no byte of the body arrived.
CONNECTION_ERRORS = (
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    httpx.ConnectTimeout,
    OSError,
)


# The error and its message for each exception; the most specific row wins.
TRANSLATIONS: dict[type[Exception], tuple[type[errors.GatewayError], str]] = {
    httpx.ConnectTimeout: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.PoolTimeout: (errors.UpstreamUnavailable, "is busy"),
    httpx.TimeoutException: (errors.UpstreamTimeout, "did not respond in time"),
    httpx.ConnectError: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.NetworkError: (errors.UpstreamUnavailable, "closed the connection"),
    httpx.ProtocolError: (errors.UpstreamUnavailable, "aborted its response"),
    httpx.ProxyError: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.UnsupportedProtocol: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.DecodingError: (errors.UpstreamBadResponse, "sent a response that cannot be decompressed"),
    httpx.TooManyRedirects: (errors.UpstreamBadResponse, "redirects"),
    httpx.HTTPStatusError: (errors.UpstreamBadResponse, "sent an unexpected status"),
    httpx.HTTPError: (errors.UpstreamUnavailable, "could not be called"),
    OSError: (errors.UpstreamUnavailable, "closed the connection"),
}


def read_error(upstream: str, problem: Exception) -> errors.GatewayError:
    """Return the error for a read that ended with an exception of `TRANSPORT_ERRORS`.

    It has a note for operators with the reason, if no connection was opened. Clients do not receive notes.
    """
    kind, message = next(TRANSLATIONS[each] for each in type(problem).__mro__ if each in TRANSLATIONS)
    error = kind(f"{upstream} {message}.", upstream=upstream)
    if reason := connection_failure(problem):
        error.add_note(f"{upstream} cannot be reached: {reason}.")
    return error


def is_unsent(problem: Exception) -> bool:
    """Return True if it is certain that no byte of the request was sent."""
    certain = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol
    return isinstance(problem, certain)


def is_timeout(problem: Exception) -> bool:
    """Return True if a timer of this process ran out."""
    return isinstance(problem, TimeoutError | httpx.TimeoutException)


def is_pool_full(problem: Exception) -> bool:
    """Return True if the transport itself had no connection to spare, in which upstream has no part."""
    return isinstance(problem, httpx.PoolTimeout)

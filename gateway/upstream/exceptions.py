"""The exceptions of the transports, and what each becomes here: a table, checked for completeness."""

from __future__ import annotations

import httpx

from gateway import errors

# All that a transport may raise. An application in this process breaks off with the OSError itself.
FOREIGN = (httpx.HTTPError, OSError)


# The connection was not made or did not last. Whether the question may be asked again is then a matter of how
# much of the answer had come.
BROKEN_OFF = (
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    httpx.ConnectTimeout,
    OSError,
)


# From their exceptions to ours; the most specific row wins.
TRANSLATIONS: dict[type[Exception], tuple[type[errors.GatewayError], str]] = {
    httpx.ConnectTimeout: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.PoolTimeout: (errors.UpstreamUnavailable, "is busy"),
    httpx.TimeoutException: (errors.UpstreamTimeout, "did not answer in time"),
    httpx.ConnectError: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.NetworkError: (errors.UpstreamUnavailable, "closed the connection"),
    httpx.ProtocolError: (errors.UpstreamUnavailable, "broke off its answer"),
    httpx.ProxyError: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.UnsupportedProtocol: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.DecodingError: (errors.UpstreamBadResponse, "sent an answer that cannot be decompressed"),
    httpx.TooManyRedirects: (errors.UpstreamBadResponse, "redirects"),
    httpx.HTTPStatusError: (errors.UpstreamBadResponse, "gave an unexpected status"),
    httpx.HTTPError: (errors.UpstreamUnavailable, "could not be asked"),
    OSError: (errors.UpstreamUnavailable, "closed the connection"),
}


def read_failure(upstream: str, problem: Exception) -> errors.GatewayError:
    """The error for a read that ended with an exception of `FOREIGN`."""
    kind, said = next(TRANSLATIONS[each] for each in type(problem).__mro__ if each in TRANSLATIONS)
    return kind(f"{upstream} {said}.", upstream=upstream)


def never_sent(problem: Exception) -> bool:
    """Whether it is certain that not a byte of the request went out."""
    certain = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol
    return isinstance(problem, certain)

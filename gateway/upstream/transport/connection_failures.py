"""The reason why no connection to an upstream could be opened, for its operator.

Clients learn only that the upstream cannot be reached.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import httpx

REPEAT_AFTER = 60.0  # seconds until the same reason is logged again

# OpenSSL's codes for a certificate without a trusted authority: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
# ..._DEPTH_ZERO_SELF_SIGNED_CERT, ..._SELF_SIGNED_CERT_IN_CHAIN, ..._UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
# ..._UNABLE_TO_VERIFY_LEAF_SIGNATURE and ..._CERT_UNTRUSTED
_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 27})

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})

log = logging.getLogger(__name__)


def connection_failure(problem: BaseException) -> str | None:
    """Return the reason why no connection was opened, None if one was or if this is no such error.

    `problem` is an exception of a transport, as it was raised: its causes are searched, because each library
    wraps those of the one below. The reason has no address.
    """
    causes = list(_causes(problem))
    if not any(isinstance(each, httpx.ConnectError | httpx.ConnectTimeout) for each in causes):
        return None
    for cause in reversed(causes):
        reason = _reason(cause)
        if reason is not None:
            return reason
    if any(isinstance(each, httpx.ConnectTimeout) for each in causes):
        return "it did not accept a connection within CONNECT_TIMEOUT"
    return "the connection failed"


def _reason(cause: BaseException) -> str | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        hint = "; SSL_CERT_FILE names the trusted authorities" if cause.verify_code in _UNTRUSTED else ""
        return f"its certificate is not accepted: {cause.verify_message.rstrip('.')}{hint}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or type(cause).__name__}"
    if isinstance(cause, socket.gaierror):
        return "its host name cannot be resolved"
    if isinstance(cause, ConnectionRefusedError):
        return "its port refuses connections"
    if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
        return f"its address cannot be reached: {os.strerror(cause.errno)}"
    return None


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, what it wraps, and so on; the original exception comes last."""
    pending = [problem]
    visited: set[int] = set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in visited:
            continue
        visited.add(id(each))
        yield each
        pending += (each.__context__, each.__cause__)
        if isinstance(each, BaseExceptionGroup):
            pending += each.exceptions


class ConnectionFailureLog:
    """Logs why an upstream cannot be reached: each reason once a minute, whatever the number of calls."""

    def __init__(self, upstream: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream = upstream
        self._clock = clock
        self._logged: dict[str, float] = {}

    def add(self, problem: Exception) -> None:
        """Log the reason of this exception of a transport, if no connection was opened."""
        reason = connection_failure(problem)
        if reason is None:
            return
        now = self._clock()
        if now >= self._logged.get(reason, -REPEAT_AFTER) + REPEAT_AFTER:
            self._logged = {each: at for each, at in self._logged.items() if now < at + REPEAT_AFTER}
            self._logged[reason] = now
            log.warning("%s cannot be reached: %s", self._upstream, reason)

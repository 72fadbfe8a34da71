"""The open event streams of a process: their numbers, their lines in the log, and their end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from time import perf_counter
from typing import get_args

from starlette.types import Receive, Scope, Send

from gateway.errors import GatewayError, LimitExceeded, Overloaded
from gateway.http.event_stream import HEADERS, HEARTBEAT_SECONDS, Ended, EventStream, Results
from gateway.http.middleware.load_shedding import Admission
from gateway.identity import RAW_REQUEST_ID_HEADER, Caller
from gateway.observability import logs
from gateway.observability.counters import ProcessCounter, ProcessGauge

RETRY_AFTER = 5  # seconds

OPEN = ProcessGauge("gateway_subscriptions_open", "Subscriptions that are open.")
STARTED = ProcessCounter("gateway_subscriptions_started", "Subscriptions that were opened.")
ENDED = ProcessCounter(
    "gateway_subscriptions_ended", "Subscriptions that have ended, by reason.", "reason", get_args(Ended)
)
REFUSED = ProcessCounter(
    "gateway_subscriptions_refused",
    "Subscriptions refused because of MAX_SUBSCRIPTIONS or MAX_USER_SUBSCRIPTIONS.",
    "limit",
    ("process", "user"),
)

log = logging.getLogger("gateway.subscription")


class OpenStreams:
    """The open event streams, which are limited per process and per user."""

    def __init__(
        self, *, maximum: int = 500, user_maximum: int = 100, heartbeat: float = HEARTBEAT_SECONDS
    ) -> None:
        """`maximum` and `user_maximum` are MAX_SUBSCRIPTIONS and MAX_USER_SUBSCRIPTIONS."""
        self.maximum = maximum
        self.user_maximum = user_maximum
        self._heartbeat = heartbeat
        self._open: set[OpenStream] = set()
        self._of_users: Counter[str] = Counter()
        self._is_stopped = False

    async def admit(
        self, results: Results, caller: Caller, operation: str | None, users: Sequence[str]
    ) -> OpenStream:
        """Return a stream, which counts as open and is served next. `users` are the keys of its user.

        Raises `Overloaded`, and `LimitExceeded` for its user, after closing the results.
        """
        if (refusal := self._check(users)) is not None:
            await results.aclose()
            raise refusal
        events = EventStream(results, caller.request_id, heartbeat=self._heartbeat)
        stream = OpenStream(self, users, events, caller, operation)
        self._open.add(stream)
        self._of_users.update(users)
        STARTED.add()
        OPEN.add()
        if self._is_stopped:
            stream.stop()
        return stream

    def _check(self, users: Sequence[str]) -> GatewayError | None:
        """Return the reason why a user can have no further stream, if there is one."""
        if len(self._open) >= self.maximum:
            REFUSED.add("process")
            return Overloaded(
                f"The gateway has MAX_SUBSCRIPTIONS of {self.maximum} open subscriptions.",
                retry_after=RETRY_AFTER,
                details={"limit": "MAX_SUBSCRIPTIONS", "maximum": self.maximum},
            )
        if any(self._of_users[each] >= self.user_maximum for each in users):
            REFUSED.add("user")
            return LimitExceeded(
                f"The user has MAX_USER_SUBSCRIPTIONS of {self.user_maximum} open subscriptions.",
                details={"limit": "MAX_USER_SUBSCRIPTIONS", "maximum": self.user_maximum},
            )
        return None

    def remove(self, stream: OpenStream) -> None:
        """Count a stream as one that has ended."""
        self._open.discard(stream)
        for user in stream.users:
            self._of_users[user] -= 1
            if not self._of_users[user]:
                del self._of_users[user]
        OPEN.remove()

    def stop(self) -> None:
        """End all streams, and those that are admitted later, because the process stops."""
        self._is_stopped = True
        for each in tuple(self._open):
            each.stop()


class OpenStream:
    """One open stream, and what its line in the log says."""

    __slots__ = ("_stream", "_streams", "operation", "request_id", "started", "tenant", "users")

    def __init__(
        self,
        streams: OpenStreams,
        users: Sequence[str],
        stream: EventStream,
        caller: Caller,
        operation: str | None,
    ) -> None:
        self._streams = streams
        self._stream = stream
        self.users = users
        self.tenant = caller.tenant
        self.request_id = caller.request_id
        self.operation = operation
        self.started = perf_counter()

    def stop(self) -> None:
        """End the stream, because the process stops."""
        self._stream.stop()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response until its end. It is no operation in flight after its first byte."""
        headers = [*HEADERS, (RAW_REQUEST_ID_HEADER, self.request_id.encode("ascii"))]
        admission: Admission | None = scope.get("admission")
        opened = (lambda: None) if admission is None else admission.leave
        ended: Ended = "stopped"  # also if the server cancels the request
        try:
            ended = await self._stream.send(receive, send, headers, opened)
        finally:
            self._streams.remove(self)
            ENDED.add(ended)
            self._log(ended)

    def _log(self, ended: Ended) -> None:
        if log.isEnabledFor(logging.INFO):
            fields: dict[str, object] = {
                "requestId": self.request_id,
                "tenant": self.tenant,
                "operation": self.operation,
                "ended": ended,
                "results": self._stream.sent,
                "durationMs": round((perf_counter() - self.started) * 1000, 3),
            }
            logs.write(log, "subscription", fields)

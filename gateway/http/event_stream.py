"""Server-Sent Events: the protocol of npm's graphql-sse, in which each operation has its own connection.

An event `next` has a result, and the event `complete` ends the stream. The field `retry` is never sent: older
versions of graphql-sse fail on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import random
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from msgspec import UNSET
from starlette.types import Receive, Send

from gateway.engine.error_masking import mask_exception
from gateway.engine.response_body import GraphQLResponse, encode
from gateway.http.middleware.security_headers import SECURITY_HEADERS, Header
from gateway.http.request import wait_for_disconnect
from gateway.observability.counters import ProcessCounter

HEARTBEAT_SECONDS = 15.0  # of silence: proxies close a connection on which nothing was sent for a minute
TICKS = 60  # moments in that time: many streams have their heartbeats in one turn of the event loop
HEARTBEAT = b":\n\n"  # a comment
COMPLETE = b"event: complete\ndata:\n\n"  # without `data` browsers ignore an event
RESUME_AFTER = "resumeAfter"  # the extension of a result, and of the request that resumes after it

HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"vary", b"Accept"),
    *SECURITY_HEADERS,
    (b"x-accel-buffering", b"no"),  # for proxies: pass each event on at once
)

RESULTS = ProcessCounter("gateway_subscription_results", "Results sent to subscribers.")


Ended: TypeAlias = Literal["completed", "disconnected", "failed", "stopped"]
"""The end of a stream: there are no more results, the client has closed it, an unexpected exception in the
gateway, or the process stops."""


class Results(Protocol):
    """The results of a subscription, each with its id if a client can resume after it."""

    def __anext__(self) -> Awaitable[tuple[str | None, GraphQLResponse]]: ...

    async def aclose(self) -> None: ...


def frame_result(pieces: Sequence[bytes], event_id: str | None = None) -> list[bytes]:
    """Frame the JSON of a result, which has no line breaks, as an event."""
    name = b"event: next\ndata: "
    return [name if event_id is None else b"id: %b\n%b" % (event_id.encode("ascii"), name), *pieces, b"\n\n"]


def encode_result(event_id: str | None, response: GraphQLResponse) -> bytes:
    """Return a result as an event.

    Its id is in its extensions too, for clients that cannot read the ids of events.
    """
    if event_id is not None:
        given = {} if response.extensions is UNSET else response.extensions
        response = msgspec.structs.replace(response, extensions={**given, RESUME_AFTER: event_id})
    return b"".join(frame_result([encode(response)], event_id))


def frame_only_result(pieces: Sequence[bytes]) -> list[bytes]:
    """Frame the JSON of the response to a query or a mutation as a stream that ends with it."""
    return [*frame_result(pieces), COMPLETE]


class EventStream:
    """One open stream: the results of a subscription until they end, its client leaves, or it is stopped.

    While the client does not read, no further result is taken, so that the changes behind them are merged.
    """

    __slots__ = ("_heartbeat", "_is_stopped", "_results", "_silence", "_waiting", "request_id", "sent")

    def __init__(self, results: Results, request_id: str, *, heartbeat: float) -> None:
        """`heartbeat` is the longest silence in seconds."""
        self._results = results
        self._heartbeat = heartbeat
        # Streams that begin together have their heartbeats at different times, none just after the start.
        self._silence = heartbeat * (1 + random()) / 2  # noqa: S311 - no secret
        self._waiting: asyncio.Future[None] | None = None
        self._is_stopped = False
        self.request_id = request_id
        self.sent = 0  # results

    def stop(self) -> None:
        """End the stream after what is being sent, because the process stops."""
        self._is_stopped = True
        self._wake()

    async def send(
        self, receive: Receive, send: Send, headers: list[Header], opened: Callable[[], None]
    ) -> Ended:
        """Send the response. `opened` is called after its first byte."""
        disconnected = asyncio.create_task(wait_for_disconnect(receive))
        disconnected.add_done_callback(self._wake)
        result: asyncio.Future[tuple[str | None, GraphQLResponse]] | None = None
        ended: Ended | None = None
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            # Some proxies and clients wait for the first byte of the body.
            await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
            opened()
            while ended is None:
                if result is None:
                    result = asyncio.ensure_future(self._results.__anext__())
                    result.add_done_callback(self._wake)
                if not (result.done() or disconnected.done() or self._is_stopped):
                    await self._wait()
                event = HEARTBEAT
                if disconnected.done():
                    return "disconnected"
                if result.done():
                    event, ended = self._take(result)
                    result = None
                elif self._is_stopped:
                    event, ended = b"", "stopped"
                if ended is not None:
                    event += COMPLETE
                await send({"type": "http.response.body", "body": event, "more_body": ended is None})
            return ended
        finally:
            disconnected.cancel()
            if result is not None and not result.done():
                result.cancel()
                await asyncio.wait((result,))
            await self._results.aclose()

    def _take(self, result: asyncio.Future[tuple[str | None, GraphQLResponse]]) -> tuple[bytes, Ended | None]:
        """Return the event of a result, and how the stream ends with it if it does."""
        try:
            event = encode_result(*result.result())
        except StopAsyncIteration:
            return b"", "completed"
        except Exception as error:
            masked = mask_exception(error, self.request_id)
            return b"".join(frame_result([encode({"errors": [masked]})])), "failed"
        self.sent += 1
        RESULTS.add()
        return event, None

    async def _wait(self) -> None:
        """Wait for a result, the disconnect, the stop or the time of a heartbeat."""
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        at = loop.time() + self._silence
        timer = loop.call_at(at - at % (self._heartbeat / TICKS), self._wake)
        self._silence = self._heartbeat
        try:
            await self._waiting
        finally:
            self._waiting = None
            timer.cancel()

    def _wake(self, _: Any = None) -> None:  # Any: the task that is done
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

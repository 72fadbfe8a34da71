"""Open event streams: their events, heartbeats, limits and ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from gateway.engine.rate_limit import user_keys
from gateway.engine.response_body import GraphQLResponse
from gateway.errors import LimitExceeded, Overloaded
from gateway.http.event_stream import TICKS
from gateway.http.middleware.load_shedding import LoadShedding
from gateway.http.open_streams import ENDED, OPEN, REFUSED, STARTED, OpenStream, OpenStreams
from gateway.identity import Caller
from tests.http.event_stream import Event, events_of
from tests.observability.log_lines import logged

pytestmark = pytest.mark.anyio

COMPLETE = Event("complete", None)
LONG = 100.0  # seconds between heartbeats
Result = tuple[str | None, GraphQLResponse]


def result(number: int, event_id: str | None = None) -> Result:
    """Return a result with a number as its data."""
    return event_id, GraphQLResponse(data={"number": number})


class Results:
    """The results of a subscription, which the test provides."""

    def __init__(self, *given: Result | Exception) -> None:
        self.given: asyncio.Queue[Result | Exception] = asyncio.Queue()
        for each in given:
            self.given.put_nowait(each)
        self.taken = 0
        self.closed = 0

    def end(self) -> None:
        self.given.put_nowait(StopAsyncIteration())

    async def __anext__(self) -> Result:
        each = await self.given.get()
        self.taken += 1
        if isinstance(each, Exception):
            raise each
        return each

    async def aclose(self) -> None:
        self.closed += 1


class Subscriber:
    """A client of one stream, which reads only while `reads` is set."""

    def __init__(self, stream: OpenStream, results: Results) -> None:
        self.results = results
        self.stream = stream
        self.tasks = asyncio.all_tasks()
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.received = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.head: Message = {}
        self.body = b""
        self.is_complete = False

    @classmethod
    async def of(cls, streams: OpenStreams, results: Results, token: str | None = None) -> Subscriber:
        caller = Caller(tenant="diku", token=token, request_id="7/graphql")
        users = user_keys(caller, calls_polaris=False)
        return cls(await streams.admit(results, caller, "Queue", users), results)

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.stream.serve({}, self.messages.get, self._send))

    def disconnect(self) -> None:
        self.messages.put_nowait({"type": "http.disconnect"})

    async def read(self, ending: bytes) -> None:
        """Wait until the body has this ending."""
        async with asyncio.timeout(10):
            while not self.body.endswith(ending):
                self.received.clear()
                await self.received.wait()

    async def left_behind(self) -> set[asyncio.Task[Any]]:
        await asyncio.sleep(0)
        return {task for task in asyncio.all_tasks() - self.tasks if not task.done()}

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.head = message
            return
        self.body += message["body"]
        self.is_complete = not message["more_body"]
        self.received.set()


@pytest.fixture(name="streams")
def _streams() -> OpenStreams:
    return OpenStreams(maximum=3, user_maximum=2, heartbeat=LONG)


async def test_results_until_their_end(streams: OpenStreams) -> None:
    """Each result is an event with its id, which is in its extensions too; the last event is `complete`."""
    results = Results(result(1), result(2, "MTI"))
    results.given.put_nowait(("MTM", GraphQLResponse(data=None, extensions={"outcome": "confirmed"})))
    results.end()
    subscriber = await Subscriber.of(streams, results)
    started, ended = STARTED.counts[""], ENDED.counts["completed"]
    assert OPEN.counts[""] == 1

    with logged() as lines:
        await subscriber.start()

    assert events_of(subscriber.body) == [
        Event("next", {"data": {"number": 1}}),
        Event("next", {"data": {"number": 2}, "extensions": {"resumeAfter": "MTI"}}, "MTI"),
        Event("next", {"data": None, "extensions": {"outcome": "confirmed", "resumeAfter": "MTM"}}, "MTM"),
        COMPLETE,
    ]
    headers = dict(subscriber.head["headers"])
    assert subscriber.head["status"] == 200
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-accel-buffering"] == b"no"
    assert headers[b"x-okapi-request-id"] == b"7/graphql"
    assert subscriber.is_complete
    assert results.closed == 1
    assert (STARTED.counts[""], ENDED.counts["completed"], OPEN.counts[""]) == (started, ended + 1, 0)
    assert await subscriber.left_behind() == set()
    (line,) = lines.all
    assert line.pop("durationMs") > 0
    del line["timestamp"]
    assert line == {
        "level": "info",
        "logger": "gateway.subscription",
        "event": "subscription",
        "requestId": "7/graphql",
        "tenant": "diku",
        "operation": "Queue",
        "ended": "completed",
        "results": 3,
    }


async def test_the_head_does_not_wait(streams: OpenStreams) -> None:
    """Head and first byte are sent before there is a result."""
    subscriber = await Subscriber.of(streams, Results())
    task = subscriber.start()

    await subscriber.read(b":\n\n")

    assert (subscriber.head["status"], subscriber.body) == (200, b":\n\n")
    subscriber.disconnect()
    await task


async def test_heartbeats() -> None:
    """A stream without results has comments, which are no events."""
    subscriber = await Subscriber.of(OpenStreams(heartbeat=0.01), Results())
    task = subscriber.start()

    await subscriber.read(b":\n\n" * 3)
    subscriber.results.given.put_nowait(result(1))
    subscriber.results.end()
    await task

    assert events_of(subscriber.body) == [Event("next", {"data": {"number": 1}}), COMPLETE]


async def test_first_heartbeats() -> None:
    """Streams that begin together have their first heartbeats at different times, after half the silence."""
    heartbeat = 0.5
    earliest = heartbeat / 2 - heartbeat / TICKS
    loop = asyncio.get_running_loop()
    streams = OpenStreams(maximum=50, heartbeat=heartbeat)
    times = []

    async def first_heartbeat() -> None:
        subscriber = await Subscriber.of(streams, Results())
        started = loop.time()
        task = subscriber.start()
        await subscriber.read(b":\n\n" * 2)
        times.append(loop.time() - started)
        subscriber.disconnect()
        await task

    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(first_heartbeat())

    assert min(times) >= earliest
    assert max(times) - min(times) > heartbeat / 10


async def test_a_disconnect_ends_the_stream(streams: OpenStreams) -> None:
    """When the client leaves, its results are closed at once, and nothing more is sent."""
    subscriber = await Subscriber.of(streams, Results())
    disconnected = ENDED.counts["disconnected"]
    task = subscriber.start()
    await subscriber.read(b":\n\n")

    subscriber.disconnect()
    await task

    assert (subscriber.results.closed, subscriber.body, subscriber.is_complete) == (1, b":\n\n", False)
    assert ENDED.counts["disconnected"] == disconnected + 1
    assert await subscriber.left_behind() == set()


async def test_the_stop_of_the_process(streams: OpenStreams) -> None:
    """When the process stops, open streams end with `complete`, and those that begin later at once."""
    subscriber = await Subscriber.of(streams, Results())
    task = subscriber.start()
    await subscriber.read(b":\n\n")

    streams.stop()
    await task
    later = await Subscriber.of(streams, Results())
    await later.start()

    for each in (subscriber, later):
        assert (events_of(each.body), each.is_complete, each.results.closed) == ([COMPLETE], True, 1)


async def test_cancellation_by_the_server(streams: OpenStreams) -> None:
    """A request that the server cancels releases everything too."""
    subscriber = await Subscriber.of(streams, Results())
    task = subscriber.start()
    await subscriber.read(b":\n\n")

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (subscriber.results.closed, OPEN.counts[""]) == (1, 0)
    assert await subscriber.left_behind() == set()


async def test_an_unexpected_exception(streams: OpenStreams) -> None:
    """An exception of the gateway ends the stream with an error that does not show its text."""
    subscriber = await Subscriber.of(streams, Results(result(1), RuntimeError("Abebe")))

    await subscriber.start()

    first, second, end = events_of(subscriber.body)
    (error,) = second.data["errors"]
    assert (first.data, end) == ({"data": {"number": 1}}, COMPLETE)
    assert (error["extensions"]["code"], error["extensions"]["requestId"]) == ("INTERNAL_ERROR", "7/graphql")
    assert b"Abebe" not in subscriber.body
    assert subscriber.results.closed == 1


async def test_a_client_that_does_not_read(streams: OpenStreams) -> None:
    """While the client does not read, no further result is taken."""
    subscriber = await Subscriber.of(streams, Results(result(1)))
    task = subscriber.start()
    await subscriber.read(b"\n\n")
    subscriber.reads.clear()

    for number in range(2, 6):
        subscriber.results.given.put_nowait(result(number))
    for _ in range(10):
        await asyncio.sleep(0)

    assert subscriber.results.taken <= 2
    subscriber.reads.set()
    subscriber.results.end()
    await task
    assert [each.data["data"]["number"] for each in events_of(subscriber.body)[:-1]] == [1, 2, 3, 4, 5]


async def test_the_limits(streams: OpenStreams) -> None:
    """Streams beyond the limits of a user and of the process are refused, until others have ended."""
    open_streams = [await Subscriber.of(streams, Results(), token) for token in ("one", "one", "two")]
    refused = dict(REFUSED.counts)

    with pytest.raises(Overloaded) as of_process:
        await Subscriber.of(streams, refused_results := Results(), "two")
    assert refused_results.closed == 1
    assert of_process.value.extensions == {
        "code": "OVERLOADED",
        "retryable": True,
        "retryAfter": 5,
        "limit": "MAX_SUBSCRIPTIONS",
        "maximum": 3,
    }
    open_streams[2].results.end()
    await open_streams.pop().start()
    with pytest.raises(LimitExceeded) as of_user:
        await Subscriber.of(streams, Results(), "one")
    assert of_user.value.extensions == {
        "code": "LIMIT_EXCEEDED",
        "retryable": False,
        "limit": "MAX_USER_SUBSCRIPTIONS",
        "maximum": 2,
    }
    assert REFUSED.counts == {"process": refused["process"] + 1, "user": refused["user"] + 1}
    open_streams.append(await Subscriber.of(streams, Results(), "two"))

    streams.stop()
    await asyncio.gather(*(each.start() for each in open_streams))
    assert OPEN.counts[""] == 0


async def test_a_stream_is_no_operation_in_flight() -> None:
    """A stream counts against MAX_OPERATIONS until its first byte, and no longer."""
    streams = OpenStreams(heartbeat=LONG)
    subscriber = await Subscriber.of(streams, Results())
    in_flight: list[int] = []

    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        in_flight.append(shedding.in_flight)
        await subscriber.stream.serve(scope, receive, send)

    async def no_route(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    shedding = LoadShedding(no_route, path="/graphql", endpoint=endpoint, max_operations=1)
    subscriber.messages.put_nowait({"type": "http.request", "body": b"{}"})
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": []}
    task = asyncio.create_task(shedding(scope, subscriber.messages.get, subscriber._send))

    await subscriber.read(b":\n\n")
    await asyncio.sleep(0)

    assert (in_flight, shedding.in_flight, len(shedding.waiting)) == ([1], 0, 0)
    subscriber.results.given.put_nowait(result(1))
    await subscriber.read(b"}\n\n")
    assert shedding.in_flight == 0
    subscriber.disconnect()
    await task
    assert (shedding.in_flight, len(shedding.waiting)) == (0, 0)

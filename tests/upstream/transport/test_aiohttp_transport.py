"""The transport over aiohttp's connections: its requests, and unusual responses."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from gateway.settings import Settings
from gateway.upstream.transport.aiohttp_protocol import MAX_HEAD_BYTES, MAX_HEADER_FIELDS
from gateway.upstream.transport.aiohttp_transport import AiohttpTransport
from gateway.upstream.transport.exceptions import is_unsent
from gateway.upstream.transport.exchange import (
    Attempt,
    Headers,
    UpstreamResponse,
    encode_headers,
    open_exchange,
)
from gateway.upstream.transport.transports import aiohttp_transport
from tests.upstream.socket_server import (
    Responder,
    SocketServer,
    drips,
    head,
    responds,
    sends,
    socket_server,
    until,
)

pytestmark = pytest.mark.anyio

WHOLE = head(200, "Content-Length: 2") + b"{}"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both loops: their transports and timers differ, and uvloop's are used in production."""
    return "asyncio", {"use_uvloop": request.param}


class Caller:
    """Calls one server over one transport."""

    def __init__(self, server: SocketServer, idle_timeout: float) -> None:
        self.server = server
        self.exchange = open_exchange("folio", server.url, aiohttp_transport(Settings()), Settings())
        self.idle_timeout = idle_timeout

    async def get(
        self,
        target: str = "/a",
        headers: tuple[tuple[str, str], ...] = (),
        *,
        seconds: float = math.inf,
    ) -> UpstreamResponse:
        attempt = Attempt(asyncio.get_running_loop().time() + seconds)
        return await self.exchange("GET", target, headers, None, self.idle_timeout, attempt)


@asynccontextmanager
async def calling(response: Responder, idle_timeout: float = 1.0) -> AsyncIterator[Caller]:
    async with socket_server(response) as server:
        caller = Caller(server, idle_timeout)
        try:
            yield caller
        finally:
            await caller.exchange.aclose()


# As a transport of httpx


def transport(max_bytes: int = 10_000) -> AiohttpTransport:
    trusted = ssl.create_default_context()
    return AiohttpTransport(connections=2, connect=1, keep_alive=4, trusted=trusted, max_bytes=max_bytes)


async def test_it_is_a_transport_of_httpx() -> None:
    """Any client of httpx can use it: request and response are complete, and the connection is kept."""
    async with (
        socket_server(responds(201, b'{"a":1}', "X-Made: b", "X-Made: c")) as server,
        httpx.AsyncClient(transport=transport()) as client,
    ):
        for _ in range(2):
            response = await client.put(f"{server.url}/a?b=c", json={"d": "é"}, headers={"X-Sent": "e"})
            assert (response.status_code, response.json(), response.headers["x-made"]) == (
                201,
                {"a": 1},
                "b, c",
            )

        assert server.lines() == ["PUT /a?b=c"] * 2
        assert [each.body for each in server.received] == ['{"d":"é"}'.encode()] * 2
        assert [each.header("X-Sent") for each in server.received] == [["e"]] * 2
        assert [each.header("Host") for each in server.received] == [[f"127.0.0.1:{server.port}"]] * 2
        assert server.connections == 1


async def test_a_request_without_a_length_is_rejected() -> None:
    """Requests are sent with their length, so one in pieces is not accepted."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"

    async with socket_server(responds(200)) as server, httpx.AsyncClient(transport=transport()) as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.post(server.url, content=pieces())
        assert server.received == []


# Responses


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (WHOLE, 200, b"{}"),
        (head(200, "Content-Length: 0"), 200, b""),
        (head(204), 204, b""),
        (head(304, "Content-Length: 100"), 304, b""),
        (head(200, "Transfer-Encoding: chunked") + b"1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n", 200, b"{}"),
        (head(103, "Link: </a>") + head(100) + WHOLE, 200, b"{}"),
        (head(500, "Content-Length: 1") + b"!", 500, b"!"),
        (WHOLE.replace(b"Whatever", b""), 200, b"{}"),
    ],
    ids=["whole", "empty", "204", "304", "chunked", "announced", "500", "no reason"],
)
async def test_responses_are_read_to_their_end_and_no_further(raw: bytes, status: int, body: bytes) -> None:
    """For any framing of the body, the connection serves the next call."""
    async with calling(sends(raw)) as caller:
        for _ in range(3):
            response = await caller.get()
            assert (response.status, response.body) == (status, body)
            assert "link" not in response.headers
        assert caller.server.connections == 1


@pytest.mark.parametrize(
    ("raw", "close"),
    [
        (head(200) + b"{}", True),
        (head(200, "Connection: close", "Content-Length: 2") + b"{}", False),
        (head(200, "Content-Length: 2").replace(b"1.1", b"1.0") + b"{}", False),
        (WHOLE + WHOLE.replace(b"{}", b"[]"), False),
        (WHOLE + b"garbage", False),
        (WHOLE + b"\0", False),
    ],
    ids=["until the end", "closing", "HTTP/1.0", "two answers", "garbage", "a byte"],
)
async def test_an_unusable_connection_serves_no_other_call(raw: bytes, close: bool) -> None:
    """Bytes after a response belong to no call: the next one has a new connection."""
    async with calling(sends(raw, close=close)) as caller:
        for _ in range(3):
            assert (await caller.get()).body == b"{}"
        assert caller.server.connections == 3


async def test_unexpected_bytes_close_their_connection() -> None:
    """Bytes on an idle connection are never read as the response to a later request."""

    async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(WHOLE)
        await asyncio.sleep(0.02)
        writer.write(WHOLE.replace(b"{}", b"[]"))

    async with calling(later) as caller:
        assert (await caller.get()).body == b"{}"
        await until(lambda: caller.server.open_connections == 0)
        assert (await caller.get()).body == b"{}"
        assert caller.server.connections == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        head(200, "Content-Length: 2", "Content-Length: 3") + b"{}",
        head(200, "Content-Length: 2", "Transfer-Encoding: chunked") + b"{}",
        head(200, "Content-Length: -2") + b"{}",
        head(200, "Transfer-Encoding: chunked") + b"zz\r\n",
        head(200, "A: " + "a" * MAX_HEAD_BYTES)[:-4],
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 4000,
    ],
    ids=["no HTTP", "no status", "two lengths", "length and chunks", "negative", "chunks", "long", "hints"],
)
async def test_responses_that_are_not_http(raw: bytes) -> None:
    """A response that is ambiguous, or has no end, is not read; and its connection is closed."""
    async with calling(sends(raw)) as caller:
        with pytest.raises(httpx.RemoteProtocolError):
            await caller.get()
        await until(lambda: caller.server.open_connections == 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200",
        head(200, "Content-Length: 3")[:-2],
        head(200, "Content-Length: 3") + b"{}",
        head(200, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n",
        head(200, "Transfer-Encoding: gzip") + b"{}",
        head(100),
    ],
    ids=["nothing", "half a line", "half a head", "cut", "cut chunks", "odd coding", "announced only"],
)
async def test_responses_that_end_early(raw: bytes) -> None:
    """A response whose connection ends before it does is none."""
    async with calling(sends(raw, close=True)) as caller:
        with pytest.raises(httpx.ReadError):
            await caller.get()


async def test_trailers_are_not_headers() -> None:
    """Trailers after a body cannot change the headers."""
    chunks = b"2\r\n{}\r\n0\r\nRetry-After: 1\r\nX-A: b\r\n\r\n"
    async with calling(sends(head(503, "Transfer-Encoding: chunked") + chunks)) as caller:
        response = await caller.get()

    assert dict(response.headers) == {"transfer-encoding": "chunked"}


async def test_headers_are_joined_and_in_lower_case() -> None:
    """A repeated header is one list, as HTTP defines it."""
    async with calling(responds(200, b"{}", "X-A: b", "x-a: c", "Retry-After: 1")) as caller:
        response = await caller.get()

    assert dict(response.headers) == {"content-length": "2", "x-a": "b, c", "retry-after": "1"}


async def test_the_number_of_header_fields_is_bounded() -> None:
    """A field that is repeated without end, which would take quadratic time to join, ends the call."""
    most = ["X-A: b"] * (MAX_HEADER_FIELDS - 1)  # and the length
    async with calling(responds(200, b"{}", *most)) as caller:
        assert len((await caller.get()).headers["x-a"].split(", ")) == MAX_HEADER_FIELDS - 1
    async with calling(responds(200, b"{}", *most, "X-A: b")) as caller:
        with pytest.raises(httpx.RemoteProtocolError, match="header fields"):
            await caller.get()


async def test_the_idle_timeout_starts_at_the_last_byte() -> None:
    """A slow response that keeps arriving does not time out; one that stops does."""
    slow = drips(WHOLE, every=0.01)  # 0.4 s
    async with calling(slow, idle_timeout=0.15) as caller:
        assert (await caller.get()).body == b"{}"

    started = time.monotonic()
    async with calling(sends(WHOLE[:-1]), idle_timeout=0.15) as caller:
        with pytest.raises(httpx.ReadTimeout):
            await caller.get()
    assert 0.14 < time.monotonic() - started < 4


async def test_an_attempt_has_an_end() -> None:
    """A response that keeps arriving is aborted at the end of its time, with its connection."""
    async with calling(drips(WHOLE, every=0.2), idle_timeout=2.0) as caller:  # 8 s
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            await caller.get(seconds=0.3)
        assert 0.2 < time.monotonic() - started < 4
        await until(lambda: caller.server.open_connections == 0)


async def test_the_earlier_timeout_counts() -> None:
    """The idle timeout ends a call before its attempt ends, if it is sooner, and the other way round."""
    async with calling(sends(WHOLE[:-1]), idle_timeout=0.1) as caller:
        with pytest.raises(httpx.ReadTimeout):
            await caller.get(seconds=5)
    async with calling(sends(WHOLE[:-1]), idle_timeout=5) as caller:
        with pytest.raises(TimeoutError):
            await caller.get(seconds=0.1)


async def test_a_request_without_time_is_not_sent() -> None:
    """At the end of the time nothing starts, not even a connection."""
    async with calling(responds(200)) as caller:
        with pytest.raises(TimeoutError):
            await caller.get(seconds=0)
        assert (caller.server.connections, caller.server.received) == (0, [])


async def test_waiting_for_a_connection_ends_with_the_attempt() -> None:
    """With little time left a call does not wait for a connection as long as others may."""
    async with socket_server(drips(WHOLE, every=0.02)) as server:  # 0.8 s
        limits = Settings(upstream_concurrency=1)
        exchange = open_exchange("folio", server.url, aiohttp_transport(limits), limits)
        first = asyncio.create_task(exchange("GET", "/a", (), None, 5, Attempt(math.inf)))
        await until(lambda: len(server.received) == 1)

        with pytest.raises(TimeoutError):
            await exchange("GET", "/b", (), None, 5, Attempt(asyncio.get_running_loop().time() + 0.1))

        assert not first.done()
        assert (await first).body == b"{}"
        assert server.lines() == ["GET /a"]
        await exchange.aclose()


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 503 Busy\r\n\r\n"], ids=["closed", "with a response"])
async def test_a_connection_that_ends_before_it_is_used_was_sent_nothing(greeting: bytes) -> None:
    """A proxy without a service behind it accepts connections and closes them. A write was not sent then."""
    received = bytearray()
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def close_at_once() -> None:
            connection, _ = listening.accept()
            with connection, suppress(ConnectionResetError):  # the client closes it at once
                connection.sendall(greeting)
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(1000):
                    received.extend(piece)

        def delay() -> None:  # each turn of the event loop takes longer than the server
            time.sleep(0.01)
            delays.append(loop.call_soon(delay))

        delays = [loop.call_soon(delay)]
        closing = threading.Thread(target=close_at_once)
        closing.start()
        port = listening.getsockname()[1]
        exchange = open_exchange(
            "folio", f"http://127.0.0.1:{port}", aiohttp_transport(Settings()), Settings()
        )
        try:
            with pytest.raises(httpx.ConnectError) as caught:
                await exchange("POST", "/a", (), b"{}", 5, Attempt(loop.time() + 5))
        finally:
            delays[-1].cancel()
            await exchange.aclose()
            closing.join()

    assert is_unsent(caught.value)
    assert received == b""


async def test_an_early_response_makes_its_connection_unusable() -> None:
    """While the rest of a request is being sent, no other request can follow it."""
    requests = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WHOLE)
        await ended.wait()
        writer.close()

    ended = asyncio.Event()
    listening = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    exchange = open_exchange("folio", url, aiohttp_transport(Settings()), Settings())
    for _ in range(2):
        response = await exchange("POST", "/a", (), b"a" * 20_000_000, 1.0, Attempt(math.inf))
        assert response.body == b"{}"
    assert requests == 2

    await exchange.aclose()
    ended.set()
    listening.close()
    await listening.wait_closed()


async def test_a_cancelled_call_closes_its_connection() -> None:
    """The response to a cancelled call reaches no other call."""
    async with calling(drips(WHOLE, every=0.01)) as caller:
        call = asyncio.create_task(caller.get())
        await until(lambda: len(caller.server.received) == 1)
        call.cancel()
        await asyncio.wait([call])
        await until(lambda: caller.server.open_connections == 0)

        assert call.cancelled()
        assert (await caller.get()).body == b"{}"
        assert caller.server.connections == 2


# Requests


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "é"])
async def test_no_header_ends_early(value: str) -> None:
    """A value that could start another header or request is a bug of the gateway and is not sent."""
    async with calling(responds(200)) as caller:
        for headers in (Headers((("X-Okapi-Token", value),)), (("X-Okapi-Token", value),)):
            with pytest.raises(ValueError, match="A header must be printable ASCII"):
                await caller.get(headers=headers)
        assert caller.server.connections == 0


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX-Evil: 1", "/a\tb", "/\n", "/é", "/a\0"])
async def test_no_request_line_ends_early(target: str) -> None:
    """A target that was not encoded is a bug of the gateway and is not sent."""
    async with calling(responds(200)) as caller:
        with pytest.raises(ValueError):  # noqa: PT011 - two kinds, both ours
            await caller.get(target)
        assert caller.server.connections == 0


def test_headers_are_encoded_once() -> None:
    """The bytes of one caller's headers are the same object for all their calls."""
    headers = Headers((("Accept", "a, b"), ("X-Okapi-Tenant", "diku")))

    assert headers.wire == b"Accept: a, b\r\nX-Okapi-Tenant: diku\r\n" == encode_headers(headers)
    assert headers.wire is headers.wire

"""Responses of which much arrives at once: their bodies go past the parser, wherever the pieces end."""

from __future__ import annotations

import asyncio
import math

import httpx
import pytest

from gateway.upstream.transport.aiohttp_protocol import LARGE, HttpProtocol, IncomingResponse
from gateway.upstream.transport.exchange import Body
from tests.upstream.socket_server import head

pytestmark = pytest.mark.anyio

# A blank line may stand in JSON too, where it ends no head.
BODY = b'{"loans": [' + b" " * LARGE + b"\r\n\r\n" + b" " * LARGE + b"]}"
WITH_LENGTH = head(200, f"Content-Length: {len(BODY)}") + BODY
RESPONSES = {
    "length": WITH_LENGTH,
    "chunked": head(200, "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "announced": head(103, "Link: </a>") + WITH_LENGTH,
    "a long head": head(200, f"X-Token: {'a' * LARGE}", f"Content-Length: {len(BODY)}") + BODY,
}


class Wire(asyncio.Transport):
    """A connection that has sent everything."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        pass


class Caller:
    """One call over a connection, of which the response arrives in given pieces."""

    def __init__(self) -> None:
        self.protocol = HttpProtocol(asyncio.get_running_loop())
        self.protocol.connection_made(Wire())

    async def receive(self, *pieces: bytes) -> IncomingResponse:
        incoming = IncomingResponse(lambda status, headers: Body("folio", "", 10 * LARGE))
        call = asyncio.create_task(self.protocol.call(b"", incoming, math.inf, math.inf))
        await asyncio.sleep(0)
        for piece in pieces:
            self.protocol.data_received(piece)
        async with asyncio.timeout(1):
            await call
        return incoming


@pytest.mark.parametrize("name", RESPONSES)
async def test_a_response_may_end_its_pieces_anywhere(name: str) -> None:
    """The body is the same for every division into two or three pieces, and the connection is kept."""
    raw = RESPONSES[name]
    ends = [place + step for place in (raw.index(BODY[:5]), LARGE, len(raw) - LARGE) for step in range(-5, 5)]
    caller = Caller()

    for end in [*ends, 1, len(raw) - 1, len(raw)]:
        for later in {end, min(end + LARGE, len(raw)), len(raw)}:
            pieces = filter(None, (raw[:end], raw[end:later], raw[later:]))
            incoming = await caller.receive(*pieces)

            assert bytes(incoming.read()) == BODY
            assert (incoming.status, caller.protocol.should_close) == (200, False)


@pytest.mark.parametrize("name", RESPONSES)
async def test_bytes_after_a_large_response_make_its_connection_unusable(name: str) -> None:
    """The response is complete without them, in one piece and in two."""
    raw = RESPONSES[name]
    for pieces in ((raw + b"HTTP/1.1 200",), (raw[:-LARGE], raw[-LARGE:] + b"x")):
        caller = Caller()
        incoming = await caller.receive(*pieces)

        assert bytes(incoming.read()) == BODY
        assert caller.protocol.should_close


async def test_a_large_response_that_ends_early() -> None:
    """The connection ends one byte before the body does: there is no response."""
    caller = Caller()
    incoming = IncomingResponse(lambda status, headers: Body("folio", "", 10 * LARGE))
    call = asyncio.create_task(caller.protocol.call(b"", incoming, math.inf, math.inf))
    await asyncio.sleep(0)
    caller.protocol.data_received(WITH_LENGTH[:-1])
    caller.protocol.connection_lost(None)

    with pytest.raises(httpx.ReadError):
        await call


async def test_a_large_head_without_a_body() -> None:
    """A response of a long head alone is complete, and its connection is kept."""
    caller = Caller()
    incoming = await caller.receive(head(200, f"X-Token: {'a' * LARGE}", "Content-Length: 0"))

    assert bytes(incoming.read()) == b""
    assert not caller.protocol.should_close


async def test_a_large_response_that_closes_its_connection() -> None:
    """`Connection: close` is heeded although the parser does not see the end of the body."""
    caller = Caller()
    incoming = await caller.receive(head(200, "Connection: close", f"Content-Length: {len(BODY)}") + BODY)

    assert bytes(incoming.read()) == BODY
    assert caller.protocol.should_close

"""Surplus bytes of upstream: no transport passes them to another call."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import suppress
from typing import Literal

import pytest

from gateway.settings import Settings
from gateway.upstream.transport.exchange import Attempt, open_exchange
from gateway.upstream.transport.transports import TransportFactory, aiohttp_transport, httpx_transport
from tests.gateway_over import gateway_at
from tests.upstream.socket_server import head, socket_server

pytestmark = pytest.mark.anyio

LOANS = "{ loans(first: 1) { nodes { action } } }"
ROUNDS = 15


def response_for(owner: str) -> bytes:
    body = json.dumps({"loans": [{"id": owner, "action": owner}], "totalRecords": 1}).encode()
    return head(200, f"Content-Length: {len(body)}") + body


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("surplus", ["same segment", "later segment", "half a response"])
async def test_two_tenants_get_their_own_responses(
    transport: Literal["aiohttp", "httpx"], surplus: str
) -> None:
    """No tenant reads a byte of a second response that follows the first, in any timing."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (tenant,) = server.received[-1].header("X-Okapi-Tenant")
        own, foreign = response_for(tenant), response_for("nobody")
        if surplus == "later segment":
            writer.write(own)
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(foreign)
        else:
            writer.write(own + (foreign if surplus == "same segment" else foreign[: len(foreign) // 2]))

    async with (
        socket_server(respond) as server,
        gateway_at(server.url, upstream_transport=transport) as gateway,
    ):

        async def read(tenant: str) -> None:
            response = await gateway.execute(LOANS, headers={"X-Okapi-Tenant": tenant, "X-Okapi-Token": "t"})
            assert response == {"data": {"loans": {"nodes": [{"action": tenant}]}}}

        for _ in range(ROUNDS):
            await read("first")
            await read("second")
            await asyncio.gather(*(read(tenant) for tenant in ("first", "second", "third")))


@pytest.mark.parametrize("factory", [aiohttp_transport, httpx_transport], ids=["aiohttp", "httpx"])
@pytest.mark.parametrize("use_uvloop", [False, True], ids=["asyncio", "uvloop"])
def test_unread_bytes_close_their_connection(factory: TransportFactory, use_uvloop: bool) -> None:
    """Bytes that arrived before the next call, and that the event loop has not read yet, are not its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        arrived = threading.Event()
        send_surplus = threading.Event()

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                while connection.recv(65_536):
                    connection.sendall(response_for("own"))
                    if send_surplus.wait(5) and not arrived.is_set():
                        connection.sendall(response_for("nobody"))
                        arrived.set()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"

        async def call_twice() -> list[str]:
            limits = Settings(upstream_concurrency=2)
            exchange = open_exchange("folio", address, factory(limits), limits)
            until = asyncio.get_running_loop().time() + 10
            first = await exchange("GET", "/", (), None, 5, Attempt(until))
            send_surplus.set()
            time.sleep(0.1)  # noqa: ASYNC251 - the event loop must not read what arrives
            second = await exchange("GET", "/", (), None, 5, Attempt(until))
            await exchange.aclose()
            return [json.loads(each.body)["loans"][0]["action"] for each in (first, second)]

        if use_uvloop:
            import uvloop

            responses = uvloop.run(call_twice())
        else:
            responses = asyncio.run(call_twice())
        listening.close()

    assert responses == ["own", "own"]

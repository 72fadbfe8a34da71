"""The reason why an upstream cannot be reached is logged for the operator, and not sent to clients."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

from gateway import errors
from gateway.settings import Settings
from gateway.upstream.client import Client
from gateway.upstream.statuses import Write, WriteTarget
from gateway.upstream.transport.aiohttp_transport import AiohttpTransport
from gateway.upstream.transport.connection_failures import REPEAT_AFTER, ConnectionFailureLog
from gateway.upstream.transport.exchange import Transport
from tests.store_server import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("transport", ["aiohttp", "httpx"])]

UNTRUSTED = "; SSL_CERT_FILE names the trusted authorities"


def create_transport(name: str, authority: trustme.CA) -> Transport:
    """Return a transport that trusts this authority alone."""
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    if name == "httpx":
        return httpx.AsyncHTTPTransport(verify=trusted, trust_env=False)
    return AiohttpTransport(connections=8, connect=5.0, keep_alive=4.0, trusted=trusted, max_bytes=1000)


@asynccontextmanager
async def tls_server(certificate: trustme.LeafCert) -> AsyncIterator[int]:
    """The port of a server with this certificate, which sends nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def fail(url: str, transport: Transport, *, write: bool = False) -> errors.GatewayError:
    """Return the error of a call that cannot reach its upstream."""
    client = Client("folio", url, transport, Settings(read_attempts=1))
    try:
        if write:
            target = WriteTarget(method="POST", path="/x", family="/x")
            call = client.write(Write("checkOut", {}, "item(barcode:)"), target, {}, ())
        else:
            call = client.read("/x", "/x", "", ())
        with pytest.raises(errors.UpstreamUnavailable) as caught:
            await call
        return caught.value
    finally:
        await client.aclose()


@pytest.mark.parametrize("fault", ["authority", "expired", "name"])
async def test_a_certificate(transport: str, fault: str, caplog: pytest.LogCaptureFixture) -> None:
    """A certificate that is not accepted is named with OpenSSL's reason."""
    authority, other = trustme.CA(), trustme.CA()
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    certificate = authority.issue_cert("localhost", not_after=yesterday if fault == "expired" else None)
    host = "127.0.0.1" if fault == "name" else "localhost"
    reason = {
        "authority": f"unable to get local issuer certificate{UNTRUSTED}",
        "expired": "certificate has expired",
        "name": "IP address mismatch, certificate is not valid for '127.0.0.1'",
    }[fault]
    async with tls_server(certificate) as port:
        trusted = other if fault == "authority" else authority
        error = await fail(f"https://{host}:{port}", create_transport(transport, trusted))

    assert error.message == "folio cannot be reached."
    assert caplog.messages == [f"folio cannot be reached: its certificate is not accepted: {reason}"]


async def test_a_name(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    """A name that the resolver does not know is named as the reason."""
    error = await fail("http://no-such-host.invalid", create_transport(transport, trustme.CA()))

    assert error.message == "folio cannot be reached."
    assert caplog.messages == ["folio cannot be reached: its host name cannot be resolved"]


@pytest.mark.parametrize("write", [False, True])
async def test_a_port(transport: str, write: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A port without a listener is named as the reason, for writes as well."""
    url = f"http://127.0.0.1:{free_port()}"
    error = await fail(url, create_transport(transport, trustme.CA()), write=write)

    assert error.message.startswith("folio cannot be reached")
    assert caplog.messages == ["folio cannot be reached: its port refuses connections"]
    notes = [] if write else ["folio cannot be reached: its port refuses connections."]
    assert getattr(error, "__notes__", []) == notes


async def test_a_reason_is_logged_once_a_minute(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    """Calls that fail for the same reason are one line; another reason has another line."""
    del transport
    now = 100.0
    failures = ConnectionFailureLog("folio", lambda: now)
    refused = httpx.ConnectError("x")
    refused.__cause__ = ConnectionRefusedError()
    for _ in range(3):
        failures.add(refused)
    failures.add(httpx.ConnectTimeout("x"))
    failures.add(httpx.ReadError("x"))
    now += REPEAT_AFTER
    failures.add(refused)

    assert caplog.messages == [
        "folio cannot be reached: its port refuses connections",
        "folio cannot be reached: it did not accept a connection within CONNECT_TIMEOUT",
        "folio cannot be reached: its port refuses connections",
    ]

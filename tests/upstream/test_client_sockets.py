"""The client over faults that only sockets can produce, with both transports."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl

import pytest

from gateway import errors
from gateway.settings import Settings, UpstreamSettings
from gateway.upstream import cql
from gateway.upstream.caller import CallerClient, encode_query, encode_segment
from gateway.upstream.client import Client, Deadline
from gateway.upstream.collection import BoundCollection, Collection
from gateway.upstream.routes import Route
from gateway.upstream.statuses import Write
from gateway.upstream.transport.exchange import UpstreamResponse
from gateway.upstream.transport.transports import TransportFactory, aiohttp_transport, httpx_transport
from tests.upstream.socket_server import (
    Responder,
    SocketServer,
    closed_port,
    closes,
    drips,
    gzip_bomb,
    hangs,
    hangs_after,
    head,
    resets,
    resets_after,
    responds,
    sends,
    silent_port,
    socket_server,
    until,
)

pytestmark = pytest.mark.anyio

PATIENT = Settings(
    upstream_concurrency=4, max_upstream_bytes=10_000, read_attempts=1
)  # retries have a separate file
QUICK = PATIENT.replace(first_byte_timeout=0.15, read_timeout=0.3, act_timeout=0.3)
CHECK_OUT = Write(
    operation="checkOut",
    keys={"itemBarcode": "653285216743", "userBarcode": "540001"},
    verify="item(barcode:) { openLoan { id } }",
)
USERS = b'{"users":[{"id":"a"}],"totalRecords":1}'

Network: TypeAlias = TransportFactory
Method = Literal["POST", "PUT", "DELETE"]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both loops: their transports and timers differ, and uvloop's are used in production."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(name="network", params=[aiohttp_transport, httpx_transport], ids=["aiohttp", "httpx"])
def _network(request: pytest.FixtureRequest) -> Network:
    chosen: Network = request.param
    return chosen


@asynccontextmanager
async def client_of(url: str, network: Network, limits: UpstreamSettings = PATIENT) -> AsyncIterator[Client]:
    client = Client("folio", url, network(limits), limits)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def open_test_client(
    network: Network, response: Responder, limits: UpstreamSettings = PATIENT
) -> AsyncIterator[tuple[Client, SocketServer]]:
    async with socket_server(response) as server, client_of(server.url, network, limits) as client:
        yield client, server


def keeps(network: Network) -> bool:
    """Return True if a transport keeps connections for later calls."""
    return network is aiohttp_transport


def users(client: Client) -> BoundCollection:
    return Collection(Route("GET", "/users"), "users").bind(CallerClient(client, ()))


async def write(client: Client, method: Method = "POST") -> UpstreamResponse:
    return await CallerClient(client, ()).write(CHECK_OUT, Route(method, "/check-out"), {"a": 1})


# Writes


WRITE_FAULTS = {
    "reset": resets,
    "closed": closes,
    "reset in the response": resets_after(head(200, "Content-Length: 100") + b'{"id":'),
    "truncated": sends(head(200, "Content-Length: 100") + b'{"id":', close=True),
    "no HTTP": sends(b"garbage\r\n\r\n"),
    "broken chunks": sends(head(200, "Transfer-Encoding: chunked") + b"zz\r\nabc\r\n"),
    "500": responds(500, b"java.lang.NullPointerException"),
    "502": responds(502),
    "503": responds(503, b"", "Retry-After: 1"),
    "504": responds(504),
    "redirected": responds(302, b"", "Location: /elsewhere"),
    "slow": hangs,
    "slow in the response": hangs_after(head(200, "Content-Length: 100") + b"{"),
    "dripping": drips(head(200) + b" " * 1000, every=0.02),
    "too big": responds(200, b" " * 20_000),
    "wrong compression": responds(200, b"{}", "Content-Encoding: gzip"),
}


SLOW = {"slow", "slow in the response", "dripping", "no first byte", "silence in the response"}


def limits_for(fault: str) -> UpstreamSettings:
    return QUICK if fault in SLOW else PATIENT


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        *(("POST", name) for name in WRITE_FAULTS),
        # DELETE and PUT are idempotent in HTTP, and still writes; aiohttp would retry them.
        *((method, name) for method in ("PUT", "DELETE") for name in ("reset", "closed", "503")),
    ],
)
async def test_a_write_without_a_conclusive_response_is_sent_once(
    network: Network, fault: str, method: Method
) -> None:
    """Regardless of the fault: one request on the wire, and an error that says how to verify the outcome."""
    async with open_test_client(network, WRITE_FAULTS[fault], limits_for(fault)) as (client, server):
        before = datetime.now(UTC)
        with pytest.raises(errors.OutcomeUnknown) as caught:
            await write(client, method)
        after = datetime.now(UTC)

        assert server.lines() == [f"{method} /check-out"]
        assert server.received[0].body == b'{"a":1}'

    extensions = caught.value.extensions
    sent_at = datetime.fromisoformat(extensions.pop("sentAt"))
    assert before - timedelta(milliseconds=1) <= sent_at <= after
    assert extensions == {
        "code": "OUTCOME_UNKNOWN",
        "retryable": False,
        "upstream": "folio",
        "operation": "checkOut",
        "keys": {"itemBarcode": "653285216743", "userBarcode": "540001"},
        "verify": "item(barcode:) { openLoan { id } }",
    }
    assert caught.value.message == (
        "checkOut was sent to folio, but no conclusive response was received. "
        "It may or may not have been executed. Verify before repeating it."
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_on_a_stale_connection_is_sent_once(network: Network, method: Method) -> None:
    """A kept connection that ends during a write is no reason to send it again on another one."""
    healthy = responds(200, USERS)

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (healthy if len(server.received) == 1 else resets)(reader, writer)

    async with open_test_client(network, once) as (client, server):
        await users(client)(None, limit=1)
        with pytest.raises(errors.OutcomeUnknown):
            await write(client, method)

        assert server.lines() == ["GET /users?limit=1&totalRecords=none", f"{method} /check-out"]
        assert [each.connection for each in server.received] == ([1, 1] if keeps(network) else [1, 2])


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"loan', b"<html>", b"\xff"])
async def test_a_write_with_an_unreadable_success_is_sent_once(network: Network, body: bytes) -> None:
    """A 2xx that cannot be read is neither success nor failure."""
    async with open_test_client(network, responds(200, body)) as (client, server):
        with pytest.raises(errors.OutcomeUnknown):
            await CallerClient(client, ()).write_for_record(CHECK_OUT, Route("POST", "/check-out"), {})

        assert server.lines() == ["POST /check-out"]


async def test_an_unknown_outcome_has_the_time_of_sending(network: Network) -> None:
    """`sentAt` is the time of sending and not that of the unreadable response, up to 30 s later."""

    received = []

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(datetime.now(UTC))
        await asyncio.sleep(0.1)
        await responds(200)(reader, writer)

    async with open_test_client(network, late) as (client, _):
        before = datetime.now(UTC)
        with pytest.raises(errors.OutcomeUnknown) as caught:
            await CallerClient(client, ()).write_for_record(CHECK_OUT, Route("POST", "/check-out"), {})

    (at_upstream,) = received
    a_millisecond = timedelta(milliseconds=1)  # to which it is rounded
    assert before - a_millisecond < datetime.fromisoformat(caught.value.details["sentAt"]) <= at_upstream


async def test_a_write_may_take_longer_than_a_read(network: Network) -> None:
    """A write waits for its response until its own timeout, beyond those of a read."""

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await responds(200, b'{"id":"a"}')(reader, writer)

    limits = Settings(first_byte_timeout=0.05, read_timeout=0.1, act_timeout=2)
    async with open_test_client(network, late, limits) as (client, server):
        assert await CallerClient(client, ()).write_for_record(
            CHECK_OUT, Route("POST", "/check-out"), {}
        ) == {"id": "a"}
        assert server.lines() == ["POST /check-out"]


async def test_a_write_without_a_server_was_not_sent(network: Network) -> None:
    """A refused connection proves that nothing was sent, so the write may be repeated."""
    async with client_of(f"http://127.0.0.1:{closed_port()}", network) as client:
        with pytest.raises(errors.UpstreamUnavailable) as caught:
            await write(client)

    assert caught.value.message == "folio cannot be reached; nothing was sent."
    assert caught.value.extensions == {"code": "UPSTREAM_UNAVAILABLE", "retryable": True, "upstream": "folio"}


async def test_a_write_to_an_unknown_host_was_not_sent(network: Network) -> None:
    """A name that does not resolve proves it like a refused connection."""
    async with client_of("http://folio.invalid", network) as client:
        with pytest.raises(errors.UpstreamUnavailable, match=r"nothing was sent\.$"):
            await write(client)


async def test_connecting_times_out(network: Network) -> None:
    """Connecting has a short timeout, after which it is certain that nothing was sent."""
    limits = PATIENT.replace(connect_timeout=0.2)
    with silent_port() as port:
        async with client_of(f"http://127.0.0.1:{port}", network, limits) as client:
            started = time.monotonic()
            with pytest.raises(
                errors.UpstreamUnavailable, match=r"folio cannot be reached; nothing was sent\."
            ):
                await write(client)
            with pytest.raises(errors.UpstreamUnavailable, match=r"folio cannot be reached\."):
                await users(client)(None, limit=1)
            took = time.monotonic() - started

    assert 0.38 <= took <= 4


async def test_a_handshake_times_out(network: Network) -> None:
    """The write was not sent either to a server that accepts and never speaks TLS."""
    limits = PATIENT.replace(connect_timeout=0.2)
    async with socket_server(hangs) as server:
        async with client_of(f"https://127.0.0.1:{server.port}", network, limits) as client:
            with pytest.raises(errors.UpstreamUnavailable, match=r"cannot be reached; nothing was sent\."):
                await write(client)

        assert (server.connections, server.received) == (1, [])


async def test_a_server_that_speaks_no_tls_was_sent_nothing(network: Network) -> None:
    """The handshake fails before a byte of the write is sent."""
    async with socket_server(hangs) as server:
        server.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        async with client_of(f"https://127.0.0.1:{server.port}", network) as client:
            with pytest.raises(errors.UpstreamUnavailable, match=r"cannot be reached; nothing was sent\."):
                await write(client)

        assert server.received == []


# Reads


READ_FAULTS: dict[str, tuple[Responder, str]] = {
    "reset": (resets, "UPSTREAM_UNAVAILABLE"),
    "closed": (closes, "UPSTREAM_UNAVAILABLE"),
    "reset in the response": (
        resets_after(head(200, "Content-Length: 100") + b'{"users":[]}'),
        "UPSTREAM_UNAVAILABLE",
    ),
    "truncated": (
        sends(head(200, "Content-Length: 100") + b'{"users":[]}', close=True),
        "UPSTREAM_UNAVAILABLE",
    ),
    "truncated chunks": (
        sends(head(200, "Transfer-Encoding: chunked") + b'c\r\n{"users":[]}\r\n', close=True),
        "UPSTREAM_UNAVAILABLE",
    ),
    "cut without a length": (sends(head(200) + USERS[:-9], close=True), "UPSTREAM_BAD_RESPONSE"),
    "no HTTP": (sends(b"garbage\r\n\r\n"), "UPSTREAM_UNAVAILABLE"),
    "broken chunks": (
        sends(head(200, "Transfer-Encoding: chunked") + b"zz\r\nabc\r\n"),
        "UPSTREAM_UNAVAILABLE",
    ),
    "no first byte": (hangs, "UPSTREAM_TIMEOUT"),
    "silence in the response": (
        hangs_after(head(200, "Content-Length: 100") + b'{"users":[]}'),
        "UPSTREAM_TIMEOUT",
    ),
    "dripping": (drips(head(200) + b" " * 1000, every=0.02), "UPSTREAM_TIMEOUT"),
    "301": (responds(301, USERS, "Location: /elsewhere"), "UPSTREAM_BAD_RESPONSE"),
    "302": (responds(302, b"", "Location: http://127.0.0.1:9/elsewhere"), "UPSTREAM_BAD_RESPONSE"),
    "307": (responds(307, b"", "Location: /elsewhere"), "UPSTREAM_BAD_RESPONSE"),
    "308": (responds(308, b"", "Location: /elsewhere"), "UPSTREAM_BAD_RESPONSE"),
    "304": (sends(head(304)), "UPSTREAM_BAD_RESPONSE"),
    "HTML": (responds(200, b"<!DOCTYPE html><title>Maintenance</title>"), "UPSTREAM_BAD_RESPONSE"),
    "empty": (responds(200), "UPSTREAM_BAD_RESPONSE"),
    "204": (sends(head(204)), "UPSTREAM_BAD_RESPONSE"),
    "array as root": (responds(200, b"[]"), "UPSTREAM_BAD_RESPONSE"),
    "null as root": (responds(200, b"null"), "UPSTREAM_BAD_RESPONSE"),
    "no collection": (responds(200, b'{"totalRecords":0}'), "UPSTREAM_BAD_RESPONSE"),
    "null as collection": (responds(200, b'{"users":null}'), "UPSTREAM_BAD_RESPONSE"),
    "object as collection": (responds(200, b'{"users":{}}'), "UPSTREAM_BAD_RESPONSE"),
    "too deep": (
        responds(200, b'{"users":' + b"[" * 4000 + b"]" * 4000 + b"}"),
        "UPSTREAM_BAD_RESPONSE",
    ),
    "too big": (responds(200, b'{"users":[]}' + b" " * 10_000), "UPSTREAM_BAD_RESPONSE"),
    "bomb": (sends(gzip_bomb(5)), "UPSTREAM_BAD_RESPONSE"),
    "wrong compression": (responds(200, USERS, "Content-Encoding: gzip"), "UPSTREAM_BAD_RESPONSE"),
    "compressed twice": (
        responds(200, gzip.compress(gzip.compress(USERS)), "Content-Encoding: gzip, gzip"),
        "UPSTREAM_BAD_RESPONSE",
    ),
    "compressed otherwise": (responds(200, USERS, "Content-Encoding: br"), "UPSTREAM_BAD_RESPONSE"),
    "compressed in part": (
        responds(200, gzip.compress(USERS)[:-9], "Content-Encoding: gzip"),
        "UPSTREAM_BAD_RESPONSE",
    ),
    "500": (responds(500, b"java.lang.NullPointerException"), "UPSTREAM_ERROR"),
    "502": (responds(502), "UPSTREAM_UNAVAILABLE"),
    "503": (responds(503), "UPSTREAM_UNAVAILABLE"),
    "504": (responds(504), "UPSTREAM_UNAVAILABLE"),
}


@pytest.mark.parametrize("fault", READ_FAULTS)
async def test_a_read_fails_with_its_code(network: Network, fault: str) -> None:
    """Every fault has its code, costs one call, and returns no part of the data."""
    response, code = READ_FAULTS[fault]
    async with open_test_client(network, response, limits_for(fault)) as (client, server):
        with pytest.raises(errors.GatewayError) as caught:
            await users(client)(None, limit=10)

        assert (caught.value.code, caught.value.upstream) == (code, "folio")
        assert server.lines() == ["GET /users?limit=10&totalRecords=none"]


NOT_DECOMPRESSED = {
    "compressed otherwise": (b"<html>", "Content-Encoding: br"),
    "not compressed": (b"<html>", "Content-Encoding: gzip"),
    "compressed in part": (gzip.compress(b"<html>" * 1000)[:-9], "Content-Encoding: gzip"),
    "more": (gzip.compress(b"<html>") + b"<html>", "Content-Encoding: gzip"),
}

each_not_decompressed = pytest.mark.parametrize("name", NOT_DECOMPRESSED)


@each_not_decompressed
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "UNAUTHENTICATED"),
        (403, "FORBIDDEN"),
        (422, "UPSTREAM_REJECTED"),
        (429, "RATE_LIMITED"),
        (500, "UPSTREAM_ERROR"),
        (503, "UPSTREAM_UNAVAILABLE"),
    ],
)
async def test_the_status_of_an_error_whose_body_cannot_be_decompressed(
    network: Network, name: str, status: int, code: str
) -> None:
    """It says enough, for a read as for a write; the body of a proxy's page is of no use."""
    async with open_test_client(network, responds(status, *NOT_DECOMPRESSED[name])) as (client, server):
        with pytest.raises(errors.GatewayError) as of_read:
            await users(client)(None, limit=10)
        with pytest.raises(errors.GatewayError) as of_write:
            await write(client, "POST")

        assert (of_read.value.code, of_read.value.status) == (code, status)
        kind = errors.OutcomeUnknown if status >= 500 else type(of_read.value)
        assert type(of_write.value) is (errors.Refused if status == 422 else kind)
        assert server.lines() == ["GET /users?limit=10&totalRecords=none", "POST /check-out"]


async def test_a_success_without_a_body_may_be_labelled_in_any_way(network: Network) -> None:
    """There is nothing to decompress, so that the outcome of the write is known."""
    response = sends(head(204, "Content-Encoding: br"))
    async with open_test_client(network, response) as (client, server):
        assert (await write(client, "DELETE")).status == 204
        assert server.lines() == ["DELETE /check-out"]


async def test_a_read_without_a_server(network: Network) -> None:
    """A refused connection is reported as such."""
    async with client_of(f"http://127.0.0.1:{closed_port()}", network) as client:
        with pytest.raises(errors.UpstreamUnavailable) as caught:
            await users(client)(None, limit=10)

    assert caught.value.message == "folio cannot be reached."


async def test_a_connection_that_was_lost_is_not_called_unreachable(network: Network) -> None:
    """A server that disconnects was reached, and the error says so to operators."""
    async with open_test_client(network, resets) as (client, _):
        with pytest.raises(errors.UpstreamUnavailable) as caught:
            await users(client)(None, limit=10)

    assert caught.value.message == "folio closed the connection."


@pytest.mark.parametrize(
    ("response", "limits", "least"),
    [
        (hangs, Settings(first_byte_timeout=0.1, read_timeout=8), 0.1),
        (
            drips(head(200) + b" " * 1000, every=0.02),
            Settings(first_byte_timeout=5, read_timeout=0.3),
            0.3,
        ),
    ],
    ids=["first byte", "whole call"],
)
async def test_a_read_keeps_its_timeouts(
    network: Network, response: Responder, limits: UpstreamSettings, least: float
) -> None:
    """The first byte has a timeout, and so has the complete call, however busy the connection is."""
    async with open_test_client(network, response, limits) as (client, _):
        started = time.monotonic()
        with pytest.raises(errors.UpstreamTimeout):
            await users(client)(None, limit=10)

    assert least - 0.01 <= time.monotonic() - started <= 4


async def test_a_bomb_is_not_inflated(network: Network) -> None:
    """100 KB of gzip that would be 100 MB are aborted at the first byte beyond the cap."""
    bomb = gzip_bomb(100)
    assert len(bomb) < 110_000

    async with open_test_client(network, sends(bomb), Settings(max_upstream_bytes=10_000)) as (client, _):
        tracemalloc.start()
        with pytest.raises(errors.UpstreamBadResponse) as caught:
            await users(client)(None, limit=10)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert caught.value.message == "folio sent more than 10000 bytes."
    assert peak < 2_000_000


@pytest.mark.parametrize("compress", [gzip.compress, bytes], ids=["gzip", "plain"])
async def test_the_cap_is_the_largest_response(network: Network, compress: Callable[[bytes], bytes]) -> None:
    """A response of exactly the allowed number of decompressed bytes is accepted."""
    body = compress(b'{"users":[]}'.ljust(10_000))
    encoding = ["Content-Encoding: gzip"] if compress is gzip.compress else []

    async with open_test_client(network, responds(200, body, *encoding)) as (client, _):
        assert (await users(client)(None, limit=10)).records == []


async def test_a_response_is_parsed_regardless_of_its_type(network: Network) -> None:
    """JSON under another content type is JSON."""
    async with open_test_client(network, responds(200, USERS, "Content-Type: text/plain")) as (client, _):
        assert (await users(client)(None, limit=10)).records == [{"id": "a"}]


async def test_long_response_headers_are_read(network: Network) -> None:
    """Okapi echoes tokens, and those of Keycloak are long."""
    async with open_test_client(network, responds(200, USERS, f"X-Okapi-Token: {'a' * 20_000}")) as (
        client,
        _,
    ):
        assert (await users(client)(None, limit=10)).records == [{"id": "a"}]


# Requests as sent


async def test_no_redirect_is_followed(network: Network) -> None:
    """The token is sent to the configured address and to no other."""
    async with socket_server(responds(200, USERS)) as elsewhere:
        moved = responds(302, b"", f"Location: {elsewhere.url}/users")
        async with open_test_client(network, moved) as (client, server):
            with pytest.raises(errors.UpstreamBadResponse):
                await users(client)(None, limit=10)
            with pytest.raises(errors.OutcomeUnknown):
                await write(client)

        assert server.lines() == ["GET /users?limit=10&totalRecords=none", "POST /check-out"]
        assert elsewhere.lines() == []


async def test_no_cookie_is_kept(network: Network) -> None:
    """A cookie of one caller's response is never sent with the next call."""
    response = responds(200, USERS, "Set-Cookie: folioAccessToken=secret; Path=/", "Set-Cookie: a=b")
    async with open_test_client(network, response) as (client, server):
        for _ in range(3):
            await users(client)(None, limit=10)
        await write(client)

        assert [each.header("Cookie") for each in server.received] == [[], [], [], []]


async def test_proxies_of_the_environment_are_ignored(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream addresses come from the settings only."""
    async with socket_server(responds(200, USERS)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with open_test_client(network, responds(200, USERS)) as (client, server):
            await users(client)(None, limit=10)

        assert (len(server.received), len(proxy.received)) == (1, 0)


async def test_logins_of_the_environment_are_ignored(
    network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The operator's .netrc is not sent to upstream."""
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login operator password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async with open_test_client(network, responds(200, USERS)) as (client, server):
        await users(client)(None, limit=10)

        assert server.received[0].header("Authorization") == []


async def test_only_the_callers_headers_are_sent(network: Network) -> None:
    """Apart from HTTP's own, upstream receives only the headers of the caller's client."""
    given = (("Accept", "application/json, text/plain"), ("X-Okapi-Tenant", "diku"))
    async with open_test_client(network, responds(200, USERS)) as (client, server):
        caller = CallerClient(client, given)
        await caller.read_object(Route("GET", "/users"), {})
        await caller.write(CHECK_OUT, Route("POST", "/check-out"), {})
        await caller.write(CHECK_OUT, Route("DELETE", "/locks"), None)

        sent = [{name.lower(): value for name, value in each.headers} for each in server.received]
        counts = [len(each.headers) for each in server.received]

    always = {
        "host": f"127.0.0.1:{server.port}",
        "accept": "application/json, text/plain",
        "accept-encoding": "gzip",
        "connection": "keep-alive",
        "user-agent": "circulation-gateway",
        "x-okapi-tenant": "diku",
    }
    json_body = {"content-type": "application/json", "content-length": "2"}
    assert sent[0] == always
    assert sent[1] == always | json_body
    assert sent[2] == always
    assert counts == [6, 8, 6]


QUERIES = [
    'barcode=="a&limit=100000"',
    'barcode=="a#b" and personal.lastName="é"',
    'id==("a" or "b") sortby name/sort.descending',
    'barcode=="100%25 + 1/2?"',
    'barcode=="日本\U0001f4da"',
]


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_arrives_as_it_was_written(network: Network, query: str) -> None:
    """One parameter stays one parameter for any value, and only ASCII is sent."""
    async with open_test_client(network, responds(200, USERS)) as (client, server):
        await users(client)(query, limit=10)
        await CallerClient(client, ()).read_object(Route("GET", "/users"), {"query": query, "limit": "10"})

        targets = [each.target for each in server.received]

    for target in targets:
        assert target.isascii()
        assert " " not in target
        assert "#" not in target
        path, _, parameters = target.partition("?")
        assert path == "/users"
        received = dict(parse_qsl(parameters, strict_parsing=True))
        assert (received["query"], received["limit"]) == (query, "10")


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("a/../b", "/loans/a%2F..%2Fb"),
        ("%2e%2e", "/loans/%252e%252e"),
        ("a?b#c", "/loans/a%3Fb%23c"),
        ("...", "/loans/..."),
        ("é b", "/loans/%C3%A9%20b"),
    ],
)
async def test_a_segment_never_leaves_its_place(network: Network, value: str, target: str) -> None:
    """A value in a path cannot walk to another path."""
    async with open_test_client(network, responds(200, b"{}")) as (client, server):
        await CallerClient(client, ()).read_record(Route("GET", "/loans/{id}"), value)

        assert server.lines() == [f"GET {target}"]


async def test_a_path_in_the_address_is_kept(network: Network) -> None:
    """A base URL may have a path, and its final slash is not doubled."""
    async with socket_server(responds(200, USERS)) as server:
        async with client_of(f"{server.url}/okapi/", network) as client:
            await users(client)(None, limit=1)

        assert server.lines() == ["GET /okapi/users?limit=1&totalRecords=none"]


async def test_the_length_of_a_request_line_is_known_before_it_is_sent(network: Network) -> None:
    """Batches are split by a length that is never below that of the line on the wire."""
    query = str(cql.any_of("barcode", ["ä b/c", 'x"y', "日本"]))
    async with socket_server(responds(200, USERS)) as server:
        async with client_of(f"{server.url}/okapi/über", network) as client:
            expected = users(client).request_line_length(query, limit=3, offset=12)
            await users(client)(query, limit=3, offset=12, total=True)

        line = f"GET {server.received[0].target} HTTP/1.1"
        assert len(line) <= expected
        assert network is not httpx_transport or len(line) == expected


def test_parameters_are_encoded() -> None:
    """No parameter ends early and none begins inside another."""
    assert encode_query({"query": 'a=="b&c"', "operation": "create"}) == (
        "query=a%3D%3D%22b%26c%22&operation=create"
    )


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_dotted_segments_are_rejected(value: str) -> None:
    """Dots that walk up a path are no id."""
    with pytest.raises(errors.BadUserInput, match="An id must not be empty"):
        encode_segment(value)


# Load and cancellation


class Gate:
    """A server that responds once it is opened, and counts the waiting requests."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0
        self.most = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.opened.wait()
        self.waiting -= 1
        await responds(200, USERS)(reader, writer)


async def test_calls_in_flight_are_bounded(network: Network) -> None:
    """No more calls run concurrently than there are slots, and all of them get a response."""
    gate = Gate()
    limits = Settings(upstream_concurrency=3)
    async with open_test_client(network, gate, limits) as (client, server):
        calls = [asyncio.create_task(users(client)(None, limit=1)) for _ in range(9)]
        await until(lambda: gate.waiting == 3)
        await asyncio.sleep(0.05)
        assert (gate.waiting, server.connections) == (3, 3)

        gate.opened.set()
        await asyncio.gather(*calls)

        assert (gate.most, server.connections) == (3, 3 if keeps(network) else 9)
        assert len(server.received) == 9


async def test_a_call_that_waits_too_long_is_not_sent(network: Network) -> None:
    """At the end of its operation a waiting read or write fails, retryable, and nothing was sent."""
    gate = Gate()
    limits = Settings(upstream_concurrency=2)
    async with open_test_client(network, gate, limits) as (client, server):
        running = [asyncio.create_task(users(client)(None, limit=1)) for _ in range(2)]
        await until(lambda: gate.waiting == 2)
        started = time.monotonic()
        late = CallerClient(client, (), "diku", Deadline(0.05, time.monotonic() + 0.05))
        read, written = await asyncio.gather(
            late.read_object(Route("GET", "/users"), {}),
            late.write(CHECK_OUT, Route("POST", "/check-out"), {}),
            return_exceptions=True,
        )

        assert 0.04 <= time.monotonic() - started <= 4
        for problem, kind in ((read, errors.UpstreamTimeout), (written, errors.UpstreamUnavailable)):
            assert type(problem) is kind
            assert problem.message == "folio was busy for the operation's 0.05 s; nothing was sent."
            assert problem.extensions["retryable"] is True
        gate.opened.set()
        await asyncio.gather(*running)
        assert server.lines() == ["GET /users?limit=1&totalRecords=none"] * 2
        assert (await users(client)(None, limit=3)).records == [{"id": "a"}]


async def test_waiting_is_no_time_of_the_call(network: Network) -> None:
    """The timeout of a read, and that of a write, begin when it is sent: it waits for its operation's end."""
    gate = Gate()
    limits = Settings(upstream_concurrency=1, read_timeout=0.6, act_timeout=0.6, first_byte_timeout=0.6)
    async with open_test_client(network, gate, limits) as (client, server):

        async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.4)
            await responds(200, USERS)(reader, writer)

        server.respond = slowly
        pages = [asyncio.create_task(users(client)(None, limit=1)) for _ in range(3)]
        written = asyncio.create_task(write(client))
        await asyncio.gather(*pages, written)

        assert len(server.received) == 4


async def test_cancelled_reads_close_their_connections(network: Network) -> None:
    """A read that is no longer awaited does not continue upstream."""
    async with open_test_client(network, hangs, Settings()) as (client, server):
        calls = [asyncio.create_task(users(client)(None, limit=1)) for _ in range(5)]
        await until(lambda: len(server.received) == 5)
        assert server.open_connections == 5

        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

        await until(lambda: server.open_connections == 0)


@pytest.mark.slow
async def test_cancellation_leaks_no_connections(network: Network) -> None:
    """After 20 callers cancelled their calls many times, all ten connections of the pool can be used."""
    slow = True

    async def sometimes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01 if slow else 0)
        await responds(200, USERS)(reader, writer)

    async def churn(client: Client, number: int, end: float) -> int:
        cancelled = 0
        while (now := time.monotonic()) < end:
            patience = 0.001 + 0.002 * ((number * 7 + int(now * 1000)) % 13)
            try:
                async with asyncio.timeout(patience):
                    await users(client)(None, limit=1)
            except TimeoutError:
                cancelled += 1
        return cancelled

    limits = Settings(upstream_concurrency=10)
    async with open_test_client(network, sometimes, limits) as (client, server):
        end = time.monotonic() + 1.5
        cancelled = await asyncio.gather(*(churn(client, number, end) for number in range(20)))
        assert sum(cancelled) > 100

        slow = False
        started = time.monotonic()
        await users(client)(None, limit=1)
        assert time.monotonic() - started < 4  # before a pool without room would say so

        gate = Gate()
        server.respond = gate
        reads = [asyncio.create_task(users(client)(None, limit=1)) for _ in range(8)]
        writes = [asyncio.create_task(write(client)) for _ in range(2)]  # no route family has all slots
        await until(lambda: gate.waiting == 10)
        gate.opened.set()
        await asyncio.gather(*reads, *writes)

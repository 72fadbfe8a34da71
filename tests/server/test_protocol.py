"""Limits and deadlines of connections, tested over sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gateway.http.error_response import error_response
from gateway.server.open_files import SPARE_CONNECTIONS
from gateway.server.protocol import HALF_CLOSED, MAX_WAIT, bounded_protocol, check_members
from gateway.settings import ServerSettings
from tests.http.held_upstream import MUTATION, HeldUpstream, held_upstream
from tests.server.edge import PATIENCE, QUERY, Client, Process, gateway_process, get, post
from tests.server.transports import UnreadTransport

HEAD = 0.4  # seconds
BODY = 0.6
IDLE = 0.3
WRITE = 2.0
SOON = 5.0  # seconds in which a deadline of a second must have passed, on a busy machine
HEALTH = "/admin/health"
UP = {"status": "UP"}
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture(name="upstream", scope="module")
def _upstream() -> Iterator[HeldUpstream]:
    with held_upstream() as upstream:
        yield upstream


@pytest.fixture(name="edge", scope="module")
def _edge(upstream: HeldUpstream) -> Iterator[Process]:
    with gateway_process(
        f"--okapi-url={upstream.url}",
        f"--head-timeout={HEAD}",
        f"--body-timeout={BODY}",
        f"--idle-timeout={IDLE}",
        f"--write-timeout={WRITE}",
        "--max-header-bytes=4000",
        "--max-headers=20",
        "--max-connections=8",
    ) as process:
        yield process


@pytest.fixture(name="client")
def _client(edge: Process) -> Iterator[Client]:
    with edge.client() as client:
        yield client


def dribble(client: Client, raw: bytes, every: float) -> float:
    """Send a byte at intervals until the server closes; return the duration in seconds."""
    began = time.monotonic()
    client.socket.settimeout(every)
    for place in range(len(raw)):
        client.send(raw[place : place + 1])
        try:
            if client.socket.recv(1, 2) is not None:  # MSG_PEEK: a response or the end
                break
        except TimeoutError:
            continue
    client.socket.settimeout(SOON)
    return time.monotonic() - began


# Deadlines


def test_a_silent_connection_is_closed(client: Client) -> None:
    """A silent connection is closed without a response."""
    began = time.monotonic()

    assert client.is_closed()
    assert HEAD * 0.8 < time.monotonic() - began < SOON


def test_a_dribbled_head_is_cut_off(client: Client) -> None:
    """A byte now and then does not keep a head alive beyond its deadline."""
    took = dribble(client, get(HEALTH, b"X-Long: " + b"x" * 200), every=0.05)

    assert client.response().error == (408, "BAD_REQUEST")
    assert client.is_closed()
    assert HEAD * 0.8 < took < SOON


def test_a_dribbled_second_head_is_cut_off(client: Client) -> None:
    """The deadline applies to every head of a connection, not only to the first."""
    client.send(get(HEALTH))
    client.response()

    dribble(client, get(HEALTH, b"X-Long: " + b"x" * 200), every=0.05)

    assert client.response().error == (408, "BAD_REQUEST")
    assert client.is_closed()


def test_empty_lines_are_no_head(client: Client) -> None:
    """Empty lines before a request are allowed, and do not move its deadline."""
    took = dribble(client, b"\r\n" * 200, every=0.05)

    assert client.is_closed()
    assert took < SOON


@pytest.mark.parametrize("framing", [b"Content-Length: 500", CHUNKED])
def test_a_slow_body_is_cut_off(client: Client, framing: bytes) -> None:
    """A body has a separate deadline, with any framing."""
    client.send(post(framing, body=b"", length=False))
    took = dribble(client, b"1\r\n \r\n" * 100 if framing is CHUNKED else b" " * 200, every=0.05)

    assert client.response().error == (408, "BAD_REQUEST")
    assert client.is_closed()
    assert BODY * 0.8 < took < SOON


def test_an_idle_connection_is_closed(client: Client) -> None:
    """Between two requests a connection is kept for a limited time."""
    client.send(get(HEALTH))
    assert client.response().json == UP
    began = time.monotonic()

    assert client.is_closed()
    assert IDLE * 0.8 < time.monotonic() - began < SOON


# Sizes


def test_too_many_headers(client: Client) -> None:
    """5000 header fields are refused; those of any browser are not."""
    client.send(get(HEALTH, *[b"X-%d: 1" % number for number in range(5000)]))

    assert client.response().error == (431, "BAD_REQUEST")
    assert client.is_closed()


@pytest.mark.parametrize(("more", "status"), [(19, 200), (20, 431)])
def test_the_number_of_headers_is_exact(edge: Process, more: int, status: int) -> None:
    """MAX_HEADERS fields are accepted, Host among them, and one more is not."""
    assert edge.execute(get(HEALTH, *[b"X: 1"] * more)).status == status


@pytest.mark.parametrize("place", ["field", "name", "address"])
def test_a_huge_head_is_refused(client: Client, place: str) -> None:
    """A head of 1 MB is refused before it is read to its end."""
    huge = b"x" * 1_000_000
    begun = {
        "field": b"GET /admin/health HTTP/1.1\r\nHost: a\r\nX: " + huge,
        "name": b"GET /admin/health HTTP/1.1\r\nHost: a\r\n" + huge,
        "address": b"GET /" + huge,
    }

    client.send(begun[place])

    assert client.response().error == (431, "BAD_REQUEST")
    assert client.is_closed()


def test_a_head_in_one_piece_is_measured(edge: Process) -> None:
    """A complete head in one packet has the same limit as one in pieces."""
    assert edge.execute(get(HEALTH, b"X: " + b"x" * 5000)).error == (431, "BAD_REQUEST")
    assert edge.execute(get(HEALTH + "?" + "x" * 5000)).error == (431, "BAD_REQUEST")
    assert edge.execute(get(HEALTH, b"X: " + b"x" * 3500)).json == UP


def test_a_huge_trailer_is_refused(client: Client) -> None:
    """Bytes that belong to neither head nor body are limited too."""
    client.send(post(CHUNKED, body=b"1\r\n{\r\n0\r\nX: ", length=False))
    time.sleep(0.1)
    client.send(b"x" * 100_000)

    assert client.response().error == (431, "BAD_REQUEST")


# Framing


@pytest.mark.parametrize("version", [b"HTTP/9.9", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2"])
def test_other_versions_are_refused(client: Client, version: bytes) -> None:
    """Only HTTP/1.0 and HTTP/1.1 are accepted."""
    client.send(get(HEALTH).replace(b"HTTP/1.1", version))

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


def test_a_request_without_a_version_is_refused(client: Client) -> None:
    """HTTP/0.9 is not accepted either."""
    client.send(b"GET /admin/health\r\n\r\n")

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


@pytest.mark.parametrize(
    "fields",
    [
        [b"Content-Length: 5", CHUNKED],
        [CHUNKED, b"Content-Length: 5"],
        [b"Content-Length: 5", b"Content-Length: 5"],
        [b"Content-Length: 5", b"Content-Length: 6"],
        [b"Content-Length: 5, 5"],
        [b"Content-Length: +5"],
        [CHUNKED, CHUNKED],
        [b"Transfer-Encoding: gzip, chunked"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding : chunked"],
        [b"X: a\r\n b"],
    ],
)
def test_unclear_framing_is_refused(client: Client, fields: list[bytes]) -> None:
    """A request whose end is ambiguous is refused and its connection closed."""
    client.send(post(*fields, body=b"0\r\n\r\n", length=False), get("/smuggled"))

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


def test_http_1_0_has_no_chunks(client: Client) -> None:
    """Chunked encoding is refused in HTTP/1.0."""
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUERY), QUERY)
    client.send(post(CHUNKED, body=body, length=False).replace(b"HTTP/1.1", b"HTTP/1.0"))

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


@pytest.mark.parametrize("hosts", [[], [b"Host: a", b"Host: a"], [b"Host: a", b"Host: b"]])
def test_other_than_one_host_is_refused(client: Client, hosts: list[bytes]) -> None:
    """HTTP/1.1 requires exactly one Host."""
    client.send(b"\r\n".join((b"GET /admin/health HTTP/1.1", *hosts, b"", b"")))

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


def test_http_1_0_needs_no_host(client: Client) -> None:
    """HTTP/1.0 needs no Host, and its connections end with the response."""
    client.send(b"GET /admin/health HTTP/1.0\r\n\r\n")

    assert client.response().json == UP
    assert client.is_closed()


H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
WEBSOCKET = (b"connection: keep-alive, upgrade", b"upgrade: websocket", b"Sec-WebSocket-Version: 13")


@pytest.mark.parametrize("offer", [H2C, WEBSOCKET])
@pytest.mark.parametrize("pieces", [1, 3])
def test_upgrade_requests_are_ignored(client: Client, offer: tuple[bytes, ...], pieces: int) -> None:
    """The request is served over HTTP/1.1 with its body, and so are later requests of the connection."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUERY), QUERY)
    sent = b"".join(
        (
            post(*offer),
            post(CHUNKED, *offer, body=chunks, length=False),
            get(HEALTH, *offer),
            post(),
            get(HEALTH, b"Connection: close, Upgrade", b"Upgrade: h2c"),
        )
    )
    size = len(sent) // pieces + 1
    for place in range(0, len(sent), size):
        client.send(sent[place : place + size])
        time.sleep(0.05)

    named = {"data": {"__typename": "Query"}}
    assert [client.response().json for _ in range(5)] == [named, named, UP, named, UP]
    assert client.is_closed()


def test_upgrade_requests_have_the_same_limits(client: Client) -> None:
    """The rules for framing and the limits hold for a request that offers another protocol."""
    client.send(post(*H2C, b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n", length=False), get("/smuggled"))

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


def test_body_of_an_upgrade_request_is_cut_off(client: Client) -> None:
    """The deadline for the body holds for a request that offers another protocol."""
    client.send(post(*H2C, b"Content-Length: 500", body=b"{", length=False))

    assert client.response().error == (408, "BAD_REQUEST")
    assert client.is_closed()


def test_connect_is_refused(client: Client) -> None:
    """The gateway is no proxy."""
    client.send(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n")

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


@pytest.mark.parametrize("broken", [b"5\r\n{ too long", b"x\r\n{", b"1\n{"])
def test_broken_chunks_close_the_connection(client: Client, broken: bytes) -> None:
    """A malformed chunk closes the connection."""
    client.send(post(CHUNKED, body=broken, length=False), get("/smuggled"))

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


def test_trailers_do_not_become_headers(client: Client) -> None:
    """A header field behind the body is refused: the caller was identified without it."""
    chunks = b"%x\r\n%s\r\n0\r\nX-Okapi-Token: other\r\n\r\n" % (len(QUERY), QUERY)
    client.send(post(CHUNKED, body=chunks, length=False))

    assert client.response().error == (400, "BAD_REQUEST")
    assert client.is_closed()


# Valid requests


def test_connections_are_kept(client: Client) -> None:
    """One connection serves one request after another."""
    for _ in range(3):
        client.send(post())
        assert client.response().json == {"data": {"__typename": "Query"}}


def test_chunked_bodies_are_read(client: Client) -> None:
    """A body may be chunked."""
    client.send(post(CHUNKED, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUERY), QUERY), length=False))

    assert client.response().json == {"data": {"__typename": "Query"}}


def test_pipelined_requests_have_responses_in_order(client: Client) -> None:
    """Requests may be pipelined with their bodies; the responses are in the same order."""
    client.send(post(), get(HEALTH), post(), get("/admin/info"))

    responses = [client.response().json for _ in range(4)]

    assert responses[:3] == [{"data": {"__typename": "Query"}}, UP, {"data": {"__typename": "Query"}}]
    assert responses[3]["name"] == "circulation-gateway"


def test_many_pipelined_requests_are_no_huge_head(client: Client) -> None:
    """The limit is on one head: many requests in one packet are larger together."""
    client.send(get(HEALTH) * 200, get(HEALTH)[:20])
    time.sleep(0.1)
    client.send(get(HEALTH)[20:])

    assert [client.response().status for _ in range(201)] == [200] * 201


def test_a_refusal_waits_for_earlier_responses(client: Client) -> None:
    """Invalid bytes after a valid request do not affect its response; then the connection is closed."""
    client.send(post(), b"rubbish\r\n\r\n")

    assert client.response().json == {"data": {"__typename": "Query"}}
    assert client.is_closed()


def test_a_refused_body_waits_for_earlier_responses(client: Client, upstream: HeldUpstream) -> None:
    """An invalid body of a pipelined request does not affect the response to an earlier one."""
    client.send(post(body=MUTATION), post(CHUNKED, body=b"x\r\n", length=False))
    upstream.wait_for(1)

    upstream.release()

    assert client.response().json == {"data": {"changeDueDate": {"__typename": "DueDateChanged"}}}
    assert client.is_closed()


def test_an_unread_pipelined_body_is_not_late(client: Client, upstream: HeldUpstream) -> None:
    """A large body of a pipelined request is not read yet, and so not late."""
    client.send(post(body=MUTATION), post(body=QUERY + b" " * 400_000))
    upstream.wait_for(1)
    time.sleep(BODY * 1.3)

    upstream.release()

    assert client.response().status == 200
    assert client.response().json == {"data": {"__typename": "Query"}}


def test_a_refusal_is_a_usual_error(edge: Process) -> None:
    """It has a message, `retryable`, the request id, and the headers of every response."""
    response = edge.execute(get(HEALTH, b"X-Okapi-Request-Id: 1/desk", b"Host: other"))

    (error,) = response.json["errors"]
    assert error["message"] == "Header Host must be sent exactly once."
    assert error["extensions"].pop("requestId").startswith("1/desk;")
    assert error["extensions"] == {"code": "BAD_REQUEST", "retryable": False}
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["connection"] == "close"
    assert response.headers["cache-control"] == "no-store"
    assert "server" not in response.headers


# Clients that do not read


TYPES = "{ __schema { types { name description fields { name description args { name description } } } } }"
LARGE = get("/graphql?query=" + quote(TYPES), b"X-Okapi-Tenant: diku", b"Accept: application/json")
MANY = 60  # responses, more than the socket buffers hold
HUGE = json.dumps({"query": "{" + "".join(f"x{n}:{TYPES[1:-1]}" for n in range(12)) + "}"}).encode()


@contextmanager
def open_unread_connection(edge: Process) -> Iterator[Client]:
    """Open a connection with the minimum buffer, so that unread bytes stay with the server."""
    with edge.client(receive_buffer=1) as client:
        yield client


def wait_until_closed(client: Client) -> float:
    """Return the seconds until the server closed the connection, without reading from it."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        try:
            client.send(b"\r\n")
        except ConnectionError:
            break
        time.sleep(0.05)
    return time.monotonic() - began


def test_client_that_does_not_read_is_disconnected(edge: Process) -> None:
    """Unread responses are kept for WRITE_TIMEOUT, and then the connection is closed."""
    with open_unread_connection(edge) as client:
        client.send(LARGE * MANY)

        took = wait_until_closed(client)

    assert WRITE * 0.8 < took < WRITE + SOON


def test_a_last_response_is_not_kept_forever(edge: Process) -> None:
    """A response that ends the connection is aborted too, also with few unread bytes."""
    with open_unread_connection(edge) as client:
        client.send(LARGE * MANY, LARGE.replace(b"Host:", b"Connection: close\r\nHost:"))

        assert wait_until_closed(client) < WRITE + SOON


def test_slow_reader_gets_everything(edge: Process) -> None:
    """A pause shorter than WRITE_TIMEOUT loses nothing."""
    with open_unread_connection(edge) as client:
        client.send(LARGE * MANY)
        time.sleep(WRITE / 4)

        responses = [client.response() for _ in range(MANY)]

    assert {response.status for response in responses} == {200}
    assert len({response.body for response in responses}) == 1
    assert len(responses[0].body) * MANY > 5_000_000  # it did not fit into the buffers


def test_mutation_outlives_a_client_that_does_not_read(edge: Process, upstream: HeldUpstream) -> None:
    """A mutation pipelined behind an unread response is executed, although the connection is aborted."""
    with open_unread_connection(edge) as client:
        client.send(post(body=HUGE), post(body=MUTATION))
        upstream.wait_for(1)

        assert wait_until_closed(client) < WRITE + SOON
        assert upstream.release() == [True]


async def responses(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.anyio
@pytest.mark.parametrize(
    "ended_by", [get("/", b"Connection: close"), get("/"), b"rubbish\r\n\r\n", get("/")[:9], b"", None]
)
async def test_no_end_of_a_connection_waits_forever(ended_by: bytes | None) -> None:
    """After any end of a connection, unread bytes are dropped after WRITE_TIMEOUT, and not before."""
    bounds = ServerSettings(head_timeout=0.1, idle_timeout=0.1, write_timeout=0.5)
    config = uvicorn.Config(responses, lifespan="off", log_config=None)
    protocol = bounded_protocol(bounds, error_response)(
        config=config, server_state=ServerState(), app_state={}
    )
    transport = UnreadTransport()
    protocol.connection_made(transport)

    began = time.monotonic()
    if ended_by is None:
        protocol.shutdown()
    elif ended_by:
        protocol.data_received(ended_by)
    await asyncio.wait_for(transport.aborted.wait(), SOON)

    assert transport.closing
    assert time.monotonic() - began > 0.4
    protocol.connection_lost(None)


# uvicorn's members


def test_missing_members_are_reported() -> None:
    """A release of uvicorn without the members that the protocol uses is rejected at import, by name."""

    class Other:
        flow = None

        def __init__(self) -> None:
            self.cycle = None

    check_members(Other, "flow cycle")
    with pytest.raises(
        ImportError, match=r"uvicorn [\d.]+: Other has no pipeline, url, which the gateway uses"
    ):
        check_members(Other, "flow cycle url pipeline")


# Half-closed connections


@pytest.mark.parametrize("request_", [get(HEALTH), post(), get(HEALTH).replace(b"1.1", b"1.0")])
def test_half_closed_connection_gets_its_response(client: Client, request_: bytes) -> None:
    """A client that closes its sending side gets its response, and then the end."""
    client.send(request_)
    client.socket.shutdown(socket.SHUT_WR)

    assert client.response().status == 200
    assert client.is_closed()


def test_pipelined_requests_before_the_end_are_served(client: Client) -> None:
    """All requests before the end of the sending side are served."""
    client.send(get(HEALTH), post(), get(HEALTH))
    client.socket.shutdown(socket.SHUT_WR)

    assert [client.response().status for _ in range(3)] == [200] * 3
    assert client.is_closed()


def test_shutdown_does_not_wait_for_disconnected_clients(client: Client, upstream: HeldUpstream) -> None:
    """After the client closed its side a slow query is cancelled; a mutation is finished."""
    client.send(post(body=MUTATION))
    upstream.wait_for(1)
    began = time.monotonic()
    client.socket.shutdown(socket.SHUT_WR)

    assert client.is_closed()
    assert HALF_CLOSED * 0.8 < time.monotonic() - began < SOON
    assert upstream.release() == [True]


@pytest.mark.parametrize("begun", [b"", b"GET /adm", post(b"Content-Length: 5", body=b"{", length=False)])
def test_half_a_request_has_no_response(client: Client, begun: bytes) -> None:
    """A request that cannot be completed is not waited for."""
    client.send(begun)
    client.socket.shutdown(socket.SHUT_WR)

    assert client.is_closed()


# HTTP/1.0


PARTS = b"Accept: multipart/mixed;incrementalSpec=v0.2, application/json"
DEFERRED = b'{"query":"{ __typename ... @defer { __schema { queryType { name } } } }"}'


def test_http_1_0_gets_no_chunks(client: Client) -> None:
    """A response in parts has a length for a client of HTTP/1.0, which does not know chunks."""
    client.send(post(PARTS, body=DEFERRED).replace(b"HTTP/1.1", b"HTTP/1.0"))

    response = client.response()
    assert "transfer-encoding" not in response.headers
    assert response.headers["content-type"].startswith("multipart/mixed")
    assert response.body.count(b'"hasNext":true') == response.body.count(b'"hasNext":false') == 1
    assert response.body.endswith(b"--\r\n")
    assert client.is_closed()


def test_http_1_1_gets_parts_in_chunks(client: Client) -> None:
    """A client of HTTP/1.1 receives each part when it is ready."""
    client.send(post(PARTS, body=DEFERRED))

    assert client.line() == "HTTP/1.1 200 OK"
    assert "transfer-encoding: chunked" in iter(client.line, "")


# Expect: 100-continue


EXPECT = b"Expect: 100-continue"


def test_expect_gets_100_continue(client: Client) -> None:
    """A client that sends Expect gets 100 Continue and a response, which ends the connection."""
    client.send(post(EXPECT, b"Content-Length: %d" % len(QUERY), body=b"", length=False))
    assert client.line() == "HTTP/1.1 100 Continue"
    assert client.line() == ""

    client.send(QUERY)

    response = client.response()
    assert response.json == {"data": {"__typename": "Query"}}
    assert response.headers["connection"] == "close"
    assert client.is_closed()


def test_refused_body_is_not_requested(client: Client) -> None:
    """A request rejected by its head is rejected without 100 Continue; later bytes are not a request."""
    fields = [b"Content-Type: text/plain", EXPECT, b"Content-Length: 100"]
    client.send(post(*fields, body=b"", length=False).replace(b"Content-Type: application/json\r\n", b""))

    response = client.response()
    client.send(get("/smuggled"))

    assert response.error == (415, "BAD_REQUEST")
    assert response.headers["connection"] == "close"
    assert client.is_closed()


def test_http_1_0_gets_no_100_continue(client: Client) -> None:
    """HTTP/1.0 has no interim responses, so none is sent."""
    client.send(post(EXPECT).replace(b"HTTP/1.1", b"HTTP/1.0"))

    assert client.line().startswith("HTTP/1.1 200")


# Methods and targets


@pytest.mark.parametrize("path", [HEALTH, HEALTH + "/liveness", HEALTH + "/readiness", "/admin/info"])
def test_head_is_get_without_a_body(client: Client, path: str) -> None:
    """HEAD has the headers of GET, and the connection stays open."""
    client.send(get(path).replace(b"GET", b"HEAD", 1))
    head = client.response(of_head=True)
    client.send(get(path))
    get_response = client.response()

    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(get_response.body))


def test_head_of_graphql_is_refused_without_a_body(client: Client) -> None:
    """The rejection of HEAD has no body either, and the next response follows it directly."""
    client.send(post().replace(b"POST", b"HEAD", 1))
    refused = client.response(of_head=True)
    client.send(get(HEALTH))

    assert (refused.status, refused.headers["allow"]) == (405, "GET, POST")
    assert client.response().json == UP


@pytest.mark.parametrize("whose", [b"http://localhost", b"HTTP://Desk.LOCALHOST:99", b"https://127.1.2.3"])
def test_absolute_targets_are_understood(edge: Process, whose: bytes) -> None:
    """A request target may be an absolute URL, as through a proxy; only its path is used."""
    assert edge.execute(get(HEALTH).replace(b"/admin", whose + b"/admin")).json == UP
    response = edge.execute(post().replace(b"POST /", b"POST " + whose + b"/"))
    assert response.json == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"*", 404),
        (b"http://localhost", 400),
        (b"admin/health", 400),
        (b"/admin/health#x", 200),
        (b"//admin/health", 404),
        (b"/admin/../admin/health", 404),
        (b"/admin//health", 404),
        (b"/admin/health/", 404),
        (b"/%61dmin/health", 200),
        (b"/admin/health\xff", 400),
    ],
)
def test_unusual_targets(client: Client, target: bytes, status: int) -> None:
    """No target is an internal error, and none is rewritten."""
    client.send(get(HEALTH).replace(b"/admin/health", target))

    assert client.response().status == status


def test_an_invalid_target_does_not_affect_an_earlier_response(
    client: Client, upstream: HeldUpstream
) -> None:
    """An invalid target of a pipelined request is rejected like other invalid bytes."""
    client.send(post(body=MUTATION), get("http://localhost"))
    upstream.wait_for(1)
    upstream.release()

    assert client.response().json == {"data": {"changeDueDate": {"__typename": "DueDateChanged"}}}
    assert client.is_closed()


# Connections


def test_connections_beyond_the_limit_are_refused(edge: Process) -> None:
    """A connection beyond MAX_CONNECTIONS is rejected; when others end, new ones are accepted."""
    time.sleep(1.2)  # refused connections are closed by then
    with ExitStack() as stack:
        clients = [stack.enter_context(edge.client()) for _ in range(8)]
        for client in clients:
            client.send(get(HEALTH))
            assert client.response().json == UP
        with edge.client() as one_more:
            response = one_more.response()
            assert response.error == (503, "OVERLOADED")
            assert response.headers["retry-after"] == "1"
            assert one_more.is_closed()
    began = time.monotonic()
    while edge.execute(post()).status != 200:  # it is refused while there is no room
        assert time.monotonic() - began < SOON


@contextmanager
def flooded(edge: Process) -> Iterator[list[socket.socket]]:
    """Open silent connections, as many at a time as there is room for and more, until the test is over."""
    silent: list[socket.socket] = []
    over = threading.Event()

    def flood() -> None:
        while not over.is_set():
            silent.append(socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE))
            if len(silent) > 3 * SPARE_CONNECTIONS:
                silent.pop(0).close()
            over.wait(0.001)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        while len(silent) <= 2 * SPARE_CONNECTIONS:
            time.sleep(0.01)
        yield silent
    finally:
        over.set()
        thread.join(PATIENCE)
        for each in silent:
            each.close()


def test_health_checks_in_a_flood(edge: Process) -> None:
    """Connections beyond the limit, silent or not, do not block health checks; operations are refused."""
    with flooded(edge):
        for path in (HEALTH, HEALTH + "/liveness", HEALTH + "/readiness", "/admin/info"):
            began = time.monotonic()
            response = edge.execute(get(path))
            assert response.status == 200
            assert time.monotonic() - began < 1
            assert response.headers["connection"] == "close"
        for request in (post(), get("/graphql"), get("/nowhere")):
            response = edge.execute(request)
            assert response.error == (503, "OVERLOADED")
            assert response.headers["retry-after"] == "1"
    time.sleep(HEAD + 0.2)

    assert edge.execute(post()).json == {"data": {"__typename": "Query"}}


def test_a_spare_connection_is_not_kept(edge: Process) -> None:
    """Beyond the limit a connection serves one request, and a silent one is refused."""
    with ExitStack() as stack:
        for _ in range(8):
            client = stack.enter_context(edge.client())
            client.send(post(b"Content-Length: 500", body=b"", length=False))
        spare = stack.enter_context(edge.client())
        spare.send(get(HEALTH), post())
        assert spare.response().json == UP
        assert spare.is_closed()
        silent = stack.enter_context(edge.client())
        assert json.loads(silent.response().body)["errors"][0]["message"] == "Too many open connections."
        assert silent.is_closed()


# Slow and silent clients


def fill(edge: Process, stack: ExitStack, sent: bytes, number: int = 8) -> list[Client]:
    """Open the maximum of connections, and send the same on each."""
    clients = [stack.enter_context(edge.client()) for _ in range(number)]
    for client in clients:
        client.send(sent)
    return clients


@pytest.mark.parametrize(
    "sent", [b"", get(HEALTH)[:20], post(b"Content-Length: 9", body=b"", length=False), get(HEALTH)]
)
def test_silent_connections_make_room(upstream: HeldUpstream, sent: bytes) -> None:
    """A connection with a silent client is closed if others wait for one, the oldest first, in any state."""
    with (
        gateway_process(f"--okapi-url={upstream.url}", "--max-connections=8") as edge,
        ExitStack() as stack,
    ):
        fill(edge, stack, sent, 7)
        (youngest,) = fill(edge, stack, sent, 1)
        assert edge.execute(post()).status == 503
        time.sleep(MAX_WAIT + 0.2)

        late = [stack.enter_context(edge.client()) for _ in range(3)]
        for client in late:
            client.send(post())
            assert client.response().json == {"data": {"__typename": "Query"}}
        assert not youngest.is_closed_within(0.3)


def test_busy_connections_do_not_make_room(upstream: HeldUpstream) -> None:
    """A connection with a running request is never closed for another one."""
    with (
        gateway_process(f"--okapi-url={upstream.url}", "--max-connections=2") as edge,
        ExitStack() as stack,
    ):
        clients = fill(edge, stack, post(body=MUTATION), 2)
        upstream.wait_for(2)
        time.sleep(MAX_WAIT + 0.2)

        assert edge.execute(post()).error == (503, "OVERLOADED")
        assert edge.execute(get(HEALTH)).json == UP
        assert upstream.release() == [True, True]
        assert [client.response().status for client in clients] == [200, 200]


def test_silent_bodies_do_not_block_others(upstream: HeldUpstream) -> None:
    """Requests without their body are no operations; if there are too many, the oldest is rejected."""
    with (
        gateway_process(
            f"--okapi-url={upstream.url}", "--max-operations=2", "--max-waiting-bodies=4"
        ) as edge,
        ExitStack() as stack,
    ):
        silent = fill(edge, stack, post(CHUNKED, body=b'5\r\n{"qu', length=False), 4)
        for _ in range(3):
            assert edge.execute(post()).json == {"data": {"__typename": "Query"}}
        assert silent.pop(0).response().error == (503, "OVERLOADED")
        silent += fill(edge, stack, post(b"Content-Length: 9", body=b"", length=False), 1)
        late = stack.enter_context(edge.client())
        late.send(post(body=MUTATION))
        upstream.wait_for(1)
        upstream.release()

        response = silent.pop(0).response()
        assert response.error == (503, "OVERLOADED")
        assert (response.headers["retry-after"], response.headers["connection"]) == ("1", "close")
        assert late.response().status == 200
        assert b"\ngateway_waiting_bodies_shed_total 2.0\n" in edge.execute(get("/metrics")).body


def test_clients_that_do_not_read_do_not_block_others(upstream: HeldUpstream) -> None:
    """An operation with an unread response is not in flight, with any bytes after it."""
    with (
        gateway_process(f"--okapi-url={upstream.url}", "--max-operations=2", "--max-cost=1000") as edge,
        ExitStack() as stack,
    ):
        for _ in range(4):
            stack.enter_context(open_unread_connection(edge)).send(LARGE * 25)
        began = time.monotonic()
        # Until the buffers of the connections are full: before that, one is served between two operations.
        while [edge.execute(post()).status for _ in range(10)] != [200] * 10:
            assert time.monotonic() - began < ServerSettings().write_timeout / 2
            time.sleep(0.1)

"""Subscriptions of a gateway process: their events, disconnects, silent clients, limits and the signal."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.http.event_stream import Event, event_of, events_of
from tests.server.edge import PATIENCE, Client, Process, gateway_process, get, post

EVENTS = b"Accept: text/event-stream"
COMPLETE = Event("complete", None)
PATRON = "1000000001"
POINT = "{ servicePoints(first: 1) { nodes { id } } }"
USER = "query($barcode: String!) { user(barcode: $barcode) { id } }"
WATCH = """subscription Watch($user: ID!) { loanChanged(userId: $user) {
    kind loan { id dueDate item { barcode title status { name } } borrower { id personal { lastName } } }
} }"""
SELECTIONS = [f"a{each}: loan {{ id dueDate loanDate __typename }}" for each in range(50)]
LARGE = "subscription Large($user: ID!) { loanChanged(userId: $user) {" + " ".join(SELECTIONS) + "} }"
LEND = (
    """mutation($input: CheckOutInput!) { checkOut(input: $input) { ... on CheckedOut { loan { id } } } }"""
)


@pytest.fixture(name="gateway", scope="module")
def _gateway() -> Iterator[Process]:
    with gateway_process("--sandbox") as process:
        yield process


def operation(query: str, **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


def of_tenant(request: bytes, tenant: str) -> bytes:
    """Return a request of a tenant."""
    return request.replace(b"X-Okapi-Tenant: diku", b"X-Okapi-Tenant: " + tenant.encode())


def data(gateway: Process, query: str, tenant: str = "diku", **variables: Any) -> Any:
    """Execute an operation on a separate connection, and return its data."""
    result = gateway.execute(of_tenant(post(body=operation(query, **variables)), tenant)).json
    assert "errors" not in result, result["errors"]
    return result["data"]


def lend(gateway: Process, item: str, tenant: str = "diku") -> str:
    """Lend an item to the patron, and return the id of the loan."""
    (point,) = data(gateway, POINT, tenant)["servicePoints"]["nodes"]
    variables = {"itemBarcode": item, "userBarcode": PATRON, "servicePointId": point["id"]}
    loan_id: str = data(gateway, LEND, tenant, input=variables)["checkOut"]["loan"]["id"]
    return loan_id


def subscribe(
    client: Client, gateway: Process, *fields: bytes, query: str = WATCH, tenant: str = "diku"
) -> list[str]:
    """Watch the loans of the patron; return the head of the response when its first byte is there."""
    user = data(gateway, USER, tenant, barcode=PATRON)["user"]["id"]
    client.send(of_tenant(post(EVENTS, *fields, body=operation(query, user=user)), tenant))
    head = client.head()
    assert client.chunk() == b":\n\n"
    return head


def metric(gateway: Process, name: str) -> float:
    """Return the value of a metric."""
    text = gateway.execute(get("/metrics")).body.decode()
    (value,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(value)


def wait_until_closed(gateway: Process) -> None:
    """Wait until no subscription is open."""
    deadline = time.monotonic() + PATIENCE
    while metric(gateway, "gateway_subscriptions_open"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_results_as_they_come(gateway: Process) -> None:
    """A check-out is one event with its id; a disconnect ends the stream, and releases its place."""
    ended = 'gateway_subscriptions_ended_total{reason="disconnected"}'
    before = metric(gateway, ended)
    with gateway.client() as client:
        head = subscribe(client, gateway)
        loan = lend(gateway, "2000000001")

        event = event_of(client.event().removesuffix("\n\n"))

        assert head[0] == "HTTP/1.1 200 OK"
        assert {"x-accel-buffering: no", "transfer-encoding: chunked"} < set(head)
        assert event.name == "next"
        changed = event.data["data"]["loanChanged"]
        assert (changed["kind"], changed["loan"]["id"]) == ("CREATED", loan)
        assert changed["loan"]["item"]["status"] == {"name": "CHECKED_OUT"}
        assert event.data["extensions"] == {"resumeAfter": event.id}
        assert metric(gateway, "gateway_subscriptions_open") == 1
        assert metric(gateway, "gateway_operations_in_flight") == 0
    wait_until_closed(gateway)
    assert metric(gateway, ended) == before + 1


def test_a_disconnect_while_a_result_is_awaited(gateway: Process) -> None:
    """Fifty clients that leave at once leave nothing behind."""
    clients = [Client(gateway.port) for _ in range(50)]
    for client in clients:
        subscribe(client, gateway)
    assert metric(gateway, "gateway_subscriptions_open") == 50

    for client in clients:
        client.close()

    wait_until_closed(gateway)


def test_a_stream_goes_on_after_the_last_id() -> None:
    """What was missed is sent after the id in the header, or in the extensions; the header has precedence."""
    with gateway_process("--sandbox") as gateway:
        with gateway.client() as client:
            subscribe(client, gateway)
            lend(gateway, "2000000001")
            last = event_of(client.event().removesuffix("\n\n")).id
        missed = lend(gateway, "2000000002")
        user = data(gateway, USER, barcode=PATRON)["user"]["id"]
        request = {"query": WATCH, "variables": {"user": user}}
        header = f"Last-Event-ID: {last}".encode()
        resumed = []
        for fields, after in (((header,), None), ((), last), ((header,), "not an id")):
            body = json.dumps({**request, "extensions": {"resumeAfter": after}}).encode()
            with gateway.client() as client:
                client.send(post(EVENTS, *fields, body=body))
                client.head()
                resumed.append(event_of(client.event().removesuffix("\n\n")).data["data"]["loanChanged"])
    assert [(each["kind"], each["loan"]["id"]) for each in resumed] == [("CREATED", missed)] * 3


def test_two_tenants() -> None:
    """A stream gets the changes of its tenant alone, where barcodes are the same in both."""
    with gateway_process("--sandbox") as gateway, gateway.client() as diku, gateway.client() as college:
        subscribe(diku, gateway)
        subscribe(college, gateway, tenant="college")

        lent = [lend(gateway, "2000000001", tenant) for tenant in ("diku", "college")]

        events = [event_of(each.event().removesuffix("\n\n")) for each in (diku, college)]
        assert [each.data["data"]["loanChanged"]["loan"]["id"] for each in events] == lent
        assert len(set(lent)) == 2
        for client in (diku, college):
            client.socket.settimeout(1.0)  # five times that in which further changes are merged
            with pytest.raises(TimeoutError):
                client.event()


def test_http_1_0(gateway: Process) -> None:
    """A client of HTTP/1.0 gets events without chunks, as they come; the stream ends with the connection."""
    user = data(gateway, USER, barcode=PATRON)["user"]["id"]
    with gateway.client() as client:
        client.send(post(EVENTS, body=operation(WATCH, user=user)).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        head = client.head()
        assert "connection: close" in head
        assert [each for each in head if each.startswith(("transfer-encoding", "content-length"))] == []
        assert client.reader.read(3) == b":\n\n"
        loan = lend(gateway, "2000000002")

        blocks = iter(lambda: "\n".join(iter(client.line, "")), "")
        event = next(block for block in blocks if not block.startswith(":"))

        assert event_of(event).data["data"]["loanChanged"]["loan"]["id"] == loan
    wait_until_closed(gateway)


def test_the_signal_ends_streams() -> None:
    """On SIGTERM each stream ends with `complete` after the drain, long before SHUTDOWN_TIMEOUT."""
    with gateway_process("--sandbox", "--shutdown-timeout=600") as gateway, gateway.client() as client:
        subscribe(client, gateway)
        started = time.monotonic()

        gateway.process.send_signal(signal.SIGTERM)

        assert event_of(client.event().removesuffix("\n\n")) == COMPLETE
        assert client.chunk() == b""
        assert client.is_closed()
        assert gateway.process.wait(PATIENCE) == 0
        assert time.monotonic() - started < PATIENCE
        written = [line for line in gateway.standard_error().splitlines() if line.startswith("{")]
        lines = [json.loads(line) for line in written]
    opened, ended = (each for each in lines if each.get("operation") == "Watch")
    assert (opened["event"], opened["kind"], opened["outcome"]) == ("operation", "subscription", "success")
    assert (ended["event"], ended["ended"], ended["results"]) == ("subscription", "stopped", 0)
    assert ended["requestId"] == opened["requestId"]


def test_the_limits() -> None:
    """A subscription beyond a limit is refused in an event, and served when another one has ended."""
    options = ("--max-subscriptions=2", "--max-user-subscriptions=1")
    with gateway_process("--sandbox", *options) as gateway:
        user = data(gateway, USER, barcode=PATRON)["user"]["id"]
        request = operation(WATCH, user=user)
        with gateway.client() as first, gateway.client() as second:
            subscribe(first, gateway)
            subscribe(second, gateway, b"X-Okapi-Token: a.b.c")

            refused = gateway.execute(post(EVENTS, b"X-Okapi-Token: d.e.f", body=request))
        wait_until_closed(gateway)
        with gateway.client() as third:
            subscribe(third, gateway)
    refusal, end = (event_of(block) for block in refused.body.decode().strip("\n").split("\n\n"))
    assert (refused.status, end) == (200, COMPLETE)
    assert refusal.data["errors"][0]["extensions"]["limit"] == "MAX_SUBSCRIPTIONS"


@pytest.mark.skipif(
    not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system cannot close such connections"
)
def test_a_client_that_reads_nothing() -> None:
    """A client that does not read for WRITE_TIMEOUT is closed, although its bytes fit the system's buffer."""
    with gateway_process("--sandbox", "--write-timeout=1") as gateway, gateway.client(1) as client:
        subscribe(client, gateway, query=LARGE)
        lend(gateway, "2000000001")

        wait_until_closed(gateway)

        assert metric(gateway, 'gateway_subscriptions_ended_total{reason="disconnected"}') == 1


def test_invented_tokens_are_no_new_subscribers_of_polaris() -> None:
    """A Polaris login has one number of streams on locks, although Polaris looks at no token."""
    query = "subscription { objectLockChanged(objectType: PATRON, objectId: 4711) { kind } }"
    with gateway_process("--sandbox", "--max-user-subscriptions", "2") as gateway, ExitStack() as stack:
        for number in range(2):  # the login is that of the sandbox
            client = stack.enter_context(gateway.client())
            client.send(post(EVENTS, b"X-Okapi-Token: invented%d" % number, body=operation(query)))
            assert client.head()[0] == "HTTP/1.1 200 OK"
            assert client.chunk() == b":\n\n"

        refused = gateway.execute(post(EVENTS, b"X-Okapi-Token: invented2", body=operation(query)))

        event, _ = events_of(refused.body)
        assert event.data["errors"][0]["extensions"]["limit"] == "MAX_USER_SUBSCRIPTIONS"
        assert metric(gateway, "gateway_subscriptions_open") == 2

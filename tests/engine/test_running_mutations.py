"""A mutation that was sent is finished, despite disconnects and shutdowns."""

from __future__ import annotations

import asyncio
import signal
import time

import httpx
import pytest
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from gateway.app import create_app
from gateway.engine.running_mutations import RunningMutations
from gateway.settings import Settings
from tests.http.held_upstream import MUTATION, TWO_MUTATIONS, held_upstream
from tests.server.edge import PATIENCE, gateway_process, get, post

OPERATION = OperationDefinitionNode(
    operation=OperationType.MUTATION,
    selection_set=SelectionSetNode(
        selections=(
            FieldNode(name=NameNode(value="checkOut")),
            FragmentSpreadNode(name=NameNode(value="More")),
        )
    ),
)
READY = "/admin/health/readiness"


def test_mutations_survive_disconnect_and_signal() -> None:
    """After SIGTERM a mutation outlasts SHUTDOWN_TIMEOUT, and its client gets the response."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, "--shutdown-timeout=6") as gateway,
        gateway.client() as staying,
    ):
        with gateway.client() as leaving:
            leaving.send(post(body=MUTATION))
            upstream.wait_for(1)
        staying.send(post(body=MUTATION))
        upstream.wait_for(1)
        assert gateway.execute(get(READY)).status == 200

        gateway.process.send_signal(signal.SIGTERM)
        stopped = time.monotonic()
        while gateway.execute(get(READY)).status != 503:
            assert time.monotonic() - stopped < 2  # it accepts connections for three seconds
        late = gateway.execute(post())
        assert late.json == {"data": {"__typename": "Query"}}  # a new connection is still accepted
        assert late.headers["connection"] == "close"  # and closed after one request
        time.sleep(stopped + 6.5 - time.monotonic())  # beyond SHUTDOWN_TIMEOUT, when requests are cancelled
        assert gateway.process.poll() is None
        assert upstream.release() == [True, True]

        assert staying.response().json == {"data": {"changeDueDate": {"__typename": "DueDateChanged"}}}
        assert gateway.process.wait(PATIENCE) == 0


def test_mutation_ends_at_its_deadline() -> None:
    """A mutation without a response does not delay the end of the process beyond ACT_TIMEOUT."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, "--shutdown-timeout=1", "--act-timeout=2") as gateway,
        gateway.client() as client,
    ):
        client.send(post(body=MUTATION))
        upstream.wait_for(1)

        gateway.process.send_signal(signal.SIGTERM)

        (error,) = client.response().json["errors"]
        assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
        assert gateway.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(("seconds", "wait"), [(8, 5), (1, 2)])
def test_no_mutation_begins_late_in_the_shutdown(seconds: int, wait: int) -> None:
    """Half of SHUTDOWN_TIMEOUT after SIGTERM a running mutation continues, and the next one of its operation
    is not sent, also after all of it."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, f"--shutdown-timeout={seconds}") as gateway,
        gateway.client() as client,
    ):
        client.send(post(body=TWO_MUTATIONS))
        upstream.wait_for(1)
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(wait)

        assert upstream.release() == [True]

        response = client.response().json
        (error,) = response["errors"]
        assert response["data"] == {"a": {"__typename": "DueDateChanged"}, "b": None}
        assert error["path"] == ["b"]
        assert error["message"] == "Not attempted, nothing was sent: the gateway is shutting down."
        assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
        assert error["extensions"]["reason"] == "notAttempted"
        assert gateway.process.wait(PATIENCE) == 0
        assert upstream.release() == []  # nothing was sent after the first


def test_mutations_in_time_begin() -> None:
    """Before half of SHUTDOWN_TIMEOUT an operation continues to its last mutation, also after SIGTERM."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url) as gateway,
        gateway.client() as client,
    ):
        client.send(post(body=TWO_MUTATIONS))
        upstream.wait_for(1)
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert upstream.release() == [True]
        upstream.wait_for(1)
        assert upstream.release() == [True]

        done = {"__typename": "DueDateChanged"}
        assert client.response().json == {"data": {"a": done, "b": done}}
        assert gateway.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_repeated_signals_do_not_cancel_mutations(number: signal.Signals) -> None:
    """After any number of signals the process waits for running mutations, and logs them."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url) as gateway,
        gateway.client() as client,
    ):
        client.send(post(b"X-Okapi-Request-Id: 77/desk", body=TWO_MUTATIONS))
        upstream.wait_for(1)
        for _ in range(4):
            gateway.process.send_signal(number)
            time.sleep(0.3)

        assert gateway.process.poll() is None
        named = "mutation Later (changeDueDate, changeDueDate), request id 77/desk"
        assert f"waiting up to 40 s for {named}" in gateway.standard_error()
        assert upstream.release() == [True]

        response = client.response().json
        assert response["data"] == {"a": {"__typename": "DueDateChanged"}, "b": None}
        assert gateway.process.wait(PATIENCE) == 0
        assert "outcome unknown" not in gateway.standard_error()


def test_repeated_signals_cancel_queries() -> None:
    """A third signal does not wait for queries, which change nothing."""
    patient = [f"--{name}-timeout=60" for name in ("operation", "read", "first-byte", "shutdown")]
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, *patient) as gateway,
        gateway.client() as client,
    ):
        client.send(post(body=b'{"query":"{ loans(first: 1) { nodes { id } } }"}'))
        upstream.wait_for(1)
        began = time.monotonic()
        for _ in range(3):
            gateway.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)

        assert gateway.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 5


@pytest.mark.anyio
async def test_mutation_is_not_cancelled_with_its_request() -> None:
    """Cancelling the request, however often, does not cancel the mutation, and stops no other operation."""
    mutations, gate = RunningMutations(), asyncio.Event()
    cancelled: list[str] = []

    async def mutation() -> str:
        await gate.wait()
        return "done"

    request = asyncio.create_task(mutations.finish(mutation(), OPERATION, "1", lambda: cancelled.append("1")))
    for _ in range(3):
        await asyncio.sleep(0)
        request.cancel()
    await asyncio.sleep(0)
    gate.set()

    assert await request == "done"
    assert request.cancelling() == 0
    assert set(cancelled) == {"1"}
    assert not mutations.stopping.now


@pytest.mark.anyio
async def test_a_cancelled_request_does_not_cancel_other_mutations() -> None:
    """After a request is cancelled during its first mutation, its second one is not sent, and those of later
    requests are."""
    called, may_continue = asyncio.Event(), asyncio.Event()
    sent: list[str] = []

    async def upstream(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        called.set()
        await may_continue.wait()
        return httpx.Response(204)

    app = create_app(
        Settings(okapi_url="http://folio"), transport=lambda limits: httpx.MockTransport(upstream)
    )
    headers = {"X-Okapi-Tenant": "diku", "Content-Type": "application/json"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://gateway", headers=headers
    ) as client:
        first = asyncio.create_task(client.post("/graphql", content=TWO_MUTATIONS))
        await called.wait()
        first.cancel()
        await asyncio.sleep(0)
        may_continue.set()
        cancelled = (await first).json()
        assert sent == ["POST"]
        later = (await client.post("/graphql", content=MUTATION)).json()

    (error,) = cancelled["errors"]
    assert cancelled["data"] == {"a": {"__typename": "DueDateChanged"}, "b": None}
    assert error["message"] == "Not attempted, nothing was sent: the request was cancelled."
    assert error["extensions"]["reason"] == "notAttempted"
    assert later == {"data": {"changeDueDate": {"__typename": "DueDateChanged"}}}
    assert sent == ["POST", "POST"]


@pytest.mark.anyio
async def test_failure_of_a_mutation_is_raised() -> None:
    """An exception of the mutation reaches the request."""

    async def mutation() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await RunningMutations().finish(mutation(), OPERATION, "1")


@pytest.mark.anyio
async def test_wait_for_mutations_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """A mutation that never ends is waited for up to a limit, logged by name, and cancelled with the loop."""
    mutations = RunningMutations()
    before = asyncio.all_tasks()
    request = asyncio.create_task(mutations.finish(asyncio.Event().wait(), OPERATION, "1;2"))
    await asyncio.sleep(0)

    await asyncio.wait_for(mutations.wait_until_finished(within=0.05), PATIENCE)

    assert not request.done()
    assert caplog.messages == [
        "Shutting down; waiting up to 0.05 s for mutation without a name (checkOut, ...), request id 1;2",
        "Stopped without a response, outcome unknown:"
        " mutation without a name (checkOut, ...), request id 1;2",
    ]
    for task in asyncio.all_tasks() - before:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


@pytest.mark.anyio
async def test_completed_requests_are_not_waited_for() -> None:
    """After its response is sent a mutation is no longer running, though its task goes on."""
    mutations = RunningMutations()
    await mutations.finish(asyncio.sleep(0), OPERATION, "1")

    mutations.response_sent()

    await asyncio.wait_for(mutations.wait_until_finished(within=PATIENCE), 1)

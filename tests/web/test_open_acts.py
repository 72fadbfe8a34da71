"""An act that was sent comes to its end, whoever hangs up and whatever stops."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from gateway.web.open_acts import OpenActs
from tests.web.edge import PATIENCE, gateway_process, get, post
from tests.web.held_upstream import ACT, held_upstream

READY = "/admin/health/readiness"


def test_acts_survive_their_clients_and_the_signal() -> None:
    """After SIGTERM an act is waited for longer than anything else, and its client gets the answer."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, "--shutdown-timeout=1") as gateway,
        gateway.client() as staying,
    ):
        with gateway.client() as leaving:
            leaving.send(post(body=ACT))
            upstream.wait_for(1)
        staying.send(post(body=ACT))
        upstream.wait_for(1)
        assert gateway.ask(get(READY)).status == 200

        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        assert gateway.ask(get(READY)).status == 503
        assert gateway.ask(post()).json == {"data": {"__typename": "Query"}}  # still accepting
        time.sleep(2.2)  # beyond SHUTDOWN_TIMEOUT, when the server cancels its requests
        assert gateway.process.poll() is None
        assert upstream.release() == [True, True]

        assert staying.answer().json == {"data": {"changeDueDate": {"__typename": "DueDateChanged"}}}
        assert gateway.process.wait(PATIENCE) == 0


def test_an_act_ends_at_its_own_deadline() -> None:
    """An act whose answer never comes does not hold the process longer than ACT_TIMEOUT."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, "--shutdown-timeout=1", "--act-timeout=2") as gateway,
        gateway.client() as client,
    ):
        client.send(post(body=ACT))
        upstream.wait_for(1)

        gateway.process.send_signal(signal.SIGTERM)

        (error,) = client.answer().json["errors"]
        assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
        assert gateway.process.wait(PATIENCE) == 0


@pytest.mark.anyio
async def test_an_act_is_not_cancelled_with_its_request() -> None:
    """Who cancels the request waits for the act all the same, however often."""
    acts, gate = OpenActs(), asyncio.Event()

    async def act() -> str:
        await gate.wait()
        return "done"

    request = asyncio.create_task(acts.finish(act()))
    for _ in range(3):
        await asyncio.sleep(0)
        request.cancel()
    await asyncio.sleep(0)
    gate.set()

    assert await request == "done"
    assert request.cancelling() == 0


@pytest.mark.anyio
async def test_the_failure_of_an_act_is_its_own() -> None:
    """An exception of the act reaches the request."""

    async def act() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await OpenActs().finish(act())


@pytest.mark.anyio
async def test_waiting_for_acts_has_an_end() -> None:
    """An act that never ends is waited for so long, and its cancellation at the end of the loop ends it."""
    acts = OpenActs()
    before = asyncio.all_tasks()
    request = asyncio.create_task(acts.finish(asyncio.Event().wait()))
    await asyncio.sleep(0)

    await asyncio.wait_for(acts.ended(within=0.05), PATIENCE)

    assert not request.done()
    for task in asyncio.all_tasks() - before:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


@pytest.mark.anyio
async def test_answered_requests_are_not_waited_for() -> None:
    """Once the answer is sent, nothing of the act is open, though its task goes on."""
    acts = OpenActs()
    await acts.finish(asyncio.sleep(0))

    acts.answered()

    await asyncio.wait_for(acts.ended(within=PATIENCE), 1)

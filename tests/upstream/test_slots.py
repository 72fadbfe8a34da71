"""Slots: the concurrent calls of an upstream are shared, and none waits for all the calls of another."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import httpx
import pytest

from gateway.settings import Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client, Deadline
from gateway.upstream.routes import Route
from gateway.upstream.slots import Slots
from tests.upstream.socket_server import until

pytestmark = pytest.mark.anyio

LOANS = "read /loans"
USERS = "read /users"
CHECK_OUT = "write /check-out"


class Queue:
    """Slots, the calls that have one, and the calls that wait, each with a name."""

    def __init__(self, size: int) -> None:
        self.slots = Slots(size)
        self.running: list[tuple[str, str]] = []
        self.served: list[str] = []
        self.waiting: dict[str, asyncio.Task[None]] = {}

    async def call(self, name: str, family: str = LOANS, tenant: str = "diku", operation: str = "1") -> None:
        """Begin a call, which waits if there is no slot for it."""
        read = family.startswith("read")
        if self.slots.take(family, read):
            self._run(name, family)
            return

        async def wait() -> None:
            await self.slots.wait(family, read, tenant, operation)
            self._run(name, family)

        self.waiting[name] = asyncio.create_task(wait())
        await asyncio.sleep(0)

    def _run(self, name: str, family: str) -> None:
        self.running.append((name, family))
        self.served.append(name)

    async def end(self, calls: int = 1) -> None:
        """End the oldest calls, one after the other."""
        for _ in range(calls):
            _, family = self.running.pop(0)
            self.slots.release(family)
            await asyncio.sleep(0)
            await asyncio.sleep(0)


async def test_operations_of_a_tenant_have_turns() -> None:
    """An operation with a single call takes turns with another that has many."""
    queue = Queue(1)
    for number in range(5):
        await queue.call(f"large {number}", operation="large")
    await queue.call("small", operation="small")
    await queue.end(5)

    assert queue.served == ["large 0", "large 1", "small", "large 2", "large 3", "large 4"]


async def test_tenants_have_turns() -> None:
    """A tenant with many operations has no more turns than one with a single operation."""
    queue = Queue(1)
    await queue.call("first")
    for number in range(4):
        await queue.call(f"diku {number}", operation=str(number))
    for number in range(2):
        await queue.call(f"college {number}", tenant="college")
    await queue.end(6)

    assert queue.served == [
        "first", "diku 0", "college 0", "diku 1", "college 1", "diku 2", "diku 3",
    ]  # fmt: skip


async def test_services_have_turns_within_an_operation() -> None:
    """A single call of one service does not wait for the many of another."""
    queue = Queue(1)
    for number in range(3):
        await queue.call(f"loan {number}")
    await queue.call("user", USERS)
    await queue.end(3)

    assert queue.served == ["loan 0", "loan 1", "user", "loan 2"]


@pytest.mark.parametrize("other", ["operation", "tenant"])
async def test_calls_are_queued_for_their_operation_and_tenant(other: str) -> None:
    """A client gives its slots to the operations of its callers in turn, and to their tenants."""
    sent: list[str] = []
    gate = asyncio.Event()

    async def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.params["of"])
        await gate.wait()
        return httpx.Response(200, content=b"{}")

    limits = Settings(upstream_concurrency=1)
    client = Client("folio", "http://folio", httpx.MockTransport(respond), limits)
    large, small = (Deadline(10, time.monotonic() + 10) for _ in range(2))
    one = CallerClient(client, (), "diku", large)
    two = CallerClient(
        client, (), "college" if other == "tenant" else "diku", large if other == "tenant" else small
    )
    callers = [(one, "large")] * 4 + [(two, "small")]
    calls = [
        asyncio.create_task(caller.read_object(Route("GET", "/loans"), {"of": name}))
        for caller, name in callers
    ]
    await until(lambda: sent == ["large"])
    gate.set()
    await asyncio.gather(*calls)

    assert sent == ["large", "large", "small", "large", "large"]


async def test_writes_have_reserved_slots() -> None:
    """One slot in eight is never used by a read, however many reads wait."""
    queue = Queue(64)
    for number in range(100):
        await queue.call(str(number), family=f"read /{number}")
    assert len(queue.running) == 56

    for number in range(8):
        await queue.call(f"write {number}", f"write /{number}")

    assert queue.served[56:] == [f"write {number}" for number in range(8)]


async def test_reads_are_not_starved_by_waiting_writes() -> None:
    """A slot beyond the reserved ones is given to reads and writes in turn."""
    queue = Queue(1)
    await queue.call("first")
    for number in range(3):
        await queue.call(f"write {number}", CHECK_OUT, operation=f"write {number}")
        await queue.call(f"read {number}", operation=f"read {number}")
    await queue.end(6)

    assert queue.served == ["first", "write 0", "read 0", "write 1", "read 1", "write 2", "read 2"]


@pytest.mark.parametrize(("family", "slots"), [(LOANS, 45), (CHECK_OUT, 52)])
async def test_a_route_family_leaves_slots_to_the_others(family: str, slots: int) -> None:
    """A service that hangs does not take the last slots, and another one is called at once."""
    queue = Queue(64)
    for number in range(100):
        await queue.call(str(number), family)
    assert len(queue.running) == slots

    await queue.call("other", USERS)

    assert queue.served[-1] == "other"


async def test_a_call_that_may_not_run_keeps_none_behind_it_waiting() -> None:
    """An operation that waits for a service that hangs has its calls of other services served."""
    queue = Queue(10)
    for number in range(8):
        await queue.call(f"user {number}", USERS)
    await queue.call("write", CHECK_OUT)
    for number in range(20):
        await queue.call(f"loan {number}")
    assert queue.served[8:] == ["write"]

    await queue.end(1)

    assert queue.served[9:] == ["loan 0"]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
async def test_few_slots_are_used_by_any_call(size: int) -> None:
    """With up to four slots none is kept free."""
    queue = Queue(size)
    for number in range(9):
        await queue.call(str(number))

    assert len(queue.running) == size


async def test_a_cancelled_call_leaves_the_queue() -> None:
    """It takes no turn, and those behind it are served."""
    queue = Queue(1)
    for name in ("running", "leaving", "staying"):
        await queue.call(name)
    queue.waiting["leaving"].cancel()
    await asyncio.sleep(0)
    await queue.end(2)

    assert queue.served == ["running", "staying"]
    assert queue.slots.free == queue.slots.size


async def test_a_call_cancelled_at_its_turn_returns_the_slot() -> None:
    """A slot that was given to a call at the moment of its cancellation is given to the next."""
    queue = Queue(1)
    for name in ("running", "leaving", "staying"):
        await queue.call(name)
    queue.slots.release(LOANS)
    queue.waiting["leaving"].cancel()
    await asyncio.wait(queue.waiting.values())

    assert queue.served == ["running", "staying"]
    queue.slots.release(LOANS)
    assert queue.slots.free == queue.slots.size


async def test_a_slot_released_at_a_cancellation_is_not_lost() -> None:
    """A call that is being cancelled as a slot becomes free does not block those behind it."""
    queue = Queue(1)
    for name in ("running", "leaving", "staying"):
        await queue.call(name)
    queue.waiting["leaving"].cancel()
    queue.slots.release(LOANS)
    await asyncio.wait(queue.waiting.values())

    assert queue.served == ["running", "staying"]


async def test_every_call_is_served_once() -> None:
    """Many calls of many operations, some cancelled, all end, and all slots are free again."""
    queue = Queue(8)
    for number in range(300):
        families = (LOANS, USERS, CHECK_OUT)
        await queue.call(str(number), families[number % 3], f"t{number % 5}", str(number % 7))
    cancelled = [name for number, name in enumerate(queue.waiting) if number % 4 == 0]
    for name in cancelled:
        queue.waiting[name].cancel()
    await asyncio.sleep(0)
    while queue.running:
        await queue.end()

    assert Counter(queue.served) == Counter(str(n) for n in range(300) if str(n) not in cancelled)
    assert queue.slots.free == queue.slots.size

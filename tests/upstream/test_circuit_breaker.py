"""Circuit breakers: a service that fails is not called for a while, and then probed with one call."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest

from gateway import errors
from gateway.settings import Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.circuit_breaker import MAX_BREAKERS, OPEN_CIRCUITS, OPEN_SECONDS, CircuitBreakers
from gateway.upstream.client import Client, Deadline
from gateway.upstream.routes import Route
from gateway.upstream.slots import INTERVAL, MAX_DELAY
from gateway.upstream.statuses import Write
from tests.upstream.socket_server import until

pytestmark = pytest.mark.anyio

WRITE = Write(operation="checkOut", keys={"itemBarcode": "1"}, verify="item(barcode:) { id }")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Upstream:
    """A client whose upstream responds with one status, or waits, and records its requests."""

    def __init__(self, **settings: float) -> None:
        self.status = 503
        self.down: set[str] = set()  # paths that respond with 503 even if `status` is another
        self.fault: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.sent: list[str] = []
        self.clock = Clock()
        self.client = Client(
            "folio",
            "http://folio",
            httpx.MockTransport(self._respond),
            Settings().replace(**{"read_attempts": 1, "read_timeout": 1, "act_timeout": 1, **settings}),
            retry_pauses=(0.0, 0.0),
        )
        self.client._circuit_breakers = CircuitBreakers("folio", self.clock)

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.method)
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        status = 503 if request.url.path in self.down else self.status
        return httpx.Response(status, content=b"{}")

    async def read(
        self, tenant: str = "diku", template: str = "/users", deadline: Deadline | None = None
    ) -> str:
        try:
            await CallerClient(self.client, (), tenant, deadline).read_object(Route("GET", template), {})
        except errors.GatewayError as error:
            return "open" if "failed too often" in error.message else error.code
        return "responded"

    async def refusal(self) -> errors.UpstreamUnavailable:
        """Return the error of a read that the circuit breaker does not admit."""
        sent = len(self.sent)
        with pytest.raises(errors.UpstreamUnavailable, match="the circuit breaker is open") as caught:
            await CallerClient(self.client, (), "diku").read_object(Route("GET", "/users"), {})
        assert len(self.sent) == sent
        return caught.value

    async def write(self, tenant: str = "diku", template: str = "/users") -> errors.GatewayError | None:
        try:
            await CallerClient(self.client, (), tenant).write(WRITE, Route("POST", template), {})
        except errors.GatewayError as error:
            return error
        return None

    async def fails(self, times: int = 20) -> None:
        for _ in range(times):
            await self.read()


async def test_it_opens_at_half_of_twenty_calls() -> None:
    """Ten failures of nineteen calls are tolerated; the twentieth call opens the circuit."""
    upstream = Upstream()
    upstream.status = 200
    await upstream.fails(10)
    upstream.status = 503
    await upstream.fails(9)
    assert await upstream.read() == "UPSTREAM_UNAVAILABLE"

    assert await upstream.read() == "open"
    assert len(upstream.sent) == 20


async def test_fewer_failures_are_tolerated() -> None:
    """Below a half the calls continue."""
    upstream = Upstream()
    upstream.status = 200
    await upstream.fails(21)
    upstream.status = 503
    await upstream.fails(20)

    assert len(upstream.sent) == 41


async def test_old_failures_are_forgotten() -> None:
    """Only the last ten seconds count."""
    upstream = Upstream()
    await upstream.fails(19)
    upstream.clock.now += 10
    await upstream.fails(19)

    assert len(upstream.sent) == 38


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 429, 500, 501])
async def test_rejections_and_own_faults_are_no_failures(status: int) -> None:
    """A service that rejects requests is up, and so is one that fails at some: a user can make it do so."""
    upstream = Upstream()
    upstream.status = status
    await upstream.fails(30)

    assert len(upstream.sent) == 30


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_statuses_of_an_absent_service_are_failures(status: int) -> None:
    """These come from what is in front of a service that is down."""
    upstream = Upstream()
    upstream.status = status
    await upstream.fails()

    assert await upstream.read() == "open"


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("silent"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
        ConnectionResetError("reset"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_broken_connections_are_failures(fault: Exception) -> None:
    """No connection and a connection that breaks both count, for reads and for writes."""
    upstream = Upstream()
    upstream.fault = fault
    await upstream.fails()
    for _ in range(20):
        await upstream.write()

    assert await upstream.read() == "open"
    assert len(upstream.sent) == 40
    assert await upstream.write() is not None
    assert len(upstream.sent) == 40


async def test_a_full_pool_is_no_failure_of_upstream() -> None:
    """A connection that the gateway's own pool refused was never requested from upstream."""
    upstream = Upstream()
    upstream.fault = httpx.PoolTimeout("full")
    await upstream.fails(30)

    assert len(upstream.sent) == 30


async def test_an_unreadable_response_is_no_failure() -> None:
    """A body beyond the limit, which one user's page can cause, is a response."""
    upstream = Upstream(max_upstream_bytes=1)
    upstream.status = 200
    await upstream.fails(30)

    assert len(upstream.sent) == 30


async def test_a_call_counts_once_with_all_its_attempts() -> None:
    """Nineteen reads, some of them retried, are nineteen failures; the twentieth opens the circuit."""
    upstream = Upstream(read_attempts=3)
    await upstream.fails(19)
    assert len(upstream.sent) == 22  # the budget permits three retries

    assert await upstream.read() == "UPSTREAM_UNAVAILABLE"
    assert await upstream.read() == "open"
    assert len(upstream.sent) == 23


async def test_another_route_family_is_not_affected() -> None:
    """Behind one address one service is down, and the others are called as before."""
    upstream = Upstream()
    upstream.status = 200
    upstream.down = {"/accounts"}
    for _ in range(20):
        assert await upstream.read(template="/accounts") == "UPSTREAM_UNAVAILABLE"

    assert await upstream.read(template="/accounts") == "open"
    assert await upstream.read(template="/users") == "responded"


async def test_routes_of_one_family_share_a_circuit() -> None:
    """A record and a list of one kind come from one service."""
    upstream = Upstream()
    for _ in range(20):
        await upstream.read(template="/circulation/loans")

    assert await upstream.read(template="/circulation/loans/abc") == "open"
    assert await upstream.read(template="/circulation/requests") == "UPSTREAM_UNAVAILABLE"


async def test_reads_and_writes_have_separate_circuits() -> None:
    """Failing reads do not stop writes, and failing writes do not stop reads."""
    upstream = Upstream()
    await upstream.fails()
    upstream.status = 200
    assert [await upstream.write(), await upstream.read()] == [None, "open"]

    upstream = Upstream()
    for _ in range(20):
        await upstream.write()
    sent = len(upstream.sent)
    upstream.status = 200
    assert await upstream.write() is not None
    assert len(upstream.sent) == sent
    assert await upstream.read() == "responded"


async def test_nothing_is_sent_while_it_is_open() -> None:
    """Reads and writes fail at once, retryable, with the time after which a retry may succeed."""
    upstream = Upstream()
    await upstream.fails()
    for _ in range(20):
        await upstream.write()
    upstream.clock.now += 1.5

    with pytest.raises(errors.UpstreamUnavailable) as caught:
        await CallerClient(upstream.client, (), "diku").read_object(Route("GET", "/users"), {})
    rejected = await upstream.write()

    extensions = {"code": "UPSTREAM_UNAVAILABLE", "retryable": True, "upstream": "folio", "retryAfter": 4.0}
    assert caught.value.extensions == extensions
    assert rejected is not None
    assert rejected.extensions == extensions
    assert (
        rejected.message
        == "folio failed too often recently; the circuit breaker is open and nothing was sent."
    )
    assert upstream.sent == ["GET"] * 20 + ["POST"] * 20


async def test_one_read_probes_and_closes_it() -> None:
    """After five seconds one read is sent, the others wait for its result, and then all continue."""
    upstream = Upstream()
    await upstream.fails()
    upstream.clock.now += OPEN_SECONDS
    upstream.status = 200
    upstream.gate = asyncio.Event()
    probe = asyncio.create_task(upstream.read())
    await until(lambda: len(upstream.sent) == 21)

    assert await upstream.read() == "open"
    upstream.gate.set()
    assert await probe == "responded"
    assert [await upstream.read() for _ in range(3)] == ["responded"] * 3
    assert len(upstream.sent) == 24


async def test_a_failed_probe_opens_it_again() -> None:
    """Another five seconds, and then another read."""
    upstream = Upstream()
    await upstream.fails()
    upstream.clock.now += OPEN_SECONDS

    assert [await upstream.read() for _ in range(3)] == ["UPSTREAM_UNAVAILABLE", "open", "open"]
    upstream.clock.now += OPEN_SECONDS
    assert [await upstream.read() for _ in range(2)] == ["UPSTREAM_UNAVAILABLE", "open"]
    assert len(upstream.sent) == 22


async def test_only_changes_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """One line when it opens and one when it closes, however many calls are in flight at that moment."""
    upstream = Upstream()
    upstream.gate = asyncio.Event()
    running = [asyncio.create_task(upstream.read()) for _ in range(40)]
    await until(lambda: len(upstream.sent) == 40)
    upstream.gate.set()
    await asyncio.gather(*running)
    assert [each.getMessage() for each in caplog.records] == [
        "circuit breaker opened: folio, read /users, tenant diku"
    ]

    upstream.clock.now += OPEN_SECONDS
    assert await upstream.read() == "UPSTREAM_UNAVAILABLE"  # it stays as it was
    assert await upstream.read() == "open"
    assert len(caplog.records) == 1

    upstream.clock.now += OPEN_SECONDS
    upstream.status = 200
    await asyncio.gather(*(upstream.read() for _ in range(10)))
    await upstream.read()
    assert [each.getMessage() for each in caplog.records[1:]] == [
        "circuit breaker closed: folio, read /users, tenant diku"
    ]


async def test_callers_wait_at_least_a_second() -> None:
    """`retryAfter` is never below a second: neither just before a probe nor during it.

    Otherwise clients that obey it would return at once, repeatedly, until the probe has ended.
    """
    upstream = Upstream()
    await upstream.fails()

    upstream.clock.now += OPEN_SECONDS - 0.25
    just_before = await upstream.refusal()
    upstream.clock.now += 60
    upstream.gate = asyncio.Event()
    probe = asyncio.create_task(upstream.read())
    await until(lambda: len(upstream.sent) == 21)
    during = await upstream.refusal()
    upstream.gate.set()
    await probe

    assert [just_before.retry_after, during.retry_after] == [1.0, 1.0]


async def test_the_rest_of_the_pause_is_rounded_up() -> None:
    """`retryAfter` is a whole number of seconds, after which the pause is over."""
    upstream = Upstream()
    await upstream.fails()
    upstream.clock.now += OPEN_SECONDS - 1.25

    assert (await upstream.refusal()).retry_after == 2.0


async def test_one_write_probes_for_writes() -> None:
    """If clients only write, one of their writes is sent after the pause, once, and closes the circuit."""
    upstream = Upstream()
    for _ in range(20):
        await upstream.write()
    upstream.clock.now += OPEN_SECONDS

    upstream.status = 503  # it is still down
    failed = await upstream.write()
    refused = await upstream.write()
    assert isinstance(failed, errors.OutcomeUnknown)
    assert isinstance(refused, errors.UpstreamUnavailable)
    assert upstream.sent == ["POST"] * 21

    upstream.clock.now += OPEN_SECONDS
    upstream.status = 200
    assert [await upstream.write() for _ in range(3)] == [None] * 3
    assert upstream.sent == ["POST"] * 24


async def test_a_slow_probe_does_not_delay_the_next() -> None:
    """A write may take long: after another pause the next one is sent, before the first has ended."""
    upstream = Upstream(act_timeout=30)
    for _ in range(20):
        await upstream.write()
    upstream.clock.now += OPEN_SECONDS
    upstream.gate = gate = asyncio.Event()
    probe = asyncio.create_task(upstream.write())
    await until(lambda: len(upstream.sent) == 21)
    assert await upstream.write() is not None
    assert len(upstream.sent) == 21

    upstream.clock.now += OPEN_SECONDS
    upstream.gate, upstream.status = None, 200
    assert await upstream.write() is None
    gate.set()
    assert await probe is None
    assert len(upstream.sent) == 22


@pytest.mark.parametrize("status", [404, 500])
async def test_any_response_to_the_probe_closes_it(status: int) -> None:
    """A service that responds is up, with any status."""
    upstream = Upstream()
    await upstream.fails()
    upstream.clock.now += OPEN_SECONDS
    upstream.status = status
    await upstream.read()

    assert await upstream.read() != "open"
    assert len(upstream.sent) == 22


async def test_a_cancelled_probe_allows_another() -> None:
    """A client that disconnects during the probe does not keep the circuit open for ever."""
    upstream = Upstream()
    await upstream.fails()
    upstream.clock.now += OPEN_SECONDS
    upstream.gate = asyncio.Event()
    probe = asyncio.create_task(upstream.read())
    await until(lambda: len(upstream.sent) == 21)
    probe.cancel()
    await asyncio.wait([probe])
    upstream.gate.set()
    upstream.status = 200

    assert await upstream.read() == "responded"


async def hanging(
    calls: Callable[[Upstream], Iterable[Awaitable[object]]],
    *,
    after: Callable[[Upstream], Awaitable[None]] | None = None,
    **settings: float,
) -> Upstream:
    """Return an upstream in which these calls hung until their timeouts, and the event loop was not late.

    Timeouts of calls during which the loop was late do not count. It cannot have been in so short a round.
    """
    loop = asyncio.get_running_loop()
    for _ in range(20):
        upstream = Upstream(**settings)
        upstream.gate = asyncio.Event()
        if after is not None:
            await after(upstream)
        began = loop.time()
        await asyncio.gather(*calls(upstream))
        if loop.time() - began < INTERVAL + MAX_DELAY:
            return upstream
    pytest.fail("The machine was too busy for each of twenty rounds.")


async def test_timeouts_count() -> None:
    """A service that hangs fails like a broken one, for reads and for writes."""
    upstream = await hanging(
        lambda each: [*(each.read() for _ in range(20)), *(each.write() for _ in range(20))],
        read_timeout=0.1,
        act_timeout=0.1,
    )

    assert await upstream.read() == "open"
    assert await upstream.write() is not None
    assert len(upstream.sent) == 40


async def test_timeouts_of_one_operation_count_once() -> None:
    """Thirty slow queries of one user's operation do not stop the reads of others."""
    upstream = Upstream(read_timeout=0.05)
    upstream.gate = asyncio.Event()
    deadline = Deadline(10, time.monotonic() + 10)
    result = await asyncio.gather(*(upstream.read(deadline=deadline) for _ in range(30)))
    upstream.gate, upstream.status = None, 200

    assert result == ["UPSTREAM_TIMEOUT"] * 30
    assert await upstream.read() == "responded"


async def test_timeouts_of_many_operations_count() -> None:
    """A service that times out for all users is not called for a while."""
    upstream = await hanging(
        lambda each: [each.read(deadline=Deadline(10, time.monotonic() + 10)) for _ in range(20)],
        read_timeout=0.05,
    )

    assert await upstream.read() == "open"


async def test_own_delay_is_no_failure_of_upstream() -> None:
    """Timers that ran out while the event loop was late do not count, for reads and for writes."""
    upstream = Upstream(read_timeout=0.05, act_timeout=0.05)
    upstream.gate = asyncio.Event()
    calls = [asyncio.create_task(upstream.read()) for _ in range(20)]
    calls += [asyncio.create_task(upstream.write()) for _ in range(20)]  # type: ignore[arg-type]
    await until(lambda: len(upstream.sent) == 40)
    time.sleep(0.3)  # noqa: ASYNC251 - the event loop is late
    result = await asyncio.gather(*calls)
    upstream.gate, upstream.status = None, 200

    assert result[0] == "UPSTREAM_TIMEOUT"
    assert isinstance(result[20], errors.OutcomeUnknown)
    assert await upstream.read() == "responded"
    assert await upstream.write() is None


async def test_a_delay_before_the_call_excuses_no_timeout() -> None:
    """Timers of calls that began after the delay count again."""

    async def delay(upstream: Upstream) -> None:
        running = asyncio.create_task(upstream.read("college"))  # so that the delay is measured
        await asyncio.sleep(0.02)
        time.sleep(0.3)  # noqa: ASYNC251 - the event loop is late
        await running

    upstream = await hanging(lambda each: [each.read() for _ in range(20)], after=delay, read_timeout=0.1)

    assert await upstream.read() == "open"


async def test_a_call_that_waits_for_its_turn_is_not_sent_after_the_circuit_opened() -> None:
    """Calls that queue when the circuit opens fail with `retryAfter`, as those that come later."""
    upstream = Upstream(upstream_concurrency=4)
    upstream.gate = asyncio.Event()
    for _ in range(16):
        upstream.gate.set()
        await upstream.read()
    upstream.gate.clear()
    calls = [asyncio.create_task(upstream.read()) for _ in range(10)]
    await until(lambda: len(upstream.sent) == 20)
    upstream.gate.set()

    assert Counter(await asyncio.gather(*calls)) == {"UPSTREAM_UNAVAILABLE": 4, "open": 6}
    assert len(upstream.sent) == 20


async def test_a_full_upstream_with_an_open_circuit_refuses_at_once() -> None:
    """A call that the circuit breaker would not admit does not wait for its turn first."""
    upstream = Upstream(upstream_concurrency=1)
    await upstream.fails()
    upstream.gate = asyncio.Event()
    running = asyncio.create_task(upstream.read(template="/groups"))
    await until(lambda: len(upstream.sent) == 21)

    assert await upstream.read() == "open"
    assert not running.done()
    upstream.gate.set()
    await running


async def test_tenants_have_separate_circuits() -> None:
    """An upstream that is down for one library may be up for another."""
    upstream = Upstream()
    await upstream.fails()
    upstream.status = 200

    assert await upstream.read("college") == "responded"
    assert await upstream.read("diku") == "open"


def test_the_number_of_breakers_is_bounded() -> None:
    """A caller that invents tenants fills no memory, and the metric counts open circuits that exist."""
    before = OPEN_CIRCUITS.counts["folio"]
    breakers = CircuitBreakers("folio", Clock())
    for _ in range(20):
        with breakers.admit("first", "read /users") as call:
            call.failed = True
    late = [breakers.admit("second", "read /users") for _ in range(20)]
    assert OPEN_CIRCUITS.counts["folio"] == before + 1

    for number in range(3 * MAX_BREAKERS):
        with breakers.admit(f"t{number % MAX_BREAKERS}", f"read /{number}") as call:
            call.failed = True
    for each in late:
        with each:
            each.failed = True

    assert len(breakers) == MAX_BREAKERS
    assert OPEN_CIRCUITS.counts["folio"] == before


async def test_it_can_be_disabled() -> None:
    """Without a circuit breaker every call is sent."""
    client = Client(
        "folio",
        "http://folio",
        httpx.MockTransport(lambda request: httpx.Response(503)),
        Settings(breaker=False, read_attempts=1),
    )
    for _ in range(30):
        with pytest.raises(errors.UpstreamUnavailable, match="is not ready"):
            await CallerClient(client, ()).read_object(Route("GET", "/users"), {})

"""Circuit breakers: an upstream that fails is not called for a while, and then probed with one read."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway import errors
from gateway.settings import Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.circuit_breaker import MAX_TENANTS, OPEN_SECONDS, CircuitBreakers
from gateway.upstream.client import Client
from gateway.upstream.routes import Route
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

    def __init__(self) -> None:
        self.status = 500
        self.gate: asyncio.Event | None = None
        self.sent: list[str] = []
        self.clock = Clock()
        self.client = Client(
            "folio",
            "http://folio",
            httpx.MockTransport(self._respond),
            Settings(read_attempts=1, read_timeout=1, act_timeout=1),
        )
        self.client._circuit_breakers = CircuitBreakers("folio", self.clock)

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.method)
        if self.gate is not None:
            await self.gate.wait()
        return httpx.Response(self.status, content=b"{}")

    async def read(self, tenant: str = "diku") -> str:
        try:
            await CallerClient(self.client, (), tenant).read_object(Route("GET", "/users"), {})
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

    async def write(self, tenant: str = "diku") -> errors.GatewayError | None:
        try:
            await CallerClient(self.client, (), tenant).write(WRITE, Route("POST", "/write"), {})
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
    upstream.status = 500
    await upstream.fails(20)

    assert len(upstream.sent) == 41


async def test_old_failures_are_forgotten() -> None:
    """Only the last ten seconds count."""
    upstream = Upstream()
    await upstream.fails(19)
    upstream.clock.now += 10
    await upstream.fails(19)

    assert len(upstream.sent) == 38


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 429])
async def test_rejections_are_no_failures(status: int) -> None:
    """An upstream that rejects requests is up."""
    upstream = Upstream()
    upstream.status = status
    await upstream.fails(30)

    assert len(upstream.sent) == 30


async def test_nothing_is_sent_while_it_is_open() -> None:
    """Reads and writes fail at once, retryable, with the time after which a retry may succeed."""
    upstream = Upstream()
    await upstream.fails()
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
    assert upstream.sent == ["GET"] * 20


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

    assert [await upstream.read() for _ in range(3)] == ["UPSTREAM_ERROR", "open", "open"]
    upstream.clock.now += OPEN_SECONDS
    assert [await upstream.read() for _ in range(2)] == ["UPSTREAM_ERROR", "open"]
    assert len(upstream.sent) == 22


async def test_only_changes_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """One line when it opens and one when it closes, however many calls are in flight at that moment."""
    upstream = Upstream()
    upstream.gate = asyncio.Event()
    running = [asyncio.create_task(upstream.read()) for _ in range(40)]
    await until(lambda: len(upstream.sent) == 40)
    upstream.gate.set()
    await asyncio.gather(*running)
    assert [each.getMessage() for each in caplog.records] == ["circuit breaker opened: folio, tenant diku"]

    upstream.clock.now += OPEN_SECONDS
    assert await upstream.read() == "UPSTREAM_ERROR"  # it stays as it was
    assert await upstream.read() == "open"
    assert len(caplog.records) == 1

    upstream.clock.now += OPEN_SECONDS
    upstream.status = 200
    await asyncio.gather(*(upstream.read() for _ in range(10)))
    await upstream.read()
    assert [each.getMessage() for each in caplog.records[1:]] == [
        "circuit breaker closed: folio, tenant diku"
    ]


async def test_callers_wait_at_least_a_second() -> None:
    """`retryAfter` is never below a second: just before a probe, during it, and for a write when it is due.

    Otherwise clients that obey it would return at once, repeatedly, until the probe has ended.
    """
    upstream = Upstream()
    await upstream.fails()

    upstream.clock.now += OPEN_SECONDS - 0.25
    just_before = await upstream.refusal()
    upstream.clock.now += 60
    due = await upstream.write()
    upstream.gate = asyncio.Event()
    probe = asyncio.create_task(upstream.read())
    await until(lambda: len(upstream.sent) == 21)
    during = await upstream.refusal()
    upstream.gate.set()
    await probe

    assert due is not None
    assert [just_before.retry_after, due.retry_after, during.retry_after] == [1.0, 1.0, 1.0]


async def test_the_rest_of_the_pause_is_rounded_up() -> None:
    """`retryAfter` is a whole number of seconds, after which the pause is over."""
    upstream = Upstream()
    await upstream.fails()
    upstream.clock.now += OPEN_SECONDS - 1.25

    assert (await upstream.refusal()).retry_after == 2.0


async def test_a_write_is_never_the_probe() -> None:
    """When a probe is due, a write still fails: its own failure would be an unknown outcome."""
    upstream = Upstream()
    await upstream.fails()
    upstream.clock.now += OPEN_SECONDS
    upstream.status = 200

    rejected = await upstream.write()
    assert rejected is not None
    assert rejected.message.endswith("nothing was sent.")
    assert "POST" not in upstream.sent
    assert await upstream.read() == "responded"
    assert await upstream.write() is None


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


async def test_timeouts_and_failed_writes_count() -> None:
    """A hanging upstream fails like a broken one, and writes count like reads."""
    upstream = Upstream()
    upstream.gate = asyncio.Event()
    await asyncio.gather(*(upstream.read() for _ in range(10)), *(upstream.write() for _ in range(10)))

    assert await upstream.read() == "open"


async def test_tenants_have_separate_circuits() -> None:
    """An upstream that is down for one library may be up for another."""
    upstream = Upstream()
    await upstream.fails()
    upstream.status = 200

    assert await upstream.read("college") == "responded"
    assert await upstream.read("diku") == "open"


def test_the_number_of_tenants_is_bounded() -> None:
    """A caller that invents tenants fills no memory."""
    breakers = CircuitBreakers("folio", Clock())
    for number in range(3 * MAX_TENANTS):
        with breakers.admit(f"t{number}", read=True) as call:
            call.failed = True

    assert len(breakers) == MAX_TENANTS


async def test_it_can_be_disabled() -> None:
    """Without a circuit breaker every call is sent."""
    client = Client(
        "folio",
        "http://folio",
        httpx.MockTransport(lambda request: httpx.Response(500)),
        Settings(breaker=False, read_attempts=1),
    )
    for _ in range(30):
        with pytest.raises(errors.UpstreamError):
            await CallerClient(client, ()).read_object(Route("GET", "/users"), {})

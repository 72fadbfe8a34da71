"""Lists of the BFF that circulation replaces: the cached state of each, its lifetime, and retries."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway import errors
from gateway.identity import Caller
from gateway.settings import Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client, Deadline
from gateway.upstream.collection import BoundCollection, Page, RecordDecoder
from gateway.upstream.record_types import Members
from gateway.upstream.services import Services
from gateway.upstream.services.circulation import Circulation
from gateway.upstream.services.circulation_bff import CirculationBff
from gateway.upstream.services.circulation_lists import (
    ABSENT_SECONDS,
    FAILED_SECONDS,
    FIRST_READ_SECONDS,
    MAX_LISTS,
    BffIfServed,
    BffLists,
    BffOrCirculation,
)
from tests.upstream.socket_server import until

pytestmark = pytest.mark.anyio

BFF, CIRCULATION = "/circulation-bff/requests", "/circulation/requests"


class Platform:
    """A BFF whose list has a status, and circulation; `operation` begins one of a tenant."""

    def __init__(self) -> None:
        self.status = {BFF: 404, CIRCULATION: 200}
        self.gate: asyncio.Event | None = None  # the BFF waits for it
        self.now = 1000.0
        self.paths: list[str] = []
        self.lists = BffLists(lambda: self.now)
        limits = Settings(read_attempts=1, breaker=False)
        self.client = Client("folio", "http://folio", httpx.MockTransport(self._respond), limits)

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.paths.append(path)
        if self.gate is not None and path == BFF:
            await self.gate.wait()
        source = "bff" if path == BFF else "circulation"
        return httpx.Response(self.status[path], json={"requests": [{"id": "1", "source": source}]})

    def operation(self, tenant: str = "diku") -> BoundCollection:
        caller = CallerClient(self.client, (), tenant)
        seconds = 10.0
        requests = CirculationBff(caller).requests
        requests.alternative = BffOrCirculation(
            lambda: Circulation(caller).requests,
            self.lists[tenant, BFF],
            Deadline(seconds, seconds, clock=lambda: 0.0),
        )
        return requests

    def if_served(self, tenant: str = "diku") -> BffIfServed:
        caller = CallerClient(self.client, (), tenant)
        return BffIfServed(CirculationBff(caller).requests, self.lists[tenant, BFF])

    def take_paths(self) -> list[str]:
        paths, self.paths = self.paths, []
        return paths


@pytest.fixture(name="platform")
def _platform() -> Platform:
    return Platform()


def source_of(page: Page) -> str:
    (record,) = page.records
    return str(record.get("source"))


@pytest.mark.parametrize(
    ("status", "seconds"), [(404, ABSENT_SECONDS), (405, ABSENT_SECONDS), (500, FAILED_SECONDS)]
)
async def test_it_is_remembered_for_a_while(platform: Platform, status: int, seconds: float) -> None:
    """The BFF is not called until the state expires; then one read tries it, and all use its result."""
    platform.status[BFF] = status
    assert source_of(await platform.operation()(None, limit=1)) == "circulation"
    assert platform.take_paths() == [BFF, CIRCULATION]

    platform.now += seconds - 1
    await platform.operation()(None, limit=1)
    assert platform.take_paths() == [CIRCULATION]

    platform.now += 1
    await platform.operation()(None, limit=1)
    await platform.operation()(None, limit=1)
    assert platform.take_paths() == [BFF, CIRCULATION, CIRCULATION]

    platform.now += seconds
    platform.status[BFF] = 200
    assert source_of(await platform.operation()(None, limit=1)) == "bff"
    assert source_of(await platform.operation()(None, limit=1)) == "bff"
    assert platform.take_paths() == [BFF, BFF]


async def test_one_read_tries_again_while_others_do_not(platform: Platform) -> None:
    """While one read tries the BFF again, the others are served by circulation without waiting for it."""
    await platform.operation()(None, limit=1)
    platform.now += ABSENT_SECONDS
    platform.gate = asyncio.Event()
    platform.take_paths()

    trying = asyncio.create_task(platform.operation()(None, limit=1))
    await until(lambda: platform.paths == [BFF])
    assert source_of(await platform.operation()(None, limit=1)) == "circulation"
    assert not trying.done()
    platform.gate.set()

    assert source_of(await trying) == "circulation"
    assert platform.take_paths() == [BFF, CIRCULATION, CIRCULATION]


async def test_a_cancelled_attempt_is_repeated(platform: Platform) -> None:
    """A read that ends without a response proves nothing, and the next one tries the BFF."""
    await platform.operation()(None, limit=1)
    platform.now += ABSENT_SECONDS
    platform.gate = asyncio.Event()
    trying = asyncio.create_task(platform.operation()(None, limit=1))
    await until(lambda: platform.paths[2:] == [BFF])
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    platform.gate.set()
    platform.take_paths()

    await platform.operation()(None, limit=1)

    assert platform.take_paths() == [BFF, CIRCULATION]


async def test_reads_of_one_operation_wait_for_its_first(platform: Platform) -> None:
    """While the state is unknown, the reads of an operation call the BFF once and then circulation."""
    operation = platform.operation()

    pages = await asyncio.gather(*(operation(None, limit=1) for _ in range(4)))

    assert {source_of(page) for page in pages} == {"circulation"}
    assert platform.take_paths() == [BFF, *[CIRCULATION] * 4]


async def test_they_do_not_wait_for_a_slow_one(platform: Platform) -> None:
    """A first read that is slow does not delay the others."""
    platform.status[BFF] = 200
    platform.gate = asyncio.Event()
    operation = platform.operation()
    began = asyncio.get_running_loop().time()
    first, second = (asyncio.create_task(operation(None, limit=1)) for _ in range(2))

    await until(lambda: platform.paths == [BFF, BFF])
    waited = asyncio.get_running_loop().time() - began
    platform.gate.set()

    assert source_of(await first) == source_of(await second) == "bff"
    assert waited >= FIRST_READ_SECONDS - 0.01


async def test_operations_do_not_wait_for_each_other(platform: Platform) -> None:
    """A slow first read of one operation does not delay another operation, which calls the BFF itself."""
    platform.gate = asyncio.Event()
    one, other = (asyncio.create_task(platform.operation()(None, limit=1)) for _ in range(2))
    await until(lambda: platform.paths == [BFF, BFF])
    platform.gate.set()

    assert source_of(await one) == source_of(await other) == "circulation"


async def test_a_failure_of_both_is_not_the_bffs(platform: Platform) -> None:
    """If circulation fails as well, the next read calls the BFF again."""
    platform.status |= {BFF: 500, CIRCULATION: 500}
    for _ in range(2):
        with pytest.raises(errors.UpstreamError) as raised:
            await platform.operation()(None, limit=1)

        assert (raised.value.upstream, raised.value.details) == ("folio", {"bffStatus": 500})
    assert platform.take_paths() == [BFF, CIRCULATION] * 2


async def test_an_absent_list_is_absent_although_circulation_fails(platform: Platform) -> None:
    """An absent route is cached for any response of circulation, whose error has the BFF's status."""
    platform.status[CIRCULATION] = 403
    for _ in range(2):
        with pytest.raises(errors.Forbidden) as raised:
            await platform.operation()(None, limit=1)

        assert raised.value.details == {"bffStatus": 404}
    assert platform.take_paths() == [BFF, CIRCULATION, CIRCULATION]


async def test_lists_without_a_replacement(platform: Platform) -> None:
    """A list that the BFF does not serve is empty, which is cached; one on which it fails is an error."""
    platform.status[BFF] = 500
    with pytest.raises(errors.UpstreamError):
        await platform.if_served()(None, limit=1)
    platform.status[BFF] = 404
    assert (await platform.if_served()(None, limit=1)).records == []
    assert (await platform.if_served()(None, limit=1)).records == []
    assert platform.take_paths() == [BFF, BFF]

    platform.now += ABSENT_SECONDS
    platform.status[BFF] = 200
    assert source_of(await platform.if_served()(None, limit=1)) == "bff"
    assert source_of(await platform.operation()(None, limit=1)) == "bff"


async def test_decoded_records_know_their_source(platform: Platform) -> None:
    """A decoder makes records of the source that served them."""
    members = Members()
    members.leaf("id", str)
    decoder = RecordDecoder(members, from_circulation=False)

    (of_circulation,) = (await platform.operation()(None, limit=1, decoder=decoder)).records
    platform.status[BFF] = 200
    (of_bff,) = (await platform.operation("other")(None, limit=1, decoder=decoder)).records

    assert (of_circulation.id, of_circulation.is_from_circulation) == ("1", True)  # type: ignore[attr-defined]  # Structs
    assert (of_bff.id, of_bff.is_from_circulation) == ("1", False)  # type: ignore[attr-defined]  # as above


def test_the_number_of_lists_is_bounded() -> None:
    """Tenants invented by callers evict the least recently used ones."""
    services = Services(Settings(okapi_url="http://folio"))

    def state(tenant: str) -> object:
        upstream = services.for_caller(Caller(tenant=tenant, request_id="1/graphql"))
        requests = upstream.bff_or_circulation(
            upstream.circulation_bff.requests, lambda: upstream.circulation.requests
        )
        assert requests.alternative is not None
        return requests.alternative.list_state

    kept = state("diku")
    for number in range(MAX_LISTS - 1):
        state(f"tenant{number}")
    assert state("diku") is kept

    state("another")

    assert len(services.bff_lists) == MAX_LISTS
    assert state("diku") is kept

"""A thousand keyed check-outs, sent twice at once over two gateways that share a real store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.server.edge import Process, gateway_process
from tests.soak.keyed_check_outs import Clients, CountedLibrary, Result, clients
from tests.store_server import StoreServer, needs_store_server, store_server

pytestmark = [pytest.mark.anyio, needs_store_server]

MUTATIONS = 1000
# Whenever something is killed, some writes are on their way, and some keys are claimed whose write is not.
LATENCY = 0.1  # seconds
FEW_CALLS = ("--upstream-concurrency", "4")


@asynccontextmanager
async def replicas(
    library: CountedLibrary, store: StoreServer, *more: str
) -> AsyncIterator[tuple[Clients, Process, Process]]:
    """Two gateways, started like those of an operator, before the library and with the store."""
    async with library.serve() as url:
        options = ["--okapi-url", url, "--redis-url", store.url, "--redis-timeout", "5", *more]

        def start(stack: ExitStack) -> tuple[Process, Process]:
            return (
                stack.enter_context(gateway_process(*options)),
                stack.enter_context(gateway_process(*options)),
            )

        with ExitStack() as stack:
            one, other = await asyncio.to_thread(start, stack)
            addresses = [f"http://127.0.0.1:{process.port}" for process in (one, other)]
            async with clients(*addresses) as opened:
                yield opened, one, other


def kinds(results: list[Result]) -> Counter[str]:
    """Count results by status, code and mark."""
    return Counter(
        f"{each.status} {each.code or ('lent' if each.is_lent else 'refused')}"
        f"{' replayed' if each.is_replayed else ''}"
        for each in results
    )


async def test_each_key_is_written_once() -> None:
    """There is exactly one write for each key; of two clients one executes it, the other waits or replays."""
    library = CountedLibrary(MUTATIONS)
    with store_server() as store:
        async with replicas(library, store) as (sending, _, _):
            pairs = await sending.send_pairs(library.barcodes)
            again = await sending.send_until_ended(library.barcodes, sending.addresses[1])

    counts = kinds([each for pair in pairs.values() for each in pair])
    print(counts)  # noqa: T201 - shown by -s
    assert library.received == Counter(dict.fromkeys(library.barcodes, 1))
    assert library.lent == library.received
    assert counts["200 lent"] == MUTATIONS
    assert counts["200 lent replayed"] + counts["409 IDEMPOTENCY_KEY_IN_USE"] == MUTATIONS
    assert kinds(list(again.values())) == {"200 lent replayed": MUTATIONS}
    for barcode, pair in pairs.items():
        assert {each.body for each in pair if each.status == 200} == {again[barcode].body}


async def test_a_gateway_is_killed() -> None:
    """No key is written twice. Keys without a write end with an unknown outcome, most with one lent."""
    library = CountedLibrary(MUTATIONS, latency=LATENCY)
    with store_server() as store:
        async with replicas(library, store, *FEW_CALLS) as (sending, one, _):
            pairs = asyncio.create_task(sending.send_pairs(library.barcodes))
            await sending.wait_for(MUTATIONS)
            one.process.kill()
            first = await pairs
            again = await sending.send_until_ended(library.barcodes, sending.addresses[1])

    check_results(library, first, again)
    assert kinds([pair[0] for pair in first.values()])["0 broken"] > 0


async def test_the_store_is_killed(tmp_path: Path) -> None:
    """The same if the store is killed and restarted with what it had promised to keep."""
    library = CountedLibrary(MUTATIONS, latency=LATENCY)
    options = {"appendonly": "yes", "appendfsync": "always", "dir": str(tmp_path)}
    with store_server(**options) as store:
        async with replicas(library, store, *FEW_CALLS) as (sending, _, _):
            pairs = asyncio.create_task(sending.send_pairs(library.barcodes))
            await sending.wait_for(MUTATIONS)
            store.kill()
            await sending.wait_for(MUTATIONS + MUTATIONS // 4)
            await asyncio.to_thread(store.start)
            first = await pairs
            await asyncio.sleep(1.5)  # the gateways look for the store once a second
            again = await sending.send_until_ended(library.barcodes, sending.addresses[1])

    check_results(library, first, again)
    assert kinds([each for pair in first.values() for each in pair])["503 UPSTREAM_UNAVAILABLE"] > 0


def check_results(library: CountedLibrary, first: dict[str, list[Result]], again: dict[str, Result]) -> None:
    """Check what each client was told against what the library has received."""
    documented = {
        "0 broken",
        "200 lent",
        "200 lent replayed",
        "200 OUTCOME_UNKNOWN",
        "200 OUTCOME_UNKNOWN replayed",
        "200 UPSTREAM_UNAVAILABLE",
        "409 IDEMPOTENCY_KEY_IN_USE",
        "503 UPSTREAM_UNAVAILABLE",
    }
    before, after = kinds([each for pair in first.values() for each in pair]), kinds(list(again.values()))
    print(before, after, sep="\n")  # noqa: T201 - shown by -s
    assert {*before, *after} <= documented
    assert max(library.received.values()) == 1
    assert library.lent == library.received
    for barcode, result in again.items():
        was_lent = any(each.is_lent for each in first[barcode]) or result.is_lent
        if library.received[barcode]:
            assert result.is_lent or result.code == "OUTCOME_UNKNOWN"
        else:
            assert not was_lent
            assert result.code in ("OUTCOME_UNKNOWN", "UPSTREAM_UNAVAILABLE")
    assert after["200 lent replayed"] >= 0.5 * MUTATIONS

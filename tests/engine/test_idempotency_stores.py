"""Claims and responses of idempotency keys, in this process and in a shared store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.idempotency_stores import (
    EXPIRY,
    Claim,
    Entry,
    LocalIdempotencyStore,
    RedisIdempotencyStore,
)
from gateway.redis_store import RedisStore
from tests.engine.conftest import NewStore
from tests.store_server import PATIENCE, StoreServer, needs_store_server

pytestmark = pytest.mark.anyio

SOON = 0.02  # seconds: a lease that the test lets run out


def claim(scope: str = "a", owner: str = "one", digest: str = "t") -> Claim:
    return Claim(scope=scope, fingerprint="f", token=digest, claimed_at=1_790_000_000_123, owner=owner)


def test_the_id_of_a_claim() -> None:
    """It is that of the request: the same for another owner, at another time and with a refreshed token."""
    same = msgspec.structs.replace(claim(owner="two", digest="u"), claimed_at=1)
    others = [claim("b"), msgspec.structs.replace(claim(), fingerprint="g")]

    assert same.id == claim().id
    assert len({each.id for each in (claim(), *others)}) == 3
    assert claim().moment == datetime(2026, 9, 21, 14, 13, 20, 123_000, UTC)


async def test_the_first_claim_wins(new_store: NewStore) -> None:
    """Of many claims at once one is stored; the others receive it, still running."""
    store = new_store()
    claims = [claim(owner=str(number)) for number in range(20)]

    results = await asyncio.gather(*map(store.claim, claims))

    (winner,) = [each for each, entry in zip(claims, results, strict=True) if entry is None]
    assert {entry for entry in results if entry is not None} == {Entry(claim=winner, is_running=True)}


async def test_a_response_is_kept(new_store: NewStore) -> None:
    """A completed claim has its response, byte for byte, and is not running any more."""
    store = new_store()
    await store.claim(claim())
    body = '{"name":"Ünïcödé"}'.encode() + bytes(range(256))

    await store.complete(claim(), body, is_conclusive=True)

    expected = Entry(claim=claim(), is_running=False, is_conclusive=True, response=body)
    assert await store.claim(claim(owner="two")) == expected


async def test_a_response_that_cannot_be_kept(new_store: NewStore) -> None:
    """Without its response, a completed claim is not running, and stays."""
    store = new_store()
    await store.claim(claim())

    await store.complete(claim(), None, is_conclusive=True)

    assert await store.claim(claim(owner="two")) == Entry(claim=claim(), is_running=False)


async def test_a_lease_runs_out(new_store: NewStore) -> None:
    """A claim that is not renewed is not running any more, and stays."""
    store = new_store(lease=SOON)
    await store.claim(claim())

    await asyncio.sleep(2 * SOON)

    assert await store.claim(claim(owner="two")) == Entry(claim=claim(), is_running=False)


async def test_a_late_renewal_changes_nothing(new_store: NewStore) -> None:
    """A claim that is completed does not run again, and no other owner renews it."""
    store = new_store(lease=SOON)
    await store.claim(claim("a"))
    await asyncio.sleep(2 * SOON)
    store = new_store(lease=15.0) if not isinstance(store, LocalIdempotencyStore) else store
    await store.renew(claim("a", owner="two"))
    other = await store.claim(claim("a", owner="two"))
    assert other == Entry(claim=claim("a"), is_running=False)

    await store.complete(claim("a"), b"{}", is_conclusive=False)
    await store.renew(claim("a"))

    assert await store.claim(claim("a", owner="two")) == Entry(
        claim=claim("a"), is_running=False, response=b"{}"
    )


async def test_a_renewed_claim_runs(new_store: NewStore) -> None:
    """A claim that is renewed in time is running for longer than its lease."""
    store = new_store(lease=0.3)
    await store.claim(claim())
    for _ in range(4):
        await asyncio.sleep(0.1)
        await store.renew(claim())

    assert await store.claim(claim(owner="two")) == Entry(claim=claim(), is_running=True)


async def test_only_the_owner_releases(new_store: NewStore) -> None:
    """A claim is removed by its owner only; afterwards its scope is free."""
    store = new_store()
    await store.claim(claim())
    await store.release(claim(owner="two"))
    assert await store.claim(claim(owner="two")) is not None

    await store.release(claim())

    assert await store.claim(claim(owner="two")) is None


async def test_a_look_up_replaces_no_conclusive_response(new_store: NewStore) -> None:
    """The response of a look-up replaces an inconclusive one, and no conclusive one."""
    store = new_store()
    await store.claim(claim())
    await store.complete(claim(), b"unknown", is_conclusive=False)
    await store.complete_look_up(claim(), b"confirmed", is_conclusive=True)
    await store.complete_look_up(claim(), b"late", is_conclusive=True)

    entry = await store.claim(claim(owner="two"))

    assert entry == Entry(claim=claim(), is_running=False, is_conclusive=True, response=b"confirmed")


async def test_the_response_of_the_owner_wins(new_store: NewStore) -> None:
    """It replaces that of a look-up, unless only that is conclusive."""
    store = new_store()
    for scope, by_look_up, by_owner, kept in (
        ("a", True, True, b"owner"),
        ("b", False, True, b"owner"),
        ("c", False, False, b"owner"),
        ("d", True, False, b"look-up"),
    ):
        await store.claim(claim(scope))
        await store.complete_look_up(claim(scope), b"look-up", is_conclusive=by_look_up)
        await store.complete(claim(scope), b"owner", is_conclusive=by_owner)

        entry = await store.claim(claim(scope, owner="two"))

        is_conclusive = by_look_up or by_owner
        assert entry == Entry(
            claim=claim(scope), is_running=False, is_conclusive=is_conclusive, response=kept
        )


async def test_a_released_claim_is_not_stored_again_by_a_look_up(new_store: NewStore) -> None:
    """A look-up that ends after a release stores nothing, also beside the claim of another owner."""
    store = new_store()
    await store.complete_look_up(claim(), b"late", is_conclusive=True)
    assert await store.claim(claim(owner="two")) is None

    await store.complete_look_up(claim(), b"late", is_conclusive=True)
    await store.complete(claim(), b"late", is_conclusive=True)

    assert await store.claim(claim()) == Entry(claim=claim(owner="two"), is_running=True)


async def test_the_owner_stores_a_lost_claim_again(new_store: NewStore) -> None:
    """A claim that the store has lost is stored with its response."""
    store = new_store()

    await store.complete(claim(), b"{}", is_conclusive=True)

    expected = Entry(claim=claim(), is_running=False, is_conclusive=True, response=b"{}")
    assert await store.claim(claim(owner="two")) == expected


async def test_the_digest_of_the_token_is_replaced(new_store: NewStore) -> None:
    """Only the token of the claim changes."""
    store = new_store()
    await store.claim(claim())

    await store.change_token(claim(), "u")

    assert await store.claim(claim(owner="two")) == Entry(claim=claim(digest="u"), is_running=True)


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def local(max_keys: int = 3, max_bytes: int = 1000) -> tuple[LocalIdempotencyStore, Clock]:
    clock = Clock()
    return LocalIdempotencyStore(max_keys=max_keys, max_bytes=max_bytes, clock=clock), clock


async def completed(store: LocalIdempotencyStore, scope: str, size: int = 2) -> None:
    await store.claim(claim(scope))
    await store.complete(claim(scope), b"x" * size, is_conclusive=True)


async def test_beyond_the_bytes_the_oldest_responses_are_dropped() -> None:
    """Their claims stay without a response; one that is longer than the limit is not kept."""
    store, _ = local(max_keys=10)
    for scope, size in (("a", 400), ("b", 400), ("c", 400), ("d", 1001)):
        await completed(store, scope, size)

    entries = {scope: await store.claim(claim(scope, owner="two")) for scope in "abcd"}

    sizes = {scope: len(each.response or b"") for scope, each in entries.items() if each is not None}
    assert sizes == {"a": 0, "b": 0, "c": 0, "d": 0}
    assert not any(each is None or each.is_conclusive or each.is_running for each in entries.values())

    await completed(store, "e", 1000)
    assert store.size == 1000


async def test_beyond_the_number_the_oldest_claims_are_dropped() -> None:
    """A claim that is running is not dropped."""
    store, _ = local()
    await store.claim(claim("running"))
    for scope in "abc":
        await completed(store, scope)

    assert len(store) == 3
    assert await store.claim(claim("running", owner="two")) == Entry(claim=claim("running"), is_running=True)
    assert await store.claim(claim("c", owner="two")) is not None
    assert await store.claim(claim("a", owner="two")) is None


async def test_claims_expire_after_a_day() -> None:
    """After 24 hours a key is free, and its response is gone."""
    store, clock = local()
    await completed(store, "a")
    clock.now += EXPIRY - 1
    assert await store.claim(claim("a", owner="two")) is not None

    clock.now += 1

    assert await store.claim(claim("a", owner="two")) is None
    assert store.size == 0


@needs_store_server
async def test_entries_of_a_shared_store_expire_after_a_day(
    running_store: StoreServer,
) -> None:
    """Every entry has an expiry, also one that was stored again after it was lost."""
    running_store.execute("FLUSHALL")
    client = RedisStore(running_store.url, timeout=PATIENCE)
    store = RedisIdempotencyStore(client)
    await store.claim(claim("a"))
    await store.complete(claim("a"), b"{}", is_conclusive=True)
    await store.complete(claim("b"), b"{}", is_conclusive=True)
    await client.aclose()

    left = [
        int(running_store.execute(f"TTL gateway:idempotency:{scope}").removeprefix(b":")) for scope in "ab"
    ]

    assert all(EXPIRY - 60 <= seconds <= EXPIRY for seconds in left)


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.sampled_from(["claim", "complete", "release", "look up"]),
        st.integers(0, 1100),
    )
)


@given(STEPS)
def test_the_bounds_hold(steps: list[tuple[str, str, int]]) -> None:
    """The bytes of responses are within their limit, and the number of keys unless they are running."""
    store, _ = local(max_keys=2)
    running = set[str]()

    async def execute(scope: str, step: str, size: int) -> None:
        if step == "claim":
            if await store.claim(claim(scope)) is None:
                running.add(scope)
                assert len(store) <= max(2, len(running))
        elif step == "complete":
            await store.complete(claim(scope), b"x" * size, is_conclusive=size % 2 == 0)
            running.discard(scope)
        elif step == "look up":
            await store.complete_look_up(claim(scope), b"x" * size, is_conclusive=size % 2 == 0)
        else:
            await store.release(claim(scope))
            running.discard(scope)
        assert store.size <= 1000

    for each in steps:
        asyncio.run(execute(*each))
    for scope in running:
        assert asyncio.run(store.claim(claim(scope))) is not None

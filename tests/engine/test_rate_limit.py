"""A user beyond the limit gets the time to wait, and nothing is sent upstream."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.rate_limit import DECISIONS, LocalCounters, RateLimit, user_keys
from gateway.errors import RateLimited
from gateway.identity import Caller, PolarisIdentity
from gateway.observability.operation import OperationRecord
from gateway.redis_store import RedisStore
from tests.gateway_under_test import Gateway, open_gateway
from tests.store_server import (
    PATIENCE,
    StoreCalls,
    at_distance,
    free_port,
    needs_store_server,
    store_server,
)

LOANS = "{ loans(first: 1) { nodes { id } } }"  # one upstream call
MUTATION = 'mutation { checkIn(input: {itemBarcode: "1", servicePointId: "%s"}) { __typename } }'
GRAPHQL = "application/graphql-response+json"

SHARED = pytest.param(True, id="shared", marks=needs_store_server)
OWN = pytest.param(False, id="own")


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def caller(
    token: str | None = "t",  # noqa: S107 - not a real token
    *,
    tenant: str = "diku",
    polaris: str | None = None,
) -> Caller:
    identity = PolarisIdentity(authorization=polaris) if polaris is not None else None
    return Caller(tenant=tenant, token=token, request_id="1", polaris=identity)


@asynccontextmanager
async def limit(most: int, seconds: int, *, shared: bool) -> AsyncIterator[RateLimit]:
    """A limit of this process, or one in a running store."""
    if not shared:
        yield RateLimit(most, seconds)
        return
    with store_server() as server:
        store = RedisStore(server.url, timeout=PATIENCE)
        yield RateLimit(most, seconds, store)
        await store.aclose()


# Spending and recovery


@pytest.mark.anyio
@pytest.mark.parametrize("shared", [OWN, SHARED])
async def test_the_budget_is_not_exceeded(shared: bool) -> None:
    """Calls are counted, not operations; an operation beyond the rest is rejected and spends nothing."""
    async with limit(10, 60, shared=shared) as rate:
        assert await rate.check(caller(), 7) is None
        refused = await rate.check(caller(), 4)
        assert await rate.check(caller(), 3) is None
        assert await rate.check(caller(), 1) is not None

    assert refused is not None
    assert 60 <= refused.extensions.pop("retryAfter") <= 120
    assert refused.message == (
        "RATE_LIMIT allows 10 upstream calls in 60 seconds; this operation may need 4. Nothing was sent."
    )
    assert {name: value for name, value in refused.extensions.items() if name != "retryAfter"} == {
        "code": "RATE_LIMITED",
        "retryable": True,
        "limit": "RATE_LIMIT",
        "maximum": 10,
        "seconds": 60,
        "estimated": 4,
    }


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("shared", [OWN, SHARED])
async def test_operation_is_admitted_after_the_wait(shared: bool) -> None:
    """After `retryAfter` seconds the same operation is admitted, in process and in the store."""
    async with limit(10, 1, shared=shared) as rate:

        async def waits(user: Caller, cost: int) -> None:
            assert await rate.check(user, 10) is None
            refused = await rate.check(user, cost)
            assert refused is not None
            assert refused.retry_after == 2  # the rest of this window and a part of the next
            await asyncio.sleep(refused.retry_after)
            assert await rate.check(user, cost) is None

        await asyncio.gather(*(waits(caller(f"user {cost}"), cost) for cost in (2, 5, 10)))


@settings(deadline=None)  # a busy machine is slow, and time does not matter here
@given(
    st.integers(1, 50),
    st.sampled_from([1, 60]),
    st.lists(st.tuples(st.floats(0, 150), st.integers(1, 50)), max_size=30),
    st.integers(1, 50),
)
def test_the_wait_is_sufficient_and_bounded(
    most: int, seconds: int, history: list[tuple[float, int]], cost: int
) -> None:
    """After the reported wait the cost can be spent, and the wait is at most two windows."""
    clock = Clock()
    counters = LocalCounters(most, seconds, clock=clock)
    for pause, spent in history:
        clock.now += pause
        counters.spend("user", min(spent, most))

    wait = counters.spend("user", min(cost, most)).wait

    if wait is not None:
        assert 0 < wait <= 2 * seconds + 1e-6
        clock.now += wait + 1e-6
        assert counters.spend("user", min(cost, most)).wait is None


def test_a_budget_recovers_evenly() -> None:
    """A spent budget recovers evenly over the next window, not at its start."""
    clock = Clock()
    counters = LocalCounters(60, 60, clock=clock)
    assert counters.spend("user", 60).wait is None
    assert counters.spend("user", 1).wait == 61.0

    clock.now += 60.0
    assert counters.spend("user", 60).wait == 60.0
    assert counters.spend("user", 1).wait == 1.0
    clock.now += 30.0
    assert counters.spend("user", 31).wait == 1.0
    assert counters.spend("user", 30).wait is None
    clock.now += 60.0  # half of the 30 still count
    assert counters.spend("user", 46).wait == 2.0
    assert counters.spend("user", 45).wait is None
    clock.now += 150.0
    assert counters.spend("user", 60).wait is None


def test_a_window_ends_exactly_after_its_length() -> None:
    """A call at the end of a window belongs to the next one, in which the calls before it fade."""
    clock = Clock()
    counters = LocalCounters(10, 60, clock=clock)
    assert counters.spend("user", 4).wait is None

    clock.now += 60.0
    assert counters.spend("user", 6).wait is None
    assert counters.spend("user", 1).wait == 15.0  # until the 4 calls of the previous window count as 3
    clock.now += 30.0
    assert counters.spend("user", 3).wait == 15.0
    assert counters.spend("user", 2).wait is None


def test_a_window_expires_exactly_after_the_next_one() -> None:
    """Two lengths after its start a window no longer counts, and a new window starts with the next call."""
    clock = Clock()
    counters = LocalCounters(10, 60, clock=clock)
    assert counters.spend("user", 10).wait is None

    clock.now += 120.0
    assert counters.spend("user", 10).wait is None
    clock.now += 30.0
    # 30 to the end of the window, 6 until its 10 calls count as 9
    assert counters.spend("user", 1).wait == 36.0
    clock.now += 36.0
    assert counters.spend("user", 1).wait is None


def test_a_window_starts_with_the_first_call_after_a_pause() -> None:
    """After a pause of two windows the next one starts with a call, not at a multiple of the length."""
    clock = Clock()
    counters = LocalCounters(10, 60, clock=clock)
    assert counters.spend("user", 1).wait is None

    clock.now += 150.0
    assert counters.spend("user", 10).wait is None
    assert counters.spend("user", 10).wait == 120.0


def test_a_call_that_fits_exactly_is_admitted() -> None:
    """The limit itself may be spent; one call more waits for the window before to fade."""
    clock = Clock()
    counters = LocalCounters(10, 60, clock=clock)
    assert counters.spend("user", 10).wait is None
    clock.now += 90.0  # half of the 10 count

    assert counters.spend("user", 6).wait == 6.0
    assert counters.spend("user", 5).wait is None


@pytest.mark.anyio
async def test_every_operation_costs_a_call_and_none_more_than_all() -> None:
    """An operation without calls counts as one; one beyond the limit spends the complete budget."""
    rate = RateLimit(3, 60)
    assert [await rate.check(caller("a"), 0) is None for _ in range(4)] == [True, True, True, False]

    assert await rate.check(caller("b"), 99) is None
    refused = await rate.check(caller("b"), 1)
    assert isinstance(refused, RateLimited)


@pytest.mark.anyio
async def test_decisions_are_counted() -> None:
    """Admitted and refused operations are counted."""
    before = Counter(DECISIONS.counts)
    rate = RateLimit(2, 60)
    for _ in range(5):
        await rate.check(caller(), 1)

    assert Counter(DECISIONS.counts) - before == {"admitted": 2, "refused": 3}


def test_users_in_memory_are_bounded() -> None:
    """The least recently seen user is evicted: forged tokens cannot fill the memory."""
    counters = LocalCounters(1, 60, max_users=2)
    spent = [counters.spend(user, 1).wait is None for user in ("a", "b", "a", "c", "a", "c", "b")]

    assert spent == [True, True, False, True, False, False, True]
    assert len(counters) == 2


@pytest.mark.parametrize(("most", "seconds"), [(0, 60), (10, 0)])
def test_a_limit_must_be_positive(most: int, seconds: int) -> None:
    """A limit of no calls, or with a window of no time, is rejected."""
    with pytest.raises(ValueError, match="at least 1"):
        RateLimit(most, seconds)


# Users


def test_a_user_is_a_token_of_a_tenant() -> None:
    """Each token, each tenant and, without a token, each Polaris login has a separate budget."""
    users = [
        caller("a"),
        caller("b"),
        caller("a", tenant="other"),
        caller(None),
        caller(None, tenant="other"),
        caller(None, polaris="PAS a"),
        caller(None, polaris="PAS b"),
    ]

    assert len({user_keys(each, calls_polaris=False) for each in users}) == len(users)
    assert user_keys(caller("a", polaris="PAS b"), calls_polaris=False) == user_keys(
        caller("a"), calls_polaris=False
    )


def test_a_user_of_polaris_is_a_login_whatever_token_and_tenant_are_sent_with_it() -> None:
    """An operation that calls Polaris counts for the login too, which is the same in every tenant."""
    (login,) = user_keys(caller(None, polaris="PAS a"), calls_polaris=True)
    (token,) = user_keys(caller("a"), calls_polaris=True)

    assert user_keys(caller(None, polaris="PAS a", tenant="other"), calls_polaris=True) == (login,)
    assert user_keys(caller("a", polaris="PAS a"), calls_polaris=True) == (token, login)
    assert user_keys(caller("a", polaris="PAS a"), calls_polaris=False) == (token,)


@pytest.mark.anyio
@pytest.mark.parametrize("shared", [OWN, SHARED])
async def test_two_budgets_are_spent_both_or_neither(shared: bool) -> None:
    """What one budget refuses is not counted in the other, and the fields say what is left of the lesser."""
    record = OperationRecord()

    def left() -> bytes:
        return dict(record.rate_limit)[b"ratelimit"].split(b";")[1]

    async with limit(5, 60, shared=shared) as rate:
        both = caller("a", polaris="PAS a")
        assert await rate.check(both, 2, record, calls_polaris=True) is None
        assert left() == b"r=3"
        assert await rate.check(caller("b", polaris="PAS a"), 2, record, calls_polaris=True) is None
        assert left() == b"r=1"
        refused = await rate.check(both, 2, record, calls_polaris=True)  # the login has 1, the token 3
        assert isinstance(refused, RateLimited)
        assert left() == b"r=1"

        assert await rate.check(both, 3, record) is None
        assert left() == b"r=0"
        assert isinstance(await rate.check(both, 1, record, calls_polaris=True), RateLimited)
        assert await rate.check(caller(None, polaris="PAS a"), 1, record) is None
        assert left() == b"r=0"


def test_the_key_is_the_same_everywhere_and_reveals_no_token() -> None:
    """Every process computes the same key, which does not reveal the token."""
    (key,) = user_keys(caller("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."), calls_polaris=False)
    assert key == "diku/08ad834a6d6d5562b460c20b2d4c57b2"


@pytest.mark.anyio
async def test_claims_in_a_token_are_ignored() -> None:
    """Two tokens with the same user id have separate budgets."""
    rate = RateLimit(1, 60)
    claims = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoiMSJ9"

    assert await rate.check(caller(f"{claims}.forged"), 1) is None
    assert await rate.check(caller(f"{claims}.forged"), 1) is not None
    assert await rate.check(caller(f"{claims}.real"), 1) is None


# Over HTTP


async def post(
    gateway: Gateway,
    query: str = LOANS,
    *,
    token: str = "t",  # noqa: S107 - no password
    accept: str = GRAPHQL,
) -> tuple[int, str | None, object]:
    """The status, the header Retry-After, and the code of the one error, or None."""
    response = await gateway.http.post(
        "/graphql",
        json={"query": query},
        headers={**gateway.as_staff(), "X-Okapi-Token": token, "Accept": accept},
    )
    errors = response.json().get("errors")
    code = errors and errors[0]["extensions"]["code"]
    return response.status_code, response.headers.get("Retry-After"), code


@pytest.mark.anyio
@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
async def test_the_status_beyond_the_limit_is_429(accept: str) -> None:
    """The status is 429 for both media types, and nothing is sent upstream."""
    async with open_gateway(rate_limit="3/minute") as gateway:
        token = gateway.as_staff()["X-Okapi-Token"]
        for _ in range(3):
            assert await post(gateway, token=token, accept=accept) == (200, None, None)
        gateway.sandbox.calls.clear()
        headers = {**gateway.as_staff(), "Accept": accept, "X-Okapi-Request-Id": "7"}
        for query in (LOANS, MUTATION % gateway.summary.service_point_id):
            response = await gateway.http.post("/graphql", json={"query": query}, headers=headers)

            body = response.json()
            (error,) = body["errors"]
            assert response.status_code == 429
            assert response.headers["Content-Type"] == f"{accept}; charset=utf-8"
            assert 60 <= int(response.headers["Retry-After"]) <= 120
            assert error["extensions"]["retryAfter"] == int(response.headers["Retry-After"])
            assert error["extensions"]["code"] == "RATE_LIMITED"
            assert error["extensions"]["requestId"].startswith("7;")
            assert "data" not in body
        by_get = await gateway.http.get("/graphql", params={"query": LOANS}, headers=headers)
        assert by_get.status_code == 429

        assert gateway.calls == []
        assert (await post(gateway, token="another"))[0] == 200  # noqa: S106 - not a real token
        assert (await gateway.http.get("/admin/health")).status_code == 200


LOCK = "objectLock(objectType: BIBLIOGRAPHIC_RECORD, objectId: 7) { lockDate }"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "query",
    [
        f"{{ {LOCK} }}",
        "{ ...F } fragment F on Query { ... on Query { " + LOCK + " } }",
        "mutation { unlockObject(input: {objectType: BIBLIOGRAPHIC_RECORD, objectId: 7}) { __typename } }",
    ],
)
@pytest.mark.parametrize("invented", ["X-Okapi-Token", "X-Okapi-Tenant"])
async def test_invented_tokens_and_tenants_are_no_new_users_of_polaris(query: str, invented: str) -> None:
    """A login has one budget, although Polaris looks at neither the token nor the tenant beside it."""
    async with open_gateway(rate_limit="3/minute") as gateway:
        headers = gateway.as_staff()
        if invented == "X-Okapi-Tenant":
            del headers["X-Okapi-Token"]
        gateway.sandbox.calls.clear()

        statuses = []
        for number in range(5):
            sent = {**headers, invented: f"invented{number}"}
            response = await gateway.http.post("/graphql", json={"query": query}, headers=sent)
            statuses.append(response.status_code)

        assert statuses == [200, 200, 200, 429, 429]
        assert len(gateway.calls) == 3


@pytest.mark.anyio
async def test_operations_not_executed_are_not_counted() -> None:
    """A document that is invalid or beyond another limit spends nothing."""
    async with open_gateway(rate_limit="1/minute", max_cost=1) as gateway:
        token = gateway.as_staff()["X-Okapi-Token"]
        two = "{ a: loans { nodes { id } } b: loans { nodes { id } } }"
        assert await post(gateway, "{ nonsense }", token=token) == (400, None, "GRAPHQL_VALIDATION_FAILED")
        assert await post(gateway, two, token=token) == (400, None, "LIMIT_EXCEEDED")
        assert await post(gateway, token=token) == (200, None, None)
        assert (await post(gateway, token=token))[0] == 429


@pytest.mark.anyio
async def test_the_cost_is_that_of_the_limits() -> None:
    """An operation with three estimated calls spends three."""
    three = "{ a: loans { nodes { id } } b: loans { nodes { id } } c: loans { nodes { id } } }"
    async with open_gateway(rate_limit="4/minute") as gateway:
        token = gateway.as_staff()["X-Okapi-Token"]
        assert await post(gateway, three, token=token) == (200, None, None)
        assert (await post(gateway, three, token=token))[0] == 429
        assert await post(gateway, token=token) == (200, None, None)
        assert (await post(gateway, token=token))[0] == 429


@pytest.mark.anyio
async def test_there_is_no_limit_unless_one_is_set() -> None:
    """Without RATE_LIMIT nothing is counted, with any REDIS_URL."""
    before = dict(DECISIONS.counts)
    async with open_gateway(redis_url=f"redis://127.0.0.1:{free_port()}") as gateway:
        assert [await gateway.data("{ __typename }") for _ in range(50)] == [{"__typename": "Query"}] * 50

    assert before == DECISIONS.counts


@needs_store_server
@pytest.mark.anyio
async def test_the_limit_holds_under_bursts_to_a_distant_store() -> None:
    """Of bursts of 200 in two processes, 5 ms from the store, exactly the limit is admitted."""
    with store_server() as server, at_distance(server, 0.005) as url:
        stores = [RedisStore(url, timeout=0.5) for _ in range(2)]
        replicas = [RateLimit(200, 60, store) for store in stores]
        calls = StoreCalls()
        decisions = []
        for _ in range(2):
            burst = (replica.check(caller(), 1) for replica in replicas for _ in range(200))
            decisions += await asyncio.gather(*burst)
        for store in stores:
            await store.aclose()

        assert sum(decision is None for decision in decisions) == 200
        assert len(decisions) == 800
        # One call of each process for each burst.
        assert calls.by_outcome == {"success": 4}


@needs_store_server
@pytest.mark.anyio
async def test_an_operation_is_one_call_of_the_store() -> None:
    """Admitted or refused, an operation is one command, and the refusal has its time to wait."""
    with store_server() as server:
        store = RedisStore(server.url, timeout=PATIENCE)
        limit = RateLimit(1, 60, store)
        calls = StoreCalls()
        admitted, refused = [await limit.check(caller(), 1) for _ in range(2)]
        await store.aclose()

        assert admitted is None
        assert refused is not None
        assert refused.retry_after is not None
        assert 110 < refused.retry_after <= 120  # the window, and the next one until its weight is zero
        assert calls.by_outcome == {"success": 2}
        assert b"cmdstat_eval:calls=2," in server.execute("INFO commandstats")


@needs_store_server
@pytest.mark.anyio
async def test_a_cancelled_operation_does_not_cancel_its_burst() -> None:
    """The burst is decided although the request that started it was cancelled."""
    with store_server() as server:
        store = RedisStore(server.url, timeout=PATIENCE)
        limit = RateLimit(5, 60, store)
        first, *others = [asyncio.create_task(limit.check(caller(), 1)) for _ in range(6)]
        await asyncio.sleep(0)
        first.cancel()

        assert await asyncio.gather(*others) == [None] * 4 + [others[-1].result()]
        assert others[-1].result() is not None
        await store.aclose()


@needs_store_server
@pytest.mark.anyio
async def test_requests_are_served_without_the_store() -> None:
    """Without the store requests are served, a counter shows it, and each process counts separately."""
    with store_server() as server:
        shared = {"redis_url": server.url, "redis_timeout": str(PATIENCE)}
        async with open_gateway(None, rate_limit="3/minute", **shared) as gateway:
            calls = StoreCalls()
            assert [(await post(gateway))[0] for _ in range(4)] == [200, 200, 200, 429]
            assert calls.by_outcome == {"success": 4}

            server.kill()
            calls.clear()
            assert [(await post(gateway))[0] for _ in range(4)] == [200, 200, 200, 429]
            without = calls.by_outcome
            assert set(without) == {"failure", "skipped"}
            assert without.total() == 4


# Header fields


@pytest.mark.anyio
async def test_responses_have_the_calls_that_are_left() -> None:
    """The fields of the IETF's draft: the policy, what is left, and the seconds until there is more."""
    clock, record = Clock(), OperationRecord()
    rate = RateLimit(10, 60, clock=clock)

    async def fields(cost: int) -> list[str]:
        await rate.check(caller(), cost, record)
        return [value.decode() for _, value in record.rate_limit]

    assert await fields(4) == ['"upstream-calls";q=10;w=60', '"upstream-calls";r=6;t=61']
    clock.now += 15.5
    assert await fields(7) == ['"upstream-calls";q=10;w=60', '"upstream-calls";r=6;t=45']
    clock.now += 44.5
    assert await fields(1) == ['"upstream-calls";q=10;w=60', '"upstream-calls";r=5;t=1']
    clock.now += 1.0  # the 4 of the previous window count as 3
    assert await fields(6) == ['"upstream-calls";q=10;w=60', '"upstream-calls";r=0;t=15']
    assert [name for name, _ in record.rate_limit] == [b"ratelimit-policy", b"ratelimit"]


@needs_store_server
@pytest.mark.anyio
async def test_the_calls_that_are_left_are_those_of_all_replicas() -> None:
    """What one replica spends is not left at the other."""
    with store_server() as server:
        stores = [RedisStore(server.url, timeout=PATIENCE) for _ in range(2)]
        record = OperationRecord()
        for store, cost in zip(stores, (7, 2), strict=True):
            await RateLimit(10, 60, store).check(caller(), cost, record)
            await store.aclose()

    assert dict(record.rate_limit)[b"ratelimit"].startswith(b'"upstream-calls";r=1;t=')


@pytest.mark.anyio
async def test_responses_have_the_header_fields() -> None:
    """Data, parts and refusals have the fields, a refusal no earlier `Retry-After`.

    An invalid document is not counted and has none, and nor has a response without a limit.
    """
    headers = {"X-Okapi-Tenant": "diku"}
    async with open_gateway(rate_limit="3/minute") as gateway:
        served = await gateway.http.post("/graphql", json={"query": LOANS}, headers=headers)
        deferred = "{ loans(first: 1) { nodes { id ... @defer { dueDate } } } }"
        parts = await gateway.http.post(
            "/graphql",
            json={"query": deferred},
            headers={**headers, "Accept": "multipart/mixed;incrementalSpec=v0.2,application/json"},
        )
        two = "{ a: loans(first: 1) { nodes { id } } b: loans(first: 1) { nodes { id } } }"
        refused = await gateway.http.post("/graphql", json={"query": two}, headers=headers)
        invalid = await gateway.http.post("/graphql", json={"query": "{ loanz }"}, headers=headers)
    async with open_gateway() as gateway:
        unlimited = await gateway.http.post("/graphql", json={"query": LOANS}, headers=headers)

    assert [each.status_code for each in (served, parts, refused)] == [200, 200, 429]
    assert {each.headers["ratelimit-policy"] for each in (served, parts, refused)} == {
        '"upstream-calls";q=3;w=60'
    }
    assert [each.headers["ratelimit"].split(";")[1] for each in (served, parts, refused)] == [
        "r=2",
        "r=1",
        "r=1",
    ]
    reset = int(refused.headers["ratelimit"].rpartition("=")[2])
    assert 0 < reset <= int(refused.headers["retry-after"])
    for each in (invalid, unlimited):
        assert {"ratelimit", "ratelimit-policy"}.isdisjoint(each.headers)

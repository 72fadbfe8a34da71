"""A write of an earlier request with the same key is looked up, and never sent again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.context import ContextFactory, ShutdownState
from gateway.engine.idempotency import MAX_RESPONSE, IdempotentMutations, keyed_request
from gateway.engine.idempotency_stores import Claim, IdempotencyStore
from gateway.engine.response_body import GraphQLResponse
from gateway.identity import Caller, RequestOptions
from gateway.observability.operation import OperationRecord
from gateway.sandbox import Sandbox, create_sandbox
from gateway.settings import Settings
from gateway.upstream.services import Services
from gateway.upstream.transport.transports import in_process_transport
from tests.engine.conftest import NewStore
from tests.engine.keyed_gateway import (
    CHECK_OUT,
    CHECK_OUT_PATH,
    KEY,
    SERVICE_POINT,
    Decisions,
    KeyedGateway,
    error_of,
    is_replayed,
    keyed_gateway,
    lend,
    until_sent,
)

pytestmark = pytest.mark.anyio

LEASE = 0.3  # seconds, after which an owner that is gone is gone
CHECK_IN_FIRST = """mutation Two($checkIn: CheckInInput!, $checkOut: CheckOutInput!) {
    checkIn(input: $checkIn) { __typename ... on Refusal { reasons { message } } }
    checkOut(input: $checkOut) { __typename ... on CheckedOut { loan { item { barcode } } } }
    last: checkIn(input: $checkIn) { __typename }
}"""


@pytest.fixture(name="sandbox")
def _sandbox() -> Sandbox:
    return create_sandbox()


@pytest.fixture(name="store")
def _store(new_store: NewStore) -> IdempotencyStore:
    return new_store(lease=LEASE)


@pytest.fixture(name="gateway")
async def _gateway(store: IdempotencyStore, sandbox: Sandbox) -> AsyncIterator[KeyedGateway]:
    async with keyed_gateway(store, sandbox, lease=LEASE, look_up_timeout=0.2) as opened:
        yield opened


async def claim_and_leave(store: IdempotencyStore) -> None:
    """Claim the key of the usual check-out, as a process does that is then killed."""
    caller = Caller(tenant="diku", request_id="1", options=RequestOptions(idempotency_lines=[KEY.encode()]))
    keyed = keyed_request(caller, CHECK_OUT, "Lend", lend())
    claim = Claim(
        scope=keyed.scope,
        fingerprint=keyed.fingerprint,
        token=keyed.token,
        claimed_at=int(time.time() * 1000),
        owner="gone",
    )
    assert await store.claim(claim) is None


def writes_sent(gateway: KeyedGateway) -> list[str]:
    return [line for line in gateway.sent if not line.startswith("GET")]


async def test_the_owner_is_gone_after_its_write(gateway: KeyedGateway, store: IdempotencyStore) -> None:
    """A record proves the write, which is not sent again."""
    await claim_and_leave(store)
    written = await gateway.send(key=None)
    await asyncio.sleep(1.5 * LEASE)
    gateway.sandbox.calls.clear()

    again = await gateway.send()

    assert again.json() == {**written.json(), "extensions": {"outcome": "confirmed"}}
    assert is_replayed(again)
    assert (writes_sent(gateway), gateway.writes) == ([], 1)


async def test_the_owner_is_gone_before_its_write(gateway: KeyedGateway, store: IdempotencyStore) -> None:
    """Without a proof the outcome stays unknown, at each repetition, and nothing is written."""
    await claim_and_leave(store)
    await asyncio.sleep(1.5 * LEASE)

    for _ in range(2):
        response = await gateway.send()

        assert error_of(response) == (200, "OUTCOME_UNKNOWN")
        assert is_replayed(response)
    assert (writes_sent(gateway), gateway.writes) == ([], 0)


async def test_a_loan_of_before_proves_nothing(gateway: KeyedGateway, store: IdempotencyStore) -> None:
    """A record that is older than the claim is not that of the request."""
    await gateway.send(key=None)
    await asyncio.sleep(0.01)
    await claim_and_leave(store)
    await asyncio.sleep(1.5 * LEASE)

    assert error_of(await gateway.send()) == (200, "OUTCOME_UNKNOWN")


async def test_a_running_owner_is_not_gone(gateway: KeyedGateway) -> None:
    """The owner renews its claim for as long as its write takes: much longer than a lease."""
    gateway.sandbox.latency = 5 * LEASE
    running = asyncio.create_task(gateway.send())
    await until_sent(gateway)
    await asyncio.sleep(3 * LEASE)

    assert error_of(await gateway.send()) == (409, "IDEMPOTENCY_KEY_IN_USE")

    await running
    assert is_replayed(await gateway.send())
    assert gateway.writes == 1


def lent(response: httpx.Response) -> bool:
    """Return True if the item was checked out."""
    return bool(response.json()["data"]["checkOut"]["__typename"] == "CheckedOut")


async def test_an_unknown_outcome_is_looked_up_again(gateway: KeyedGateway) -> None:
    """A kept response with an unknown outcome is looked up at each repetition, until a record proves it."""
    faults = gateway.sandbox.faults
    faults.add(kind="status", path=CHECK_OUT_PATH, status=500, after=True)
    faults.add(kind="status", path="/inventory/items", status=500)
    decisions = Decisions()
    first = await gateway.send()
    still = await gateway.send()
    faults.clear()
    gateway.sandbox.calls.clear()
    confirmed = await gateway.send()
    reads = gateway.sent
    gateway.sandbox.calls.clear()
    replayed = await gateway.send()

    assert error_of(first) == error_of(still) == (200, "OUTCOME_UNKNOWN")
    assert list(map(is_replayed, (first, still, confirmed, replayed))) == [False, True, True, True]
    assert confirmed.json()["extensions"] == {"outcome": "confirmed"}
    assert lent(confirmed)
    assert replayed.content == confirmed.content
    assert [line for line in reads if not line.startswith("GET")] == []
    assert (gateway.sent, gateway.writes) == ([], 1)
    assert decisions.counts == {"new": 1, "looked_up": 2, "replayed": 1}


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_known_results_are_kept(store: IdempotencyStore, sandbox: Sandbox, execution: str) -> None:
    """Only the field with an unknown outcome is looked up; those before and after it keep their results."""
    async with keyed_gateway(store, sandbox, execution=execution, look_up_timeout=0.2) as gateway:
        await look_up_one_of_three(gateway)


async def look_up_one_of_three(gateway: KeyedGateway) -> None:
    variables = {
        "checkIn": {"itemBarcode": "no such item", "servicePointId": SERVICE_POINT},
        "checkOut": lend()["input"],
    }
    gateway.sandbox.faults.add(kind="status", path=CHECK_OUT_PATH, status=500, after=True)
    gateway.sandbox.faults.add(kind="status", path="/inventory", status=500)
    first = (await gateway.send(variables, CHECK_IN_FIRST)).json()
    gateway.sandbox.faults.clear()
    gateway.sandbox.calls.clear()

    again = (await gateway.send(variables, CHECK_IN_FIRST)).json()

    assert first["data"]["checkIn"]["__typename"] == "Refusal"
    assert [(each["path"], each["extensions"]["code"]) for each in first["errors"]] == [
        (["checkOut"], "OUTCOME_UNKNOWN"),
        (["last"], "UPSTREAM_UNAVAILABLE"),
    ]
    lent = {"__typename": "CheckedOut", "loan": {"item": {"barcode": "2000000001"}}}
    assert again == {
        "data": {**first["data"], "checkOut": lent},
        "errors": first["errors"][1:],
        "extensions": {"outcome": "confirmed"},
    }
    assert gateway.sent == ["GET /inventory/items", "GET /circulation/loans"]
    assert (await gateway.send(variables, CHECK_IN_FIRST)).json() == again


async def test_a_failed_look_up_leaves_the_outcome_unknown(
    gateway: KeyedGateway, store: IdempotencyStore
) -> None:
    """An error of a read says nothing about a write that may have been sent."""
    query = """mutation Cancel($input: CancelRequestInput!) { cancelRequest(input: $input) { __typename } }"""
    given = {"input": {"requestId": KEY, "cancellationReasonId": KEY, "cancelledByUserId": KEY}}
    caller = Caller(tenant="diku", request_id="1", options=RequestOptions(idempotency_lines=[KEY.encode()]))
    keyed = keyed_request(caller, query, "Cancel", given)
    await store.claim(
        Claim(scope=keyed.scope, fingerprint=keyed.fingerprint, token="", claimed_at=1, owner="gone")
    )
    await asyncio.sleep(1.5 * LEASE)
    gateway.sandbox.faults.add(kind="status", path="/", status=500)

    response = await gateway.send(given, query)

    assert error_of(response) == (200, "OUTCOME_UNKNOWN")
    (error,) = response.json()["errors"]
    assert error["path"] == ["cancelRequest"]
    assert error["extensions"]["sentAt"] == "1970-01-01T00:00:00.001Z"
    assert writes_sent(gateway) == []


async def test_a_response_that_is_too_long_is_not_kept(gateway: KeyedGateway) -> None:
    """It reaches its client; its repetition is looked up."""
    item = gateway.sandbox.library("diku").item_by_barcode("2000000001")
    assert item is not None
    item["copyNumber"] = "1" * MAX_RESPONSE
    query = CHECK_OUT.replace("item { barcode }", "item { copyNumber }")
    first = await gateway.send(query=query)
    gateway.sandbox.calls.clear()

    again = await gateway.send(query=query)

    assert len(first.content) > MAX_RESPONSE
    assert again.json() == {**first.json(), "extensions": {"outcome": "confirmed"}}
    assert (writes_sent(gateway), gateway.writes) == ([], 1)


@pytest.mark.parametrize("is_sent", [True, False])
async def test_an_unexpected_exception(new_store: NewStore, sandbox: Sandbox, is_sent: bool) -> None:
    """After a write it leaves the claim, which is not running any more; without one the key is free."""
    settings = Settings(sandbox=True)
    services = Services(settings, lambda _: in_process_transport(sandbox))
    factory = ContextFactory(services, limits=settings, upstream=settings, stopping=ShutdownState())
    store = new_store()
    caller = Caller(tenant="diku", request_id="1", options=RequestOptions(idempotency_lines=[KEY.encode()]))
    context, keyed = factory(caller, OperationRecord()), keyed_request(caller, CHECK_OUT, "Lend", lend())

    async def execute() -> GraphQLResponse:
        if is_sent:
            context.operation.record_mutation("checkOut", "bff", "SUCCESS")
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        await IdempotentMutations(store, factory).execute(keyed, context, execute)
    claim = Claim(scope=keyed.scope, fingerprint=keyed.fingerprint, token="", claimed_at=1, owner="next")
    entry = await store.claim(claim)
    await services.aclose()

    assert (entry is not None) == is_sent
    assert entry is None or (entry.is_running, entry.response) == (False, None)

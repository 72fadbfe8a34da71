"""A mutation that is sent again with its idempotency key is executed once."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.engine.idempotency import keyed_request
from gateway.engine.idempotency_stores import Claim
from gateway.identity import Caller, RequestOptions
from gateway.sandbox import Sandbox, create_sandbox
from tests.engine.conftest import NewStore
from tests.engine.keyed_gateway import (
    CHECK_OUT,
    CHECK_OUT_PATH,
    GRAPHQL,
    KEY,
    Decisions,
    KeyedGateway,
    error_of,
    is_replayed,
    keyed_gateway,
    lend,
    token,
    until_sent,
)
from tests.gateway_under_test import open_gateway
from tests.store_server import PATIENCE, StoreServer, needs_store_server

pytestmark = pytest.mark.anyio

POLARIS = {
    "X-Polaris-Authorization": "PAS polaris:token:secret",
    "X-Polaris-Workstation": "7",
    "X-Polaris-Organization": "3",
}
CLIENT_SENT_IT = {"X-Okapi-Tenant": "diku"}
TWO = """mutation Two($first: CheckOutInput!, $second: CheckOutInput!) {
    first: checkOut(input: $first) { __typename ... on Refusal { reasons { code } } }
    second: checkOut(input: $second) { __typename ... on CheckedOut { loan { item { barcode } } } }
}"""


@pytest.fixture(name="sandbox")
def _sandbox() -> Sandbox:
    return create_sandbox()


@pytest.fixture(name="gateway")
async def _gateway(new_store: NewStore, sandbox: Sandbox) -> AsyncIterator[KeyedGateway]:
    async with keyed_gateway(new_store(), sandbox) as opened:
        yield opened


def lent(response: httpx.Response) -> str:
    """Return the id of the loan that a check-out created."""
    assert response.status_code == 200
    result = response.json()["data"]["checkOut"]
    assert result["__typename"] == "CheckedOut"
    loan: str = result["loan"]["id"]
    return loan


def user_id(gateway: KeyedGateway, username: str = "head") -> str:
    """Return the id of the user that the library takes any token for."""
    user = gateway.sandbox.library("diku").user_by_name(username)
    assert user is not None
    return str(user["id"])


async def test_a_repetition_is_replayed(gateway: KeyedGateway) -> None:
    """It gets the response of the first request, byte for byte and with the mark, and nothing is sent."""
    decisions = Decisions()
    first = await gateway.send()
    gateway.sandbox.calls.clear()

    again = await gateway.send(headers={"Accept": GRAPHQL})

    assert lent(first)
    assert (again.status_code, again.content) == (200, first.content)
    assert (is_replayed(first), is_replayed(again)) == (False, True)
    assert again.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert first.headers["x-okapi-request-id"] != again.headers["x-okapi-request-id"]
    assert (gateway.sent, gateway.writes) == ([], 1)
    assert decisions.counts == {"new": 1, "replayed": 1}


async def test_a_refusal_of_the_library_is_replayed(gateway: KeyedGateway) -> None:
    """A refusal is a result: the rules of the library are not asked again."""
    variables = lend("2000000009")
    first = await gateway.send(variables)
    gateway.sandbox.calls.clear()

    again = await gateway.send(variables)

    assert first.json()["data"]["checkOut"]["__typename"] == "Refusal"
    assert again.content == first.content
    assert is_replayed(again)
    assert gateway.sent == []


async def test_without_a_key_each_request_is_executed(gateway: KeyedGateway) -> None:
    """Requests without a key are sent each time, and their responses have no mark."""
    first, again = await gateway.send(key=None), await gateway.send(key=None)

    assert lent(first)
    assert again.json()["data"]["checkOut"]["__typename"] == "Refusal"
    assert not is_replayed(again)
    assert gateway.sent.count(f"POST {CHECK_OUT_PATH}") == 2


async def test_a_query_has_no_key(gateway: KeyedGateway) -> None:
    """The header of a query is ignored, however it looks."""
    query = "{ loans(first: 1) { nodes { id } } }"
    responses = [await gateway.send({}, query, key=key) for key in (KEY, KEY, "a b", "x" * 300)]

    assert [each.status_code for each in responses] == [200] * 4
    assert len(gateway.sent) == 4
    assert not any(map(is_replayed, responses))


@pytest.mark.parametrize(
    ("first", "again"),
    [("abc", '"abc"'), ('"a\\"b\\\\c"', '"a\\"b\\\\c", "a\\"b\\\\c"'), ("a;b=c:1", "a;b=c:1,a;b=c:1")],
)
async def test_forms_of_one_key(gateway: KeyedGateway, first: str, again: str) -> None:
    """A key may be quoted or not, and a proxy may repeat it."""
    await gateway.send(key=first)

    assert is_replayed(await gateway.send(key=again))


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "must be 1 to 255 visible ASCII characters."),
        ('""', "must be 1 to 255 visible ASCII characters; got 0."),
        ("a" * 256, "must be 1 to 255 visible ASCII characters; got 256."),
        ('"a b"', "must be 1 to 255 visible ASCII characters; got a space."),
        ("a b", "must be 1 to 255 visible ASCII characters."),
        ('"open', "must be 1 to 255 visible ASCII characters."),
        ("a, b", "was sent more than once, with different values."),
    ],
)
async def test_a_malformed_key(gateway: KeyedGateway, key: str, reason: str, accept: str) -> None:
    """It is refused with 400, and nothing is sent."""
    response = await gateway.send(key=key, headers={"Accept": accept})

    assert error_of(response) == (400, "BAD_REQUEST")
    assert response.json()["errors"][0]["message"] == f"Header Idempotency-Key {reason}"
    assert gateway.sent == []


async def test_two_keys_in_two_lines(gateway: KeyedGateway) -> None:
    """Two different lines of the header are refused; equal ones are one key."""
    for second, expected in (("b", (400, "BAD_REQUEST")), ("a", None)):
        lines = [("X-Okapi-Tenant", "diku"), ("Idempotency-Key", "a"), ("Idempotency-Key", second)]
        body = {"query": CHECK_OUT, "variables": lend()}
        response = await gateway.http.post("/graphql", json=body, headers=lines)
        if expected is not None:
            assert error_of(response) == expected
        else:
            assert lent(response)


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
@pytest.mark.parametrize("part", ["document", "operation", "variables"])
async def test_another_request_with_the_key(gateway: KeyedGateway, part: str, accept: str) -> None:
    """Another document, operation or variables with the same key are refused with 422; nothing is sent."""
    document = (
        f"{CHECK_OUT} mutation Other($input: CheckOutInput!) {{ checkOut(input: $input) {{ __typename }} }}"
    )
    await gateway.send(query=document, operationName="Lend")
    gateway.sandbox.calls.clear()

    response = await gateway.send(
        lend("2000000002") if part == "variables" else None,
        f"{document} " if part == "document" else document,
        operationName="Other" if part == "operation" else "Lend",
        headers={"Accept": accept},
    )

    assert error_of(response) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (gateway.sent, gateway.writes) == ([], 1)


async def test_the_same_request_in_another_form(sandbox: Sandbox) -> None:
    """The order of variables, undeclared ones, and the hash in place of the document make no difference."""
    sha256 = hashlib.sha256(CHECK_OUT.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256}}
    reordered = {"more": 1, "input": dict(reversed(lend()["input"].items()))}
    async with open_gateway(sandbox) as gateway:
        headers = CLIENT_SENT_IT | {"Idempotency-Key": KEY}
        bodies = [
            {"query": CHECK_OUT, "variables": lend(), "extensions": extensions},
            {"query": CHECK_OUT, "variables": reordered, "operationName": "Lend"},
            {"extensions": extensions, "variables": lend()},
        ]
        responses = [await gateway.http.post("/graphql", json=body, headers=headers) for body in bodies]

    assert len({response.content for response in responses}) == 1
    assert list(map(is_replayed, responses)) == [False, True, True]
    assert sandbox.writes.applied.total() == 1


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
async def test_a_repetition_while_the_first_runs(gateway: KeyedGateway, accept: str) -> None:
    """It is refused with 409 and the time to wait, and may be sent again later."""
    gateway.sandbox.latency = 0.3
    running = asyncio.create_task(gateway.send())
    await until_sent(gateway, 1)

    early = await gateway.send(headers={"Accept": accept})

    assert error_of(early) == (409, "IDEMPOTENCY_KEY_IN_USE")
    assert early.headers["retry-after"] == "1"
    assert early.json()["errors"][0]["extensions"]["retryable"] is True
    first = await running
    assert (await gateway.send()).content == first.content
    assert gateway.writes == 1


async def test_many_at_once(gateway: KeyedGateway) -> None:
    """Of ten requests at once with one key one is executed; the others are replayed or told to wait."""
    responses = await asyncio.gather(*(gateway.send() for _ in range(10)))

    executed = [each for each in responses if each.status_code == 200 and not is_replayed(each)]
    assert len(executed) == 1
    assert {each.status_code for each in responses} <= {200, 409}
    assert gateway.writes == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Okapi-Tenant": "college"},
        {**POLARIS, "X-Polaris-Authorization": "PAS polaris:token:other"},
        {**POLARIS, "X-Polaris-Workstation": "8"},
        {"X-Okapi-Token": "opaque"},
        {**POLARIS, "X-Okapi-Token": token("another user")},
    ],
    ids=["tenant", "Polaris authorization", "workstation", "opaque token", "user"],
)
async def test_another_identity_finds_nothing(gateway: KeyedGateway, headers: dict[str, str]) -> None:
    """The same key of another tenant, user, Polaris identity or workstation is another key."""
    caller = {**POLARIS, "X-Okapi-Token": token("a user")}
    await gateway.send(headers=caller)
    gateway.sandbox.calls.clear()

    response = await gateway.send(headers=caller | headers)

    assert not is_replayed(response)
    assert gateway.sent[0] == f"POST {CHECK_OUT_PATH}"


async def test_a_refreshed_token_finds_its_key(gateway: KeyedGateway) -> None:
    """Another token of the same user is checked by one read; the next repetition with it needs none."""
    user = user_id(gateway)
    first = await gateway.send(headers={"X-Okapi-Token": token(user, 1)})
    gateway.sandbox.calls.clear()

    again = await gateway.send(headers={"X-Okapi-Token": token(user, 2)})
    assert (again.content, is_replayed(again)) == (first.content, True)
    assert gateway.sent == ["GET /bl-users/_self"]
    gateway.sandbox.calls.clear()

    assert is_replayed(await gateway.send(headers={"X-Okapi-Token": token(user, 2)}))
    assert gateway.sent == []
    assert gateway.writes == 1


async def test_a_token_may_name_its_user_by_name(gateway: KeyedGateway) -> None:
    """Without `user_id` the claim `sub` is the user name, which upstream confirms too."""
    for number in (1, 2):
        by_name = token("", number, sub="head")
        response = await gateway.send(headers={"X-Okapi-Token": by_name})

    assert is_replayed(response)


@pytest.mark.parametrize("first", ["finished", "running", "another request"])
async def test_a_forged_subject_replays_nothing(gateway: KeyedGateway, first: str) -> None:
    """A token that names another user finds their key, and learns nothing of it: upstream knows better."""
    victim = {"X-Okapi-Token": token("the victim", 1)}
    gateway.sandbox.latency = 0.2 if first == "running" else 0.0
    sending = asyncio.create_task(gateway.send(headers=victim))
    await until_sent(gateway, 1)
    if first != "running":
        await sending
    gateway.sandbox.calls.clear()

    variables = lend("2000000002") if first == "another request" else None
    forged = await gateway.send(variables, headers={"X-Okapi-Token": token("the victim", 2)})

    assert error_of(forged) == (401, "UNAUTHENTICATED")
    assert forged.headers["www-authenticate"] == "Bearer"
    assert not is_replayed(forged)
    assert gateway.sent == ["GET /bl-users/_self"]
    await sending
    assert gateway.writes == 1


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_an_unconfirmed_token_replays_nothing(gateway: KeyedGateway, status: int) -> None:
    """If upstream does not confirm the user of another token, for whatever reason, nothing is replayed."""
    user = user_id(gateway)
    await gateway.send(headers={"X-Okapi-Token": token(user, 1)})
    gateway.sandbox.faults.add(kind="status", path="/bl-users", status=status)
    gateway.sandbox.faults.add(kind="status", path="/users-keycloak", status=status)

    response = await gateway.send(headers={"X-Okapi-Token": token(user, 2)})

    assert error_of(response) == (401, "UNAUTHENTICATED")
    assert gateway.writes == 1


async def test_an_expired_token_replays_nothing(new_store: NewStore, sandbox: Sandbox) -> None:
    """The token of the first request replays until it expires; nothing is sent with it afterwards."""
    store = new_store()
    expired = Caller(
        tenant="diku",
        token=token("a user", exp=1),
        request_id="1",
        options=RequestOptions(idempotency_lines=[b"k"]),
    )
    keyed = keyed_request(expired, CHECK_OUT, "Lend", lend())
    claim = Claim(
        scope=keyed.scope, fingerprint=keyed.fingerprint, token=keyed.token, claimed_at=0, owner="one"
    )
    await store.claim(claim)
    await store.complete(claim, b'{"data":{"checkOut":null}}', is_conclusive=True)
    assert expired.token is not None
    async with keyed_gateway(store, sandbox) as gateway:
        response = await gateway.send(key="k", headers={"X-Okapi-Token": expired.token})

    assert error_of(response) == (401, "UNAUTHENTICATED")
    assert gateway.sent == []


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "UNAUTHENTICATED"), (403, "FORBIDDEN"), (404, "UPSTREAM_UNAVAILABLE"), (429, "RATE_LIMITED")],
)
async def test_a_key_whose_write_was_not_executed_is_free(
    gateway: KeyedGateway, status: int, code: str
) -> None:
    """If certainly nothing was executed, a repetition executes it."""
    bodies = {403: "Access requires permission: circulation-bff.loans.check-out-by-barcode.execute"}
    bodies[404] = (
        "No suitable module found for path /circulation-bff/loans/check-out-by-barcode for tenant diku"
    )
    gateway.sandbox.faults.add(
        kind="status", path=CHECK_OUT_PATH, times=1, status=status, body=bodies.get(status, "no")
    )
    decisions = Decisions()
    first = await gateway.send()

    again = await gateway.send()

    assert error_of(first) == (200, code)
    assert lent(again)
    assert not is_replayed(again)
    assert decisions.counts == {"released": 1, "new": 1}


async def test_invalid_requests_claim_nothing(gateway: KeyedGateway) -> None:
    """A request that is refused before its execution leaves its key free, also for another request."""
    for query, variables in (("mutation {", {}), (CHECK_OUT, {}), (CHECK_OUT, lend("\u0000"))):
        assert "errors" in (await gateway.send(variables, query)).json()

    assert lent(await gateway.send())


async def test_a_dropped_connection_loses_no_response(gateway: KeyedGateway) -> None:
    """A request that is cancelled after its write was sent is finished, and its repetition replayed."""
    gateway.sandbox.latency = 0.1
    sending = asyncio.create_task(gateway.send())
    await until_sent(gateway, 1)
    sending.cancel()
    await asyncio.wait((sending,))
    gateway.sandbox.latency = 0.0

    again = await gateway.send()

    assert is_replayed(again)
    assert lent(again)
    assert gateway.writes == 1


async def test_a_shutdown_leaves_the_key_free(gateway: KeyedGateway) -> None:
    """A mutation that is not attempted because the process stops can be sent to another one."""
    gateway.stopping.now = True
    refused = await gateway.send()
    gateway.stopping.now = False

    again = await gateway.send()

    assert error_of(refused) == (200, "UPSTREAM_UNAVAILABLE")
    assert lent(again)
    assert not is_replayed(again)
    assert gateway.writes == 1


async def test_a_response_with_a_key_has_one_piece(gateway: KeyedGateway) -> None:
    """`@defer` is ignored, so that the response can be kept."""
    query = CHECK_OUT.replace("item { barcode }", "... @defer { item { barcode } }")
    headers = {"Accept": "multipart/mixed, application/json"}
    first, again = [await gateway.send(query=query, headers=headers) for _ in range(2)]

    assert first.headers["content-type"] == "application/json; charset=utf-8"
    assert first.json()["data"]["checkOut"]["loan"]["item"] == {"barcode": "2000000001"}
    assert (again.content, is_replayed(again)) == (first.content, True)


@pytest.mark.parametrize("key", [KEY, "a b"])
async def test_keys_can_be_turned_off(key: str) -> None:
    """With IDEMPOTENCY=0 the header is ignored, and nothing is kept."""
    body = {"query": CHECK_OUT, "variables": lend()}
    headers = CLIENT_SENT_IT | {"Idempotency-Key": key}
    async with open_gateway(idempotency=False) as gateway:
        first, again = [await gateway.http.post("/graphql", json=body, headers=headers) for _ in range(2)]

    assert lent(first)
    assert again.json()["data"]["checkOut"]["__typename"] == "Refusal"
    assert not is_replayed(again)


@needs_store_server
async def test_a_store_sees_no_secrets(running_store: StoreServer) -> None:
    """Neither the key, the token, the Polaris authorization nor the document is in a shared store."""
    secrets = {"X-Okapi-Token": token("a user"), "X-Polaris-Authorization": "PAS domain:token:secret"}
    running_store.execute("FLUSHALL")
    async with open_gateway(redis_url=running_store.url, redis_timeout=PATIENCE) as gateway:
        body = {"query": CHECK_OUT, "variables": lend(), "extensions": None}
        headers = CLIENT_SENT_IT | secrets | {"Idempotency-Key": "the-key-of-this-test"}
        response = await gateway.http.post("/graphql", json=body, headers=headers)
    name = running_store.execute("KEYS gateway:*").split(b"\r\n")[2].decode()
    kept = running_store.execute(f"HGETALL {name}")

    assert re.fullmatch("gateway:idempotency:[0-9a-f]{64}", name)
    assert response.content in kept
    for secret in (*secrets.values(), "the-key-of-this-test", "a user", "mutation", "1000000001"):
        assert secret.encode() not in kept

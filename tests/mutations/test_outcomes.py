"""Outcomes of mutations through the complete gateway: rejected, failed, not sent or unknown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.gateway_over import Json, gateway_at, gateway_over, key
from tests.upstream.socket_server import (
    Responder,
    closed_port,
    closes,
    hangs,
    hangs_after,
    head,
    resets,
    resets_after,
    responds,
    sends,
    socket_server,
)

pytestmark = pytest.mark.anyio

LOCKS = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/7/objectlocks"


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationCase:
    """A mutation with its minimal input, and the details of its unknown outcome."""

    name: str
    inputs: Json
    sent: str
    keys: Json
    verify: str
    upstream: str = "bff"

    @property
    def document(self) -> str:
        pascal = self.name[0].upper() + self.name[1:]
        return (
            f"mutation($input: {pascal}Input!) {{ {self.name}(input: $input) {{ __typename "
            "... on Refusal { reasons { message code parameters { key value } } } } }"
        )


CHECK_OUT = MutationCase(
    name="checkOut",
    inputs={"itemBarcode": "653285216743", "userBarcode": "540001", "servicePointId": key(1)},
    sent="POST /circulation-bff/loans/check-out-by-barcode",
    keys={"itemBarcode": "653285216743", "userBarcode": "540001", "servicePointId": key(1)},
    verify="item(barcode:) { openLoan { borrower { barcode } } }",
)
CHECK_IN = MutationCase(
    name="checkIn",
    inputs={"itemBarcode": "653285216743", "servicePointId": key(1)},
    sent="POST /circulation-bff/loans/check-in-by-barcode",
    keys={"itemBarcode": "653285216743", "servicePointId": key(1)},
    verify="item(barcode:) { status { name date } lastCheckIn { dateTime servicePoint { id } } }",
)
LOCK = MutationCase(
    name="lockObject",
    inputs={"objectType": "PATRON", "objectId": 480},
    sent=f"POST {LOCKS}",
    keys={"objectTypeId": 27, "objectId": 480},
    verify="objectLock(objectType:, objectId:) { polarisUserName workstationName lockDate }",
    upstream="polaris",
)
UNLOCK = MutationCase(
    name="unlockObject",
    inputs={"objectType": "PATRON", "objectId": 480},
    sent=f"DELETE {LOCKS}/27/480",
    keys={"objectTypeId": 27, "objectId": 480},
    verify="objectLock(objectType:, objectId:) { polarisUserName workstationName lockDate }",
    upstream="polaris",
)
MUTATION_CASES = [CHECK_OUT, CHECK_IN, LOCK, UNLOCK]


def every_mutation(*mutations: MutationCase) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "mutation", mutations or MUTATION_CASES, ids=lambda mutation: mutation.name
    )


# Sent, without a conclusive response


@dataclass(frozen=True, slots=True)
class End:
    """An upstream failure after a mutation was received; `slow` if it is detected by a timeout only."""

    response: Responder
    slow: bool = False


ENDS: Mapping[str, End] = {
    "timeout": End(hangs, slow=True),
    "timeout in the response": End(hangs_after(head(200, "Content-Length: 99") + b"{"), slow=True),
    "reset": End(resets),
    "reset in the response": End(resets_after(head(200, "Content-Length: 99") + b'{"id":')),
    "EOF": End(closes),
    "EOF in the response": End(sends(head(200, "Content-Length: 99") + b'{"id":', close=True)),
    "500": End(responds(500, b"java.lang.NullPointerException")),
    "502": End(responds(502)),
    "503": End(responds(503)),
    "503 with Retry-After": End(responds(503, b"", "Retry-After: 1")),
    "504": End(responds(504)),
    "507": End(responds(507)),
    "half of the JSON": End(responds(200, b'{"id": "7c9e')),
    "a page with 200": End(responds(200, b"<!DOCTYPE html><title>Please log in</title>")),
    "no UTF-8": End(responds(200, b'{"id": "\xff"}')),
    "too big": End(responds(200, b'{"id": "1"}' + b" " * 20_000)),
    "no HTTP": End(sends(b"garbage\r\n\r\n")),
}


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize(
    ("end", "mutation"),
    [
        pytest.param(end, mutation, id=f"{end} {mutation.name}")
        for end, failure in ENDS.items()
        for mutation in MUTATION_CASES
        if not failure.slow or mutation in (CHECK_OUT, LOCK)  # each takes the time of its timeout
    ],
)
async def test_unclear_response_is_an_unknown_outcome(end: str, network: str, mutation: MutationCase) -> None:
    """One request is sent; the error has the mutation, the keys, the time and the verifying query."""
    failure = ENDS[end]
    settings: Json = {"act_timeout": 0.3} if failure.slow else {}
    async with (
        socket_server(failure.response) as server,
        gateway_at(server.url, upstream_transport=network, max_upstream_bytes=10_000, **settings) as gateway,
    ):
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        response = await gateway.response(mutation.document, mutation.inputs)
        after = datetime.now(UTC)

        assert server.lines() == [mutation.sent]
        request_id = server.received[0].header("X-Okapi-Request-Id")

    body = response.json()
    (error,) = body["errors"]
    extensions = error["extensions"]
    assert response.status_code == 200
    assert body["data"] == {mutation.name: None}
    assert error["path"] == [mutation.name]
    assert error["message"].endswith("It may or may not have been executed. Verify before repeating it.")
    assert before <= datetime.fromisoformat(extensions.pop("sentAt")) <= after
    assert extensions["requestId"] == response.headers["X-Okapi-Request-Id"]
    assert request_id in ([extensions["requestId"]], [])  # Polaris knows no request ids
    assert extensions.pop("requestId").startswith("4711/desk;")
    assert extensions == {
        "code": "OUTCOME_UNKNOWN",
        "retryable": False,
        "upstream": mutation.upstream,
        "operation": mutation.name,
        "keys": mutation.keys,
        "verify": mutation.verify,
    }


THREE = """mutation($input: CheckOutInput!) {
    one: checkOut(input: $input) { __typename }
    two: checkOut(input: $input) { __typename }
    three: checkOut(input: $input) { __typename }
}"""


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize("end", ENDS)
async def test_unclear_response_stops_later_mutations(end: str, network: str) -> None:
    """Of three mutations in one operation the first is sent once, and the later two are not sent."""
    failure = ENDS[end]
    settings: Json = {"act_timeout": 0.3} if failure.slow else {}
    async with (
        socket_server(failure.response) as server,
        gateway_at(server.url, upstream_transport=network, max_upstream_bytes=10_000, **settings) as gateway,
    ):
        response = await gateway.execute(THREE, CHECK_OUT.inputs)

        assert server.lines() == [CHECK_OUT.sent]

    assert [(each["path"], each["extensions"]["code"]) for each in response["errors"]] == [
        (["one"], "OUTCOME_UNKNOWN"),
        (["two"], "UPSTREAM_UNAVAILABLE"),
        (["three"], "UPSTREAM_UNAVAILABLE"),
    ]


CLEAR: Mapping[str, httpx.Response] = {
    "done": httpx.Response(200, json={"id": key(9)}),
    **{str(status): httpx.Response(status) for status in (400, 401, 403, 404, 422)},
    "429": httpx.Response(429, headers={"Retry-After": "0"}),
}


@pytest.mark.parametrize("end", CLEAR)
async def test_one_request_for_each_mutation(end: str) -> None:
    """Three mutations of one operation are three requests, even if equal; none is repeated or merged."""
    async with gateway_over(lambda request: CLEAR[end]) as gateway:
        await gateway.execute(THREE, CHECK_OUT.inputs)

    assert gateway.lines() == [CHECK_OUT.sent] * 3


# Not sent


def not_sent(response: Json, mutation: MutationCase) -> Json:
    """Return the error of a mutation that is safe to retry because nothing was sent."""
    (error,) = response["errors"]
    assert response["data"] == {mutation.name: None}
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)
    assert "sentAt" not in error["extensions"]
    return error


@every_mutation()
@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize("unreachable_url", ["nobody listens", "no such host"])
async def test_connection_failure_is_not_sent(
    unreachable_url: str, network: str, mutation: MutationCase
) -> None:
    """After a refused connection or a failed name resolution it is certain that nothing was sent."""
    url = (
        f"http://127.0.0.1:{closed_port()}" if unreachable_url == "nobody listens" else "http://folio.invalid"
    )
    async with gateway_at(url, upstream_transport=network) as gateway:
        error = not_sent(await gateway.execute(mutation.document, mutation.inputs), mutation)

    assert error["message"] == f"{mutation.upstream} cannot be reached; nothing was sent."


async def test_open_circuit_sends_nothing() -> None:
    """After twenty failures a mutation is rejected at once with a retry time, and nothing is sent."""
    async with gateway_over(lambda request: httpx.Response(503)) as gateway:
        for _ in range(20):
            await gateway.execute(CHECK_OUT.document, CHECK_OUT.inputs)
        gateway.requests.clear()
        error = not_sent(await gateway.execute(CHECK_OUT.document, CHECK_OUT.inputs), CHECK_OUT)

        assert gateway.requests == []
    assert 1 <= error["extensions"]["retryAfter"] <= 5


async def test_mutation_without_a_free_slot_is_not_sent() -> None:
    """If every slot of its upstream is in use until the end of the operation, a mutation is not sent."""
    limits: Json = {"upstream_concurrency": 1, "operation_timeout": 0.1, "act_timeout": 2}
    async with socket_server(hangs) as server, gateway_at(server.url, **limits) as gateway:
        first = asyncio.create_task(gateway.execute(CHECK_IN.document, CHECK_IN.inputs))
        async with asyncio.timeout(5):
            while not server.received:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.002)
        error = not_sent(await gateway.execute(CHECK_OUT.document, CHECK_OUT.inputs), CHECK_OUT)
        held = await first

        assert server.lines() == [CHECK_IN.sent]
    assert error["message"] == "bff was busy for the operation's 0.1 s; nothing was sent."
    assert held["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"


# Rejected by upstream

REASONS = [
    {
        "message": "Item is already checked out",
        "code": "ITEM_ALREADY_CHECKED_OUT",
        "parameters": [{"key": "itemBarcode", "value": "653285216743"}],
    },
    {"message": "Patron has reached maximum allowed number of items", "parameters": []},
    {"message": "Fines", "parameters": [{"key": "a", "value": "1"}, {"key": "b", "value": None}]},
]
EXPECTED_REASONS = [
    ("Item is already checked out", [{"key": "itemBarcode", "value": "653285216743"}]),
    ("Patron has reached maximum allowed number of items", []),
    ("Fines", [{"key": "a", "value": "1"}, {"key": "b", "value": None}]),
]


@every_mutation()
@pytest.mark.parametrize("status", [400, 422])
async def test_refusal_has_all_its_reasons(mutation: MutationCase, status: int) -> None:
    """A 400 and a 422 are data: every reason in order, after one request, and no error."""
    refused = httpx.Response(status, json={"errors": REASONS})
    async with gateway_over(lambda request: refused) as gateway:
        response = await gateway.execute(mutation.document, mutation.inputs)

    assert "errors" not in response
    failure = response["data"][mutation.name]
    assert failure["__typename"] == "Refusal"
    assert [(each["message"], each["parameters"]) for each in failure["reasons"]] == EXPECTED_REASONS
    assert gateway.lines() == [mutation.sent]


REFUSED, UNKNOWN, CONFLICT = "Refusal", "OUTCOME_UNKNOWN", "ObjectLockConflict"
# The meaning of each status for a mutation that writes last, one that writes first, and a lock.
STATUSES: Mapping[int, tuple[str, str, str]] = {
    400: (REFUSED, UNKNOWN, REFUSED),
    401: ("UNAUTHENTICATED", "UNAUTHENTICATED", "UNAUTHENTICATED"),
    403: ("FORBIDDEN", UNKNOWN, "FORBIDDEN"),
    404: ("NOT_FOUND", UNKNOWN, UNKNOWN),
    405: (UNKNOWN, UNKNOWN, UNKNOWN),
    409: (UNKNOWN, UNKNOWN, CONFLICT),
    412: (UNKNOWN, UNKNOWN, UNKNOWN),
    422: (REFUSED, REFUSED, REFUSED),
    429: ("RATE_LIMITED", UNKNOWN, "RATE_LIMITED"),
    500: (UNKNOWN, UNKNOWN, UNKNOWN),
    503: (UNKNOWN, UNKNOWN, UNKNOWN),
}


@every_mutation(CHECK_OUT, CHECK_IN, LOCK)
@pytest.mark.parametrize("status", STATUSES)
async def test_each_status_of_each_kind_of_mutation(mutation: MutationCase, status: int) -> None:
    """Only a certain rejection is one: for a check-in, which writes first, most statuses are unclear."""
    expected = STATUSES[status][[CHECK_OUT, CHECK_IN, LOCK].index(mutation)]
    upstream_response = httpx.Response(status, json={"errors": []}, headers={"Retry-After": "7"})
    async with gateway_over(lambda request: upstream_response) as gateway:
        response = await gateway.execute(mutation.document, mutation.inputs)

    assert gateway.lines() == [mutation.sent]
    if expected in (REFUSED, CONFLICT):
        assert "errors" not in response
        assert response["data"][mutation.name]["__typename"] == expected
        return
    (error,) = response["errors"]
    extensions = error["extensions"]
    assert response["data"] == {mutation.name: None}
    assert (extensions["code"], extensions["upstream"]) == (expected, mutation.upstream)
    assert extensions["retryable"] is (expected == "RATE_LIMITED")
    assert extensions.get("status") == (None if expected == UNKNOWN else status)
    assert extensions.get("retryAfter") == (7.0 if expected == "RATE_LIMITED" else None)


@every_mutation(CHECK_IN)
async def test_missing_bff_permission_is_a_known_outcome(mutation: MutationCase) -> None:
    """Okapi rejects the call before the BFF receives it, so not even a check-in has happened."""
    text = "Access for user 'desk' (1) requires permission: circulation-bff.loans.check-in-by-barcode.execute"
    async with gateway_over(lambda request: httpx.Response(403, text=text)) as gateway:
        response = await gateway.execute(mutation.document, mutation.inputs)

    assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert gateway.lines() == [mutation.sent]


# Done, with an invalid value in the response


@pytest.mark.parametrize(
    ("response", "lost"),
    [
        ({"renewalCount": 2**31}, ["renewalCount"]),
        ({"renewalCount": float("nan")}, ["renewalCount"]),
        ({"action": {"a": 1}}, ["action"]),
        ({"status": "Open"}, ["status"]),
        ({"dueDate": "soon"}, ["dueDate"]),
        ({"renewalCount": "many", "dueDate": 7}, ["renewalCount", "dueDate"]),
        ({"ofTomorrow": [None]}, []),
    ],
    ids=str,
)
async def test_invalid_value_in_the_response_keeps_the_result(response: Json, lost: list[str]) -> None:
    """The loan is returned with its id: an invalid value is null, with a separate error."""
    done = {"id": key(9), "renewalCount": 1, "action": "checkedout", "dueDate": None, "status": None}
    document = """mutation($input: CheckOutInput!) { checkOut(input: $input) { ... on CheckedOut { loan {
        id renewalCount action dueDate status { name }
    } } } }"""
    body = json.dumps(done | response)
    async with gateway_over(lambda request: httpx.Response(200, text=body)) as gateway:
        failure = await gateway.execute(document, CHECK_OUT.inputs)

    assert failure["data"]["checkOut"]["loan"] == done | dict.fromkeys(lost)
    errors = failure.get("errors", [])
    assert sorted(each["path"][-1] for each in errors) == sorted(lost)
    assert {each["extensions"]["code"] for each in errors} <= {"UPSTREAM_BAD_RESPONSE"}
    assert gateway.lines() == [CHECK_OUT.sent]

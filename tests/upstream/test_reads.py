"""Upstream responses to reads and their errors, through the complete gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, product
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.gateway_over import Json, gateway_at, gateway_over, key
from tests.gateway_under_test import Gateway
from tests.upstream.socket_server import responds, socket_server

pytestmark = pytest.mark.anyio

# Statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusError:
    """The error for a status."""

    code: str
    retryable: bool = False
    retry_after: float | None = None
    reasons: tuple[str, ...] = ()


BODY = json.dumps({"errors": [{"message": "First", "code": "A"}, {"message": "Second"}]}).encode()
REASONS = ("First", "Second")
STATUSES: Mapping[int, StatusError] = {
    400: StatusError(code="UPSTREAM_REJECTED", reasons=REASONS),
    401: StatusError(code="UNAUTHENTICATED"),
    403: StatusError(code="FORBIDDEN"),
    408: StatusError(code="UPSTREAM_TIMEOUT", retryable=True),
    409: StatusError(code="CONFLICT"),
    412: StatusError(code="CONFLICT"),
    422: StatusError(code="UPSTREAM_REJECTED", reasons=REASONS),
    429: StatusError(code="RATE_LIMITED", retryable=True, retry_after=7.0),
    500: StatusError(code="UPSTREAM_ERROR", retryable=True),
    501: StatusError(code="UPSTREAM_ERROR", retryable=True),
    502: StatusError(code="UPSTREAM_UNAVAILABLE", retryable=True, retry_after=7.0),
    503: StatusError(code="UPSTREAM_UNAVAILABLE", retryable=True, retry_after=7.0),
    504: StatusError(code="UPSTREAM_UNAVAILABLE", retryable=True, retry_after=7.0),
}

LOANS = {"loans": [{"id": key(n), "userId": key(100 + n)} for n in range(3)]}
LOCKS = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/7/objectlocks"
BATCHES = {"requests": [{"id": key(1), "batchRequestInfo": {"batchRequestId": key(2)}}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a read in an operation: the part that fails, and the resulting response."""

    query: str
    fails: str
    data: Json
    paths: list[list[str | int]]
    upstream: str
    works: Mapping[str, Json]


PLACES = {
    "a list at the root": Place(
        query="{ users(first: 3) { nodes { id } } __typename }",
        fails="/users",
        data={"users": None, "__typename": "Query"},
        paths=[["users"]],
        upstream="folio",
        works={},
    ),
    "a record at the root": Place(
        query=f'{{ batchRequest(id: "{key(2)}") {{ id }} __typename }}',
        fails=f"/circulation-bff/batch-requests/{key(2)}",
        data={"batchRequest": None, "__typename": "Query"},
        paths=[["batchRequest"]],
        upstream="bff",
        works={},
    ),
    "the locks of Polaris": Place(
        query="{ objectLocks { totalCount } __typename }",
        fails=LOCKS,
        data={"objectLocks": None, "__typename": "Query"},
        paths=[["objectLocks"]],
        upstream="polaris",
        works={},
    ),
    "a lock of Polaris": Place(
        query="{ objectLock(objectType: PATRON, objectId: 480) { id } __typename }",
        fails=f"{LOCKS}/27/480",
        data={"objectLock": None, "__typename": "Query"},
        paths=[["objectLock"]],
        upstream="polaris",
        works={},
    ),
    "a link by a batch": Place(
        query="{ loans(first: 3) { nodes { id borrower { username } } } }",
        fails="/users",
        data={"loans": {"nodes": [{"id": key(n), "borrower": None} for n in range(3)]}},
        paths=[["loans", "nodes", n, "borrower"] for n in range(3)],
        upstream="folio",
        works={"/circulation-bff/loans": LOANS},
    ),
    "a link by an id": Place(
        query="{ requests { nodes { id batchRequestInfo { batchRequest { patronComments } } } } }",
        fails=f"/circulation-bff/batch-requests/{key(2)}",
        data={"requests": {"nodes": [{"id": key(1), "batchRequestInfo": {"batchRequest": None}}]}},
        paths=[["requests", "nodes", 0, "batchRequestInfo", "batchRequest"]],
        upstream="bff",
        works={"/circulation-bff/requests": BATCHES},
    ),
}


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", STATUSES)
async def test_each_status_has_its_code(status: int, place: str, network: str) -> None:
    """In every place of the read the field is null, and each error has upstream, code and retry time."""
    expected, where = STATUSES[status], PLACES[place]

    async def respond(reader: Any, writer: Any) -> None:
        path = server.received[-1].target.partition("?")[0]
        works = where.works.get(path)
        fault = responds(status, BODY, "Retry-After: 7")
        await (fault if works is None else responds(200, json.dumps(works).encode()))(reader, writer)

    async with (
        socket_server(respond) as server,
        gateway_at(server.url, upstream_transport=network, read_attempts=1) as gateway,
    ):
        response = await gateway.response(where.query)
        requested = [each.target.partition("?")[0] for each in server.received]

    body = response.json()
    assert response.status_code == 200
    assert body["data"] == where.data
    assert [each["path"] for each in body["errors"]] == where.paths
    assert requested == [*where.works, where.fails]
    for error in body["errors"]:
        extensions = error["extensions"]
        assert extensions.pop("requestId") == response.headers["X-Okapi-Request-Id"]
        assert tuple(each["message"] for each in extensions.pop("reasons", ())) == expected.reasons
        assert extensions == {
            "code": expected.code,
            "retryable": expected.retryable,
            "upstream": where.upstream,
            "status": status,
        } | ({} if expected.retry_after is None else {"retryAfter": expected.retry_after})


@pytest.mark.parametrize(
    ("place", "body"),
    [
        *product(
            ["a record at the root", "a link by an id"],
            [b"", b"Not found", b'{"errors":[{"message":"none"}]}'],
        ),
        ("a lock of Polaris", b'{"ErrorCode":-1,"Message":"Not found"}'),
    ],
)
async def test_an_absent_record_is_null(place: str, body: bytes) -> None:
    """A 404 by id is a result and no error, in a link too. Polaris sends its own error with it."""
    where = PLACES[place]

    def upstream(request: httpx.Request) -> httpx.Response:
        works = where.works.get(request.url.path)
        return httpx.Response(404, content=body) if works is None else httpx.Response(200, json=works)

    async with gateway_over(upstream) as gateway:
        response = await gateway.execute(where.query)

    assert response == {"data": where.data}
    assert [each.url.path for each in gateway.requests] == [*where.works, where.fails]


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("a list at the root", b"Not found"),
        ("a link by a batch", b"Not found"),
        ("a record at the root", b"No suitable module found for path /x for tenant diku"),
        ("a link by an id", b"No suitable module found for path /x for tenant diku"),
    ],
)
async def test_a_list_or_path_that_is_not_served_is_an_error(place: str, body: bytes) -> None:
    """A 404 about a list or a path is a failure: null without an error would mean an empty list."""
    where = PLACES[place]

    def upstream(request: httpx.Request) -> httpx.Response:
        works = where.works.get(request.url.path)
        return httpx.Response(404, content=body) if works is None else httpx.Response(200, json=works)

    async with gateway_over(upstream) as gateway:
        response = await gateway.execute(where.query)

    assert response["data"] == where.data
    assert [each["path"] for each in response["errors"]] == where.paths
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_BAD_RESPONSE"}


# Values that JSON or GraphQL cannot represent

IN_BOTH_WAYS = pytest.mark.parametrize("execution", ["generic", "plan"])
LEAVES = "{ accounts(first: 3) { nodes { id amount title } } __typename }"
COUNTS = "{ loans(first: 3) { nodes { id renewalCount action } } __typename }"


def rows(collection: str, member: str, raw: bytes) -> bytes:
    """Return three records whose second has these bytes as a member; the others have 1."""
    values = (b"1", raw, b"1")
    records = b",".join(
        b'{"id":"%s","%s":%s,"title":"t","action":"a"}' % (key(n).encode(), member.encode(), value)
        for n, value in enumerate(values)
    )
    return b'{"%s":[%s]}' % (collection.encode(), records)


def over_32_bits(number: int) -> bytes:
    return str(number).encode()


@IN_BOTH_WAYS
@pytest.mark.parametrize(
    "raw",
    [
        *map(over_32_bits, (2**31, -(2**31) - 1, 2**53 + 1, 2**63, 2**64, -(2**70), 10**300, 10**400)),
        b"1e308",
        b"1.5",
        b"1e999",
        b"-1e999",
        b'"NaN"',
        b'"Infinity"',
        b'"-Infinity"',
        b'"1e999"',
        b"[1]",
        b'{"a":1}',
        b'""',
    ],
)
async def test_a_number_outside_int_is_null(raw: bytes, execution: str) -> None:
    """Only that field is null: other fields of the record, other records and other roots stay."""
    body = rows("loans", "renewalCount", raw)
    async with gateway_over(
        lambda request: httpx.Response(200, content=body), execution=execution
    ) as gateway:
        response = await gateway.execute(COUNTS)

    assert response["data"] == {
        "loans": {
            "nodes": [
                {"id": key(n), "renewalCount": count, "action": "a"} for n, count in enumerate((1, None, 1))
            ]
        },
        "__typename": "Query",
    }
    (error,) = response["errors"]
    assert error["path"] == ["loans", "nodes", 1, "renewalCount"]
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UPSTREAM_BAD_RESPONSE", False)


@IN_BOTH_WAYS
@pytest.mark.parametrize(
    "raw",
    [
        over_32_bits(10**400),
        b"1e999",
        b"-1e999",
        b'"NaN"',
        b'"Infinity"',
        b'"1e999"',
        b"[1]",
        b'{"a":1}',
        b'""',
    ],
)
async def test_a_number_outside_double_is_null(raw: bytes, execution: str) -> None:
    """An invalid sum is null with an error, and the other sums are there."""
    body = rows("accounts", "amount", raw)
    async with gateway_over(
        lambda request: httpx.Response(200, content=body), execution=execution
    ) as gateway:
        response = await gateway.execute(LEAVES)

    assert [each["amount"] for each in response["data"]["accounts"]["nodes"]] == [1.0, None, 1.0]
    assert [each["title"] for each in response["data"]["accounts"]["nodes"]] == ["t"] * 3
    (error,) = response["errors"]
    assert error["path"] == ["accounts", "nodes", 1, "amount"]
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"


@IN_BOTH_WAYS
@pytest.mark.parametrize("raw", [b"1e308", over_32_bits(2**64), b"-0.5"])
async def test_a_large_sum_is_returned(raw: bytes, execution: str) -> None:
    """A number within a double is returned."""
    body = rows("accounts", "amount", raw)
    async with gateway_over(
        lambda request: httpx.Response(200, content=body), execution=execution
    ) as gateway:
        response = await gateway.execute(LEAVES)

    assert "errors" not in response
    assert response["data"]["accounts"]["nodes"][1]["amount"] == float(raw)


# Not JSON, or truncated JSON, of which no part is used.
NO_JSON = {
    "a word": b"nan",
    "the start of a number": b"-",
    "UTF-16": '"\u00fc"'.encode("utf-16"),
    "half of a pair without an end": b'"\\ud800',
    "a control character": b'"\x00"',
    "nested without end": b"[" * 100_000,
}


@IN_BOTH_WAYS
@pytest.mark.parametrize("name", NO_JSON)
async def test_invalid_json_fails_only_its_read(name: str, execution: str) -> None:
    """A list at the root is null beside its siblings, the links of a list are null in their rows."""
    broken = NO_JSON[name]

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/circulation-bff/loans":
            return httpx.Response(200, json=LOANS)
        body = b'{"users":[{"id":"%s","username":%s}]}' % (key(100).encode(), broken)
        return httpx.Response(200, content=body)

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.response(
            "{ users(first: 1) { nodes { id } } loans(first: 3) { nodes { id borrower { username } } } }"
        )

    body = json.loads(response.content)  # the response itself is JSON in UTF-8
    assert response.status_code == 200
    assert body["data"] == {
        "users": None,
        "loans": {"nodes": [{"id": key(n), "borrower": None} for n in range(3)]},
    }
    assert sorted(len(each["path"]) for each in body["errors"]) == [1, 4, 4, 4]
    assert {each["extensions"]["code"] for each in body["errors"]} == {"UPSTREAM_BAD_RESPONSE"}
    assert {each["message"] for each in body["errors"]} == {"folio sent a response of an unexpected shape."}


@IN_BOTH_WAYS
@pytest.mark.parametrize("raw", [b"1e308", over_32_bits(2**80), b'"\\u0000\\u2028"', b"[[[1]]]"])
async def test_open_objects_are_returned_unchanged(raw: bytes, execution: str) -> None:
    """Members that a library defines itself have any value, and the response stays JSON."""
    body = b'{"users":[{"id":"%s","meta":{"x":%s}}]}' % (key(1).encode(), raw)
    async with gateway_over(
        lambda request: httpx.Response(200, content=body), execution=execution
    ) as gateway:
        response = await gateway.response("{ users(first: 1) { nodes { meta } } }")

    assert json.loads(response.content) == {"data": {"users": {"nodes": [{"meta": {"x": json.loads(raw)}}]}}}


# Batches

MANY = 173


def term(query: str) -> list[str]:
    return re.findall(r'"([^"]+)"', query)


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize(("ids", "line"), [(50, 4000), (80, 8000), (7, 4000), (50, 500), (80, 1000)])
async def test_a_batch_keeps_both_limits(ids: int, line: int, network: str) -> None:
    """At most BATCH_SIZE ids and MAX_REQUEST_LINE bytes a call, a limit in each, every id requested once.

    Upstream responds in reverse order and omits every tenth: each loan has its own borrower or none.
    """
    loans = {"loans": [{"id": key(n), "userId": key(1000 + n)} for n in range(MANY)]}

    async def respond(reader: Any, writer: Any) -> None:
        path, _, query = server.received[-1].target.partition("?")
        if path == "/circulation-bff/loans":
            await responds(200, json.dumps(loans).encode())(reader, writer)
            return
        keys = term(parse_qs(query)["query"][0])
        records = [{"id": each, "username": f"u{int(each[-12:])}"} for each in reversed(keys)]
        kept = [each for each in records if int(each["id"][-12:]) % 10]
        await responds(200, json.dumps({"users": kept}).encode())(reader, writer)

    async with (
        socket_server(respond) as server,
        gateway_at(
            server.url, upstream_transport=network, batch_size=ids, max_request_line=line, max_cost=1000
        ) as gateway,
    ):
        response = await gateway.execute(
            f"{{ loans(first: {MANY}) {{ nodes {{ borrower {{ username }} }} }} }}"
        )
        calls = [each for each in server.received if each.target.startswith("/users?")]

    assert "errors" not in response
    assert [each["borrower"] for each in response["data"]["loans"]["nodes"]] == [
        {"username": f"u{1000 + n}"} if n % 10 else None for n in range(MANY)
    ]
    requested = [parse_qs(each.target.partition("?")[2]) for each in calls]
    keys = [term(each["query"][0]) for each in requested]
    assert sorted(chain.from_iterable(keys)) == [key(1000 + n) for n in range(MANY)]
    assert max(map(len, keys)) <= ids
    assert max(len(f"{each.method} {each.target} HTTP/1.1") for each in calls) <= line
    assert [each["limit"] for each in requested] == [[str(len(each))] for each in keys]
    if line == 4000:
        assert len(calls) == -(-MANY // ids)


async def test_every_list_is_requested_with_a_limit(gateway: Gateway) -> None:
    """FOLIO's own default is ten: no CQL query relies on it, at the root or in a link."""
    await gateway.data(
        """{
            loans { nodes { item { status { name } openRequests { totalCount } }
                borrower { active accounts { totalCount } openLoans { totalCount } patronGroup { desc } } } }
            requests { nodes { requester { username } pickupServicePoint { code } item { openLoan { id } } } }
            users { nodes { id sponsors { totalCount } departments { name } } }
            items { nodes { id instance { hrid } holdings { id } effectiveLocation { name } } }
            servicePoints { nodes { id } }
        }"""
    )
    requested = [call for call in gateway.calls if "query" in call.query or "totalRecords" in call.query]

    assert len({call.path for call in requested}) >= 10
    assert [call.path for call in requested if not call.query.get("limit", "").isdigit()] == []

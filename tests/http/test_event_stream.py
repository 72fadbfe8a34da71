"""Queries and mutations over Server-Sent Events: one result, then the end of the stream."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.engine.plans.cache import PLANS_EXECUTED
from tests.gateway_under_test import open_gateway
from tests.http.desk import GRAPHQL, JSON, TENANT, Desk
from tests.http.event_stream import EVENT_STREAM, Event, events_of
from tests.observability.log_lines import logged

pytestmark = pytest.mark.anyio

EVENTS = {"Accept": EVENT_STREAM}
COMPLETE = Event("complete", None)
URQL = "application/graphql-response+json, application/graphql+json, application/json"


def only_result(response: httpx.Response) -> Any:
    """Return the result of a stream with one, which then ends."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    result, end = events_of(response.content)
    assert (result.name, result.id, end) == ("next", None, COMPLETE)
    return result.data


def code(response: httpx.Response) -> str:
    """Return the code of the only error of a stream whose operation was not executed."""
    result = only_result(response)
    (error,) = result.pop("errors")
    assert result == {}
    assert error["extensions"]["requestId"] == response.headers["x-okapi-request-id"]
    text: str = error["extensions"]["code"]
    return text


async def test_a_query_is_one_event(desk: Desk) -> None:
    """A query has one result, after which the stream is complete; proxies do not hold it back."""
    response = await desk.post(EVENTS, query="{ letters }")

    assert response.content.startswith(b'event: next\ndata: {"data":{"letters":')
    assert response.content.endswith(b"\n\nevent: complete\ndata:\n\n")
    assert only_result(response) == {"data": {"letters": ["Ünïcödé", "\u2028", '"']}}
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["vary"] == "Accept"


async def test_a_query_by_get(desk: Desk) -> None:
    """A query may be sent by GET, as by a browser's EventSource."""
    assert only_result(await desk.get(EVENTS, query="{ title }")) == {"data": {"title": "Title 1"}}


async def test_a_mutation_is_one_event(desk: Desk) -> None:
    """A mutation by POST is executed once."""
    response = await desk.post(EVENTS, query="mutation { lend { id } }")

    assert only_result(response) == {"data": {"lend": {"id": "1"}}}
    assert desk.calls == ["lend"]


async def test_a_mutation_by_get(desk: Desk) -> None:
    """A mutation by GET is refused in the stream, and not executed."""
    response = await desk.get(EVENTS, query="mutation { lend { id } }")

    assert code(response) == "BAD_REQUEST"
    assert response.headers["allow"] == "POST"
    assert desk.calls == []


async def test_errors_beside_data(desk: Desk) -> None:
    """Data and errors are in the same event."""
    result = only_result(await desk.post(EVENTS, query="{ title late }"))

    assert result["data"] == {"title": "Title 1", "late": None}
    assert result["errors"][0]["extensions"]["code"] == "UPSTREAM_TIMEOUT"


@pytest.mark.parametrize(
    ("request_parts", "expected"),
    [
        ({"json": {"query": "{"}}, "GRAPHQL_PARSE_FAILED"),
        ({"json": {"query": "{ nobody }"}}, "GRAPHQL_VALIDATION_FAILED"),
        ({"json": {"query": "query($n: Int!) { tenfold(number: $n) }"}}, "BAD_USER_INPUT"),
        ({"json": {"documentId": "unknown"}}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"json": {"query": "{ title }" + " " * 3000}}, "BAD_REQUEST"),
        ({"content": b"query=title"}, "BAD_REQUEST"),
        ({"content": b"{", "headers": {"Content-Type": JSON}}, "BAD_REQUEST"),
        ({"json": {"query": "{ title }"}, "headers": {"X-Okapi-Tenant": "DIKU"}}, "BAD_REQUEST"),
        ({"json": {"query": "{ unencodable }"}}, "INTERNAL_ERROR"),
    ],
)
async def test_a_refusal_is_one_event(desk: Desk, request_parts: dict[str, Any], expected: str) -> None:
    """A request that is not executed is answered in the stream: its client reads no other status."""
    headers = TENANT | EVENTS | request_parts.pop("headers", {})

    response = await desk.request("POST", headers=headers, **request_parts)

    assert code(response) == expected
    assert desk.calls == []


async def test_other_methods(desk: Desk) -> None:
    """A request by another method has no operation: its status is 405."""
    response = await desk.request("PUT", headers=TENANT | EVENTS)

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (f"{URQL}, {EVENT_STREAM}, multipart/mixed", GRAPHQL),
        (f"{JSON}, {EVENT_STREAM}", JSON),
        (f"{EVENT_STREAM};q=0, {JSON};q=0.1", JSON),
        (f"{EVENT_STREAM}, {JSON}", EVENT_STREAM),
        (f"{JSON};q=0.9, {EVENT_STREAM}", EVENT_STREAM),
        (f"{EVENT_STREAM}, multipart/mixed", EVENT_STREAM),
    ],
)
async def test_the_type_that_the_client_prefers(desk: Desk, accept: str, media_type: str) -> None:
    """A client that accepts several types gets the one that it prefers."""
    response = await desk.post({"Accept": accept}, query="{ title }")

    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"


async def test_deferred_fragments(desk: Desk) -> None:
    """`@defer` has no effect in an event stream, even if the client names parts too."""
    desk.gate.set()
    accept = {"Accept": f"{EVENT_STREAM}, multipart/mixed;incrementalSpec=v0.2"}

    response = await desk.post(accept, query="{ loan { id ... @defer { borrower } } }")

    assert only_result(response) == {"data": {"loan": {"id": "1", "borrower": "borrower"}}}


async def test_long_results_and_plans() -> None:
    """A list that is encoded in pieces is one event, and its operation is executed by its plan."""
    query = "{ loans(first: 200) { nodes { id borrower { barcode } item { title } } } }"
    async with open_gateway() as gateway:
        plain = await gateway.data(query)
        planned = PLANS_EXECUTED.counts[""]
        headers = TENANT | EVENTS

        response = await gateway.http.post("/graphql", json={"query": query}, headers=headers)

        assert only_result(response) == {"data": plain}
        assert PLANS_EXECUTED.counts[""] == planned + 1


async def test_a_mutation_with_a_key_is_executed_once() -> None:
    """A mutation that is sent again with its key is replayed in the stream, and logged as one."""
    lend = (
        "mutation($input: CheckOutInput!) { checkOut(input: $input) { ... on CheckedOut { loan { id } } } }"
    )
    async with open_gateway() as gateway:
        point = gateway.summary.service_point_id
        given = {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": point}
        headers = TENANT | EVENTS | {"Idempotency-Key": "0b5d8c7e-1f57-4d0c-9d53-6a1f5b1c6a11"}
        request = {"query": lend, "variables": {"input": given}}
        with logged() as lines:
            first = await gateway.http.post("/graphql", json=request, headers=headers)
            again = await gateway.http.post("/graphql", json=request, headers=headers)

        loans = [each for each in gateway.paths() if each.endswith("/check-out-by-barcode")]
    assert only_result(first) == only_result(again)
    assert only_result(first)["data"]["checkOut"]["loan"]["id"]
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert len(loans) == 1
    assert [each["idempotency"] for each in lines.of("operation")] == ["new", "replayed"]
    assert [each["outcome"] for each in lines.of("mutation")] == ["SUCCESS"]

"""Long responses: a second client is served in between, and a response has a size."""

from __future__ import annotations

import asyncio
import gc
import json
from time import thread_time

import httpx
import pytest

from tests.gateway_over import GatewayClient, Json, gateway_over, key

pytestmark = pytest.mark.anyio

TEXT = "x" * 30
FIELDS = "id action actionComment dueDate status { name } loanItem { title callNumber contributors { name } }"


LOAN = {
    "userId": key(1),
    "itemId": key(2),
    "status": {"name": "Open"},
    "action": "checkedout",
    "actionComment": TEXT,
    "dueDate": "2026-01-01T00:00:00.000+00:00",
    "note": "x" * 400,  # not selected
    "item": {"id": key(2), "title": TEXT, "callNumber": TEXT, "contributors": [{"name": TEXT}] * 4},
}
PAGE = json.dumps({"loans": [{**LOAN, "id": key(each)} for each in range(1000)]}).encode()


def page(request: httpx.Request) -> httpx.Response:
    """Return a page of a thousand loans."""
    return httpx.Response(200, content=PAGE)


async def longest_turn(gateway: GatewayClient, query: str) -> tuple[float, Json]:
    """Return the longest CPU time in seconds of one turn of the event loop with one operation."""
    gc.collect()
    gc.disable()  # a collection of all objects of the tests would take most of the time
    running = asyncio.create_task(gateway.response(query))
    longest, before = 0.0, thread_time()
    while not running.done():
        await asyncio.sleep(0)
        longest, before = max(longest, thread_time() - before), thread_time()
    gc.enable()
    return longest, (await running).json()


@pytest.mark.parametrize(("execution", "roots"), [("plan", 8), ("plan", 28), ("generic", 1), ("generic", 8)])
async def test_a_long_operation_lets_others_be_served(execution: str, roots: int) -> None:
    """No turn of the loop takes a fifth of the CPU of the operation, or a tenth if it has many pages."""
    query = (
        "{"
        + " ".join(f"a{each}: loans(first: 1000) {{ nodes {{ {FIELDS} }} }}" for each in range(roots))
        + "}"
    )
    limits = {"max_response_bytes": 100_000_000, "max_process_bytes": 1_000_000_000}
    async with gateway_over(page, execution=execution, **limits) as gateway:
        began = thread_time()
        longest, response = await longest_turn(gateway, query)
        took = thread_time() - began

    assert "errors" not in response
    assert [len(each["nodes"]) for each in response["data"].values()] == [1000] * roots
    assert longest < took / (10 if roots > 20 else 5)


async def test_many_errors_let_others_be_served() -> None:
    """No turn takes a fifth of the CPU if each of 20,000 records has an error."""
    record = {"requestType": "Hold", "requestDate": "no date"}
    content = json.dumps({"requests": [{**record, "id": key(each)} for each in range(20_000)]}).encode()
    query = f'{{ requestQueue(instanceId: "{key(1)}") {{ nodes {{ id requestDate }} }} }}'
    async with gateway_over(lambda request: httpx.Response(200, content=content)) as gateway:
        began = thread_time()
        longest, response = await longest_turn(gateway, query)
        took = thread_time() - began

    paths = [each["path"] for each in response["errors"]]
    assert paths == [["requestQueue", "nodes", each, "requestDate"] for each in range(20_000)]
    assert longest < took / 5


async def test_a_response_in_pieces_is_the_same_response() -> None:
    """A response in several pieces has the length of its header, and each of its values."""
    query = "{ loans(first: 1000) { totalCount nodes { id } edges { cursor node { loanItem { title } } } } }"
    async with gateway_over(page) as gateway:
        response = await gateway.response(query)

    assert int(response.headers["Content-Length"]) == len(response.content)
    loans = response.json()["data"]["loans"]
    assert [each["id"] for each in loans["nodes"]] == [key(each) for each in range(1000)]
    assert {each["node"]["loanItem"]["title"] for each in loans["edges"]} == {TEXT}
    assert list(loans) == ["totalCount", "nodes", "edges"]


async def test_roots_beyond_the_size_of_a_response_are_null() -> None:
    """The first root is sent, and the second has an error that names the limit."""
    async with gateway_over(page, max_response_bytes=60_000) as gateway:
        response = await gateway.execute(
            "{a: loans(first: 1000) {nodes {id}} b: loans(first: 1000) {nodes {id}}}"
        )

    (error,) = response["errors"]
    assert len(response["data"]["a"]["nodes"]) == 1000
    assert response["data"]["b"] is None
    assert error["path"] == ["b"]
    assert error["extensions"]["limit"] == "MAX_RESPONSE_BYTES"
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_a_response_that_the_process_has_no_room_for_is_null() -> None:
    """Twelve megabytes that few bytes of upstream become are too many: their root is null, for good, because
    the operation alone exceeds the share. A later operation has the room again."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/inventory/instances":
            record = {"id": key(7), "identifiers": [{"value": TEXT * 2}] * 200}
            return httpx.Response(200, json={"instances": [record], "totalRecords": 1})
        limit = int(request.url.params["limit"])
        return httpx.Response(200, json={"loans": [{"id": key(1), "item": {"instanceId": key(7)}}] * limit})

    query = "{loans(first: %d) {nodes {instance {identifiers {value}}}}}"
    async with gateway_over(upstream, max_process_bytes=10_000_000) as gateway:
        refused = await gateway.execute(query % 1000)
        served = await gateway.execute(query % 400)

    (error,) = refused["errors"]
    assert refused["data"] == {"loans": None}
    assert error["path"] == ["loans"]
    assert error["extensions"]["limit"] == "MAX_PROCESS_BYTES"
    assert error["extensions"]["retryable"] is False
    assert "errors" not in served
    assert {len(each["instance"]["identifiers"]) for each in served["data"]["loans"]["nodes"]} == {200}


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_large_pages_without_a_plan_count_as_the_objects_that_they_become(execution: str) -> None:
    """A page of a megabyte fits into three, unless it is decoded into dictionaries."""
    async with gateway_over(page, execution=execution, max_process_bytes=3_000_000) as gateway:
        answer = await gateway.execute("{loans(first: 1000) {nodes {id}}}")

    if execution == "plan":
        assert len(answer["data"]["loans"]["nodes"]) == 1000
    else:
        (error,) = answer["errors"]
        assert answer["data"] == {"loans": None}
        assert error["extensions"]["limit"] == "MAX_PROCESS_BYTES"
        assert error["extensions"]["retryable"] is False


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize(
    "query",
    ["{loans(first: 1000) {nodes {id}}}", f'{{requestQueue(itemId: "{key(1)}") {{nodes {{id}}}}}}'],
    ids=["a page", "a list"],
)
async def test_small_objects_count_more_than_their_bytes(execution: str, query: str) -> None:
    """Three million records without members, which upstream sends in ten megabytes, are not decoded."""
    body = b"[" + b"{}," * 3_000_000 + b"{}]"

    def upstream(request: httpx.Request) -> httpx.Response:
        name = b"loans" if b"loans" in request.url.raw_path else b"requests"
        return httpx.Response(200, content=b'{"%b": %b}' % (name, body))

    async with gateway_over(upstream, execution=execution) as gateway:
        began = thread_time()
        answer = await gateway.execute(query)
        took = thread_time() - began

    (error,) = answer["errors"]
    assert [*answer["data"].values()] == [None]
    assert error["extensions"]["limit"] == "MAX_PROCESS_BYTES"
    assert error["extensions"]["retryable"] is False
    assert took < 0.5  # decoding alone takes longer

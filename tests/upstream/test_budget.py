"""The upstream bytes and records of a running operation are limited; a write is never truncated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable

import httpx
import pytest

from tests.gateway_over import GatewayClient, Json, gateway_over, key

pytestmark = pytest.mark.anyio

KILOBYTE = "x" * 1000


def loans(numbers: Iterable[int], total: int) -> httpx.Response:
    """A page of loans of a kilobyte each."""
    records = [{"id": key(each), "userId": key(1), "actionComment": KILOBYTE} for each in numbers]
    return httpx.Response(200, json={"loans": records, "totalRecords": total})


def page(request: httpx.Request) -> httpx.Response:
    """Return the requested page of a thousand loans."""
    limit, offset = (int(request.url.params.get(name, 0)) for name in ("limit", "offset"))
    return loans(range(offset, offset + limit), 1000)


def refusals(response: Json) -> list[Json]:
    """Path and extensions of the errors."""
    for each in response["errors"]:
        del each["extensions"]["requestId"]
    return [(each["path"], each["extensions"]) for each in response["errors"]]


async def loaded(gateway: GatewayClient, first: int) -> Json:
    return await gateway.execute(f"{{loans(first: {first}) {{nodes {{actionComment}}}}}}")


async def test_an_operation_beyond_its_bytes_keeps_earlier_results() -> None:
    """The third page exceeds 100 kB and is rejected, and the links of the others are no longer read."""
    async with gateway_over(page, max_operation_bytes=100_000) as gateway:
        response = await gateway.execute(
            "{a: loans(first: 40) {nodes {id}} b: loans(first: 40) {nodes {id borrower {personal {email}}}}"
            " c: loans(first: 40) {nodes {id}}}"
        )

    refusal = {
        "code": "LIMIT_EXCEEDED",
        "retryable": False,
        "limit": "MAX_OPERATION_BYTES",
        "maximum": 100_000,
    }
    assert len(response["data"]["a"]["nodes"]) == 40
    assert len(response["data"]["b"]["nodes"]) == 40
    assert response["data"]["c"] is None
    assert (["c"], refusal) in refusals(response)
    assert response["data"]["b"]["nodes"][0]["borrower"] is None
    assert gateway.lines() == ["GET /circulation-bff/loans"] * 3


async def test_the_bytes_of_all_operations_are_released() -> None:
    """An operation beyond the limit of the process is rejected for good, and releases its bytes."""
    async with gateway_over(page, max_process_bytes=50_000) as gateway:
        refused = await loaded(gateway, 60)
        served = [await loaded(gateway, 30) for _ in range(4)]

    assert refused["data"] == {"loans": None}
    assert refusals(refused) == [
        (
            ["loans"],
            {"code": "LIMIT_EXCEEDED", "retryable": False, "limit": "MAX_PROCESS_BYTES", "maximum": 50_000},
        )
    ]
    assert [len(each["data"]["loans"]["nodes"]) for each in served] == [30] * 4


async def test_a_tenant_leaves_bytes_for_others() -> None:
    """A tenant that holds half of all bytes gets no further large page, but a small one, and another tenant
    gets both."""
    is_held, may_end = asyncio.Event(), asyncio.Event()

    async def upstream(request: httpx.Request) -> httpx.Response:
        limit = int(request.url.params["limit"])
        if limit == 1:
            is_held.set()
            await may_end.wait()
        return loans(range(limit if limit > 2 else 0), 0)

    def first(number: int, tenant: str) -> Awaitable[Json]:
        return gateway.execute(
            f"{{loans(first: {number}) {{nodes {{id}}}}}}", headers={"X-Okapi-Tenant": tenant}
        )

    async with gateway_over(upstream, max_process_bytes=100_000) as gateway:  # type: ignore[arg-type]  # httpx takes both
        holding = asyncio.create_task(
            gateway.execute("{a: loans(first: 45) {nodes {id}} b: loans(first: 1) {nodes {id}}}")
        )
        await is_held.wait()
        same, small, other = await first(35, "diku"), await first(2, "diku"), await first(20, "college")
        may_end.set()
        held = await holding

    assert "errors" not in held
    assert same["data"] == {"loans": None}
    refusal = {"code": "LIMIT_EXCEEDED", "retryable": True, "limit": "MAX_PROCESS_BYTES", "maximum": 100_000}
    assert refusals(same) == [(["loans"], refusal)]
    assert small == {"data": {"loans": {"nodes": []}}}
    assert len(other["data"]["loans"]["nodes"]) == 20


async def test_calls_beyond_the_estimate_end() -> None:
    """A service that sends one record a page is called at most three times as often as MAX_COST."""
    async with gateway_over(
        lambda request: loans([int(request.url.params.get("offset", 0))], 1000), max_cost=2
    ) as gateway:
        response = await loaded(gateway, 100)

    assert response["data"] == {"loans": None}
    assert refusals(response) == [
        (["loans"], {"code": "LIMIT_EXCEEDED", "retryable": False, "limit": "MAX_COST", "maximum": 6})
    ]
    assert len(gateway.requests) == 6


def title_with_identifiers(request: httpx.Request) -> httpx.Response:
    """A hundred loans of one title, which has two hundred identifiers."""
    if request.url.path == "/inventory/instances":
        identifiers = [{"value": str(each), "identifierTypeId": key(8)} for each in range(200)]
        record = {"id": key(7), "title": "Bridges", "identifiers": identifiers}
        return httpx.Response(200, json={"instances": [record], "totalRecords": 1})
    if request.url.path == "/service-points":
        return httpx.Response(200, json={"servicepoints": [{"id": key(6), "name": "Desk"}]})
    records = [{"id": key(each), "item": {"instanceId": key(7)}} for each in range(100)]
    return httpx.Response(200, json={"loans": records, "totalRecords": 100})


REPEATED = (
    "{servicePoints {nodes {name}} loans(first: 100) {nodes {id instance {title identifiers {value}}}}}"
)


async def test_records_beyond_the_estimate_make_their_root_null() -> None:
    """Two hundred identifiers in each of a hundred loans exceed the limit, and the other root is complete."""
    async with gateway_over(title_with_identifiers, max_result_nodes=1000) as gateway:
        response = await gateway.execute(REPEATED)

    assert response["data"] == {"servicePoints": {"nodes": [{"name": "Desk"}]}, "loans": None}
    assert refusals(response) == [
        (
            ["loans"],
            {"code": "LIMIT_EXCEEDED", "retryable": False, "limit": "MAX_RESULT_NODES", "maximum": 3000},
        )
    ]


async def test_records_beyond_the_estimate_are_not_completed_one_by_one() -> None:
    """Without a plan the lists up to the limit are complete, and those beyond it are null, with an error."""
    async with gateway_over(title_with_identifiers, max_result_nodes=1000, execution="generic") as gateway:
        response = await gateway.execute(REPEATED)

    nodes = response["data"]["loans"]["nodes"]
    assert [each["instance"]["title"] for each in nodes] == ["Bridges"] * 100
    lists = [each["instance"]["identifiers"] for each in nodes]
    assert [each and len(each) for each in lists] == [200] * 14 + [None] * 86
    assert [path for path, _ in refusals(response)] == [
        ["loans", "nodes", place, "instance", "identifiers"] for place in range(14, 100)
    ]


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_records_within_the_limit_are_complete(execution: str) -> None:
    """20,101 records are complete if the limit is three times 6,701."""
    async with gateway_over(title_with_identifiers, max_result_nodes=6701, execution=execution) as gateway:
        response = await gateway.execute(REPEATED)

    assert "errors" not in response
    assert {len(each["instance"]["identifiers"]) for each in response["data"]["loans"]["nodes"]} == {200}


async def test_a_write_is_neither_cut_nor_refused() -> None:
    """Its response exceeds every budget and is read; the reads below it are refused, not the next write."""

    def upstream(request: httpx.Request) -> httpx.Response:
        loan = {"id": key(9), "userId": key(1), "itemId": key(2), "actionComment": KILOBYTE * 5}
        return httpx.Response(201, json=loan)

    given = f'{{itemBarcode: "1", userBarcode: "2", servicePointId: "{key(3)}"}}'
    write = f"checkOut(input: {given}) {{... on CheckedOut {{loan {{id borrower {{personal {{email}}}}}}}}}}"
    async with gateway_over(upstream, max_operation_bytes=1000, max_process_bytes=1000) as gateway:
        response = await gateway.execute(f"mutation {{a: {write} b: {write}}}")

    loan = {"id": key(9), "borrower": None}
    assert response["data"] == {"a": {"loan": loan}, "b": {"loan": loan}}
    assert [extensions["limit"] for _, extensions in refusals(response)] == ["MAX_OPERATION_BYTES"] * 2
    assert [each.method for each in gateway.requests] == ["POST", "POST"]


async def test_the_response_to_a_refused_write_is_counted() -> None:
    """It is of the bytes of its operation like that of any other call; the reads after it are refused."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if b'"itemBarcode":"1"' in request.content:
            return httpx.Response(422, json={"errors": [{"message": KILOBYTE * 5}]})
        return httpx.Response(201, json={"id": key(9), "userId": key(1), "itemId": key(2)})

    def write(barcode: str) -> str:
        given = f'{{itemBarcode: "{barcode}", userBarcode: "2", servicePointId: "{key(3)}"}}'
        return f"checkOut(input: {given}) {{__typename ... on CheckedOut {{loan {{borrower {{username}}}}}}}}"

    async with gateway_over(upstream, max_operation_bytes=1000) as gateway:
        response = await gateway.execute(f"mutation {{a: {write('1')} b: {write('2')}}}")

    assert response["data"] == {
        "a": {"__typename": "Refusal"},
        "b": {"__typename": "CheckedOut", "loan": {"borrower": None}},
    }
    assert [extensions["limit"] for _, extensions in refusals(response)] == ["MAX_OPERATION_BYTES"]
    assert [each.method for each in gateway.requests] == ["POST", "POST"]

"""What an operation may take of upstream while it runs, beyond any estimate; a write is never cut by it."""

from __future__ import annotations

from collections.abc import Iterable

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
    """The page that was asked for, of a thousand loans."""
    limit, offset = (int(request.url.params.get(name, 0)) for name in ("limit", "offset"))
    return loans(range(offset, offset + limit), 1000)


def refusals(answer: Json) -> list[Json]:
    """Path and extensions of the errors."""
    for each in answer["errors"]:
        del each["extensions"]["requestId"]
    return [(each["path"], each["extensions"]) for each in answer["errors"]]


async def loaded(gateway: GatewayClient, first: int) -> Json:
    return await gateway.execute(f"{{loans(first: {first}) {{nodes {{actionComment}}}}}}")


async def test_an_operation_beyond_its_bytes_keeps_what_it_has() -> None:
    """The third page exceeds 100 kB and is refused, and the links of the others are not read any more."""
    async with gateway_over(page, max_operation_bytes=100_000) as gateway:
        answer = await gateway.execute(
            "{a: loans(first: 40) {nodes {id}} b: loans(first: 40) {nodes {id borrower {personal {email}}}}"
            " c: loans(first: 40) {nodes {id}}}"
        )

    refusal = {
        "code": "LIMIT_EXCEEDED",
        "retryable": False,
        "limit": "MAX_OPERATION_BYTES",
        "maximum": 100_000,
    }
    assert len(answer["data"]["a"]["nodes"]) == 40
    assert len(answer["data"]["b"]["nodes"]) == 40
    assert answer["data"]["c"] is None
    assert (["c"], refusal) in refusals(answer)
    assert answer["data"]["b"]["nodes"][0]["borrower"] is None
    assert gateway.lines() == ["GET /circulation-bff/loans"] * 3


async def test_the_bytes_of_all_operations_are_given_back() -> None:
    """An operation beyond what the process holds is refused, to be tried again, and holds nothing later."""
    async with gateway_over(page, max_process_bytes=50_000) as gateway:
        refused = await loaded(gateway, 60)
        served = [await loaded(gateway, 30) for _ in range(4)]

    assert refused["data"] == {"loans": None}
    assert refusals(refused) == [
        (
            ["loans"],
            {"code": "LIMIT_EXCEEDED", "retryable": True, "limit": "MAX_PROCESS_BYTES", "maximum": 50_000},
        )
    ]
    assert [len(each["data"]["loans"]["nodes"]) for each in served] == [30] * 4


async def test_calls_beyond_the_estimate_end() -> None:
    """A service that sends one record a page is asked three times as often as MAX_COST says, and not more."""
    async with gateway_over(
        lambda request: loans([int(request.url.params.get("offset", 0))], 1000), max_cost=2
    ) as gateway:
        answer = await loaded(gateway, 100)

    assert answer["data"] == {"loans": None}
    assert refusals(answer) == [
        (["loans"], {"code": "LIMIT_EXCEEDED", "retryable": False, "limit": "MAX_COST", "maximum": 6})
    ]
    assert len(gateway.requests) == 6


async def test_a_write_is_neither_cut_nor_refused() -> None:
    """Its response exceeds every budget and is read; the reads below it are refused, not the next write."""

    def upstream(request: httpx.Request) -> httpx.Response:
        loan = {"id": key(9), "userId": key(1), "itemId": key(2), "actionComment": KILOBYTE * 5}
        return httpx.Response(201, json=loan)

    given = f'{{itemBarcode: "1", userBarcode: "2", servicePointId: "{key(3)}"}}'
    write = f"checkOut(input: {given}) {{... on CheckedOut {{loan {{id borrower {{personal {{email}}}}}}}}}}"
    async with gateway_over(upstream, max_operation_bytes=1000, max_process_bytes=1000) as gateway:
        answer = await gateway.execute(f"mutation {{a: {write} b: {write}}}")

    loan = {"id": key(9), "borrower": None}
    assert answer["data"] == {"a": {"loan": loan}, "b": {"loan": loan}}
    assert [extensions["limit"] for _, extensions in refusals(answer)] == ["MAX_OPERATION_BYTES"] * 2
    assert [each.method for each in gateway.requests] == ["POST", "POST"]

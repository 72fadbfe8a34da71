"""The size of requests: of all together, of their decoded parts, and of their parts in errors."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.gateway_over import CALLER, Json, gateway_over
from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio


async def errors_of(gateway: Gateway, body: Json) -> list[Json]:
    response = await gateway.http.post("/graphql", json=body, headers={"X-Okapi-Tenant": "diku"})
    errors: list[Json] = response.json()["errors"]
    return errors


async def test_bodies_in_flight_have_a_bound() -> None:
    """While one large request is served another is refused with 503, and is served when the first ends."""
    body = json.dumps({"query": "{ loans(first: 1) { totalCount } }", "other": "x" * 30_000}).encode()
    waiting, may_answer = asyncio.Event(), asyncio.Event()

    async def upstream(request: httpx.Request) -> httpx.Response:
        waiting.set()
        await may_answer.wait()
        return httpx.Response(200, json={"loans": [], "totalRecords": 0})

    async with gateway_over(upstream, max_bodies_bytes=50_000) as gateway:  # type: ignore[arg-type]  # httpx takes both
        headers = {**CALLER, "Content-Type": "application/json"}
        first = asyncio.create_task(gateway.http.post("/graphql", content=body, headers=headers))
        await waiting.wait()
        refused = await gateway.http.post("/graphql", content=body, headers=headers)
        may_answer.set()
        served = [await first, await gateway.http.post("/graphql", content=body, headers=headers)]

    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "OVERLOADED"
    assert [each.json() for each in served] == [{"data": {"loans": {"totalCount": 0}}}] * 2
    assert len(gateway.requests) == 2


async def test_undeclared_variables_are_not_decoded(gateway: Gateway) -> None:
    """A number that no double holds is an error of a variable only if the operation declares it."""
    query = "query ($a: Boolean = true) { __typename @include(if: $a) }"
    body = f'{{"query": "{query}", "variables": {{"%s": 1e999}}}}'

    async def response(name: str) -> Json:
        headers = {"X-Okapi-Tenant": "diku", "Content-Type": "application/json"}
        return (await gateway.http.post("/graphql", content=body % name, headers=headers)).json()

    assert await response("b") == {"data": {"__typename": "Query"}}
    (error,) = (await response("a"))["errors"]
    assert error["message"] == "Member variables is not valid: Number out of range - at `$.a`."


@pytest.mark.parametrize("value", ["[]", "{}", "1"])
async def test_a_variable_has_a_number_of_values(gateway: Gateway, value: str) -> None:
    """A declared variable of 100,000 values is refused before it is decoded; undeclared it is ignored."""
    values = json.loads(f"[{','.join([value] * 100_000)}]")
    query = "query ($a: [LoanStatusName!]) { loans(filter: {status: $a}) { totalCount } }"

    (error,) = await errors_of(gateway, {"query": query, "variables": {"a": values}})
    await gateway.data(query, {"a": ["OPEN"], "b": values})

    assert error["message"] == "Variable $a has more than 20000 values (MAX_VALUES)."
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{" + "x" * 90_000 + "}"},
        {"query": "{ loan(id: " + "x" * 90_000 + ") { id } }"},
        {"query": "{ __typename " + '"' + "x" * 90_000 + '" }'},
        {"query": "query($" + "x" * 90_000 + ": Int!) { loans(first: 1) { totalCount } }"},
        {"query": "{ __typename }", "operationName": "x" * 90_000},
        {
            "query": "query($a: Int!) { loans(first: $a) { totalCount } }",
            "variables": {"a": "x" * 90_000},
        },
        {"query": '{ loan(id: "' + "x" * 90_000 + '") { id } }'},
    ],
    ids=["field", "enum", "string", "variable name", "operation name", "variable", "id"],
)
async def test_errors_repeat_little_of_a_document(gateway: Gateway, body: Json) -> None:
    """A message has at most 300 characters for any length of names and values."""
    errors = await errors_of(gateway, body)

    assert errors
    assert max(len(json.dumps(each)) for each in errors) < 1000

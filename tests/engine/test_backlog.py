"""Results that take several turns of the event loop need as many calls as those that take one."""

from __future__ import annotations

import json
import re
from functools import cache
from time import thread_time

import httpx
import pytest

from tests.gateway_over import GatewayClient, Json, gateway_over, key
from tests.http.test_long_responses import longest_turn

pytestmark = pytest.mark.anyio

USERS, LOANS, POLICIES = 70, 55, 60
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
FIELDS = """id dueDate loanDate action actionComment status { name } loanItem { title callNumber barcode
 contributors { name } } metadata { createdDate } loanPolicy { name }"""
QUERY = f"{{ users(first: {USERS}) {{ nodes {{ loans(first: {LOANS}) {{ nodes {{ {FIELDS} }} }} }} }} }}"
PERSONS = " ".join(f"p{each}: personal {{ email firstName middleName pronouns }}" for each in range(20))
ONE_TARGET = f"{{ loans(first: 1000) {{ nodes {{ borrower {{ id {PERSONS} }} }} }} }}"
ITEMS = " ".join(f"i{each}: loanItem {{ title callNumber contributors {{ name }} }}" for each in range(50))
SHORT_LIST = f"{{ loans(first: 70) {{ nodes {{ {ITEMS} }} }} }}"


def upstream(request: httpx.Request) -> httpx.Response:
    parameters = request.url.params
    return httpx.Response(200, content=content(request.url.path, parameters["query"], parameters["limit"]))


@cache
def content(path: str, query: str, limit: str) -> bytes:
    """Return users, fifty-five loans of each with policies of their own, or the policies."""
    ids = _ID.findall(query)
    if path == "/users":
        name, records = "users", [{"id": each} for each in ids or map(key, range(USERS))]
    elif path.endswith("/loans"):
        loans = [loan(each, number) for each in ids for number in range(LOANS)]
        name, records = "loans", loans or [loan(key(1), number) for number in range(int(limit))]
    else:
        name, records = "loanPolicies", [{"id": each, "name": "Two weeks"} for each in ids]
    return json.dumps({name: records, "totalRecords": len(records)}).encode()


def loan(user: str, number: int) -> Json:
    """Return a loan, whose policy only the loans of this user have."""
    date = "2026-01-01T00:00:00.000+00:00"
    return {
        "id": key(1000 * int(user[-12:]) + number),
        "userId": user,
        "loanPolicyId": key(int(user[-12:]) % POLICIES),
        "loanDate": date,
        "dueDate": date,
        "status": {"name": "Open"},
        "item": {"id": key(2), "title": "t", "contributors": [{"name": "n"}] * 4},
        "metadata": {"createdDate": date},
    }


async def execute(gateway: GatewayClient, query: str) -> tuple[float, float, Json]:
    """Execute an operation. Return the CPU time of its longest turn and of all of it, and the response."""
    began = thread_time()
    longest, response = await longest_turn(gateway, query)
    return longest, thread_time() - began, response


async def test_short_lists_below_many_parents_let_others_be_served() -> None:
    """Seventy lists of fifty-five loans are loaded at once and completed in many turns; their links join one
    batch, and the result is that of a plan."""
    async with gateway_over(upstream) as gateway:
        expected = await gateway.execute(QUERY)
        calls = gateway.lines()
    async with gateway_over(upstream, execution="generic") as gateway:
        longest, took, response = await execute(gateway, QUERY)

        assert "errors" not in response
        assert response == expected
        assert gateway.lines() == calls
        assert calls[-1] == "GET /loan-policy-storage/loan-policies"
        assert calls.count("GET /loan-policy-storage/loan-policies") == 1
        assert longest < took / 10


async def test_many_links_to_one_target_let_others_be_served() -> None:
    """A thousand loans of one borrower complete what they select of the borrower in many turns."""
    async with gateway_over(upstream, execution="generic") as gateway:
        longest, took, response = await execute(gateway, ONE_TARGET)

        nodes = response["data"]["loans"]["nodes"]
        assert [each["borrower"]["id"] for each in nodes] == [key(1)] * 1000
        assert gateway.lines() == ["GET /circulation-bff/loans", "GET /users"]
        assert longest < took / 5


async def test_a_short_list_of_large_objects_lets_others_be_served() -> None:
    """Seventy loans with fifty objects each are completed in many turns."""
    async with gateway_over(upstream, execution="generic") as gateway:
        longest, took, response = await execute(gateway, SHORT_LIST)

        assert [len(each) for each in response["data"]["loans"]["nodes"]] == [50] * 70
        assert longest < took / 5

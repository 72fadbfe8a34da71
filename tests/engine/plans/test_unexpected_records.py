"""Records that are not of the types in the schema: graphql-core completes them, and plans all others."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

import httpx
import pytest

from tests.gateway_over import gateway_over, key

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects
BOTH = pytest.mark.parametrize("execution", ["plan", "generic"])


def loan(number: int, **members: Json) -> Json:
    return {
        "id": key(number),
        "userId": key(1000 + number % 3),
        "action": "renewed",
        "renewalCount": number,
        "status": {"name": "Open"},
        **members,
    }


def user(number: int, **members: Json) -> Json:
    return {"id": key(1000 + number), "username": f"u{number}", "barcode": f"b{number}", **members}


async def execute(
    execution: str, query: str, **records: list[Json]
) -> tuple[Json, list[list[str | int]], list[str]]:
    """Return the data, the paths of the errors, and the routes of the upstream calls."""

    def upstream(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        ids = set(re.findall(r"[0-9a-f-]{36}", request.url.params["query"]))
        result = [each for each in records[name] if not ids or {each["id"], each.get("userId")} & ids]
        return httpx.Response(200, json={name: result, "totalRecords": len(result)})

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute(query)
        paths = [each["path"] for each in response.get("errors", ())]
        return response["data"], paths, [each.url.path.rpartition("/")[2] for each in gateway.requests]


@BOTH
@pytest.mark.parametrize(
    ("odd", "path"),
    [
        ({"renewalCount": "two"}, ["renewalCount"]),
        ({"renewalCount": 2**40}, ["renewalCount"]),
        ({"action": {}}, ["action"]),
        ({"status": {"name": ["Open"]}}, ["status", "name"]),
        ({"userId": 7}, ["borrower"]),
    ],
    ids=str,
)
async def test_one_record_of_a_page(execution: str, odd: Mapping[str, Json], path: list[str]) -> None:
    """The record is null with one error; other records, cursors and totals are unchanged, in one call."""
    loans = [loan(number) for number in range(5)]
    loans[3] |= odd

    data, errors, calls = await execute(
        execution,
        "{ loans { totalCount pageInfo { endCursor hasNextPage } edges { cursor node { id } }"
        " nodes { id action renewalCount status { name } borrower { id } } } }",
        loans=loans,
    )

    expected = [
        {
            "id": key(number),
            "action": "renewed",
            "renewalCount": number,
            "status": {"name": "OPEN"},
            "borrower": {"id": key(1000 + number % 3)},
        }
        for number in range(5)
    ]
    here: Json = expected[3]
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = None
    assert data["loans"]["nodes"] == expected
    assert [each["node"]["id"] for each in data["loans"]["edges"]] == [key(number) for number in range(5)]
    assert len({each["cursor"] for each in data["loans"]["edges"]}) == 5
    assert data["loans"]["totalCount"] == 5
    assert data["loans"]["pageInfo"] == {
        "endCursor": data["loans"]["edges"][4]["cursor"],
        "hasNextPage": False,
    }
    assert errors == [["loans", "nodes", 3, *path]]
    assert calls == ["loans"]


@BOTH
@pytest.mark.parametrize("length", [5, 50, 51, 300])
async def test_one_record_of_a_page_of_any_length(execution: str, length: int) -> None:
    """The edges of the others have their links and errors, in pages completed in one piece or in slices."""
    loans = [loan(number, dueDate="2026-11-30T10:00:00.000+00:00") for number in range(length)]
    loans[1] |= {"renewalCount": "one"}
    loans[2] |= {"dueDate": "never"}
    members = "renewalCount dueDate borrower { username }"

    data, errors, calls = await execute(
        execution,
        f"{{ loans(first: {length}) {{ edges {{ node {{ {members} }} }} }} }}",
        loans=loans,
        users=[user(0), user(1, username=["u1"]), user(2)],
    )

    borrowers = [{"username": "u0"}, {"username": None}, {"username": "u2"}]
    expected = [
        {
            "renewalCount": None if number == 1 else number,
            "dueDate": None if number == 2 else "2026-11-30T10:00:00.000Z",
            "borrower": borrowers[number % 3],
        }
        for number in range(length)
    ]
    assert [each["node"] for each in data["loans"]["edges"]] == expected
    assert sorted(errors, key=str) == sorted(
        [
            ["loans", "edges", 1, "node", "renewalCount"],
            ["loans", "edges", 2, "node", "dueDate"],
            *(["loans", "edges", place, "node", "borrower", "username"] for place in range(1, length, 3)),
        ],
        key=str,
    )
    assert calls == ["loans", "users"]


@BOTH
async def test_a_record_without_its_id(execution: str) -> None:
    """A record without a non-null member is null, with the error at the member."""
    loans = [loan(1), {**loan(2), "id": None}, loan(3)]

    data, errors, calls = await execute(
        execution, "{ loans { nodes { id } edges { node { id action } } } }", loans=loans
    )

    assert data["loans"]["nodes"] == [{"id": key(1)}, None, {"id": key(3)}]
    assert [each["node"] and each["node"]["action"] for each in data["loans"]["edges"]] == [
        "renewed",
        None,
        "renewed",
    ]
    assert errors == [["loans", "nodes", 1, "id"], ["loans", "edges", 1, "node", "id"]]
    assert calls == ["loans"]


@BOTH
async def test_links_of_an_unexpected_record_join_the_batch(execution: str) -> None:
    """The links of all records of the page are loaded by one call."""
    loans = [loan(0), loan(1, renewalCount="two"), loan(2)]

    data, errors, calls = await execute(
        execution,
        "{ loans { nodes { renewalCount borrower { username } } } }",
        loans=loans,
        users=[user(0), user(1), user(2)],
    )

    assert data["loans"]["nodes"] == [
        {"renewalCount": 0, "borrower": {"username": "u0"}},
        {"renewalCount": None, "borrower": {"username": "u1"}},
        {"renewalCount": 2, "borrower": {"username": "u2"}},
    ]
    assert errors == [["loans", "nodes", 1, "renewalCount"]]
    assert calls == ["loans", "users"]


@BOTH
async def test_an_unexpected_record_behind_a_link(execution: str) -> None:
    """It has an error at each path that leads to it, and is loaded once; the other targets stay."""
    users = [user(0), user(1, username=["u1"]), user(2)]

    data, errors, calls = await execute(
        execution,
        "{ loans { nodes { borrower { username barcode } } } }",
        loans=[loan(number) for number in range(6)],
        users=users,
    )

    assert data["loans"]["nodes"] == [
        {"borrower": {"username": None if number % 3 == 1 else f"u{number % 3}", "barcode": f"b{number % 3}"}}
        for number in range(6)
    ]
    assert errors == [["loans", "nodes", number, "borrower", "username"] for number in (1, 4)]
    assert calls == ["loans", "users"]


@BOTH
async def test_an_unexpected_record_in_a_list_of_a_record(execution: str) -> None:
    """A page below a record keeps its other records, and the record its other members."""
    loans = [loan(number, userId=key(1001)) for number in range(4)]
    loans[2] |= {"renewalCount": "two"}

    page = "openLoans { totalCount nodes { id renewalCount } }"
    data, errors, calls = await execute(
        execution, f'{{ user(id: "{key(1001)}") {{ username {page} }} }}', users=[user(1)], loans=loans
    )

    nodes = [{"id": key(number), "renewalCount": None if number == 2 else number} for number in range(4)]
    assert data["user"] == {"username": "u1", "openLoans": {"totalCount": 4, "nodes": nodes}}
    assert errors == [["user", "openLoans", "nodes", 2, "renewalCount"]]
    assert calls == ["users", "loans"]


@pytest.mark.parametrize("bad", [0, 500, 999])
async def test_one_record_in_a_thousand_costs_its_own_completion(bad: int) -> None:
    """graphql-core completes that record only: each would take a hundred of its functions."""
    loans = [loan(number) for number in range(1000)]
    loans[bad] |= {"renewalCount": "two"}
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call" and "/graphql/execution/" in frame.f_code.co_filename

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"loans": loans})

    async with gateway_over(upstream, execution="plan") as gateway:
        sys.setprofile(count)
        try:
            response = await gateway.execute(
                "{ loans(first: 1000) { nodes { id action renewalCount status { name } borrower { id } } } }"
            )
        finally:
            sys.setprofile(None)

    assert [each["path"] for each in response["errors"]] == [["loans", "nodes", bad, "renewalCount"]]
    assert [each["renewalCount"] for each in response["data"]["loans"]["nodes"]] == [
        None if number == bad else number for number in range(1000)
    ]
    assert calls < 5 * len(loans)

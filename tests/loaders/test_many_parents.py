"""Screens with a list below each row, over a library in which one row has far more records than others."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sandbox import Call, Sandbox, create_sandbox
from tests.gateway_under_test import open_gateway

pytestmark = pytest.mark.anyio

LARGE = 20_000
PATRONS = "users(first: 50, sort: { field: USERNAME }) { nodes { id %s } }"


@pytest.fixture(scope="module")
def uneven() -> Sandbox:
    """A library in which the first patron of the list has 20,000 loans more. Tests do not write to it."""
    sandbox = create_sandbox()
    library = sandbox.library("diku")
    patron = min(
        library.users.values(), key=lambda user: (user.get("username") is None, user.get("username"))
    )
    loan = next(iter(library.loans.values())) | {"userId": patron["id"]}
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(LARGE)]
    library.loans.update({each: loan | {"id": each} for each in ids})
    return sandbox


async def load(sandbox: Sandbox, query: str) -> tuple[list[Any], list[Call]]:  # Any: JSON
    """Return the nodes of the list, and the other upstream calls."""
    async with open_gateway(sandbox) as gateway:
        sandbox.calls.clear()
        data = await gateway.data(f"{{ {query} }}")
        (nodes,) = (each["nodes"] for each in data.values())
        return nodes, gateway.calls[1:]


def sizes(sandbox: Sandbox, member: str, nodes: list[Any], records: Any) -> list[int]:  # Any: JSON
    result: dict[str, int] = {}
    for each in records.values():
        result[each.get(member)] = result.get(each.get(member), 0) + 1
    return [result.get(node["id"], 0) for node in nodes]


@pytest.mark.parametrize("first", [10, 1])
async def test_a_patron_with_twenty_thousand_loans_among_fifty(uneven: Sandbox, first: int) -> None:
    """Every patron has a page, from two calls for at most a thousand loans each."""
    nodes, calls = await load(uneven, PATRONS % f"loans(first: {first}) {{ nodes {{ id }} }}")

    expected = sizes(uneven, "userId", nodes, uneven.library("diku").loans)
    assert max(expected) >= LARGE
    assert [len(node["loans"]["nodes"]) for node in nodes] == [min(size, first) for size in expected]
    assert [call.path for call in calls] == ["/circulation-bff/loans"] * 2
    assert {int(call.query["limit"]) for call in calls} == {max(2 * first, 10) * 50}


async def test_the_totals_of_fifty_patrons(uneven: Sandbox) -> None:
    """The total of the patron with many loans is one call, which reads none; others come with loans."""
    nodes, calls = await load(
        uneven, PATRONS % "loans(first: 1) { totalCount nodes { id } pageInfo { hasNextPage } }"
    )

    expected = sizes(uneven, "userId", nodes, uneven.library("diku").loans)
    assert [node["loans"]["totalCount"] for node in nodes] == expected
    assert [node["loans"]["pageInfo"]["hasNextPage"] for node in nodes] == [size > 1 for size in expected]
    assert [call.query["limit"] for call in calls] == ["500", "500", "0"]


async def test_members_of_patron_groups_are_counted_and_not_read(uneven: Sandbox) -> None:
    """One count for each group, whatever its size."""
    nodes, calls = await load(uneven, "patronGroups { nodes { id users { totalCount } } }")

    assert [node["users"]["totalCount"] for node in nodes] == sizes(
        uneven, "patronGroup", nodes, uneven.library("diku").users
    )
    assert [(call.path, call.query["limit"], call.query["totalRecords"]) for call in calls] == [
        ("/users", "0", "exact")
    ] * len(nodes)

"""Totals of many records: most services of FOLIO estimate them, whatever is requested."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import open_gateway

pytestmark = pytest.mark.anyio

ROOTS = {
    "loans": "/circulation-bff/loans",
    "requests": "/circulation-bff/requests",
    "users": "/users",
    "items": "/inventory/items",
    "instances": "/inventory/instances",
    "accounts": "/accounts",
}
COUNT = 1200


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("root", ROOTS)
async def test_the_total_of_a_long_list(root: str, execution: str) -> None:
    """A total of 1000 or more beside records is an estimate, and is counted by a call without records."""
    async with open_gateway(execution=execution) as gateway:
        records = getattr(gateway.library, root)
        example = next(iter(records.values()))
        for number in range(COUNT - len(records)):
            key = f"{number:08}-0000-4000-8000-000000000000"
            records[key] = {**example, "id": key}
        data = await gateway.data(f"{{ {root}(first: 3) {{ totalCount nodes {{ id }} }} }}")
        calls = gateway.calls

    assert data[root]["totalCount"] == COUNT
    assert len(data[root]["nodes"]) == 3
    assert [(call.path, call.query["limit"]) for call in calls] == [(ROOTS[root], "3"), (ROOTS[root], "0")]


@pytest.mark.parametrize("root", ROOTS)
async def test_a_short_list_and_a_total_alone(root: str) -> None:
    """A total below 1000, that of a list which ends on the page, and a total alone are one call."""
    async with open_gateway() as gateway:
        records = getattr(gateway.library, root)
        count = len(records)
        data = await gateway.data(f"{{ {root}(first: 3) {{ totalCount nodes {{ id }} }} }}")
        alone = await gateway.data(f"{{ {root} {{ totalCount }} }}")
        paths = gateway.paths()

    assert data[root]["totalCount"] == alone[root]["totalCount"] == count < 1000
    assert paths == [f"GET {ROOTS[root]}"] * 2


async def test_the_loans_of_a_user_and_of_a_service_point() -> None:
    """Lists below one record, and below many, are counted in the same way."""
    async with open_gateway() as gateway:
        loans = gateway.library.loans
        example = next(
            each for each in loans.values() if each.get("userId") and each["status"]["name"] == "Open"
        )
        for number in range(COUNT):
            key = f"{number:08}-0000-4000-8000-000000000000"
            loans[key] = {**example, "id": key}
        query = """query($id: ID!, $ids: [ID!]) {
            user(id: $id) { openLoans(first: 2) { totalCount nodes { id } } }
            servicePoints(filter: { id: $ids }) { nodes {
                id openLoans(first: 2) { totalCount nodes { id } }
            } }
        }"""
        points = [*gateway.library.service_points]
        data = await gateway.data(query, {"id": example["userId"], "ids": points})
        opened = [each for each in loans.values() if each["status"]["name"] == "Open"]

    assert data["user"]["openLoans"]["totalCount"] == sum(
        each.get("userId") == example["userId"] for each in opened
    )
    for point in data["servicePoints"]["nodes"]:
        lent = sum(each["checkoutServicePointId"] == point["id"] for each in opened)
        assert point["openLoans"]["totalCount"] == lent

"""The history of a loan and the staff behind it."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio


def longest(gateway: Gateway) -> str:
    """The loan with the longest history."""
    loans = [str(each["loan"]["id"]) for each in gateway.library.loan_history.values()]
    return max(set(loans), key=lambda loan: (loans.count(loan), loan))


async def test_the_history_of_a_loan_with_the_names_of_the_staff(reader: Gateway) -> None:
    """The latest entry is first, and the names of all staff take one call."""
    loan = longest(reader)
    stored = sorted(
        (each for each in reader.library.loan_history.values() if each["loan"]["id"] == loan),
        key=lambda each: each["createdDate"],
        reverse=True,
    )

    data = await reader.data(
        """query($id: ID!) { loan(id: $id) { history(first: 50) { totalCount nodes {
            id createdDate operation
            loan { id action actionComment dueDate itemStatus status { name } renewalCount borrower { id } }
            staff { id personal { lastName } }
        } } } }""",
        {"id": loan},
    )

    history = data["loan"]["history"]
    assert history["totalCount"] == len(stored) == 4
    assert [each["createdDate"][:19] for each in history["nodes"]] == [
        each["createdDate"][:19] for each in stored
    ]
    assert history["nodes"][-1]["operation"] == "INSERT"
    assert {each["operation"] for each in history["nodes"][:-1]} == {"UPDATE"}
    kept = {each["id"]: each for each in stored}
    for node in history["nodes"]:
        entry = kept[node["id"]]
        staff = reader.library.users[entry["loan"]["metadata"]["updatedByUserId"]]
        assert node["staff"] == {"id": staff["id"], "personal": {"lastName": staff["personal"]["lastName"]}}
        assert node["loan"]["id"] == loan
        assert node["loan"]["action"] == entry["loan"]["action"]
        assert node["loan"]["actionComment"] == entry["loan"].get("actionComment")
        assert node["loan"]["dueDate"][:19] == entry["loan"]["dueDate"][:19]
        assert node["loan"]["borrower"] == {"id": entry["loan"]["userId"]}
        assert node["loan"]["status"] == {"name": entry["loan"]["status"]["name"].upper()}
    assert reader.paths() == ["GET /circulation-bff/loans", "GET /loan-storage/loan-history", "GET /users"]
    assert reader.calls[1].query == {
        "query": f'loan.id=="{loan}" sortby createdDate/sort.descending id',
        "limit": "50",
        "totalRecords": "exact",
    }


async def test_histories_of_many_loans_are_one_call(reader: Gateway) -> None:
    """The histories of a list of loans take one call, and each loan has its own entries."""
    data = await reader.data(
        "{ loans(first: 30) { nodes { id history { nodes { loan { id } staff { username } } } } } }"
    )

    for node in data["loans"]["nodes"]:
        assert {entry["loan"]["id"] for entry in node["history"]["nodes"]} == {node["id"]}
    assert reader.paths() == ["GET /circulation-bff/loans", "GET /loan-storage/loan-history", "GET /users"]


async def test_a_change_by_the_system_has_no_staff(gateway: Gateway) -> None:
    """An entry without a user has no staff, and makes no call for it."""
    loan = longest(gateway)
    for entry in gateway.library.loan_history.values():
        if entry["loan"]["id"] == loan:
            entry["loan"].pop("metadata", None)

    data = await gateway.data(
        "query($id: ID!) { loan(id: $id) { history { nodes { staff { username } } } } }", {"id": loan}
    )

    assert data["loan"]["history"]["nodes"] == [{"staff": None}] * 4
    assert gateway.paths() == ["GET /circulation-bff/loans", "GET /loan-storage/loan-history"]

"""Loans: all their links, and the effect of an invalid member."""

from __future__ import annotations

import pytest

from gateway.sandbox.collections.loans import bff_loans
from tests.gateway_under_test import Gateway
from tests.schema import poisoned
from tests.schema.edges import by, check_back, check_forward, is_open_loan, is_open_request, merged

pytestmark = pytest.mark.anyio

# The link, the stored key, and what it leads to.
LEADS_TO = [
    ("borrower", "userId", "users"),
    ("proxy", "proxyUserId", "users"),
    ("item", "itemId", "items"),
    ("loanPolicy", "loanPolicyId", "loan_policies"),
    ("overdueFinePolicy", "overdueFinePolicyId", "overdue_fine_policies"),
    ("lostItemPolicy", "lostItemPolicyId", "lost_item_policies"),
    ("itemEffectiveLocationAtCheckOut", "itemEffectiveLocationIdAtCheckOut", "locations"),
    ("checkoutServicePoint", "checkoutServicePointId", "service_points"),
    ("checkinServicePoint", "checkinServicePointId", "service_points"),
    ("patronGroupAtCheckout", "patronGroupIdAtCheckout", "groups"),
    ("metadata.createdBy", "metadata.createdByUserId", "users"),
    ("metadata.updatedBy", "metadata.updatedByUserId", "users"),
]


@pytest.mark.parametrize(("edge", "key", "target"), LEADS_TO)
async def test_links_of_a_loan(reader: Gateway, edge: str, key: str, target: str) -> None:
    """Each link of a loan is the record with the stored key, null without a key or a record."""
    await check_forward(reader, "loans", edge, key, "loans", target)


# The other way: the list of loans on each record that they name.
LISTED_ON = [
    ("users", "loans", "userId", False),
    ("users", "openLoans", "userId", True),
    ("items", "loans", "itemId", False),
    ("servicePoints", "openLoans", "checkoutServicePointId", True),
]


@pytest.mark.parametrize(("root", "edge", "key", "only_open"), LISTED_ON)
async def test_lists_of_loans(reader: Gateway, root: str, edge: str, key: str, only_open: bool) -> None:
    """Users, items and service points list exactly their loans, and their open loans."""
    keep = is_open_loan if only_open else lambda record: True
    await check_back(reader, root, edge, by(key), "loans", keep)


async def test_a_loan_lists_the_requests_for_its_item(reader: Gateway) -> None:
    """The open requests of a loan are those for its item."""
    data = await reader.data(
        "{ loans(first: 1000) { nodes { id openRequests(first: 50) { nodes { id } } } } }"
    )

    library = reader.library
    waiting = [each for each in library.requests.values() if is_open_request(each)]
    assert any(node["openRequests"]["nodes"] for node in data["loans"]["nodes"])
    for node in data["loans"]["nodes"]:
        item = library.loans[node["id"]]["itemId"]
        assert {each["id"] for each in node["openRequests"]["nodes"]} == {
            each["id"] for each in waiting if each.get("itemId") == item
        }


async def test_a_loan_leads_to_the_title_and_holdings_of_its_item(reader: Gateway) -> None:
    """The title and holdings of a loan's item agree with inventory."""
    data = await reader.data(
        """{ loans(first: 1000) { nodes {
            id instance { id source } loanItem { id instance { id source } holdings { id hrid } }
            item { id instance { id source } holdings { id hrid } }
        } } }"""
    )

    library = reader.library
    assert len(data["loans"]["nodes"]) == len(library.loans)
    for node in data["loans"]["nodes"]:
        item = library.items.get(library.loans[node["id"]]["itemId"])
        if item is None:
            assert (node["instance"], node["loanItem"], node["item"]) == (None, None, None)
            continue
        holdings = library.holdings[item["holdingsRecordId"]]
        title = {"id": holdings["instanceId"], "source": library.instances[holdings["instanceId"]]["source"]}
        there = {
            "id": item["id"],
            "instance": title,
            "holdings": {"id": holdings["id"], "hrid": holdings["hrid"]},
        }
        assert node["instance"] == title
        assert node["loanItem"] == node["item"] == there


@pytest.mark.slow
async def test_each_invalid_member_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of a loan is missing, null or of another type, only the fields that read it are null."""
    library = reader.library
    full = merged(bff_loans(library, list(library.loans.values())))

    assert await poisoned.check("Loan", "loans", "/loans", "loans", full) > 500


async def test_a_loan_without_an_id_is_null_in_its_slot(reader: Gateway) -> None:
    """A loan without an id is null in its place of the list, and the other loans are returned."""
    body = {"loans": [{"id": "a", "action": "x"}, {"action": "y"}, {"id": "c", "action": "z"}]}

    response = await poisoned.query_over("/loans", body, "{ loans { nodes { id action } } }")

    assert response["data"]["loans"]["nodes"] == [
        {"id": "a", "action": "x"},
        None,
        {"id": "c", "action": "z"},
    ]
    path, message = poisoned.only_error(response)
    assert path == ["loans", "nodes", 1, "id"]
    assert "Loan.id" in message


@pytest.mark.parametrize("wrong", ["a text", 5, ["a list"], True])
async def test_a_value_of_another_type_instead_of_an_object_is_one_error(wrong: object) -> None:
    """Instead of an object, a value of another type is null with one error that names it."""
    body = {
        "loans": [{"id": "a", "action": "x", "status": wrong, "feesAndFines": {"amountRemainingToPay": 1}}]
    }

    response = await poisoned.query_over(
        "/loans", body, "{ loans { nodes { action status { name } feesAndFines { amountRemainingToPay } } } }"
    )

    assert response["data"]["loans"]["nodes"] == [
        {"action": "x", "status": None, "feesAndFines": {"amountRemainingToPay": 1.0}}
    ]
    path, message = poisoned.only_error(response)
    assert path == ["loans", "nodes", 0, "status"]
    assert "`status`" in message
    assert "a text" not in message


@pytest.mark.parametrize("wrong", [5, {"id": "b"}, ["b"], "two words", "line\nbreak", "x" * 200])
async def test_an_invalid_id_is_not_loaded(wrong: object) -> None:
    """An invalid key is an error of that link, and the links of the other loans are loaded."""
    body = {
        "loans": [{"id": "a", "userId": wrong}, {"id": "b", "userId": "u"}],
        "users": [{"id": "u", "username": "reader"}],
    }

    response = await poisoned.query_over("s", body, "{ loans { nodes { id borrower { username } } } }")

    assert response["data"]["loans"]["nodes"] == [
        {"id": "a", "borrower": None},
        {"id": "b", "borrower": {"username": "reader"}},
    ]
    path, message = poisoned.only_error(response)
    assert path == ["loans", "nodes", 0, "borrower"]
    assert "`borrower`" in message


@pytest.mark.parametrize("body", [{"loans": None}, {"loans": {}}, {"loans": 5}, {}, [], "text", None])
async def test_a_response_of_another_shape_is_one_error(body: object) -> None:
    """If the complete response has another shape, the list is null with one coded error."""
    response = await poisoned.query_over("/loans", body, "{ loans { nodes { id } } }")

    assert response["data"] == {"loans": None}
    assert poisoned.only_error(response)[0] == ["loans"]


@pytest.mark.parametrize("fields", ["id", "id loanDate", "id borrower { username }"])
async def test_a_page_without_a_single_record_has_an_error_for_each_element(fields: str) -> None:
    """Elements that are no objects are null with an error each, also if the page has nothing else."""
    query = f"{{ loans {{ totalCount nodes {{ {fields} }} }} }}"
    response = await poisoned.query_over("/loans", {"loans": [5, None], "totalRecords": 2}, query)

    assert response["data"] == {"loans": {"totalCount": 2, "nodes": [None, None]}}
    assert [each["path"] for each in response["errors"]] == [["loans", "nodes", 0], ["loans", "nodes", 1]]

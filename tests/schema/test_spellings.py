"""Keys in other spellings: natural keys without accents, ids in upper case, and the placeholder id."""

from __future__ import annotations

import unicodedata

import pytest

from gateway.sandbox import create_sandbox
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

EXECUTIONS = pytest.mark.parametrize("execution", ["plan", "generic"])


@pytest.mark.parametrize("key", ["muller", "Müller", "MÜLLER", unicodedata.normalize("NFD", "Müller")])
@pytest.mark.parametrize("index", ["username", "barcode", "externalSystemId"])
async def test_a_user_is_found_without_accents(gateway: Gateway, index: str, key: str) -> None:
    """The record that FOLIO's index matches is the user, alone and among others."""
    user, other = list(gateway.library.users.values())[40:42]
    user[index] = "Müller"

    data = await gateway.data(
        f"query($key: String!, $other: String!) {{ user({index}: $key) {{ id }}"
        f" same: user({index}: $key) {{ id }} other: user({index}: $other) {{ id }} }}",
        {"key": key, "other": other[index]},
    )

    assert data == {"user": {"id": user["id"]}, "same": {"id": user["id"]}, "other": {"id": other["id"]}}
    assert gateway.paths() == ["GET /users"]


@EXECUTIONS
async def test_foreign_keys_in_capitals_lead_to_their_records(execution: str) -> None:
    """Links, lists and embedded ids are the same whether foreign keys are sent in capitals or not."""
    query = """{
        loans(first: 40) { nodes {
            id borrower { id } user: borrower { id username patronGroup { id group } } item { id hrid }
            checkoutServicePoint { id } accounts { nodes { id } }
        } }
        requests(first: 40) { nodes { id requester { id username } item { id hrid } instance { id source } } }
        items(first: 40) { nodes { id holdings { id hrid } instance { id title source } } }
        instances(first: 40) { nodes { id items { nodes { id holdings { id } instance { id } } } } }
    }"""
    sandbox = create_sandbox()
    async with open_gateway(
        sandbox, max_cost=100_000, max_result_nodes=10_000_000, execution=execution
    ) as gateway:
        expected = await gateway.data(query)
        gateway.library.capital_keys = True
        assert await gateway.data(query) == expected


async def test_ids_of_clients_may_be_in_capitals(gateway: Gateway) -> None:
    """Any spelling of an id in arguments and filters is the same record."""
    (first, *_) = gateway.library.loans
    data = await gateway.data(
        """query($id: ID!, $other: ID!) {
            loan(id: $id) { id } other: loan(id: $other) { id }
            loans(filter: { id: [$other] }) { nodes { id } }
        }""",
        {"id": first, "other": first.upper()},
    )

    assert data == {"loan": {"id": first}, "other": {"id": first}, "loans": {"nodes": [{"id": first}]}}


@EXECUTIONS
@pytest.mark.parametrize("none", ["0", ""])
async def test_an_account_without_a_loan_has_no_links(execution: str, none: str) -> None:
    """Charged by staff, an account has 0 in place of the ids: its links are null, and nothing is read."""
    sandbox = create_sandbox()
    account, other = list(sandbox.library("diku").accounts.values())[:2]
    account |= {"loanId": none, "itemId": none, "materialTypeId": none, "materialType": None}
    async with open_gateway(sandbox, execution=execution) as gateway:
        query = """query($id: [ID!]) { accounts(filter: { id: $id }) { nodes {
            loan { id } full: loan { id dueDate } item { id hrid } itemMaterialType { id name }
        } } }"""
        data = await gateway.data(query, {"id": [account["id"]]})
        paths = gateway.paths()
        both = await gateway.data(query, {"id": [account["id"], other["id"]]})

    nothing = {"loan": None, "full": None, "item": None, "itemMaterialType": None}
    assert data["accounts"]["nodes"] == [nothing]
    assert paths == ["GET /accounts"]
    assert nothing in both["accounts"]["nodes"]
    assert {"id": other["loanId"]} in [each["loan"] for each in both["accounts"]["nodes"]]

"""Owners of fees and fines, what belongs to them, and the limits of automated blocks."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio


async def test_all_that_belongs_to_an_owner(reader: Gateway) -> None:
    """The types, payment methods and transfer accounts of an owner are filtered upstream."""
    owner = next(each for each in reader.library.fee_fine_owners.values() if each["owner"] == "Annex")

    data = await reader.data(
        """query($id: ID!) {
            feeFineTypes(filter: { ownerId: [$id] }) { nodes { feeFineType defaultAmount owner { owner } } }
            paymentMethods(filter: { ownerId: [$id] }) { nodes { nameMethod allowedRefundMethod } }
            transferAccounts(filter: { ownerId: [$id] }) { nodes { accountName owner { owner } } }
        }""",
        {"id": owner["id"]},
    )

    assert data == {
        "feeFineTypes": {
            "nodes": [{"feeFineType": "Room key", "defaultAmount": 40.0, "owner": {"owner": "Annex"}}]
        },
        "paymentMethods": {"nodes": [{"nameMethod": "Cash at the annex", "allowedRefundMethod": True}]},
        "transferAccounts": {"nodes": [{"accountName": "Bursar of the annex", "owner": {"owner": "Annex"}}]},
    }
    assert sorted(reader.paths()) == ["GET /feefines", "GET /owners", "GET /payments", "GET /transfers"]


async def test_types_that_staff_may_charge(reader: Gateway) -> None:
    """Types that FOLIO charges are told apart by `automatic`."""
    data = await reader.data(
        "{ feeFineTypes(filter: { automatic: false }) { nodes { feeFineType automatic } } }"
    )

    assert [each["feeFineType"] for each in data["feeFineTypes"]["nodes"]] == [
        "Copies",
        "Damaged material",
        "Room key",
    ]
    assert reader.calls[0].query["query"] == (
        '(cql.allRecords=1 not automatic=="true") sortby feeFineType id'
    )


async def test_the_service_points_of_an_owner(reader: Gateway) -> None:
    """Ids and labels are part of the owner; other members of the service points take one call."""
    points = "servicePointOwner { label servicePoint { id %s } }"
    query = '{ feeFineOwners(filter: { owner: ["Main circulation"] }) { nodes { %s } } }'

    free = await reader.data(query % (points % ""))
    more = await reader.data(query % (points % "code"))

    (owner,) = (
        each for each in reader.library.fee_fine_owners.values() if each["owner"] == "Main circulation"
    )
    expected = [
        {"label": each["label"], "servicePoint": {"id": each["value"]}} for each in owner["servicePointOwner"]
    ]
    assert free["feeFineOwners"]["nodes"] == [{"servicePointOwner": expected}]
    assert len(expected) == 2
    codes = [each["servicePoint"]["code"] for each in more["feeFineOwners"]["nodes"][0]["servicePointOwner"]]
    assert codes == [
        reader.library.service_points[each["value"]]["code"] for each in owner["servicePointOwner"]
    ]
    assert reader.paths() == ["GET /owners", "GET /owners", "GET /service-points"]


async def test_the_owner_of_accounts_is_one_call(reader: Gateway) -> None:
    """The owner's id is part of each account; its description takes one call for all accounts."""
    query = "{ accounts(first: 20) { nodes { owner { id %s } } } }"

    free = await reader.data(query % "")
    more = await reader.data(query % "desc")

    assert [node["owner"]["id"] for node in free["accounts"]["nodes"]] == [
        node["owner"]["id"] for node in more["accounts"]["nodes"]
    ]
    descriptions = {node["owner"]["desc"] for node in more["accounts"]["nodes"]}
    assert descriptions == {"Main circulation, for the sandbox"}
    assert reader.paths() == ["GET /accounts", "GET /accounts", "GET /owners"]


async def test_the_limits_of_a_patron_group(reader: Gateway) -> None:
    """The limits of a group have their conditions; three tables take three calls."""
    group = next(each for each in reader.library.groups.values() if each["group"] == "staff")

    data = await reader.data(
        """query($id: ID!) { patronBlockLimits(filter: { patronGroupId: [$id] }) { nodes {
            value condition { name valueType blockRequests } patronGroup { group }
        } } }""",
        {"id": group["id"]},
    )

    nodes = sorted(data["patronBlockLimits"]["nodes"], key=lambda node: str(node["condition"]["name"]))
    overdue = {"name": "Maximum number of overdue items", "valueType": "Integer", "blockRequests": False}
    fees = {"name": "Maximum outstanding fee/fine balance", "valueType": "Double", "blockRequests": True}
    assert nodes == [
        {"value": 10.0, "condition": overdue, "patronGroup": {"group": "staff"}},
        {"value": 25.5, "condition": fees, "patronGroup": {"group": "staff"}},
    ]
    assert sorted(reader.paths()) == [
        "GET /groups",
        "GET /patron-block-conditions",
        "GET /patron-block-limits",
    ]


async def test_the_condition_of_a_block(reader: Gateway) -> None:
    """An automated block leads to the condition whose limit is exceeded."""
    blocked = next(iter(reader.library.automated_blocks.values()))

    data = await reader.data(
        "query($id: ID!) { user(id: $id) { automatedBlocks { patronBlockCondition { id name } } } }",
        {"id": blocked["userId"]},
    )

    names = {each["patronBlockCondition"]["name"] for each in data["user"]["automatedBlocks"]}
    assert names == {"Maximum number of overdue items", "Maximum outstanding fee/fine balance"}
    assert reader.paths()[2:] == ["GET /patron-block-conditions"]

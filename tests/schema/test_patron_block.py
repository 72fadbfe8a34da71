"""Manual and automated blocks of patrons."""

from __future__ import annotations

import pytest

from gateway.sandbox import create_sandbox
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

MANUALLY_BLOCKED = "1000000003"
AUTOMATICALLY_BLOCKED = "1000000004"
PLAIN = ("type", "desc", "code", "staffInformation", "patronMessage", "borrowing", "renewals", "requests")


async def test_manual_blocks_of_a_user(reader: Gateway) -> None:
    """A blocked patron has every member of each block; ids of links cost no call."""
    user = reader.library.user_by_barcode(MANUALLY_BLOCKED)
    assert user is not None
    stored = {
        each["id"]: each for each in reader.library.manual_blocks.values() if each["userId"] == user["id"]
    }

    data = await reader.data(
        """query($barcode: String!) { user(barcode: $barcode) { manualBlocks(first: 100) { totalCount nodes {
            id type desc code staffInformation patronMessage expirationDate borrowing renewals requests
            user { id }
        } } } }""",
        {"barcode": MANUALLY_BLOCKED},
    )

    blocks = data["user"]["manualBlocks"]
    assert blocks["totalCount"] == len(stored) > 0
    for block in blocks["nodes"]:
        kept = stored[block["id"]]
        assert block["user"] == {"id": user["id"]}
        for name in PLAIN:
            assert block[name] == kept.get(name), name
        assert block["expirationDate"][:19] == kept["expirationDate"][:19]
    assert reader.paths() == ["GET /users", "GET /manualblocks"]
    assert reader.calls[1].query["query"] == (
        f'userId=="{user["id"]}" sortby metadata.createdDate/sort.descending id'
    )


async def test_manual_blocks_by_effect(reader: Gateway) -> None:
    """Blocks can be filtered by their effect on borrowing."""
    await reader.data(
        "query($barcode: String!) { user(barcode: $barcode) {"
        " manualBlocks(filter: { borrowing: true }) { nodes { id } } } }",
        {"barcode": MANUALLY_BLOCKED},
    )

    assert ' and borrowing=="true") sortby ' in reader.calls[1].query["query"]


async def test_manual_blocks_of_many_users_are_one_call(reader: Gateway) -> None:
    """The blocks of a list of users take one call."""
    data = await reader.data(
        "{ users(first: 30, sort: [{ field: BARCODE }]) { nodes {"
        " barcode manualBlocks { totalCount nodes { desc } } } } }"
    )

    nodes = {node["barcode"]: node["manualBlocks"] for node in data["users"]["nodes"]}
    assert nodes[MANUALLY_BLOCKED]["totalCount"] == len(nodes[MANUALLY_BLOCKED]["nodes"]) > 0
    assert nodes[AUTOMATICALLY_BLOCKED] == {"totalCount": 0, "nodes": []}
    assert reader.paths() == ["GET /users", "GET /manualblocks"]


AUTOMATED = """query($barcodes: [String!]) { users(filter: { barcode: $barcodes }) { nodes { barcode
    automatedBlocks { patronBlockCondition { id } message blockBorrowing blockRenewals blockRequests }
} } }"""


async def test_automated_blocks_are_one_call_per_user(reader: Gateway) -> None:
    """Upstream calculates the blocks of one user per call; an empty list is no error."""
    blocked, free = (
        reader.library.user_by_barcode(AUTOMATICALLY_BLOCKED),
        reader.library.user_by_barcode(MANUALLY_BLOCKED),
    )
    assert blocked is not None
    assert free is not None
    stored = [
        {
            ("patronBlockCondition" if name == "patronBlockConditionId" else name): (
                {"id": value} if name == "patronBlockConditionId" else value
            )
            for name, value in each.items()
            if name not in ("id", "userId")
        }
        for each in reader.library.automated_blocks.values()
        if each["userId"] == blocked["id"]
    ]

    data = await reader.data(AUTOMATED, {"barcodes": [AUTOMATICALLY_BLOCKED, MANUALLY_BLOCKED]})

    blocks = {node["barcode"]: node["automatedBlocks"] for node in data["users"]["nodes"]}
    assert blocks == {AUTOMATICALLY_BLOCKED: stored, MANUALLY_BLOCKED: []}
    assert len(stored) > 0
    assert reader.paths()[0] == "GET /users"
    assert sorted(reader.paths()[1:]) == sorted(
        f"GET /automated-patron-blocks/{user['id']}" for user in (blocked, free)
    )


async def test_a_user_is_read_once(reader: Gateway) -> None:
    """The same user at two places of a query takes one call for the blocks."""
    await reader.data(
        "query($b: String!) { a: user(barcode: $b) { automatedBlocks { message } }"
        " b: user(barcode: $b) { automatedBlocks { blockRequests } } }",
        {"b": AUTOMATICALLY_BLOCKED},
    )

    assert [path.rpartition("/")[0] for path in reader.paths()] == ["GET ", "GET /automated-patron-blocks"]


async def test_only_the_type_name_of_blocks(reader: Gateway) -> None:
    """A selection that reads no member of the blocks still returns their number."""
    data = await reader.data(
        "query($b: String!) { user(barcode: $b) { automatedBlocks { __typename } } }",
        {"b": AUTOMATICALLY_BLOCKED},
    )

    assert {each["__typename"] for each in data["user"]["automatedBlocks"]} == {"AutomatedPatronBlock"}


async def test_failed_blocks_keep_the_user() -> None:
    """If the service fails, the patron is returned, and the blocks are an error, not an empty list."""
    sandbox = create_sandbox()
    sandbox.faults.add(kind="status", status=503, path="/automated-patron-blocks")
    async with open_gateway(sandbox) as gateway:
        response = await gateway.execute(AUTOMATED, {"barcodes": [AUTOMATICALLY_BLOCKED]})

    assert response["data"]["users"]["nodes"] == [
        {"barcode": AUTOMATICALLY_BLOCKED, "automatedBlocks": None},
    ]
    (problem,) = response["errors"]
    assert problem["path"] == ["users", "nodes", 0, "automatedBlocks"]
    assert problem["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"

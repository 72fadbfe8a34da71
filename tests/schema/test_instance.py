"""Titles: all their links, and the effect of an invalid member."""

from __future__ import annotations

import pytest

from gateway.sandbox.collections.instances import inventory_instances
from tests.gateway_over import key
from tests.gateway_under_test import Gateway, open_gateway
from tests.schema import poisoned
from tests.schema.edges import by, check_back, check_forward, merged
from tests.schema.graph_walk import filled_sandbox

pytestmark = pytest.mark.anyio


async def test_a_title_lists_its_holdings_and_items(reader: Gateway) -> None:
    """A title has its holdings, and its items of all holdings."""
    await check_back(reader, "instances", "holdings", by("instanceId"), "holdings")
    await check_back(
        reader,
        "instances",
        "items",
        lambda library, item: library.holdings[item["holdingsRecordId"]]["instanceId"],
        "items",
    )


async def test_items_of_titles_are_two_calls_for_many_titles(reader: Gateway) -> None:
    """An item names its holdings, so the holdings of all titles are read first, in one call."""
    await reader.data("{ instances(first: 20) { nodes { items(first: 2) { nodes { id } } } } }")

    assert reader.paths() == [
        "GET /inventory/instances",
        "GET /holdings-storage/holdings",
        "GET /inventory/items",
    ]


@pytest.mark.parametrize(
    ("edge", "key"), [("createdBy", "createdByUserId"), ("updatedBy", "updatedByUserId")]
)
async def test_a_title_links_to_its_creator_and_editor(reader: Gateway, edge: str, key: str) -> None:
    """The creator and the last editor of a record are users."""
    await check_forward(reader, "instances", f"metadata.{edge}", f"metadata.{key}", "instances", "users")


async def test_titles_above_and_below_lead_to_each_other() -> None:
    """A part links to its parent and back, a title to the preceding and the succeeding one."""
    async with open_gateway(filled_sandbox(), max_cost=100_000, max_result_nodes=10_000_000) as gateway:
        one, other = list(gateway.library.instances)[:2]
        data = await gateway.data(
            """query($one: ID!, $other: ID!) {
                one: instance(id: $one) {
                    parentInstances { instance { id source } } precedingTitles { instance { id source } }
                }
                other: instance(id: $other) {
                    childInstances { instance { id source } } succeedingTitles { instance { id source } }
                }
            }""",
            {"one": one, "other": other},
        )

    above = {"id": other, "source": gateway.library.instances[other]["source"]}
    below = {"id": one, "source": gateway.library.instances[one]["source"]}
    assert data["one"] == {"parentInstances": [{"instance": above}], "precedingTitles": [{"instance": above}]}
    assert data["other"] == {
        "childInstances": [{"instance": below}],
        "succeedingTitles": [{"instance": below}],
    }


@pytest.mark.slow
async def test_each_invalid_member_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of a title is missing, null or of another type, only the fields that read it are null."""
    library = reader.library
    full = merged(inventory_instances(library, list(library.instances.values())))

    assert await poisoned.check("Instance", "instances", "/inventory/instances", "instances", full) > 500


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_the_total_of_many_holdings_is_exact(execution: str) -> None:
    """mod-inventory-storage estimates more than 1000 holdings, so they are counted by another call."""
    async with open_gateway(execution=execution) as gateway:
        holdings = gateway.library.holdings
        example = next(iter(holdings.values()))
        for number in range(1200):
            holdings[key(number)] = {**example, "id": key(number)}
        expected = sum(each["instanceId"] == example["instanceId"] for each in holdings.values())
        data = await gateway.data(
            "query($id: ID!) { instance(id: $id) { holdings(first: 2) { totalCount nodes { id } } } }",
            {"id": example["instanceId"]},
        )
        calls = gateway.calls

    assert data["instance"]["holdings"]["totalCount"] == expected > 1200
    assert len(data["instance"]["holdings"]["nodes"]) == 2
    assert [(call.path, call.query["limit"]) for call in calls[1:]] == [
        ("/holdings-storage/holdings", "2"),
        ("/holdings-storage/holdings", "0"),
    ]

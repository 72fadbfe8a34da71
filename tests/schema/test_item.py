"""Items and holdings: all their links, the title of an item, and the effect of an invalid member."""

from __future__ import annotations

import httpx
import pytest

from gateway.sandbox.collections.item_context import effective_location_id
from gateway.sandbox.collections.items import inventory_items
from tests.gateway_over import gateway_over, key
from tests.gateway_under_test import Gateway, Json, open_gateway
from tests.schema import poisoned
from tests.schema.edges import check_forward, merged
from tests.schema.graph_walk import filled_sandbox

pytestmark = pytest.mark.anyio

# The link, the stored key, and what it leads to.
LEADS_TO = [
    ("holdings", "holdingsRecordId", "holdings"),
    ("inTransitDestinationServicePoint", "inTransitDestinationServicePointId", "service_points"),
    ("lastCheckIn.servicePoint", "lastCheckIn.servicePointId", "service_points"),
    ("lastCheckIn.staffMember", "lastCheckIn.staffMemberId", "users"),
    ("metadata.createdBy", "metadata.createdByUserId", "users"),
    ("metadata.updatedBy", "metadata.updatedByUserId", "users"),
]


@pytest.mark.parametrize(("edge", "key", "target"), LEADS_TO)
async def test_links_of_an_item(reader: Gateway, edge: str, key: str, target: str) -> None:
    """Each link of an item is the record with the stored key, null without a key or a record."""
    await check_forward(reader, "items", edge, key, "items", target)


async def test_holdings_list_their_items() -> None:
    """From a title to its holdings to their items, each exactly once."""
    async with open_gateway(max_cost=100_000, max_result_nodes=10_000_000) as reader:
        data = await reader.data(
            """{ instances(first: 1000) { nodes { id holdings(first: 50) { nodes {
                id instance { id } items(first: 50) { nodes { id holdings { id } } }
            } } } } }"""
        )

    items = [
        (title["id"], holdings["id"], item["id"])
        for title in data["instances"]["nodes"]
        for holdings in title["holdings"]["nodes"]
        for item in holdings["items"]["nodes"]
        if holdings["instance"] == {"id": title["id"]} and item["holdings"] == {"id": holdings["id"]}
    ]
    library = reader.library
    assert sorted(items) == sorted(
        (library.holdings[each["holdingsRecordId"]]["instanceId"], each["holdingsRecordId"], each["id"])
        for each in library.items.values()
    )


@pytest.mark.parametrize(
    ("edge", "key"),
    [
        ("permanentLocation", "permanentLocationId"),
        ("temporaryLocation", "temporaryLocationId"),
        ("effectiveLocation", "effectiveLocationId"),
    ],
)
async def test_locations_of_holdings(edge: str, key: str) -> None:
    """Each location of holdings is the one with the stored key."""
    async with open_gateway(filled_sandbox(), max_cost=100_000, max_result_nodes=10_000_000) as gateway:
        data = await gateway.data(
            f"{{ instances(first: 1000) {{ nodes {{ holdings {{ nodes {{ id {edge} {{ id isActive }} }} }}"
            " } } }"
        )

    places = {
        holdings["id"]: (holdings[edge] or {}).get("id")
        for title in data["instances"]["nodes"]
        for holdings in title["holdings"]["nodes"]
    }
    stored = gateway.library.holdings.values()
    if edge == "effectiveLocation":  # upstream reckons it
        expected = {
            each["id"]: each.get("temporaryLocationId", each["permanentLocationId"]) for each in stored
        }
    else:
        expected = {each["id"]: each.get(key) for each in stored}
    assert places == expected
    assert any(places.values())


async def test_location_and_open_loan_of_an_item(reader: Gateway) -> None:
    """The effective location and the open loan of an item are the stored ones."""
    data = await reader.data(
        """{ items(first: 1000) { nodes {
            id effectiveLocation { location { id isActive } } openLoan { id item { id } }
        } } }"""
    )

    library = reader.library
    lent = {loan["itemId"]: loan["id"] for loan in library.open_loans()}
    for node in data["items"]["nodes"]:
        item = library.items[node["id"]]
        assert node["effectiveLocation"]["location"]["id"] == effective_location_id(library, item)
        loan = lent.get(item["id"])
        assert node["openLoan"] == (loan and {"id": loan, "item": {"id": item["id"]}})


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("title", [["A"], {"a": "A"}, 7, None])
async def test_an_invalid_title_does_not_matter_for_the_instance(title: Json, execution: str) -> None:
    """The instance of an item whose title is no text is loaded."""
    rows = {
        "/inventory/items": {"items": [{"id": key(1), "holdingsRecordId": key(2), "title": title}]},
        "/holdings-storage/holdings": {"holdingsRecords": [{"id": key(2), "instanceId": key(3)}]},
        "/inventory/instances": {"instances": [{"id": key(3), "source": "MARC"}]},
    }

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=rows[request.url.path] | {"totalRecords": 1})

    async with gateway_over(upstream, execution=execution) as gateway:
        result = await gateway.execute("{ items { nodes { instance { source } } } }")
        lines = gateway.lines()

    assert result == {"data": {"items": {"nodes": [{"instance": {"source": "MARC"}}]}}}
    assert lines == [f"GET {path}" for path in rows]


# The title of an item: its calls, depending on the members that are embedded.
TITLES = {
    "its text": ("instance { title }", []),
    "its id": ("instance { id }", ["GET /holdings-storage/holdings"]),
    "its id and text": ("instance { id title }", ["GET /holdings-storage/holdings"]),
    "more": (
        "instance { id title source }",
        ["GET /holdings-storage/holdings", "GET /inventory/instances"],
    ),
    "its requests": (
        "instance { openRequests { totalCount } }",
        ["GET /holdings-storage/holdings", "GET /circulation-bff/requests"],
    ),
    "the holdings too": (
        "holdings { hrid } instance { source }",
        ["GET /holdings-storage/holdings", "GET /inventory/instances"],
    ),
}


@pytest.mark.parametrize("what", TITLES)
async def test_the_title_of_an_item_comes_through_its_holdings(reader: Gateway, what: str) -> None:
    """Items name only their holdings: the title's text is embedded, the rest is read through them."""
    selection, more = TITLES[what]
    item = reader.library.items[str(reader.summary.item_id)]
    title = reader.library.instances[reader.library.holdings[item["holdingsRecordId"]]["instanceId"]]

    data = await reader.data(f"query($id: ID!) {{ item(id: $id) {{ {selection} }} }}", {"id": item["id"]})

    shown = data["item"]["instance"]
    assert {name: shown[name] for name in ("id", "title", "source") if name in shown} == {
        name: title[name] for name in ("id", "title", "source") if name in shown
    }
    assert reader.paths() == ["GET /inventory/items", *more]


async def test_titles_of_all_items_are_one_batch_per_step(reader: Gateway) -> None:
    """The titles of 40 items take one call for holdings and one for titles."""
    data = await reader.data("{ items(first: 40) { nodes { instance { id source } } } }")

    assert all(node["instance"]["source"] for node in data["items"]["nodes"])
    assert reader.paths() == [
        "GET /inventory/items",
        "GET /holdings-storage/holdings",
        "GET /inventory/instances",
    ]


async def test_an_item_of_deleted_holdings_has_no_title(gateway: Gateway) -> None:
    """If the holdings or the title were deleted, the title is null without an error."""
    item = gateway.library.items[str(gateway.summary.item_id)]
    del gateway.library.holdings[item["holdingsRecordId"]]

    data = await gateway.data(
        "query($id: ID!) { item(id: $id) { id instance { source } } }", {"id": item["id"]}
    )

    assert data["item"] == {"id": item["id"], "instance": None}


@pytest.mark.slow
async def test_each_invalid_member_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of an item is missing, null or of another type, only the fields that read it are null."""
    library = reader.library
    full = merged(inventory_items(library, list(library.items.values())))

    assert await poisoned.check("Item", "items", "/inventory/items", "items", full) > 500

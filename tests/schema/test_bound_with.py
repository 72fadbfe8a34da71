"""Items in which several titles are bound: they are listed below the holdings and the title of each."""

from __future__ import annotations

import pytest

from gateway.sandbox import Library, create_sandbox
from gateway.sandbox.seed.inventory import BOUND_WITH
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

PARTS, BY_HOLDINGS = "/inventory-storage/bound-with-parts", "/inventory/items-by-holdings-id"
TITLE = """query($id: ID!) {
    instance(id: $id) { items { totalCount nodes { id } } holdings { nodes { id items { nodes { id } } } } }
}"""


def bound(library: Library) -> tuple[str, str, str]:
    """Return the ids of the item, of the holdings that it does not name, and of the title of these."""
    (item,) = (each for each in library.items.values() if each.get("boundWithHoldingsIds"))
    assert item["hrid"] == f"it{BOUND_WITH + 1:08}"
    (holdings_id,) = item["boundWithHoldingsIds"]
    return item["id"], holdings_id, library.holdings[holdings_id]["instanceId"]


def title_of(library: Library, holdings_id: str) -> str:
    title_id: str = library.holdings[holdings_id]["instanceId"]
    return title_id


def own_items(library: Library, holdings_id: str) -> set[str]:
    return {each["id"] for each in library.items.values() if each["holdingsRecordId"] == holdings_id}


def ids(connection: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["id"] for each in connection["nodes"]]


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("capital_keys", [False, True])
async def test_each_title_lists_the_item_in_which_it_is_bound(execution: str, capital_keys: bool) -> None:
    """Below many titles and their holdings, each has its own items and those in which it is bound, once."""
    async with open_gateway(max_cost=100_000, max_result_nodes=10_000_000, execution=execution) as gateway:
        gateway.library.capital_keys = capital_keys
        data = await gateway.data(
            """{ instances(first: 1000) { nodes {
                id items(first: 100) { totalCount nodes { id } }
                holdings { nodes { id items(first: 100) { totalCount nodes { id } } } }
            } } }"""
        )

    library = gateway.library
    of_holdings = {key: own_items(library, key) for key in library.holdings}
    item_id, holdings_id, _ = bound(library)
    of_holdings[holdings_id].add(item_id)
    of_instance: dict[str, set[str]] = {key: set() for key in library.instances}
    for key, items in of_holdings.items():
        of_instance[library.holdings[key]["instanceId"]] |= items
    assert len(data["instances"]["nodes"]) == len(of_instance)
    for title in data["instances"]["nodes"]:
        assert sorted(ids(title["items"])) == sorted(of_instance[title["id"]])
        assert title["items"]["totalCount"] == len(of_instance[title["id"]])
        for holdings in title["holdings"]["nodes"]:
            assert sorted(ids(holdings["items"])) == sorted(of_holdings[holdings["id"]])
            assert holdings["items"]["totalCount"] == len(of_holdings[holdings["id"]])


async def test_a_page_of_bound_items_has_its_filter_and_order(gateway: Gateway) -> None:
    """The bound item is filtered, sorted, counted and paged with the others."""
    item_id, holdings_id, _ = bound(gateway.library)
    library = gateway.library
    expected = sorted([*own_items(library, holdings_id), item_id], key=lambda key: library.items[key]["hrid"])
    data = await gateway.data(
        """query($id: ID!) { holdings(id: $id) {
            all: items(sort: [{ field: HRID, direction: DESCENDING }]) { totalCount nodes { id } }
            page: items(first: 1, sort: [{ field: HRID }]) { pageInfo { hasNextPage } nodes { id } }
            withdrawn: items(filter: { status: [WITHDRAWN] }) { totalCount nodes { id } }
        } }""",
        {"id": holdings_id},
    )

    holdings = data["holdings"]
    assert holdings["all"] == {
        "totalCount": len(expected),
        "nodes": [{"id": each} for each in reversed(expected)],
    }
    assert holdings["page"] == {"pageInfo": {"hasNextPage": True}, "nodes": [{"id": expected[0]}]}
    assert holdings["withdrawn"] == {"totalCount": 0, "nodes": []}


async def test_calls_for_the_items_of_holdings(gateway: Gateway) -> None:
    """The parts of all holdings are one call, their items another, and holdings with bound items one each."""
    _, holdings_id, _ = bound(gateway.library)
    data = await gateway.data("{ instances(first: 30) { nodes { holdings { nodes { id } } } } }")
    listed = [each["id"] for title in data["instances"]["nodes"] for each in title["holdings"]["nodes"]]
    assert holdings_id not in listed
    gateway.sandbox.calls.clear()

    await gateway.data("{ instances(first: 30) { nodes { holdings { nodes { items { nodes { id } } } } } } }")
    several = gateway.paths()
    gateway.sandbox.calls.clear()
    await gateway.data(
        "query($id: ID!) { holdings(id: $id) { items { nodes { id } } } }", {"id": holdings_id}
    )

    assert several == [
        "GET /inventory/instances",
        "GET /holdings-storage/holdings",
        f"GET {PARTS}",
        "GET /inventory/items",
    ]
    assert gateway.paths() == ["GET /holdings-storage/holdings", f"GET {PARTS}", "GET /inventory/items"]


async def test_a_title_that_is_not_bound_costs_one_call(gateway: Gateway) -> None:
    """Titles show if they are bound with others; only for one that is, its holdings are read."""
    *_, bound_id = bound(gateway.library)
    plain_id = next(
        each["instanceId"]
        for each in gateway.library.holdings.values()
        if each["instanceId"] != bound_id and each["hrid"] == "ho00000001"
    )
    query = "query($id: ID!) { instance(id: $id) { items { nodes { id } } } }"

    await gateway.data(query, {"id": plain_id})
    plain = gateway.paths()
    gateway.sandbox.calls.clear()
    await gateway.data(query, {"id": bound_id})

    assert plain == ["GET /inventory/instances", "GET /inventory/items"]
    assert gateway.paths() == [
        "GET /inventory/instances",
        "GET /holdings-storage/holdings",
        f"GET {PARTS}",
        "GET /inventory/items",
    ]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, f"Access for user 'x' requires permission: inventory-storage{PARTS}"),
        (404, f"No suitable module found for path {PARTS} for tenant diku"),
        (405, "Method Not Allowed"),
    ],
)
async def test_without_the_parts_inventory_lists_the_items(gateway: Gateway, status: int, body: str) -> None:
    """If the parts are not served or not permitted, mod-inventory is called for each holdings record."""
    gateway.sandbox.faults.add(kind="status", path=PARTS, status=status, body=body)
    item_id, holdings_id, instance_id = bound(gateway.library)

    data = await gateway.data(TITLE, {"id": instance_id})

    expected = {*own_items(gateway.library, holdings_id), item_id}
    (holdings,) = data["instance"]["holdings"]["nodes"]
    assert set(ids(holdings["items"])) == set(ids(data["instance"]["items"])) == expected
    assert data["instance"]["items"]["totalCount"] == len(expected)
    assert gateway.paths().count(f"GET {BY_HOLDINGS}") == 1


async def test_a_platform_without_bound_items(gateway: Gateway) -> None:
    """If neither route is served, nothing can be bound, and the items are those that name the holdings."""
    for path in (PARTS, BY_HOLDINGS):
        gateway.sandbox.faults.add(kind="status", path=path, status=404, body="No suitable module found")
    _, holdings_id, instance_id = bound(gateway.library)

    data = await gateway.data(TITLE, {"id": instance_id})

    (holdings,) = data["instance"]["holdings"]["nodes"]
    assert set(ids(holdings["items"])) == own_items(gateway.library, holdings_id)


@pytest.mark.parametrize(("status", "code"), [(403, "FORBIDDEN"), (503, "UPSTREAM_UNAVAILABLE")])
async def test_items_that_may_lack_some_are_an_error(gateway: Gateway, status: int, code: str) -> None:
    """If bound items cannot be read, the list is null with an error, and the title is complete."""
    for path in (PARTS, BY_HOLDINGS):
        gateway.sandbox.faults.add(kind="status", path=path, status=status, body="no")
    _, holdings_id, instance_id = bound(gateway.library)

    response = await gateway.execute(TITLE, {"id": instance_id})

    assert response["data"]["instance"] == {
        "items": None,
        "holdings": {"nodes": [{"id": holdings_id, "items": None}]},
    }
    assert {each["extensions"]["code"] for each in response["errors"]} == {code}
    assert len(response["errors"]) == 2


async def test_more_bound_items_than_one_query_can_name() -> None:
    """The items are read in several calls, and are still sorted, counted and paged."""
    sandbox = create_sandbox()
    library = sandbox.library("diku")
    _, holdings_id, _ = bound(library)
    for item in library.items.values():
        item |= {"isBoundWith": True, "boundWithHoldingsIds": [holdings_id]}
    numbers = sorted(each["hrid"] for each in library.items.values())
    async with open_gateway(sandbox) as gateway:
        data = await gateway.data(
            """query($id: ID!) { holdings(id: $id) {
                items(first: 1000, sort: [{ field: HRID }]) { totalCount nodes { hrid } }
                last: items(first: 2, sort: [{ field: HRID, direction: DESCENDING }]) { nodes { hrid } }
                none: items(filter: { barcode: ["none"] }) { totalCount }
            } }""",
            {"id": holdings_id},
        )

    holdings = data["holdings"]
    assert [each["hrid"] for each in holdings["items"]["nodes"]] == numbers
    assert holdings["items"]["totalCount"] == len(numbers)
    assert [each["hrid"] for each in holdings["last"]["nodes"]] == [numbers[-1], numbers[-2]]
    assert holdings["none"] == {"totalCount": 0}


ITEMS = """query($filter: ItemFilter) {
    items(first: 1000, filter: $filter, sort: [{ field: HRID }]) { totalCount nodes { id } }
}"""


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_items_by_holdings_and_by_title_include_the_bound_item(execution: str) -> None:
    """The root filters find the items that the holdings and the title list, and no others."""
    async with open_gateway(execution=execution) as gateway:
        library = gateway.library
        item_id, holdings_id, title_id = bound(library)
        of_holdings = own_items(library, holdings_id) | {item_id}
        of_title = {item_id}.union(
            *(own_items(library, key) for key in library.holdings if title_of(library, key) == title_id)
        )

        async def find(**conditions: object) -> list[str]:
            page = (await gateway.data(ITEMS, {"filter": conditions}))["items"]
            assert page["totalCount"] == len(page["nodes"])
            return sorted(ids(page))

        other_id = library.items[item_id]["holdingsRecordId"]
        assert await find(holdingsId=[holdings_id.upper()]) == sorted(of_holdings)
        assert await find(instanceId=[title_id]) == sorted(of_title)
        assert await find(holdingsId=[holdings_id], instanceId=[title_id]) == sorted(of_holdings)
        assert await find(holdingsId=[holdings_id, other_id]) == sorted(
            of_holdings | own_items(library, other_id)
        )
        assert await find(holdingsId=[holdings_id], status=["WITHDRAWN"]) == []
        other_title = library.holdings[other_id]["instanceId"]
        assert await find(holdingsId=[holdings_id], instanceId=[other_title]) == [item_id]
        assert await find(holdingsId=[other_id], instanceId=[title_id]) == [item_id]


async def test_calls_for_items_by_holdings_and_by_title(gateway: Gateway) -> None:
    """The parts are one call more, the holdings of a title another, and other filters add none."""
    _, holdings_id, title_id = bound(gateway.library)
    calls = {}
    for name, key in (("holdingsId", holdings_id), ("instanceId", title_id), ("id", title_id)):
        gateway.sandbox.calls.clear()
        await gateway.data(f'{{ items(filter: {{ {name}: ["{key}"] }}) {{ nodes {{ id }} }} }}')
        calls[name] = gateway.paths()

    assert calls == {
        "holdingsId": [f"GET {PARTS}", "GET /inventory/items"],
        "instanceId": ["GET /holdings-storage/holdings", f"GET {PARTS}", "GET /inventory/items"],
        "id": ["GET /inventory/items"],
    }


@pytest.mark.parametrize(
    ("arguments", "cost"),
    [
        ("", 1),
        ('(filter: { id: "x" })', 1),
        ('(filter: { holdingsId: "x" })', 2),
        ('(filter: { holdingsId: ["x"], instanceId: ["x"] })', 4),
        ('(filter: { holdingsId: ["x", "y"] })', 5),
        ("(filter: $filter)", 10),
    ],
)
async def test_cost_of_items_by_holdings_and_by_title(arguments: str, cost: int) -> None:
    """The calls for bound items are part of the estimate if the filter may name holdings or titles."""
    variable = "($filter: ItemFilter)" if "$" in arguments else ""
    items = f"items{arguments} {{ nodes {{ id }} }}"
    async with open_gateway(max_cost=1) as gateway:
        response = await gateway.execute(f"query{variable} {{ a: {items} b: {items} }}")
        assert response["errors"][0]["extensions"]["estimated"] == 2 * cost
        assert gateway.paths() == []


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_a_filter_by_holdings_within_a_title_includes_the_bound_item(execution: str) -> None:
    """Lists below records have the same conditions: items of one of a title's holdings, or of two titles."""
    async with open_gateway(execution=execution, max_cost=1000) as gateway:
        library = gateway.library
        item_id, holdings_id, title_id = bound(library)
        other_id = library.items[item_id]["holdingsRecordId"]
        query = """query($id: ID!, $filter: ItemFilter) {
            instance(id: $id) { items(filter: $filter) { totalCount nodes { id } } }
        }"""
        expected = {
            holdings_id: sorted(own_items(library, holdings_id) | {item_id}),
            other_id: [item_id],
        }
        for key, items in expected.items():
            variables = {"id": title_id, "filter": {"holdingsId": [key]}}
            page = (await gateway.data(query, variables))["instance"]["items"]
            assert sorted(ids(page)) == items
            assert page["totalCount"] == len(items)


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_items_by_holdings_with_more_bound_items_than_a_query_can_name(execution: str) -> None:
    """They are found in the order that was requested, although their ids do not fit into one query."""
    sandbox = create_sandbox()
    library = sandbox.library("diku")
    holdings_id, (item, *_) = next(iter(library.holdings)), [*library.items.values()]
    library.items.clear()
    for number in range(300):
        key = f"00000000-0000-4000-8000-{number:012}"
        other = next(each for each in library.holdings if each != holdings_id)
        changed = {"id": key, "hrid": f"it{(number * 7) % 300:08}", "barcode": str(number)}
        bound_with = {"holdingsRecordId": other, "isBoundWith": True, "boundWithHoldingsIds": [holdings_id]}
        library.items[key] = {**item, **changed, **bound_with}
    numbers = sorted(each["hrid"] for each in library.items.values())
    async with open_gateway(sandbox, execution=execution) as gateway:
        data = await gateway.data(
            """query($ids: [ID!]) {
                items(first: 1000, filter: { holdingsId: $ids }, sort: [{ field: HRID }]) {
                    totalCount nodes { hrid holdings { id } }
                }
            }""",
            {"ids": [holdings_id]},
        )

    assert [each["hrid"] for each in data["items"]["nodes"]] == numbers
    assert data["items"]["totalCount"] == 300


TITLES = "boundWithTitles { holdings { id hrid } instance { id title } }"


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_titles_of_bound_items_in_lists(execution: str) -> None:
    """The titles, which lists lack, are read with the single item: once for it, and for no other item."""
    async with open_gateway(execution=execution, max_cost=1000) as gateway:
        library = gateway.library
        item_id, holdings_id, _ = bound(library)
        own_id = library.items[item_id]["holdingsRecordId"]
        library.capital_keys = True
        data = await gateway.data(f"{{ items(first: 300) {{ nodes {{ id isBoundWith {TITLES} }} }} }}")
        listed = gateway.paths()
        gateway.sandbox.calls.clear()
        single = await gateway.data(
            f"""query($id: ID!) {{
                item(id: $id) {{ {TITLES} }}
                again: item(id: $id) {{ boundWithTitles {{ holdings {{ id }} }} }}
            }}""",
            {"id": item_id},
        )
        expected = [
            {
                "holdings": {"id": key, "hrid": library.holdings[key]["hrid"]},
                "instance": {
                    name: library.instances[title_of(library, key)][name] for name in ("id", "title")
                },
            }
            for key in (own_id, holdings_id)
        ]

    titles = {each["id"]: each["boundWithTitles"] for each in data["items"]["nodes"]}
    assert titles.pop(item_id) == expected
    assert set(map(str, titles.values())) == {"None"}
    assert listed == ["GET /inventory/items", f"GET /inventory/items/{item_id}"]
    assert single["item"] == {"boundWithTitles": expected}
    assert gateway.paths() == listed


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_titles_that_cannot_be_read_cost_their_field_alone(execution: str) -> None:
    """The item stays, and its titles are null with one error at their path; a deleted item has none."""
    async with open_gateway(execution=execution) as gateway:
        item_id, *_ = bound(gateway.library)
        query = f'{{ items(filter: {{ id: "{item_id}" }}) {{ nodes {{ id {TITLES} }} }} }}'
        gateway.sandbox.faults.add(kind="status", status=403, path=f"/inventory/items/{item_id}")
        response = await gateway.execute(query)
        gateway.sandbox.faults.clear()
        gateway.sandbox.faults.add(kind="status", status=404, path=f"/inventory/items/{item_id}")
        deleted = await gateway.execute(query)

    assert (
        response["data"]
        == deleted["data"]
        == {"items": {"nodes": [{"id": item_id, "boundWithTitles": None}]}}
    )
    (error,) = response["errors"]
    assert (error["extensions"]["code"], error["path"]) == (
        "FORBIDDEN",
        ["items", "nodes", 0, "boundWithTitles"],
    )
    assert "errors" not in deleted


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_cost_of_the_titles_of_bound_items(execution: str) -> None:
    """A page is estimated to have few bound items; those beyond the maximum cost have an error each."""
    query = f"{{ items(first: 100) {{ nodes {{ isBoundWith {TITLES} }} }} }}"
    async with open_gateway(max_cost=8) as gateway:
        response = await gateway.execute(query)
        assert response["errors"][0]["extensions"]["estimated"] == 1 + 2 * 4
        assert gateway.paths() == []
    sandbox = create_sandbox()
    for item in [*sandbox.library("diku").items.values()][:20]:
        item["isBoundWith"] = True
    async with open_gateway(sandbox, max_cost=9, execution=execution) as gateway:
        response = await gateway.execute(query)
        calls = gateway.paths()

    items = response["data"]["items"]["nodes"]
    assert len(calls) == 1 + 9
    assert len([each for each in items if each["boundWithTitles"]]) == 9
    bound_items = len([each for each in items if each["isBoundWith"]])
    assert [
        (each["extensions"]["code"], each["extensions"]["limit"], each["extensions"]["maximum"])
        for each in response["errors"]
    ] == [("LIMIT_EXCEEDED", "MAX_COST", 9)] * (bound_items - 9)

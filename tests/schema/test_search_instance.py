"""The search for one title: its keys, its links, and the effect of an invalid response."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.sandbox.collections.instance_search import search_instance
from tests.gateway_under_test import Gateway
from tests.schema import poisoned
from tests.schema.edges import is_open_request
from tests.schema.graph_walk import object_types

pytestmark = pytest.mark.anyio

PATH = "/circulation-bff/requests/search-instances"


async def test_each_key_finds_the_title(reader: Gateway) -> None:
    """Id, hrid, the barcode of an item and CQL return the same title, each by its search index."""
    library = reader.library
    item = library.items[str(reader.summary.item_id)]
    title = library.instances[library.holdings[item["holdingsRecordId"]]["instanceId"]]
    keys = {"id": title["id"].upper(), "hrid": title["hrid"], "barcode": item["barcode"]}
    keys["cql"] = f"hrid=={title['hrid']} or items.barcode=={item['barcode']}"

    responses = [
        await reader.data(
            f"query($key: {'ID' if name == 'id' else 'String'}) {{ searchInstance({name}: $key) {{ id }} }}",
            {"key": key},
        )
        for name, key in keys.items()
    ]

    assert [each["searchInstance"] for each in responses] == [{"id": title["id"]}] * 4
    assert [call.query["query"] for call in reader.calls] == [
        f'id=="{title["id"]}"',
        f'hrid=="{title["hrid"]}"',
        f'items.barcode=="{item["barcode"]}"',
        f"(hrid=={title['hrid']} or items.barcode=={item['barcode']})",
    ]


async def test_no_match_is_null(reader: Gateway) -> None:
    """Upstream returns `{}` without a match, which is null and no empty title."""
    data = await reader.data('{ searchInstance(hrid: "nothing") { id title } }')

    assert data == {"searchInstance": None}


async def test_links_of_a_search_result(reader: Gateway) -> None:
    """From the title to its holdings and items, to inventory's records, to loans and requests."""
    library = reader.library
    request = next(each for each in library.requests.values() if is_open_request(each) and "itemId" in each)
    title = request["instanceId"]

    data = await reader.data(
        """query($id: ID) { searchInstance(id: $id) {
            instance { id mode: modeOfIssuanceId }
            openRequests(first: 50) { nodes { id } }
            holdings { id holdings { id instance { id } } permanentLocation { id isActive } }
            items {
                id instance { id source } holdings { id hrid } item { id hrid }
                openLoan { id } openRequests(first: 50) { nodes { id } }
            }
        } }""",
        {"id": title},
    )

    result = data["searchInstance"]
    waiting = [each for each in library.requests.values() if is_open_request(each)]
    lent = {loan["itemId"]: {"id": loan["id"]} for loan in library.open_loans()}
    assert result["instance"]["id"] == title
    assert {each["id"] for each in result["openRequests"]["nodes"]} == {
        each["id"] for each in waiting if each["instanceId"] == title
    }
    assert {each["id"] for each in result["holdings"]} == {
        each["id"] for each in library.holdings.values() if each["instanceId"] == title
    }
    for each in result["holdings"]:
        assert each["holdings"] == {"id": each["id"], "instance": {"id": title}}
        assert each["permanentLocation"]["id"] == library.holdings[each["id"]]["permanentLocationId"]
    assert request["itemId"] in {each["id"] for each in result["items"]}
    for each in result["items"]:
        item = library.items[each["id"]]
        assert each["instance"]["id"] == title
        assert each["holdings"]["id"] == item["holdingsRecordId"]
        assert each["item"] == {"id": item["id"], "hrid": item["hrid"]}
        assert each["openLoan"] == lent.get(item["id"])
        assert {one["id"] for one in each["openRequests"]["nodes"]} == {
            one["id"] for one in waiting if one.get("itemId") == item["id"]
        }


async def test_each_invalid_member_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of a search result is missing, null or of another type, only its fields are null."""
    library = reader.library
    title = max(library.instances.values(), key=lambda each: len(str(search_instance(library, each))))
    record = search_instance(library, title)
    target = object_types()["SearchInstance"]
    query = f'{{ searchInstance(hrid: "x") {{ {poisoned.without_calls(target)} }} }}'
    good = (await poisoned.query_over(PATH, record, query))["data"]["searchInstance"]

    kinds: list[object] = [poisoned.POISON, {}, [poisoned.POISON]]
    async with poisoned.gateway_over(PATH) as execute:
        for member, wrong in product(record, kinds):
            if member == "id":
                continue
            response = await execute({**record, member: wrong}, query)
            result = response["data"]["searchInstance"]
            changed = {name for name in good if result[name] != good[name]}
            assert changed <= poisoned.readers_of(target, member)
            for each in response.get("errors", ()):
                assert each["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
                assert poisoned.POISON not in each["message"]


async def test_an_invalid_item_costs_its_place_alone(reader: Gateway) -> None:
    """An item without an id is null in its place, and the other items are returned."""
    body = {"id": "t", "items": [{"id": "a"}, {"barcode": "1"}, "b", {"id": "c"}]}

    response = await poisoned.query_over(PATH, body, '{ searchInstance(hrid: "x") { id items { id } } }')

    assert response["data"]["searchInstance"] == {"id": "t", "items": [{"id": "a"}, None, None, {"id": "c"}]}
    assert [each["path"] for each in response["errors"]] == [
        ["searchInstance", "items", 1, "id"],
        ["searchInstance", "items", 2],
    ] or [each["path"] for each in response["errors"]] == [
        ["searchInstance", "items", 2],
        ["searchInstance", "items", 1, "id"],
    ]

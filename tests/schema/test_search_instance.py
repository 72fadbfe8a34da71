"""The search for one title: its keys, its edges, and what a broken answer costs."""

from __future__ import annotations

import copy

import pytest

from gateway.sandbox.collections.instance_search import search_instance
from tests.gateway_under_test import Gateway
from tests.schema import poisoned
from tests.schema.edges import is_open_request
from tests.schema.graph_walk import object_types

pytestmark = pytest.mark.anyio

PATH = "/circulation-bff/requests/search-instances"


async def test_each_key_finds_the_title(reader: Gateway) -> None:
    """Id, hrid, the barcode of an item and CQL find the same title, each by the index of the search."""
    library = reader.library
    item = library.items[str(reader.summary.item_id)]
    title = library.instances[library.holdings[item["holdingsRecordId"]]["instanceId"]]
    keys = {"id": title["id"].upper(), "hrid": title["hrid"], "barcode": item["barcode"]}
    keys["cql"] = f"hrid=={title['hrid']} or items.barcode=={item['barcode']}"

    found = [
        await reader.data(
            f"query($key: {'ID' if name == 'id' else 'String'}) {{ searchInstance({name}: $key) {{ id }} }}",
            {"key": key},
        )
        for name, key in keys.items()
    ]

    assert [each["searchInstance"] for each in found] == [{"id": title["id"]}] * 4
    assert [call.query["query"] for call in reader.calls] == [
        f'id=="{title["id"]}"',
        f'hrid=="{title["hrid"]}"',
        f'items.barcode=="{item["barcode"]}"',
        f"(hrid=={title['hrid']} or items.barcode=={item['barcode']})",
    ]


async def test_nothing_found_is_null(reader: Gateway) -> None:
    """Upstream says `{}` where nothing is found, and that is null and no empty title."""
    data = await reader.data('{ searchInstance(hrid: "nothing") { id title } }')

    assert data == {"searchInstance": None}


async def test_a_found_title_leads_on(reader: Gateway) -> None:
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

    found = data["searchInstance"]
    waiting = [each for each in library.requests.values() if is_open_request(each)]
    lent = {loan["itemId"]: {"id": loan["id"]} for loan in library.open_loans()}
    assert found["instance"]["id"] == title
    assert {each["id"] for each in found["openRequests"]["nodes"]} == {
        each["id"] for each in waiting if each["instanceId"] == title
    }
    assert {each["id"] for each in found["holdings"]} == {
        each["id"] for each in library.holdings.values() if each["instanceId"] == title
    }
    for each in found["holdings"]:
        assert each["holdings"] == {"id": each["id"], "instance": {"id": title}}
        assert each["permanentLocation"]["id"] == library.holdings[each["id"]]["permanentLocationId"]
    assert request["itemId"] in {each["id"] for each in found["items"]}
    for each in found["items"]:
        item = library.items[each["id"]]
        assert each["instance"]["id"] == title
        assert each["holdings"]["id"] == item["holdingsRecordId"]
        assert each["item"] == {"id": item["id"], "hrid": item["hrid"]}
        assert each["openLoan"] == lent.get(item["id"])
        assert {one["id"] for one in each["openRequests"]["nodes"]} == {
            one["id"] for one in waiting if one.get("itemId") == item["id"]
        }


async def test_each_wrong_member_costs_its_own_fields(reader: Gateway) -> None:
    """Whatever is missing, null or of another kind in what was found, only what reads it is null."""
    library = reader.library
    title = max(library.instances.values(), key=lambda each: len(str(search_instance(library, each))))
    whole = search_instance(library, title)
    target = object_types()["SearchInstance"]
    query = f'{{ searchInstance(hrid: "x") {{ {poisoned.without_calls(target)} }} }}'
    good = (await poisoned.ask_over(PATH, whole, query))["data"]["searchInstance"]

    kinds: list[object] = [poisoned.POISON, {}, [poisoned.POISON]]
    for member in whole:
        for wrong in kinds:
            if member == "id":
                continue
            answer = await poisoned.ask_over(PATH, {**copy.deepcopy(whole), member: wrong}, query)
            found = answer["data"]["searchInstance"]
            changed = {name for name in good if found[name] != good[name]}
            assert changed <= poisoned.readers_of(target, member)
            for each in answer.get("errors", ()):
                assert each["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
                assert poisoned.POISON not in each["message"]


async def test_a_broken_item_costs_its_place_alone(reader: Gateway) -> None:
    """An item without an id is null in its place, and the items around it stay."""
    body = {"id": "t", "items": [{"id": "a"}, {"barcode": "1"}, "b", {"id": "c"}]}

    answer = await poisoned.ask_over(PATH, body, '{ searchInstance(hrid: "x") { id items { id } } }')

    assert answer["data"]["searchInstance"] == {"id": "t", "items": [{"id": "a"}, None, None, {"id": "c"}]}
    assert [each["path"] for each in answer["errors"]] == [
        ["searchInstance", "items", 1, "id"],
        ["searchInstance", "items", 2],
    ] or [each["path"] for each in answer["errors"]] == [
        ["searchInstance", "items", 2],
        ["searchInstance", "items", 1, "id"],
    ]

"""Items in a state that mod-circulation does not know: it embeds an empty name and no date."""

from __future__ import annotations

import pytest

from gateway.sandbox.collections.embedded_items import KNOWN_STATUSES
from tests.gateway_under_test import Gateway, Json, open_gateway

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("execution", ["plan", "generic"]),
]

STATUS = "{ status { name nameText date } }"
LOAN = f"query($id: ID!) {{ loan(id: $id) {{ item {STATUS} loanItem {STATUS} }} }}"
UNKNOWN = {"name": "UNKNOWN", "nameText": "", "date": None}
CLOSED = {"name": "ORDER_CLOSED", "nameText": "Order closed", "date": "2026-11-20T10:00:00.000Z"}


def close_order(gateway: Gateway, item_id: str) -> None:
    gateway.library.items[item_id]["status"] = {
        "name": "Order closed",
        "date": "2026-11-20T10:00:00.000+00:00",
    }


def open_loan(gateway: Gateway) -> Json:
    return next(each for each in gateway.library.loans.values() if each["status"]["name"] == "Open")


async def test_the_item_of_a_loan(execution: str) -> None:
    """The state of the item is that of inventory, by one call; the embedded item is as it was sent."""
    async with open_gateway(execution=execution) as gateway:
        loan = open_loan(gateway)
        close_order(gateway, loan["itemId"])
        data = await gateway.data(LOAN, {"id": loan["id"]})
        assert gateway.paths() == ["GET /circulation-bff/loans", "GET /inventory/items"]

    assert data["loan"] == {"item": {"status": CLOSED}, "loanItem": {"status": UNKNOWN}}


@pytest.mark.parametrize("name", ["name", "nameText", "date"])
async def test_each_member_alone(execution: str, name: str) -> None:
    """Each member of the state is read of inventory if it is selected alone."""
    async with open_gateway(execution=execution) as gateway:
        loan = open_loan(gateway)
        close_order(gateway, loan["itemId"])
        query = f"query($id: ID!) {{ loan(id: $id) {{ item {{ barcode status {{ {name} }} }} }} }}"
        data = await gateway.data(query, {"id": loan["id"]})
        barcode = gateway.library.items[loan["itemId"]]["barcode"]
        assert gateway.paths() == ["GET /circulation-bff/loans", "GET /inventory/items"]

    assert data["loan"]["item"] == {"barcode": barcode, "status": {name: CLOSED[name]}}


async def test_the_item_of_a_request(execution: str) -> None:
    """The same holds for the item of a request, of which the state is embedded as a text."""
    async with open_gateway(execution=execution) as gateway:
        request = next(each for each in gateway.library.requests.values() if each.get("itemId"))
        close_order(gateway, request["itemId"])
        data = await gateway.data(
            "query($id: ID!) { request(id: $id) { item { status { name } } requestItem { status } } }",
            {"id": request["id"]},
        )
        assert gateway.paths() == ["GET /circulation-bff/requests", "GET /inventory/items"]

    assert data["request"] == {"item": {"status": {"name": "ORDER_CLOSED"}}, "requestItem": {"status": ""}}


async def test_one_item_of_a_list(execution: str) -> None:
    """Only the items in such a state are loaded, in one call."""
    async with open_gateway(execution=execution) as gateway:
        loan = open_loan(gateway)
        close_order(gateway, loan["itemId"])
        data = await gateway.data(
            "{ loans(first: 1000, filter: { status: [OPEN] }) { nodes { id item { status { nameText } } } } }"
        )
        calls = gateway.calls
        items = gateway.library.items
        stored = {
            each["id"]: items[each["itemId"]]["status"]["name"]
            for each in gateway.library.loans.values()
            if each["itemId"] in items  # others have no state, and are looked for
        }

    assert [call.path for call in calls] == ["/circulation-bff/loans", "/inventory/items"]
    assert loan["itemId"] in calls[1].query["query"]
    nodes = {each["id"]: each["item"] for each in data["loans"]["nodes"]}
    assert calls[1].query["limit"] == str(1 + len(nodes.keys() - stored.keys()))
    for key, status in stored.items() & nodes.keys():
        assert nodes[key]["status"]["nameText"] == status


async def test_a_virtual_item(execution: str) -> None:
    """If inventory does not have the item, its state is null, and its barcode the embedded one."""
    async with open_gateway(execution=execution) as gateway:
        loan = open_loan(gateway)
        close_order(gateway, loan["itemId"])
        barcode = gateway.library.items[loan["itemId"]]["barcode"]
        no_items: Json = {"items": [], "totalRecords": 0}
        gateway.sandbox.faults.add(kind="wrong_shape", path="/inventory/items", shape=no_items)
        query = "query($id: ID!) { loan(id: $id) { item { barcode status { name } } } }"
        data = await gateway.data(query, {"id": loan["id"]})
        assert gateway.paths() == ["GET /circulation-bff/loans", "GET /inventory/items"]

    assert data["loan"]["item"] == {"barcode": barcode, "status": None}


async def test_inventory_is_down(execution: str) -> None:
    """If inventory fails, the state is an error, and the barcode the embedded one."""
    async with open_gateway(execution=execution) as gateway:
        loan = open_loan(gateway)
        close_order(gateway, loan["itemId"])
        barcode = gateway.library.items[loan["itemId"]]["barcode"]
        gateway.sandbox.faults.add(kind="status", path="/inventory/items", status=500, body="")
        query = "query($id: ID!) { loan(id: $id) { item { barcode status { name } } } }"
        result = await gateway.execute(query, {"id": loan["id"]})

    assert result["data"]["loan"]["item"] == {"barcode": barcode, "status": None}
    (error,) = result["errors"]
    assert error["path"] == ["loan", "item", "status"]
    assert error["extensions"]["code"] == "UPSTREAM_ERROR"


async def test_the_states_that_circulation_knows(execution: str) -> None:
    """A state that circulation knows costs no call."""
    async with open_gateway(execution=execution) as gateway:
        loan = open_loan(gateway)
        for status in sorted(KNOWN_STATUSES):
            gateway.library.items[loan["itemId"]]["status"] = {"name": status}
            gateway.sandbox.calls.clear()
            data = await gateway.data(LOAN, {"id": loan["id"]})
            assert data["loan"]["item"]["status"]["nameText"] == status
            assert gateway.paths() == ["GET /circulation-bff/loans"]

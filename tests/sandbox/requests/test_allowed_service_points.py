"""Allowed service points, by item, instance, policy and operation."""

from __future__ import annotations

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

BFF = "/circulation-bff/requests/allowed-service-points"
CIRCULATION = "/circulation/requests/allowed-service-points"
DESKS = ["Annex Desk", "Circ Desk 1", "Circ Desk 2", "Law Desk", "Music Desk", "Science Desk"]
PATRON, VISITOR = "1000000001", "1000000011"
NOTHING = "00000000-0000-4000-8000-000000000000"

Names = dict[str, list[str]]


def item_id(library: Library, barcode: str) -> str:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return str(item["id"])


def user_id(library: Library, barcode: str = PATRON) -> str:
    user = library.user_by_barcode(barcode)
    assert user is not None
    return str(user["id"])


def instance_id(library: Library, hrid: str) -> str:
    return next(key for key, instance in library.instances.items() if instance["hrid"] == hrid)


def request_id(library: Library, item: str, kind: str) -> str:
    key = item_id(library, item)
    return next(
        candidate
        for candidate, request in library.requests.items()
        if request.get("itemId") == key and request["requestType"] == kind
    )


async def allowed(client: httpx.AsyncClient, path: str = BFF, **parameters: str) -> Names:
    response = await client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return {kind: [point["name"] for point in points] for kind, points in response.json().items()}


@pytest.mark.parametrize(
    ("barcode", "expected"),
    [
        ("2000000001", {"Page": DESKS}),
        ("2000000037", {"Hold": DESKS, "Recall": DESKS}),
        ("2000000231", {"Hold": DESKS, "Recall": DESKS}),
        ("2000000015", {"Hold": DESKS}),
        ("2000000010", {"Page": ["Music Desk"]}),
        ("2000000032", {"Hold": ["Music Desk"]}),
        ("2000000009", {}),
        ("2000000011", {}),
        ("2000000024", {}),
        ("2000000152", {}),
    ],
)
async def test_item(client: httpx.AsyncClient, library: Library, barcode: str, expected: Names) -> None:
    """Status and policy determine the types, the policy the service points; the response may be empty."""
    query = {"requesterId": user_id(library), "itemId": item_id(library, barcode)}

    assert await allowed(client, operation="create", **query) == expected
    assert await allowed(client, CIRCULATION, operation="create", **query) == expected


@pytest.mark.parametrize(
    ("hrid", "expected"),
    [
        ("in00000001", {"Page": DESKS}),
        ("in00000071", {"Hold": DESKS, "Recall": DESKS}),
    ],
)
async def test_instance(client: httpx.AsyncClient, library: Library, hrid: str, expected: Names) -> None:
    """While one item can be paged, only a Page is allowed."""
    query = {"requesterId": user_id(library), "instanceId": instance_id(library, hrid)}
    assert await allowed(client, operation="create", **query) == expected


async def test_instance_without_items(client: httpx.AsyncClient, library: Library) -> None:
    """A Hold is allowed."""
    key = instance_id(library, "in00000001")
    for holding in library.holdings.values():
        if holding["instanceId"] == key:
            holding["instanceId"] = NOTHING
    query = {"requesterId": user_id(library), "instanceId": key}
    assert await allowed(client, operation="create", **query) == {"Hold": DESKS}


async def test_service_point_has_three_fields(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """Id, name and the public name."""
    query = {"requesterId": user_id(library), "itemId": item_id(library, "2000000001")}
    points = (await client.get(BFF, params={"operation": "create", **query})).json()["Page"]

    assert points[1] == {
        "id": circ_desk,
        "name": "Circ Desk 1",
        "discoveryDisplayName": "Circ Desk 1 (public entrance)",
    }


async def test_patron_group(client: httpx.AsyncClient, library: Library) -> None:
    """A patron group is accepted in place of a requester; visitors may only page."""
    group = library.users[user_id(library, VISITOR)]["patronGroup"]
    for barcode, expected in (("2000000001", {"Page": DESKS}), ("2000000037", {})):
        key = item_id(library, barcode)
        assert await allowed(client, operation="create", patronGroupId=group, itemId=key) == expected


@pytest.mark.parametrize(("item", "kind"), [("2000000037", "Hold"), ("2000000231", "Page")])
async def test_replace(client: httpx.AsyncClient, library: Library, item: str, kind: str) -> None:
    """The type stays, even if the item's status does not allow another one of it."""
    key = request_id(library, item, kind)
    assert await allowed(client, operation="replace", requestId=key) == {kind: DESKS}


async def test_replace_of_a_title_level_request(client: httpx.AsyncClient, library: Library) -> None:
    """Without an item all items of the instance count."""
    request = next(each for each in library.requests.values() if "itemId" not in each)
    response = await allowed(client, operation="replace", requestId=request["id"])
    assert list(response) == [request["requestType"]]


async def test_move(client: httpx.AsyncClient, library: Library) -> None:
    """Only mod-circulation has this operation; the new item determines the result."""
    query = {
        "operation": "move",
        "requestId": request_id(library, "2000000038", "Hold"),
        "itemId": item_id(library, "2000000198"),
    }

    assert await allowed(client, CIRCULATION, **query) == {"Page": DESKS}
    assert (await client.get(BFF, params=query)).json()["path"] == BFF


@pytest.mark.parametrize(
    "names",
    [
        "operation=create",
        "operation=create requesterId",
        "operation=create itemId",
        "operation=create requesterId itemId instanceId",
        "operation=create requesterId patronGroupId itemId",
        "operation=create requesterId itemId requestId",
        "operation=replace",
        "operation=replace requestId itemId",
        "operation=replace requesterId itemId",
    ],
)
async def test_invalid_combinations_are_rejected(client: httpx.AsyncClient, names: str) -> None:
    """They are 400 in plain text at both."""
    operation, *keys = names.split()
    parameters = {"operation": operation.removeprefix("operation="), **dict.fromkeys(keys, NOTHING)}
    for path in (BFF, CIRCULATION):
        response = await client.get(path, params=parameters)
        assert (response.status_code, response.text) == (400, "Invalid combination of query parameters")
        assert response.headers["content-type"].startswith("text/plain")


async def test_invalid_parameters_are_rejected(client: httpx.AsyncClient) -> None:
    """mod-circulation names all of them in one text, the BFF's framework none."""
    parameters = {"operation": "create", "requesterId": "jane", "itemId": "moby"}
    circulation = await client.get(CIRCULATION, params=parameters)
    bff = await client.get(BFF, params=parameters)
    missing = await client.get(BFF, params={"requestId": NOTHING})

    assert (circulation.status_code, circulation.text) == (
        400,
        "requesterId is not a valid UUID: jane. itemId is not a valid UUID: moby.",
    )
    for response in (bff, missing):
        assert response.status_code == 400
        assert sorted(response.json()) == ["error", "path", "status", "timestamp"]


@pytest.mark.parametrize(
    ("parameters", "message", "key"),
    [
        ("requesterId itemId", "User", "requesterId"),
        ("patronGroupId itemId", "Patron group", "patronGroupId"),
        ("requestId", "Request", "requestId"),
    ],
)
async def test_unknown_records_are_refused(
    client: httpx.AsyncClient, parameters: str, message: str, key: str
) -> None:
    """The refusal names the record type and has no code."""
    operation = "replace" if parameters == "requestId" else "create"
    query = {"operation": operation, **dict.fromkeys(parameters.split(), NOTHING)}
    response = await client.get(BFF, params=query)

    assert response.status_code == 422
    assert response.json() == {
        "errors": [
            {
                "message": f"{message} with ID {NOTHING} was not found",
                "parameters": [{"key": key, "value": NOTHING}],
            }
        ]
    }

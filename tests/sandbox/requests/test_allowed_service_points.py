"""Where a request may be picked up, by copy, title, policy and operation."""

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
        found
        for found, request in library.requests.items()
        if request.get("itemId") == key and request["requestType"] == kind
    )


async def allowed(client: httpx.AsyncClient, path: str = BFF, **parameters: str) -> Names:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return {kind: [point["name"] for point in points] for kind, points in answer.json().items()}


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
async def test_a_copy(client: httpx.AsyncClient, library: Library, barcode: str, expected: Names) -> None:
    """Status and policy decide on the types, the policy on the places; nothing allowed is an empty object."""
    asked = {"requesterId": user_id(library), "itemId": item_id(library, barcode)}

    assert await allowed(client, operation="create", **asked) == expected
    assert await allowed(client, CIRCULATION, operation="create", **asked) == expected


@pytest.mark.parametrize(
    ("hrid", "expected"),
    [
        ("in00000001", {"Page": DESKS}),
        ("in00000071", {"Hold": DESKS, "Recall": DESKS}),
    ],
)
async def test_a_title(client: httpx.AsyncClient, library: Library, hrid: str, expected: Names) -> None:
    """As long as one copy can be fetched, only a page is offered."""
    asked = {"requesterId": user_id(library), "instanceId": instance_id(library, hrid)}
    assert await allowed(client, operation="create", **asked) == expected


async def test_a_title_without_copies(client: httpx.AsyncClient, library: Library) -> None:
    """Somebody may wait for what has yet to come."""
    key = instance_id(library, "in00000001")
    for holding in library.holdings.values():
        if holding["instanceId"] == key:
            holding["instanceId"] = NOTHING
    asked = {"requesterId": user_id(library), "instanceId": key}
    assert await allowed(client, operation="create", **asked) == {"Hold": DESKS}


async def test_a_point_has_three_fields(client: httpx.AsyncClient, library: Library, desk: str) -> None:
    """Id, name and the name for the public."""
    asked = {"requesterId": user_id(library), "itemId": item_id(library, "2000000001")}
    points = (await client.get(BFF, params={"operation": "create", **asked})).json()["Page"]

    assert points[1] == {
        "id": desk,
        "name": "Circ Desk 1",
        "discoveryDisplayName": "Circ Desk 1 (public entrance)",
    }


async def test_a_group_in_place_of_a_person(client: httpx.AsyncClient, library: Library) -> None:
    """Visitors may only have fetched what is there."""
    group = library.users[user_id(library, VISITOR)]["patronGroup"]
    for barcode, expected in (("2000000001", {"Page": DESKS}), ("2000000037", {})):
        key = item_id(library, barcode)
        assert await allowed(client, operation="create", patronGroupId=group, itemId=key) == expected


@pytest.mark.parametrize(("item", "kind"), [("2000000037", "Hold"), ("2000000231", "Page")])
async def test_to_replace(client: httpx.AsyncClient, library: Library, item: str, kind: str) -> None:
    """The type stays, also where the item's status would not take another of it."""
    key = request_id(library, item, kind)
    assert await allowed(client, operation="replace", requestId=key) == {kind: DESKS}


async def test_to_replace_a_request_for_a_title(client: httpx.AsyncClient, library: Library) -> None:
    """Without a copy all copies of the title are asked."""
    request = next(each for each in library.requests.values() if "itemId" not in each)
    answer = await allowed(client, operation="replace", requestId=request["id"])
    assert list(answer) == [request["requestType"]]


async def test_to_move(client: httpx.AsyncClient, library: Library) -> None:
    """Only mod-circulation knows this operation; the new copy decides."""
    asked = {
        "operation": "move",
        "requestId": request_id(library, "2000000038", "Hold"),
        "itemId": item_id(library, "2000000198"),
    }

    assert await allowed(client, CIRCULATION, **asked) == {"Page": DESKS}
    assert (await client.get(BFF, params=asked)).json()["path"] == BFF


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
async def test_combinations_that_are_not_valid(client: httpx.AsyncClient, names: str) -> None:
    """They are 400 in plain text on both ways."""
    operation, *keys = names.split()
    parameters = {"operation": operation.removeprefix("operation="), **dict.fromkeys(keys, NOTHING)}
    for path in (BFF, CIRCULATION):
        answer = await client.get(path, params=parameters)
        assert (answer.status_code, answer.text) == (400, "Invalid combination of query parameters")
        assert answer.headers["content-type"].startswith("text/plain")


async def test_parameters_that_cannot_be_read(client: httpx.AsyncClient) -> None:
    """mod-circulation names them all in one text, the BFF's framework none."""
    parameters = {"operation": "create", "requesterId": "jane", "itemId": "moby"}
    circulation = await client.get(CIRCULATION, params=parameters)
    bff = await client.get(BFF, params=parameters)
    missing = await client.get(BFF, params={"requestId": NOTHING})

    assert (circulation.status_code, circulation.text) == (
        400,
        "requesterId is not a valid UUID: jane. itemId is not a valid UUID: moby.",
    )
    for answer in (bff, missing):
        assert answer.status_code == 400
        assert sorted(answer.json()) == ["error", "path", "status", "timestamp"]


@pytest.mark.parametrize(
    ("parameters", "message", "key"),
    [
        ("requesterId itemId", "User", "requesterId"),
        ("patronGroupId itemId", "Patron group", "patronGroupId"),
        ("requestId", "Request", "requestId"),
    ],
)
async def test_records_that_do_not_exist(
    client: httpx.AsyncClient, parameters: str, message: str, key: str
) -> None:
    """An id that leads nowhere is refused by its name, without a code."""
    operation = "replace" if parameters == "requestId" else "create"
    asked = {"operation": operation, **dict.fromkeys(parameters.split(), NOTHING)}
    answer = await client.get(BFF, params=asked)

    assert answer.status_code == 422
    assert answer.json() == {
        "errors": [
            {
                "message": f"{message} with ID {NOTHING} was not found",
                "parameters": [{"key": key, "value": NOTHING}],
            }
        ]
    }

"""Notes and note types, as mod-notes serves them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

FIRST, SECOND, THIRD = "1000000001", "1000000002", "1000000003"
NO_RECORD = "00000000-0000-4000-8000-000000000000"


def path_of(library: Library, barcode: str = FIRST, domain: str = "users") -> str:
    user = library.user_by_barcode(barcode)
    assert user is not None
    return f"/note-links/domain/{domain}/type/user/id/{user['id']}"


def titles(body: Json) -> list[str]:
    return [note["title"] for note in body["notes"]]


async def test_notes_of_a_user(client: httpx.AsyncClient, library: Library) -> None:
    """Assigned notes are linked to the user, unassigned ones to others of the domain, and all are both."""
    bodies = {
        status: (await client.get(path_of(library), params=parameters)).json()
        for status, parameters in {
            "assigned": {"status": "assigned"},
            "unassigned": {"status": "UNASSIGNED"},  # the values are read in any case
            "all": {"status": "all"},
            "none": {},
        }.items()
    }

    assert sorted(titles(bodies["assigned"])) == ["Household", "Lost card", "Prefers large print"]
    assert sorted(titles(bodies["unassigned"])) == [
        "Ask for the new address",
        "Check the identity card",
        "Desk 4",
    ]
    assert sorted(titles(bodies["all"])) == sorted(titles(bodies["none"]))
    assert bodies["all"]["totalRecords"] == 6
    (shared,) = [note for note in bodies["assigned"]["notes"] if note["title"] == "Household"]
    first, second = library.user_by_barcode(FIRST), library.user_by_barcode(SECOND)
    assert first is not None
    assert second is not None
    assert shared["links"] == [{"id": each["id"], "type": "user"} for each in (first, second)]
    assert shared["type"] == library.note_types[shared["typeId"]]["name"] == "General note"
    assert sorted(shared["metadata"]) == ["createdByUserId", "createdDate", "updatedByUserId", "updatedDate"]


async def test_notes_of_other_records(client: httpx.AsyncClient, library: Library) -> None:
    """A domain, a type of record or an id without notes is an empty list, not an error."""
    of_package = await client.get(
        "/note-links/domain/eholdings/type/package/id/18-2356521", params={"status": "assigned"}
    )
    of_nothing = [
        (await client.get(path, params={"status": "assigned"})).json()
        for path in (
            path_of(library, domain="requests"),
            f"/note-links/domain/users/type/user/id/{NO_RECORD}",
            path_of(library).replace("type/user", "type/request"),
        )
    ]

    assert titles(of_package.json()) == ["Trial until summer"]
    assert of_nothing == [{"notes": [], "totalRecords": 0}] * 3


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ([("search", "LARGE PRINT")], ["Prefers large print"]),
        ([("search", "phone, replaced")], ["Lost card"]),  # the text has no tags
        ([("search", "the list. 100% of")], ["Prefers large print"]),  # nor line breaks
        ([("search", "l_rge%it")], ["Prefers large print"]),
        ([("search", "strong")], []),
        ([("search", "  ")], ["Household", "Lost card", "Prefers large print"]),
        ([("noteType", "General note")], ["Household", "Prefers large print"]),
        ([("noteType", "general note")], []),
        ([("noteType", "General note"), ("noteType", "Fees")], ["Household", "Prefers large print"]),
        ([("noteType", "General note,Fees")], ["Household", "Prefers large print"]),
        ([("noteType", "Card, lost or replaced")], []),  # divided at the comma
        ([("noteType", "Card, lost or replaced")] * 2, ["Lost card"]),
    ],
)
async def test_conditions(
    client: httpx.AsyncClient, library: Library, parameters: list[tuple[str, str]], expected: list[str]
) -> None:
    """The text matches in part and in any case, names of types match exactly."""
    sent = urlencode([("status", "assigned"), ("orderBy", "title"), *parameters])

    body = (await client.get(f"{path_of(library)}?{sent}")).json()

    assert titles(body) == expected
    assert body["totalRecords"] == len(expected)


@pytest.mark.parametrize(
    ("order_by", "order", "expected"),
    [
        ("title", None, ["Household", "Lost card", "Prefers large print"]),
        ("title", "desc", ["Prefers large print", "Lost card", "Household"]),
        ("content", "DESC", ["Prefers large print", "Lost card", "Household"]),
        ("updatedDate", None, ["Prefers large print", "Household", "Lost card"]),
        ("updatedDate", "asc", ["Lost card", "Household", "Prefers large print"]),
    ],
)
async def test_order(
    client: httpx.AsyncClient, library: Library, order_by: str, order: str | None, expected: list[str]
) -> None:
    """Dates are descending by default, and all else ascending."""
    parameters = {"status": "assigned", "orderBy": order_by} | ({} if order is None else {"order": order})

    assert titles((await client.get(path_of(library), params=parameters)).json()) == expected


async def test_the_order_by_type_is_that_of_the_ids(client: httpx.AsyncClient, library: Library) -> None:
    """Notes of a type are together, sorted by their text; the names of types do not matter."""
    body = (await client.get(path_of(library), params={"orderBy": "noteType"})).json()

    keys = [(note["typeId"], note["title"]) for note in body["notes"]]
    assert keys == sorted(keys)
    assert len({key for key, _ in keys}) == 4


async def test_pages(client: httpx.AsyncClient, library: Library) -> None:
    """A page has `limit` notes from `offset` on, at most 1000, and the total of all."""
    parameters = {"status": "assigned", "orderBy": "title"}

    page = (await client.get(path_of(library), params=parameters | {"limit": "1", "offset": "1"})).json()
    beyond = (await client.get(path_of(library), params=parameters | {"offset": "9"})).json()
    note = next(iter(library.notes.values()))
    library.notes.update({f"{number}": note | {"id": f"{number}"} for number in range(1100)})
    full = (await client.get(path_of(library), params={"limit": "100000"})).json()

    assert (titles(page), page["totalRecords"]) == (["Lost card"], 3)
    assert beyond == {"notes": [], "totalRecords": 3}
    assert (len(full["notes"]), full["totalRecords"]) == (1000, 1106)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"limit": "0"}, "limit: must be greater than or equal to 1"),
        ({"offset": "-1"}, "offset: must be greater than or equal to 0"),
        ({"limit": "x"}, "Failed to convert value of type 'java.lang.String' for parameter limit: x"),
        ({"status": "x"}, "Failed to convert value of type 'java.lang.String' for parameter status: x"),
        ({"orderBy": "x"}, "Failed to convert value of type 'java.lang.String' for parameter orderBy: x"),
        ({"order": "x"}, "Failed to convert value of type 'java.lang.String' for parameter order: x"),
    ],
)
async def test_invalid_parameters(
    client: httpx.AsyncClient, library: Library, parameters: dict[str, str], message: str
) -> None:
    """Invalid values are 422, in the format of mod-notes."""
    response = await client.get(path_of(library), params=parameters)

    assert response.status_code == 422
    assert response.json() == {"errors": [{"message": message, "type": "-1", "code": "VALIDATION_ERROR"}]}


async def test_a_note_by_id(client: httpx.AsyncClient, library: Library) -> None:
    """A single note has the names of the users in its metadata; an absent one is 404, no UUID 422."""
    note = next(iter(library.notes.values()))

    body = (await client.get(f"/notes/{note['id'].upper()}")).json()
    absent = await client.get(f"/notes/{NO_RECORD}")
    invalid = await client.get("/notes/x")

    names = {"lastName": "Desk", "firstName": "Dana"}
    assert body == note | {
        "type": library.note_types[note["typeId"]]["name"],
        "metadata": note["metadata"]
        | {"createdByUsername": "desk", "createdBy": names}
        | {"updatedByUsername": "desk", "updatedBy": names},
    }
    assert absent.status_code == 404
    message = f"Note with ID [{NO_RECORD}] was not found"
    assert absent.json() == {"errors": [{"message": message, "type": "-1", "code": "NOT_FOUND_ERROR"}]}
    assert invalid.status_code == 422


async def test_note_types(client: httpx.AsyncClient) -> None:
    """All types are one page, with their usage; invalid queries and limits are 422."""
    body = (await client.get("/note-types", params={"query": "cql.allRecords=1 sortby name"})).json()
    named = (await client.get("/note-types", params={"query": 'name=="fees"'})).json()
    invalid = [
        (await client.get("/note-types", params=parameters)).status_code
        for parameters in ({"query": "("}, {"query": "x==1"}, {"limit": "0"})
    ]

    assert [(each["name"], each["usage"]) for each in body["noteTypes"]] == [
        ("Card, lost or replaced", {"isAssigned": True}),
        ("Fees", {"isAssigned": True}),
        ("General note", {"isAssigned": True}),
        ("Interlibrary loan", {"isAssigned": False}),
        ("Reading room", {"isAssigned": True}),
    ]
    assert body["totalRecords"] == 5
    assert [each["name"] for each in named["noteTypes"]] == ["Fees"]
    assert invalid == [422, 422, 422]


async def test_permissions(client: httpx.AsyncClient, library: Library) -> None:
    """Each route has its permission."""
    note_id = next(iter(library.notes))
    texts = [
        (await client.get(path, headers={"X-Okapi-Token": "sandbox:nobody"})).text
        for path in (path_of(library), f"/notes/{note_id}", "/note-types")
    ]

    assert [text.rpartition(": ")[2] for text in texts] == [
        "note.links.collection.get",
        "notes.item.get",
        "note.types.collection.get",
    ]

"""Notes on users and requests, and note types."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.sandbox import create_sandbox
from gateway.sandbox.library import Library
from gateway.settings import Settings
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

FIRST, SECOND, THIRD = "1000000001", "1000000002", "1000000003"


def user_id(library: Library, barcode: str) -> str:
    user = library.user_by_barcode(barcode)
    assert user is not None
    return str(user["id"])


def path_of(library: Library, barcode: str) -> str:
    return f"GET /note-links/domain/users/type/user/id/{user_id(library, barcode)}"


def note_of(library: Library, title: str) -> Json:
    return next(each for each in library.notes.values() if each["title"] == title)


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_notes_of_a_user(execution: str) -> None:
    """The notes are one call, with the names of their types; those that pop up at the desk say so."""
    async with open_gateway(execution=execution) as gateway:
        library = gateway.library
        data = await gateway.data(
            """query($barcode: String!) { user(barcode: $barcode) { notes { totalCount nodes {
                id title content domain type { id name } popUpOnCheckOut popUpOnUser
                links { id type user { id } request { id } } metadata { updatedDate updatedBy { id } }
            } } } }""",
            {"barcode": SECOND},
        )
        paths, query = gateway.paths(), gateway.calls[1].query

    expected = [note_of(library, title) for title in ("Check the identity card", "Household")]
    assert data["user"]["notes"] == {
        "totalCount": 2,
        "nodes": [
            {
                "id": each["id"],
                "title": each["title"],
                "content": each["content"],
                "domain": "users",
                "type": {"id": each["typeId"], "name": library.note_types[each["typeId"]]["name"]},
                "popUpOnCheckOut": each["title"] == "Check the identity card",
                "popUpOnUser": False,
                "links": [{**link, "user": {"id": link["id"]}, "request": None} for link in each["links"]],
                "metadata": {
                    "updatedDate": each["metadata"]["updatedDate"].replace("+00:00", "Z"),
                    "updatedBy": {"id": each["metadata"]["updatedByUserId"]},
                },
            }
            for each in expected
        ],
    }
    assert paths == ["GET /users", path_of(library, SECOND)]
    assert query == {
        "limit": "10",
        "totalRecords": "exact",
        "status": "assigned",
        "orderBy": "updatedDate",
        "order": "desc",
    }


@pytest.mark.parametrize(
    ("arguments", "sent", "expected"),
    [
        (
            '(filter: { search: "%print" })',
            {"status": "assigned", "search": "%print", "orderBy": "updatedDate", "order": "desc"},
            ["Prefers large print"],
        ),
        (
            '(filter: { type: ["General note", "Fees"] }, sort: { field: TITLE })',
            {"status": "assigned", "noteType": "Fees", "orderBy": "title", "order": "asc"},
            ["Household", "Prefers large print"],
        ),
        (
            '(filter: { type: ["Card, lost or replaced"] })',
            {
                "status": "assigned",
                "noteType": "Card, lost or replaced",
                "orderBy": "updatedDate",
                "order": "desc",
            },
            ["Lost card"],
        ),
        (
            "(filter: { status: UNASSIGNED }, sort: { field: CONTENT, direction: DESCENDING })",
            {"status": "unassigned", "orderBy": "content", "order": "desc"},
            ["Desk 4", "Check the identity card", "Ask for the new address"],
        ),
        (
            "(filter: { status: ALL, type: [] }, sort: { field: UPDATED_DATE })",
            {"status": "all", "orderBy": "updatedDate", "order": "asc"},
            [
                "Desk 4",
                "Lost card",
                "Household",
                "Ask for the new address",
                "Prefers large print",
                "Check the identity card",
            ],
        ),
    ],
)
async def test_conditions_and_order(
    reader: Gateway, arguments: str, sent: dict[str, str], expected: list[str]
) -> None:
    """Upstream selects and sorts; a single name of a type with a comma is matched, too."""
    data = await reader.data(
        f'{{ user(barcode: "{FIRST}") {{ notes{arguments} {{ nodes {{ title }} }} }} }}',
    )

    assert [each["title"] for each in data["user"]["notes"]["nodes"]] == expected
    query = reader.calls[1].query
    assert {name: query[name] for name in query if name not in ("limit", "totalRecords")} == sent


async def test_pages_of_notes(reader: Gateway) -> None:
    """A page begins after its cursor, and a count alone is one call, with the least limit of upstream."""
    query = """query($barcode: String!, $after: String) { user(barcode: $barcode) {
        notes(first: 2, after: $after) { nodes { title } pageInfo { hasNextPage endCursor } }
    } }"""

    first = (await reader.data(query, {"barcode": FIRST}))["user"]["notes"]
    after = first["pageInfo"]["endCursor"]
    second = (await reader.data(query, {"barcode": FIRST, "after": after}))["user"]["notes"]
    limits = [(call.query["limit"], call.query.get("offset")) for call in reader.calls[1::2]]
    reader.sandbox.calls.clear()
    counted = await reader.data(
        f'{{ user(barcode: "{FIRST}") {{ notes(first: 0) {{ totalCount nodes {{ id }} }} }} '
        "noteTypes(first: 0) { totalCount } "
        'some: noteTypes(first: 0, filter: { name: ["Fees"] }) { totalCount nodes { id } } }'
    )

    assert [each["title"] for each in first["nodes"]] == ["Prefers large print", "Household"]
    assert first["pageInfo"]["hasNextPage"] is True
    assert [each["title"] for each in second["nodes"]] == ["Lost card"]
    assert second["pageInfo"]["hasNextPage"] is False
    assert limits == [("3", None), ("3", "2")]
    assert counted == {
        "user": {"notes": {"totalCount": 3, "nodes": []}},
        "noteTypes": {"totalCount": 5},
        "some": {"totalCount": 1, "nodes": []},
    }
    least = [call.query["limit"] for call in reader.calls if "/note-links/" in call.path]
    assert least == ["1"]
    assert sorted(call.query["limit"] for call in reader.calls if call.path == "/note-types") == ["1", "1000"]


async def test_more_than_1000_notes_are_read_on(gateway: Gateway) -> None:
    """Upstream cuts a page at 1000 notes; whether more follow is read with one more call."""
    note = note_of(gateway.library, "Lost card")
    for number in range(1000):
        key = f"00000000-0000-4000-8000-{number:012}"
        gateway.library.notes[key] = note | {"id": key}

    data = await gateway.data(
        "query($barcode: String!) { user(barcode: $barcode) {"
        " notes(first: 1000) { nodes { id } pageInfo { hasNextPage } } } }",
        {"barcode": FIRST},
    )

    assert len(data["user"]["notes"]["nodes"]) == 1000
    assert data["user"]["notes"]["pageInfo"]["hasNextPage"] is True
    assert [(call.query["limit"], call.query.get("offset")) for call in gateway.calls[1:]] == [
        ("1001", None),
        ("1", "1000"),
    ]


async def test_notes_of_many_users_are_one_call_per_user(reader: Gateway) -> None:
    """Upstream reads the notes of one record per call; the same page of a user twice is one call."""
    data = await reader.data(
        "query($barcodes: [String!]) { users(filter: { barcode: $barcodes }, sort: [{ field: BARCODE }]) {"
        " nodes { notes { nodes { title } } again: notes { totalCount nodes { id } } } } }",
        {"barcodes": [FIRST, SECOND, THIRD]},
    )

    titles = [[each["title"] for each in node["notes"]["nodes"]] for node in data["users"]["nodes"]]
    assert titles == [
        ["Prefers large print", "Household", "Lost card"],
        ["Check the identity card", "Household"],
        ["Ask for the new address"],
    ]
    paths = [path_of(reader.library, barcode) for barcode in (FIRST, SECOND, THIRD)]
    assert sorted(reader.paths()[1:]) == sorted(paths * 2)  # with a total, and without
    assert reader.paths()[0] == "GET /users"


async def test_the_cost_is_a_call_per_record() -> None:
    """Notes of a list of users count a call for each user against the limit."""
    query = "{ users(first: 20) { nodes { notes { nodes { title } } } } }"
    async with open_gateway(max_cost=20) as gateway:
        rejected = await gateway.execute(query)
        sent = gateway.paths()
    async with open_gateway(max_cost=21) as gateway:
        await gateway.data(query)
        calls = len(gateway.calls)

    assert rejected["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert rejected["errors"][0]["extensions"]["estimated"] == 21
    assert sent == []
    assert calls == 21


async def test_notes_of_a_request(reader: Gateway) -> None:
    """The notes of a request are those of the domain `requests`, and their link leads back to it."""
    note = note_of(reader.library, "Not on its shelf")
    (linked,) = note["links"]

    data = await reader.data(
        "query($id: ID!) { request(id: $id) {"
        " notes { nodes { title links { request { id status } user { id } } } } } }",
        {"id": linked["id"]},
    )

    (found,) = data["request"]["notes"]["nodes"]
    (link,) = found["links"]
    assert found["title"] == "Not on its shelf"
    assert link["request"]["id"] == linked["id"]
    assert link["request"]["status"].startswith("OPEN_")
    assert link["user"] is None
    assert f"GET /note-links/domain/requests/type/request/id/{linked['id']}" in reader.paths()


async def test_the_borrower_of_a_loan_has_notes(reader: Gateway) -> None:
    """FOLIO links no notes to loans; those of the borrower need no read of the borrower."""
    owner = user_id(reader.library, SECOND)

    data = await reader.data(
        "query($id: [ID!]) { loans(first: 1, filter: { borrowerId: $id }) { nodes {"
        " borrower { notes { nodes { title popUpOnCheckOut } } } } } }",
        {"id": [owner]},
    )

    (loan,) = data["loans"]["nodes"]
    assert loan["borrower"]["notes"]["nodes"] == [
        {"title": "Check the identity card", "popUpOnCheckOut": True},
        {"title": "Household", "popUpOnCheckOut": False},
    ]
    assert reader.paths() == ["GET /circulation-bff/loans", path_of(reader.library, SECOND)]


async def test_one_note(reader: Gateway) -> None:
    """A note by id has the names of its users; a note that does not exist is null."""
    stored = note_of(reader.library, "Desk 4")

    data = await reader.data(
        """query($id: ID!, $none: ID!) {
            note(id: $id) { title content popUpOnUser
                type { name usage { isAssigned } metadata { createdDate } }
                metadata { createdByUsername updatedByUsername createdBy { id } } }
            none: note(id: $none) { title }
        }""",
        {"id": stored["id"].upper(), "none": "00000000-0000-4000-8000-000000000000"},
    )

    created = reader.library.note_types[stored["typeId"]]["metadata"]["createdDate"]
    assert data == {
        "note": {
            "title": "Desk 4",
            "content": None,
            "popUpOnUser": True,
            "type": {
                "name": "Reading room",
                "usage": {"isAssigned": True},
                "metadata": {"createdDate": created.replace("+00:00", "Z")},
            },
            "metadata": {
                "createdByUsername": "desk",
                "updatedByUsername": "desk",
                "createdBy": {"id": stored["metadata"]["createdByUserId"]},
            },
        },
        "none": None,
    }
    assert sorted(reader.paths()) == [
        "GET /note-types",
        "GET /notes/00000000-0000-4000-8000-000000000000",
        f"GET /notes/{stored['id']}",
    ]


async def test_note_types_are_one_call(reader: Gateway) -> None:
    """The list of types, and the types of notes, are one call."""
    data = await reader.data(
        "query($barcode: String!) { noteTypes { nodes { id name usage { isAssigned } } }"
        " user(barcode: $barcode) { notes { nodes { type { usage { isAssigned } } } } } }",
        {"barcode": FIRST},
    )

    assert [each["name"] for each in data["noteTypes"]["nodes"]] == [
        "Card, lost or replaced",
        "Fees",
        "General note",
        "Interlibrary loan",
        "Reading room",
    ]
    assert [each["usage"]["isAssigned"] for each in data["noteTypes"]["nodes"]] == [
        True,
        True,
        True,
        False,
        True,
    ]
    assert data["user"]["notes"]["nodes"] == [{"type": {"usage": {"isAssigned": True}}}] * 3
    assert sorted(reader.paths()) == [path_of(reader.library, FIRST), "GET /note-types", "GET /users"]


async def test_failed_notes_keep_the_user() -> None:
    """If the service fails, or the caller lacks the permission, the patron is returned without notes."""
    sandbox = create_sandbox()
    query = "query($barcode: String!) { user(barcode: $barcode) { barcode notes { nodes { id } } } }"
    async with open_gateway(sandbox) as gateway:
        sandbox.faults.add(kind="status", status=503, path="/note-links")
        failed = await gateway.execute(query, {"barcode": FIRST})
        sandbox.faults.clear()
        sandbox.faults.add(kind="status", status=403, path="/note-links")
        denied = await gateway.execute(query, {"barcode": FIRST})

    for response, code in ((failed, "UPSTREAM_UNAVAILABLE"), (denied, "FORBIDDEN")):
        assert response["data"]["user"] == {"barcode": FIRST, "notes": None}
        (problem,) = response["errors"]
        assert problem["path"] == ["user", "notes"]
        assert problem["extensions"]["code"] == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('filter: { search: "" }', "`search` must not be blank."),
        ('filter: { search: " " }', "`search` must not be blank."),
        ('filter: { search: "a\\u0000" }', "`search` must not contain control characters."),
        ('filter: { type: [""] }', "`type` must have 1 to 500 characters; got 0."),
        ("first: -1", "`first` must not be less than 0; got -1."),
        ('after: "x"', "`after` must be a cursor of this list, such as `pageInfo.endCursor`."),
    ],
)
async def test_invalid_arguments(reader: Gateway, arguments: str, message: str) -> None:
    """Invalid conditions and pages are rejected before notes are read."""
    response = await reader.execute(
        f'{{ user(barcode: "{FIRST}") {{ barcode notes({arguments}) {{ nodes {{ id }} }} }} }}'
    )

    (problem,) = response["errors"]
    assert problem["extensions"]["code"] == "BAD_USER_INPUT"
    assert problem["message"].startswith(message)
    assert not [path for path in reader.paths() if "/note-links/" in path]


async def test_a_condition_that_is_too_long(reader: Gateway) -> None:
    """A condition that does not fit into a request line is not sent."""
    names = ", ".join(f'"{chr(0x4E00 + number) * 100}"' for number in range(10))

    response = await reader.execute(
        f'{{ user(barcode: "{FIRST}") {{ barcode'
        f" notes(filter: {{ type: [{names}] }}) {{ nodes {{ id }} }} }} }}"
    )

    assert response["data"]["user"] == {"barcode": FIRST, "notes": None}
    assert response["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert reader.paths() == ["GET /users"]


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_links_in_other_forms(execution: str) -> None:
    """Links to records that the schema lacks have id and type, and a damaged one costs only itself."""
    links = [{"id": "18-2356521", "type": "package"}, {"id": 7, "type": "user"}, None, {"type": ["user"]}]
    note = {"id": FIRST_NOTE, "title": "a", "domain": "users", "typeId": FIRST_NOTE, "links": links}

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=note)

    settings = Settings(okapi_url="http://okapi", execution=execution)
    app = create_app(settings, transport=lambda limits: httpx.MockTransport(upstream))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        query = f'{{ note(id: "{FIRST_NOTE}") {{ title links {{ type user {{ id }} request {{ id }} }} }} }}'
        result = (
            await client.post("/graphql", json={"query": query}, headers={"X-Okapi-Tenant": "diku"})
        ).json()

    assert result["data"] == {
        "note": {
            "title": "a",
            "links": [
                {"type": "package", "user": None, "request": None},
                {"type": "user", "user": None, "request": None},
                None,
                {"type": None, "user": None, "request": None},
            ],
        }
    }
    assert [(each["path"], each["extensions"]["code"]) for each in result["errors"]] == [
        (["note", "links", 1, "user"], "UPSTREAM_BAD_RESPONSE"),
        (["note", "links", 2], "UPSTREAM_BAD_RESPONSE"),
        (["note", "links", 3, "type"], "UPSTREAM_BAD_RESPONSE"),
    ]


FIRST_NOTE = "00000000-0000-4000-8000-000000000001"

"""Notes against FOLIO's published schemas: nothing is missing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.schema.filters import SortDirection
from gateway.schema.note import NoteLinkStatus, NoteSortField
from tests.fee_fine_facts import Values
from tests.note_facts import NOTE, NOTE_TYPE, ORDER, ORDER_BY, PARAMETERS, STATUSES
from tests.test_fee_fine_contract import ID, missing, send
from tests.widest import selection

pytestmark = pytest.mark.anyio

Json = Any  # responses are JSON

# Members of records that no field returns.
OF_THE_USER = "a name of the user, whom `createdBy` and `updatedBy` link to with all names"
NOT_RETURNED = dict.fromkeys(
    [
        f"metadata.{verb}By.{name}"
        for verb in ("created", "updated")
        for name in ("lastName", "firstName", "middleName")
    ],
    OF_THE_USER,
)


class Upstream:
    """Responds with one note, one note type and one user, and keeps the parameters of calls."""

    def __init__(self, note: Json, note_type: Json) -> None:
        self.note, self.note_type = {**note, "id": ID}, note_type  # a note is read by its id
        self.parameters = set[tuple[str, str]]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/notes/"):
            return httpx.Response(200, json=self.note)
        if path.startswith("/note-links/"):
            self.parameters.update(request.url.params.multi_items())
            return httpx.Response(200, json={"notes": [self.note], "totalRecords": 1})
        if path == "/note-types":
            return httpx.Response(200, json={"noteTypes": [self.note_type], "totalRecords": 1})
        return httpx.Response(200, json={"users": [{"id": ID}], "requests": [], "totalRecords": 1})


ROOTS = {
    "note": f'note(id: "{ID}") %s',
    "of a user": f'user(id: "{ID}") {{ notes {{ nodes %s }} }}',
}


@pytest.mark.parametrize("root", ROOTS)
async def test_every_member_of_a_note_reaches_the_client(root: str) -> None:
    """With a unique value in each member that FOLIO's schema has, all are returned but some with reasons."""
    values = Values()
    upstream = Upstream(values.record(NOTE), values.record(NOTE_TYPE))

    response = await send(upstream, f"{{ {ROOTS[root] % selection('Note')} }}")

    assert "errors" not in response, response["errors"][:3]
    assert missing(upstream.note, response["data"]) == set(NOT_RETURNED)


async def test_every_member_of_a_note_type_reaches_the_client() -> None:
    """The same is true for note types."""
    values = Values()
    upstream = Upstream(values.record(NOTE), values.record(NOTE_TYPE))

    response = await send(upstream, f"{{ noteTypes {{ nodes {selection('NoteType')} }} }}")

    assert "errors" not in response, response["errors"][:3]
    assert missing(upstream.note_type, response["data"]) == set(NOT_RETURNED)


async def test_every_parameter_and_value_can_be_sent() -> None:
    """Each parameter of the route, and each value of those with a closed set, has an argument."""
    upstream = Upstream({"id": ID}, {"id": ID})
    fields = [
        f'n{number}: notes(first: 1, after: $after, filter: {{ status: {status.name}, search: "a", type: '
        f'["b"] }}, sort: {{ field: {field.name}, direction: {direction.name} }}) {{ nodes {{ id }} }}'
        for number, (status, field, direction) in enumerate(
            (status, field, direction)
            for status in NoteLinkStatus
            for field in NoteSortField
            for direction in SortDirection
        )
    ]

    response = await send(
        upstream,
        f'query($after: String) {{ user(id: "{ID}") {{ {" ".join(fields)} }} }}',
        {"after": "b2Zmc2V0OjA="},
    )

    assert "errors" not in response, response["errors"][:3]
    sent: dict[str, set[str]] = {}
    for name, value in upstream.parameters:
        sent.setdefault(name, set()).add(value)
    assert sent.keys() == PARAMETERS | {"totalRecords"}  # which mod-notes ignores
    assert (sent["status"], sent["orderBy"], sent["order"]) == (STATUSES, ORDER_BY, ORDER)
    assert (sent["search"], sent["noteType"], sent["limit"], sent["offset"]) == ({"a"}, {"b"}, {"1"}, {"1"})

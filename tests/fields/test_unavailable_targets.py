"""Targets of links that cannot be loaded: their embedded members stay, and other members are null."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.sandbox import Sandbox
from tests.fields.test_link import IDENTIFIED, query
from tests.gateway_over import gateway_over, key
from tests.gateway_under_test import open_gateway
from tests.schema.graph_walk import Declared, barcode_of_everything, filled_sandbox

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects
Path = tuple[str | int, ...]

EMBEDDING = [each for each in IDENTIFIED if len(each.link.embedded) > 1 and each.unknown is not None]
SANDBOX = filled_sandbox()

QUICK: dict[str, Json] = {"read_timeout": 0.4, "first_byte_timeout": 0.2, "operation_timeout": 0.8}
CODES = {
    "403": "FORBIDDEN",
    "404": "UPSTREAM_BAD_RESPONSE",
    "500": "UPSTREAM_ERROR",
    "timeout": "UPSTREAM_TIMEOUT",
}


def places(part: Json, name: str, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Return each value with this name at any depth, with its path in the response."""
    if isinstance(part, list):
        for index, each in enumerate(part):
            yield from places(each, name, (*path, index))
    elif isinstance(part, dict):
        for member, each in part.items():
            if member == name:
                yield (*path, member), each
            else:
                yield from places(each, name, (*path, member))


async def read(
    declared: Declared, members: str, sandbox: Sandbox, **settings: Json
) -> tuple[Json, list[str]]:
    """Return the response to a query of a link, and the paths of the upstream calls for it."""
    text = query(declared, f"__typename link: {declared.name} {{ {members} }}")
    async with open_gateway(
        sandbox, max_cost=100_000, max_result_nodes=10_000_000, breaker=False, **settings
    ) as gateway:
        sandbox.calls.clear()
        variables = {"barcode": barcode_of_everything(gateway.library)} if "$barcode" in text else {}
        return await gateway.execute(text, variables), [call.path for call in gateway.calls]


PRESENT: dict[tuple[str, str], tuple[Json, Json, str]] = {}


async def read_present(declared: Declared, execution: str) -> tuple[Json, Json, str]:
    """Return the response with the embedded members, the one with another member, and the path it is read at.

    All states of a link are compared with the same ones.
    """
    link = (str(declared), execution)
    if link not in PRESENT:
        members = declared.known_leaves
        free, before = await read(declared, members, SANDBOX, execution=execution)
        assert "errors" not in free
        complete, calls = await read(declared, f"{members} {declared.unknown}", SANDBOX, execution=execution)
        (path,) = set(calls[len(before) :])
        PRESENT[link] = (free, complete, path)
    return PRESENT[link]


def is_bare(target: Json) -> bool:
    """Return True if only the id of a target is embedded."""
    return not any(value for name, value in target.items() if name != "id")


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("state", ["present", "absent", *CODES])
@pytest.mark.parametrize("declared", EMBEDDING, ids=str)
async def test_embedded_members_remain_without_their_target(
    declared: Declared, state: str, execution: str
) -> None:
    """Embedded members need no call in any state, and another member is only its own call.

    A target that does not exist is no error; a failed call is one for each parent, at the member.
    """
    members, unknown = declared.known_leaves, declared.unknown
    free, complete, path = await read_present(declared, execution)
    known = dict(places(free["data"], "link"))
    library = SANDBOX.library("diku")

    if state == "absent":
        library.gone.update(each["id"] for each in known.values() if each is not None)
    elif state == "timeout":
        SANDBOX.faults.add(kind="slow", path=path, delay=2.0)
    elif state != "present":
        SANDBOX.faults.add(kind="status", path=path, status=int(state), body="{}")
    try:
        again, _ = await read(declared, members, SANDBOX, execution=execution)
        result, _ = await read(
            declared,
            f"{members} {unknown}",
            SANDBOX,
            execution=execution,
            **(QUICK if state == "timeout" else {}),
        )
    finally:
        library.gone.clear()
        SANDBOX.faults.clear()

    assert again == free
    if state == "present":
        assert result == complete
        return
    expected_errors = set[tuple[Path, str]]()
    for place, target in places(result["data"], "link"):
        embedded = known[place]
        if target is None:
            assert embedded is None or is_bare(embedded)
        else:
            assert target == {**embedded, unknown: None}
        if embedded is not None and state in CODES:
            expected_errors.add((place if target is None else (*place, str(unknown)), CODES[state]))
    errors = [(tuple(each["path"]), each["extensions"]["code"]) for each in result.get("errors", ())]
    assert len(errors) == len(set(errors))
    assert set(errors) == expected_errors
    assert any(target is not None for _, target in places(result["data"], "link"))


# One loan of a deleted user and of a virtual item, as circulation embeds them.
LOAN = {
    "id": key(1),
    "userId": key(2),
    "borrower": {"barcode": "b", "lastName": "L", "patronGroup": key(5)},
    "itemId": key(3),
    "item": {
        "title": "T",
        "barcode": "ib",
        "instanceId": key(4),
        "instanceHrid": "in4",
        "materialType": {"name": "book"},
        "status": {"name": "Checked out"},
        "location": {"name": "Main"},
    },
}
EMPTY: dict[str, Json] = {
    name: [] for name in ("users", "items", "instances", "requests", "usergroups", "mtypes")
}


async def loan_over(selection: str, status: int, execution: str) -> tuple[Json, list[Path], list[str]]:
    """Return the loan, the paths of its errors and of the calls, over services that have only the loan."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/circulation-bff/loans":
            return httpx.Response(200, json={"loans": [LOAN], "totalRecords": 1})
        return httpx.Response(status, json={**EMPTY, "totalRecords": 0} if status == 200 else {})

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute(f'{{ loan(id: "{key(1)}") {{ {selection} }} }}')
        errors = [tuple(each["path"][1:]) for each in response.get("errors", ())]
        return response["data"]["loan"], errors, [request.url.path for request in gateway.requests[1:]]


# selection, the result, the first member that is missing
SHAPES: dict[str, tuple[str, Json, Path]] = {
    "an object of which one member is embedded": (
        "borrower { barcode personal { lastName email } username }",
        {"borrower": {"barcode": "b", "personal": {"lastName": "L", "email": None}, "username": None}},
        ("borrower", "personal", "email"),
    ),
    "an object of which nothing is embedded": (
        "borrower { id tags { tagList } }",
        {"borrower": {"id": key(2), "tags": None}},
        ("borrower", "tags"),
    ),
    "nothing that is embedded": (
        "item { circulationNotes { note } }",
        {"item": None},
        ("item",),
    ),
    "an embedded object with its name": (
        "item { materialType { name source } }",
        {"item": {"materialType": {"name": "book", "source": None}}},
        ("item", "materialType", "source"),
    ),
    "a link of the target whose key is embedded": (
        "item { hrid instance { id hrid title } }",
        {"item": {"hrid": None, "instance": {"id": key(4), "hrid": "in4", "title": "T"}}},
        ("item", "hrid"),
    ),
    "a link of the target whose key is not embedded": (
        "item { title temporaryLocation { id } }",
        {"item": {"title": "T", "temporaryLocation": None}},
        ("item", "temporaryLocation"),
    ),
    "under aliases": (
        "who: borrower { code: barcode name: username }",
        {"who": {"code": "b", "name": None}},
        ("who", "name"),
    ),
}


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("shape", SHAPES)
async def test_shapes_of_embedded_targets(shape: str, execution: str) -> None:
    """For any form of selection, embedded members stay, and the first missing one has the error."""
    selection, expected, missing = SHAPES[shape]

    assert await loan_over(selection, 200, execution) == (expected, [], _calls(selection))
    result, errors, calls = await loan_over(selection, 500, execution)

    assert result == expected
    assert errors == [missing]
    assert calls == _calls(selection)


def _calls(selection: str) -> list[str]:
    return ["/users" if "borrower" in selection else "/inventory/items"]


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_a_link_below_an_embedded_target_is_loaded(execution: str) -> None:
    """The id of a virtual item is enough for the requests on it."""
    result, errors, calls = await loan_over("item { hrid openRequests { totalCount } }", 200, execution)

    assert result == {"item": {"hrid": None, "openRequests": {"totalCount": 0}}}
    assert errors == []
    assert calls == ["/inventory/items", "/circulation-bff/requests"]


# A summary of an older upstream lacks the member; a newer one has it, or would have it.
OLDER: dict[str, tuple[str, Json, str]] = {
    "hrid of the title": ("instance { hrid }", {"instance": {"hrid": "in4"}}, "/inventory/instances"),
    "accession number": (
        "item { accessionNumber }",
        {"item": {"accessionNumber": "A-1"}},
        "/inventory/items",
    ),
    "patron group": (
        "borrower { patronGroup { id } }",
        {"borrower": {"patronGroup": {"id": key(9)}}},
        "/users",
    ),
}


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("member", OLDER)
async def test_a_member_that_an_older_upstream_does_not_send_is_loaded(member: str, execution: str) -> None:
    """A member that is absent in the summary is loaded, with any other selection."""
    selection, expected, path = OLDER[member]
    summary = {**LOAN["item"], "instanceHrid": None}  # type: ignore[dict-item]  # an object
    del summary["instanceHrid"]
    loan = {**LOAN, "item": summary, "borrower": {"barcode": "b"}}
    records = {
        "/users": ("users", {"id": key(2), "patronGroup": key(9)}),
        "/inventory/items": ("items", {"id": key(3), "accessionNumber": "A-1"}),
        "/inventory/instances": ("instances", {"id": key(4), "hrid": "in4"}),
    }

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/circulation-bff/loans":
            return httpx.Response(200, json={"loans": [loan], "totalRecords": 1})
        name, record = records[request.url.path]
        return httpx.Response(200, json={name: [record], "totalRecords": 1})

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute(f'{{ loan(id: "{key(1)}") {{ {selection} }} }}')

    assert response == {"data": {"loan": expected}}
    assert [request.url.path for request in gateway.requests[1:]] == [path]


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_a_newer_upstream_needs_no_call(execution: str) -> None:
    """If the summary has the HRID of the title, an absent accession number is null, without a call."""
    assert await loan_over("item { accessionNumber } instance { hrid }", 500, execution) == (
        {"item": {"accessionNumber": None}, "instance": {"hrid": "in4"}},
        [],
        [],
    )


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("status", [200, 500])
async def test_the_title_of_an_item_remains_without_its_record(status: int, execution: str) -> None:
    """Inventory copies the title into each item, which keeps it when the title's record is deleted."""
    items = [
        {"id": key(1), "title": "T", "instanceId": key(2)},
        {"id": key(3), "title": None, "instanceId": key(4)},
    ]

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/inventory/items":
            return httpx.Response(200, json={"items": items, "totalRecords": 2})
        return httpx.Response(status, json={**EMPTY, "totalRecords": 0} if status == 200 else {})

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute("{ items { nodes { instance { id title source } } } }")

    nodes = response["data"]["items"]["nodes"]
    assert nodes == [{"instance": {"id": key(2), "title": "T", "source": None}}, {"instance": None}]
    paths = [each["path"][3:] for each in response.get("errors", ())]
    assert sorted(paths) == ([] if status == 200 else [["instance"], ["instance", "source"]])


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_an_unsure_value_remains_without_its_record(execution: str) -> None:
    """Editions that are sent without contributors are those of the title if it does not exist any more."""
    instance = {"title": "Emma", "editions": ["2nd"]}
    requests = [{"id": key(1), "instanceId": key(2), "instance": instance}]

    def upstream(request: httpx.Request) -> httpx.Response:
        is_list = request.url.path == "/circulation-bff/requests"
        body = {"requests": requests} if is_list else {"instances": [], "totalRecords": 0}
        return httpx.Response(200, json=body)

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute("{ requests { nodes { instance { title editions source } } } }")

    expected = {"title": "Emma", "editions": ["2nd"], "source": None}
    assert response == {"data": {"requests": {"nodes": [{"instance": expected}]}}}
    assert [request.url.path for request in gateway.requests[1:]] == ["/inventory/instances"]

"""Invalid elements, texts and numbers of a page: each is an error at its path only."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.upstream.record_types import decode_json
from tests.gateway_over import gateway_over, key

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("execution", ["plan", "generic"])]

Json = Any  # a response is JSON of the shape that each test expects

NO_TEXT = "An upstream service sent a text that is not Unicode."
NO_NUMBER = "An upstream service sent a number that JSON does not have."
NO_RECORD = "An upstream service sent something else where a list has a record."


async def execute(
    execution: str, query: str, **bodies: bytes
) -> tuple[Json, list[tuple[list[str | int], str, str]], list[str]]:
    """Return the data, the path, code and message of each error, and the paths of the upstream calls."""

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=bodies[request.url.path.rpartition("/")[2]])

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute(query)
        errors = [
            (each["path"], each["extensions"]["code"], each["message"]) for each in response.get("errors", ())
        ]
        return response["data"], errors, [request.url.path for request in gateway.requests]


def loans(*elements: bytes) -> bytes:
    return b'{"loans": [%b], "totalRecords": %d}' % (b", ".join(elements), len(elements))


def loan(number: int, action: bytes = b'"renewed"') -> bytes:
    return b'{"id": "%b", "action": %b, "actionComment": "kept"}' % (key(number).encode(), action)


@pytest.mark.parametrize(
    "text", [rb'"\ud800"', rb'"x\udfffy"', rb'"\ud83d"', b'"\xff"', b'"\xc3("', rb'"\ud800 \ud83d\ude00"']
)
async def test_a_text_that_is_not_unicode(execution: str, text: bytes) -> None:
    """The text is null with an error; the record, its other texts and the page stay."""
    data, errors, calls = await execute(
        execution,
        "{ loans { totalCount nodes { id action actionComment } } }",
        loans=loans(loan(1), loan(2, text), loan(3, rb'"\ud83d\ude00"')),
    )

    assert data["loans"] == {
        "totalCount": 3,
        "nodes": [
            {"id": key(1), "action": "renewed", "actionComment": "kept"},
            {"id": key(2), "action": None, "actionComment": "kept"},
            {"id": key(3), "action": "😀", "actionComment": "kept"},
        ],
    }
    assert errors == [(["loans", "nodes", 1, "action"], "UPSTREAM_BAD_RESPONSE", NO_TEXT)]
    assert calls == ["/circulation-bff/loans"]


async def test_such_a_text_that_is_not_selected(execution: str) -> None:
    """An invalid text that is not selected is no error."""
    data, errors, _ = await execute(
        execution, "{ loans { nodes { actionComment } } }", loans=loans(loan(1, rb'"\ud800"'))
    )

    assert (data, errors) == ({"loans": {"nodes": [{"actionComment": "kept"}]}}, [])


async def test_such_a_text_in_custom_fields(execution: str) -> None:
    """An invalid text in values that the library defines nulls the field that has them."""
    user = rb'{"id": "%b", "username": "u", "customFields": {"a": [1, {"b": "\ud800"}]}}' % key(2).encode()
    data, errors, _ = await execute(
        execution,
        f'{{ user(id: "{key(2)}") {{ username customFields }} }}',
        users=b'{"users": [%b], "totalRecords": 1}' % user,
    )

    assert data == {"user": {"username": "u", "customFields": None}}
    assert errors == [(["user", "customFields"], "UPSTREAM_BAD_RESPONSE", NO_TEXT)]


@pytest.mark.parametrize("value", [rb'"\ud800"', b"NaN", rb'["kept", "\ud800"]'])
async def test_such_a_value_that_is_computed_with(execution: str, value: bytes) -> None:
    """The message of its error is never data, where texts are joined or passed on as they are."""
    slip = b'{"currentDateTime": null, "item": {"title": "kept", "administrativeNotes": %b}}' % value
    data, errors, _ = await execute(
        execution,
        f'{{ pickSlips(servicePointId: "{key(1)}") {{ nodes {{ item {{ title administrativeNotes }} }} }} }}',
        **{key(1): b'{"pickSlips": [%b], "totalRecords": 1}' % slip},
    )

    assert data == {"pickSlips": {"nodes": [{"item": {"title": "kept", "administrativeNotes": None}}]}}
    assert [(path, code) for path, code, _ in errors] == [
        (["pickSlips", "nodes", 0, "item", "administrativeNotes"], "UPSTREAM_BAD_RESPONSE")
    ]


NUMBERS = [b"NaN", b"-Infinity", b"Infinity", b"1e999", b"9" * 5000, b"-" + b"9" * 5000]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.decode()[:9])
@pytest.mark.parametrize("separator", [b": ", b":", b":\n"])
async def test_a_number_that_json_does_not_have(execution: str, number: bytes, separator: bytes) -> None:
    """It is null with an error; the record, its other values and the page stay."""
    renewals = b'{"id": "%b", "renewalCount"%b%b, "action": "renewed"}' % (key(2).encode(), separator, number)
    data, errors, calls = await execute(
        execution,
        "{ loans { totalCount nodes { id renewalCount action } } }",
        loans=loans(loan(1), renewals),
    )

    assert data["loans"] == {
        "totalCount": 2,
        "nodes": [
            {"id": key(1), "renewalCount": None, "action": "renewed"},
            {"id": key(2), "renewalCount": None, "action": "renewed"},
        ],
    }
    assert [(path, code) for path, code, _ in errors] == [
        (["loans", "nodes", 1, "renewalCount"], "UPSTREAM_BAD_RESPONSE")
    ]
    assert (b"n" not in number) or errors[0][2] == NO_NUMBER
    assert calls == ["/circulation-bff/loans"]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.decode()[:9])
async def test_such_a_number_in_a_sum_and_in_custom_fields(execution: str, number: bytes) -> None:
    """A sum of which one amount is unknown is null with an error, and so is an object that holds it."""
    user = b'{"id": "%b", "username": "u", "customFields": {"a": [%b]}}' % (key(2).encode(), number)
    account = b'{"id": "%b", "userId": "%b", "remaining": %b}' % (key(3).encode(), key(2).encode(), number)
    data, errors, _ = await execute(
        execution,
        f'{{ user(id: "{key(2)}") {{ username customFields accounts {{ amountRemaining }} }} }}',
        users=b'{"users": [%b], "totalRecords": 1}' % user,
        accounts=b'{"accounts": [%b], "totalRecords": 1}' % account,
    )

    assert data["user"] == {"username": "u", "customFields": None, "accounts": {"amountRemaining": None}}
    assert sorted((path, code) for path, code, _ in errors) == [
        (["user", "accounts", "amountRemaining"], "UPSTREAM_BAD_RESPONSE"),
        (["user", "customFields"], "UPSTREAM_BAD_RESPONSE"),
    ]


@pytest.mark.parametrize("element", [b"null", b"5", b'"text"', b"[]", b"true"])
async def test_an_element_that_is_no_object(execution: str, element: bytes) -> None:
    """It is null with an error, in nodes and in edges; other elements and the count are unchanged."""
    data, errors, calls = await execute(
        execution,
        "{ loans { totalCount nodes { id } edges { node { id } } } }",
        loans=loans(loan(1), element, loan(3)),
    )

    nodes = [{"id": key(1)}, None, {"id": key(3)}]
    assert data["loans"] == {"totalCount": 3, "nodes": nodes, "edges": [{"node": each} for each in nodes]}
    assert errors == [
        (["loans", "nodes", 1], "UPSTREAM_BAD_RESPONSE", NO_RECORD),
        (["loans", "edges", 1, "node"], "UPSTREAM_BAD_RESPONSE", NO_RECORD),
    ]
    assert calls == ["/circulation-bff/loans"]


async def test_an_element_of_which_only_the_type_is_selected(execution: str) -> None:
    """It is null with an error too."""
    data, errors, _ = await execute(
        execution, "{ loans { nodes { __typename a: __typename } } }", loans=loans(loan(1), b"5")
    )

    assert data["loans"]["nodes"] == [{"__typename": "Loan", "a": "Loan"}, None]
    assert errors == [(["loans", "nodes", 1], "UPSTREAM_BAD_RESPONSE", NO_RECORD)]


async def test_an_element_that_is_no_object_in_a_batch(execution: str) -> None:
    """A batch of links has the other records; the one that is missing by the total is an error."""
    parents = [b'{"id": "%b", "userId": "%b"}' % (key(n).encode(), key(10 + n).encode()) for n in range(1, 3)]
    users = b'{"users": [{"id": "%b", "username": "u"}, 5], "totalRecords": 2}' % key(11).encode()

    data, errors, _ = await execute(
        execution, "{ loans { nodes { borrower { username } } } }", loans=loans(*parents), users=users
    )

    assert data["loans"]["nodes"] == [{"borrower": {"username": "u"}}, {"borrower": None}]
    assert [(path, code) for path, code, _ in errors] == [
        (["loans", "nodes", 1, "borrower"], "UPSTREAM_BAD_RESPONSE")
    ]


@pytest.mark.parametrize("body", [rb'{"loans": ["\ud800"', rb'{"a": nan, "b": "\ud800"}', b"NaN", b"\xff"])
async def test_a_body_that_is_not_json(execution: str, body: bytes) -> None:
    """A body that is not JSON and has an invalid text is still not JSON."""
    assert decode_json(body) is None
    _, errors, _ = await execute(execution, "{ loans { nodes { id } } }", loans=body)

    assert [(path, code) for path, code, _ in errors] == [(["loans"], "UPSTREAM_BAD_RESPONSE")]

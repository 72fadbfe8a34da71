"""Deeply nested JSON of upstream is a bad response of its call, and never an internal error."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.upstream.record_types import MAX_NESTING, decode_json, is_too_deep
from tests.gateway_over import gateway_over, key

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("execution", ["plan", "generic"])]

Json = Any  # a response is JSON of the shape that each test expects

# Beyond 900 levels it depends on the calls before if Python decodes, and if it encodes, one level more.
DEPTHS = [MAX_NESTING + 1, *range(900, 1010, 20), 100_000]

CHECK_OUT = """mutation { checkOut(input: {itemBarcode: "1", userBarcode: "2", servicePointId: "%s"}) {
  __typename ... on CheckedOut { loan { id } } } }"""
CANCEL = """mutation { cancelRequest(input: {requestId: "%s", cancellationReasonId: "%s",
  cancelledByUserId: "%s"}) { __typename } }"""


def nested(levels: int, kind: str) -> bytes:
    return b"[" * levels + b"]" * levels if kind == "arrays" else b'{"a":' * levels + b"1" + b"}" * levels


async def execute(
    execution: str, query: str, body: bytes
) -> tuple[Json, list[tuple[Json, str]], list[tuple[str, str]]]:
    """Return the data, path and code of each error, and the upstream calls, all responded to with `body`."""
    async with gateway_over(lambda _: httpx.Response(200, content=body), execution=execution) as gateway:
        response = await gateway.execute(query)
        errors = [(each["path"], each["extensions"]["code"]) for each in response.get("errors", ())]
        calls = [(request.method, request.url.path) for request in gateway.requests]
        return response["data"], errors, calls


def user(custom_fields: bytes) -> bytes:
    record = b'{"id": "%b", "username": "u", "customFields": %b}' % (key(1).encode(), custom_fields)
    return b'{"users": [%b], "totalRecords": 1}' % record


@pytest.mark.parametrize("kind", ["arrays", "objects"])
@pytest.mark.parametrize("levels", DEPTHS)
async def test_values_that_the_library_defines(execution: str, levels: int, kind: str) -> None:
    """They are null with the error of their call, also if Python could decode them but not encode them."""
    data, errors, calls = await execute(
        execution, f'{{ user(id: "{key(1)}") {{ customFields }} }}', user(nested(levels, kind))
    )

    assert data["user"] in (None, {"customFields": None})
    assert [code for _, code in errors] == ["UPSTREAM_BAD_RESPONSE"]
    assert calls == [("GET", "/users")]


async def test_values_of_the_greatest_depth(execution: str) -> None:
    """Values within the limit are returned unchanged."""
    levels = MAX_NESTING - 3  # the page, the list and the record are the others
    data, errors, _ = await execute(
        execution, f'{{ user(id: "{key(1)}") {{ customFields }} }}', user(nested(levels, "arrays"))
    )

    assert errors == []
    assert data == {"user": {"customFields": decode_json(nested(levels, "arrays"))}}


@pytest.mark.parametrize("levels", DEPTHS)
async def test_a_leaf_of_a_record(execution: str, levels: int) -> None:
    """Nested JSON in the place of a text is a bad response."""
    loan = b'{"id": "%b", "action": %b}' % (key(1).encode(), nested(levels, "objects"))
    _, errors, calls = await execute(
        execution, "{ loans { nodes { id action } } }", b'{"loans": [%b], "totalRecords": 1}' % loan
    )

    assert errors == [(["loans"], "UPSTREAM_BAD_RESPONSE")]
    assert calls == [("GET", "/circulation-bff/loans")]


@pytest.mark.parametrize("levels", DEPTHS)
async def test_the_response_to_a_write(execution: str, levels: int) -> None:
    """The outcome of the write is unknown, and it is sent once."""
    body = b'{"id": "%b", "other": %b}' % (key(1).encode(), nested(levels, "arrays"))
    _, errors, calls = await execute(execution, CHECK_OUT % key(2), body)

    assert errors == [(["checkOut"], "OUTCOME_UNKNOWN")]
    assert calls == [("POST", "/circulation-bff/loans/check-out-by-barcode")]


@pytest.mark.parametrize("levels", DEPTHS)
async def test_a_record_that_would_be_sent_back(execution: str, levels: int) -> None:
    """A request that cannot be read is not cancelled: nothing is written."""
    body = b'{"id": "%b", "status": "Open - Not yet filled", "other": %b}' % (
        key(1).encode(),
        nested(levels, "objects"),
    )
    _, errors, calls = await execute(execution, CANCEL % (key(1), key(2), key(3)), body)

    assert errors == [(["cancelRequest"], "UPSTREAM_BAD_RESPONSE")]
    assert [method for method, _ in calls] == ["GET"]


@pytest.mark.parametrize("levels", [500, 950, 100_000])
async def test_a_refusal(execution: str, levels: int) -> None:
    """The reason of a refusal is passed on without the nested values in place of its texts."""
    deep = nested(levels, "arrays")
    error = b'{"message": "no", "code": %b, "parameters": [{"key": "a", "value": %b}], ' % (deep, deep)
    error += b'"overridableBlock": {"name": "patronBlock", "missingPermissions": [%b, "x"]}}' % deep

    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(422, content=b'{"errors": [%b]}' % error)

    async with gateway_over(refuse, execution=execution) as gateway:
        response = await gateway.execute(CHECK_OUT % key(2))

    assert response == {"data": {"checkOut": {"__typename": "Refusal"}}}


async def test_levels_are_counted(execution: str) -> None:
    """An array of arrays has two levels; texts with brackets and long lists have none."""
    del execution
    assert not is_too_deep(decode_json(b"[" * MAX_NESTING + b"]" * MAX_NESTING))
    assert decode_json(b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1)) is None
    assert decode_json(b'["%b"]' % (b"[" * 1000)) == ["[" * 1000]
    assert decode_json(b"[%b[]]" % (b"[]," * 1000)) == [[]] * 1001

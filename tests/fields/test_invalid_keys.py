"""Keys of lists on a record that upstream sent in another form: an error at the list, and no call for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.gateway_over import gateway_over, key

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("execution", ["plan", "generic"])]

Json = Any  # a response is JSON of the shape that each test expects


async def execute(execution: str, query: str, first: Json) -> tuple[Json, list[str]]:
    """Return the response, and the paths of the upstream calls, of which the first one returns `first`."""

    def upstream(request: httpx.Request) -> httpx.Response:
        empty: Json = {name: [] for name in ("instances", "items", "parts", "holdingsRecords", "requests")}
        body = first if len(gateway.requests) == 1 else {**empty, "totalRecords": 0}
        return httpx.Response(200, json=body)

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute(query)
        return response, [request.url.path for request in gateway.requests]


@pytest.mark.parametrize("invalid", [{"odd": 1}, ["odd"], 5, True, "with blanks", "x" * 101])
@pytest.mark.parametrize("field", ["items", "openRequests", "holdings", "requestQueue"])
async def test_an_invalid_id(field: str, invalid: Json, execution: str) -> None:
    """The records of no id are not requested: upstream would have none, as if there were none."""
    instances = [{"id": invalid, "title": "Emma"}]

    query = f"{{ instances {{ nodes {{ title {field} {{ totalCount }} }} }} }}"

    response, calls = await execute(execution, query, {"instances": instances})

    assert response["data"] == {"instances": {"nodes": [{"title": "Emma", field: None}]}}
    (error,) = response["errors"]
    assert error["path"] == ["instances", "nodes", 0, field]
    assert error["message"] == f"An upstream service sent something else where `{field}` has an id."
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert len(calls) == 1


@pytest.mark.parametrize("invalid", [{"odd": 1}, ["odd"], 5])
async def test_an_invalid_barcode(invalid: Json, execution: str) -> None:
    """The log of a user is found by the barcode."""
    response, calls = await execute(
        execution,
        "{ users { nodes { username circulationLog { totalCount } } } }",
        {"users": [{"id": key(1), "username": "emma", "barcode": invalid}]},
    )

    assert response["data"] == {"users": {"nodes": [{"username": "emma", "circulationLog": None}]}}
    (error,) = response["errors"]
    assert error["message"] == "An upstream service sent a barcode that is no text."
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert calls == ["/users"]


@pytest.mark.parametrize("invalid", [{"odd": 1}, ["odd"], "true", 1])
async def test_a_mark_of_another_type(invalid: Json, execution: str) -> None:
    """Whether a title is bound with others only decides which calls are needed: it is looked up then."""
    query = "{ instances { nodes { items { totalCount } } } }"
    title = {"id": key(1)}
    expected = await execute(execution, query, {"instances": [title]})

    result = await execute(execution, query, {"instances": [{**title, "isBoundWith": invalid}]})

    assert result == expected
    assert result[0] == {"data": {"instances": {"nodes": [{"items": {"totalCount": 0}}]}}}

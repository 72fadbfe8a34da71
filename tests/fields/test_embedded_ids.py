"""Titles of items that loans embed: their ids in lower case, and no title without an id."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.gateway_over import gateway_over, key

pytestmark = pytest.mark.anyio

LOAN = {
    "id": key(1),
    "userId": key(2),
    "itemId": key(3).upper(),
    "item": {"id": key(3).upper(), "title": "Emma", "barcode": "1"},
}
TITLE = {"instanceId": "7C9E6679-7425-40DE-944B-00000000000A", "holdingsRecordId": key(5).upper()}


def serve(loan: dict[str, Any], **others: Any) -> Any:
    """Serve a loan in lists and as the response of writes; its item and title are deleted."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json=loan)
        member = {"/circulation-bff/loans": "loans", "/inventory/items": "items"}.get(request.url.path)
        member = member or {"/inventory/instances": "instances"}.get(request.url.path, "holdingsRecords")
        records = [loan] if member == "loans" else []
        return httpx.Response(200, json={member: records, "totalRecords": len(records)})

    return upstream


QUERIES = {
    "list": "{ loans { nodes { item { %s } } } }",
    "single": f'{{ loan(id: "{key(1)}") {{ item {{ %s }} }} }}',
    "desk": """mutation { renew(input: { itemBarcode: "1", userBarcode: "2" }) {
        ... on Renewed { loan { item { %s } } }
    } }""",
}


def item_in(data: Any) -> Any:
    while "item" not in data:
        (data,) = data.values() if isinstance(data, dict) else data
    return data["item"]


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("more", ["", "hrid"])
async def test_ids_of_embedded_titles_are_in_lower_case(query: str, more: str, execution: str) -> None:
    """The title of an embedded item has its id in lower case, like every other target."""
    item = {**LOAN["item"], **TITLE}  # type: ignore[dict-item]  # an object
    async with gateway_over(serve({**LOAN, "item": item}), execution=execution) as client:
        response = await client.execute(query % f"id instance {{ id title {more} }}")

    assert "errors" not in response
    title = {"id": TITLE["instanceId"].lower(), "title": "Emma"} | ({more: None} if more else {})
    assert item_in(response["data"]) == {"id": key(3), "instance": title}


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_an_embedded_item_without_the_id_of_its_title(query: str, execution: str) -> None:
    """The title is null without an error if its id is selected, and otherwise has its embedded members."""
    async with gateway_over(serve(LOAN), execution=execution) as client:
        with_id = await client.execute(query % "id instance { id title hrid }")
        without = await client.execute(query % "id instance { title hrid }")

    assert "errors" not in with_id
    assert item_in(with_id["data"]) == {"id": key(3), "instance": None}
    assert "errors" not in without
    assert item_in(without["data"]) == {"id": key(3), "instance": {"title": "Emma", "hrid": None}}

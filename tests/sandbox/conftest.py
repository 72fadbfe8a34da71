"""A fresh sandbox for each test, and a client that calls it as the gateway would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library, Sandbox, create_sandbox
from tests.records import encode_records

Body = dict[str, Any]
Search = Callable[..., Awaitable[list[Body]]]
Refuse = Callable[..., Awaitable[list[Body]]]
RequestBody = Callable[..., Body]


@pytest.fixture(name="sandbox")
def _sandbox() -> Sandbox:
    return create_sandbox()


@pytest.fixture(name="library")
def _library(sandbox: Sandbox) -> Library:
    return sandbox.library("diku")


@pytest.fixture(name="client")
async def _client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=sandbox)
    headers = {"X-Okapi-Tenant": "diku"}
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        yield client


@pytest.fixture(name="circ_desk")
def _circ_desk(library: Library) -> str:
    """The id of Circ Desk 1."""
    return next(key for key, point in library.service_points.items() if point["name"] == "Circ Desk 1")


@pytest.fixture(name="search")
def _search(client: httpx.AsyncClient) -> Search:
    """Query a collection and return its rows."""

    async def search(path: str, query: str, **parameters: str) -> list[dict[str, Any]]:
        response = await client.get(path, params={"query": query, "limit": "1000", **parameters})
        assert response.status_code == 200, response.text
        body = response.json()
        rows = next(value for value in body.values() if isinstance(value, list))
        return list(rows)

    return search


@pytest.fixture(name="request_body")
def _request_body(library: Library, circ_desk: str) -> RequestBody:
    """Build the body of a request for an item, by barcodes; None removes a field."""

    def request_body(
        item: str = "2000000001", user: str = "1000000001", kind: str = "Page", **more: object
    ) -> Body:
        copy, patron = library.item_by_barcode(item), library.user_by_barcode(user)
        assert copy is not None
        assert patron is not None
        body = {
            "requestType": kind,
            "requestLevel": "Item",
            "requestDate": "2026-01-02T03:04:05Z",
            "requesterId": patron["id"],
            "instanceId": library.holdings[copy["holdingsRecordId"]]["instanceId"],
            "holdingsRecordId": copy["holdingsRecordId"],
            "itemId": copy["id"],
            "fulfillmentPreference": "Hold Shelf",
            "pickupServicePointId": circ_desk,
        }
        return {name: value for name, value in (body | more).items() if value is not None}

    return request_body


@pytest.fixture(name="refuse")
def _refuse(client: httpx.AsyncClient, library: Library) -> Refuse:
    """Send a body, check that it is refused and that no record has changed, and return the errors."""

    def state() -> bytes:
        return encode_records(
            library.loans,
            library.items,
            library.requests,
            library.batch_requests,
            library.batch_request_details,
            library.mediated_requests,
        )

    async def refuse(method: str, path: str, body: Body, caller: str = "", status: int = 422) -> list[Body]:
        before = state()
        headers = {"X-Okapi-Token": caller} if caller else {}
        response = await client.request(method, path, json=body, headers=headers)
        assert response.status_code == status, response.text
        assert state() == before
        errors: list[Body] = response.json()["errors"]
        return errors

    return refuse

"""Writes on manual blocks at the routes of mod-feesfines."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import Record

pytestmark = pytest.mark.anyio

NOTHING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(name="block")
def _block(library: Library) -> Record:
    return next(iter(library.manual_blocks.values()))


async def test_a_new_block_has_metadata_of_the_server(
    client: httpx.AsyncClient, library: Library, block: Record
) -> None:
    """Those of the body are ignored, and dates have FOLIO's form."""
    body = {
        "desc": "x",
        "userId": block["userId"],
        "expirationDate": "2030-01-01T00:00:00Z",
        "metadata": {"createdDate": "1999-01-01T00:00:00Z"},
    }

    response = await client.post("/manualblocks", json=body)

    created = response.json()
    assert response.status_code == 201
    assert created == library.manual_blocks[created["id"]]
    assert created["expirationDate"] == "2030-01-01T00:00:00.000+00:00"
    assert not created["metadata"]["createdDate"].startswith("1999")


@pytest.mark.parametrize(
    ("change", "status"), [({"desc": None}, 422), ({"userId": "x"}, 422), ({"borrowing": "yes"}, 400)]
)
async def test_an_invalid_block(
    client: httpx.AsyncClient, library: Library, block: Record, change: dict[str, Any], status: int
) -> None:
    """It is rejected, and nothing is stored."""
    before = len(library.manual_blocks)

    response = await client.post(
        "/manualblocks", json={"desc": "x", "userId": block["userId"], "borrowing": True} | change
    )

    assert response.status_code == status
    assert len(library.manual_blocks) == before


async def test_an_id_that_exists_is_a_400_without_a_reason(client: httpx.AsyncClient, block: Record) -> None:
    """Upstream does not say that the id is the problem."""
    response = await client.post(
        "/manualblocks", json={"id": block["id"], "desc": "x", "userId": block["userId"]}
    )

    assert (response.status_code, response.text) == (400, "Unable to process request")


async def test_a_put_replaces_all_but_the_creation(
    client: httpx.AsyncClient, library: Library, block: Record
) -> None:
    """Members that the body lacks are gone; the date of the change is new."""
    created, updated = block["metadata"]["createdDate"], block["metadata"]["updatedDate"]

    response = await client.put(f"/manualblocks/{block['id']}", json={"desc": "y", "userId": block["userId"]})

    stored = library.manual_blocks[block["id"]]
    assert response.status_code == 204
    assert set(stored) == {"id", "desc", "userId", "metadata"}
    assert stored["metadata"]["createdDate"] == created
    assert stored["metadata"]["updatedDate"] > updated


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_block_that_does_not_exist(client: httpx.AsyncClient, block: Record, method: str) -> None:
    """404 as text."""
    body = {"desc": "y", "userId": block["userId"]} if method == "PUT" else None

    response = await client.request(method, f"/manualblocks/{NOTHING}", json=body)

    assert (response.status_code, response.text) == (404, "Record Not Found")

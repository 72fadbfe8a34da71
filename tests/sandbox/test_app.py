"""Tenants, tokens and permissions: everything before a module receives the call."""

from __future__ import annotations

import httpx
import pytest

from gateway.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_tenant_is_required(client: httpx.AsyncClient) -> None:
    """A missing tenant header is reported in plain text."""
    del client.headers["X-Okapi-Tenant"]
    response = await client.get("/users")

    assert (response.status_code, response.text) == (400, "x-okapi-tenant header must be provided\n")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


async def test_unknown_tenant_is_rejected(client: httpx.AsyncClient) -> None:
    """A tenant that does not exist is rejected before its users are read."""
    response = await client.get("/users", headers={"X-Okapi-Tenant": "nowhere"})
    assert (response.status_code, response.text) == (400, "No such Tenant nowhere")


async def test_unknown_path(client: httpx.AsyncClient) -> None:
    """Okapi names path and tenant."""
    response = await client.get("/nothing/here")
    assert response.status_code == 404
    assert response.text == "No suitable module found for path /nothing/here for tenant diku"


async def test_tenants_share_no_record(sandbox: Sandbox) -> None:
    """Every id belongs to one tenant."""
    diku, college = sandbox.library("diku"), sandbox.library("college")
    for name in ("users", "items", "loans", "requests", "service_points", "groups", "instances"):
        assert not set(getattr(diku, name)) & set(getattr(college, name))


async def test_write_affects_one_tenant(client: httpx.AsyncClient, sandbox: Sandbox, circ_desk: str) -> None:
    """The same barcodes exist twice, and only one item is lent."""
    body = {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": circ_desk}
    await client.post("/circulation-bff/loans/check-out-by-barcode", json=body)

    lent = [sandbox.library(tenant).item_by_barcode("2000000001") for tenant in Sandbox.TENANTS]
    assert [item["status"]["name"] for item in lent if item] == ["Checked out", "Available"]


@pytest.mark.parametrize("token", ["sandbox:head", "sandbox:desk", "any other token"])
async def test_tokens_with_read_access(client: httpx.AsyncClient, token: str) -> None:
    """An unknown token is that of the head of circulation."""
    assert (await client.get("/users", headers={"X-Okapi-Token": token})).status_code == 200


async def test_missing_permission_is_named(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Okapi names the user and the permission in plain text."""
    user = sandbox.library("diku").user_by_name("nobody")
    assert user is not None
    response = await client.get("/users", headers={"X-Okapi-Token": "sandbox:nobody"})

    assert response.status_code == 403
    assert (
        response.text == f"Access for user 'nobody' ({user['id']}) requires permission: users.collection.get"
    )
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("token", ["expired", "sandbox:stranger"])
async def test_invalid_tokens(client: httpx.AsyncClient, token: str) -> None:
    """An expired token and one of an unknown user are 401 in plain text."""
    response = await client.get("/users", headers={"X-Okapi-Token": token})
    assert response.status_code == 401
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Okapi-Token": "sandbox:nobody"},
        {"Authorization": "Bearer sandbox:nobody"},
        {"Cookie": "folioAccessToken=sandbox:nobody"},
    ],
)
async def test_token_in_header_bearer_or_cookie(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Header, bearer token and cookie are equivalent."""
    assert (await client.get("/users", headers=headers)).status_code == 403


async def test_differing_tokens_are_rejected(client: httpx.AsyncClient) -> None:
    """Okapi does not choose between tokens."""
    headers = {"X-Okapi-Token": "one", "Authorization": "Bearer two"}
    assert (await client.get("/users", headers=headers)).status_code == 400


async def test_calls_are_logged(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Tests can count calls and inspect their tenants and headers."""
    await client.get("/users", params={"limit": "1"}, headers={"X-Okapi-Request-Id": "7/x", "X-Other": "y"})

    (call,) = sandbox.calls
    assert (call.method, call.path, call.query, call.tenant) == ("GET", "/users", {"limit": "1"}, "diku")
    assert call.headers["x-okapi-request-id"] == "7/x"
    assert "x-other" not in call.headers

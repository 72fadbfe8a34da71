"""The caller's user: GET /bl-users/_self and GET /users-keycloak/_self."""

from __future__ import annotations

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.http.permissions import OVERRIDE_PERMISSIONS
from gateway.sandbox.routes import ROUTES

pytestmark = pytest.mark.anyio

ALL = {each.permission for each in ROUTES if each.permission} | OVERRIDE_PERMISSIONS


async def permissions(
    client: httpx.AsyncClient, token: str, query: str = "?expandPermissions=true"
) -> object:
    response = await client.get(f"/bl-users/_self{query}", headers={"X-Okapi-Token": token})
    assert response.status_code == 200
    return response.json()["permissions"]["permissions"]


@pytest.mark.parametrize(
    ("staff", "expected"), [("head", ALL), ("desk", ALL - OVERRIDE_PERMISSIONS), ("nobody", set())]
)
async def test_permissions_are_those_of_the_routes(
    client: httpx.AsyncClient, staff: str, expected: set[str]
) -> None:
    """The listed permissions are the ones that the routes require; the route itself requires none."""
    granted = await permissions(client, f"sandbox:{staff}")

    assert granted == [{"permissionName": each} for each in sorted(expected)]


async def test_unexpanded_permissions_are_names(client: httpx.AsyncClient) -> None:
    """Without `expandPermissions` mod-users-bl lists names."""
    assert await permissions(client, "sandbox:head", "") == sorted(ALL)


@pytest.mark.parametrize("path", ["/bl-users/_self", "/users-keycloak/_self"])
@pytest.mark.parametrize("staff", ["head", "desk", "nobody"])
async def test_response_contains_the_user(
    client: httpx.AsyncClient, library: Library, path: str, staff: str
) -> None:
    """The record of the token's user is returned beside the permissions."""
    user = library.user_by_name(staff)
    response = await client.get(path, headers={"X-Okapi-Token": f"sandbox:{staff}"})

    assert user is not None
    assert response.json()["user"] == user
    assert (user["id"], user["username"]) == (response.json()["user"]["id"], staff)


@pytest.mark.parametrize("query", ["", "?expandPermissions=true"])
async def test_permissions_of_keycloak_are_names(client: httpx.AsyncClient, query: str) -> None:
    """mod-users-keycloak lists names, expanded or not."""
    response = await client.get(f"/users-keycloak/_self{query}")
    assert response.json()["permissions"]["permissions"] == sorted(ALL)


async def test_expired_token_is_rejected(client: httpx.AsyncClient) -> None:
    """An expired token is rejected, as on every route."""
    response = await client.get("/bl-users/_self", headers={"X-Okapi-Token": "expired"})

    assert response.status_code == 401

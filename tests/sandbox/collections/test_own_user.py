"""The user whose token it is: GET /bl-users/_self."""

from __future__ import annotations

import httpx
import pytest

from gateway.sandbox.http.permissions import OVERRIDE_PERMISSIONS
from gateway.sandbox.routes import ROUTES

pytestmark = pytest.mark.anyio

ALL = {each.permission for each in ROUTES if each.permission} | OVERRIDE_PERMISSIONS


async def permissions(
    client: httpx.AsyncClient, token: str, query: str = "?expandPermissions=true"
) -> object:
    answer = await client.get(f"/bl-users/_self{query}", headers={"X-Okapi-Token": token})
    assert answer.status_code == 200
    return answer.json()["permissions"]["permissions"]


@pytest.mark.parametrize(
    ("staff", "expected"), [("head", ALL), ("desk", ALL - OVERRIDE_PERMISSIONS), ("nobody", set())]
)
async def test_the_permissions_are_those_that_the_paths_ask_for(
    client: httpx.AsyncClient, staff: str, expected: set[str]
) -> None:
    """What somebody is told to have is what the other paths let them do; no permission is needed to ask."""
    told = await permissions(client, f"sandbox:{staff}")

    assert told == [{"permissionName": each} for each in sorted(expected)]


async def test_unexpanded_permissions_are_names(client: httpx.AsyncClient) -> None:
    """Without `expandPermissions` mod-users-bl lists texts."""
    assert await permissions(client, "sandbox:head", "") == sorted(ALL)


async def test_the_user_comes_along(client: httpx.AsyncClient) -> None:
    """Who it is stands beside the permissions."""
    answer = await client.get("/bl-users/_self", headers={"X-Okapi-Token": "sandbox:desk"})

    assert answer.json()["user"]["username"] == "desk"


async def test_a_token_is_needed_that_holds(client: httpx.AsyncClient) -> None:
    """A token that has run out is refused, as everywhere."""
    answer = await client.get("/bl-users/_self", headers={"X-Okapi-Token": "expired"})

    assert answer.status_code == 401

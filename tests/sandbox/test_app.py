"""Tenants, tokens and permissions: what happens before any service looks at a call."""

from __future__ import annotations

import httpx
import pytest

from gateway.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_without_a_tenant(client: httpx.AsyncClient) -> None:
    """The tenant header is required, and its absence is told in plain text."""
    del client.headers["X-Okapi-Tenant"]
    answer = await client.get("/users")

    assert (answer.status_code, answer.text) == (400, "x-okapi-tenant header must be provided\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_an_unknown_tenant(client: httpx.AsyncClient) -> None:
    """A tenant that does not exist has no users either."""
    answer = await client.get("/users", headers={"X-Okapi-Tenant": "nowhere"})
    assert (answer.status_code, answer.text) == (400, "No such Tenant nowhere")


async def test_an_unknown_path(client: httpx.AsyncClient) -> None:
    """Okapi names path and tenant."""
    answer = await client.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.text == "No suitable module found for path /nothing/here for tenant diku"


async def test_tenants_share_no_record(sandbox: Sandbox) -> None:
    """Every id belongs to one tenant."""
    diku, college = sandbox.library("diku"), sandbox.library("college")
    for name in ("users", "items", "loans", "requests", "service_points", "groups", "instances"):
        assert not set(getattr(diku, name)) & set(getattr(college, name))


async def test_an_act_in_one_tenant_leaves_the_other_alone(
    client: httpx.AsyncClient, sandbox: Sandbox, desk: str
) -> None:
    """The same barcodes exist twice, and only one copy is lent."""
    body = {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": desk}
    await client.post("/circulation-bff/loans/check-out-by-barcode", json=body)

    lent = [sandbox.library(tenant).item_by_barcode("2000000001") for tenant in Sandbox.TENANTS]
    assert [item["status"]["name"] for item in lent if item] == ["Checked out", "Available"]


@pytest.mark.parametrize("token", ["sandbox:head", "sandbox:desk", "any other token"])
async def test_tokens_that_may_read(client: httpx.AsyncClient, token: str) -> None:
    """A foreign token is taken for the head of circulation's."""
    assert (await client.get("/users", headers={"X-Okapi-Token": token})).status_code == 200


async def test_a_missing_permission_is_named(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Okapi says who lacks what, in plain text."""
    nobody = sandbox.library("diku").user_by_name("nobody")
    assert nobody is not None
    answer = await client.get("/users", headers={"X-Okapi-Token": "sandbox:nobody"})

    assert answer.status_code == 403
    assert (
        answer.text == f"Access for user 'nobody' ({nobody['id']}) requires permission: users.collection.get"
    )
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("token", ["expired", "sandbox:stranger"])
async def test_tokens_that_are_not_valid(client: httpx.AsyncClient, token: str) -> None:
    """An expired token and one of an unknown person are 401 in plain text."""
    answer = await client.get("/users", headers={"X-Okapi-Token": token})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Okapi-Token": "sandbox:nobody"},
        {"Authorization": "Bearer sandbox:nobody"},
        {"Cookie": "folioAccessToken=sandbox:nobody"},
    ],
)
async def test_three_carriers_of_a_token(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Header, bearer and cookie mean the same."""
    assert (await client.get("/users", headers=headers)).status_code == 403


async def test_two_tokens_that_differ(client: httpx.AsyncClient) -> None:
    """Okapi does not choose between tokens."""
    headers = {"X-Okapi-Token": "one", "Authorization": "Bearer two"}
    assert (await client.get("/users", headers=headers)).status_code == 400


async def test_calls_are_remembered(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Tests can count what was asked, of whom and with which headers."""
    await client.get("/users", params={"limit": "1"}, headers={"X-Okapi-Request-Id": "7/x", "X-Other": "y"})

    (call,) = sandbox.calls
    assert (call.method, call.path, call.query, call.tenant) == ("GET", "/users", {"limit": "1"}, "diku")
    assert call.headers["x-okapi-request-id"] == "7/x"
    assert "x-other" not in call.headers

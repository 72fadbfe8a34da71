"""Faults on demand."""

from __future__ import annotations

import httpx
import pytest

from gateway.sandbox import ConnectionLost, Sandbox
from gateway.sandbox.http.faults import Kind

pytestmark = pytest.mark.anyio


async def test_fault_is_limited_in_times(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """A fault limited to one call fails that call and no other."""
    sandbox.faults.add(path="/users", kind="status", status=503, times=1, headers={"Retry-After": "1"})

    broken, healed = await client.get("/users"), await client.get("/users")

    assert (broken.status_code, broken.text) == (503, "Internal Server Error")
    assert broken.headers["retry-after"] == "1"
    assert healed.status_code == 200


async def test_fault_is_limited_to_path_and_method(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Other calls are not affected."""
    sandbox.faults.add(path="/users", kind="status", method="POST")

    assert (await client.get("/users")).status_code == 200
    assert (await client.get("/groups")).status_code == 200
    assert (await client.post("/users")).status_code == 500


async def test_faults_can_be_cleared(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Without a limit a fault lasts until it is cleared."""
    sandbox.faults.add(kind="status", status=502)
    assert [(await client.get("/users")).status_code for _ in range(3)] == [502, 502, 502]

    sandbox.faults.clear()
    assert (await client.get("/users")).status_code == 200


async def test_truncated_json(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Half of the body arrives and looks complete to HTTP."""
    complete = await client.get("/groups")
    sandbox.faults.add(kind="truncate")
    half = await client.get("/groups")

    assert half.status_code == 200
    assert half.content == complete.content[: len(complete.content) // 2]


@pytest.mark.parametrize(
    ("kind", "content_type", "start"),
    [
        ("html", "text/html; charset=utf-8", "<!DOCTYPE"),
        ("empty", "application/json", ""),
        ("wrong_shape", "application/json", "[]"),
    ],
)
async def test_misleading_responses(
    client: httpx.AsyncClient, sandbox: Sandbox, kind: Kind, content_type: str, start: str
) -> None:
    """The status is a success, the body is not."""
    sandbox.faults.add(kind=kind)
    response = await client.get("/users")

    assert response.status_code == 200
    assert response.headers["content-type"] == content_type
    assert response.text[: len("<!DOCTYPE")] == start


async def test_wrong_shape(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """A collection can be sent without its rows."""
    sandbox.faults.add(kind="wrong_shape", shape={"totalRecords": 3})
    assert (await client.get("/users")).json() == {"totalRecords": 3}


async def test_reset_is_an_exception(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """In process a broken connection surfaces as an exception of the application."""
    sandbox.faults.add(kind="reset", times=1)

    with pytest.raises(ConnectionLost):
        await client.get("/users")


async def test_slow_response(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """A slow call is late and otherwise correct."""
    sandbox.faults.add(kind="slow", delay=0.05)
    response = await client.get("/users", params={"limit": "0"})

    assert response.json() == {"users": [], "totalRecords": 300}
    assert response.elapsed.total_seconds() >= 0.05


def test_unknown_kind_is_an_error(sandbox: Sandbox) -> None:
    """A misspelt fault is an error at once, not a test that passes by accident."""
    with pytest.raises(ValueError, match="unknown kind of fault: slowly"):
        sandbox.faults.add(kind="slowly")  # type: ignore[arg-type]  # the mistake under test

"""Failures on demand."""

from __future__ import annotations

import httpx
import pytest

from gateway.sandbox import ConnectionLost, Sandbox
from gateway.sandbox.http.faults import Kind

pytestmark = pytest.mark.anyio


async def test_a_status_wears_off(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """A fault limited to one call fails that call and no other."""
    sandbox.faults.add(path="/users", kind="status", status=503, times=1, headers={"Retry-After": "1"})

    broken, healed = await client.get("/users"), await client.get("/users")

    assert (broken.status_code, broken.text) == (503, "Internal Server Error")
    assert broken.headers["retry-after"] == "1"
    assert healed.status_code == 200


async def test_a_fault_is_for_a_path_and_a_method(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Other calls are not touched."""
    sandbox.faults.add(path="/users", kind="status", method="POST")

    assert (await client.get("/users")).status_code == 200
    assert (await client.get("/groups")).status_code == 200
    assert (await client.post("/users")).status_code == 500


async def test_faults_can_be_cleared(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Without a number of times a fault stays until it is cleared."""
    sandbox.faults.add(kind="status", status=502)
    assert [(await client.get("/users")).status_code for _ in range(3)] == [502, 502, 502]

    sandbox.faults.clear()
    assert (await client.get("/users")).status_code == 200


async def test_truncated_json(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Half of the body arrives and looks complete to HTTP."""
    whole = await client.get("/groups")
    sandbox.faults.add(kind="truncate")
    half = await client.get("/groups")

    assert half.status_code == 200
    assert half.content == whole.content[: len(whole.content) // 2]


@pytest.mark.parametrize(
    ("kind", "content_type", "start"),
    [
        ("html", "text/html; charset=utf-8", "<!DOCTYPE"),
        ("empty", "application/json", ""),
        ("wrong_shape", "application/json", "[]"),
    ],
)
async def test_misleading_answers(
    client: httpx.AsyncClient, sandbox: Sandbox, kind: Kind, content_type: str, start: str
) -> None:
    """Success by its status, nonsense by its body."""
    sandbox.faults.add(kind=kind)
    answer = await client.get("/users")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type
    assert answer.text[: len("<!DOCTYPE")] == start


async def test_a_chosen_shape(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """A collection can come without its rows."""
    sandbox.faults.add(kind="wrong_shape", shape={"totalRecords": 3})
    assert (await client.get("/users")).json() == {"totalRecords": 3}


async def test_a_reset_is_an_exception(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """In process a broken connection surfaces as an error of the transport's app."""
    sandbox.faults.add(kind="reset", times=1)

    with pytest.raises(ConnectionLost):
        await client.get("/users")


async def test_slowness(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """A slow call is late and otherwise right."""
    sandbox.faults.add(kind="slow", delay=0.05)
    answer = await client.get("/users", params={"limit": "0"})

    assert answer.json() == {"users": [], "totalRecords": 300}
    assert answer.elapsed.total_seconds() >= 0.05


def test_an_unknown_kind(sandbox: Sandbox) -> None:
    """A misspelt fault is an error at once, not a test that passes for nothing."""
    with pytest.raises(ValueError, match="unknown kind of fault: slowly"):
        sandbox.faults.add(kind="slowly")  # type: ignore[arg-type]  # the mistake under test

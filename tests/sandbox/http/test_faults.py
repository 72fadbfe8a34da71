"""Faults on demand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import httpx
import pytest
import uvicorn

from gateway.sandbox import ConnectionLost, Library, Sandbox
from gateway.sandbox.http.faults import MAINTENANCE_PAGE, Kind
from gateway.sandbox.library import Record

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


CHECK_OUT = "/circulation/check-out-by-barcode"
BROKEN: list[dict[str, Any]] = [
    {"kind": "status", "status": 502, "body": "Bad Gateway"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 504, "body": "upstream request timeout"},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "wrong_shape"},
    {"kind": "reset"},
    {"kind": "truncate"},
    {"kind": "slow", "delay": 60.0},
]


def loan_of_the_item(library: Library) -> Record | None:
    item = library.item_by_barcode("2000000001")
    assert item is not None
    return library.open_loan_of_item(item["id"])


def check_out_body(library: Library) -> dict[str, str]:
    desk = next(key for key, point in library.service_points.items() if point["name"] == "Circ Desk 1")
    return {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": desk}


@asynccontextmanager
async def served_over_a_socket(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the sandbox as its command does, and yield a client of it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(sandbox, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve([listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, headers={"X-Okapi-Tenant": "diku"}) as client:
            yield client
    finally:
        server.should_exit = server.force_exit = True
        await running
        listener.close()


async def outcome(client: httpx.AsyncClient, library: Library) -> str:
    """Return what the caller sees of a check-out: a status and text, or the name of an exception."""
    try:
        response = await asyncio.wait_for(client.post(CHECK_OUT, json=check_out_body(library)), 2.0)
    except (httpx.TransportError, ConnectionLost, TimeoutError) as error:
        return type(error).__name__
    return f"{response.status_code} {response.text}"


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("place", ["in process", "over a socket"])
async def test_fault_after_the_write(
    client: httpx.AsyncClient, sandbox: Sandbox, library: Library, fault: dict[str, Any], place: str
) -> None:
    """The library applies the write once, and its response is lost, late or wrong."""
    over = served_over_a_socket(sandbox) if place == "over a socket" else nullcontext(client)
    async with over as caller:
        sandbox.faults.add(path=CHECK_OUT, method="POST", after=True, times=1, **fault)
        seen = await outcome(caller, library)

    loan = loan_of_the_item(library)
    assert loan is not None
    lost = {"in process": "ConnectionLost", "over a socket": "RemoteProtocolError"}[place]
    expected = {
        "status": f"{fault.get('status')} {fault.get('body', 'Internal Server Error')}",
        "html": f"200 {MAINTENANCE_PAGE}",
        "empty": "200 ",
        "wrong_shape": "200 []",
        "reset": lost,
        "truncate": f'201 {{"id":"{loan["id"]}"',
        "slow": "TimeoutError",
    }[fault["kind"]]
    assert seen.startswith(expected)
    assert seen == expected or fault["kind"] == "truncate"
    assert sandbox.writes.served == sandbox.writes.applied == {("POST", CHECK_OUT): 1}


async def test_late_response_is_complete(
    client: httpx.AsyncClient, sandbox: Sandbox, library: Library
) -> None:
    """A slow fault after the write delays the true response."""
    sandbox.faults.add(kind="slow", after=True, delay=0.05)
    response = await client.post(CHECK_OUT, json=check_out_body(library))

    assert (response.status_code, response.json()["item"]["barcode"]) == (201, "2000000001")
    assert response.elapsed.total_seconds() >= 0.05


@pytest.mark.parametrize("kind", ["status", "html", "empty", "wrong_shape", "reset"])
async def test_fault_before_the_write(
    client: httpx.AsyncClient, sandbox: Sandbox, library: Library, kind: Kind
) -> None:
    """The library does not receive the call, which is logged and not counted."""
    sandbox.faults.add(kind=kind, path=CHECK_OUT, times=1)
    await outcome(client, library)

    assert loan_of_the_item(library) is None
    assert [call.path for call in sandbox.calls] == [CHECK_OUT]
    assert sandbox.writes.served == sandbox.writes.applied == {}


async def test_writes_are_counted(client: httpx.AsyncClient, sandbox: Sandbox, library: Library) -> None:
    """A refused write is served and not applied; reads and calls that no module receives are not counted."""
    for _ in range(3):
        await client.post(CHECK_OUT, json=check_out_body(library))
    await client.get("/users")
    await client.post(CHECK_OUT, json=check_out_body(library), headers={"X-Okapi-Tenant": "nowhere"})

    assert sandbox.writes.served == {("POST", CHECK_OUT): 3}
    assert sandbox.writes.applied == {("POST", CHECK_OUT): 1}

    sandbox.writes.clear()
    assert sandbox.writes.served == sandbox.writes.applied == {}


async def test_writes_of_locks_are_counted(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Polaris counts too, by the path of the lock."""
    path = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/9/objectlocks"
    headers = {"Authorization": sandbox.locks.authenticator.authorization("desk")}
    await client.post(path, json={"ObjectTypeID": 2, "ObjectID": 4712}, headers=headers)
    await client.delete(f"{path}/2/4712", headers=headers)
    await client.delete(f"{path}/2/4712", headers=headers)

    assert sandbox.writes.applied == {("POST", path): 1, ("DELETE", f"{path}/2/4712"): 1}
    assert sandbox.writes.served["DELETE", f"{path}/2/4712"] == 2

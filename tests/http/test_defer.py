"""`@defer`: one response for clients that do not accept parts, and parts for others."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import httpx
import msgspec
import pytest

from gateway.engine.plans.cache import PLANS_EXECUTED
from gateway.engine.running_mutations import RUNNING_MUTATIONS
from tests.gateway_under_test import open_gateway
from tests.http.desk import JSON, Connection, Desk, body
from tests.http.held_upstream import FIELD, held_upstream
from tests.server.edge import PATIENCE, gateway_process, post

pytestmark = pytest.mark.anyio

BY_ID = "multipart/mixed;incrementalSpec=v0.2,application/json"
PARTS = "multipart/mixed"
LOAN = '{ loan { id ... @defer(label: "who") { borrower } } }'
LENT = "mutation { lend { id ... @defer { borrower } } }"
LOANS = "query L { loans(first: 3) { nodes { id ... @defer { borrower { active } } } } }"


def parts_of(content: bytes) -> list[Any]:
    """Return the JSON of each part of a complete response."""
    opening, *parts, ending = content.split(b"\r\n---")
    assert (opening, ending) == (b"", b"--\r\n")
    decoded = []
    for part in parts:
        head, _, json = part.partition(b"\r\n\r\n")
        assert head == b"\r\ncontent-type: application/json; charset=utf-8"
        decoded.append(msgspec.json.decode(json))
    return decoded


async def send_query(desk: Desk, query: str, accept: str, **variables: Any) -> httpx.Response:
    desk.gate.set()
    return await desk.post({"Accept": accept}, query=query, variables=variables)


async def start_deferring(connection: Connection) -> asyncio.Task[None]:
    """Run a request until a deferred fragment has begun."""
    task = asyncio.create_task(connection.execute())
    await connection.desk.started.wait()
    return task


@pytest.mark.parametrize(
    "accept",
    [
        JSON,
        "*/*",
        "",
        "multipart/mixed;q=0, application/json",
        "multipart/mixed;deferSpec=20220824,application/json",
    ],
)
async def test_one_piece(desk: Desk, accept: str) -> None:
    """A client that does not accept parts gets one response."""
    response = await send_query(desk, LOAN, accept)

    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert response.json() == {"data": {"loan": {"id": "1", "borrower": "borrower"}}}


async def test_parts_by_id(desk: Desk) -> None:
    """The form of v0.2 names what is pending, and each part by its id."""
    response = await send_query(desk, LOAN, BY_ID)

    assert response.status_code == 200
    assert response.headers["content-type"] == 'multipart/mixed; boundary="-"; incrementalSpec=v0.2'
    assert response.headers["cache-control"] == "no-store"
    assert parts_of(response.content) == [
        {
            "data": {"loan": {"id": "1"}},
            "pending": [{"id": "0", "path": ["loan"], "label": "who"}],
            "hasNext": True,
        },
        {
            "incremental": [{"id": "0", "data": {"borrower": "borrower"}}],
            "completed": [{"id": "0"}],
            "hasNext": False,
        },
    ]


async def test_a_part_that_fails(desk: Desk) -> None:
    """A part that fails has a coded error, and does not affect the others."""
    response = await send_query(desk, "{ loan { id ... @defer { neverNull } } late }", BY_ID)

    first, last = parts_of(response.content)
    assert first["data"] == {"loan": {"id": "1"}, "late": None}
    assert [error["path"] for error in first["errors"]] == [["late"]]
    assert last["hasNext"] is False
    (error,) = last["completed"][0]["errors"]
    assert error["path"] == ["loan", "neverNull"]
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    assert error["extensions"]["requestId"] == response.headers["x-okapi-request-id"]


async def test_parts_below_each_other(desk: Desk) -> None:
    """A deferred fragment inside another one is a separate part with its path."""
    query = "{ ... @defer { loan { id ... @defer { borrower } } } }"

    parts = parts_of((await send_query(desk, query, BY_ID)).content)

    values = [each["data"] for part in parts[1:] for each in part["incremental"]]
    assert values == [{"loan": {"id": "1"}}, {"borrower": "borrower"}]
    assert [each["path"] for part in parts for each in part.get("pending", ())] == [[], ["loan"]]


async def test_the_first_part_does_not_wait(desk: Desk) -> None:
    """The first part is sent while the rest is being fetched."""
    connection = Connection(desk, body(LOAN), headers=[(b"accept", BY_ID.encode())])
    task = await start_deferring(connection)

    assert b'"data":{"loan":{"id":"1"}}' in connection.body
    assert connection.body.endswith(b"\r\n---")
    desk.gate.set()
    await task

    assert [part["hasNext"] for part in parts_of(connection.body)] == [True, False]
    assert await connection.left_behind() == set()


@pytest.mark.parametrize("condition", ["@defer(if: false)", "@defer(if: $wanted)"])
async def test_nothing_is_deferred(desk: Desk, condition: str) -> None:
    """If no condition is true, the response is plain JSON for every client."""
    query = "query($wanted: Boolean = true) { loan { id ... " + condition + " { borrower } } late"
    query += " @include(if: $wanted) }"

    response = await send_query(desk, query, BY_ID, wanted=False)

    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert response.json() == {"data": {"loan": {"id": "1", "borrower": "borrower"}}}


async def test_the_condition_is_a_default(desk: Desk) -> None:
    """A condition without a value has the default of its variable."""
    query = "query($wanted: Boolean = false) { loan { id ... @defer(if: $wanted) { borrower } } }"

    response = await send_query(desk, query, BY_ID)

    assert response.json() == {"data": {"loan": {"id": "1", "borrower": "borrower"}}}


@pytest.mark.parametrize(("number", "media_type"), [(5, PARTS), (6, JSON)])
async def test_many_deferred_fragments(desk: Desk, number: int, media_type: str) -> None:
    """Beyond five deferred fragments, counted at each spread, there is a single response."""
    spread = " ".join(f"a{place}: loan {{ ...Slow }}" for place in range(number))
    query = f"{{ {spread} }} fragment Slow on Loan {{ id ... @defer {{ borrower }} }}"

    response = await send_query(desk, query, BY_ID)

    assert response.headers["content-type"].split(";")[0] == media_type
    assert response.content.count(b'"borrower":"borrower"') == number


async def test_another_operation_with_deferred_fragments(desk: Desk) -> None:
    """Fragments deferred by another operation of the document have no effect."""
    query = "query A { loan { id borrower } } query B { loan { ... @defer { borrower } } }"
    desk.gate.set()

    response = await desk.post({"Accept": BY_ID}, query=query, operationName="A")

    assert response.json() == {"data": {"loan": {"id": "1", "borrower": "borrower"}}}


async def test_a_refusal_is_no_part(desk: Desk) -> None:
    """An operation that is not executed has a single response for every client."""
    response = await send_query(desk, "{ loan { ... @defer { nobody } } }", BY_ID)

    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert response.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_mutation_fields_are_not_deferred(desk: Desk) -> None:
    """A mutation field cannot be deferred, and no list can be streamed."""
    for query in ("mutation { ... @defer { lend { id } } }", "{ letters @stream }"):
        response = await send_query(desk, query, BY_ID)
        assert response.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"

    assert desk.calls == []


async def test_disconnect_cancels_deferred_fragments(desk: Desk) -> None:
    """A disconnect cancels deferred fragments, and no task is left behind."""
    connection = Connection(desk, body(LOAN), headers=[(b"accept", BY_ID.encode())])
    task = await start_deferring(connection)

    connection.disconnect()
    await task

    assert desk.cancelled == ["borrower"]
    assert await connection.left_behind() == set()
    assert not connection.body.endswith(b"--\r\n")


async def test_mutation_runs_until_its_last_part(desk: Desk) -> None:
    """At shutdown all parts of a mutation's response are sent, and none is cancelled."""
    connection = Connection(desk, body(LENT), headers=[(b"accept", BY_ID.encode())])
    task = await start_deferring(connection)
    assert (desk.calls, RUNNING_MUTATIONS.counts[""]) == (["lend"], 1)

    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    desk.gate.set()
    await task

    assert parts_of(connection.body)[1]["incremental"] == [{"id": "0", "data": {"borrower": "borrower"}}]
    assert RUNNING_MUTATIONS.counts[""] == 0
    assert await connection.left_behind() == set()


async def test_shutdown_cancels_deferred_queries(desk: Desk) -> None:
    """A query is cancelled with its request, deferred fragments included."""
    connection = Connection(desk, body(LOAN), headers=[(b"accept", BY_ID.encode())])
    task = await start_deferring(connection)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert desk.cancelled == ["borrower"]
    assert await connection.left_behind() == set()


async def test_a_part_that_cannot_be_encoded(desk: Desk) -> None:
    """After the status was sent, an error part ends the response."""
    response = await send_query(desk, "{ title ... @defer { unencodable } }", BY_ID)

    first, last = parts_of(response.content)
    assert first["data"] == {"title": "Title 1"}
    assert last["hasNext"] is False
    assert last["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"


async def test_a_first_part_that_cannot_be_encoded(desk: Desk) -> None:
    """Before anything is sent, an internal error is a 500 as usual."""
    response = await send_query(desk, "{ unencodable ... @defer { title } }", BY_ID)

    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert desk.calls == []


async def test_plans_serve_one_piece() -> None:
    """A single response to an operation with @defer is executed by its plan, with the same result."""
    async with open_gateway() as gateway:
        plain = await gateway.data(LOANS.replace("... @defer", "..."))
        planned = PLANS_EXECUTED.counts[""]

        assert await gateway.data(LOANS) == plain
        assert PLANS_EXECUTED.counts[""] == planned + 1


async def test_deferred_links_share_a_call() -> None:
    """A link that is deferred in every row of a list is one upstream call, after that of the list."""
    async with open_gateway() as gateway:
        headers = {"X-Okapi-Tenant": "diku", "Accept": BY_ID}
        response = await gateway.http.post("/graphql", json={"query": LOANS}, headers=headers)

        first, last = parts_of(response.content)
        assert gateway.paths() == ["GET /circulation-bff/loans", "GET /users"]
        plain = await gateway.data(LOANS)
    nodes = first["data"]["loans"]["nodes"]
    rows = {each["id"]: each["path"][-1] for each in first["pending"]}
    for each in last["incremental"]:
        nodes[rows[each["id"]]] |= each["data"]
    assert first["data"] == plain


# On the wire

LATER = "{ __typename ... on DueDateChanged { ... @defer { loan { dueDate } } } }"
HELD_MUTATION = msgspec.json.encode({"query": f"mutation {{ {FIELD.replace('{ __typename }', LATER)} }}"})
HELD_QUERY = msgspec.json.encode({"query": "{ __typename ... @defer { loans { totalCount } } }"})


def test_parts_of_a_mutation_survive_the_signal() -> None:
    """At shutdown the last part of a mutation's response is waited for beyond SHUTDOWN_TIMEOUT."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, "--shutdown-timeout=1") as gateway,
        gateway.client() as client,
    ):
        client.send(post(b"Accept: " + BY_ID.encode(), body=HELD_MUTATION))
        upstream.wait_for(1)
        upstream.release()  # the mutation is done
        upstream.wait_for(1)  # the deferred fragment is being fetched
        assert client.head()[0] == "HTTP/1.1 200 OK"
        first = client.chunk()
        assert b'"data":{"changeDueDate":{"__typename":"DueDateChanged"}}' in first

        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(2.2)  # beyond SHUTDOWN_TIMEOUT, when the server cancels its requests
        assert gateway.process.poll() is None
        assert upstream.release() == [True]

        _, last = parts_of(first + client.chunk())
        (value,) = last["incremental"]  # the response of the test upstream is no loan
        assert (value["data"], value["errors"][0]["path"]) == ({"loan": None}, ["changeDueDate", "loan"])
        assert gateway.process.wait(PATIENCE) == 0


def test_disconnect_cancels_upstream_calls() -> None:
    """If the client of a query disconnects between two parts, its upstream calls are cancelled."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url) as gateway,
    ):
        with gateway.client() as client:
            client.send(post(b"Accept: " + BY_ID.encode(), body=HELD_QUERY))
            upstream.wait_for(1)
            client.head()
            assert b'"data":{"__typename":"Query"}' in client.chunk()
        time.sleep(2)  # the maximum time of a cancellation

        assert upstream.release() == [False]

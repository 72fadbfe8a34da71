"""When the client disconnects, queries are cancelled and mutations are not."""

import asyncio

import pytest

from tests.http.desk import Connection, Desk, body

pytestmark = pytest.mark.anyio

QUERY = body("{ waiting }")
MUTATION = body('mutation { checkOut(barcode: "1") }')
TWO_MUTATIONS = body('mutation { a: checkOut(barcode: "1") b: checkOut(barcode: "2") }')


async def start_request(connection: Connection) -> asyncio.Task[None]:
    """Run the request until its resolver waits."""
    task = asyncio.create_task(connection.execute())
    await connection.desk.started.wait()
    return task


async def test_query_is_cancelled(desk: Desk) -> None:
    """A query is cancelled when its client disconnects, and no response is sent."""
    connection = Connection(desk, QUERY)
    task = await start_request(connection)

    connection.disconnect()
    await task

    assert desk.cancelled == ["waiting"]
    assert (desk.calls, connection.status) == ([], None)
    assert task.cancelling() == 0
    assert await connection.left_behind() == set()


async def test_every_branch_is_cancelled(desk: Desk) -> None:
    """All fields that a query waits for are cancelled together."""
    connection = Connection(desk, body("{ a: waiting b: waiting c: waiting tenant }"))
    task = await start_request(connection)
    await asyncio.sleep(0)

    connection.disconnect()
    await task

    assert desk.cancelled == ["waiting"] * 3
    assert await connection.left_behind() == set()


async def test_mutation_is_finished(desk: Desk) -> None:
    """A mutation that has begun is finished, even if no client reads its response."""
    connection = Connection(desk, MUTATION)
    task = await start_request(connection)

    connection.disconnect()
    await asyncio.sleep(0)
    desk.gate.set()
    await task

    assert desk.calls == ["checkOut 1"]
    assert desk.cancelled == []


async def test_every_mutation_is_finished(desk: Desk) -> None:
    """All mutations of one operation are finished, the second as well."""
    connection = Connection(desk, TWO_MUTATIONS)
    task = await start_request(connection)

    connection.disconnect()
    desk.gate.set()
    await task

    assert desk.calls == ["checkOut 1", "checkOut 2"]


async def test_patient_client(desk: Desk) -> None:
    """A client that stays connected gets its response, and the watch for its disconnect ends."""
    connection = Connection(desk, QUERY)
    task = await start_request(connection)

    desk.gate.set()
    await task

    assert connection.json == {"data": {"waiting": "waiting"}}
    assert await connection.left_behind() == set()


async def test_more_from_the_client(desk: Desk) -> None:
    """Messages other than a disconnect are ignored."""
    connection = Connection(desk, QUERY, {"type": "http.request"})
    task = await start_request(connection)
    await asyncio.sleep(0)

    desk.gate.set()
    await task

    assert connection.json == {"data": {"waiting": "waiting"}}


@pytest.mark.parametrize("message", [QUERY, MUTATION])
async def test_disconnect_before_the_end_of_the_body(desk: Desk, message: dict[str, object]) -> None:
    """A request whose body is incomplete is never executed, query or mutation."""
    connection = Connection(desk, message | {"more_body": True})
    connection.disconnect()

    await connection.execute()

    assert (desk.calls, desk.contexts, connection.status) == ([], 0, None)


async def test_cancellation_by_the_server(desk: Desk) -> None:
    """A request that the server cancels is cancelled as usual; that is no disconnect."""
    connection = Connection(desk, QUERY)
    task = await start_request(connection)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert desk.cancelled == ["waiting"]
    assert await connection.left_behind() == set()


async def test_cancellation_by_the_server_and_disconnect(desk: Desk) -> None:
    """When both happen at once, the server's cancellation is not swallowed."""
    connection = Connection(desk, QUERY)
    task = await start_request(connection)
    await asyncio.sleep(0)

    connection.disconnect()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await connection.left_behind() == set()


async def test_immediate_response(desk: Desk) -> None:
    """An operation without waiting does not listen for a disconnect."""
    connection = await desk.raw(body("{ title }"))

    assert connection.json == {"data": {"title": "Title 1"}}
    assert connection.received == 1

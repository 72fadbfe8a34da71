"""When the client hangs up, questions stop and acts do not."""

import asyncio

import pytest

from tests.http.desk import Connection, Desk, body

pytestmark = pytest.mark.anyio

QUERY = body("{ waiting }")
ACT = body('mutation { checkOut(barcode: "1") }')
TWO_ACTS = body('mutation { a: checkOut(barcode: "1") b: checkOut(barcode: "2") }')


async def started(connection: Connection) -> asyncio.Task[None]:
    """Run the request until its resolver waits."""
    task = asyncio.create_task(connection.execute())
    await connection.desk.started.wait()
    return task


async def test_query_is_cancelled(desk: Desk) -> None:
    """A query is cancelled when its client disconnects, and no response is sent."""
    connection = Connection(desk, QUERY)
    task = await started(connection)

    connection.disconnect()
    await task

    assert desk.cancelled == ["waiting"]
    assert (desk.calls, connection.status) == ([], None)
    assert task.cancelling() == 0
    assert await connection.left_behind() == set()


async def test_every_branch_is_cancelled(desk: Desk) -> None:
    """All fields that a query waits for are cancelled together."""
    connection = Connection(desk, body("{ a: waiting b: waiting c: waiting tenant }"))
    task = await started(connection)
    await asyncio.sleep(0)

    connection.disconnect()
    await task

    assert desk.cancelled == ["waiting"] * 3
    assert await connection.left_behind() == set()


async def test_mutation_is_finished(desk: Desk) -> None:
    """A mutation that has begun is finished, even if no client reads its response."""
    connection = Connection(desk, ACT)
    task = await started(connection)

    connection.disconnect()
    await asyncio.sleep(0)
    desk.gate.set()
    await task

    assert desk.calls == ["checkOut 1"]
    assert desk.cancelled == []


async def test_every_mutation_is_finished(desk: Desk) -> None:
    """Mutations of one mutation belong together: the second is done as well."""
    connection = Connection(desk, TWO_ACTS)
    task = await started(connection)

    connection.disconnect()
    desk.gate.set()
    await task

    assert desk.calls == ["checkOut 1", "checkOut 2"]


async def test_patient_client(desk: Desk) -> None:
    """A client that stays connected gets its response, and the watch for its disconnect ends."""
    connection = Connection(desk, QUERY)
    task = await started(connection)

    desk.gate.set()
    await task

    assert connection.json == {"data": {"waiting": "waiting"}}
    assert await connection.left_behind() == set()


async def test_more_from_the_client(desk: Desk) -> None:
    """Messages that say nothing about leaving are passed over."""
    connection = Connection(desk, QUERY, {"type": "http.request"})
    task = await started(connection)
    await asyncio.sleep(0)

    desk.gate.set()
    await task

    assert connection.json == {"data": {"waiting": "waiting"}}


@pytest.mark.parametrize("message", [QUERY, ACT])
async def test_gone_before_the_body_ended(desk: Desk, message: dict[str, object]) -> None:
    """A request that never came whole is never executed, be it an act or not."""
    connection = Connection(desk, message | {"more_body": True})
    connection.disconnect()

    await connection.execute()

    assert (desk.calls, desk.contexts, connection.status) == ([], 0, None)


async def test_cancelled_from_outside(desk: Desk) -> None:
    """A server that stops a request cancels it as usual; that is no disconnect."""
    connection = Connection(desk, QUERY)
    task = await started(connection)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert desk.cancelled == ["waiting"]
    assert await connection.left_behind() == set()


async def test_cancelled_from_outside_and_gone(desk: Desk) -> None:
    """When both happen at once, the server's cancellation is not swallowed."""
    connection = Connection(desk, QUERY)
    task = await started(connection)
    await asyncio.sleep(0)

    connection.disconnect()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await connection.left_behind() == set()


async def test_immediate_answer(desk: Desk) -> None:
    """An operation that waits for nothing does not listen for the client at all."""
    connection = await desk.raw(body("{ title }"))

    assert connection.json == {"data": {"title": "Title 1"}}
    assert connection.received == 1

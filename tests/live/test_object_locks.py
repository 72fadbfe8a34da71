"""Changes of object locks: Polaris sends no events, so that it is polled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.engine.polls import FAILURES
from gateway.identity import PolarisIdentity
from tests.live.live_library import LiveLibrary, idle, live_library

pytestmark = pytest.mark.anyio

CHANGED = (
    "subscription($id: Int!) { objectLockChanged(objectType: PATRON, objectId: $id) { kind objectLock { id "
    "polarisUserName } } }"
)
LOCK = "mutation { lockObject(input: {objectType: PATRON, objectId: 4711}) { __typename } }"
UNLOCK = "mutation { unlockObject(input: {objectType: PATRON, objectId: 4711}) { __typename } }"


@pytest.fixture(params=["plan", "generic"], name="live")
async def _live(request: pytest.FixtureRequest) -> AsyncIterator[LiveLibrary]:
    async with live_library(execution=request.param) as opened:
        yield opened


def staff(live: LiveLibrary, name: str = "desk", workstation: int = 7) -> PolarisIdentity:
    authorization = live.summary.polaris_authorizations[name]
    return PolarisIdentity(authorization=authorization, workstation=workstation, organization=3)


async def test_a_lock_that_is_taken_and_released(live: LiveLibrary) -> None:
    """Subscribers of an object learn that another user has locked it, and has released it."""
    stream = await live.subscribe(CHANGED, {"id": 4711}, polaris=staff(live))
    waiting = await stream.begin()

    await live.mutate(LOCK, polaris=staff(live, "annex", 12))
    taken = await waiting
    await live.mutate(UNLOCK, polaris=staff(live, "annex", 12))
    released = await stream.next()

    lock = {
        "id": "27:4711",
        "polarisUserName": taken.data["objectLockChanged"]["objectLock"]["polarisUserName"],
    }
    assert taken.data == {"objectLockChanged": {"kind": "CREATED", "objectLock": lock}}
    assert "annex" in lock["polarisUserName"].lower()
    assert released.data == {"objectLockChanged": {"kind": "DELETED", "objectLock": None}}


async def test_subscribers_of_an_object_share_its_poll(live: LiveLibrary) -> None:
    """Streams of one identity have one poll, whatever they select, and it ends with the last of them."""
    other = CHANGED.replace("kind objectLock", "kind occurredAt objectLock")
    streams = [
        await live.subscribe(each, {"id": 4711}, polaris=staff(live)) for each in (CHANGED, CHANGED, other)
    ]
    streams.append(await live.subscribe(CHANGED, {"id": 4711}, polaris=staff(live, "annex", 12)))
    waiting = [await each.begin() for each in streams]
    polls = live.operations.subscriptions.polls

    assert len(polls) == 2
    await live.mutate(LOCK, polaris=staff(live))
    for each in waiting:
        assert (await each).data["objectLockChanged"]["kind"] == "CREATED"
    for stream in streams:
        await stream.response.aclose()
    assert len(polls) == 0
    live.calls()
    await asyncio.sleep(0.06)
    assert live.calls() == []


async def test_an_unchanged_lock_is_polled_in_silence(live: LiveLibrary) -> None:
    """Nothing is sent while nothing changes, or if Polaris cannot be read once."""
    stream = await live.subscribe(CHANGED, {"id": 29937}, polaris=staff(live))
    waiting = await stream.begin()
    assert len(live.calls()) == 1
    live.sandbox.faults.add(kind="html", path="/Polaris", times=1)

    await asyncio.sleep(0.1)

    assert len(live.calls()) >= 2
    assert await idle(waiting)


@pytest.mark.parametrize(("status", "code"), [(500, "UPSTREAM_ERROR"), (403, "FORBIDDEN")])
async def test_an_outage_of_polaris_is_shown(live: LiveLibrary, status: int, code: str) -> None:
    """A lock that cannot be read again and again is one error, and then the lock as it is."""
    stream = await live.subscribe(CHANGED, {"id": 4711}, polaris=staff(live))
    waiting = await stream.begin()
    live.sandbox.faults.add(kind="status", status=status, path="/Polaris")

    failed = await waiting
    reads = len(live.calls())
    waiting = await stream.begin()
    await asyncio.sleep(0.1)
    assert len(live.calls()) >= 2
    assert await idle(waiting)
    live.sandbox.faults.clear()
    restored = await waiting

    assert failed.codes == [code]
    assert failed.response["data"] == {"objectLockChanged": None}
    assert reads == 1 + FAILURES + 1
    assert restored.data == {"objectLockChanged": {"kind": "RESYNC", "objectLock": None}}


async def test_a_lock_that_is_taken_again_is_not_deleted(live: LiveLibrary) -> None:
    """A lock that was released when it was polled, and is held when it is read, is a changed one."""
    await live.mutate(LOCK, polaris=staff(live, "annex", 12))
    stream = await live.subscribe(CHANGED, {"id": 4711}, polaris=staff(live))
    waiting = await stream.begin()
    released = '{"ErrorCode": 0, "Message": "The object is not locked."}'
    live.sandbox.faults.add(kind="status", status=404, body=released, path="/Polaris", times=1)

    result = (await waiting).data["objectLockChanged"]

    assert (result["kind"], result["objectLock"]["id"]) == ("UPDATED", "27:4711")


async def test_the_end_of_the_login_ends_the_stream(live: LiveLibrary) -> None:
    """A login that Polaris no longer accepts ends the stream."""
    stream = await live.subscribe(CHANGED, {"id": 4711}, polaris=staff(live))
    waiting = await stream.begin()

    live.sandbox.faults.add(kind="status", status=401, path="/Polaris")

    end = await waiting
    assert (end.id, end.codes) == (None, ["UNAUTHENTICATED"])
    assert await stream.has_ended()


async def test_without_a_login_nothing_is_watched(live: LiveLibrary) -> None:
    """A caller whom Polaris does not know is refused at the beginning."""
    stream = await live.subscribe(CHANGED, {"id": 4711})

    result = await stream.next()

    assert result.codes == ["UNAUTHENTICATED"]
    assert await stream.has_ended()
    assert len(live.operations.subscriptions.polls) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("objectType: UNKNOWN, objectId: 1", "`objectType` must not be UNKNOWN."),
        ("objectType: PATRON, objectId: 0", "`objectId` must be between 1 and 2147483647; got 0."),
    ],
)
async def test_invalid_objects(live: LiveLibrary, arguments: str, message: str) -> None:
    """An object that cannot be locked is refused, and nothing is read."""
    (error,) = await live.refused(f"subscription {{ objectLockChanged({arguments}) {{ kind }} }}")

    assert (error["message"], error["extensions"]["code"]) == (message, "BAD_USER_INPUT")


async def test_resuming_is_a_resync(live: LiveLibrary) -> None:
    """Changes of locks are not kept, so that a stream which resumes begins with the lock as it is."""
    stream = await live.subscribe(CHANGED, {"id": 4711}, polaris=staff(live))
    id = stream.response.resume_id
    await stream.response.aclose()

    resumed = await live.subscribe(CHANGED, {"id": 4711}, polaris=staff(live), resume_after=id)

    assert (await resumed.next()).data == {"objectLockChanged": {"kind": "RESYNC", "objectLock": None}}

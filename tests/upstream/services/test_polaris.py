"""Object locks: their calls, and the meaning of their statuses."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gateway import errors
from gateway.identity import Caller, PolarisIdentity
from gateway.settings import Settings
from gateway.upstream.services import Services
from gateway.upstream.services.polaris import HeldByAnother, Lock, Polaris

pytestmark = pytest.mark.anyio

BASE = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/118"
STAFF = PolarisIdentity(authorization="PAS polaris:token:secret", workstation=118, organization=3)
LOCK = {
    "ObjectTypeID": 27,
    "ObjectID": 29937,
    "PolarisUserID": 7,
    "WorkstationID": 118,
    "LockDate": "2017-09-01T15:56:23.353-04:00",
    "ExistingLock": False,
}
HELD = {
    "ErrorCode": 70000,
    "Message": "...PolarisObjectLockException...",
    "MessageDetail": None,
    "StackTrace": None,
    "InnerException": None,
    "Data": {"ObjectTypeID": 27, "ObjectID": 29937, "PolarisUserID": 9, "PolarisUserName": "jdoe"},
}


class Desk:
    """Polaris behind a function, called by one staff member."""

    def __init__(
        self,
        status: int = 200,
        content: Any = None,  # Any: JSON, or a body as bytes
        *,
        identity: PolarisIdentity | None = STAFF,
        **settings: Any,  # Any: settings are of several types
    ) -> None:
        self.requests: list[httpx.Request] = []
        body = content if isinstance(content, bytes) else json.dumps(content).encode()

        def respond(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return httpx.Response(status, content=body, headers={"Content-Type": "text/json"})

        services = Services(
            Settings(polaris_url="http://polaris", **settings), lambda limits: httpx.MockTransport(respond)
        )
        caller = Caller(tenant="diku", token="folio", request_id="1/x", polaris=identity)  # noqa: S106 - no secret
        self.polaris: Polaris = services.for_caller(caller).polaris

    def sent(self) -> list[tuple[str, str, bytes]]:
        return [(each.method, each.url.raw_path.decode(), each.content) for each in self.requests]


async def test_one_lock() -> None:
    """The lock on an object, regardless of its holder."""
    desk = Desk(200, LOCK)

    assert await desk.polaris.lock(27, 29937) == LOCK
    assert desk.sent() == [("GET", f"{BASE}/objectlocks/27/29937", b"")]


NOT_LOCKED = {"ErrorCode": 0, "Message": "The object is not locked.", "Data": None}
PAGE = b"<html>404 - File or directory not found.</html>"
NOT_OF_POLARIS: list[Any] = [  # Any: JSON, or a body as bytes
    PAGE,
    b"",
    None,
    {},
    [],
    {"Message": "No HTTP resource was found that matches the request URI.", "MessageDetail": "No type."},
    {"ErrorCode": None, "Message": "no"},
    {"ErrorCode": "0"},
    {"ErrorCode": False},
    {"message": "no Route matched with those values"},
    b"No suitable module found for path /Polaris.ApplicationServices for tenant diku",
]


async def test_no_lock() -> None:
    """A 404 of Polaris means that the object is not locked, which is no failure."""
    desk = Desk(404, NOT_LOCKED)

    assert await desk.polaris.lock(27, 29937) is None
    assert len(desk.requests) == 1


@pytest.mark.parametrize(
    ("everyones", "target"), [(False, "objectlocks"), (True, "objectlocks?getAllLocks=true")]
)
async def test_several_locks(everyones: bool, target: str) -> None:
    """The caller's own locks, or those of the complete system."""
    desk = Desk(200, [LOCK, LOCK])

    assert await desk.polaris.locks(everyones=everyones) == [LOCK, LOCK]
    assert desk.sent() == [("GET", f"{BASE}/{target}", b"")]


@pytest.mark.parametrize("content", [{}, None, "", [None], [[]], b"", b"<html>"])
async def test_locks_of_another_shape(content: Any) -> None:
    """Only a list of objects is a list of locks."""
    with pytest.raises(errors.UpstreamBadResponse):
        await Desk(200, content).polaris.locks(everyones=False)


@pytest.mark.parametrize("content", [[], None, "", b"", b"<html>"])
async def test_a_lock_of_another_shape(content: Any) -> None:
    """Only an object is a lock."""
    with pytest.raises(errors.UpstreamBadResponse):
        await Desk(200, content).polaris.lock(27, 29937)


@pytest.mark.parametrize("existing", [False, True])
async def test_locking(existing: bool) -> None:
    """The granted lock is returned, with the member that says if the caller had it before."""
    desk = Desk(200, LOCK | {"ExistingLock": existing})

    assert await desk.polaris.lock_object(27, 29937) == Lock(LOCK | {"ExistingLock": existing})
    assert desk.sent() == [("POST", f"{BASE}/objectlocks", b'{"ObjectTypeID":27,"ObjectID":29937}')]


async def test_locking_an_object_that_another_holds() -> None:
    """The 409 describes the holder of the lock; that is a result and no error."""
    desk = Desk(409, HELD)

    assert await desk.polaris.lock_object(27, 29937) == HeldByAnother(HELD["Data"])  # type: ignore[arg-type]  # JSON
    assert len(desk.requests) == 1


@pytest.mark.parametrize(("status", "body"), [(200, b""), (200, b"null"), (200, b" \r\n"), (204, b"")])
async def test_unlocking(status: int, body: bytes) -> None:
    """One lock is released by its object, and a bare success proves it."""
    desk = Desk(status, body)

    assert await desk.polaris.unlock_object(27, 29937) is None
    assert desk.sent() == [("DELETE", f"{BASE}/objectlocks/27/29937", b"")]


async def test_unlocking_an_object_that_is_not_locked() -> None:
    """There is nothing to release, which is a success."""
    desk = Desk(404, NOT_LOCKED)

    assert await desk.polaris.unlock_object(27, 29937) is None
    assert len(desk.requests) == 1


async def test_unlocking_an_object_that_another_holds() -> None:
    """The lock stays with its holder, who is returned."""
    desk = Desk(409, HELD)

    assert await desk.polaris.unlock_object(27, 29937) == HeldByAnother(HELD["Data"])  # type: ignore[arg-type]  # JSON
    assert len(desk.requests) == 1


@pytest.mark.parametrize("content", [{}, {"Data": None}, {"Data": []}, [], None, b"", b"<html>"])
async def test_a_conflict_without_a_holder(content: Any) -> None:
    """A 409 is a conflict even if its body does not describe the holder."""
    assert await Desk(409, content).polaris.lock_object(27, 29937) == HeldByAnother({})
    assert await Desk(409, content).polaris.unlock_object(27, 29937) == HeldByAnother({})


async def test_releasing_all_own_locks() -> None:
    """Every lock of this user at this workstation is released by one call."""
    desk = Desk(200, b"")

    await desk.polaris.release_my_locks()

    assert desk.sent() == [("DELETE", f"{BASE}/objectlocks", b"")]


@pytest.mark.parametrize("content", [{}, {"ObjectTypeID": 27}, [], None, b"", b"<html>"])
async def test_an_unreadable_grant(content: Any) -> None:
    """A success without a lock is no success: the lock has to be verified."""
    desk = Desk(200, content)

    with pytest.raises(errors.OutcomeUnknown) as caught:
        await desk.polaris.lock_object(27, 29937)

    details = caught.value.details
    assert (details["operation"], details["keys"]) == ("lockObject", {"objectTypeId": 27, "objectId": 29937})
    assert (
        details["verify"] == "objectLock(objectType:, objectId:) { polarisUserName workstationName lockDate }"
    )
    assert len(desk.requests) == 1


async def test_failed_writes_are_unknown_and_sent_once() -> None:
    """Each error names the mutation and its keys, so that the outcome can be verified."""
    desk = Desk(500, b"")
    writes: tuple[tuple[Any, str, dict[str, int]], ...] = (  # Any: coroutines of several types
        (desk.polaris.lock_object(27, 1), "lockObject", {"objectTypeId": 27, "objectId": 1}),
        (desk.polaris.unlock_object(27, 1), "unlockObject", {"objectTypeId": 27, "objectId": 1}),
        (desk.polaris.release_my_locks(), "releaseMyLocks", {}),
    )

    for act, operation, keys in writes:
        with pytest.raises(errors.OutcomeUnknown) as caught:
            await act
        assert (caught.value.details["operation"], caught.value.details["keys"]) == (operation, keys)
        assert caught.value.upstream == "polaris"
    assert [each.method for each in desk.requests] == ["POST", "DELETE", "DELETE"]


async def test_an_expired_login() -> None:
    """A 401 is reported and not retried: three failures lock the account."""
    desk = Desk(401, b"")
    calls = (
        desk.polaris.lock(27, 1),
        desk.polaris.locks(everyones=False),
        desk.polaris.lock_object(27, 1),
        desk.polaris.unlock_object(27, 1),
        desk.polaris.release_my_locks(),
    )

    for call in calls:
        with pytest.raises(errors.Unauthenticated):
            await call
    assert len(desk.requests) == 5


def every_call(polaris: Polaris) -> tuple[Any, ...]:  # Any: coroutines of several types
    return (
        polaris.lock(27, 1),
        polaris.locks(everyones=False),
        polaris.locks(everyones=True),
        polaris.lock_object(27, 1),
        polaris.unlock_object(27, 1),
        polaris.release_my_locks(),
    )


async def test_without_an_identity_nothing_is_sent() -> None:
    """A lock belongs to a user, and without a service account there is no substitute."""
    desk = Desk(200, LOCK, identity=None, polaris_workstation=118, polaris_organization=3)

    for call in every_call(desk.polaris):
        with pytest.raises(errors.Unauthenticated) as caught:
            await call
        assert caught.value.message == (
            "Object locks need your own Polaris identity: send X-Polaris-Authorization."
        )
        assert caught.value.upstream == "polaris"
    assert desk.requests == []


@pytest.mark.parametrize(
    "identity",
    [
        PolarisIdentity(authorization="PAS a:b:c"),
        PolarisIdentity(authorization="PAS a:b:c", workstation=118),
        PolarisIdentity(authorization="PAS a:b:c", organization=3),
    ],
    ids=["neither", "no organization", "no workstation"],
)
async def test_without_a_workstation_nothing_is_sent(identity: PolarisIdentity) -> None:
    """A lock also belongs to a workstation, which neither the caller nor a setting named."""
    desk = Desk(200, LOCK, identity=identity)

    for call in every_call(desk.polaris):
        with pytest.raises(errors.BadUserInput) as caught:
            await call
        assert caught.value.message == (
            "A lock belongs to a user at a workstation: "
            "send X-Polaris-Workstation and X-Polaris-Organization."
        )
    assert desk.requests == []


SERVICE: dict[str, Any] = {"polaris_service_account": "PAS polaris:service:hunter2"}


async def test_the_service_account_is_used_at_a_named_workstation() -> None:
    """A caller without a login that names a workstation locks in the name of the service account there."""
    place = PolarisIdentity(workstation=118, organization=3)
    desk = Desk(200, LOCK, identity=place, polaris_workstation=1, **SERVICE)

    assert await desk.polaris.lock(27, 29937) == LOCK
    assert await desk.polaris.lock_object(27, 29937) == Lock(LOCK)
    assert [each.url.path for each in desk.requests] == [
        f"{BASE}/objectlocks/27/29937",
        f"{BASE}/objectlocks",
    ]
    assert [each.headers["authorization"] for each in desk.requests] == ["PAS polaris:service:hunter2"] * 2


async def test_the_organization_of_the_service_account_may_come_from_the_settings() -> None:
    """Only the workstation identifies the holder of a lock."""
    desk = Desk(200, LOCK, identity=PolarisIdentity(workstation=118), polaris_organization=3, **SERVICE)

    await desk.polaris.lock(27, 29937)

    assert [each.url.path for each in desk.requests] == [f"{BASE}/objectlocks/27/29937"]


async def test_a_callers_login_precedes_the_service_account() -> None:
    """The login of the caller is used if there is one, also with the workstation of the settings."""
    own = PolarisIdentity(authorization="PAS polaris:token:secret")
    desk = Desk(200, b"", identity=own, polaris_workstation=118, polaris_organization=3, **SERVICE)

    await desk.polaris.unlock_object(27, 29937)
    await desk.polaris.release_my_locks()

    assert [each.url.path for each in desk.requests] == [
        f"{BASE}/objectlocks/27/29937",
        f"{BASE}/objectlocks",
    ]
    assert [each.headers["authorization"] for each in desk.requests] == ["PAS polaris:token:secret"] * 2


@pytest.mark.parametrize(
    "identity",
    [None, PolarisIdentity(organization=3), PolarisIdentity(workstation=0, organization=3)],
    ids=str,
)
async def test_the_service_account_does_nothing_without_a_workstation_of_the_caller(
    identity: PolarisIdentity | None,
) -> None:
    """The workstation of the settings would make all staff one holder, so it is not used."""
    desk = Desk(200, LOCK, identity=identity, polaris_workstation=118, polaris_organization=3, **SERVICE)

    for call in every_call(desk.polaris):
        with pytest.raises(errors.BadUserInput, match="send X-Polaris-Workstation"):
            await call
    assert desk.requests == []


async def test_the_service_account_does_not_release_all_locks() -> None:
    """They may be those of several people at one workstation, so this requires the caller's own login."""
    desk = Desk(200, b"", identity=PolarisIdentity(workstation=118, organization=3), **SERVICE)

    with pytest.raises(errors.Unauthenticated, match="your own Polaris identity"):
        await desk.polaris.release_my_locks()
    assert desk.requests == []


def test_the_log_warns_of_a_service_account(caplog: pytest.LogCaptureFixture) -> None:
    """The log explains at startup what a service account permits, without its login."""
    Services(Settings(polaris_url="http://polaris"))
    assert caplog.records == []

    Services(Settings(polaris_url="http://polaris", **SERVICE))

    (line,) = caplog.records
    assert line.levelname == "WARNING"
    assert line.getMessage().startswith("POLARIS_SERVICE_ACCOUNT is set: every client of this gateway")
    assert "hunter2" not in caplog.text


async def test_the_caller_precedes_the_settings() -> None:
    """Settings only replace headers that the caller did not send."""
    settings: dict[str, Any] = {"polaris_workstation": 1, "polaris_organization": 2}
    named = Desk(200, LOCK, **settings)
    unnamed = Desk(200, LOCK, identity=PolarisIdentity(authorization="Bearer x"), **settings)

    await named.polaris.lock(27, 29937)
    await unnamed.polaris.lock(27, 29937)

    assert named.requests[0].url.path == f"{BASE}/objectlocks/27/29937"
    assert unnamed.requests[0].url.path == (
        "/Polaris.ApplicationServices/api/v1/eng/20/polaris/2/1/objectlocks/27/29937"
    )


async def test_the_path_contains_the_site() -> None:
    """Language, product and site come from the settings."""
    desk = Desk(200, LOCK, polaris_language="spa", polaris_product_id=19, polaris_site_domain="main")

    await desk.polaris.lock(27, 29937)

    assert desk.requests[0].url.path == (
        "/Polaris.ApplicationServices/api/v1/spa/19/main/3/118/objectlocks/27/29937"
    )


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b"<html>Welcome</html>"),
        (200, {"status": "ok"}),
        (200, {}),
        (200, []),
        (200, False),
        (200, b"OK"),
        (202, b""),
        (206, b""),
    ],
    ids=str,
)
async def test_a_release_by_another_response_is_unknown(status: int, content: Any) -> None:
    """After the response of a proxy it is unknown if the lock still exists."""
    desk = Desk(status, content)

    with pytest.raises(errors.OutcomeUnknown) as one:
        await desk.polaris.unlock_object(27, 29937)
    with pytest.raises(errors.OutcomeUnknown) as all_of_them:
        await desk.polaris.release_my_locks()

    assert one.value.details["keys"] == {"objectTypeId": 27, "objectId": 29937}
    assert (
        one.value.details["verify"]
        == "objectLock(objectType:, objectId:) { polarisUserName workstationName lockDate }"
    )
    assert all_of_them.value.details["verify"] == "objectLocks { nodes { objectType objectId } }"
    assert [each.method for each in desk.requests] == ["DELETE", "DELETE"]


@pytest.mark.parametrize("content", NOT_OF_POLARIS)
async def test_a_404_of_another_server_changes_nothing(content: Any) -> None:
    """It is about an address and not about a lock, so the outcome of each write is unknown."""
    desk = Desk(404, content)
    writes = (
        desk.polaris.lock_object(27, 1),
        desk.polaris.unlock_object(27, 1),
        desk.polaris.release_my_locks(),
    )

    for write in writes:
        with pytest.raises(errors.OutcomeUnknown):
            await write
    assert [each.method for each in desk.requests] == ["POST", "DELETE", "DELETE"]


@pytest.mark.parametrize("content", NOT_OF_POLARIS)
async def test_a_404_of_another_server_proves_nothing_about_a_lock(content: Any) -> None:
    """It does not prove that the object is free: the read fails."""
    desk = Desk(404, content)

    with pytest.raises(errors.UpstreamUnavailable, match=r"^polaris does not serve object locks here\.$"):
        await desk.polaris.lock(27, 29937)
    assert len(desk.requests) == 1


@pytest.mark.parametrize("content", [NOT_LOCKED, *NOT_OF_POLARIS])
async def test_a_list_is_never_absent(content: Any) -> None:
    """A 404 for all locks is no empty list."""
    with pytest.raises(errors.UpstreamUnavailable):
        await Desk(404, content).polaris.locks(everyones=False)

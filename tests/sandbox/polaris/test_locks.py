"""Polaris: log-in, locks, conflicts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from gateway.sandbox import Sandbox

pytestmark = pytest.mark.anyio

API = "/Polaris.ApplicationServices/api"
LOG_IN = f"{API}/v1/eng/20/authentication/staffuser"
HEAD = "PAS polaris:head-token:head-secret"
DESK = "PAS polaris:desk-token:desk-secret"
WRONG = "SANDBOX\\head:wrong"
PATRON = {"ObjectTypeID": 27, "ObjectID": 100}

Caller = Callable[..., httpx.AsyncClient]


def locks(workstation: int = 7, *, object_type: int | None = None, object_id: int | None = None) -> str:
    path = f"{API}/v1/eng/20/polaris/3/{workstation}/objectlocks"
    return path if object_type is None else f"{path}/{object_type}/{object_id}"


def basic(words: str = "SANDBOX\\head:head-password") -> str:
    return "Basic " + base64.b64encode(words.encode()).decode()


async def test_status_requires_no_credentials(client: httpx.AsyncClient) -> None:
    """Name and version are public."""
    body = (await client.get(API)).json()
    assert sorted(body) == ["Build", "Major", "Minor", "Patches", "Revision", "ServiceName", "Version"]


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "PAS polaris:head-token:wrong",
        "PAS other:head-token:head-secret",
        "PAS polaris",
        "Basic abc",
        "Bearer nothing",
    ],
)
async def test_invalid_credentials(client: httpx.AsyncClient, authorization: str) -> None:
    """Without a valid token no lock is shown."""
    response = await client.get(locks(), headers={"Authorization": authorization})
    assert response.status_code == 401


async def test_acquire_and_release(client: httpx.AsyncClient) -> None:
    """A free object is locked, listed, and free again."""
    client.headers["Authorization"] = HEAD
    taken = await client.post(locks(), json=PATRON)
    seen = await client.get(locks(object_type=27, object_id=100))
    released = await client.delete(locks(object_type=27, object_id=100))

    assert taken.status_code == 200
    assert taken.json() | {"LockDate": ""} == {
        "ObjectTypeID": 27,
        "ObjectID": 100,
        "PolarisUserID": 101,
        "WorkstationID": 7,
        "LockDate": "",
        "PolarisUserName": "Hanna Head",
        "WorkstationName": "WS-007",
        "ExistingLock": False,
        "StaffEmail": "head@library.example",
        "LockExistsInDatabase": True,
    }
    assert seen.json()["PolarisUserID"] == 101
    assert (released.status_code, released.content) == (200, b"")
    assert (await client.get(locks(object_type=27, object_id=100))).status_code == 404
    assert (await client.delete(locks(object_type=27, object_id=100))).status_code == 404


async def test_acquire_twice(client: httpx.AsyncClient) -> None:
    """The holder may repeat the request, and the response shows it; the date stays."""
    client.headers["Authorization"] = HEAD
    first = (await client.post(locks(), json=PATRON)).json()
    second = await client.post(locks(), json=PATRON)

    assert second.status_code == 200
    assert second.json() == first | {"ExistingLock": True}


async def test_conflict_names_the_holder(client: httpx.AsyncClient) -> None:
    """Another user gets 409 for acquiring and for releasing."""
    await client.post(locks(), json=PATRON, headers={"Authorization": HEAD})
    client.headers["Authorization"] = DESK

    taken = await client.post(locks(8), json=PATRON)
    released = await client.delete(locks(8, object_type=27, object_id=100))

    assert taken.status_code == released.status_code == 409
    assert taken.json()["ErrorCode"] == 70000
    assert "PolarisObjectLockException" in taken.json()["Message"]
    assert taken.json()["Data"] | {"LockDate": ""} == {
        "ObjectTypeID": 27,
        "ObjectID": 100,
        "PolarisUserID": 101,
        "WorkstationID": 7,
        "LockDate": "",
        "PolarisUserName": "Hanna Head",
        "WorkstationName": "WS-007",
    }


async def test_same_user_at_another_workstation_conflicts(client: httpx.AsyncClient) -> None:
    """A lock belongs to a user at a workstation."""
    client.headers["Authorization"] = HEAD
    await client.post(locks(7), json=PATRON)
    assert (await client.post(locks(8), json=PATRON)).status_code == 409


async def test_lists(client: httpx.AsyncClient) -> None:
    """The list contains the caller's own locks, or all of them."""
    client.headers["Authorization"] = HEAD
    await client.post(locks(), json=PATRON)

    own = await client.get(locks())
    everyone = await client.get(locks(), params={"getAllLocks": "true"})

    assert [(lock["ObjectTypeID"], lock["ObjectID"]) for lock in own.json()] == [(27, 100)]
    assert len(everyone.json()) == 5
    assert everyone.headers["content-type"].startswith("text/json")


async def test_seeded_locks_cover_optional_fields(client: httpx.AsyncClient) -> None:
    """Some dates have no offset, some locks no optional fields."""
    client.headers["Authorization"] = HEAD
    rows = (await client.get(locks(), params={"getAllLocks": "true"})).json()
    by_id = {lock["ObjectID"]: lock for lock in rows}

    assert len(by_id[29937]["LockDate"]) == len("2017-09-01T15:56:23.353")
    assert by_id[100200]["LockDate"].endswith("-05:00")
    assert "StaffEmail" not in by_id[100200]
    assert by_id[29937]["PolarisUserID"] == 103


async def test_release_own_locks(client: httpx.AsyncClient) -> None:
    """Locks of other users stay."""
    client.headers["Authorization"] = HEAD
    for number in range(1, 4):
        await client.post(locks(), json=PATRON | {"ObjectID": number})
    response = await client.delete(locks())

    assert response.status_code == 200
    assert (await client.get(locks())).json() == []
    assert len((await client.get(locks(), params={"getAllLocks": "true"})).json()) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"ObjectTypeID": 27}',
        b'{"ObjectTypeID": 23, "ObjectID": 1}',
        b'{"ObjectTypeID": 91, "ObjectID": 1}',
        b'{"ObjectTypeID": "27", "ObjectID": 1}',
        b'{"ObjectTypeID": true, "ObjectID": 1}',
        b'{"ObjectTypeID": 27, "ObjectID": 0}',
    ],
)
async def test_invalid_bodies_are_rejected(client: httpx.AsyncClient, content: bytes) -> None:
    """An unknown type and a missing id are 400."""
    response = await client.post(locks(), content=content, headers={"Authorization": HEAD})
    assert response.status_code == 400
    assert response.json()["Data"] is None


async def test_unused_object_type_is_rejected(client: httpx.AsyncClient) -> None:
    """An unused object type in the path is 400, too."""
    response = await client.get(locks(object_type=66, object_id=1), headers={"Authorization": HEAD})
    assert response.status_code == 400


async def test_log_in(client: httpx.AsyncClient) -> None:
    """The response contains the parts of a PAS header; the token also works as a bearer token."""
    response = await client.post(LOG_IN, headers={"Authorization": basic()})
    body = response.json()
    pas = f"PAS {body['SiteDomain']}:{body['AccessToken']}:{body['AccessSecret']}"

    assert response.status_code == 200
    assert body["PolarisUser"]["PolarisUserID"] == 101
    assert (await client.get(locks(), headers={"Authorization": pas})).status_code == 200
    bearer = f"Bearer {body['AccessToken']}"
    assert (await client.get(locks(), headers={"Authorization": bearer})).status_code == 200


async def test_new_session_releases_earlier_locks(client: httpx.AsyncClient) -> None:
    """Locks of the same user at the same workstation are released, at another one they stay."""
    client.headers["Authorization"] = HEAD
    await client.post(locks(7), json=PATRON)
    await client.post(locks(8), json=PATRON | {"ObjectID": 200})
    body = (await client.post(LOG_IN, headers={"Authorization": basic()})).json()
    client.headers["Authorization"] = f"PAS polaris:{body['AccessToken']}:{body['AccessSecret']}"

    assert (await client.get(locks(7))).json() == []
    await client.post(locks(7), json=PATRON)
    assert len((await client.get(locks(7))).json()) == 1
    client.headers["Authorization"] = HEAD
    assert len((await client.get(locks(8))).json()) == 1


@pytest.mark.parametrize(
    "authorization",
    [
        basic(WRONG),
        basic("SANDBOX\\x:head-password"),
        basic("OTHER\\head:head-password"),
        "Basic ?",
        "PAS a:b:c",
        "",
    ],
)
async def test_failed_log_ins(client: httpx.AsyncClient, authorization: str) -> None:
    """Any other credentials are 401."""
    assert (await client.post(LOG_IN, headers={"Authorization": authorization})).status_code == 401


async def test_three_failures_lock_the_account(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """The correct password is rejected for a while, too."""
    for _ in range(3):
        await client.post(LOG_IN, headers={"Authorization": basic(WRONG)})
    shut = await client.post(LOG_IN, headers={"Authorization": basic()})
    sandbox.locks.clock.advance(timedelta(minutes=6))
    open_again = await client.post(LOG_IN, headers={"Authorization": basic()})

    assert (shut.status_code, open_again.status_code) == (401, 200)


async def test_locks_belong_to_no_tenant(client: httpx.AsyncClient) -> None:
    """Polaris is a separate system: it has no tenants, and all callers see the same locks."""
    del client.headers["X-Okapi-Tenant"]
    response = await client.get(locks(), params={"getAllLocks": "true"}, headers={"Authorization": HEAD})
    assert len(response.json()) == 4

"""Locks on Polaris objects: holders, conflicts and releases."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.graph import schema
from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.conftest import Execute
from tests.mutations.seeded import state
from tests.mutations.unclear_responses import assert_unclear, fault_name

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

LOCKS = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/7/objectlocks"
LOCK = """{
    id objectType objectId polarisUserId polarisUserName workstationId workstationName
    lockDate lockDateText existingLock lockExistsInDatabase
}"""
LOCK_OBJECT = f"""mutation($input: LockObjectInput!) {{ lockObject(input: $input) {{
    __typename
    ... on ObjectLocked {{ existingLock lock {LOCK} }}
    ... on ObjectLockConflict {{ heldBy {LOCK} }}
    ... on Refusal {{ reasons {{ code message }} }}
}} }}"""
UNLOCK_OBJECT = f"""mutation($input: UnlockObjectInput!) {{ unlockObject(input: $input) {{
    __typename
    ... on ObjectUnlocked {{ objectType objectId }}
    ... on ObjectLockConflict {{ heldBy {LOCK} }}
}} }}"""
RELEASE_MINE = """mutation($input: ReleaseMyLocksInput!) { releaseMyLocks(input: $input) {
    __typename ... on MyLocksReleased { released }
} }"""
OBJECT_LOCK = (
    f"query($type: ObjectType!, $id: Int!) {{ objectLock(objectType: $type, objectId: $id) {LOCK} }}"
)
OBJECT_LOCKS = "query($all: Boolean!) { objectLocks(all: $all) { totalCount nodes { id polarisUserName } } }"

PATRON: Json = {"objectType": "PATRON", "objectId": 480}
HOLD_REQUEST_OF_ANNEX: Json = {"objectType": "HOLD_REQUEST", "objectId": 880}
PATRON_OF_ANNEX: Json = {"objectType": "PATRON", "objectId": 29937}


async def lock(gateway: Gateway, lock_input: Json, staff: str = "desk", **headers: str) -> Json:
    data = await gateway.data(LOCK_OBJECT, {"input": lock_input}, gateway.as_staff(staff) | headers)
    return data["lockObject"]


async def unlock(gateway: Gateway, lock_input: Json, staff: str = "desk") -> Json:
    data = await gateway.data(UNLOCK_OBJECT, {"input": lock_input}, gateway.as_staff(staff))
    return data["unlockObject"]


async def list_locks(gateway: Gateway, *, all_holders: bool = False, staff: str = "desk") -> list[str]:
    data = await gateway.data(OBJECT_LOCKS, {"all": all_holders}, gateway.as_staff(staff))
    assert data["objectLocks"]["totalCount"] == len(data["objectLocks"]["nodes"])
    return sorted(each["id"] for each in data["objectLocks"]["nodes"])


def since(date_time: str, gateway: Gateway) -> timedelta:
    return abs(gateway.sandbox.locks.clock.now() - datetime.fromisoformat(date_time))


# Locking


async def test_lock(gateway: Gateway) -> None:
    """The lock is the caller's at the caller's workstation, with one call."""
    locked = await lock(gateway, PATRON)

    date, text = locked["lock"].pop("lockDate"), locked["lock"].pop("lockDateText")
    assert gateway.paths() == [f"POST {LOCKS}"]
    assert since(date, gateway) < timedelta(minutes=1)
    assert datetime.fromisoformat(text) == datetime.fromisoformat(date)
    assert locked == {
        "__typename": "ObjectLocked",
        "existingLock": False,
        "lock": {
            "id": "27:480",
            "objectType": "PATRON",
            "objectId": 480,
            "polarisUserId": 102,
            "polarisUserName": "Dana Desk",
            "workstationId": 7,
            "workstationName": "WS-007",
            "existingLock": False,
            "lockExistsInDatabase": True,
        },
    }


async def test_lock_again_is_an_existing_lock(gateway: Gateway) -> None:
    """The holder gets the existing lock with its original date, marked as existing."""
    first = await lock(gateway, PATRON)
    second = await lock(gateway, PATRON)

    assert (first["existingLock"], second["existingLock"]) == (False, True)
    assert second["lock"] == first["lock"] | {"existingLock": True}
    assert gateway.paths() == [f"POST {LOCKS}"] * 2


async def test_lock_of_another_user_is_a_conflict(shared_gateway: Gateway) -> None:
    """The result has the holder, workstation and date, and nothing changes."""
    before = state(shared_gateway)
    execute = await lock(shared_gateway, HOLD_REQUEST_OF_ANNEX)

    held = execute["heldBy"]
    date = held.pop("lockDate")
    assert since(date, shared_gateway) - timedelta(minutes=28) < timedelta(minutes=1)
    assert datetime.fromisoformat(held.pop("lockDateText")) == datetime.fromisoformat(date)
    assert execute == {
        "__typename": "ObjectLockConflict",
        "heldBy": {
            "id": "28:880",
            "objectType": "HOLD_REQUEST",
            "objectId": 880,
            "polarisUserId": 103,
            "polarisUserName": "Alex Annex",
            "workstationId": 12,
            "workstationName": "WS-012",
            "existingLock": None,
            "lockExistsInDatabase": None,
        },
    }
    assert shared_gateway.paths() == [f"POST {LOCKS}"]
    assert state(shared_gateway) == before


async def test_date_without_an_offset_is_text(shared_gateway: Gateway) -> None:
    """The Polaris server's local time is no timestamp: `lockDate` is null rather than hours off."""
    held = (await lock(shared_gateway, PATRON_OF_ANNEX))["heldBy"]

    assert held["lockDate"] is None
    assert datetime.fromisoformat(held["lockDateText"]).tzinfo is None
    assert (held["polarisUserName"], held["workstationName"]) == ("Alex Annex", "WS-012")


async def test_another_workstation_is_another_holder(gateway: Gateway) -> None:
    """A lock belongs to a user at a workstation: the same user at another one gets a conflict."""
    await lock(gateway, PATRON)
    execute = await lock(gateway, PATRON, **{"X-Polaris-Workstation": "8"})

    assert execute["__typename"] == "ObjectLockConflict"
    assert (execute["heldBy"]["polarisUserName"], execute["heldBy"]["workstationId"]) == ("Dana Desk", 7)


async def test_caller_identity_is_sent(execute: Execute) -> None:
    """Polaris receives the credentials of the staff member and no FOLIO headers."""
    locked = httpx.Response(200, json={"ObjectTypeID": 27, "ObjectID": 480})
    response, (upstream_calls,) = await execute(LOCK_OBJECT, PATRON, locked)

    assert f"{upstream_calls.method} {upstream_calls.url.path}" == f"POST {LOCKS}"
    assert json.loads(upstream_calls.content) == {"ObjectTypeID": 27, "ObjectID": 480}
    assert upstream_calls.headers["authorization"] == "PAS polaris:token:secret"
    assert [name for name in upstream_calls.headers if name.startswith("x-")] == []
    assert response["data"]["lockObject"]["lock"]["polarisUserName"] is None


@pytest.mark.parametrize(
    ("response", "holder"),
    [
        (httpx.Response(409, json={"ErrorCode": 70000, "Data": None}), None),
        (httpx.Response(409, json={"ErrorCode": 70000, "Data": "locked"}), None),
        (httpx.Response(409, json=[]), None),
        (httpx.Response(409, text="locked"), None),
        (httpx.Response(409, json={"Data": {"PolarisUserName": "Alex"}}), "Alex"),
        (httpx.Response(409, json={"Data": {"ObjectID": None, "PolarisUserName": "Alex"}}), "Alex"),
    ],
)
@pytest.mark.parametrize("document", [LOCK_OBJECT, UNLOCK_OBJECT], ids=["lockObject", "unlockObject"])
async def test_conflict_with_few_fields(
    execute: Execute, document: str, response: httpx.Response, holder: str | None
) -> None:
    """A conflict without details is still a conflict; the object comes from the input."""
    body, upstream_calls = await execute(document, PATRON, response)

    assert "errors" not in body
    (result,) = body["data"].values()
    assert result["__typename"] == "ObjectLockConflict"
    held = result["heldBy"] and (result["heldBy"]["id"], result["heldBy"]["polarisUserName"])
    assert held == (holder and ("27:480", holder))
    assert len(upstream_calls) == 1


# Unlocking


async def test_unlock(gateway: Gateway) -> None:
    """The lock is released with one call."""
    await lock(gateway, PATRON)
    gateway.sandbox.calls.clear()
    execute = await unlock(gateway, PATRON)

    assert execute == {"__typename": "ObjectUnlocked", **PATRON}
    assert gateway.paths() == [f"DELETE {LOCKS}/27/480"]
    assert (27, 480) not in gateway.sandbox.locks.locks


async def test_unlock_of_a_free_object_succeeds(shared_gateway: Gateway) -> None:
    """The requested state holds already."""
    before = state(shared_gateway)

    assert await unlock(shared_gateway, PATRON) == {"__typename": "ObjectUnlocked", **PATRON}
    assert shared_gateway.paths() == [f"DELETE {LOCKS}/27/480"]
    assert state(shared_gateway) == before


async def test_lock_of_another_user_stays(shared_gateway: Gateway) -> None:
    """Releasing it is a conflict, and the lock stays."""
    before = state(shared_gateway)
    execute = await unlock(shared_gateway, HOLD_REQUEST_OF_ANNEX)

    assert execute["__typename"] == "ObjectLockConflict"
    assert execute["heldBy"]["polarisUserName"] == "Alex Annex"
    assert state(shared_gateway) == before


async def test_release_own_locks(gateway: Gateway) -> None:
    """One call releases the user's locks at this workstation; locks of others stay."""
    await lock(gateway, PATRON)
    await lock(gateway, {"objectType": "ITEM_RECORD", "objectId": 5})
    await lock(gateway, {"objectType": "ITEM_RECORD", "objectId": 6}, "head")
    await lock(gateway, {"objectType": "ITEM_RECORD", "objectId": 7}, **{"X-Polaris-Workstation": "8"})
    others = set(gateway.sandbox.locks.locks) - {(27, 480), (3, 5)}
    gateway.sandbox.calls.clear()
    data = await gateway.data(RELEASE_MINE, {"input": {"confirm": True}}, gateway.as_staff())

    assert data == {"releaseMyLocks": {"__typename": "MyLocksReleased", "released": True}}
    assert gateway.paths() == [f"DELETE {LOCKS}"]
    assert set(gateway.sandbox.locks.locks) == others
    assert {(3, 6), (3, 7), (28, 880)} <= others


async def test_release_requires_a_confirmation(shared_gateway: Gateway) -> None:
    """Without it nothing is sent."""
    response = await shared_gateway.execute(
        RELEASE_MINE, {"input": {"confirm": False}}, shared_gateway.as_staff()
    )

    assert response["data"] == {"releaseMyLocks": None}
    assert response["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert shared_gateway.calls == []


# Reading


async def test_own_locks_and_all_locks(gateway: Gateway) -> None:
    """A caller reads their own locks, or all of them, with one call each."""
    await lock(gateway, PATRON)
    gateway.sandbox.calls.clear()

    assert await list_locks(gateway) == ["27:480"]
    assert await list_locks(gateway, staff="head") == []
    assert await list_locks(gateway, all_holders=True) == [
        "27:29937",
        "27:480",
        "28:880",
        "2:5501",
        "3:100200",
    ]
    assert gateway.paths() == [f"GET {LOCKS}"] * 3
    assert [call.query for call in gateway.calls] == [{}, {}, {"getAllLocks": "true"}]


async def test_lock_of_another_user_is_readable(shared_gateway: Gateway) -> None:
    """The lock on an object is readable by every caller; fields that Polaris omits are null."""
    variables = {"type": "ITEM_RECORD", "id": 100200}
    view = (await shared_gateway.data(OBJECT_LOCK, variables, shared_gateway.as_staff()))["objectLock"]

    assert since(view.pop("lockDate"), shared_gateway) - timedelta(minutes=14) < timedelta(minutes=1)
    assert view.pop("lockDateText")
    assert view == {
        "id": "3:100200",
        "objectType": "ITEM_RECORD",
        "objectId": 100200,
        "polarisUserId": 103,
        "polarisUserName": None,
        "workstationId": 12,
        "workstationName": None,
        "existingLock": None,
        "lockExistsInDatabase": None,
    }
    assert shared_gateway.paths() == [f"GET {LOCKS}/3/100200"]


async def test_free_object_has_no_lock(shared_gateway: Gateway) -> None:
    """Polaris responds 404, which is null and no error."""
    data = await shared_gateway.data(OBJECT_LOCK, {"type": "PATRON", "id": 480}, shared_gateway.as_staff())

    assert data == {"objectLock": None}
    assert shared_gateway.paths() == [f"GET {LOCKS}/27/480"]


async def test_lock_without_its_object(gateway: Gateway) -> None:
    """One unusable row costs itself alone; an unknown type is UNKNOWN."""
    rows = [
        {"ObjectID": 1},
        {"ObjectTypeID": 27, "ObjectID": 2},
        {"ObjectTypeID": 91, "ObjectID": 3},
        {"ObjectTypeID": 27, "ObjectID": {}},
        {"ObjectTypeID": 27, "ObjectID": "\ud800"},
    ]
    gateway.sandbox.faults.add(kind="wrong_shape", path="/Polaris", shape=rows)
    response = await gateway.execute(
        "{ objectLocks { totalCount nodes { id objectType } } }", None, gateway.as_staff()
    )

    assert response["data"]["objectLocks"] == {
        "totalCount": 5,
        "nodes": [
            None,
            {"id": "27:2", "objectType": "PATRON"},
            {"id": "91:3", "objectType": "UNKNOWN"},
            None,
            None,
        ],
    }
    assert [each["path"] for each in response["errors"]] == [
        ["objectLocks", "nodes", number, "id"] for number in (0, 3, 4)
    ]
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_BAD_RESPONSE"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ErrorCode": 70000, "Message": "Locked"},
        {"ObjectTypeID": 27},
        {"ObjectTypeID": 27, "ObjectID": 481},
    ],
    ids=str,
)
async def test_a_response_without_the_lock_is_no_lock(execute: Execute, body: Json) -> None:
    """Neither an error nor the lock on another object says that this one is locked."""
    document = "{ objectLock(objectType: PATRON, objectId: 480) { polarisUserName existingLock } }"
    response, upstream_calls = await execute(document, None, httpx.Response(200, json=body))

    assert response["data"] == {"objectLock": None}
    assert [each["extensions"]["code"] for each in response["errors"]] == ["UPSTREAM_BAD_RESPONSE"]
    assert len(upstream_calls) == 1


async def test_a_text_is_no_existing_lock(execute: Execute) -> None:
    """A lock is not called an existing one for a value that is neither true nor false."""
    body = {"ObjectTypeID": 27, "ObjectID": 480, "ExistingLock": "false"}
    response, _ = await execute(LOCK_OBJECT, PATRON, httpx.Response(200, json=body))

    assert response["data"]["lockObject"]["existingLock"] is False
    assert [each["path"][-1] for each in response.get("errors", ())] == ["existingLock"]


async def test_staff_email_is_not_exposed(gateway: Gateway) -> None:
    """The holder of a lock has a name; no field of the schema has the email address."""
    await lock(gateway, PATRON)
    response = await gateway.execute("{ objectLocks { nodes { staffEmail } } }", None, gateway.as_staff())
    result = await gateway.execute(
        f"{{ objectLocks(all: true) {{ nodes {LOCK} }} }}", None, gateway.as_staff()
    )

    assert response["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "staffEmail" not in schema.as_str()
    assert "library.example" not in json.dumps(result)
    assert len(result["data"]["objectLocks"]["nodes"]) == 5


# Missing identity and invalid input

EVERY_WAY = [
    pytest.param(LOCK_OBJECT, {"input": PATRON}, id="lockObject"),
    pytest.param(UNLOCK_OBJECT, {"input": PATRON}, id="unlockObject"),
    pytest.param(RELEASE_MINE, {"input": {"confirm": True}}, id="releaseMyLocks"),
    pytest.param(OBJECT_LOCK, {"type": "PATRON", "id": 480}, id="objectLock"),
    pytest.param(OBJECT_LOCKS, {"all": False}, id="objectLocks"),
]


async def fails(gateway: Gateway, document: str, variables: Json, headers: dict[str, str]) -> Json:
    """Return the only error of an operation that locks and releases nothing."""
    before = state(gateway)
    response = await gateway.execute(document, variables, headers)

    (error,) = response["errors"]
    assert set(response["data"].values()) == {None}
    assert state(gateway) == before
    return error["extensions"]


@pytest.mark.parametrize(("document", "variables"), EVERY_WAY)
async def test_identity_is_required(shared_gateway: Gateway, document: str, variables: Json) -> None:
    """Locks require the caller's own Polaris identity: without it no call is made."""
    extensions = await fails(shared_gateway, document, variables, {"X-Okapi-Tenant": "diku"})

    assert (extensions["code"], extensions["upstream"]) == ("UNAUTHENTICATED", "polaris")
    assert shared_gateway.calls == []


@pytest.mark.parametrize("missing", ["X-Polaris-Workstation", "X-Polaris-Organization"])
@pytest.mark.parametrize(("document", "variables"), EVERY_WAY)
async def test_workstation_is_required(
    shared_gateway: Gateway, document: str, variables: Json, missing: str
) -> None:
    """A lock is held at a workstation of an organization: without one of them no call is made."""
    headers = {name: value for name, value in shared_gateway.as_staff().items() if name != missing}
    extensions = await fails(shared_gateway, document, variables, headers)

    assert extensions["code"] == "BAD_USER_INPUT"
    assert shared_gateway.calls == []


async def test_workstation_defaults_to_the_settings() -> None:
    """Callers without workstation and organization headers get those of the settings."""
    async with open_gateway(polaris_workstation=21, polaris_organization=4) as gateway:
        headers = gateway.as_staff()
        del headers["X-Polaris-Workstation"], headers["X-Polaris-Organization"]
        data = await gateway.data(LOCK_OBJECT, {"input": PATRON}, headers)

        assert data["lockObject"]["lock"]["workstationId"] == 21
        assert gateway.paths() == [f"POST {LOCKS.replace('/3/7/', '/4/21/')}"]


@pytest.mark.parametrize("authorization", ["PAS polaris:desk-token:wrong", "Bearer unknown"])
@pytest.mark.parametrize(("document", "variables"), EVERY_WAY)
async def test_rejected_identity_is_not_retried(
    shared_gateway: Gateway, document: str, variables: Json, authorization: str
) -> None:
    """Three failures lock a Polaris account, so a 401 is never retried."""
    headers = shared_gateway.as_staff() | {"X-Polaris-Authorization": authorization}
    extensions = await fails(shared_gateway, document, variables, headers)

    assert (extensions["code"], extensions["upstream"], extensions["status"]) == (
        "UNAUTHENTICATED",
        "polaris",
        401,
    )
    assert len(shared_gateway.calls) == 1


@pytest.mark.parametrize(
    ("lock_input", "code"),
    [
        ({"objectType": "UNKNOWN", "objectId": 480}, "BAD_USER_INPUT"),
        ({"objectType": "BOOK", "objectId": 480}, "BAD_USER_INPUT"),
        ({"objectType": 27, "objectId": 480}, "BAD_USER_INPUT"),
        ({"objectType": "PATRON", "objectId": 0}, "BAD_USER_INPUT"),
        ({"objectType": "PATRON", "objectId": -1}, "BAD_USER_INPUT"),
        ({"objectType": "PATRON", "objectId": 2147483648}, "BAD_USER_INPUT"),
        ({"objectType": "PATRON"}, "BAD_USER_INPUT"),
    ],
    ids=str,
)
@pytest.mark.parametrize("document", [LOCK_OBJECT, UNLOCK_OBJECT], ids=["lockObject", "unlockObject"])
async def test_invalid_objects_are_not_sent(
    shared_gateway: Gateway, document: str, lock_input: Json, code: str
) -> None:
    """A type or id that Polaris cannot have is rejected before any call."""
    response = await shared_gateway.execute(document, {"input": lock_input}, shared_gateway.as_staff())

    assert response["errors"][0]["extensions"]["code"] == code
    assert shared_gateway.calls == []


async def test_unknown_type_in_the_document_is_invalid(shared_gateway: Gateway) -> None:
    """A type in the document is validated against the schema, and nothing is executed."""
    response = await shared_gateway.execute(
        "{ objectLock(objectType: BOOK, objectId: 1) { id } }", None, shared_gateway.as_staff()
    )

    assert response["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "data" not in response
    assert shared_gateway.calls == []


async def test_unknown_is_rejected_as_an_input(shared_gateway: Gateway) -> None:
    """UNKNOWN is a value of responses and never of inputs."""
    extensions = await fails(
        shared_gateway, OBJECT_LOCK, {"type": "UNKNOWN", "id": 1}, shared_gateway.as_staff()
    )

    assert extensions["code"] == "BAD_USER_INPUT"
    assert shared_gateway.calls == []


async def test_rejection_by_polaris_is_a_refusal(execute: Execute) -> None:
    """A 400 of Polaris is data like any other refusal, without its internals."""
    upstream_body = {
        "ErrorCode": 0,
        "Message": "Invalid object ID: 480",
        "StackTrace": "at Polaris.A.B()",
        "Data": None,
    }
    response, upstream_calls = await execute(LOCK_OBJECT, PATRON, httpx.Response(400, json=upstream_body))

    refused = response["data"]["lockObject"]
    assert (refused["__typename"], [each["code"] for each in refused["reasons"]]) == ("Refusal", ["OTHER"])
    assert "Polaris.A.B" not in json.dumps(response)
    assert len(upstream_calls) == 1


# Unclear response

KEYS = {"objectTypeId": 27, "objectId": 480}
NO_ANSWER: list[Json] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "reset"},
    {"kind": "slow", "delay": 5.0},
]
NO_LOCK: list[Json] = [
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "wrong_shape"},
    {"kind": "wrong_shape", "shape": {"ObjectTypeID": 27}},
    {"kind": "wrong_shape", "shape": {"ObjectTypeID": 27, "ObjectID": None}},
    {"kind": "wrong_shape", "shape": {"ObjectTypeID": 27, "ObjectID": 481}},
    {"kind": "wrong_shape", "shape": {"ObjectTypeID": 3, "ObjectID": 480}},
    {"kind": "wrong_shape", "shape": {"ErrorCode": 70000, "Message": "Locked", "Data": None}},
    {"kind": "truncate"},
]


@pytest.mark.parametrize("fault", [*NO_ANSWER, *NO_LOCK], ids=fault_name)
async def test_unclear_lock_is_an_unknown_outcome(fault: Json) -> None:
    """It is sent once, and the error has the query that verifies it."""
    async with open_gateway(act_timeout=0.1, look_up_timeout=0) as gateway:
        gateway.sandbox.faults.add(path="/Polaris", **fault)
        response = await gateway.execute(LOCK_OBJECT, {"input": PATRON}, gateway.as_staff())

        assert response["data"] == {"lockObject": None}
        assert_unclear(response["errors"][0], "lockObject", KEYS, "polaris")
        assert response["errors"][0]["extensions"]["verify"] == (
            "objectLock(objectType:, objectId:) { polarisUserName workstationName lockDate }"
        )
        assert gateway.paths() == [f"POST {LOCKS}"]


@pytest.mark.parametrize(
    ("document", "inputs", "keys"),
    [(UNLOCK_OBJECT, PATRON, KEYS), (RELEASE_MINE, {"confirm": True}, {})],
    ids=["unlockObject", "releaseMyLocks"],
)
@pytest.mark.parametrize("fault", NO_ANSWER, ids=fault_name)
async def test_unclear_release_is_an_unknown_outcome(
    fault: Json, document: str, inputs: Json, keys: Json
) -> None:
    """A release is sent once too, and is not reported as a success."""
    async with open_gateway(act_timeout=0.1, look_up_timeout=0) as gateway:
        gateway.sandbox.faults.add(path="/Polaris", **fault)
        response = await gateway.execute(document, {"input": inputs}, gateway.as_staff())

        (name,) = response["data"]
        assert response["data"][name] is None
        assert_unclear(response["errors"][0], name, keys, "polaris")
        assert len(gateway.calls) == 1

"""Polaris' object locks: who holds what, over the interface of Polaris ApplicationServices."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox.clock import Clock
from gateway.sandbox.library import Record
from gateway.sandbox.polaris_staff import Doorman, Session, Staff, Unauthorized

UNUSED_TYPES = {23, 66}
OBJECT_TYPES = frozenset(range(1, 91)) - UNUSED_TYPES
SERVER_ZONE = timezone(timedelta(hours=-5))
OPTIONAL = ("PolarisUserName", "WorkstationName", "ExistingLock", "StaffEmail", "LockExistsInDatabase")
VERSION = {"Major": 7, "Minor": 7, "Build": 1000, "Revision": 0}
LOCKED_ELSEWHERE = 70000

Key = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    object_type: int
    object_id: int
    staff: Staff
    workstation: int
    since: datetime
    session: str

    def held_by(self, staff: Staff, workstation: int) -> bool:
        return self.staff.id == staff.id and self.workstation == workstation


class BadLockRequest(ValueError):
    """A body or path that names no lockable object."""


class LockDesk:
    """All locks there are; one Polaris serves every tenant."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.doorman = Doorman(clock)
        self.locks: dict[Key, Lock] = {}
        annex = self.doorman.staff_named("annex")
        for number, key in enumerate([(27, 29937), (3, 100200), (2, 5501), (28, 880)]):
            lock = Lock(
                object_type=key[0],
                object_id=key[1],
                staff=annex,
                workstation=12,
                since=clock.start - timedelta(minutes=7 * (number + 1)),
                session="",
            )
            self.locks[key] = lock

    def held(self, staff: Staff, workstation: int) -> list[Lock]:
        return [lock for lock in self.locks.values() if lock.held_by(staff, workstation)]

    def arrive(self, session: Session, workstation: int) -> None:
        """A new log-in seen at a workstation drops what the same pair left behind in an earlier one."""
        if session.fixed or workstation in session.workstations:
            return
        session.workstations.add(workstation)
        for lock in self.held(session.staff, workstation):
            if lock.session != session.token:
                del self.locks[lock.object_type, lock.object_id]


@dataclass(frozen=True, slots=True)
class Visit:
    """One authenticated call: who stands at which workstation."""

    desk: LockDesk
    session: Session
    workstation: int
    request: Request

    @property
    def staff(self) -> Staff:
        return self.session.staff

    def key(self) -> Key:
        values = self.request.path_params
        return lockable(values["object_type"], values["object_id"])


def lockable(object_type: object, object_id: object) -> Key:
    """A valid (type, id) pair. Raises BadLockRequest."""
    if type(object_type) is not int or object_type not in OBJECT_TYPES:
        raise BadLockRequest(f"Invalid object type ID: {object_type}")
    if type(object_id) is not int or object_id < 1:
        raise BadLockRequest(f"Invalid object ID: {object_id}")
    return object_type, object_id


def described(lock: Lock, *, existing: bool = False, complete: bool = False) -> Record:
    """A lock as Polaris shows it.

    Odd ids come without a UTC offset and every third one without the optional fields: both happen in reality.
    """
    local = lock.since.astimezone(SERVER_ZONE)
    shown = local.replace(tzinfo=None) if lock.object_id % 2 else local
    record: Record = {
        "ObjectTypeID": lock.object_type,
        "ObjectID": lock.object_id,
        "PolarisUserID": lock.staff.id,
        "WorkstationID": lock.workstation,
        "LockDate": shown.isoformat(timespec="milliseconds"),
        "PolarisUserName": lock.staff.name,
        "WorkstationName": f"WS-{lock.workstation:03}",
        "ExistingLock": existing,
        "StaffEmail": lock.staff.email,
        "LockExistsInDatabase": True,
    }
    if lock.object_id % 3 == 0 and not complete:
        return {name: value for name, value in record.items() if name not in OPTIONAL}
    return record


def conflict(lock: Lock) -> Response:
    """409: somebody else has it, and `Data` says who."""
    holder = described(lock, complete=True)
    for name in ("ExistingLock", "StaffEmail", "LockExistsInDatabase"):
        del holder[name]
    kind = "Polaris.ApplicationServices.PolarisObjectLockException"
    message = f"Exception of type '{kind}' was thrown: the object is locked by {lock.staff.name}."
    return failure(409, message, LOCKED_ELSEWHERE, holder)


def failure(status: int, message: str, code: int = 0, data: Record | None = None) -> Response:
    body = {
        "ErrorCode": code,
        "Message": message,
        "MessageDetail": None,
        "StackTrace": None,
        "InnerException": None,
        "Data": data,
    }
    return JSONResponse(body, status)


def mine_or_all(visit: Visit) -> Response:
    """GET objectlocks: the caller's own, or every lock when asked so."""
    everyone = visit.request.query_params.get("getAllLocks", "").lower() == "true"
    locks = visit.desk.locks.values() if everyone else visit.desk.held(visit.staff, visit.workstation)
    listed = json.dumps([described(lock) for lock in locks])
    return Response(listed, media_type="text/json")  # both labels occur; lists take this one


def one(visit: Visit) -> Response:
    lock = visit.desk.locks.get(visit.key())
    return failure(404, "The object is not locked.") if lock is None else JSONResponse(described(lock))


def take(visit: Visit, body: object) -> Response:
    """POST objectlocks: a second try by the holder is not a conflict."""
    if not isinstance(body, dict):
        raise BadLockRequest("The body is not an object.")
    object_type, object_id = lockable(body.get("ObjectTypeID"), body.get("ObjectID"))
    before = visit.desk.locks.get((object_type, object_id))
    if before is not None and not before.held_by(visit.staff, visit.workstation):
        return conflict(before)
    lock = Lock(
        object_type=object_type,
        object_id=object_id,
        staff=visit.staff,
        workstation=visit.workstation,
        since=visit.desk.clock.now(),
        session=visit.session.token,
    )
    if before is not None:
        lock = replace(lock, since=before.since)
    visit.desk.locks[object_type, object_id] = lock
    return JSONResponse(described(lock, existing=before is not None, complete=True))


def release(visit: Visit) -> Response:
    lock = visit.desk.locks.get(visit.key())
    if lock is None:
        return failure(404, "The object is not locked.")
    if not lock.held_by(visit.staff, visit.workstation):
        return conflict(lock)
    del visit.desk.locks[visit.key()]
    return Response(status_code=200)


def release_mine(visit: Visit) -> Response:
    for lock in visit.desk.held(visit.staff, visit.workstation):
        del visit.desk.locks[lock.object_type, lock.object_id]
    return Response(status_code=200)


async def taken(visit: Visit) -> Response:
    try:
        body = await visit.request.json()
    except ValueError as error:
        raise BadLockRequest("The body is not JSON.") from error
    return take(visit, body)


async def status(_: Request) -> Response:
    version = ".".join(str(number) for number in VERSION.values())
    return JSONResponse(
        {"ServiceName": "Polaris.ApplicationServices", "Version": version, **VERSION, "Patches": []}
    )


async def log_in(desk: LockDesk, request: Request) -> Response:
    try:
        session = desk.doorman.log_in(request.headers.get("authorization", ""))
    except Unauthorized:
        return Response(status_code=401)
    return JSONResponse(desk.doorman.shown(session))


def lock_routes(prefix: str, desk: LockDesk) -> list[Route]:
    api = prefix + "/api"
    product = api + "/v1/{language}/{product:int}"
    locks = product + "/{site_domain}/{organization:int}/{workstation:int}/objectlocks"
    single = locks + "/{object_type:int}/{object_id:int}"
    return [
        Route(api, status, methods=["GET"]),
        Route(product + "/authentication/staffuser", functools.partial(log_in, desk), methods=["POST"]),
        Route(locks, admitted(desk, mine_or_all), methods=["GET"]),
        Route(locks, admitted(desk, taken), methods=["POST"]),
        Route(locks, admitted(desk, release_mine), methods=["DELETE"]),
        Route(single, admitted(desk, one), methods=["GET"]),
        Route(single, admitted(desk, release), methods=["DELETE"]),
    ]


def admitted(
    desk: LockDesk, act: Callable[[Visit], Response | Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def served(request: Request) -> Response:
        site, workstation = request.path_params["site_domain"], request.path_params["workstation"]
        try:
            session = desk.doorman.admit(request.headers.get("authorization", ""), site)
            desk.arrive(session, workstation)
            answered = act(Visit(desk, session, workstation, request))
            return answered if isinstance(answered, Response) else await answered
        except Unauthorized:
            return Response(status_code=401)
        except BadLockRequest as error:
            return failure(400, str(error))

    return served

"""The endpoints of Polaris ApplicationServices: status, log-in and object locks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta, timezone

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox.library import Record
from gateway.sandbox.polaris.locks import BadLockRequest, Lock, LockKey, LockStore, parse_key
from gateway.sandbox.polaris.sessions import Session, Staff, Unauthorized

SERVER_ZONE = timezone(timedelta(hours=-5))
OPTIONAL_FIELDS = ("PolarisUserName", "WorkstationName", "ExistingLock", "StaffEmail", "LockExistsInDatabase")
VERSION = {"Major": 7, "Minor": 7, "Build": 1000, "Revision": 0}
LOCKED_BY_OTHER = 70000
NOT_LOCKED = "The object is not locked."


@dataclass(frozen=True, slots=True)
class LockRequest:
    """One authenticated request, with the caller's session and workstation."""

    store: LockStore
    session: Session
    workstation: int
    request: Request

    @property
    def staff(self) -> Staff:
        return self.session.staff

    def key(self) -> LockKey:
        values = self.request.path_params
        return parse_key(values["object_type"], values["object_id"])

    def own_locks(self) -> list[Lock]:
        return self.store.locks_of(self.staff, self.workstation)


def lock_view(lock: Lock, *, existing: bool = False, complete: bool = False) -> Record:
    """Render a lock as Polaris does.

    Odd ids have no UTC offset and every third one lacks the optional fields: both occur in reality.
    """
    local = lock.since.astimezone(SERVER_ZONE)
    lock_date = local.replace(tzinfo=None) if lock.object_id % 2 else local
    record: Record = {
        "ObjectTypeID": lock.object_type,
        "ObjectID": lock.object_id,
        "PolarisUserID": lock.staff.id,
        "WorkstationID": lock.workstation,
        "LockDate": lock_date.isoformat(timespec="milliseconds"),
        "PolarisUserName": lock.staff.name,
        "WorkstationName": f"WS-{lock.workstation:03}",
        "ExistingLock": existing,
        "StaffEmail": lock.staff.email,
        "LockExistsInDatabase": True,
    }
    if lock.object_id % 3 == 0 and not complete:
        return {name: value for name, value in record.items() if name not in OPTIONAL_FIELDS}
    return record


def conflict_response(lock: Lock) -> Response:
    """Return 409 for an object locked by another user, whom `Data` names."""
    holder = lock_view(lock, complete=True)
    for name in ("ExistingLock", "StaffEmail", "LockExistsInDatabase"):
        del holder[name]
    kind = "Polaris.ApplicationServices.PolarisObjectLockException"
    message = f"Exception of type '{kind}' was thrown: the object is locked by {lock.staff.name}."
    return error_response(409, message, LOCKED_BY_OTHER, holder)


def error_response(status: int, message: str, code: int = 0, data: Record | None = None) -> Response:
    body = {
        "ErrorCode": code,
        "Message": message,
        "MessageDetail": None,
        "StackTrace": None,
        "InnerException": None,
        "Data": data,
    }
    return JSONResponse(body, status)


def list_locks(call: LockRequest) -> Response:
    """GET objectlocks: the caller's own locks, or all of them with `getAllLocks=true`."""
    all_locks = call.request.query_params.get("getAllLocks", "").lower() == "true"
    locks = call.store.locks.values() if all_locks else call.own_locks()
    text = json.dumps([lock_view(lock) for lock in locks])
    return Response(text, media_type="text/json")  # both labels occur; lists have this one


def get_lock(call: LockRequest) -> Response:
    lock = call.store.locks.get(call.key())
    return error_response(404, NOT_LOCKED) if lock is None else JSONResponse(lock_view(lock))


async def acquire_lock(call: LockRequest) -> Response:
    """POST objectlocks: repeating it is not a conflict for the holder."""
    try:
        body = await call.request.json()
    except ValueError as error:
        raise BadLockRequest("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise BadLockRequest("The body is not an object.")
    object_type, object_id = parse_key(body.get("ObjectTypeID"), body.get("ObjectID"))
    existing = call.store.locks.get((object_type, object_id))
    if existing is not None and not existing.is_held_by(call.staff, call.workstation):
        return conflict_response(existing)
    lock = Lock(
        object_type=object_type,
        object_id=object_id,
        staff=call.staff,
        workstation=call.workstation,
        since=call.store.clock.now(),
        session=call.session.token,
    )
    if existing is not None:
        lock = replace(lock, since=existing.since)
    call.store.locks[object_type, object_id] = lock
    return JSONResponse(lock_view(lock, existing=existing is not None, complete=True))


def release_lock(call: LockRequest) -> Response:
    lock = call.store.locks.get(call.key())
    if lock is None:
        return error_response(404, NOT_LOCKED)
    if not lock.is_held_by(call.staff, call.workstation):
        return conflict_response(lock)
    del call.store.locks[call.key()]
    return Response(status_code=200)


def release_own_locks(call: LockRequest) -> Response:
    for lock in call.own_locks():
        del call.store.locks[lock.object_type, lock.object_id]
    return Response(status_code=200)


async def get_status(_: Request) -> Response:
    version = ".".join(str(number) for number in VERSION.values())
    return JSONResponse(
        {"ServiceName": "Polaris.ApplicationServices", "Version": version, **VERSION, "Patches": []}
    )


async def log_in(request: Request) -> Response:
    store: LockStore = request.app.state.locks
    try:
        session = store.authenticator.log_in(request.headers.get("authorization", ""))
    except Unauthorized:
        return Response(status_code=401)
    return JSONResponse(store.authenticator.log_in_view(session))


def lock_routes(prefix: str) -> list[Route]:
    """Return the routes of an application whose state has the `LockStore` as `locks`."""
    api = prefix + "/api"
    product = api + "/v1/{language}/{product:int}"
    locks = product + "/{site_domain}/{organization:int}/{workstation:int}/objectlocks"
    single = locks + "/{object_type:int}/{object_id:int}"
    return [
        Route(api, get_status, methods=["GET"]),
        Route(product + "/authentication/staffuser", log_in, methods=["POST"]),
        Route(locks, require_session(list_locks), methods=["GET"]),
        Route(locks, require_session(acquire_lock), methods=["POST"]),
        Route(locks, require_session(release_own_locks), methods=["DELETE"]),
        Route(single, require_session(get_lock), methods=["GET"]),
        Route(single, require_session(release_lock), methods=["DELETE"]),
    ]


def require_session(
    endpoint: Callable[[LockRequest], Response | Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Wrap an endpoint so that it requires a session and renders its errors."""

    async def serve_request(request: Request) -> Response:
        store: LockStore = request.app.state.locks
        site, workstation = request.path_params["site_domain"], request.path_params["workstation"]
        try:
            session = store.authenticator.authenticate(request.headers.get("authorization", ""), site)
            store.release_stale_locks(session, workstation)
            response = endpoint(LockRequest(store, session, workstation, request))
            return response if isinstance(response, Response) else await response
        except Unauthorized:
            return Response(status_code=401)
        except BadLockRequest as error:
            return error_response(400, str(error))

    return serve_request

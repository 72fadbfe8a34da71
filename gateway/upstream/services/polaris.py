"""Object locks (Polaris ApplicationServices), with the staff member's own Polaris identity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from gateway import errors
from gateway.upstream.caller import CallerClient, Service, encode_query
from gateway.upstream.record_types import Record, decode_json, decode_object, records_of
from gateway.upstream.routes import Route
from gateway.upstream.statuses import Write
from gateway.upstream.transport.exchange import UpstreamResponse

_CONFLICT = frozenset({409})
_NOT_LOCKED = frozenset({404})

_LOCKS = "/objectlocks"
_LOCK = "/objectlocks/{objectTypeId}/{objectId}"


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that was granted."""

    record: Record


@dataclass(frozen=True, slots=True)
class HeldByAnother:
    """The lock of another holder, as the 409 describes it; empty if it does not."""

    record: Record


class Polaris(Service):
    """The object locks of Polaris, as one staff member at one workstation.

    A lock belongs to a (Polaris user, workstation) pair, so every method raises `Unauthenticated` before
    anything is sent if the caller sent no Polaris identity, and `BadUserInput` without a workstation (Polaris
    ApplicationServices help, object locks overview).

    The templates of the routes begin after `/Polaris.ApplicationServices/api/v1/` and the five segments that
    settings and identity fill in, which are the constant path of the client.
    """

    upstream: ClassVar[str] = "polaris"

    def __init__(
        self,
        client: CallerClient,
        identity_error: errors.GatewayError | None,
        account_error: errors.GatewayError | None = None,
    ) -> None:
        """All methods raise `identity_error`; those that need a staff member's own login `account_error`."""
        super().__init__(client)
        self._identity_error = identity_error
        self._account_error = account_error

    lock_route = Route("GET", _LOCK)

    async def lock(self, object_type_id: int, object_id: int) -> Record | None:
        """Return the lock on this object, regardless of its holder; None if it is not locked.

        A 404 of Polaris itself is a normal response; any other one is that of a server without Polaris.
        """
        self._require_identity()
        response = await self._client.read_response(
            self.lock_route, "", str(object_type_id), str(object_id), expected=_NOT_LOCKED
        )
        if response.status == 404 and _is_own_error(response.body):
            return None
        status = response.status
        record = None if status == 404 else decode_object(response.body)
        del response  # an error holds the frames that it passes, and these their locals
        if status == 404:
            raise self._unavailable()
        if record is None or not is_on(record, object_type_id, object_id):
            raise self._client.bad_shape()
        return record

    locks_route = Route("GET", _LOCKS)

    async def locks(self, *, everyones: bool) -> list[Record]:
        """Return the caller's own locks, or every lock in the system."""
        self._require_identity()
        query = encode_query({"getAllLocks": "true"} if everyones else {})
        response = await self._client.read_response(self.locks_route, query, expected=_NOT_LOCKED)
        status = response.status
        records = None if status == 404 else records_of(decode_json(response.body))
        del response
        if status == 404:
            raise self._unavailable()
        if records is None:
            raise self._client.bad_shape()
        return records

    lock_object_route = Route("POST", _LOCKS)

    async def lock_object(self, object_type_id: int, object_id: int) -> Lock | HeldByAnother:
        """Lock an object. Sent once. The same caller locking again gets `ExistingLock`."""
        self._require_identity()
        write = _write("lockObject", object_type_id, object_id)
        body = {"ObjectTypeID": object_type_id, "ObjectID": object_id}
        decode = partial(_lock, object_type_id, object_id)
        return await self._client.write_and_decode(
            write, self.lock_object_route, body, decode=decode, expected=_CONFLICT
        )

    unlock_object_route = Route("DELETE", _LOCK)

    async def unlock_object(self, object_type_id: int, object_id: int) -> HeldByAnother | None:
        """Release one lock. Sent once. None if it was released, and if there was none to release."""
        self._require_identity()
        write = _write("unlockObject", object_type_id, object_id)
        keys = str(object_type_id), str(object_id)
        result = await self._client.write_and_decode(
            write, self.unlock_object_route, None, *keys, decode=_release, expected=_CONFLICT | _NOT_LOCKED
        )
        return result if isinstance(result, HeldByAnother) else None

    release_my_locks_route = Route("DELETE", _LOCKS)

    async def release_my_locks(self) -> None:
        """Release every lock of this user at this workstation. Sent once.

        Not permitted to the service account: its locks at a workstation may be those of several people.
        """
        self._require_identity()
        if self._account_error is not None:
            raise self._account_error
        write = Write(
            operation="releaseMyLocks",
            keys={},
            verify="objectLocks { nodes { objectType objectId } }",
            is_own_404=_is_own_error,
        )
        await self._client.write_and_decode(
            write,
            self.release_my_locks_route,
            None,
            decode=lambda response: _is_released(response) or None,
        )

    def _require_identity(self) -> None:
        if self._identity_error is not None:
            raise self._identity_error

    def _unavailable(self) -> errors.UpstreamUnavailable:
        return errors.UpstreamUnavailable(
            f"{self._client.name} does not serve object locks here.", upstream=self._client.name, status=404
        )


def _write(operation: str, object_type_id: int, object_id: int) -> Write:
    return Write(
        operation=operation,
        keys={"objectTypeId": object_type_id, "objectId": object_id},
        verify="objectLock(objectType:, objectId:) { polarisUserName workstationName lockDate }",
        is_own_404=_is_own_error,
    )


def _is_own_error(body: bytes) -> bool:
    """Return True if a body is an error of Polaris, which has a number in `ErrorCode`.

    The web server in front, and ASP.NET for a path that it does not know, send a page, nothing, or `Message`.
    """
    return type((decode_object(body) or {}).get("ErrorCode")) is int


def is_on(lock: Record, object_type_id: int, object_id: int) -> bool:
    """Return True if a record is the lock on this object. An error, and another lock, prove nothing."""
    return (lock.get("ObjectTypeID"), lock.get("ObjectID")) == (object_type_id, object_id)


def _lock(object_type_id: int, object_id: int, response: UpstreamResponse) -> Lock | HeldByAnother | None:
    if response.status == 409:
        return _held_by_another(response)
    record = decode_object(response.body) or {}
    return Lock(record) if is_on(record, object_type_id, object_id) else None


def _release(response: UpstreamResponse) -> HeldByAnother | Literal[True] | None:
    """Return the other holder, or True if no lock of the caller is left."""
    if response.status == 409:
        return _held_by_another(response)
    if response.status == 404 and _is_own_error(response.body):
        return True
    return True if _is_released(response) else None


def _is_released(response: UpstreamResponse) -> bool:
    """Return True if a response is Polaris' own.

    A release is a 200 for which no body is described (ApplicationServices help, delete object locks), so a
    page or JSON in its place is not from Polaris, and a 202 is only a promise.
    """
    return response.status in (200, 204) and response.body.strip() in (b"", b"null")


def _held_by_another(response: UpstreamResponse) -> HeldByAnother:
    holder = (decode_object(response.body) or {}).get("Data")
    return HeldByAnother(holder if isinstance(holder, dict) else {})

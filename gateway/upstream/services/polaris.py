"""Object locks (Polaris ApplicationServices), asked with the staff member's own Polaris identity."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import errors
from gateway.upstream.caller import CallerClient
from gateway.upstream.response import Record, UpstreamResponse, decoded
from gateway.upstream.write import Write

_HELD_BY_ANOTHER = frozenset({409})
_NOT_LOCKED = frozenset({404})


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that was granted or found."""

    record: Record


@dataclass(frozen=True, slots=True)
class HeldByAnother:
    """The lock that someone else holds, as the 409 tells it; empty where it tells nothing."""

    record: Record


class Polaris:
    """One method per question or act; all of them as one staff member at one workstation.

    A lock belongs to a (Polaris user, workstation) pair, so every method raises `Unauthenticated` before
    anything is sent when the caller brought no Polaris identity, and `BadUserInput` without a workstation
    (Polaris ApplicationServices help, object locks overview).
    """

    def __init__(
        self,
        client: CallerClient,
        path: str | None,
        lacking: errors.GatewayError | None,
        not_own: errors.GatewayError | None = None,
    ) -> None:
        """`lacking` is raised by every method, `not_own` only by what needs the staff member's own login."""
        self._client = client
        self._path = path
        self._lacking = lacking
        self._not_own = not_own

    async def lock(self, object_type_id: int, object_id: int) -> Record | None:
        """The lock on this object, whoever holds it; None where it is not locked (404 is a normal answer).

        A 404 with a page is somebody else's: of a proxy that does not know Polaris, say.
        """
        answer = await self._client.answer(
            self._locks(f"/{object_type_id}/{object_id}"), {}, expected=_NOT_LOCKED
        )
        if answer.status == 404 and answer.body.strip() in (b"", b"null"):
            return None
        record = self._record(answer)
        return None if answer.status == 404 else record

    async def locks(self, *, everyones: bool) -> list[Record]:
        """The caller's own locks, or every lock in the system."""
        query = {"getAllLocks": "true"} if everyones else {}
        answer = await self._client.answer(self._locks(), query, expected=_NOT_LOCKED)
        records = decoded(answer.body)
        if not isinstance(records, list) or any(type(record) is not dict for record in records):
            raise self._client.bad_shape()
        return records

    async def lock_object(self, object_type_id: int, object_id: int) -> Lock | HeldByAnother:
        """Lock an object. Sent once. The same caller locking again gets `ExistingLock`."""
        act = self._act("lockObject", object_type_id, object_id)
        body = {"ObjectTypeID": object_type_id, "ObjectID": object_id}
        answer = await self._client.act(act, "POST", self._locks(), body, expected=_HELD_BY_ANOTHER)
        if answer.status == 409:
            return HeldByAnother(_holder(answer))
        record = decoded(answer.body)
        if not isinstance(record, dict) or "ObjectID" not in record:
            raise self._client.unreadable(act, answer)
        return Lock(record)

    async def unlock_object(self, object_type_id: int, object_id: int) -> HeldByAnother | None:
        """Release one lock. Sent once. None when it is released, and when there was none to release."""
        act = self._act("unlockObject", object_type_id, object_id)
        path = self._locks(f"/{object_type_id}/{object_id}")
        answer = await self._client.act(act, "DELETE", path, None, expected=_HELD_BY_ANOTHER | _NOT_LOCKED)
        if answer.status == 409:
            return HeldByAnother(_holder(answer))
        if answer.status == 404 and isinstance(decoded(answer.body), dict):
            return None
        self._released(act, answer)
        return None

    async def release_my_locks(self) -> None:
        """Release every lock of this user at this workstation. Sent once.

        Not for the service account: its locks at a workstation may be those of several people.
        """
        if self._lacking is None and self._not_own is not None:
            raise self._not_own
        act = Write(
            operation="releaseMyLocks", keys={}, verify="objectLocks { nodes { objectType objectId } }"
        )
        self._released(act, await self._client.act(act, "DELETE", self._locks(), None))

    def _released(self, act: Write, answer: UpstreamResponse) -> None:
        """Raise `OutcomeUnknown` for whatever is not Polaris' own word.

        A release is a 200 for which no body is described (ApplicationServices help, delete object locks), so
        a page or JSON in its place is somebody else's, and a 202 is a promise.
        """
        if answer.status not in (200, 204, 404) or answer.body.strip() not in (b"", b"null"):
            raise self._client.unreadable(act, answer)

    def _act(self, operation: str, object_type_id: int, object_id: int) -> Write:
        return Write(
            operation=operation,
            keys={"objectTypeId": object_type_id, "objectId": object_id},
            verify="objectLock(objectType:, objectId:) { polarisUserName workstationName lockDate }",
        )

    def _locks(self, rest: str = "") -> str:
        if self._lacking is not None:
            raise self._lacking
        return f"{self._path}/objectlocks{rest}"

    def _record(self, answer: UpstreamResponse) -> Record:
        record = decoded(answer.body)
        if not isinstance(record, dict):
            raise self._client.bad_shape()
        return record


def _holder(answer: UpstreamResponse) -> Record:
    body = decoded(answer.body)
    data = body.get("Data") if isinstance(body, dict) else None
    return data if isinstance(data, dict) else {}

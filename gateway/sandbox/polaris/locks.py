"""The locks that Polaris staff hold on objects, each by a user at a workstation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.sandbox.clock import Clock
from gateway.sandbox.polaris.sessions import Authenticator, Session, Staff

UNUSED_TYPES = {23, 66}
OBJECT_TYPES = frozenset(range(1, 91)) - UNUSED_TYPES
SEEDED_LOCKS = [(27, 29937), (3, 100200), (2, 5501), (28, 880)]

LockKey = tuple[int, int]  # object type and object id


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    object_type: int
    object_id: int
    staff: Staff
    workstation: int
    since: datetime
    session: str

    def is_held_by(self, staff: Staff, workstation: int) -> bool:
        return self.staff.id == staff.id and self.workstation == workstation


class BadLockRequest(ValueError):
    """A body or path that does not identify a lockable object."""


class LockStore:
    """All locks; one Polaris serves every tenant."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.authenticator = Authenticator(clock)
        self.locks: dict[LockKey, Lock] = {}
        annex = self.authenticator.get_staff("annex")
        for number, (object_type, object_id) in enumerate(SEEDED_LOCKS, start=1):
            self.locks[object_type, object_id] = Lock(
                object_type=object_type,
                object_id=object_id,
                staff=annex,
                workstation=12,
                since=clock.start - timedelta(minutes=7 * number),
                session="",
            )

    def locks_of(self, staff: Staff, workstation: int) -> list[Lock]:
        return [lock for lock in self.locks.values() if lock.is_held_by(staff, workstation)]

    def release_stale_locks(self, session: Session, workstation: int) -> None:
        """On a session's first call from a workstation, release the locks of the user's earlier sessions."""
        if session.fixed or workstation in session.workstations:
            return
        session.workstations.add(workstation)
        for lock in self.locks_of(session.staff, workstation):
            if lock.session != session.token:
                del self.locks[lock.object_type, lock.object_id]


def parse_key(object_type: object, object_id: object) -> LockKey:
    """Return a valid (type, id) pair. Raises BadLockRequest."""
    if type(object_type) is not int or object_type not in OBJECT_TYPES:
        raise BadLockRequest(f"Invalid object type ID: {object_type}")
    if type(object_id) is not int or object_id < 1:
        raise BadLockRequest(f"Invalid object ID: {object_id}")
    return object_type, object_id

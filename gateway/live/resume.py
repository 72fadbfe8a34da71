"""The ids of results: where a stream that was interrupted goes on, on any replica.

An id is opaque. It holds a position, which is a time by the clock of the source, and the records of later
changes that were sent already, so that what was missed is sent once: the partitions of a log are read side by
side, and a change may come after others with a later time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import zlib
from typing import Self

from gateway.live.changes import SKEW_MS, Change

MAX_SENT = 64  # records in an id, which is then 700 characters long

_VERSION = 1
_HEAD = struct.Struct(">B8sQ")
_SENT = struct.Struct(">II")


def bind(tenant: str, *parts: str | None) -> bytes:
    """Return the digest of a tenant and of the parts of a document, to which ids are bound."""
    digest = hashlib.blake2b(digest_size=8, person=b"resume")
    for each in (tenant, *parts):
        text = b"" if each is None else each.encode()
        digest.update(b"%d:%b" % (len(text), text))
    return digest.digest()


class ResumePoint:
    """The point that a stream has reached: all changes before `position` were sent, and those it has seen."""

    __slots__ = ("_seen", "_skew", "_start", "position")

    def __init__(self, position: int, seen: dict[int, int] | None = None, *, skew: int = SKEW_MS) -> None:
        """`seen` has the position of the latest change of each record that was sent, by its checksum.

        A change may come `skew` milliseconds after others with a later position.
        """
        self.position = self._start = position
        self._seen = seen or {}
        self._skew = skew

    def add(self, change: Change, first_pending: int | None) -> None:
        """Move on after a change was sent, or kept from the client.

        `first_pending` is the earliest position of those that are still to be sent.
        """
        record = zlib.crc32(change.id.encode())
        self._seen[record] = max(change.position, self._seen.get(record, 0))
        latest = max(self._seen.values())
        reached = min(latest - self._skew, latest if first_pending is None else first_pending)
        self.position = max(self._start, self.position, reached)
        if first_pending is not None:
            self.position = max(self._start, min(self.position, first_pending))
        self._seen = {each: at for each, at in self._seen.items() if at >= self.position}
        while len(self._seen) > MAX_SENT:
            earliest = min(self._seen, key=self._seen.__getitem__)
            del self._seen[earliest]

    def has_passed(self, change: Change) -> bool:
        """Return True if a change was sent, or a later one of the same record, or if it came before these."""
        return change.position < self.position or change.position <= self._seen.get(
            zlib.crc32(change.id.encode()), -1
        )

    def encode(self, binding: bytes) -> str:
        """Return the id of the result that was sent last."""
        sent = (_SENT.pack(each, min(at - self.position, 2**32 - 1)) for each, at in self._seen.items())
        raw = b"".join((_HEAD.pack(_VERSION, binding, self.position), *sent))
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, binding: bytes, *, skew: int = SKEW_MS) -> Self | None:
        """Return the point of an id; None if it is none, or that of another tenant or document."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        size = len(raw) - _HEAD.size
        if size < 0 or size % _SENT.size or size > MAX_SENT * _SENT.size:
            return None
        version, bound, position = _HEAD.unpack_from(raw)
        if version != _VERSION or bound != binding:
            return None
        seen = {each: position + at for each, at in _SENT.iter_unpack(raw[_HEAD.size :])}
        return cls(position, seen, skew=skew)

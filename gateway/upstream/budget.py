"""The limits of running operations: upstream calls, and bytes of responses.

The bytes of all operations have a bound, which tenants share: the more of it is held, the less may each of
them hold, so that something is always left for another. An operation that holds little is not refused for it.
A large response counts several times if it becomes dictionaries or small objects, and what is sent to the
client counts too.

Estimates are checked before an operation is executed, and upstream can have more records than estimated. Only
reads are refused. The response to a write is counted and never cut, because its outcome would be unknown.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TypeAlias

import msgspec

from gateway.errors import LimitExceeded

Body: TypeAlias = bytes  # which is an attribute of the class below, too

FREE_SHARE = 1000  # an operation is not refused before it has this part of all bytes
LARGE_BODY = 400_000  # bytes, which take two milliseconds to decode
OBJECT_SIZE = 100  # bytes of an object and of its part of the result, if it has hardly any members
SAMPLE = 101  # one byte of so many is looked at, which is no period of JSON; all would cost a millisecond
WEIGHT_OF_OBJECTS = 3  # bytes of dictionaries for each byte of their JSON, beside it (measured: 1.7 to 4.1)
MAX_SHARE = 3  # times what is left: one tenant alone has three quarters, each of two has three sevenths


class ProcessBudget:
    """The bytes of responses that all running operations hold together, and of these each tenant."""

    __slots__ = ("by_tenant", "free", "held", "maximum")

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.free = maximum // FREE_SHARE
        self.held = 0
        self.by_tenant: defaultdict[str | None, int] = defaultdict(int)

    def remove(self, tenant: str | None, size: int) -> None:
        """Take away bytes that an operation of a tenant held until now."""
        self.held -= size
        self.by_tenant[tenant] -= size
        if not self.by_tenant[tenant]:
            del self.by_tenant[tenant]

    def is_exceeded_by(self, tenant: str | None) -> bool:
        """Return True if a tenant holds more than its share."""
        return self.by_tenant.get(tenant, 0) > MAX_SHARE * (self.maximum - self.held)


_RELEASED = ProcessBudget(sys.maxsize)  # counts what nothing is measured by


class OperationBudget(msgspec.Struct, kw_only=True, eq=False):
    """The calls and bytes of one operation, until it is released.

    Each read adds itself to `calls` before it is sent, and each piece of a response its size to `bytes` and
    to those of the process and of the tenant there. The errors are for the first excess and all after it.
    """

    max_calls: int
    max_bytes: int
    process: ProcessBudget
    tenant: str | None = None
    calls: int = 0
    bytes: int = 0
    objects: int = 0
    """Bytes of the objects that large responses became, beside `bytes`."""
    response: int = 0
    """Bytes of the response to the client. They take the place of the records that they are made of."""
    held: int = 0
    """Bytes that the process holds beside `bytes`, because of the two others."""

    def hold_objects(self, body: Body, *, as_dictionaries: bool) -> LimitExceeded | None:
        """Count a large body before it is decoded. Return the error if there is no room for its objects."""
        objects = SAMPLE * body[::SAMPLE].count(b"{")
        size = OBJECT_SIZE * objects - len(body)
        if as_dictionaries:
            size = max(size, WEIGHT_OF_OBJECTS * len(body))
        self.objects += max(size, 0)
        if (excess := self._hold()) is not None:
            self.objects -= max(size, 0)
            self._hold()
        return excess

    def hold_response(self, size: int) -> LimitExceeded | None:
        """Count bytes that are to be sent to the client. Return the error if there is no room for them."""
        self.response += size
        return self._hold()

    def drop_response(self, size: int) -> None:
        """Give bytes back that are not sent to the client."""
        self.response -= size
        self._hold()

    def release(self) -> None:
        """Give the bytes back to the process, when the response has been sent."""
        self.process.remove(self.tenant, self.bytes + self.held)
        self.process, self.tenant = _RELEASED, None  # for what arrives later

    def read_error(self) -> LimitExceeded:
        """Return the error for a read beyond `max_calls`, or after more than `max_bytes`."""
        if self.calls <= self.max_calls:
            return self.size_error()
        return LimitExceeded(
            f"The operation needs more than {self.max_calls} upstream calls, three times MAX_COST.",
            details={"limit": "MAX_COST", "maximum": self.max_calls},
        )

    def size_error(self) -> LimitExceeded:
        """Return the error for the response to a read beyond the bytes of the operation or the process."""
        if self.bytes > self.max_bytes:
            return LimitExceeded(
                f"The operation holds more than {self.max_bytes} bytes of upstream (MAX_OPERATION_BYTES).",
                details={"limit": "MAX_OPERATION_BYTES", "maximum": self.max_bytes},
            )
        return self._process_error()

    def _hold(self) -> LimitExceeded | None:
        process = self.process
        more = max(self.objects, self.response - self.bytes) - self.held
        self.held += more
        process.held += more
        process.by_tenant[self.tenant] += more
        is_free = more <= 0 or self.bytes + self.held <= process.free
        return self._process_error() if not is_free and process.is_exceeded_by(self.tenant) else None

    def _process_error(self) -> LimitExceeded:
        alone = self.bytes + self.held
        is_retryable = alone <= MAX_SHARE * (self.process.maximum - alone)
        return LimitExceeded(
            f"The operations of the tenant hold more than their share of {self.process.maximum} bytes "
            "(MAX_PROCESS_BYTES).",
            details={
                "retryable": is_retryable,
                "limit": "MAX_PROCESS_BYTES",
                "maximum": self.process.maximum,
            },
        )

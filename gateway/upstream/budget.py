"""What operations may take of upstream while they run: calls, and bytes of responses.

The bytes of all operations have a bound, which tenants share: the more of it is held, the less may each of
them hold, so that something is always left for another. An operation that holds little is not refused for it.

Estimates are checked before an operation is executed, and upstream can have more records than estimated. Only
reads are refused. The response to a write is counted and never cut, because its outcome would be unknown.
"""

from __future__ import annotations

from gateway.errors import LimitExceeded

FREE_SHARE = 1000  # an operation is not refused before it has this part of all bytes
MAX_SHARE = 3  # times what is left: one tenant alone has three quarters, each of two has three sevenths


class ProcessBudget:
    """The bytes of responses that all running operations hold together, and of these each tenant."""

    __slots__ = ("by_tenant", "free", "held", "maximum")

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.free = maximum // FREE_SHARE
        self.held = 0
        self.by_tenant: dict[str | None, int] = {}

    def add(self, tenant: str | None, size: int) -> None:
        """Count bytes that an operation of a tenant holds from now on, or no longer if they are negative."""
        self.held += size
        held = self.by_tenant.get(tenant, 0) + size
        if held:
            self.by_tenant[tenant] = held
        else:
            self.by_tenant.pop(tenant, None)

    def is_exceeded_by(self, tenant: str | None) -> bool:
        """Return True if a tenant holds more than its share."""
        return self.by_tenant.get(tenant, 0) > MAX_SHARE * (self.maximum - self.held)


class OperationBudget:
    """The calls and bytes of one operation, until it is released."""

    __slots__ = ("_is_released", "_process", "_tenant", "bytes", "calls", "max_bytes", "max_calls")

    def __init__(
        self, *, max_calls: int, max_bytes: int, process: ProcessBudget, tenant: str | None = None
    ) -> None:
        self.calls = self.bytes = 0
        self.max_calls = max_calls
        self.max_bytes = max_bytes
        self._process = process
        self._tenant = tenant
        self._is_released = False

    def start_read(self) -> None:
        """Count a read before it is sent. Raises `LimitExceeded`, from the first excess on."""
        self.calls += 1
        if self.calls > self.max_calls:
            raise LimitExceeded(
                f"The operation needs more than {self.max_calls} upstream calls, three times MAX_COST.",
                details={"limit": "MAX_COST", "maximum": self.max_calls},
            )
        if self.bytes > self.max_bytes:
            raise self._too_many_bytes()

    def take(self, size: int) -> None:
        """Count bytes of the response to a read as they arrive. Raises `LimitExceeded`."""
        self.count(size)
        if self.bytes > self.max_bytes:
            raise self._too_many_bytes()
        process = self._process
        if self.bytes > process.free and process.is_exceeded_by(self._tenant):
            raise LimitExceeded(
                f"Upstream sent more than the tenant's share of {process.maximum} bytes for the operations "
                "that are running (MAX_PROCESS_BYTES).",
                details={"retryable": True, "limit": "MAX_PROCESS_BYTES", "maximum": process.maximum},
            )

    def count(self, size: int) -> None:
        """Count bytes that are kept whatever their number: those of the response to a write."""
        self.bytes += size
        if not self._is_released:
            self._process.add(self._tenant, size)

    def release(self) -> None:
        """Give the bytes back to the process, when the response has been sent."""
        if not self._is_released:
            self._is_released = True
            self._process.add(self._tenant, -self.bytes)

    def _too_many_bytes(self) -> LimitExceeded:
        return LimitExceeded(
            f"Upstream sent more than {self.max_bytes} bytes for the operation (MAX_OPERATION_BYTES).",
            details={"limit": "MAX_OPERATION_BYTES", "maximum": self.max_bytes},
        )

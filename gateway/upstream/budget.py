"""What operations may take of upstream while they run: calls, and bytes of responses.

Estimates are checked before an operation is executed, and upstream can have more records than estimated. Only
reads are refused. The response to a write is counted and never cut, because its outcome would be unknown.
"""

from __future__ import annotations

from gateway.errors import LimitExceeded


class ProcessBudget:
    """The bytes of responses that all running operations hold together."""

    __slots__ = ("held", "maximum")

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.held = 0


class OperationBudget:
    """The calls and bytes of one operation, until it is released."""

    __slots__ = ("_is_released", "_process", "bytes", "calls", "max_bytes", "max_calls")

    def __init__(self, *, max_calls: int, max_bytes: int, process: ProcessBudget) -> None:
        self.calls = self.bytes = 0
        self.max_calls = max_calls
        self.max_bytes = max_bytes
        self._process = process
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
        if process.held > process.maximum:
            raise LimitExceeded(
                f"Upstream sent more than {process.maximum} bytes for the operations that are running "
                "(MAX_PROCESS_BYTES).",
                details={"retryable": True, "limit": "MAX_PROCESS_BYTES", "maximum": process.maximum},
            )

    def count(self, size: int) -> None:
        """Count bytes that are kept whatever their number: those of the response to a write."""
        self.bytes += size
        if not self._is_released:
            self._process.held += size

    def release(self) -> None:
        """Give the bytes back to the process, when the response has been sent."""
        if not self._is_released:
            self._is_released = True
            self._process.held -= self.bytes

    def _too_many_bytes(self) -> LimitExceeded:
        return LimitExceeded(
            f"Upstream sent more than {self.max_bytes} bytes for the operation (MAX_OPERATION_BYTES).",
            details={"limit": "MAX_OPERATION_BYTES", "maximum": self.max_bytes},
        )

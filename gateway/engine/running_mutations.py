"""Running mutations, which neither a disconnect nor a shutdown cancels."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import FieldNode, OperationDefinitionNode

from gateway.context import ShutdownState
from gateway.observability.counters import ProcessGauge

T = TypeVar("T")

log = logging.getLogger(__name__)


RUNNING_MUTATIONS = ProcessGauge(
    "gateway_running_mutations", "Mutations that have started and have no response yet."
)


@dataclass(frozen=True, slots=True)
class RunningMutation:
    """A mutation that has begun, as the log identifies it."""

    operation: OperationDefinitionNode
    request_id: str

    def __str__(self) -> str:
        """Return the names of the operation and its fields with the request id, and no arguments."""
        name = self.operation.name.value if self.operation.name else "without a name"
        selections = self.operation.selection_set.selections
        fields = [each.name.value if isinstance(each, FieldNode) else "..." for each in selections]
        return f"mutation {name} ({', '.join(fields)}), request id {self.request_id}"


class RunningMutations:
    """The mutations that have begun and whose response is not sent.

    Upstream executes what was sent, even if the gateway stops waiting. A server that shuts down cancels its
    requests after a while. For a mutation this only means that no further field of its operation begins: it
    runs to its own deadline, its response is sent, and the process waits for that in `wait_until_finished`.
    The operations of other requests are not affected: `stopping` is set by the server that shuts down.
    """

    def __init__(self) -> None:
        self.stopping = ShutdownState()
        self._requests: dict[asyncio.Task[Any], RunningMutation] = {}  # Any: results of requests are not used

    async def finish(
        self,
        mutation: Awaitable[T],
        operation: OperationDefinitionNode,
        request_id: str,
        on_cancel: Callable[[], None] | None = None,
    ) -> T:
        """Await a mutation to its end, even if the request is cancelled, which calls `on_cancel`."""
        request = asyncio.current_task()
        assert request is not None  # noqa: S101 - a coroutine always runs in a task
        self._requests[request] = RunningMutation(operation, request_id)
        RUNNING_MUTATIONS.counts[""] = len(self._requests)
        request.add_done_callback(self._remove)
        running = asyncio.ensure_future(mutation)
        while True:
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                if running.done():  # the mutation itself was cancelled: the event loop is closing
                    raise
                if on_cancel is not None:
                    on_cancel()
                request.uncancel()

    def response_sent(self) -> None:
        """Report that the response to the current request was sent."""
        if self._requests and (request := asyncio.current_task()) is not None:
            self._remove(request)

    async def wait_until_finished(self, *, within: float) -> None:
        """Wait for the running mutations, for at most `within` seconds.

        The log names each of them first, in case the process is killed, and then those that did not finish,
        whose outcome is unknown.
        """
        if not self._requests:
            return
        for mutation in self._requests.values():
            log.warning("Shutting down; waiting up to %g s for %s", within, mutation)
        await asyncio.wait(self._requests, timeout=within)
        for request, mutation in self._requests.items():
            if not request.done():
                log.error("Stopped without a response, outcome unknown: %s", mutation)

    def _remove(self, request: asyncio.Task[Any]) -> None:
        self._requests.pop(request, None)
        RUNNING_MUTATIONS.counts[""] = len(self._requests)

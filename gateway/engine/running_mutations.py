"""MutationState under way: nothing but their own end ends them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import FieldNode, OperationDefinitionNode

from gateway.context import ShutdownState

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningMutation:
    """A mutation that was begun, as the log names it."""

    operation: OperationDefinitionNode
    request_id: str

    def __str__(self) -> str:
        """The names of the operation and of its acts, and the request id; nothing that they were given."""
        name = self.operation.name.value if self.operation.name else "without a name"
        selections = self.operation.selection_set.selections
        acts = [each.name.value if isinstance(each, FieldNode) else "..." for each in selections]
        return f"mutation {name} ({', '.join(acts)}), request id {self.request_id}"


class RunningMutations:
    """The acts that were begun and have not come to their answer.

    What was sent upstream happens there, whoever stops waiting here. A server that stops cancels its requests
    after a while; to an act this means that none is begun after it in the same operation, and nothing else.
    It goes on to its own deadline, its answer is sent, and the process waits for that with `ended`.
    """

    def __init__(self) -> None:
        self.stopping = ShutdownState()
        self._open: dict[asyncio.Task[Any], RunningMutation] = {}  # Any: nobody asks what the requests return

    @property
    def number(self) -> int:
        """How many there are now."""
        return len(self._open)

    async def finish(self, act: Awaitable[T], operation: OperationDefinitionNode, request_id: str) -> T:
        """Await an act to its end, though the request be cancelled in the meantime."""
        request = asyncio.current_task()
        assert request is not None  # noqa: S101 - a coroutine always runs in a task
        self._open[request] = RunningMutation(operation, request_id)
        request.add_done_callback(self._forget)
        running = asyncio.ensure_future(act)
        while True:
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                if running.done():  # it was the act that was cancelled: the loop itself is ending
                    raise
                self.stopping.now = True
                request.uncancel()

    def answered(self) -> None:
        """Say that the answer to the request that runs here was sent."""
        if self._open and (request := asyncio.current_task()) is not None:
            self._forget(request)

    async def ended(self, *, within: float) -> None:
        """Wait for the acts that are still open, and no longer than so many seconds.

        The log names each of them before, for whoever kills the process meanwhile, and those that were not
        waited for to their end: of these nobody here knows whether they happened.
        """
        if not self._open:
            return
        for act in self._open.values():
            log.warning("ShutdownState, but waiting up to %g s for %s", within, act)
        await asyncio.wait(self._open, timeout=within)
        for request, act in self._open.items():
            if not request.done():
                log.error("Stopped without an answer, outcome unknown: %s", act)

    def _forget(self, request: asyncio.Task[Any]) -> None:
        self._open.pop(request, None)

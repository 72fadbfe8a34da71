"""Acts under way: nothing but their own end ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class OpenActs:
    """The acts that were begun and have not come to their answer.

    What was sent upstream happens there, whoever stops waiting here. A server that stops cancels its requests
    after a while; to an act this means nothing. It goes on to its own deadline, its answer is sent, and the
    process waits for that with `ended`.
    """

    def __init__(self) -> None:
        self._requests: set[asyncio.Task[Any]] = set()  # Any: nobody asks what they return

    async def finish(self, act: Awaitable[T]) -> T:
        """Await an act to its end, though the request be cancelled in the meantime."""
        request = asyncio.current_task()
        assert request is not None  # noqa: S101 - a coroutine always runs in a task
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        running = asyncio.ensure_future(act)
        while True:
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                if running.done():  # it was the act that was cancelled: the loop itself is ending
                    raise
                request.uncancel()

    def answered(self) -> None:
        """Say that the answer to the request that runs here was sent."""
        if self._requests and (request := asyncio.current_task()) is not None:
            self._requests.discard(request)

    async def ended(self, *, within: float) -> None:
        """Wait for the acts that are still open, and no longer than so many seconds."""
        if self._requests:
            await asyncio.wait(self._requests, timeout=within)

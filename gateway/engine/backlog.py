"""The backlog of an operation: what graphql-core completes of its result in later turns of the event loop.

A thousand fields may wait for one target, or a batch of links may bring a thousand records with a list each.
All of them are resumed in one turn when it is loaded, and would be completed in it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import Protocol
from weakref import WeakKeyDictionary

from gateway.observability.operation import OperationRecord
from gateway.upstream.turns import SLICE_SECONDS, Turn

RESUMED_AT_ONCE = 8  # each of them continues only if there is time left
TURNS_OF_A_BATCH = 3  # after which DataLoaders have sent their batches
TURNS_OF_LEVELS = 16  # graphql-core starts the fields of each nested object in a turn of its own


class TurnTime:
    """The time of one turn of an event loop, which the completions of all operations share."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = 0.0  # zero until the first completion in a turn

    @property
    def is_over(self) -> bool:
        """True if the completions in this turn have taken as long as a slice may."""
        now = perf_counter()
        if not self._until:
            self._until = now + SLICE_SECONDS
            asyncio.get_running_loop().call_soon(self._reset)
        return now >= self._until

    def _reset(self) -> None:
        self._until = 0.0


_times: WeakKeyDictionary[asyncio.AbstractEventLoop, TurnTime] = WeakKeyDictionary()


class Unfinished(Protocol):
    """A list of which some elements are completed."""

    @property
    def may_load(self) -> bool:
        """True if the links of its elements may be loaded before it has more of them."""

    def proceed(self, time: TurnTime) -> bool:
        """Complete elements as long as there is time; True if none is left. May raise any error."""


class Backlog:
    """What remains to be completed of one operation.

    While there is anything, DataLoaders send no batch of the operation, except between groups of a long list:
    what is loaded later joins the batches of what was completed at once.
    """

    __slots__ = ("_is_holding", "_operation", "_running", "_waiting", "time")

    def __init__(self, operation: OperationRecord) -> None:
        loop = asyncio.get_running_loop()
        self.time = _times.get(loop) or _times.setdefault(loop, TurnTime())
        self._operation = operation
        self._waiting: deque[tuple[asyncio.Future[None], Unfinished | None]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._is_holding = False

    async def wait(self) -> None:
        """Return in a turn that has time for a completion: at once, if this one has."""
        while self.time.is_over:
            await self.add(None)

    def add(self, unfinished: Unfinished | None) -> asyncio.Future[None]:
        """Return a future for the end of a list, or without one for a turn. It raises the list's error."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((future, unfinished))
        self._hold(unfinished is None or not unfinished.may_load)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return future

    def close(self) -> None:
        """Complete nothing more."""
        for future, _ in self._waiting:
            future.cancel()

    def _hold(self, is_needed: bool) -> None:
        """Let DataLoaders wait from now on, if it `is_needed` and they do not yet."""
        if is_needed and not self._is_holding:
            self._is_holding = True
            self._operation.backlogs += 1

    async def _run(self) -> None:
        waiting = self._waiting
        try:
            while waiting:
                async with Turn():
                    self._proceed()
                if not waiting:
                    await self._start_loading()
                elif all(unfinished is not None and unfinished.may_load for _, unfinished in waiting):
                    self._release()
                    for _ in range(TURNS_OF_A_BATCH):
                        await asyncio.sleep(0)
        finally:
            self._running = None
            self._release()

    def _proceed(self) -> None:
        """Complete a slice of one list, or resume a few of those that wait for a turn."""
        waiting = self._waiting
        for _ in range(min(RESUMED_AT_ONCE, len(waiting))):
            future, unfinished = waiting[0]
            if future.done():  # cancelled
                waiting.popleft()
                continue
            if unfinished is None:
                waiting.popleft()
                future.set_result(None)
                continue
            try:
                is_complete = unfinished.proceed(self.time)
            except Exception as error:
                waiting.popleft()
                future.set_exception(error)
                future.exception()  # retrieved: if nothing awaits it, the operation has failed already
                return
            if not is_complete:
                self._hold(not unfinished.may_load)
                return
            waiting.popleft()
            future.set_result(None)

    async def _start_loading(self) -> None:
        """Let what was completed last begin to load, unless that has to wait for a turn, too."""
        for _ in range(TURNS_OF_LEVELS):
            await asyncio.sleep(0)
            if self._waiting:
                return

    def _release(self) -> None:
        if self._is_holding:
            self._is_holding = False
            self._operation.backlogs -= 1

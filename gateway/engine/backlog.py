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
    """The remaining results of one operation that are to be completed.

    While there is anything, DataLoaders send no batch of the operation, except between groups of a long list:
    what is loaded later joins the batches of what was completed at once.
    """

    __slots__ = ("_again", "_inner", "_is_holding", "_lists", "_operation", "_running", "_turns", "time")

    def __init__(self, operation: OperationRecord) -> None:
        loop = asyncio.get_running_loop()
        self.time = _times.get(loop) or _times.setdefault(loop, TurnTime())
        self._operation = operation
        self._lists: deque[tuple[asyncio.Future[None], Unfinished]] = deque()
        self._inner: deque[tuple[asyncio.Future[None], Unfinished]] | None = None  # of the list that proceeds
        self._turns: deque[asyncio.Future[None]] = deque()
        self._again: deque[asyncio.Future[None]] = deque()  # those that were resumed when there was no time
        self._running: asyncio.Task[None] | None = None
        self._is_holding = False

    async def wait(self) -> None:
        """Return in a turn that has time for a completion: at once, if this one has."""
        queue = self._turns
        while self.time.is_over:
            turn = asyncio.get_running_loop().create_future()
            queue.append(turn)
            self._hold()
            self._run_in_background()
            await turn
            queue = self._again

    def finish(self, unfinished: Unfinished) -> asyncio.Future[None]:
        """Return a future for the end of a list, which raises its error. The lists in it end before it."""
        future = asyncio.get_running_loop().create_future()
        lists = self._lists if self._inner is None else self._inner
        lists.append((future, unfinished))
        if not unfinished.may_load:
            self._hold()
        self._run_in_background()
        return future

    def close(self) -> None:
        """Complete nothing more."""
        for future in (*self._again, *self._turns, *(future for future, _ in self._lists)):
            future.cancel()

    def _run_in_background(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        lists = self._lists
        try:
            while lists or self._turns or self._again:
                async with Turn():
                    # What has begun is kept in memory, so that it comes first.
                    if lists:
                        self._proceed(*lists.popleft())
                    else:
                        self._resume()
                if self._turns or self._again:
                    continue
                if not lists:
                    await self._start_loading()
                elif all(each.may_load for _, each in lists):
                    self._release()
                    for _ in range(TURNS_OF_A_BATCH):
                        await asyncio.sleep(0)
        finally:
            self._running = None
            self._release()

    def _proceed(self, future: asyncio.Future[None], unfinished: Unfinished) -> None:
        """Complete a slice of a list."""
        if future.done():  # cancelled
            return
        inner = self._inner = deque()
        try:
            is_complete = unfinished.proceed(self.time)
        except Exception as error:
            future.set_exception(error)
            future.exception()  # retrieved: if nothing awaits it, the operation has failed already
        else:
            if is_complete:
                future.set_result(None)
            else:
                inner.append((future, unfinished))
                if not unfinished.may_load:
                    self._hold()
        finally:
            self._inner = None
        self._lists.extendleft(reversed(inner))

    def _resume(self) -> None:
        """Resume a few of those that wait for a turn, in their order."""
        for _ in range(min(RESUMED_AT_ONCE, len(self._again) + len(self._turns))):
            turn = (self._again or self._turns).popleft()
            if not turn.done():  # not cancelled
                turn.set_result(None)

    async def _start_loading(self) -> None:
        """Let what was completed last begin to load, unless that has to wait for a turn, too."""
        for _ in range(TURNS_OF_LEVELS):
            await asyncio.sleep(0)
            if self._lists or self._turns or self._again:
                return

    def _hold(self) -> None:
        if not self._is_holding:
            self._is_holding = True
            self._operation.backlogs += 1

    def _release(self) -> None:
        if self._is_holding:
            self._is_holding = False
            self._operation.backlogs -= 1

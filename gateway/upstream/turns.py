"""Turns of the event loop: long work of all operations is done in slices, one in each turn.

Between two slices the loop receives requests and serves short ones. Without the lock, each of thirty
operations would do its slice in the same turn.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

SLICE_SECONDS = 0.005

_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


class Turn:
    """A turn for a slice of work without an `await`: `async with Turn() as turn: ...`."""

    __slots__ = ("_lock", "_until")

    @property
    def has_time(self) -> bool:
        """True until the turn has lasted as long as a slice may."""
        return perf_counter() < self._until

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        lock = _locks.get(loop)
        if lock is None:
            lock = _locks[loop] = asyncio.Lock()
        self._lock = lock
        await lock.acquire()
        self._until = perf_counter() + SLICE_SECONDS
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await asyncio.sleep(0)
        finally:
            self._lock.release()

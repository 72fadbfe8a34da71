"""The slots of one upstream: its concurrent calls, shared by route families, tenants and operations.

While there are any, the delay of the event loop is measured: a timer that ran out while the loop was late
says nothing about upstream.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Hashable, Sized
from typing import NamedTuple, TypeAlias, TypeVar

RESERVED_PART = 8  # one slot of so many is for writes alone
FREE_SLOTS_FACTOR = 4  # a route family takes no slot beyond this multiple of the free ones: it leaves a fifth

INTERVAL = 0.05  # seconds between two measurements
MAX_DELAY = 0.1  # seconds; a response that arrives during a longer delay may be read after its timeout

_Key = TypeVar("_Key", bound=Hashable)
_Queue = TypeVar("_Queue", bound=Sized)


class _Waiting(NamedTuple):
    turn: asyncio.Future[None]
    read: bool


_Calls: TypeAlias = dict[str, deque[_Waiting]]  # by route family
_Operations: TypeAlias = dict[Hashable, _Calls]


class Slots:
    """A bounded number of slots, one for each call in flight.

    A slot that becomes free goes to the tenants in turn, and within a tenant to its operations in turn, so
    that none waits for all the calls of another. No route family takes the last slots: a module that hangs
    leaves some to the others. Reads leave some to writes.

    At any time no waiting call could have a slot. A new call that can have one therefore overtakes only calls
    that wait for other slots than this one.
    """

    def __init__(self, size: int) -> None:
        self.size = self.free = size
        self._reserved = size // RESERVED_PART
        self._taken: dict[str, int] = {}  # by route family
        self._queue: dict[str | None, _Operations] = {}  # by tenant; the first is next
        self._waiting: Counter[tuple[str, bool]] = Counter()  # calls, by route family and whether they read

    def take(self, family: str, read: bool) -> bool:
        """Take a slot if one is free for this route family; return False if the call has to wait."""
        if not self._has_room(family, read):
            return False
        self.free -= 1
        self._taken[family] = self._taken.get(family, 0) + 1
        return True

    def _has_room(self, family: str, read: bool) -> bool:
        room = self.free - self._reserved if read else self.free
        return self._taken.get(family, 0) < FREE_SLOTS_FACTOR * room

    def release(self, family: str) -> None:
        """Return a slot that was taken for this route family."""
        self.free += 1
        self._taken[family] -= 1
        if self._queue:
            self._serve_waiting()

    async def wait(self, family: str, read: bool, tenant: str | None, operation: Hashable) -> None:
        """Wait for a slot after `take` returned False, and take it."""
        turn = asyncio.get_running_loop().create_future()
        operations = self._queue.setdefault(tenant, {})
        calls = operations.setdefault(operation, {})
        calls.setdefault(family, deque()).append(waiting := _Waiting(turn, read))
        self._waiting[family, read] += 1
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had its turn at the same moment
                self.release(family)
            else:
                calls[family].remove(waiting)
                self._forget(family, read)
                _remove_if_empty(calls, family)
                _remove_if_empty(operations, operation)
                _remove_if_empty(self._queue, tenant)
                self._serve_waiting()  # those behind it, if a slot became free just now
            raise

    def _serve_waiting(self) -> None:
        while self._queue and self.free and self._serve_next():
            pass

    def _serve_next(self) -> bool:
        """Give a free slot to the next call that can have it; return False if there is none."""
        served = {each for each in self._waiting if self._has_room(*each)}
        if not served:  # most often, if many wait: all of them for the same slow route
            return False
        for tenant, operations in self._queue.items():
            for operation, calls in operations.items():
                for family, waiting in calls.items():
                    turn, read = waiting[0]
                    if (family, read) in served and not turn.cancelled():
                        self.take(family, read)
                        waiting.popleft()
                        turn.set_result(None)
                        self._forget(family, read)
                        _move_to_end(calls, family)
                        _move_to_end(operations, operation)
                        _move_to_end(self._queue, tenant)
                        return True
        return False

    def _forget(self, family: str, read: bool) -> None:
        """Remove a call that no longer waits from the numbers of those that do."""
        self._waiting[family, read] -= 1
        if not self._waiting[family, read]:
            del self._waiting[family, read]


class LoopDelay:
    """Remembers when the event loop was late. Measures only while a slot is taken."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.loop: asyncio.AbstractEventLoop | None = None  # the one that is measured
        self._due = math.inf
        self._last_delay = -math.inf

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Measure from now on. To be called before each timer that matters, unless `loop` is this one."""
        self.loop = loop
        self._schedule(loop, loop.time())

    def was_late_since(self, began: float) -> bool:
        """Return True if the event loop was late after this time by its clock."""
        now = asyncio.get_running_loop().time()
        return self._last_delay >= began or now - self._due > MAX_DELAY

    def _schedule(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        self._due = now + INTERVAL
        loop.call_at(self._due, self._measure, loop)

    def _measure(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        if now - self._due > MAX_DELAY:
            self._last_delay = now
        if self._slots.free < self._slots.size:
            self._schedule(loop, now)
        else:
            self.loop = None


def _remove_if_empty(queue: dict[_Key, _Queue], key: _Key) -> None:
    if not queue[key]:
        del queue[key]


def _move_to_end(queue: dict[_Key, _Queue], key: _Key) -> None:
    rest = queue.pop(key)
    if rest:
        queue[key] = rest

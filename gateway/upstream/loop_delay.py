"""The delay of the event loop: a timer that ran out while the loop was late says nothing about upstream."""

from __future__ import annotations

import asyncio
import math

from gateway.upstream.slots import Slots

INTERVAL = 0.05  # seconds between two measurements
MAX_DELAY = 0.1  # seconds; a response that arrives during a longer delay may be read after its timeout


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

"""How long the reads of one operation may go on."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """The end of an operation's reads. Each act begins and ends with a new one.

    Mutations have their own time (ACT_TIMEOUT), and what an act did is worth nothing to a client who cannot
    see it: the links below its answer have the whole time of an operation again.
    """

    __slots__ = ("_clock", "_ends", "seconds")

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._ends = clock() + seconds

    def left(self) -> float:
        """Seconds until the end; none or less when it is past."""
        return self._ends - self._clock()

    def renew(self) -> None:
        self._ends = self._clock() + self.seconds

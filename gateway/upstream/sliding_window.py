"""How often something happened lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

SECONDS = 10  # how far back "lately" goes, for the retry budget and for the breaker


class SlidingWindowCount:
    """A count over the last `SECONDS`, kept by the second: its size does not grow with the load."""

    __slots__ = ("_clock", "_counts", "_total")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: deque[list[int]] = deque()  # [second, count], the oldest first
        self._total = 0

    def add(self) -> None:
        now = int(self._clock())
        if not self._counts or self._counts[-1][0] != now:
            self._counts.append([now, 0])
        self._counts[-1][1] += 1
        self._total += 1

    def total(self) -> int:
        oldest = int(self._clock()) - SECONDS
        while self._counts and self._counts[0][0] <= oldest:
            self._total -= self._counts.popleft()[1]
        return self._total

"""The coroutines of an operation, to close those that were created and never awaited when it is cancelled.

graphql-core creates the coroutines of all fields of an object and of all elements of a list before it awaits
the first. If the operation is cancelled in between, Python would warn about each of the others, and what they
hold would live until then.
"""

from __future__ import annotations

import inspect
from collections.abc import Coroutine
from typing import Any

import msgspec

MIN_TO_PRUNE = 1000


class Coroutines(msgspec.Struct, eq=False):
    """The coroutines that the execution of one operation has created. Any: their results are not used.

    `are_abandoned` if a part of the operation was cancelled: they are to be closed at its end.
    """

    are_abandoned: bool = False
    _created: set[Coroutine[Any, Any, Any]] = msgspec.field(default_factory=set)
    _prune_at: int = MIN_TO_PRUNE

    def add(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Add a coroutine, which may have been added before. Those that have ended are forgotten at times."""
        created = self._created
        created.add(coroutine)
        if len(created) >= self._prune_at:
            self._created = {
                each for each in created if inspect.getcoroutinestate(each) != inspect.CORO_CLOSED
            }
            self._prune_at = max(MIN_TO_PRUNE, 2 * len(self._created))

    def close(self) -> None:
        """Close those that have not started. To be called when nothing will await them any more."""
        created, self._created = self._created, set()
        for each in created:
            if inspect.getcoroutinestate(each) == inspect.CORO_CREATED:
                each.close()

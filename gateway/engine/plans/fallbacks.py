"""How often a plan gave a subtree back to graphql-core, and why."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal["not planned", "not compiled", "record"]


class Fallbacks:
    """Counts since the process began: operations that were executed by plans, and what was given back.

    `not planned`: an operation has a field of a kind that no plan knows, or cannot be executed with these
    conditions. `not compiled`: the compiler failed. `record`: below a root field is a record that is not
    what its type says.
    """

    def __init__(self) -> None:
        self.planned = 0
        self.by_reason: Counter[Reason] = Counter()

    def count(self, reason: Reason) -> None:
        self.by_reason[reason] += 1


FALLBACKS = Fallbacks()

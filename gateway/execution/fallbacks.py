"""How often a plan gave a subtree back to graphql-core, and why."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal["not planned", "not compiled", "record", "link"]


class Fallbacks:
    """Counts since the process began: lists and objects that were planned, and subtrees that fell back.

    `not planned`: the selection has a field of a kind that no plan knows. `not compiled`: the compiler
    failed. `record`: a record is not what its type says. `link`: something behind a link is not.
    """

    def __init__(self) -> None:
        self.planned = 0
        self.by_reason: Counter[Reason] = Counter()

    def count(self, reason: Reason) -> None:
        self.by_reason[reason] += 1


FALLBACKS = Fallbacks()

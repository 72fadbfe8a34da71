"""Work that is divided into parts, so that the event loop can serve others between them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Parts: TypeAlias = Generator[None, None, T]
"""Work that stops after each of its parts, and returns its result."""


def finish(parts: Parts[T]) -> T:
    """Do all parts at once, and return the result."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            result: T = end.value
            return result


async def in_turns(parts: Parts[T]) -> T:
    """Do each part in a turn of the event loop, and return the result."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            result: T = end.value
            return result
        await asyncio.sleep(0)

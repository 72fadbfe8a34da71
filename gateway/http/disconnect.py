"""Clients that hang up: what is done for them is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

T = TypeVar("T")

WATCH_AFTER = 0.2  # seconds until somebody looks whether the client is still there


class ClientDisconnected(Exception):
    """Nobody is left to answer."""


async def run_while_connected(execution: Awaitable[T], receive: Receive) -> T:
    """Await a query, but give it up when the client hangs up.

    Nobody watches the first moments: most queries are done by then, and watching costs more than some.
    """
    running = asyncio.current_task()
    assert running is not None  # noqa: S101 - a coroutine always runs in a task
    gone = False

    async def watch() -> None:
        nonlocal gone
        await wait_for_disconnect(receive)
        gone = True
        running.cancel()

    watcher: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal watcher
        watcher = asyncio.create_task(watch())

    timer = asyncio.get_running_loop().call_later(WATCH_AFTER, begin)
    try:
        return await execution
    except asyncio.CancelledError:
        if gone and running.cancelling() == 1:  # by us and by nobody else
            raise ClientDisconnected from None
        raise
    finally:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()
        if gone:
            running.uncancel()


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless(gone: asyncio.Task[None], part: Awaitable[T]) -> T:
    """Await a part, but give it up when the client is gone. Raises `ClientDisconnected`."""
    making = asyncio.ensure_future(part)
    try:
        await asyncio.wait((making, gone), return_when=asyncio.FIRST_COMPLETED)
        if making.done():
            return making.result()
        raise ClientDisconnected
    finally:
        if not making.done():
            making.cancel()
            await asyncio.wait((making,))

"""The server of one process: it says when it listens, drains, and leaves nothing behind that was sent."""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Literal

import uvicorn


def spare_collections() -> None:
    """Let the garbage collector leave alone what lives as long as the process: the schema, most of all.

    Measured: collections that walk through it took a third of the CPU of a small query. What is made from now
    on is collected as ever, but less often, because nearly all of it goes by itself when an answer is sent.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 5)


class Server(uvicorn.Server):
    """uvicorn that says when it listens, turns readiness off before it stops, and then exits with 0.

    The first SIGTERM drains, the second or Ctrl+C ends the drain, and one more does not wait for questions
    any longer. None of them abandons an act: what was sent upstream is waited for to its own deadline. So
    that this deadline is not far away, no act is begun later than `last_acts` seconds after the drain.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        announce: Callable[[], None],
        drain: float = 0.0,
        last_acts: float = 0.0,
    ) -> None:
        super().__init__(config)
        self.announce = announce
        self.drain = drain
        self.last_acts = last_acts
        self.stop_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        spare_collections()
        self.announce()

    async def on_tick(self, counter: int) -> bool:
        if self.stop_at is not None and time.monotonic() >= self.stop_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(self.last_acts, self.begin_no_more_acts)
        await super().shutdown(sockets)
        if self.force_exit:  # then uvicorn would leave without asking the application
            for task in self.server_state.tasks:
                task.cancel()
            await self.lifespan.shutdown()

    def begin_no_more_acts(self) -> None:
        """Stop the application from starting further mutations."""
        if (stopping := self.lifespan.state.get("stopping")) is not None:
            stopping.now = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not passed on: uvicorn raises the signals it has noted once more, and the process would die of them.
        if sig == signal.SIGTERM and self.started and self.stop_at is None:
            # The state that every request finds in its scope, as the ASGI lifespan protocol has it.
            self.lifespan.state["draining"] = True
            self.stop_at = time.monotonic() + self.drain
        elif self.should_exit:
            self.force_exit = True
        else:
            self.should_exit = True


def run(
    app: Callable[..., Any],  # Any: uvicorn's and Starlette's ASGI types differ in name only
    listener: socket.socket,
    *,
    announce: Callable[[], None],
    drain: float,
    last_acts: float = 0.0,
    shutdown_timeout: float,
    log_level: str,
    http: type[asyncio.Protocol] | Literal["httptools"] = "httptools",
) -> None:
    """Serve an application on a listening socket until a signal ends it."""
    config = uvicorn.Config(
        app,
        loop="auto",  # uvloop, which every platform has but Windows
        http=http,
        ws="none",
        lifespan="on",
        log_config=None,  # the application decides where log lines go
        log_level=log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing depends on the client's address
        timeout_graceful_shutdown=math.ceil(shutdown_timeout),
    )
    Server(config, announce=announce, drain=drain, last_acts=last_acts).run(sockets=[listener])

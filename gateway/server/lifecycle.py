"""The server process: startup, draining and shutdown."""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

import uvicorn


def tune_garbage_collector() -> None:
    """Exclude objects that live as long as the process, such as the schema, from garbage collection.

    Measured: collections of them took a third of the CPU of a small query. Later objects are collected, but
    less often, because reference counting frees nearly all of them when a response is sent.
    The collector stops the process: for 25 ms with the 50,000 objects of a collection of the second
    generation, most of which are those of documents that were compiled.
    """
    gc.freeze()  # with some 2,000 objects that are garbage: finding them takes a tenth of the time of a start
    gc.set_threshold(10_000, 5, 10)
    gc.enable()  # the command line disables it for the start


SPARE_SECONDS = 1.0


def close_unread_connections(listener: socket.socket, seconds: float) -> None:
    """Let the system close connections on which bytes were unacknowledged or unsent for longer than that.

    The process does not know of them while its own buffer has room: their clients have vanished, or read
    nothing. Those it knows of it aborts itself, and earlier, because the system sends their clients nothing.
    Only Linux has the option.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and listener.family in (socket.AF_INET, socket.AF_INET6):
        listener.setsockopt(socket.IPPROTO_TCP, option, round((seconds + SPARE_SECONDS) * 1000))


class Server(uvicorn.Server):
    """uvicorn's server with an announcement at startup, a drain before shutdown, and exit status 0.

    The first SIGTERM starts the drain, the second or Ctrl+C ends it, and another one cancels queries. None of
    them cancels a mutation: the process waits for its response until its own deadline. So that the wait is
    bounded, no mutation begins later than `last_mutations` seconds after the drain.

    SIGHUP, which a terminal sends when it is closed, starts the drain too, unless it is ignored as by nohup.
    During startup a signal ends the process.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        announce: Callable[[], None],
        drain: float = 0.0,
        last_mutations: float = 0.0,
    ) -> None:
        super().__init__(config)
        self.announce = announce
        self.drain = drain
        self.last_mutations = last_mutations
        self.stop_at: float | None = None
        self.cancel_startup: Callable[[], object] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        with self.capture_hangup():
            await super().serve(sockets)

    @contextmanager
    def capture_hangup(self) -> Iterator[None]:
        """Handle SIGHUP, which uvicorn leaves to the system: the process would end at once."""
        hangup = getattr(signal, "SIGHUP", None)  # which Windows has not
        is_main = threading.current_thread() is threading.main_thread()
        if hangup is None or not is_main or signal.getsignal(hangup) == signal.SIG_IGN:
            yield
            return
        before = signal.signal(hangup, self.handle_exit)
        try:
            yield
        finally:
            signal.signal(hangup, before)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in a task

        def cancel() -> None:
            if not self.started:
                task.cancel()

        self.cancel_startup = lambda: loop.call_soon_threadsafe(cancel)
        try:
            await super().startup(sockets)
        except asyncio.CancelledError:
            if not self.should_exit:
                raise
            task.uncancel()
            return
        tune_garbage_collector()
        self.announce()

    async def on_tick(self, counter: int) -> bool:
        if self.stop_at is not None and time.monotonic() >= self.stop_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # They have no end of their own. A load balancer sends their clients to another process by now.
        if (streams := self.lifespan.state.get("streams")) is not None:
            streams.stop()
        asyncio.get_running_loop().call_later(self.last_mutations, self.refuse_mutations)
        await super().shutdown(sockets)
        if self.force_exit:  # uvicorn would exit without shutting down the application
            self.refuse_mutations()
            for task in self.server_state.tasks:
                task.cancel()
            await self.lifespan.shutdown()

    def refuse_mutations(self) -> None:
        """Stop the application from starting further mutations."""
        if (stopping := self.lifespan.state.get("stopping")) is not None:
            stopping.now = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not passed to uvicorn, which would raise the signal again at its exit and kill the process.
        is_hangup = sig == getattr(signal, "SIGHUP", None)
        if (is_hangup or sig == signal.SIGTERM) and self.started and self.stop_at is None:
            # This state is in the scope of every request, as specified by the ASGI lifespan protocol.
            self.lifespan.state["draining"] = True
            self.stop_at = time.monotonic() + self.drain
        elif is_hangup and self.started:
            pass  # shells and service managers repeat it
        elif not self.started:
            self.should_exit = True
            if self.cancel_startup is not None:
                self.cancel_startup()
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
    last_mutations: float = 0.0,
    shutdown_timeout: float,
    log_level: str,
    http: type[asyncio.Protocol] | Literal["httptools"] = "httptools",
) -> None:
    """Serve an application on a listening socket until a signal stops it."""
    config = uvicorn.Config(
        app,
        loop="auto",  # uvloop, except on Windows
        http=http,
        ws="none",
        lifespan="on",
        log_config=None,  # logging is configured by the application
        log_level=log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the client's address is not used
        timeout_graceful_shutdown=math.ceil(shutdown_timeout),
    )
    Server(config, announce=announce, drain=drain, last_mutations=last_mutations).run(sockets=[listener])

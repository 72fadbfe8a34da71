"""A separate Valkey or Redis on a free port, which a test can kill, restart and pause."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.redis_store import REDIS_CALLS

PATIENCE = 20.0  # seconds, on a slow and busy machine
PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")

needs_store_server = pytest.mark.skipif(
    PROGRAM is None, reason="neither valkey-server nor redis-server is installed"
)


class StoreCalls:
    """The calls to the shared store since this object was created, by outcome."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Restart the count."""
        self._before = Counter(REDIS_CALLS.counts)

    @property
    def by_outcome(self) -> Counter[str]:
        return Counter(REDIS_CALLS.counts) - self._before


class StoreServer:
    """One server, always on the same port."""

    def __init__(self, port: int, **options: str) -> None:
        """`options` are those of the server, in addition to its port, in place of an empty `save`."""
        self.port = port
        self.options = {"save": "", **options}
        self.url = f"redis://127.0.0.1:{port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty unless its options say otherwise, and return when it responds."""
        assert PROGRAM is not None
        options = {"port": self.port, "bind": "127.0.0.1", "loglevel": "warning", **self.options}
        self._process = subprocess.Popen(  # noqa: S603 - the server that is installed
            [PROGRAM, *(part for name, value in options.items() for part in (f"--{name}", str(value)))],
            stdout=subprocess.DEVNULL,
        )
        ends = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, "the store ended at once"
            assert time.monotonic() < ends, "the store does not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it without closing its connections properly, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Pause it: it accepts calls and responds to none, like an unreachable machine."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def execute(self, command: str) -> bytes:
        """Return the first bytes of the response to an inline command, on a separate connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(65536)

    def _answers(self) -> bool:
        try:
            return self.execute("PING") == b"+PONG\r\n"
        except OSError:
            return False


@contextmanager
def store_server(**options: str) -> Iterator[StoreServer]:
    """Run a server with these options until the end of the block."""
    server = StoreServer(free_port(), **options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def at_distance(server: StoreServer, seconds: float) -> Iterator[str]:
    """Return the URL of a proxy that delays every byte by `seconds` in each direction."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    writers: list[asyncio.StreamWriter] = []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            loop.call_later(seconds, writer.write, piece)
        loop.call_later(seconds, writer.close)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store_reader, store_writer = await asyncio.open_connection("127.0.0.1", server.port)
        writers.extend((writer, store_writer))
        await asyncio.gather(
            forward(reader, store_writer), forward(store_reader, writer), return_exceptions=True
        )

    async def stop() -> None:
        proxy.close()
        for each in writers:
            each.transport.abort()
        await asyncio.sleep(2 * seconds)

    try:
        starting = asyncio.start_server(accept, "127.0.0.1", 0, backlog=1000)
        proxy = asyncio.run_coroutine_threadsafe(starting, loop).result()
        yield f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/0"
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def free_port() -> int:
    """Return a port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port

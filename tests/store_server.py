"""A Valkey or Redis of the test's own, on a free port, which may be killed, started again and held up."""

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
        """Count from now on."""
        self._before = Counter(REDIS_CALLS.counts)

    @property
    def by_outcome(self) -> Counter[str]:
        return Counter(REDIS_CALLS.counts) - self._before


class StoreServer:
    """One server, always on the same port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it empty, and return when it answers."""
        assert PROGRAM is not None
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "loglevel": "warning"}
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
        """End it without a word to its clients, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def hold_up(self) -> None:
        """Let it take calls and answer none, as a machine does that is out of reach."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def let_go(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def execute(self, command: str) -> bytes:
        """The first bytes of the answer to an inline command, on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(65536)

    def _answers(self) -> bool:
        try:
            return self.execute("PING") == b"+PONG\r\n"
        except OSError:
            return False


@contextmanager
def store_server() -> Iterator[StoreServer]:
    """A server that runs until the end of the block."""
    server = StoreServer(free_port())
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def at_distance(server: StoreServer, seconds: float) -> Iterator[str]:
    """The URL of a server that every byte reaches, and leaves, `seconds` later, as over a long line."""
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
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port

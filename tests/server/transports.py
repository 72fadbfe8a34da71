"""Transports of the event loop without a socket."""

from __future__ import annotations

import asyncio


class UnreadTransport(asyncio.Transport):
    """A connection whose client reads nothing. It stays open when it is closed, until it is aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = False
        self.aborted = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.aborted.set()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass


class Written(UnreadTransport):
    """A transport that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

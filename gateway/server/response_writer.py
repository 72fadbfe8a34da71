"""Head and body of an answer in one write: uvicorn makes two, and each is a system call."""

from __future__ import annotations

import asyncio


class ResponseWriter:
    """The transport as uvicorn's cycle of request and response uses it.

    What is written first in a turn of the event loop waits for the rest of that turn, which is all of an
    answer that does not stream.
    """

    __slots__ = ("_first", "_flush", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._first: bytes | None = None
        self._flush: asyncio.Handle | None = None

    def write(self, data: bytes) -> None:
        first, self._first = self._first, None
        if first is not None:
            self._transport.writelines((first, data))
            return
        self._first = data
        if self._flush is None:
            self._flush = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits."""
        first, self._first = self._first, None
        self._flush = None
        if first is not None:
            self._transport.write(first)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

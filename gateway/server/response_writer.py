"""Head and body of a response in one write: uvicorn uses two, and each is a system call."""

from __future__ import annotations

import asyncio


class ResponseWriter:
    """The transport as seen by uvicorn's request-response cycle.

    The first write in a turn of the event loop is delayed to the end of that turn, by which time a response
    that is not streamed is complete.
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
        """Write the delayed bytes."""
        first, self._first = self._first, None
        self._flush = None
        if first is not None:
            self._transport.write(first)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

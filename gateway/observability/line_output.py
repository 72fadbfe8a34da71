"""Lines to standard output and standard error, which never wait for a reader."""

from __future__ import annotations

import os
import select
import stat
import threading
from typing import TextIO

from gateway.observability.counters import ProcessCounter

DROPPED = ProcessCounter(
    "gateway_output_lines_dropped", "Lines that standard output or standard error did not accept."
)
ATOMIC = getattr(select, "PIPE_BUF", 512)  # bytes that a writable pipe accepts without waiting


class LineOutput:
    """Writes lines to a stream if it accepts them at once, and drops and counts them if not.

    A pipe that is not read any more, a terminal that is stopped, a full disk and a closed stream must not
    stop the process that writes a line about each request. On Windows a write may wait.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._rest = b""  # of a line that was accepted in part
        self._is_file = False
        self._poll: select.poll | None = None
        self._descriptor = self._open(stream)

    def write(self, text: str) -> None:
        """Write a text, which ends with a line end. Raises nothing."""
        self._write_or_drop(text.encode(errors="backslashreplace"))

    def write_line(self, line: bytes) -> None:
        """Write a line in UTF-8 without its line end. Raises nothing."""
        self._write_or_drop(line + b"\n")

    def _write_or_drop(self, line: bytes) -> None:
        with self._lock:
            try:
                is_written = self._write(line)
            except (OSError, ValueError):  # full or disconnected; closed
                is_written = False
        if not is_written:
            DROPPED.add()

    def _open(self, stream: TextIO | None) -> int | None:
        """Return the descriptor to write to, None if only the stream itself can be used."""
        if stream is None or not hasattr(select, "poll"):
            return None
        try:
            descriptor = stream.fileno()
            mode = os.fstat(descriptor).st_mode
        except (OSError, ValueError, AttributeError):
            return None
        self._is_file = stat.S_ISREG(mode)
        if stat.S_ISFIFO(mode):
            # Writes to this opening of the pipe do not wait. Those of other processes are not affected.
            try:
                return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                pass
        if not self._is_file:
            self._poll = select.poll()
            self._poll.register(descriptor, select.POLLOUT)
        return descriptor

    def _write(self, line: bytes) -> bool:
        if self._descriptor is None:
            if self._stream is None:
                return False
            self._stream.write(line.decode())
            self._stream.flush()
            return True
        if self._rest:
            self._rest = self._put(self._descriptor, self._rest)
            if self._rest:
                return False
        rest = self._put(self._descriptor, line)
        if len(rest) == len(line):
            return False
        self._rest = rest
        return True

    def _put(self, descriptor: int, data: bytes) -> bytes:
        """Write what is accepted without waiting; return the rest."""
        if self._is_file:  # in one call, so that the lines of several processes do not mix
            return data[os.write(descriptor, data) :]
        try:
            while data and (self._poll is None or self._poll.poll(0)):
                data = data[os.write(descriptor, data[:ATOMIC]) :]
        except BlockingIOError:
            pass
        return data

"""A gateway process, and clients that communicate with it byte by byte."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 20.0  # seconds, on a slow and busy machine
QUERY = b'{"query":"{ __typename }"}'


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """Return the status, and the code of the only error."""
        (error,) = self.json["errors"]
        return self.status, error["extensions"]["code"]


class Client:
    """A connection with control over every byte."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer is not None:  # in bytes; the system has a minimum size
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.reader = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def line(self) -> str:
        """Read one line of a response."""
        return self.reader.readline().decode("latin-1").rstrip("\r\n")

    def response(self, *, of_head: bool = False) -> UpstreamResponse:
        """Read one response; that of a HEAD has no body, with any Content-Length."""
        line = self.reader.readline()
        assert line, "the connection ended without a response"
        headers = {}
        while (field := self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = b"" if of_head else self.reader.read(int(headers["content-length"]))
        return UpstreamResponse(int(line.split()[1]), headers, body)

    def head(self) -> list[str]:
        """Read the head of a response."""
        return list(iter(self.line, ""))

    def chunk(self) -> bytes:
        """Read one chunk of a body."""
        size = int(self.line(), 16)
        content = self.reader.read(size)
        assert self.line() == ""
        return content

    def event(self) -> str:
        """Read the next event of a stream in chunks, without the comments before it.

        A proxy may send a comment and an event in one chunk.
        """
        deadline = time.monotonic() + PATIENCE
        text = ""
        while not text:
            assert time.monotonic() < deadline
            text = self.chunk().decode()
            while text.startswith(":"):
                text = text.partition("\n\n")[2]
        while not text.endswith("\n\n"):
            text += self.chunk().decode()
        return text

    def is_closed(self) -> bool:
        """Return True if the server closes the connection without further bytes."""
        try:
            return self.reader.read() == b""
        except ConnectionError:
            return True

    def is_closed_within(self, seconds: float) -> bool:
        """Return True if the server closes the connection soon, after any bytes."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        self.reader.close()
        self.socket.close()


@dataclass(frozen=True, slots=True)
class Process:
    """A running gateway, and the files of its output."""

    port: int
    process: subprocess.Popen[str]
    output: Path
    errors: Path

    def standard_output(self) -> str:
        """Return its standard output so far."""
        return self.output.read_text()

    def standard_error(self) -> str:
        """Return its standard error so far."""
        return self.errors.read_text()

    @contextmanager
    def client(self, receive_buffer: int | None = None) -> Iterator[Client]:
        client = Client(self.port, receive_buffer)
        try:
            yield client
        finally:
            client.close()

    def execute(self, *parts: bytes) -> UpstreamResponse:
        """Send one request on a separate connection."""
        with self.client() as client:
            client.send(*parts)
            return client.response()


@contextmanager
def gateway_process(*options: str, limits: str = "") -> Iterator[Process]:
    """Start the gateway like an operator, on a free port; `limits` are the options of a shell's `ulimit`."""
    command = [sys.executable, "-W", "error", "-m", "gateway", "--port", "0", *options]
    if limits:
        command = ["sh", "-c", f'ulimit {limits} && exec "$@"', "sh", *command]
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        with (
            output.open("w") as out,
            errors.open("w") as err,
            subprocess.Popen(command, text=True, stdout=out, stderr=err) as process,  # noqa: S603
        ):
            try:
                yield Process(_port(process, output, errors), process, output, errors)
            finally:
                process.kill()


def _port(process: subprocess.Popen[str], output: Path, errors: Path) -> int:
    """Wait for the greeting, and return the port in it."""
    deadline = time.monotonic() + 3 * PATIENCE
    while (greeting := re.search(r"^  Health .*:(\d+)/", output.read_text(), re.MULTILINE)) is None:
        assert process.poll() is None, errors.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(greeting[1])


def get(path: str, *fields: bytes) -> bytes:
    lines = [b"GET " + path.encode() + b" HTTP/1.1", b"Host: localhost", *fields]
    return b"\r\n".join((*lines, b"", b""))


def post(*fields: bytes, body: bytes = QUERY, length: bool = True) -> bytes:
    lines = [b"POST /graphql HTTP/1.1", b"Host: localhost", b"X-Okapi-Tenant: diku"]
    lines += [b"Content-Type: application/json", *fields]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join((*lines, b"", body))

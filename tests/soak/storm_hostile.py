"""`python -m tests.soak.storm_hostile URL SECONDS`: the hostile tenant of the storm, in a separate process.

Fifty clients send the most that an operation may have or more than that, each again as soon as it is served,
and two hundred sockets send a head and no body. The output is the number of responses of each kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections import Counter
from urllib.parse import urlsplit

import uvloop

from tests.soak.storm_upstream import FAT_PAGE, HOSTILE

SILENT = 200
PAUSE = 0.02  # seconds between a response and the next request, so that refusals are no busy loop
NICENESS = 5  # the load must not take the place of the server that it loads

FAT_FIELDS = "id action actionComment loanItem { id title callNumber barcode contributors { name } }"
WIDE_FIELDS = """id loanDate dueDate returnDate action actionComment renewalCount status { name } isDcb
 borrower { barcode personal { firstName lastName middleName preferredFirstName } }
 loanItem { id title callNumber contributors { name } barcode location { name } status { name date }
   materialType { name } editions physicalDescriptions enumeration volume chronology displaySummary
   copyNumber }
 checkoutServicePoint { name code description } metadata { createdDate updatedDate }"""
_INTROSPECTION = """
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
fragment V on __InputValue { name description type { ...T } defaultValue }
fragment S on __Schema { types { kind name description fields(includeDeprecated: true) {
  name description isDeprecated args { ...V } type { ...T } } inputFields { ...V } possibleTypes { name }
  enumValues { name description } } }"""


def roots(number: int, first: int, fields: str) -> str:
    """Return a query of many pages of loans with the same fields."""
    selected = " ".join(f"a{each}: loans(first: {first}) {{ ...F }}" for each in range(number))
    return f"{{ {selected} }} fragment F on LoanConnection {{ nodes {{ {fields} }} }}"


def schemas(number: int) -> str:
    """Return a query that selects the complete schema many times."""
    return "{ " + " ".join(f"a{each}: __schema {{ ...S }}" for each in range(number)) + " }" + _INTROSPECTION


QUERIES = {
    "30 fat pages": (roots(30, FAT_PAGE, FAT_FIELDS), 4),
    "15 wide pages": (roots(15, 1000, WIDE_FIELDS), 3),
    "30 wide pages": (roots(30, 1000, WIDE_FIELDS), 3),
    "90 slow links": ("{ users(first: 90) { nodes { automatedBlocks { message } } } }", 6),
    "90 dead links": ("{ users(first: 90) { nodes { accounts(first: 90) { nodes { id } } } } }", 6),
    "a schema": (schemas(1), 5),
    "29 schemas": (schemas(29), 5),
    "90,000 loans of a patron": (
        "{ loans(first: 1000) { nodes { borrower { loans(first: 90) { nodes { id dueDate action"
        " status { name } loanItem { title callNumber } } } } } } }",
        4,
    ),
    "a million loans of a patron": (
        "{ loans(first: 1000) { nodes { borrower { loans(first: 1000) { nodes { id } } } } } }",
        4,
    ),
}
BODIES = 10
_START = b'{"query":"{ loans(first: 90) { nodes { id } } }","variables":{"a":['
BODY = _START + b"[]," * ((990_000 - len(_START)) // 3) + b"1]}}"


def _head(length: int) -> bytes:
    return (
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-Okapi-Tenant: {HOSTILE}\r\nX-Okapi-Token: sandbox:head\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


class Hostile:
    """The clients, and the number of their responses by name of the query and code."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.responses: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self.repeat(name, body))
                for name, (query, clients) in QUERIES.items()
                for body in [json.dumps({"query": query}).encode()] * clients
            ]
            running += [tasks.create_task(self.repeat("a megabyte", BODY)) for _ in range(BODIES)]
            running += [tasks.create_task(self.be_silent()) for _ in range(SILENT)]
            await asyncio.sleep(seconds)
            for each in running:
                each.cancel()

    async def repeat(self, name: str, body: bytes) -> None:
        """Send a request again and again, on a connection for each."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.write(_head(len(body)) + body)
                    self.responses[f"{name}: {await self.read(reader)}"] += 1
                finally:
                    writer.transport.abort()
            await asyncio.sleep(PAUSE)

    async def read(self, reader: asyncio.StreamReader) -> str:
        """Read a response, and return its status and the code of its first error."""
        head = await reader.readuntil(b"\r\n\r\n")
        start = await reader.read(2000)
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]  # always there
        remaining = length - len(start)
        while remaining:
            remaining -= len(await reader.read(1_000_000)) or remaining
        code = re.search(rb'"code":"(\w+)"', start)
        return f"{head[9:12].decode()} {code[1].decode() if code else 'data'}"

    async def be_silent(self) -> None:
        """Send a head and wait until the server closes the connection, again and again."""
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.write(_head(10))
                    status = (await reader.read(1000))[9:12].decode()
                    self.responses[f"silence: {status or 'closed'}"] += 1
                finally:
                    writer.transport.abort()
            await asyncio.sleep(PAUSE)


async def main(url: str, seconds: float) -> None:
    host, port = urlsplit(url).netloc.split(":")
    hostile = Hostile(host, int(port))
    print("http://ready", flush=True)  # noqa: T201 - for its starter
    await hostile.run(seconds)
    print(json.dumps(hostile.responses), flush=True)  # noqa: T201 - for its starter


if __name__ == "__main__":
    os.nice(NICENESS)
    uvloop.run(main(sys.argv[1], float(sys.argv[2])))

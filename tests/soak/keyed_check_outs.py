"""A library whose check-outs are counted by their item, and clients that send each of them with a key."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import aiohttp
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from gateway.sandbox import Sandbox, create_sandbox

PATIENCE = 120.0  # seconds, on a slow and busy machine
SERVICE_POINT = "1df88d03-62ee-575e-8f87-51a3e14c5dd1"
CHECK_OUT_PATH = "/circulation-bff/loans/check-out-by-barcode"
CHECK_OUT = """mutation Lend($input: CheckOutInput!) {
    checkOut(input: $input) {
        __typename
        ... on CheckedOut { loan { id item { barcode } } }
        ... on Refusal { reasons { code message } }
    }
}"""


class CountedLibrary:
    """The embedded library with many copies of one item, which counts the check-outs that arrive of each."""

    def __init__(self, copies: int, *, latency: float = 0.0) -> None:
        self.sandbox: Sandbox = create_sandbox()
        self.sandbox.latency = latency
        self.received: Counter[str] = Counter()
        library = self.sandbox.library("diku")
        item, user = library.item_by_barcode("2000000001"), library.user_by_barcode("1000000001")
        assert item is not None
        assert user is not None
        self.barcodes = [f"copy-{number:04}" for number in range(copies)]
        for number, barcode in enumerate(self.barcodes):
            copied = str(UUID(int=number + 1, version=4))
            library.items[copied] = {**item, "id": copied, "barcode": barcode}
            # One borrower each, because the library limits the loans of a borrower.
            library.users[copied] = {
                **user,
                "id": copied,
                "barcode": f"of-{barcode}",
                "username": f"of-{barcode}",
            }

    @property
    def lent(self) -> Counter[str]:
        """The number of loans of each copy."""
        library = self.sandbox.library("diku")
        loans = Counter(loan["itemId"] for loan in library.loans.values())
        items = {item["id"]: item["barcode"] for item in library.items.values() if "barcode" in item}
        return Counter(
            {items[key]: number for key, number in loans.items() if items.get(key) in self.received}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != CHECK_OUT_PATH:
            await self.sandbox(scope, receive, send)
            return
        messages: list[Message] = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        body = b"".join(each.get("body", b"") for each in messages)
        self.received[json.loads(body)["itemBarcode"]] += 1

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        # The client may be killed; a library executes what it has received.
        with suppress(Exception):
            await self.sandbox(scope, replay, send)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve the library on a free port of this process, and return its address."""
        with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
            config = uvicorn.Config(self, log_config=None, access_log=False, lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve([listener]))
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
                await serving


@dataclass(slots=True)
class Result:
    """A response to a check-out; `code` is that of its error, "broken" if there was no response."""

    status: int
    code: str | None
    is_replayed: bool = False
    body: bytes = b""
    is_lent: bool = False


BROKEN = Result(0, "broken")


@dataclass
class Clients:
    """Clients of gateways at several addresses, with one key for each copy."""

    http: aiohttp.ClientSession
    addresses: Sequence[str]
    keys: dict[str, str] = field(default_factory=dict)
    finished: int = 0

    async def send(self, barcode: str, address: str) -> Result:
        """Send the check-out of a copy once."""
        key = self.keys.setdefault(barcode, str(uuid4()))
        body = {
            "query": CHECK_OUT,
            "variables": {
                "input": {
                    "itemBarcode": barcode,
                    "userBarcode": f"of-{barcode}",
                    "servicePointId": SERVICE_POINT,
                }
            },
        }
        headers = {"X-Okapi-Tenant": "diku", "Idempotency-Key": key}
        try:
            async with self.http.post(f"{address}/graphql", json=body, headers=headers) as response:
                received = await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return BROKEN
        finally:
            self.finished += 1
        content = json.loads(received)
        code = content["errors"][0]["extensions"]["code"] if "errors" in content else None
        result = (content.get("data") or {}).get("checkOut") or {}
        return Result(
            response.status,
            code,
            response.headers.get("Idempotent-Replayed") == "true",
            received,
            result.get("__typename") == "CheckedOut",
        )

    async def send_pairs(self, barcodes: Sequence[str], at_once: int = 40) -> dict[str, list[Result]]:
        """Send each check-out twice at once, to the first two addresses."""
        turns = asyncio.Semaphore(at_once)

        async def pair(barcode: str) -> list[Result]:
            async with turns:
                return await asyncio.gather(*(self.send(barcode, each) for each in self.addresses[:2]))

        return dict(zip(barcodes, await asyncio.gather(*map(pair, barcodes)), strict=True))

    async def send_until_ended(
        self, barcodes: Sequence[str], address: str, at_once: int = 20
    ) -> dict[str, Result]:
        """Send each check-out again until its key is not in use."""
        turns = asyncio.Semaphore(at_once)

        async def repeat(barcode: str) -> Result:
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with turns:
                        result = await self.send(barcode, address)
                    if result.status != 409:
                        return result
                    await asyncio.sleep(1.0)

        return dict(zip(barcodes, await asyncio.gather(*map(repeat, barcodes)), strict=True))

    async def wait_for(self, number: int) -> None:
        """Wait until so many requests have ended."""
        async with asyncio.timeout(PATIENCE):
            while self.finished < number:  # noqa: ASYNC110 - a look every few milliseconds is enough
                await asyncio.sleep(0.005)


@asynccontextmanager
async def clients(*addresses: str) -> AsyncIterator[Clients]:
    connector = aiohttp.TCPConnector(limit=200)  # httpx takes more time than the gateways and the library
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        yield Clients(http, addresses)

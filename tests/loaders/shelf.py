"""A collection behind a function, for tests of loaders."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import parse_qs

import httpx
from aiodataloader import DataLoader

from gateway.settings import LimitSettings, Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client
from gateway.upstream.collection import Collection
from gateway.upstream.record_types import Record
from gateway.upstream.routes import Route

LIMITS = LimitSettings()
_TERM = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Shelf:
    """A collection behind a function that evaluates the queries of loaders and records them.

    The order of its records is their order in every response.
    """

    MAX_LIMIT = 2**31 - 1

    def __init__(
        self, records: Iterable[Record] = (), *, index: str = "id", base: str = "http://folio"
    ) -> None:
        self.records = list(records)
        self.index = index
        self.requests: list[dict[str, str]] = []
        self.lines: list[int] = []
        self.sent = 0
        self.in_flight = 0
        self.max_in_flight = 0
        self.cancelled = 0
        self.gate: asyncio.Event | None = None
        self.max_page: int | None = None  # a maximum of upstream, which it applies without an error
        self.surplus = 0  # added to totals
        self.fails: Callable[[str], bool] = lambda query: False
        transport = httpx.MockTransport(self._respond)
        client = CallerClient(Client("folio", base, transport, Settings(read_attempts=1)), ())
        self.collection = Collection(Route("GET", "/things"), "things", forwards_total=True).bind(client)

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        parameters = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        self.requests.append(parameters)
        self.lines.append(len(f"GET {request.url.raw_path.decode()} HTTP/1.1"))
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        query = parameters["query"]
        if self.fails(query):
            return httpx.Response(503)
        keys = {each.lower() for each in terms(query)}
        result = [each for each in self.records if str(each.get(self.index)).lower() in keys]
        offset = int(parameters.get("offset", 0))
        limit = min(int(parameters["limit"]), self.max_page or self.MAX_LIMIT)
        body: dict[str, Any] = {"things": result[offset : offset + limit]}
        self.sent += len(body["things"])
        if parameters["totalRecords"] == "exact":
            body["totalRecords"] = len(result) + self.surplus
        return httpx.Response(200, content=json.dumps(body).encode())


def terms(query: str) -> list[str]:
    """Return the quoted values of a query, unescaped."""
    return [re.sub(r"\\(.)", r"\1", each) for each in _TERM.findall(query)]


def ids(count: int) -> list[str]:
    return [str(uuid.UUID(int=number + 1, version=4)) for number in range(count)]


async def load_keys(loader: DataLoader[Any, Any], keys: Sequence[Any]) -> list[Any]:
    """Return the result of each key: a record, a slice, None, or its error. Any: loaders of several kinds."""
    return list(await asyncio.gather(*(loader.load(key) for key in keys), return_exceptions=True))


async def settle() -> None:
    """Run everything that needs no time."""
    for _ in range(100):
        await asyncio.sleep(0)

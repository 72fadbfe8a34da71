"""A storm: two hundred clients of two tenants, of which one is hostile, over one dead module and a slow one.

`python -m tests.soak.storm` runs it and prints a report as JSON. The gateway, its upstream and the hostile
tenant are separate processes; the neighbours are clients of this one, which measures their waiting time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import msgspec
import uvloop

from gateway.sandbox import create_sandbox
from tests.benchmarks.driver import Connection, UnexpectedResponse, connections, encode_request
from tests.benchmarks.processes import ROOT, Process, started
from tests.soak.memory import peak_bytes, scheduled
from tests.soak.storm_upstream import COUNTS, NEIGHBOUR

Json = Any  # the body of a response

SECONDS = 20.0
READERS = 120
DESKS = 20
CAREFUL = 10  # clients that select what the dead and the slow module have
INTERVAL = 1.0  # seconds between two requests of a client
HEALTH_INTERVAL = 0.1

SIMPLE = (
    "{ __typename }",
    "query ($loan: ID!) { loan(id: $loan) { id dueDate status { name } } }",
    "query ($item: String!) { item(barcode: $item) { id barcode status { name } } }",
)
CAREFUL_QUERIES = (
    "query ($user: ID!) { user(id: $user) { id accounts { nodes { id } } } }",
    "query ($user: ID!) { user(id: $user) { id automatedBlocks { message } } }",
)
CHECK_OUT = """mutation ($item: String!, $user: String!, $point: ID!) {
    checkOut(input: {itemBarcode: $item, userBarcode: $user, servicePointId: $point}) { __typename
        ... on CheckedOut { loan { id } } ... on Refusal { reasons { code message } } } }"""
CHECK_IN = """mutation ($item: String!, $point: ID!) {
    checkIn(input: {itemBarcode: $item, servicePointId: $point}) { __typename
        ... on CheckedIn { item { id } } ... on Refusal { reasons { code message } } } }"""


@dataclass(kw_only=True)
class Waiting:
    """The time from a request to its response, in milliseconds."""

    number: int = 0
    median: float = 0.0
    p99: float = 0.0
    longest: float = 0.0

    @classmethod
    def of(cls, seconds: list[float]) -> Waiting:
        steps = quantiles(seconds, n=100, method="inclusive")
        return cls(
            number=len(seconds),
            median=round(steps[49] * 1000, 1),
            p99=round(steps[98] * 1000, 1),
            longest=round(max(seconds) * 1000, 1),
        )


@dataclass(kw_only=True)
class Report:
    """The result of a storm.

    `simple` are the neighbours' queries, `typename` those of them that need no upstream, and `calm` what
    `simple` was before the storm. `own_delay` is how late this process was, which all other times include.
    `simple_with_cpu` and `health_with_cpu` are without the time in which the gateway, or for a query that
    calls upstream the one of both that waited longer, could run and had no CPU, because this process, the
    hostile tenant and other work of the machine had them.
    """

    typename: Waiting = field(default_factory=Waiting)
    upstream: Waiting = field(default_factory=Waiting)
    simple: Waiting = field(default_factory=Waiting)
    simple_with_cpu: Waiting = field(default_factory=Waiting)
    health: Waiting = field(default_factory=Waiting)
    health_with_cpu: Waiting = field(default_factory=Waiting)
    own_delay: Waiting = field(default_factory=Waiting)
    calm: Waiting = field(default_factory=Waiting)
    errors: list[str] = field(default_factory=list)
    careful: dict[str, int] = field(default_factory=Counter)
    writes: dict[str, int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    gateway_ran: float = 0.0  # seconds of CPU in each second
    gateway_queued: float = 0.0  # seconds in each second for which it waited for a CPU
    upstream_ran: float = 0.0
    upstream_queued: float = 0.0
    hostile: dict[str, int] = field(default_factory=dict)


class Measurements:
    """Times of requests in seconds, and with each the part of it in which a process had no CPU."""

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []

    def waiting(self) -> Waiting:
        return Waiting.of([total for total, _ in self.times])

    def with_cpu(self) -> Waiting:
        return Waiting.of([total - queued for total, queued in self.times])


class Storm:
    """The neighbours and the result of one run."""

    gateway: Process
    upstream_process: Process

    def __init__(self) -> None:
        self.report = Report()
        self.simple, self.typename, self.health, self.upstream = (Measurements() for _ in range(4))
        self.delays: list[float] = []
        self.outcomes: dict[str, tuple[str, str]] = {}  # name and outcome of each write, by its request id
        self.is_over = False
        self.last: dict[str, tuple[str, str]] = {}  # of each item, with the request id
        self.library = create_sandbox().library(NEIGHBOUR)  # the same records as those of the upstream

    async def run(self) -> Report:
        with (
            started(["-m", "tests.soak.storm_upstream"]) as upstream,
            started(
                ["-m", "gateway", "--port", "0", "--okapi-url", upstream.url, "--log-level", "error"],
                {"LOOK_UP_TIMEOUT": "0"},  # a look-up would confirm most of the writes without a response
                says=r"(http://\S+?)/graphql",
            ) as gateway,
        ):
            self.gateway, self.upstream_process = gateway, upstream
            async with (
                connections(gateway.url, READERS) as readers,
                connections(gateway.url, DESKS) as desks,
                connections(gateway.url, CAREFUL) as careful,
                connections(gateway.url, 1) as (prober,),
                connections(upstream.url, 1) as (upstream_prober,),
            ):
                await self.blow(gateway, upstream, readers, desks, careful, prober, upstream_prober)
            self.report.peak_bytes = peak_bytes(gateway.pid)
            self.compare_writes(upstream)
        return self.report

    async def blow(
        self,
        gateway: Process,
        upstream: Process,
        readers: list[Connection],
        desks: list[Connection],
        careful: list[Connection],
        prober: Connection,
        upstream_prober: Connection,
    ) -> None:
        """Let the neighbours work undisturbed for a while, and then together with the hostile tenant."""
        report = self.report
        async with asyncio.TaskGroup() as tasks:
            for number, reader in enumerate(readers):
                tasks.create_task(self.read(number, reader))
            for desk, (item, connection) in enumerate(zip(self.items(), desks, strict=True)):
                tasks.create_task(self.work(desk, item, connection))
            for number, client in enumerate(careful):
                tasks.create_task(self.take_care(number, client))
            tasks.create_task(self.probe(prober))
            tasks.create_task(self.probe_upstream(upstream_prober))
            tasks.create_task(self.measure_delay())
            await asyncio.sleep(3 * INTERVAL)
            report.calm = self.simple.waiting()
            for each in (self.simple, self.health, self.typename, self.upstream):
                each.times.clear()
            self.delays.clear()
            began, before = time.monotonic(), (scheduled(gateway.pid), scheduled(upstream.pid))
            report.hostile = await hostile_tenant(gateway.url)
            took, after = time.monotonic() - began, (scheduled(gateway.pid), scheduled(upstream.pid))
            report.gateway_ran, report.gateway_queued = share(before[0], after[0], took)
            report.upstream_ran, report.upstream_queued = share(before[1], after[1], took)
            report.simple, report.simple_with_cpu = self.simple.waiting(), self.simple.with_cpu()
            report.health, report.health_with_cpu = self.health.waiting(), self.health.with_cpu()
            report.typename, report.upstream = self.typename.waiting(), self.upstream.waiting()
            report.own_delay = Waiting.of(self.delays)
            self.is_over = True

    async def repeat(self, number: int, interval: float, send: Callable[[], Awaitable[None]]) -> None:
        """Send a request in each interval; clients begin one after the other."""
        await asyncio.sleep(number * interval / READERS)
        while not self.is_over:
            began = time.monotonic()
            await send()
            await asyncio.sleep(max(began + interval - time.monotonic(), 0))

    async def execute(self, connection: Connection, query: str, request_id: str, **variables: str) -> Json:
        headers = {
            "X-Okapi-Tenant": NEIGHBOUR,
            "X-Okapi-Token": "sandbox:desk",
            "X-Okapi-Request-Id": request_id,
        }
        request = encode_request("POST", "/graphql", {"query": query, "variables": variables}, headers)
        response = await connection.execute(request)
        if response.status != 200:
            raise UnexpectedResponse(f"status {response.status}: {response.body[:300]!r}")
        return json.loads(response.body)

    async def read(self, number: int, connection: Connection) -> None:
        query = SIMPLE[number % len(SIMPLE)]
        loans = [*self.library.loans]
        items = [each["barcode"] for each in self.library.items.values() if "barcode" in each]
        variables = {"loan": loans[number % len(loans)], "item": items[number % len(items)]}
        variables = {name: each for name, each in variables.items() if f"${name}" in query}

        async def send() -> None:
            try:
                to = [self.simple] if variables else [self.simple, self.typename]
                with self.measure(*to, calls_upstream=bool(variables)):
                    response = await self.execute(connection, query, f"reader-{number}", **variables)
                if "errors" in response or None in response["data"].values():
                    self.report.errors.append(f"{query}: {response}")
            except (UnexpectedResponse, OSError) as error:
                self.report.errors.append(f"{query}: {error!r}")
                raise

        await self.repeat(number, INTERVAL, send)

    async def take_care(self, number: int, connection: Connection) -> None:
        """Select what a module that is dead or slow has: its field may fail, and nothing else."""
        query = CAREFUL_QUERIES[number % len(CAREFUL_QUERIES)]
        user = next(iter(self.library.users))

        async def send() -> None:
            response = await self.execute(connection, query, f"careful-{number}", user=user)
            codes = {each["extensions"]["code"] for each in response.get("errors", [])}
            self.report.careful[" ".join(sorted(codes)) or "data"] += 1
            if response["data"]["user"] is None or response["data"]["user"]["id"] != user:
                self.report.errors.append(f"{query}: {response}")

        await self.repeat(number, INTERVAL, send)

    async def work(self, desk: int, place: tuple[str, str, str], connection: Connection) -> None:
        """Lend an item and take it back, again and again."""
        item, user, point = place
        number = 0

        async def send() -> None:
            nonlocal number
            number += 1
            name, query = ("checkOut", CHECK_OUT) if number % 2 else ("checkIn", CHECK_IN)
            variables = {"item": item, "point": point} | ({"user": user} if number % 2 else {})
            request_id = f"desk-{desk}-{number}"
            response = await self.execute(connection, query, request_id, **variables)
            if "errors" in response:
                outcome = response["errors"][0]["extensions"]["code"]
            else:
                outcome = response["data"][name]["__typename"]
            self.outcomes[request_id] = (name, outcome)
            self.last[item] = (request_id, outcome)

        await self.repeat(0, INTERVAL / 2, send)

    def items(self) -> list[tuple[str, str, str]]:
        """Return available items, each with a patron and the service point of its location."""
        library = self.library
        users = [
            each["barcode"]
            for each in library.users.values()
            if each.get("type", "patron") == "patron" and each.get("active") and "barcode" in each
        ]
        places: list[tuple[str, str, str]] = []
        for each in library.items.values():
            if each["status"]["name"] == "Available" and "barcode" in each:
                location = library.locations[
                    library.holdings[each["holdingsRecordId"]]["permanentLocationId"]
                ]
                user = users[20 + len(places)]
                places.append((each["barcode"], user, location["primaryServicePoint"]))
        return places[:DESKS]

    async def probe(self, connection: Connection) -> None:
        request = encode_request("GET", "/admin/health", headers={})

        async def send() -> None:
            with self.measure(self.health):
                response = await connection.execute(request)
            if response.status != 200:
                self.report.errors.append(f"health: {response.status}")

        await self.repeat(0, HEALTH_INTERVAL, send)

    async def probe_upstream(self, connection: Connection) -> None:
        loan = next(iter(self.library.loans))
        headers = {"X-Okapi-Tenant": NEIGHBOUR, "X-Okapi-Token": "sandbox:desk"}
        request = encode_request("GET", f"/circulation-bff/loans/{loan}", headers=headers)

        async def send() -> None:
            with self.measure(self.upstream):
                await connection.execute(request)

        await self.repeat(0, HEALTH_INTERVAL, send)

    @contextmanager
    def measure(self, *measurements: Measurements, calls_upstream: bool = False) -> Iterator[None]:
        """Measure the time of a request. One that fails is not measured."""
        processes = [self.gateway, self.upstream_process] if calls_upstream else [self.gateway]
        began, before = time.perf_counter(), [scheduled(each.pid)[1] for each in processes]
        yield
        took, after = time.perf_counter() - began, [scheduled(each.pid)[1] for each in processes]
        queued = max(end - start for start, end in zip(before, after, strict=True))
        for each in measurements:
            each.times.append((took, queued))

    async def measure_delay(self) -> None:
        while not self.is_over:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            self.delays.append(time.perf_counter() - began - 0.01)

    def compare_writes(self, upstream: Process) -> None:
        """Compare the writes that upstream received with their outcomes."""
        with urllib.request.urlopen(upstream.url + COUNTS) as response:  # noqa: S310 - our own server
            state = json.loads(response.read())
        counts, lent = Counter[str](state["writes"]), set(state["lent"])
        for request_id, (name, outcome) in self.outcomes.items():
            self.report.writes[f"{name} {outcome}"] += 1
            count = counts[request_id]
            if count > 1:
                self.report.doubled.append(f"{request_id}: {outcome} after {count} writes")
            if count < 1 and outcome in ("CheckedOut", "CheckedIn", "Refusal"):
                self.report.lost.append(f"{request_id}: {outcome} without a write")
            if count and outcome not in (
                "CheckedOut",
                "CheckedIn",
                "Refusal",
                "OUTCOME_UNKNOWN",
                "no response",
            ):
                self.report.lost.append(f"{request_id}: {outcome} after a write")
        for item, (request_id, outcome) in self.last.items():
            if outcome in ("CheckedOut", "CheckedIn") and (outcome == "CheckedOut") != (item in lent):
                self.report.lost.append(f"{request_id}: {outcome}, but not in the library")


def share(before: tuple[float, float], after: tuple[float, float], took: float) -> tuple[float, float]:
    """Return the parts of the seconds between two measurements."""
    ran, queued = (round((end - start) / took, 2) for start, end in zip(before, after, strict=True))
    return ran, queued


async def hostile_tenant(url: str) -> dict[str, int]:
    """Run the hostile tenant, and return the number of its responses of each kind."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.soak.storm_hostile",
        url,
        str(SECONDS),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    responses: dict[str, int] = json.loads(output.splitlines()[-1])
    return dict(sorted(responses.items()))


def main() -> None:
    report = uvloop.run(Storm().run())
    print(msgspec.json.format(msgspec.json.encode(report)).decode())  # noqa: T201 - the output of the script


if __name__ == "__main__":
    main()

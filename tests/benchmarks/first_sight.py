"""The cost of new documents: parsing, validation, cost estimate and plan."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, dataclass
from statistics import median

from tests.benchmarks import driver
from tests.benchmarks.processes import Process
from tests.benchmarks.workloads import Workload

USES = 4  # of each document; from the third on, nothing of it is new
SETTLE = 0.005  # seconds for the work of a server after the response
MAX_MS = 6.0

_FIRST_ID = re.compile(r"\bid\b")
_ID_OF_NODE = re.compile(rb'(?<=[\[,])\{"id":')


@dataclass(frozen=True, kw_only=True)
class FirstSight:
    """CPU milliseconds: of a known document, and the additional ones of the first two uses of a new one.

    Medians over `documents`. The gateway compiles a plan at the first use of an operation: that is in
    its figure.
    """

    documents: int
    known: float
    first: float
    second: float

    @property
    def together(self) -> float:
        """Return the additional cost of a new document in all."""
        return self.first + self.second

    def figures(self) -> dict[str, float]:
        return {**asdict(self), "together": self.together}


def unseen(workload: Workload, number: int) -> Workload:
    """Return an equivalent request with a new text: another operation name, another alias in each node."""
    assert workload.query.startswith("{")
    query = _FIRST_ID.sub(f"id{number}: id", workload.query, count=1)
    return Workload(
        name=workload.name, title=workload.title, path=workload.path, query=f"query Unseen{number} {query}"
    )


def expected_response(body: bytes, number: int) -> bytes:
    """Return the response to the original with the aliases of the new document."""
    return _ID_OF_NODE.sub(b'{"id%d":' % number, body)


async def measure(process: Process, workload: Workload, body: bytes, documents: int) -> FirstSight:
    """Execute new documents, each several times, and return the time of the uses.

    `body` is the response to the original; raises `driver.UnexpectedResponse` if that to a new one differs.
    """
    uses: list[list[float]] = []
    async with driver.connections(process.url, 1) as (connection,):
        for number in range(documents):
            text = {"query": unseen(workload, number).query}
            request, expected = (
                driver.encode_request("POST", "/graphql", text),
                expected_response(body, number),
            )
            uses.append([await _cpu_ms(process, connection, request, expected) for _ in range(USES)])
    known = median(each for first, second, *later in uses for each in later)
    return FirstSight(
        documents=documents,
        known=known,
        first=median(first for first, *_ in uses) - known,
        second=median(second for _, second, *_ in uses) - known,
    )


async def _cpu_ms(process: Process, connection: driver.Connection, request: bytes, expected: bytes) -> float:
    before = process.cpu_seconds()
    response = await connection.execute(request)
    driver.check(response, expected)
    await asyncio.sleep(SETTLE)
    return (process.cpu_seconds() - before) * 1000

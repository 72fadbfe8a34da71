"""What documents cost that a server has never seen: to parse, to validate, to price, to make a plan of."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, dataclass
from statistics import median

from tests.benchmarks import driver
from tests.benchmarks.processes import Process
from tests.benchmarks.workloads import Workload

USES = 4  # of each document; from the third on, nothing of it is new
SETTLE = 0.005  # seconds for what a server does once the answer is sent
MOST_MS = 6.0

_FIRST_ID = re.compile(r"\bid\b")
_ID_OF_NODE = re.compile(rb'(?<=[\[,])\{"id":')


@dataclass(frozen=True, kw_only=True)
class FirstSight:
    """CPU milliseconds: of a document that is known, and how much more its first and its second use took.

    Medians over `documents`. The gateway compiles a plan at the first use of an operation: that is in
    its figure.
    """

    documents: int
    known: float
    first: float
    second: float

    @property
    def together(self) -> float:
        """What a new document costs until nothing of it is new."""
        return self.first + self.second

    def figures(self) -> dict[str, float]:
        return {**asdict(self), "together": self.together}


def unseen(workload: Workload, number: int) -> Workload:
    """The same question in a text of its own: another name of the operation, another alias in each node."""
    assert workload.query.startswith("{")
    query = _FIRST_ID.sub(f"id{number}: id", workload.query, count=1)
    return Workload(
        name=workload.name, title=workload.title, path=workload.path, query=f"query Unseen{number} {query}"
    )


def answer_to_unseen(body: bytes, number: int) -> bytes:
    """What the answer to the original becomes."""
    return _ID_OF_NODE.sub(b'{"id%d":' % number, body)


async def measure(process: Process, workload: Workload, body: bytes, documents: int) -> FirstSight:
    """Ask documents that nobody has seen, each several times, and tell what the uses took.

    `body` is the answer to the original; raises `driver.WrongAnswer` where one of its kin gets another.
    """
    uses: list[list[float]] = []
    async with driver.connections(process.url, 1) as (connection,):
        for number in range(documents):
            text = {"query": unseen(workload, number).query}
            asked, expected = driver.question("POST", "/graphql", text), answer_to_unseen(body, number)
            uses.append([await _cpu_ms(process, connection, asked, expected) for _ in range(USES)])
    known = median(each for first, second, *later in uses for each in later)
    return FirstSight(
        documents=documents,
        known=known,
        first=median(first for first, *_ in uses) - known,
        second=median(second for _, second, *_ in uses) - known,
    )


async def _cpu_ms(process: Process, connection: driver.Connection, asked: bytes, expected: bytes) -> float:
    before = process.cpu_seconds()
    response = await connection.execute(asked)
    driver.check(response, expected)
    await asyncio.sleep(SETTLE)
    return (process.cpu_seconds() - before) * 1000

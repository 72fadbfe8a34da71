"""`python -m tests.benchmarks.start`: the cost of a start, until the first response. Linux only.

CPU time of the process, user and system, and its resident memory when the response to its first query has
arrived. The bytecode cache is warm after a start that is not counted. The first query is the one that the
startup message shows, and W1 where an upstream is configured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory

import click
import msgspec

from gateway.cli.startup import FIRST_QUERY
from tests.benchmarks import driver
from tests.benchmarks.processes import started
from tests.benchmarks.rows import PLAN
from tests.benchmarks.workloads import WORKLOADS

ROUNDS = 7


@dataclass(frozen=True, kw_only=True)
class Start:
    """CPU seconds, and resident memory in bytes, of a process at its first response."""

    cpu_seconds: float
    resident: int

    def __str__(self) -> str:
        return f"{self.cpu_seconds:.2f} s of CPU, {self.resident / 1e6:.0f} MB resident"


def start(variables: Mapping[str, str], request: bytes) -> Start:
    """Start a gateway and send it a request. Raises `driver.UnexpectedResponse` if that fails."""
    arguments = ["-m", "gateway", "--port", "0"]
    with started(arguments, variables, says=r"GraphQL +(http://[^/]+)") as process:
        response = asyncio.run(driver.execute(process.url, request))
        result = Start(cpu_seconds=process.cpu_seconds(), resident=process.resident_bytes())
    if response.status != 200 or "errors" in msgspec.json.decode(response.body):
        raise driver.UnexpectedResponse(f"status {response.status}: {response.body[:500]!r}")
    return result


def measure(variables: Mapping[str, str], request: bytes, rounds: int = ROUNDS) -> Start:
    """Return the medians of some starts, after one that is not counted and writes the bytecode."""
    with TemporaryDirectory() as bytecode:
        variables = {
            "LOG_LEVEL": "error",
            **variables,
            "PYTHONPYCACHEPREFIX": bytecode,
            "PYTHONDONTWRITEBYTECODE": "",
        }
        start(variables, request)
        starts = [start(variables, request) for _ in range(rounds)]
    return Start(
        cpu_seconds=median(each.cpu_seconds for each in starts),
        resident=int(median(each.resident for each in starts)),
    )


@click.command(help=__doc__)
@click.option(
    "--rounds", type=click.IntRange(1), default=ROUNDS, show_default=True, help="Starts that count."
)
def main(rounds: int) -> None:
    first_query = driver.encode_request("POST", "/graphql", {"query": FIRST_QUERY})
    click.echo(f"Embedded library: {measure({}, first_query, rounds)}")
    with started(["-m", "tests.benchmarks.upstream"]) as upstream:
        one_loan = PLAN.encode_request(WORKLOADS[0])
        click.echo(f"OKAPI_URL: {measure({'OKAPI_URL': upstream.url}, one_loan, rounds)}")


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks.start")

"""The run: check that the responses of all rows are equal, load the rows in turn, and read their counters.

Figures are CPU per request of the server process alone, the median of the rounds. Rows take turns, so that
other work of the machine affects all rows equally, and each begins with another row; figures of different
runs are not comparable, ratios within one run are. Time is not measured: on one machine it would be the time
of driver and upstream as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

import msgspec

from tests.benchmarks import driver, first_sight
from tests.benchmarks.figures import Execution, execution
from tests.benchmarks.first_sight import FirstSight
from tests.benchmarks.processes import Process, started
from tests.benchmarks.rows import Row
from tests.benchmarks.upstream import CALLS
from tests.benchmarks.workloads import Workload


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The response of a row to a workload before the measurement, and its upstream calls."""

    body: bytes
    calls: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Resident:
    """Bytes of a server before the load, after it, and after the new documents."""

    before: int
    loaded: int
    after: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """All results of a run."""

    rows: tuple[Row, ...]
    checked: dict[tuple[str, str], Checked] = field(default_factory=dict)  # by workload and row
    rounds: dict[tuple[str, int, str], list[float]] = field(default_factory=dict)  # by concurrency as well
    resident: dict[str, Resident] = field(default_factory=dict)  # by row
    first_sight: dict[tuple[str, str], FirstSight] = field(default_factory=dict)  # by workload and row
    execution: dict[str, Execution] = field(default_factory=dict)  # by row, if it has metrics

    def cpu_ms(self, workload: str, concurrency: int, row: str) -> float:
        return median(self.rounds[workload, concurrency, row])

    def cells(self) -> list[tuple[str, int]]:
        """Return the measured workloads and concurrencies, in order."""
        return list(dict.fromkeys((workload, connections) for workload, connections, _ in self.rounds))

    def has(self, row: Row) -> bool:
        return any(each.name == row.name for each in self.rows)

    def ratio(self, workload: str, concurrency: int, row: str, limit: str) -> float:
        return self.cpu_ms(workload, concurrency, row) / self.cpu_ms(workload, concurrency, limit)

    def unrest(self, workload: str, concurrency: int) -> float:
        """Return the mean relative deviation of rounds from the median of their row."""
        return fmean(
            abs(each - self.cpu_ms(workload, concurrency, row.name))
            / self.cpu_ms(workload, concurrency, row.name)
            for row in self.rows
            for each in self.rounds[workload, concurrency, row.name]
        )


class Disagreement(Exception):
    """Rows with different responses cannot be compared."""


def run(
    rows: Sequence[Row],
    workloads: Sequence[Workload],
    *,
    concurrency: Sequence[int],
    rounds: int,
    seconds: float,
    unseen: int = 0,
    report_progress: Callable[[str], None] = lambda text: None,
) -> Run:
    """Start everything, measure, stop everything.

    At the end, gateways execute so many `unseen` documents of each workload that is marked for it.
    """
    with ExitStack() as stack:
        upstream = stack.enter_context(started(["-m", "tests.benchmarks.upstream"]))
        processes = {row: stack.enter_context(row.serving(upstream.url)) for row in rows}
        measuring = _Measuring(upstream, processes, report_progress)
        return asyncio.run(measuring.all(workloads, concurrency, rounds, seconds, unseen))


class _Measuring:
    def __init__(
        self, upstream: Process, processes: dict[Row, Process], report_progress: Callable[[str], None]
    ) -> None:
        self.upstream = upstream
        self.processes = processes
        self.report_progress = report_progress
        self.results = Run(rows=tuple(processes))

    async def all(
        self,
        workloads: Sequence[Workload],
        concurrency: Sequence[int],
        rounds: int,
        seconds: float,
        unseen: int,
    ) -> Run:
        results = self.results
        before = {row: process.resident_bytes() for row, process in self.processes.items()}
        for workload in workloads:
            for row, process in self.processes.items():
                results.checked[workload.name, row.name] = await check_row(
                    self.upstream, row, process, workload
                )
            compare(results, workload)
            for connections in [min(concurrency)] if workload.alone else concurrency:
                await self._load(workload, connections, rounds, seconds)
        loaded = {row: process.resident_bytes() for row, process in self.processes.items()}
        if unseen:
            await self._first_sight(workloads, unseen)
        for row, process in self.processes.items():
            results.resident[row.name] = Resident(
                before=before[row], loaded=loaded[row], after=process.resident_bytes()
            )
            if row.metrics is not None:
                results.execution[row.name] = await execution(process, row.metrics)
        return results

    async def _load(self, workload: Workload, connections: int, rounds: int, seconds: float) -> None:
        results = self.results
        turns = list(self.processes.items())
        for number in range(rounds):
            begin = number % len(turns)
            for row, process in turns[begin:] + turns[:begin]:
                measured = await driver.load(
                    process,
                    row.encode_request(workload),
                    results.checked[workload.name, row.name].body,
                    concurrency=connections,
                    seconds=seconds,
                )
                results.rounds.setdefault((workload.name, connections, row.name), []).append(measured.cpu_ms)
        medians = (f"{results.cpu_ms(workload.name, connections, row.name):.2f}" for row in results.rows)
        self.report_progress(f"{workload.name}, {connections} at once: {' / '.join(medians)} ms")

    async def _first_sight(self, workloads: Sequence[Workload], documents: int) -> None:
        results = self.results
        measured_processes = {
            row: process for row, process in self.processes.items() if row.metrics is not None
        }
        for workload in workloads:
            if not workload.first_seen:
                continue
            body = results.checked[workload.name, results.rows[0].name].body
            for row, process in measured_processes.items():
                result = await first_sight.measure(process, workload, body, documents)
                results.first_sight[workload.name, row.name] = result
                extra = f"{result.first:.2f} + {result.second:.2f} ms"
                self.report_progress(f"{workload.name}, unseen: {row.name} {extra}")


async def check_row(upstream: Process, row: Row, process: Process, workload: Workload) -> Checked:
    """Execute once to warm up, and once more for the response and its calls."""
    await driver.execute(process.url, row.encode_request(workload))
    await driver.execute(upstream.url, driver.encode_request("GET", CALLS))
    response = await driver.execute(process.url, row.encode_request(workload))
    calls = await driver.execute(upstream.url, driver.encode_request("GET", CALLS))
    if response.status != 200 or b'"errors"' in response.body:
        raise driver.UnexpectedResponse(
            f"{row.name}, {workload.name}: {response.status} {response.body[:500]!r}"
        )
    return Checked(body=response.body, calls=tuple(msgspec.json.decode(calls.body)))


def compare(results: Run, workload: Workload) -> None:
    """Raise `Disagreement` unless all rows returned the same as the first one."""
    first, *others = results.rows
    pattern = results.checked[workload.name, first.name]
    for row in others:
        result = results.checked[workload.name, row.name]
        same = result.body == pattern.body if row.exact else _data(result.body) == _data(pattern.body)
        if not same:
            raise Disagreement(
                f"{workload.name}: {first.name} responded {pattern.body[:2000]!r}\n"
                f"and {row.name} {result.body[:2000]!r}"
            )
        if row.exact and _paths(result) != _paths(pattern):
            raise Disagreement(
                f"{workload.name}: {first.name} requested {_paths(pattern)}, {row.name} {_paths(result)}"
            )


def _data(body: bytes) -> Any:  # Any: JSON
    return msgspec.json.decode(body)["data"]


def _paths(checked: Checked) -> list[str]:
    """Return the requested paths, regardless of the grouping of ids into calls."""
    return sorted(call.partition("?")[0] for call in checked.calls)

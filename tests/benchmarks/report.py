"""The run: check that every row answers alike, load them by turns, and write the table.

Figures are CPU per request of the server process alone, the median of the rounds. Rounds go by turns
(gateway, hand-written, plain, gateway ...), so that whatever else the machine does falls on all rows alike;
figures of different runs are not comparable, ratios within one run are. Time is not measured: on one machine
it would be the time of driver and upstream as well.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

import msgspec

from tests.benchmarks import driver
from tests.benchmarks.processes import Process, started
from tests.benchmarks.rows import HANDWRITTEN, Row
from tests.benchmarks.upstream import CALLS
from tests.benchmarks.workloads import Workload


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a row answered to a workload before anything was timed."""

    body: bytes
    calls: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """All that a run found out."""

    rows: tuple[Row, ...]
    checked: dict[tuple[str, str], Checked] = field(default_factory=dict)  # by workload and row
    rounds: dict[tuple[str, int, str], list[float]] = field(default_factory=dict)  # by concurrency as well
    resident: dict[str, tuple[int, int]] = field(default_factory=dict)  # before the load and after it

    def cpu_ms(self, workload: str, concurrency: int, row: str) -> float:
        return median(self.rounds[workload, concurrency, row])

    def unrest(self) -> float:
        """How far rounds are from the median of their cell, as a share of it: the mean of all of them."""
        return fmean(
            abs(each - median(rounds)) / median(rounds) for rounds in self.rounds.values() for each in rounds
        )


class Disagreement(Exception):
    """Rows that answer differently cannot be compared."""


def run(
    rows: Sequence[Row],
    workloads: Sequence[Workload],
    *,
    concurrency: Sequence[int],
    rounds: int,
    seconds: float,
    tell: Callable[[str], None] = lambda text: None,
) -> Run:
    """Start everything, measure, stop everything."""
    with ExitStack() as stack:
        upstream = stack.enter_context(started(["-m", "tests.benchmarks.upstream"]))
        processes = {row: stack.enter_context(row.serving(upstream.url)) for row in rows}
        return asyncio.run(_measure(upstream, processes, workloads, concurrency, rounds, seconds, tell))


async def _measure(
    upstream: Process,
    processes: dict[Row, Process],
    workloads: Sequence[Workload],
    concurrency: Sequence[int],
    rounds: int,
    seconds: float,
    tell: Callable[[str], None],
) -> Run:
    made = Run(rows=tuple(processes))
    before = {row: process.resident_bytes() for row, process in processes.items()}
    for workload in workloads:
        for row, process in processes.items():
            made.checked[workload.name, row.name] = await _checked(upstream, row, process, workload)
        compare(made, workload)
        for connections in concurrency:
            for _ in range(rounds):
                for row, process in processes.items():
                    measured = await driver.load(
                        process,
                        row.question(workload),
                        made.checked[workload.name, row.name].body,
                        concurrency=connections,
                        seconds=seconds,
                    )
                    key = (workload.name, connections, row.name)
                    made.rounds.setdefault(key, []).append(measured.cpu_ms)
            medians = (f"{made.cpu_ms(workload.name, connections, row.name):.2f}" for row in made.rows)
            tell(f"{workload.name}, {connections} at once: {' / '.join(medians)} ms")
    for row, process in processes.items():
        made.resident[row.name] = before[row], process.resident_bytes()
    return made


async def _checked(upstream: Process, row: Row, process: Process, workload: Workload) -> Checked:
    """Ask once to warm up, and once more to see the answer and the calls that it took."""
    await driver.ask(process.url, row.question(workload))
    await driver.ask(upstream.url, driver.question("GET", CALLS))
    answer = await driver.ask(process.url, row.question(workload))
    calls = await driver.ask(upstream.url, driver.question("GET", CALLS))
    if answer.status != 200 or b'"errors"' in answer.body:
        raise driver.WrongAnswer(f"{row.name}, {workload.name}: {answer.status} {answer.body[:500]!r}")
    return Checked(body=answer.body, calls=tuple(msgspec.json.decode(calls.body)))


def compare(made: Run, workload: Workload) -> None:
    """Raise `Disagreement` unless all rows gave what the first one gave."""
    first, *others = made.rows
    pattern = made.checked[workload.name, first.name]
    for row in others:
        found = made.checked[workload.name, row.name]
        same = found.body == pattern.body if row.exact else _data(found.body) == _data(pattern.body)
        if not same:
            raise Disagreement(
                f"{workload.name}: {first.name} answered {pattern.body[:2000]!r}\n"
                f"and {row.name} {found.body[:2000]!r}"
            )
        if row.exact and _paths(found) != _paths(pattern):
            raise Disagreement(
                f"{workload.name}: {first.name} asked {_paths(pattern)}, {row.name} {_paths(found)}"
            )


def _data(body: bytes) -> Any:  # Any: JSON
    return msgspec.json.decode(body)["data"]


def _paths(checked: Checked) -> list[str]:
    """What was asked, but for which ids went into which call."""
    return sorted(call.partition("?")[0] for call in checked.calls)


def markdown(made: Run, workloads: Sequence[Workload]) -> str:
    """The table, what it was measured on, and the memory of the servers afterwards."""
    names = [row.name for row in made.rows]
    compared = [name for name in names if HANDWRITTEN.name in names and name != HANDWRITTEN.name]
    head = ["workload", "at once", *names, *(f"{name} ÷ hand-written" for name in compared), "upstream calls"]
    lines = ["CPU milliseconds per request", "", _line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    titles = {workload.name: workload.title for workload in workloads}
    for workload, connections in dict.fromkeys((key[0], key[1]) for key in made.rounds):
        cpu = {name: made.cpu_ms(workload, connections, name) for name in names}
        calls = [str(len(made.checked[workload, name].calls)) for name in names]
        lines.append(
            _line(
                [
                    f"{workload}: {titles[workload]}",
                    str(connections),
                    *(f"{cpu[name]:.2f}" for name in names),
                    *(f"{cpu[name] / cpu[HANDWRITTEN.name]:.1f}" for name in compared),
                    calls[0] if len(set(calls)) == 1 else " / ".join(calls),
                ]
            )
        )
    legend = [f"* {row.name}: {row.what}" for row in made.rows]
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}"
    )
    repeated = any(len(rounds) > 1 for rounds in made.rounds.values())
    unrest = f"; rounds differ from their median by {made.unrest():.0%} on average" if repeated else ""
    resident = ", ".join(
        f"{name} {after / 1e6:.0f} MB ({before / 1e6:.0f} MB before)"
        for name, (before, after) in made.resident.items()
    )
    lines += ["", *legend, "", f"{machine}{unrest}.", f"Resident memory after the run: {resident}."]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

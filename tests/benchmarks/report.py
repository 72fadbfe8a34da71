"""What is told of a run: tables in Markdown with the targets marked, and all figures as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from tests.benchmarks.first_sight import MOST_MS
from tests.benchmarks.rows import GENERIC, HANDWRITTEN, LIMITS, PLAN
from tests.benchmarks.run import Run
from tests.benchmarks.workloads import MOST_GROWTH, ONE_HUNDRED, ONE_THOUSAND, Workload

MOST_RESIDENT_MIB = 150.0
MIB = 1024 * 1024


def markdown(made: Run, workloads: Sequence[Workload]) -> str:
    """The tables of a run, what it was measured on, and the memory of the servers afterwards."""
    parts = [
        _cpu(made, workloads),
        _ratios(made, workloads),
        _growth(made),
        _first_sight(made),
        _execution(made),
        _memory(made),
        "\n".join(f"* {row.name}: {row.what}" for row in made.rows),
        "What is written by hand has the gateway's settings of the garbage collector, unless it says "
        "otherwise. No row writes a log of what it answers.",
        f"{_machine()}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def figures(made: Run, workloads: Sequence[Workload]) -> dict[str, Any]:
    """All that a run found out, for a program to read. Times are in milliseconds of CPU, memory in MiB."""
    return {
        "machine": _machine(),
        "rows": {row.name: row.what for row in made.rows},
        "workloads": {
            each.name: {
                "title": each.title,
                "most": each.most,
                "upstream_calls": {
                    row.name: len(made.checked[each.name, row.name].calls) for row in made.rows
                },
            }
            for each in workloads
        },
        "cells": [
            {
                "workload": workload,
                "concurrency": connections,
                "cpu_ms": {row.name: made.cpu_ms(workload, connections, row.name) for row in made.rows},
                "rounds": {row.name: made.rounds[workload, connections, row.name] for row in made.rows},
                "ratios": {
                    limit.name: {
                        row.name: made.ratio(workload, connections, row.name, limit.name) for row in made.rows
                    }
                    for limit in LIMITS
                    if made.has(limit)
                },
                "unrest": made.unrest(workload, connections),
            }
            for workload, connections in made.cells()
        ],
        "growth": dict(_growths(made)),
        "first_sight": [
            {"workload": workload, "row": row, **result.figures()}
            for (workload, row), result in made.first_sight.items()
        ],
        "execution": {
            row: {"planned": result.planned, "fallbacks": result.fallbacks}
            for row, result in made.execution.items()
        },
        "resident_mib": {
            row: {"before": result.before / MIB, "loaded": result.loaded / MIB, "after": result.after / MIB}
            for row, result in made.resident.items()
        },
    }


def _cpu(made: Run, workloads: Sequence[Workload]) -> str:
    titles = {each.name: each.title for each in workloads}
    lines = []
    for workload, connections in made.cells():
        calls = [str(len(made.checked[workload, row.name].calls)) for row in made.rows]
        lines.append(
            [
                f"{workload}: {titles[workload]}",
                str(connections),
                *(f"{made.cpu_ms(workload, connections, row.name):.2f}" for row in made.rows),
                f"{made.unrest(workload, connections):.0%}",
                calls[0] if len(set(calls)) == 1 else " / ".join(calls),
            ]
        )
    head = ["workload", "at once", *(row.name for row in made.rows), "unrest", "upstream calls"]
    explained = (
        "CPU milliseconds per request, medians of the rounds. Unrest is how far rounds are from their median "
        "on average."
    )
    return f"{explained}\n\n{_table(head, lines)}"


def _ratios(made: Run, workloads: Sequence[Workload]) -> str:
    """Each row in proportion to the yardsticks; the target is one of the plan's proportion to the first."""
    limits = [limit.name for limit in LIMITS if made.has(limit)]
    rows = [row.name for row in made.rows if row.name not in {limit.name for limit in LIMITS}]
    pairs = [(row, limit) for row in rows for limit in limits]
    if not pairs:
        return ""
    most = {each.name: each.most for each in workloads}
    lines = []
    for workload, connections in made.cells():
        line = [workload, str(connections)]
        line += [f"{made.ratio(workload, connections, row, limit):.2f}" for row, limit in pairs]
        target = most[workload]
        if target is None or (PLAN.name, HANDWRITTEN.name) not in pairs:
            line.append("")
        else:
            line.append(_mark(made.ratio(workload, connections, PLAN.name, HANDWRITTEN.name), target))
        lines.append(line)
    head = ["workload", "at once", *(f"{row} ÷ {limit}" for row, limit in pairs), "target"]
    return (
        f"CPU in proportion to what was written by hand. The target is {PLAN.name} ÷ {HANDWRITTEN.name}.\n\n"
        + (_table(head, lines))
    )


def _growths(made: Run) -> Iterable[tuple[str, float]]:
    """How many times the CPU of 100 rows 1,000 take, where both were asked one at a time."""
    for concurrency in {each for workload, each in made.cells() if workload == ONE_THOUSAND.name}:
        if (ONE_HUNDRED.name, concurrency) in made.cells():
            for row in made.rows:
                many = made.cpu_ms(ONE_THOUSAND.name, concurrency, row.name)
                yield row.name, many / made.cpu_ms(ONE_HUNDRED.name, concurrency, row.name)


def _growth(made: Run) -> str:
    result = [
        f"{row} {growth:.2f}" + (f" ({_mark(growth, MOST_GROWTH)})" if row == PLAN.name else "")
        for row, growth in _growths(made)
    ]
    return (
        f"Times the CPU of {ONE_HUNDRED.name} for ten times its rows: {', '.join(result)}." if result else ""
    )


def _first_sight(made: Run) -> str:
    if not made.first_sight:
        return ""
    head = ["workload", "row", "known", "first use", "second use", "together", "documents", "target"]
    lines = [
        [
            workload,
            row,
            f"{result.known:.2f}",
            f"+{result.first:.2f}",
            f"{result.second:+.2f}",
            f"{result.together:+.2f}",
            str(result.documents),
            "" if row == GENERIC.name else _mark(result.together, MOST_MS),
        ]
        for (workload, row), result in made.first_sight.items()
    ]
    explained = (
        "CPU milliseconds for documents that the server has never seen, asked one at a time: what a known "
        "one takes, and how much more the first and the second use."
    )
    return f"{explained}\n\n{_table(head, lines)}"


def _execution(made: Run) -> str:
    told = []
    for row, result in made.execution.items():
        by_reason = ", ".join(f"{reason} {count}" for reason, count in result.fallbacks.items())
        target = f" ({_mark(sum(result.fallbacks.values()), 0)})" if row == PLAN.name else ""
        told.append(f"{row}: {result.planned} planned; fallbacks: {by_reason or 'none told'}{target}")
    return "\n".join(f"* {each}" for each in told)


def _memory(made: Run) -> str:
    told = []
    for row, result in made.resident.items():
        target = f" ({_mark(result.after / MIB, MOST_RESIDENT_MIB)})" if row == PLAN.name else ""
        told.append(
            f"* {row}: {result.before / MIB:.0f} before, {result.loaded / MIB:.0f} after the load, "
            f"{result.after / MIB:.0f} at the end{target}"
        )
    return "Resident memory in MiB:\n\n" + "\n".join(told)


def _mark(figure: float, most: float) -> str:
    return f"≤ {most:g}: {'met' if figure <= most else 'missed'}"


def _machine() -> str:
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}"
    )


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *lines])

"""The report of a run: tables in Markdown with the targets marked, and all figures as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from tests.benchmarks.first_sight import MAX_MS
from tests.benchmarks.rows import GENERIC, HANDWRITTEN, LIMITS, PLAN
from tests.benchmarks.run import Run
from tests.benchmarks.workloads import MAX_GROWTH, ONE_HUNDRED, ONE_THOUSAND, Workload

MAX_RESIDENT_MIB = 150.0
MIB = 1024 * 1024


def markdown(run: Run, workloads: Sequence[Workload]) -> str:
    """Return the tables of a run, its machine, and the memory of the servers afterwards."""
    parts = [
        _cpu(run, workloads),
        _ratios(run, workloads),
        _growth(run),
        _first_sight(run),
        _execution(run),
        _memory(run),
        "\n".join(f"* {row.name}: {row.what}" for row in run.rows),
        "What is written by hand has the gateway's settings of the garbage collector, unless it says "
        "otherwise. No row logs its requests.",
        f"{_machine()}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def figures(run: Run, workloads: Sequence[Workload]) -> dict[str, Any]:
    """Return all results of a run for programs. Times are in milliseconds of CPU, memory in MiB."""
    return {
        "machine": _machine(),
        "rows": {row.name: row.what for row in run.rows},
        "workloads": {
            each.name: {
                "title": each.title,
                "most": each.most,
                "upstream_calls": {row.name: len(run.checked[each.name, row.name].calls) for row in run.rows},
            }
            for each in workloads
        },
        "cells": [
            {
                "workload": workload,
                "concurrency": connections,
                "cpu_ms": {row.name: run.cpu_ms(workload, connections, row.name) for row in run.rows},
                "rounds": {row.name: run.rounds[workload, connections, row.name] for row in run.rows},
                "ratios": {
                    limit.name: {
                        row.name: run.ratio(workload, connections, row.name, limit.name) for row in run.rows
                    }
                    for limit in LIMITS
                    if run.has(limit)
                },
                "unrest": run.unrest(workload, connections),
            }
            for workload, connections in run.cells()
        ],
        "growth": dict(_growths(run)),
        "first_sight": [
            {"workload": workload, "row": row, **result.figures()}
            for (workload, row), result in run.first_sight.items()
        ],
        "execution": {
            row: {"planned": result.planned, "fallbacks": result.fallbacks}
            for row, result in run.execution.items()
        },
        "resident_mib": {
            row: {"before": result.before / MIB, "loaded": result.loaded / MIB, "after": result.after / MIB}
            for row, result in run.resident.items()
        },
    }


def _cpu(run: Run, workloads: Sequence[Workload]) -> str:
    titles = {each.name: each.title for each in workloads}
    lines = []
    for workload, connections in run.cells():
        calls = [str(len(run.checked[workload, row.name].calls)) for row in run.rows]
        lines.append(
            [
                f"{workload}: {titles[workload]}",
                str(connections),
                *(f"{run.cpu_ms(workload, connections, row.name):.2f}" for row in run.rows),
                f"{run.unrest(workload, connections):.0%}",
                calls[0] if len(set(calls)) == 1 else " / ".join(calls),
            ]
        )
    head = ["workload", "at once", *(row.name for row in run.rows), "unrest", "upstream calls"]
    explained = (
        "CPU milliseconds per request, medians of the rounds. Unrest is how far rounds are from their median "
        "on average."
    )
    return f"{explained}\n\n{_table(head, lines)}"


def _ratios(run: Run, workloads: Sequence[Workload]) -> str:
    """Return the ratio of each row to the baselines; the target is a ratio of the plan to the first."""
    limits = [limit.name for limit in LIMITS if run.has(limit)]
    rows = [row.name for row in run.rows if row.name not in {limit.name for limit in LIMITS}]
    pairs = [(row, limit) for row in rows for limit in limits]
    if not pairs:
        return ""
    most = {each.name: each.most for each in workloads}
    lines = []
    for workload, connections in run.cells():
        line = [workload, str(connections)]
        line += [f"{run.ratio(workload, connections, row, limit):.2f}" for row, limit in pairs]
        target = most[workload]
        if target is None or (PLAN.name, HANDWRITTEN.name) not in pairs:
            line.append("")
        else:
            line.append(_mark(run.ratio(workload, connections, PLAN.name, HANDWRITTEN.name), target))
        lines.append(line)
    head = ["workload", "at once", *(f"{row} ÷ {limit}" for row, limit in pairs), "target"]
    return (
        f"CPU in proportion to what was written by hand. The target is {PLAN.name} ÷ {HANDWRITTEN.name}.\n\n"
        + (_table(head, lines))
    )


def _growths(run: Run) -> Iterable[tuple[str, float]]:
    """Return the ratio of the CPU of 1,000 rows to that of 100, if both were measured with one connection."""
    for concurrency in {each for workload, each in run.cells() if workload == ONE_THOUSAND.name}:
        if (ONE_HUNDRED.name, concurrency) in run.cells():
            for row in run.rows:
                many = run.cpu_ms(ONE_THOUSAND.name, concurrency, row.name)
                yield row.name, many / run.cpu_ms(ONE_HUNDRED.name, concurrency, row.name)


def _growth(run: Run) -> str:
    result = [
        f"{row} {growth:.2f}" + (f" ({_mark(growth, MAX_GROWTH)})" if row == PLAN.name else "")
        for row, growth in _growths(run)
    ]
    return (
        f"Times the CPU of {ONE_HUNDRED.name} for ten times its rows: {', '.join(result)}." if result else ""
    )


def _first_sight(run: Run) -> str:
    if not run.first_sight:
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
            "" if row == GENERIC.name else _mark(result.together, MAX_MS),
        ]
        for (workload, row), result in run.first_sight.items()
    ]
    explained = (
        "CPU milliseconds for documents that are new to the server, over one connection: what a known "
        "one takes, and how much more the first and the second use."
    )
    return f"{explained}\n\n{_table(head, lines)}"


def _execution(run: Run) -> str:
    lines = []
    for row, result in run.execution.items():
        by_reason = ", ".join(f"{reason} {count}" for reason, count in result.fallbacks.items())
        target = f" ({_mark(sum(result.fallbacks.values()), 0)})" if row == PLAN.name else ""
        lines.append(f"{row}: {result.planned} planned; fallbacks: {by_reason or 'none reported'}{target}")
    return "\n".join(f"* {each}" for each in lines)


def _memory(run: Run) -> str:
    lines = []
    for row, result in run.resident.items():
        target = f" ({_mark(result.after / MIB, MAX_RESIDENT_MIB)})" if row == PLAN.name else ""
        lines.append(
            f"* {row}: {result.before / MIB:.0f} before, {result.loaded / MIB:.0f} after the load, "
            f"{result.after / MIB:.0f} at the end{target}"
        )
    return "Resident memory in MiB:\n\n" + "\n".join(lines)


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

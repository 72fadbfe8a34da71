"""`python -m tests.benchmarks.instructions`: instructions per request, counted by valgrind's callgrind.

Each server runs under callgrind; upstream and driver do not. After a warm-up, which is not counted, several
windows of a few requests are counted one by one, and the result is the median of the windows divided by their
requests, less what the server does in that time without requests. In contrast to CPU time the count hardly
depends on the machine's load: two runs differ by less than 1 %, so that one run before a change and one after
it are enough. It holds the work of the process in user space and nothing of the kernel.

It needs `valgrind` (in Debian the package of that name) and takes about a minute per row and workload. Python
runs some 40 times slower under it, which only costs patience.

\b
    python -m tests.benchmarks.instructions --json before.json
    ... change something ...
    python -m tests.benchmarks.instructions --compare before.json

`--profiles DIRECTORY` keeps callgrind's files, one for each window, to see which functions the instructions
are spent in: `callgrind_annotate FILE`, or KCachegrind.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click
import msgspec

from tests.benchmarks import driver
from tests.benchmarks.processes import Process, started
from tests.benchmarks.rows import BOUND, HANDWRITTEN, PLAN, ROWS, Row
from tests.benchmarks.run import Run, check_row, compare
from tests.benchmarks.workloads import WORKLOADS, Workload

TOOLS = ("valgrind", "callgrind_control")
COUNTED_ROWS: tuple[Row, ...] = (PLAN, HANDWRITTEN, BOUND)

WARM_UP = 12  # requests: a plan is compiled and CPython has specialised its bytecode
WINDOWS = 5
REQUESTS_IN_WINDOW = 8
REQUESTS_IN_WINDOW_OF_LARGE = 2
IDLE_SECONDS = 2.0

# Hashes of strings determine the collisions in dictionaries; without a seed they differ between processes.
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}

_TOTAL = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


class CallgrindFailed(Exception):
    """callgrind did not follow a command, so there is no count."""


def missing_tools() -> list[str]:
    """Return the programs that are needed and not installed."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


@dataclass(frozen=True, kw_only=True)
class Window:
    """The instructions of a stretch of time."""

    seconds: float
    instructions: int

    @property
    def rate(self) -> float:
        """Return the instructions per second."""
        return self.instructions / self.seconds


@dataclass(frozen=True)
class Counter:
    """callgrind in one process: starts and stops counting, and reads the counts."""

    process: Process
    folder: Path
    environment: Mapping[str, str]

    def start(self) -> None:
        self._control("--instr=on")

    def stop(self) -> None:
        self._control("--instr=off")

    def reset(self) -> None:
        self._control("--zero")

    def read(self) -> int:
        """Return the instructions since the last reset, and set the counter to zero."""
        before = set(self.folder.iterdir())
        self._control("--dump")
        counts = [
            int(match[1])
            for file in set(self.folder.iterdir()) - before
            if (match := _TOTAL.search(file.read_text(errors="replace"))) is not None
        ]
        if not counts:
            raise CallgrindFailed(f"no dump of process {self.process.pid}")
        return sum(counts)

    async def window(
        self, connection: driver.Connection, encode_request: bytes, expected: bytes, requests: int
    ) -> Window:
        """Count so many requests, or `IDLE_SECONDS` without any."""
        self.reset()
        began = time.monotonic()
        for _ in range(requests):
            driver.check(await connection.execute(encode_request), expected)
        if not requests:
            await asyncio.sleep(IDLE_SECONDS)
        return Window(seconds=time.monotonic() - began, instructions=self.read())

    def _control(self, option: str) -> None:
        # The pipes to a process are named by its HOST and USER variables: control runs with the same ones.
        result = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
            [TOOLS[1], option, str(self.process.pid)],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if result.returncode or "OK." not in result.stdout:
            raise CallgrindFailed(f"`callgrind_control {option}`: {result.stdout}{result.stderr}")


@contextmanager
def counted(row: Row, upstream: str, folder: Path) -> Iterator[Counter]:
    """Serve a row under callgrind until the end of the block. It does not count before `Counter.start`."""
    wrapper = [
        "env",
        *(f"{name}={value}" for name, value in _ENVIRONMENT.items()),
        TOOLS[0],
        "--quiet",
        "--tool=callgrind",
        "--instr-atstart=no",
        f"--callgrind-out-file={folder / 'profile'}",
    ]
    with row.serving(upstream, wrapper) as process:
        yield Counter(process, folder, row.environment(upstream))


def count(
    rows: Sequence[Row],
    workloads: Sequence[Workload],
    *,
    profiles: Path | None = None,
    windows: int = WINDOWS,
    report: Callable[[str], None] = lambda text: None,
) -> dict[str, dict[str, float]]:
    """Return instructions per request by workload and row.

    Raise `run.Disagreement` or `driver.WrongAnswer` if rows respond differently.
    """
    result: dict[str, dict[str, float]] = {workload.name: {} for workload in workloads}
    checked = Run(rows=tuple(rows))
    with TemporaryDirectory() as temporary, started(["-m", "tests.benchmarks.upstream"]) as upstream:
        for row in rows:  # one at a time: a machine of two cores has one for the driver and upstream
            folder = (profiles or Path(temporary)) / row.name.replace(", ", "-").replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            report(f"{row.name}: starting")
            with counted(row, upstream.url, folder) as counter:
                for workload in workloads:
                    checked.checked[workload.name, row.name] = asyncio.run(
                        check_row(upstream, row, counter.process, workload)
                    )
                    instructions = asyncio.run(_count(counter, row, workload, windows))
                    for file in folder.glob("profile*"):
                        file.rename(folder / f"{workload.name}.{file.name.rpartition('.')[2]}")
                    result[workload.name][row.name] = instructions
                    report(f"{row.name}, {workload.name}: {instructions:,.0f}")
    for workload in workloads:
        compare(checked, workload)
    return result


async def _count(counter: Counter, row: Row, workload: Workload, windows: int) -> float:
    encode_request = row.encode_request(workload)
    requests = REQUESTS_IN_WINDOW_OF_LARGE if workload.alone else REQUESTS_IN_WINDOW
    counts = []
    async with driver.connections(counter.process.url, 1) as (connection,):
        expected = (await connection.execute(encode_request)).body
        for _ in range(WARM_UP):
            driver.check(await connection.execute(encode_request), expected)
        counter.start()
        try:
            await counter.window(
                connection, encode_request, expected, requests
            )  # translates code that is new
            idle = await counter.window(connection, encode_request, expected, 0)
            for _ in range(windows):
                busy = await counter.window(connection, encode_request, expected, requests)
                counts.append((busy.instructions - idle.rate * busy.seconds) / requests)
        finally:
            counter.stop()
    return median(counts)


def table(result: Mapping[str, Mapping[str, float]], earlier: Mapping[str, Mapping[str, float]]) -> str:
    """Return a Markdown table of millions of instructions, with the change from an earlier result."""
    rows = list(next(iter(result.values()), {}))
    titles = {each.name: each.title for each in WORKLOADS}
    head = ["workload", *rows]
    if PLAN.name in rows:
        head += [f"{PLAN.name} ÷ {row}" for row in rows if row != PLAN.name]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for workload, counts in result.items():
        line = [f"{workload}: {titles[workload]}"]
        for row in rows:
            before = earlier.get(workload, {}).get(row)
            change = f" ({counts[row] / before - 1:+.1%})" if before else ""
            line.append(f"{counts[row] / 1e6:.3f}{change}")
        if PLAN.name in rows:
            line += [f"{counts[PLAN.name] / counts[row]:.2f}" for row in rows if row != PLAN.name]
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


@click.command(help=__doc__)
@click.option(
    "--workload",
    "names",
    type=click.Choice([each.name for each in WORKLOADS]),
    multiple=True,
    help="A workload to count; repeat it for several. All by default.",
)
@click.option(
    "--row",
    "row_names",
    type=click.Choice([each.name for each in ROWS]),
    multiple=True,
    help=f"A row to count; repeat it for several. {', '.join(row.name for row in COUNTED_ROWS)} by default.",
)
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the counts to this file.",
)
@click.option(
    "--compare",
    "earlier_file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Show the change from the counts in this file, written by --json.",
)
@click.option(
    "--profiles",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep callgrind's files in this directory.",
)
@click.option(
    "--windows", type=click.IntRange(1), default=WINDOWS, show_default=True, help="Windows that are counted."
)
def main(
    names: tuple[str, ...],
    row_names: tuple[str, ...],
    file: Path | None,
    earlier_file: Path | None,
    profiles: Path | None,
    windows: int,
) -> None:
    missing = missing_tools()
    if missing:
        text = f"Skipped: {' and '.join(missing)} not installed (package `valgrind` in Debian)."
        click.echo(text, err=True)
        sys.exit(0)
    earlier = {}
    if earlier_file is not None:
        earlier = msgspec.json.decode(earlier_file.read_bytes(), type=dict[str, dict[str, float]])
    result = count(
        [row for row in ROWS if row.name in row_names] or COUNTED_ROWS,
        [each for each in WORKLOADS if not names or each.name in names],
        profiles=profiles,
        windows=windows,
        report=lambda text: click.echo(text, err=True),
    )
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    click.echo(table(result, earlier), nl=False)


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks.instructions")

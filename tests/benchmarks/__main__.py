"""`python -m tests.benchmarks`: the cost of a GraphQL request, compared with handwritten endpoints.

It starts an upstream with prepared responses and a server for each row, checks that all responses are equal,
puts load on them in turn and writes Markdown tables with the targets marked. Run it in the root of the
project, with the test extra installed, on a machine that does nothing else; it takes about fifteen minutes.
Environment variables are passed to the gateway. `python -m tests.benchmarks.instructions` counts instructions
instead of time, which is independent of other load.
"""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from tests.benchmarks.report import figures, markdown
from tests.benchmarks.rows import ROWS, HandwrittenRow, Row
from tests.benchmarks.run import run
from tests.benchmarks.workloads import WORKLOADS


@click.command(help=__doc__)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    multiple=True,
    help="Requests at once; repeat it for several. 1, 16 and 64 unless named.",
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Rounds of each row.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.05),
    default=1.0,
    show_default=True,
    help="Seconds of load in each round.",
)
@click.option(
    "--workload",
    "names",
    type=click.Choice([each.name for each in WORKLOADS]),
    multiple=True,
    help="Workloads to run; repeat it for several. All, unless named.",
)
@click.option(
    "--row",
    "row_names",
    type=click.Choice([each.name for each in ROWS]),
    multiple=True,
    help="Rows to run; repeat it for several. All, unless named.",
)
@click.option(
    "--unseen",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Documents of each workload that are new to the gateway, to measure their first uses.",
)
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write all figures to this file as well.",
)
@click.option(
    "--python-collector",
    is_flag=True,
    help="Leave what is written by hand Python's own settings of the garbage collector.",
)
@click.option("--quick", is_flag=True, help="One short round, one request at once, to see that it works.")
def main(
    concurrency: tuple[int, ...],
    rounds: int,
    seconds: float,
    names: tuple[str, ...],
    row_names: tuple[str, ...],
    unseen: int,
    file: Path | None,
    python_collector: bool,
    quick: bool,
) -> None:
    workloads = [each for each in WORKLOADS if not names or each.name in names]
    if quick:
        rounds, seconds, unseen = 1, 0.1, min(unseen, 3)
    rows: list[Row] = [each for each in ROWS if not row_names or each.name in row_names]
    if python_collector:
        rows = [each.with_python_collector() if isinstance(each, HandwrittenRow) else each for each in rows]
    results = run(
        rows,
        workloads,
        concurrency=concurrency or ((1,) if quick else (1, 16, 64)),
        rounds=rounds,
        seconds=seconds,
        unseen=unseen,
        report_progress=lambda text: click.echo(text, err=True),
    )
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(figures(results, workloads))))
    click.echo(markdown(results, workloads), nl=False)


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks")

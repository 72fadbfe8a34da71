"""The benchmarks run, and what they compare is comparable. No test looks at a time."""

from __future__ import annotations

import sys

import msgspec
import pytest
from click.testing import CliRunner

from tests.benchmarks.__main__ import main
from tests.benchmarks.report import Checked, Disagreement, Run, compare, markdown, run
from tests.benchmarks.rows import GATEWAY, HANDWRITTEN, PLAIN_STRAWBERRY, ROWS
from tests.benchmarks.workloads import WORKLOADS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the accounting of Linux")


@pytest.fixture(scope="module")
def made() -> Run:
    """A moment of everything; it fails by itself when a row answers something else under load."""
    return run(ROWS, WORKLOADS, concurrency=(2,), rounds=1, seconds=0.01)


@pytest.mark.parametrize("workload", [each.name for each in WORKLOADS])
def test_all_rows_give_the_same(made: Run, workload: str) -> None:
    """Gateway and hand-written endpoint give the same bytes, plain Strawberry the same data."""
    answers = {row: made.checked[workload, row.name].body for row in ROWS}

    assert answers[HANDWRITTEN] == answers[GATEWAY]
    assert msgspec.json.decode(answers[PLAIN_STRAWBERRY]) == msgspec.json.decode(answers[GATEWAY])


@pytest.mark.parametrize(
    ("workload", "calls"),
    [
        ("W1", (1, 1, 1)),
        ("W2", (1, 1, 1)),
        ("W3", (5, 5, 5)),
        ("W4", (11, 11, 11)),
        ("W5", (1, 1, 1)),
        ("W6", (1, 1, 5)),
    ],
)
def test_upstream_calls(made: Run, workload: str, calls: tuple[int, int, int]) -> None:
    """A request takes exactly so many upstream calls: gateway, hand-written, plain Strawberry."""
    assert tuple(len(made.checked[workload, row.name].calls) for row in ROWS) == calls


def test_what_answers_something_else_is_not_measured() -> None:
    """Other bytes, or the same from other calls, stop the run before anything is timed."""
    honest = Checked(body=b'{"data":{}}', calls=("GET /users?query=id",))
    cheats = {
        "answered": Checked(body=b'{"data":{"loan":null}}', calls=honest.calls),
        "asked": Checked(body=honest.body, calls=()),
    }
    for reason, cheat in cheats.items():
        checked = {("W1", GATEWAY.name): honest, ("W1", HANDWRITTEN.name): cheat}

        with pytest.raises(Disagreement, match=f"W1: gateway {reason}"):
            compare(Run(rows=(GATEWAY, HANDWRITTEN), checked=checked), WORKLOADS[0])


def test_the_table_has_a_line_for_each_workload(made: Run) -> None:
    """The last column is the upstream calls, one number where all rows agree."""
    lines = [line for line in markdown(made, WORKLOADS).splitlines() if line.startswith("| W")]

    assert [line.split(" | ")[:2] for line in lines] == [
        [f"| {each.name}: {each.title}", "2"] for each in WORKLOADS
    ]
    assert [line.split(" | ")[-1] for line in lines] == ["1 |", "1 |", "5 |", "11 |", "1 |", "1 / 1 / 5 |"]


def test_the_command_measures_what_it_is_told() -> None:
    """`--workload` and `--row` choose, and `--quick` asks one request at once."""
    arguments = ["--quick", "--workload", "W1", "--workload", "W3", "--row", "hand-written"]

    result = CliRunner().invoke(main, arguments, catch_exceptions=False)

    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if line.startswith("| W")]
    assert [line.split(" | ")[:2] for line in lines] == [
        ["| W1: one loan, 8 scalars", "1"],
        ["| W3: 100 loans, 3 links", "1"],
    ]

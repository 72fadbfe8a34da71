"""The benchmarks run, and what they compare is comparable. No test looks at a time."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tests.benchmarks.__main__ import main
from tests.benchmarks.report import figures, markdown
from tests.benchmarks.rows import (
    BOUND,
    GENERIC,
    HANDWRITTEN,
    HANDWRITTEN_MSGSPEC,
    PLAIN_STRAWBERRY,
    PLAN,
    ROWS,
)
from tests.benchmarks.run import Checked, Disagreement, Resident, Run, compare, run
from tests.benchmarks.workloads import ONE_HUNDRED, WORKLOADS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the accounting of Linux")

FIRST_SEEN = [each.name for each in WORKLOADS if each.first_seen]


@pytest.fixture(scope="module")
def made() -> Run:
    """A moment of everything; it fails by itself when a row answers something else under load."""
    return run(ROWS, WORKLOADS, concurrency=(2,), rounds=1, seconds=0.01, unseen=1)


@pytest.mark.parametrize("workload", [each.name for each in WORKLOADS])
def test_all_rows_give_the_same(made: Run, workload: str) -> None:
    """Gateway and hand-written endpoints give the same bytes, plain Strawberry the same data."""
    responses = {row: made.checked[workload, row.name].body for row in ROWS}

    assert all(
        responses[row] == responses[PLAN] for row in (GENERIC, HANDWRITTEN, HANDWRITTEN_MSGSPEC, BOUND)
    )
    assert msgspec.json.decode(responses[PLAIN_STRAWBERRY]) == msgspec.json.decode(responses[PLAN])


@pytest.mark.parametrize(
    ("workload", "calls", "plain"),
    [
        ("W1", 1, 1),
        ("W2", 1, 1),
        ("W2x10", 1, 1),
        ("W3", 5, 5),
        ("W4", 11, 11),
        ("W5", 1, 1),
        ("W6", 1, 5),
        ("W7", 1, 7),
    ],
)
def test_upstream_calls(made: Run, workload: str, calls: int, plain: int) -> None:
    """A request takes exactly so many upstream calls; plain Strawberry follows each link."""
    result = {row: len(made.checked[workload, row.name].calls) for row in ROWS}

    assert result == {row: plain if row is PLAIN_STRAWBERRY else calls for row in ROWS}


@pytest.mark.parametrize(("workload", "rows"), [("W2", 100), ("W2x10", 1000), ("W3", 100)])
def test_lists_are_as_long_as_they_say(made: Run, workload: str, rows: int) -> None:
    """Growth compares 100 rows with 1,000, all of them different."""
    nodes = msgspec.json.decode(made.checked[workload, PLAN.name].body)["data"]["loans"]["nodes"]

    assert len({node["id"] for node in nodes}) == len(nodes) == rows


def test_what_answers_something_else_is_not_measured() -> None:
    """Other bytes, or the same from other calls, stop the run before anything is timed."""
    honest = Checked(body=b'{"data":{}}', calls=("GET /users?query=id",))
    cheats = {
        "answered": Checked(body=b'{"data":{"loan":null}}', calls=honest.calls),
        "asked": Checked(body=honest.body, calls=()),
    }
    for reason, cheat in cheats.items():
        checked = {("W1", PLAN.name): honest, ("W1", HANDWRITTEN.name): cheat}

        with pytest.raises(Disagreement, match=f"W1: plan {reason}"):
            compare(Run(rows=(PLAN, HANDWRITTEN), checked=checked), WORKLOADS[0])


def test_plans_execute_every_workload_whole(made: Run) -> None:
    """No subtree falls back to graphql-core, and the row that has no plans executes none."""
    assert made.execution[PLAN.name].planned > 0
    assert set(made.execution[PLAN.name].fallbacks.values()) == {0}
    assert made.execution[GENERIC.name].planned == 0


def test_unseen_documents_are_measured_on_every_gateway(made: Run) -> None:
    """Each has figures for W2, W3 and W4; answers were compared while they were taken."""
    assert FIRST_SEEN == ["W2", "W3", "W4"]
    assert set(made.first_sight) == {
        (workload, row.name) for workload in FIRST_SEEN for row in (PLAN, GENERIC)
    }
    assert all(result.documents == 1 and result.known > 0 for result in made.first_sight.values())


def test_the_tables_have_a_line_for_each_workload(made: Run) -> None:
    """The last column of the first is the upstream calls, one number where all rows agree."""
    lines = [line for line in markdown(made, WORKLOADS).splitlines() if line.startswith("| W")]
    cpu, ratios = lines[: len(WORKLOADS)], lines[len(WORKLOADS) : 2 * len(WORKLOADS)]

    assert [line.split(" | ")[:2] for line in cpu] == [
        [f"| {each.name}: {each.title}", "2"] for each in WORKLOADS
    ]
    assert [line.split(" | ")[-1] for line in cpu] == [
        "1 |",
        "1 |",
        "1 |",
        "5 |",
        "11 |",
        "1 |",
        "1 / 1 / 1 / 1 / 1 / 5 |",
        "1 / 1 / 1 / 1 / 1 / 7 |",
    ]
    assert [line.split(" | ")[0] for line in ratios] == [f"| {each.name}" for each in WORKLOADS]


def test_targets_are_marked_by_the_plan_beside_the_orjson_endpoint() -> None:
    """Two decimals are shown, but the whole figure decides; medians, so one bad round does not."""
    rounds = {
        ("W2", 16, PLAN.name): [0.6, 0.6, 9.0],
        ("W2", 16, HANDWRITTEN.name): [1.0, 1.0, 1.0],
        ("W2", 64, PLAN.name): [0.601, 0.601, 0.601],
        ("W2", 64, HANDWRITTEN.name): [1.0, 1.0, 1.0],
    }
    checked = {("W2", row.name): Checked(body=b"", calls=("GET /x",)) for row in (PLAN, HANDWRITTEN)}
    made = Run(
        rows=(PLAN, HANDWRITTEN),
        rounds=rounds,
        checked=checked,
        resident={PLAN.name: Resident(before=0, loaded=1024 * 1024, after=151 * 1024 * 1024)},
    )

    told = markdown(made, [ONE_HUNDRED])

    assert "| W2 | 16 | 0.60 | ≤ 0.6: met |" in told
    assert "| W2 | 64 | 0.60 | ≤ 0.6: missed |" in told
    assert "* plan: 0 before, 1 after the load, 151 at the end (≤ 150: missed)" in told


def test_growth_compares_ten_times_the_rows_at_the_same_concurrency(made: Run) -> None:
    """Every row has its own."""
    grown = figures(made, WORKLOADS)["growth"]

    assert set(grown) == {row.name for row in ROWS}
    assert grown[PLAN.name] == made.cpu_ms("W2x10", 2, PLAN.name) / made.cpu_ms("W2", 2, PLAN.name)


def test_the_command_measures_what_it_is_told(tmp_path: Path) -> None:
    """`--workload` and `--row` choose, `--quick` asks one request at once, `--json` writes the figures."""
    file = tmp_path / "figures.json"
    arguments = ["--quick", "--workload", "W1", "--workload", "W3", "--row", "hand-written"]
    arguments += ["--python-collector"]

    result = CliRunner().invoke(main, [*arguments, "--json", str(file)], catch_exceptions=False)

    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if line.startswith("| W")]
    assert [line.split(" | ")[:2] for line in lines] == [
        ["| W1: one loan, 8 scalars", "1"],
        ["| W3: 100 loans, 3 links", "1"],
    ]
    assert "orjson; the garbage collector as Python sets it" in result.stdout
    written = msgspec.json.decode(file.read_bytes())
    assert [(cell["workload"], cell["concurrency"]) for cell in written["cells"]] == [("W1", 1), ("W3", 1)]
    assert all(list(cell["rounds"]) == ["hand-written"] for cell in written["cells"])
    assert written["resident_mib"]["hand-written"]["after"] > 1

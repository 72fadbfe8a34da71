"""The benchmarks run and compare equal work. No test depends on a time."""

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
def results() -> Run:
    """A short run of everything, which fails if a response differs under load."""
    return run(ROWS, WORKLOADS, concurrency=(2,), rounds=1, seconds=0.01, unseen=1)


@pytest.mark.parametrize("workload", [each.name for each in WORKLOADS])
def test_all_rows_give_the_same(results: Run, workload: str) -> None:
    """Gateway and hand-written endpoints give the same bytes, plain Strawberry the same data."""
    responses = {row: results.checked[workload, row.name].body for row in ROWS}

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
        ("W3", 4, 4),
        ("W4", 10, 10),
        ("W5", 1, 1),
        ("W6", 1, 5),
        ("W7", 1, 6),
    ],
)
def test_upstream_calls(results: Run, workload: str, calls: int, plain: int) -> None:
    """A request takes exactly so many upstream calls; plain Strawberry follows each link."""
    result = {row: len(results.checked[workload, row.name].calls) for row in ROWS}

    assert result == {row: plain if row is PLAIN_STRAWBERRY else calls for row in ROWS}


@pytest.mark.parametrize(("workload", "rows"), [("W2", 100), ("W2x10", 1000), ("W3", 100)])
def test_lists_have_their_length(results: Run, workload: str, rows: int) -> None:
    """Growth compares 100 rows with 1,000, all of them different."""
    nodes = msgspec.json.decode(results.checked[workload, PLAN.name].body)["data"]["loans"]["nodes"]

    assert len({node["id"] for node in nodes}) == len(nodes) == rows


def test_different_rows_are_not_measured() -> None:
    """Other bytes, or the same from other calls, stop the run before the measurement."""
    honest = Checked(body=b'{"data":{}}', calls=("GET /users?query=id",))
    cheats = {
        "responded": Checked(body=b'{"data":{"loan":null}}', calls=honest.calls),
        "requested": Checked(body=honest.body, calls=()),
    }
    for reason, cheat in cheats.items():
        checked = {("W1", PLAN.name): honest, ("W1", HANDWRITTEN.name): cheat}

        with pytest.raises(Disagreement, match=f"W1: plan {reason}"):
            compare(Run(rows=(PLAN, HANDWRITTEN), checked=checked), WORKLOADS[0])


def test_plans_execute_every_workload_completely(results: Run) -> None:
    """No subtree falls back to graphql-core, and the row without plans executes none."""
    assert results.execution[PLAN.name].planned > 0
    assert set(results.execution[PLAN.name].fallbacks.values()) == {0}
    assert results.execution[GENERIC.name].planned == 0


def test_unseen_documents_are_measured_on_every_gateway(results: Run) -> None:
    """Each has figures for W2, W3 and W4; their responses were compared during the measurement."""
    assert FIRST_SEEN == ["W2", "W3", "W4"]
    assert set(results.first_sight) == {
        (workload, row.name) for workload in FIRST_SEEN for row in (PLAN, GENERIC)
    }
    assert all(result.documents == 1 and result.known > 0 for result in results.first_sight.values())


def test_the_tables_have_a_line_for_each_workload(results: Run) -> None:
    """The last column of the first is the upstream calls, one number where all rows agree."""
    lines = [line for line in markdown(results, WORKLOADS).splitlines() if line.startswith("| W")]
    cpu, ratios = lines[: len(WORKLOADS)], lines[len(WORKLOADS) : 2 * len(WORKLOADS)]

    assert [line.split(" | ")[:2] for line in cpu] == [
        [f"| {each.name}: {each.title}", "2"] for each in WORKLOADS
    ]
    assert [line.split(" | ")[-1] for line in cpu] == [
        "1 |",
        "1 |",
        "1 |",
        "4 |",
        "10 |",
        "1 |",
        "1 / 1 / 1 / 1 / 1 / 5 |",
        "1 / 1 / 1 / 1 / 1 / 6 |",
    ]
    assert [line.split(" | ")[0] for line in ratios] == [f"| {each.name}" for each in WORKLOADS]


def test_targets_are_ratios_to_the_orjson_endpoint() -> None:
    """Two decimals are shown, but the exact figure decides; medians are used, so one bad round does not."""
    rounds = {
        ("W2", 16, PLAN.name): [0.6, 0.6, 9.0],
        ("W2", 16, HANDWRITTEN.name): [1.0, 1.0, 1.0],
        ("W2", 64, PLAN.name): [0.601, 0.601, 0.601],
        ("W2", 64, HANDWRITTEN.name): [1.0, 1.0, 1.0],
    }
    checked = {("W2", row.name): Checked(body=b"", calls=("GET /x",)) for row in (PLAN, HANDWRITTEN)}
    results = Run(
        rows=(PLAN, HANDWRITTEN),
        rounds=rounds,
        checked=checked,
        resident={PLAN.name: Resident(before=0, loaded=1024 * 1024, after=151 * 1024 * 1024)},
    )

    report = markdown(results, [ONE_HUNDRED])

    assert "| W2 | 16 | 0.60 | ≤ 0.6: met |" in report
    assert "| W2 | 64 | 0.60 | ≤ 0.6: missed |" in report
    assert "* plan: 0 before, 1 after the load, 151 at the end (≤ 150: missed)" in report


def test_growth_compares_ten_times_the_rows_at_the_same_concurrency(results: Run) -> None:
    """Every row has its own."""
    grown = figures(results, WORKLOADS)["growth"]

    assert set(grown) == {row.name for row in ROWS}
    assert grown[PLAN.name] == results.cpu_ms("W2x10", 2, PLAN.name) / results.cpu_ms("W2", 2, PLAN.name)


def test_options_of_the_command(tmp_path: Path) -> None:
    """`--workload` and `--row` select, `--quick` uses one connection, `--json` writes the figures."""
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

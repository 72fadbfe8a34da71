"""Instructions are counted per request, and the command prints the reason if it cannot count."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from tests.benchmarks.instructions import count, main, missing_tools, table
from tests.benchmarks.rows import BOUND
from tests.benchmarks.workloads import WORKLOADS


@pytest.mark.skipif(sys.platform != "linux", reason="reads the accounting of Linux")
@pytest.mark.skipif(bool(missing_tools()), reason="valgrind is not installed")
def test_two_counts_agree() -> None:
    """The instructions of a request are the same within 1 % in two processes."""
    first = count([BOUND], WORKLOADS[:1], windows=3)["W1"]["bound"]
    second = count([BOUND], WORKLOADS[:1], windows=3)["W1"]["bound"]

    assert 50_000 < first < 1_000_000
    assert second == pytest.approx(first, rel=0.01)


def test_the_command_is_skipped_without_valgrind(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the missing programs and the package, and is no failure."""
    monkeypatch.setenv("PATH", "")

    result = CliRunner().invoke(main, [], catch_exceptions=False)

    assert result.exit_code == 0
    assert result.stderr.startswith("Skipped: valgrind and callgrind_control not installed")
    assert result.stdout == ""


def test_the_table_shows_the_change() -> None:
    """Millions of instructions, the change from the earlier count, and ratios of the first row."""
    result = {"W1": {"plan": 1_020_000.0, "bound": 200_000.0}}

    lines = table(result, {"W1": {"plan": 1_000_000.0}}).splitlines()

    assert lines == [
        "| workload | plan | bound | plan ÷ bound |",
        "| --- | ---: | ---: | ---: |",
        "| W1: one loan, 8 scalars | 1.020 (+2.0%) | 0.200 | 5.10 |",
    ]

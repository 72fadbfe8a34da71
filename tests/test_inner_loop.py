"""The inner loop, `pytest -m "not slow"`, and the order of files: both name files that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import LONGEST, MAX_CASES_IN, SLOW_PATHS, TESTS


@pytest.mark.parametrize(
    "path", sorted({*SLOW_PATHS, *LONGEST}), ids=lambda path: path.relative_to(TESTS).as_posix()
)
def test_slow_and_long_paths_exist(path: Path) -> None:
    """Every path in the lists exists."""
    assert path.exists()


def test_sampled_files_exist() -> None:
    """Every file with a separate number of samples exists."""
    assert {path.name for path in TESTS.rglob("test_*.py")} >= MAX_CASES_IN.keys()

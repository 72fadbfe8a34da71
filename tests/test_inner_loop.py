"""The inner loop, `pytest -m "not slow"`: the rules in tests/conftest.py point at what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MAX_CASES_IN, SLOW_PATHS, TESTS


@pytest.mark.parametrize("path", sorted(SLOW_PATHS), ids=lambda path: path.relative_to(TESTS).as_posix())
def test_slow_paths_exist(path: Path) -> None:
    """A file that is renamed keeps its place in the list."""
    assert path.exists()


def test_sampled_files_exist() -> None:
    """The files with samples of their own are there under these names."""
    assert {path.name for path in TESTS.rglob("test_*.py")} >= MAX_CASES_IN.keys()

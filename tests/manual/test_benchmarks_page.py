"""The page on benchmarks shows commands that exist and names each row and workload."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from tests.benchmarks import __main__ as durations
from tests.benchmarks import instructions
from tests.benchmarks.workloads import WORKLOADS
from tests.manual.pages import PAGES, section

PAGE = PAGES["benchmarks"]


def options(commands: Sequence[click.Command]) -> set[str]:
    return {option for each in commands for parameter in each.params for option in parameter.opts}


def test_the_options_exist() -> None:
    """Each option that the page names is one of the two commands."""
    named = set(re.findall(r"(?<![\w|-])--[a-z][a-z-]+", PAGE))

    assert "--quick" in named
    assert named <= options([durations.main, instructions.main])


def test_the_workloads_are_in_the_table() -> None:
    """The table of CPU time has rows for workloads that exist, with the numbers of their names."""
    shown = set(re.findall(r"^\| (W\d+): ", section("benchmarks", "CPU time"), re.MULTILINE))

    assert shown <= {each.name for each in WORKLOADS}
    assert len(shown) >= 6

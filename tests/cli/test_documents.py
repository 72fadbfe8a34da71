"""`documents check`: the documents of a manifest that can be served."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.settings import Settings

LOANS = "query Loans($first: Int) { loans(first: $first) { nodes { id borrower { active } } } }"
BORROWERS = "loans(first: $n) { nodes { id borrower { active } } }"


@pytest.fixture(name="clean_environment", autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.declarations():
            monkeypatch.delenv(name)


def check(folder: Path, content: Any, *options: str) -> Result:
    file = folder / "manifest.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return CliRunner().invoke(cli, ["documents", "check", str(file), *options])


def test_valid_manifest(tmp_path: Path) -> None:
    """A manifest whose documents can all be served is reported as such, with 0."""
    result = check(tmp_path, {"a1": LOANS, "a2": "{ __typename }"})

    assert (result.exit_code, result.stdout) == (0, "2 documents, all valid\n")


def test_each_problem_is_named(tmp_path: Path) -> None:
    """Each problem is one line with the document's id, the operation, the reason and the location, and 1."""
    result = check(
        tmp_path,
        {
            "a1": LOANS,
            "a2": "query Misspelt { loanz { nodes { id } } }",
            "a3": "query Unfinished { loans {",
            "a4": "query Two { tenant } query Words { patrons }",
        },
    )

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "a2 (Misspelt): Cannot query field 'loanz' on type 'Query'. Did you mean 'loan' or 'loans'?"
        " (line 1, column 18)",
        "a3 (without a name): Syntax Error: Expected Name, found <EOF>. (line 1, column 27)",
        "a4 (Two, Words): Cannot query field 'tenant' on type 'Query'. (line 1, column 13)",
        "a4 (Two, Words): Cannot query field 'patrons' on type 'Query'. (line 1, column 36)",
    ]
    assert result.stderr.splitlines()[-1] == "4 documents, 4 problems"


def test_the_limits_are_those_of_the_settings(tmp_path: Path) -> None:
    """A document beyond a limit is a problem: of shape, or of cost if it is independent of variables."""
    deep = check(tmp_path, {"a1": LOANS}, "--max-depth", "3")
    costly = check(tmp_path, {"a1": LOANS}, "--max-cost", "1")

    assert (deep.exit_code, costly.exit_code) == (1, 1)
    assert deep.stdout.startswith("a1 (Loans): The query has more than 3 levels of fields (MAX_DEPTH).")
    assert costly.stdout.startswith("a1 (Loans): The operation may need 2 upstream calls; at most 1 are")


def test_a_page_that_is_always_refused(tmp_path: Path) -> None:
    """A list whose `first`, or the default of its variable, would be refused at each request is a problem."""
    manifest = {
        "a1": "query Large { loans(first: 51) { totalCount } }",
        "a2": "query Below($n: Int = 60) { users { nodes { id loans(first: $n) { nodes { id } } } } }",
        "a3": "query Negative { loans(first: -1) { totalCount } }",
        "a4": "query Largest($n: Int) { loans(first: 50) { totalCount } users(first: $n) { totalCount } }",
    }

    result = check(tmp_path, manifest, "--max-page-size", "50")
    larger = check(tmp_path, {"a1": manifest["a1"]}, "--max-page-size", "51")

    assert (result.exit_code, result.stdout.splitlines()) == (
        1,
        [
            "a1 (Large): `first` must be between 0 and 50; got 51.",
            "a2 (Below): `first` must be between 0 and 50; got 60.",
            "a3 (Negative): `first` must not be less than 0; got -1.",
        ],
    )
    assert (larger.exit_code, larger.stdout) == (0, "1 documents, all valid\n")


def test_the_calls_of_each_operation_are_limited(tmp_path: Path) -> None:
    """Each operation is one line with its calls, and one that needs more than it may is a problem."""
    manifest = {"a1": LOANS, "a2": "{ __typename }", "a3": "query Many($n: Int = 100) { " + BORROWERS + " }"}

    within = check(tmp_path, manifest, "--max-calls", "3")
    above = check(tmp_path, manifest, "--max-calls", "2")

    assert (within.exit_code, above.exit_code) == (0, 1)
    assert within.stdout.splitlines() == [
        "a1 (Loans): 2 calls",
        "a2 (without a name): 0 calls",
        "a3 (Many): 3 calls",
        "3 documents, all valid",
    ]
    assert above.stdout.splitlines()[2] == "a3 (Many): 3 calls; at most 2 are allowed"
    assert above.stderr.splitlines()[-1] == "3 documents, 1 problem"


def test_calls_are_compared_with_a_baseline(tmp_path: Path) -> None:
    """An operation may need no more calls than that of its name in the baseline; a new one, and less, may."""
    baseline = tmp_path / "released.json"
    before = {"a1": LOANS, "a2": "query Many { loans { nodes { id borrower { active } } } }"}
    baseline.write_text(json.dumps({**before, "a3": "query Gone {"}), encoding="utf-8")
    given = ["--baseline", str(baseline)]

    fewer = check(
        tmp_path,
        {
            "b1": "query Loans { loans { nodes { id } } }",
            "b2": "query New { loans { nodes { id borrower { active } } } }",
        },
        *given,
    )
    more = check(tmp_path, {"b1": LOANS, "b3": "query Many($n: Int = 100) { " + BORROWERS + " }"}, *given)

    assert (fewer.exit_code, more.exit_code) == (0, 1)
    assert fewer.stdout.splitlines()[:2] == [
        "b1 (Loans): 1 call, fewer than the 2 in the baseline",
        "b2 (New): 2 calls",
    ]
    assert more.stdout.splitlines() == [
        "b1 (Loans): 2 calls",
        "b3 (Many): 3 calls, more than the 2 in the baseline",
    ]


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}'])
def test_no_manifest(content: str, tmp_path: Path) -> None:
    """A file that is no manifest is reported, with 2."""
    result = check(tmp_path, content)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith(f"{tmp_path / 'manifest.json'}: is n")

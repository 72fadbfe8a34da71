"""The index of the promises is complete, and every test that it names is there to fail."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.promises.index import CODES, RULES

TESTS = Path(__file__).parents[1]
README = (TESTS.parent / "README.md").read_text()
NUMBERED = {"S": 19, "R": 10, "W": 8, "L": 7, "P": 7}
NEVER_RUN = re.compile(r"\bpytest\.mark\.(skip|xfail)\b")  # `skipif` is for what a machine lacks


@cache
def functions(file: str) -> dict[str, ast.AST]:
    """The test functions of a file below tests/, by name."""
    tree = ast.parse((TESTS / file).read_text())
    return {
        each.name: each
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")
    }


def not_promised() -> str:
    """What the README says is not built, up to the next heading."""
    start = README.index("\nNot promised") + 1
    return " ".join(README[start : README.index("\n#", start)].split())


def test_every_rule_is_in_the_index() -> None:
    """No rule is missing, and none is there that nobody wrote."""
    numbered = {f"{letter}{n}" for letter, most in NUMBERED.items() for n in range(1, most + 1)}

    assert set(RULES) == numbered | set(CODES)
    assert len(CODES) == 18


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_tests(rule: str) -> None:
    """A rule is a sentence, and what of it is not listed as missing is proved by a test."""
    promise = RULES[rule]

    assert promise.says.endswith(".")
    assert promise.proved_by
    assert len(set(promise.proved_by)) == len(promise.proved_by)


@pytest.mark.parametrize("node", sorted({node for promise in RULES.values() for node in promise.proved_by}))
def test_every_test_that_is_named_is_there(node: str) -> None:
    """The file has a function of this name, with a sentence that says what it proves, and it is run."""
    file, _, name = node.partition("::")
    found = functions(file).get(name)

    assert isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef), f"{node} is gone"
    assert (ast.get_docstring(found) or "").rstrip().endswith("."), f"{node} does not say what it proves"
    assert not any(NEVER_RUN.search(ast.unparse(each)) for each in found.decorator_list), node


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (each.name, name)
        for each in sorted(Path(__file__).parent.glob("test_*.py"))
        for name in functions(f"promises/{each.name}")
        if re.match(r"test_[a-z]\d", name)
    ],
)
def test_every_test_of_a_rule_is_in_the_index(file: str, name: str) -> None:
    """A test that is named after a rule stands under that rule."""
    rule = name.split("_")[1].upper()

    assert f"promises/{file}::{name}" in RULES[rule].proved_by


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_looked_for(code: str) -> None:
    """The files of the tests that a code has spell the code."""
    files = {node.partition("::")[0] for node in CODES[code].proved_by}

    assert any(code in (TESTS / file).read_text() for file in files)


@pytest.mark.parametrize("gap", sorted({gap for promise in RULES.values() for gap in promise.gaps}))
def test_what_is_not_promised_is_in_the_manual(gap: str) -> None:
    """Whoever reads the README learns what of a rule is not built."""
    assert gap in not_promised()

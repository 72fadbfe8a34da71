"""Error codes are declared once, in `gateway.errors`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gateway
from gateway.errors import ErrorCode

ROOT = Path(gateway.__file__).parent
FILES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if path != ROOT / "errors.py" and "sandbox" not in path.parts and "node_modules" not in path.parts
)
# Refusal codes of FOLIO and lock outcomes share no name with a code of the gateway, except those listed here.
EXEMPT: dict[str, set[str]] = {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_file_has_a_code_as_text(path: Path) -> None:
    """A string that is exactly a code is in `gateway/errors.py` only."""
    strings = {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert strings & set(ErrorCode) == EXEMPT.get(str(path.relative_to(ROOT)), set())


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_description(code: ErrorCode) -> None:
    """Each code equals its name and is described in a sentence."""
    assert code == code.name
    assert code.description.endswith(".")

"""Docstrings, comments, messages, descriptions and the manual are in standard engineering English."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAX_WORDS = 0.5  # per 1,000 words; Starlette and httpx have none
MAX_OPENINGS = 1.0

# Words of a private vocabulary, each with its standard term.
WORDS = {
    "ask": ("request, fetch, read", r"\bask(?:s|ed|ing)?\b"),
    "tell": ("report, log, show", r"\b(?:told|tells?|telling)\b"),
    "whoever": ("the client, the caller, the user", r"\b(?:whoever|nobody|somebody|anybody|everybody)\b"),
    "what came of": ("the result of", r"\b(?:c[oa]mes? of|becomes? of|became of)\b"),
    "given up": (
        "cancelled, timed out, rejected",
        r"\b(?:left alone|leave alone|given? up|gives up|turned away)\b",
    ),
    "anew": (
        "again, also, recently",
        r"\b(?:of late|anew|besides|likewise|all the same|at the latest)\b",
    ),
}
# "The date the item is due back" and "True if it is overdue" open a line; these words do not.
OPENING = r"(?m)^\s*(?:What|Who|Whose|Where|Whether|Which) "
TEXTS = {
    "code": ("gateway",),
    "readme and schema": ("README.md", "schema.graphql"),
    "manual": ("gateway/manual",),
    "tests": ("tests",),
}


def python_prose(text: str) -> Iterator[str]:
    """Yield docstrings, the texts passed to functions, and comments."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.Call):
            for each in (*node.args, *(keyword.value for keyword in node.keywords)):
                if (
                    isinstance(each, ast.Constant)
                    and isinstance(each.value, str)
                    and each.value.count(" ") > 3
                ):
                    yield each.value
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string.lstrip("# ")


def prose(file: Path) -> str:
    """Return the prose of a Python, SDL or Markdown file, without its code."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return "\n".join(python_prose(text))
    if file.suffix == ".graphql":
        strings = re.finditer(r'"""(.*?)"""|"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
        return "\n".join(match[1] or match[2] for match in strings)
    return re.sub(r"(?s)```.*?```|`[^`]*`", "", text)


def files(paths: tuple[str, ...]) -> Iterator[Path]:
    for path in map(ROOT.joinpath, paths):
        if path.is_file():
            yield path
        for pattern in ("*.py", "*.md"):
            yield from (each for each in sorted(path.rglob(pattern)) if "node_modules" not in each.parts)


def matches(pattern: str, texts: dict[Path, str]) -> list[str]:
    """Return the files in which a pattern matches, with the words around each match."""
    return [
        f"{file.relative_to(ROOT)}: {' '.join(text[max(0, match.start() - 40) : match.end() + 40].split())}"
        for file, text in texts.items()
        for match in re.finditer(pattern, text)
    ]


@pytest.mark.parametrize("name", TEXTS)
def test_prose(name: str) -> None:
    """The private vocabulary and lines that begin with a question word stay rare."""
    texts = {file: prose(file) for file in files(TEXTS[name])}
    words = sum(len(re.findall(r"[A-Za-z']+", text)) for text in texts.values())
    assert words > 100

    hits = [hit for _, pattern in WORDS.values() for hit in matches(pattern, texts)]
    openings = matches(OPENING, texts)

    assert 1000 * len(hits) / words <= MAX_WORDS, "\n".join(hits)
    assert 1000 * len(openings) / words <= MAX_OPENINGS, "\n".join(openings)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".py", '"""Ask upstream."""\n# nobody is told\nfail("Whoever calls this gets an error")\n'),
        (".graphql", '"Who asked, as told by nobody."\ntype T {\n  """Whoever it was."""\n  ask: Int\n}\n'),
        (".md", "Ask, and nobody is told.\n\n```\nask\n```\n\nWhoever reads `asked` skips it.\n"),
    ],
)
def test_prose_excludes_names_and_code(tmp_path: Path, suffix: str, text: str) -> None:
    """Docstrings, comments, messages and descriptions count, names and code do not."""
    file = tmp_path / f"file{suffix}"
    file.write_text(text, encoding="utf-8")

    counted = [name for name, (_, pattern) in WORDS.items() if re.search(f"(?i){pattern}", prose(file))]

    assert counted == ["ask", "tell", "whoever"]
    assert len(re.findall(r"(?i)\bask(?:ed)?\b", prose(file))) == 1

"""The manual for tests: README.md and the pages under gateway/manual, with their fenced blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "gateway" / "manual"
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
ALL = {"README": README, **PAGES}
MANUAL = "\n".join(ALL.values())

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LABELLED = re.compile(r"\n(Variables|Result|Upstream calls):\n\n```\w*\n(.*?)```\n", re.DOTALL)
_CODE = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def blocks(language: str, text: str = MANUAL) -> list[str]:
    """Return the content of all fenced blocks in a language; the language "" is that of unmarked blocks."""
    return [content for name, content in _FENCE.findall(text) if name == language]


def section(page: str, heading: str) -> str:
    """Return the text below a heading of a page, up to the next heading of its level or above."""
    match = re.search(rf"^(#+) {re.escape(heading)}\n", ALL[page], re.MULTILINE)
    assert match is not None, f"{page} has no section {heading!r}"
    text = ALL[page][match.end() :]
    # A comment in a block of shell commands looks like a heading.
    prose = _FENCE.sub(lambda fence: " " * len(fence[0]), text)
    end = re.search(rf"^#{{1,{len(match[1])}}} ", prose, re.MULTILINE)
    return text if end is None else text[: end.start()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An operation of the manual, with its variables, result and calls on the page."""

    page: str
    query: str
    variables: dict[str, Any]  # Any: JSON
    result: Any  # Any: JSON, or None if the page shows none
    calls: list[str] | None

    @property
    def name(self) -> str:
        """The page and the name of the operation."""
        return f"{self.page}-{re.findall(r'[A-Za-z]+', self.query)[1]}"


def examples() -> Iterator[Example]:
    """Yield each GraphQL block of the manual with the blocks that belong to it.

    They follow it below the lines "Variables:", "Result:" and "Upstream calls:".
    """
    for page, text in ALL.items():
        for part in re.split(r"^(?=```graphql\n)", text, flags=re.MULTILINE)[1:]:
            labelled = dict(_LABELLED.findall(part))
            yield Example(
                page=page,
                query=blocks("graphql", part)[0],
                variables=json.loads(labelled.get("Variables", "{}")),
                result=json.loads(labelled["Result"]) if "Result" in labelled else None,
                calls=labelled["Upstream calls"].splitlines() if "Upstream calls" in labelled else None,
            )


EXAMPLES = list(examples())


def documented_codes() -> list[str]:
    """List the error codes of the table in errors-and-limits, in its order."""
    return _CODE.findall(section("errors-and-limits", "Error codes"))

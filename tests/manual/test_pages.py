"""The pages of the manual are short and linked with each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.manual.pages import ALL, FOLDER, PAGES, PROJECT, README

MAX_LINES = 300
MAX_README_LINES = 200
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]*)(?:#([^)]+))?\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def prose(text: str) -> str:
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_short_and_has_a_title(page: str) -> None:
    """A page has at most 300 lines and begins with its one title."""
    lines = PAGES[page].splitlines()

    assert len(lines) <= MAX_LINES
    assert lines[0].startswith("# ")
    assert len(re.findall(r"^# ", prose(PAGES[page]), re.MULTILINE)) == 1


@pytest.mark.parametrize("page", ALL)
def test_links_lead_to_pages_and_headings(page: str) -> None:
    """Each relative link names a file of the project, and its anchor a heading there."""
    folder = PROJECT if page == "README" else FOLDER
    for target, anchor in LINK.findall(prose(ALL[page])):
        if re.match(r"https?:", target):
            continue
        path = (folder / target).resolve() if target else folder / f"{page}.md"
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{target}#{anchor}"


def test_readme_lists_every_page() -> None:
    """The table of pages in the README links each page once, and nothing else."""
    linked = re.findall(r"^\| \[[^\]]+\]\(gateway/manual/([\w-]+)\.md\) \|", README, re.MULTILINE)

    assert sorted(linked) == sorted(PAGES)


def test_readme_is_short() -> None:
    """The README has at most 200 lines."""
    assert len(README.splitlines()) <= MAX_README_LINES


def test_the_two_commands_are_there() -> None:
    """The README has one command to start and one to test."""
    assert "\npip install . && circulation-gateway\n" in README
    assert "\npip install -e '.[test]' && pytest\n" in README


@pytest.mark.parametrize(
    "name",
    [
        "stripes.ts",
        "codegen.ts",
        "apollo.ts",
        "urql.ts",
        "graphql-request.ts",
        "python_gql.py",
        "graphql-sse.ts",
        "urql-live.ts",
        "apollo-live.ts",
    ],
)
def test_snippets_are_the_files_that_are_run(name: str) -> None:
    """Each snippet for a client is character by character the file that runs against a gateway process."""
    language = "python" if name.endswith(".py") else "ts"
    text = (Path(__file__).parents[1] / "clients" / name).read_text(encoding="utf-8")

    assert f"```{language}\n{text}```" in PAGES["stripes" if name == "stripes.ts" else "clients"]

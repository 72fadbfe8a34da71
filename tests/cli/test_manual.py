"""`manual` prints the pages of the manual, which are shipped with the package."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.cli.manual import read_pages

PAGES = read_pages()


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["manual", *arguments], prog_name="circulation-gateway")


def test_every_page_is_listed_with_its_title() -> None:
    """Without a page, the names of all pages are printed with their titles."""
    result = invoke()

    lines = dict(line.split(maxsplit=1) for line in result.output.splitlines())
    assert result.exit_code == 0
    assert lines == {name: text.splitlines()[0].removeprefix("# ") for name, text in PAGES.items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_printed_as_it_is(name: str) -> None:
    """A page is printed as Markdown, by its name or the name of its file."""
    assert invoke(name).output == invoke(f"{name}.md").output == PAGES[name]


def test_an_unknown_page_is_refused() -> None:
    """An unknown page exits with 2 and one line that names the command to list the pages."""
    result = invoke("querys")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "PAGE: must be a page that `circulation-gateway manual` lists (got 'querys')\n"

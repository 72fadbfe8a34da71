"""`manual`: print the pages of the manual."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import click

from gateway.cli.startup import PROGRAM, CannotStart

FOLDER = files("gateway") / "manual"


def read_pages() -> Mapping[str, str]:
    """Return the text of each page by its name."""
    return {
        page.name.removesuffix(".md"): page.read_text(encoding="utf-8")
        for page in sorted(FOLDER.iterdir(), key=lambda page: page.name)
        if page.name.endswith(".md")
    }


def title(text: str) -> str:
    """Return the first heading of a page."""
    return next(line.removeprefix("# ") for line in text.splitlines() if line.startswith("# "))


@click.command()
@click.argument("page", required=False)
def manual(page: str | None) -> None:
    """Print PAGE of the manual as Markdown. Without PAGE, list all pages.

    \b
    Examples:
      circulation-gateway manual
      circulation-gateway manual queries
    """
    pages = read_pages()
    if page is None:
        width = max(map(len, pages))
        for name, text in pages.items():
            click.echo(f"{name:<{width}}  {title(text)}")
        return
    try:
        click.echo(pages[page.removesuffix(".md")], nl=False)
    except KeyError:
        raise CannotStart(f"PAGE: must be a page that `{PROGRAM} manual` lists (got {page!r})") from None

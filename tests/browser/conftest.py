"""The gateway as a process, and Chromium, which can reach only that process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import CHROMIUM, FLAGS, Visitor, served
from tests.clients.node import packages


@pytest.fixture(name="gateway_url", scope="module")
def _gateway_url() -> Iterator[str]:
    """The URL of a gateway over the embedded library."""
    with served() as url:
        yield url


@pytest.fixture(name="chromium", scope="module")  # no longer: while it is open, no async test can run
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(name="visitor")
def _visitor(chromium: Browser, gateway_url: str, tmp_path: Path) -> Iterator[Visitor]:
    """A user who opens GraphiQL for the first time; the browser must report no error."""
    with Visitor.of(chromium, gateway_url, tmp_path) as visitor:
        yield visitor


@pytest.fixture(name="axe", scope="session")
def _axe(pytestconfig: pytest.Config) -> str:
    """The script of axe, which finds faults of accessibility in a page."""
    assert pytestconfig.cache is not None
    modules = packages(Path(__file__).parent, pytestconfig.cache)
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

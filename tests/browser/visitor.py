"""A user of GraphiQL, and the messages of the browser."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from gateway.settings import Settings

Json = Any  # a response is JSON of the shape that each test expects

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",  # it runs as root if tests run in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
PATIENCE = 60.0  # seconds, on a slow and busy machine

expect.set_options(timeout=PATIENCE * 1000)


@contextmanager
def served(*command: str, **settings: str) -> Iterator[str]:
    """Run a command, by default the gateway, with these settings and no others; yield its address."""
    inherited = {
        name: value for name, value in os.environ.items() if name.lower() not in Settings.declarations()
    }
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-W", "error", "-m", "gateway", *command, "--port", "0"],
        env={**inherited, **settings},
        text=True,
        stdout=subprocess.PIPE,
    )
    deadline = threading.Timer(PATIENCE, process.kill)
    deadline.start()
    with process:
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith("  curl ")), None)
            assert line is not None, "the command did not start"
            deadline.cancel()
            yield "http://" + shlex.split(line)[1].removeprefix("http://").split("/")[0]
        finally:
            deadline.cancel()
            process.kill()


def execute(origin: str, query: str) -> Json:
    """Execute an operation as another client, and return its data."""
    headers = {"X-Okapi-Tenant": "diku"}
    response = httpx.post(
        f"{origin}/graphql", json={"query": query}, headers=headers, trust_env=False, timeout=PATIENCE
    )
    result = response.json()
    assert "errors" not in result, result["errors"]
    return result["data"]


def wait_for_metric(origin: str, line: str) -> None:
    """Wait until a metric has this value."""
    deadline = time.monotonic() + PATIENCE
    while line not in httpx.get(f"{origin}/metrics", trust_env=False, timeout=PATIENCE).text.splitlines():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Visitor:
    """One visit to GraphiQL."""

    def __init__(self, context: BrowserContext, origin: str, provoked: str) -> None:
        self.context = context
        self.origin = origin
        self.provoked = provoked
        self.requested_urls: list[str] = []  # the URLs that the page requested
        self.complaints: list[str] = []  # violations of the policy, and errors
        context.route("**/*", self._let_pass)
        self.page = context.new_page()
        self.page.on("console", lambda message: self._complained(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @classmethod
    @contextmanager
    def of(cls, chromium: Browser, origin: str, folder: Path, *, provoked: str = "(?!)") -> Iterator[Visitor]:
        """Open the page; at the end take a screenshot and check the recorded messages.

        `provoked` is a pattern of the expected messages; by default there are none.
        """
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
        context.set_default_timeout(PATIENCE * 1000)
        visitor = cls(context, origin, provoked)
        try:
            visitor.open()
            yield visitor
            visitor.page.screenshot(path=folder / "graphiql.png")
            foreign = [each for each in visitor.requested_urls if not each.startswith(f"{origin}/graphql")]
            assert (visitor.complaints, foreign) == ([], []), (visitor.complaints, foreign)
        finally:
            context.close()

    def _let_pass(self, route: Route) -> None:
        self.requested_urls.append(route.request.url)
        if route.request.url.startswith(f"{self.origin}/"):
            route.continue_()
        else:
            route.abort()

    def _complained(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not re.search(self.provoked, text):
            self.complaints.append(text)

    def open(self) -> None:
        """Open or reload the page, and wait until it has the schema."""
        self.page.goto(f"{self.origin}/graphql")
        expect(self.page.locator(".graphiql-execute-button")).to_be_visible()
        self.page.wait_for_function(
            "() => globalThis.__MONACO?.editor.getModels().length === 4"
            " && !document.querySelector('.graphiql-spinner')"
        )

    def new_page(self) -> Page:
        """Open the page a second time, in another tab of the browser."""
        page = self.context.new_page()
        page.goto(f"{self.origin}/graphql")
        expect(page.locator(".graphiql-execute-button")).to_be_visible()
        return page

    @property
    def tabs(self) -> list[str]:
        return self.page.locator(".graphiql-tab-button").all_inner_texts()

    def tab(self, name: str) -> None:
        """Open the tab of an operation."""
        self.page.locator(".graphiql-tabs").get_by_role("button", name=name, exact=True).click()
        self.wait_for("operation.graphql", f" {name}")

    def pane(self, name: str) -> None:
        """Show another pane of a narrow screen."""
        self.page.get_by_role("group", name="Visible pane").get_by_role("button", name=name).click()

    def panel(self, name: str) -> None:
        """Show or hide a panel by its button in the sidebar."""
        self.page.locator(".graphiql-sidebar").get_by_label(name).click()

    def new_tab(self, text: str) -> None:
        """Open an empty tab and type an operation."""
        self.page.get_by_label("New tab").click()
        self.type("query", text)

    def tool(self, name: str) -> None:
        """Show the editor of variables or of headers."""
        self.page.locator(".graphiql-editor-tools").get_by_role("button", name=name).click()

    def editor(self, name: str) -> Locator:
        place = {"query": ".graphiql-query-editor", "headers": "section[aria-label='Headers']"}
        return self.page.locator(place.get(name, f"section[aria-label='{name}']"))

    def type(self, editor: str, text: str) -> None:
        """Replace the text of an editor."""
        self.editor(editor).locator(".graphiql-editor:not(.hidden) .view-lines").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)

    def text(self, file: str) -> str:
        """Return the text of operation.graphql, variables.json, request-headers.json or response.json."""
        result: str = self.page.evaluate(
            "file => __MONACO.editor.getModels().find(model => model.uri.path.endsWith(file)).getValue()",
            file,
        )
        return result

    def wait_for(self, file: str, text: str) -> None:
        """Wait until an editor has this text."""
        self.page.wait_for_function(
            "([file, text]) => __MONACO.editor.getModels()"
            ".find(model => model.uri.path.endsWith(file))?.getValue().includes(text)",
            arg=[file, text],
        )

    def run(self) -> Json:
        """Run the visible operation and return its response."""
        with self.page.expect_response(f"{self.origin}/graphql"):
            self.page.locator(".graphiql-execute-button").click()
        self.wait_for("response.json", "{")
        return json.loads(self.text("response.json"))

    def is_cut_off(self, selector: str) -> bool:
        """Return whether an element of a selector has text outside of it, or is outside of the screen."""
        result: bool = self.page.evaluate(
            "selector => [...document.querySelectorAll(selector)].some(each => {"
            " const { left, right, top, bottom } = each.getBoundingClientRect();"
            " return each.scrollWidth > each.clientWidth || left < 0 || top < 0"
            " || right > innerWidth || bottom > innerHeight })",
            selector,
        )
        return result

    def wait_for_looks(self, background: str, theme: str) -> None:
        """Wait until the page has this background, and each of its editors is in this theme of Monaco."""
        self.page.wait_for_function(
            "([background, theme]) =>"
            " getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor === background"
            " && [...document.querySelectorAll('.monaco-editor[role=code]')]"
            ".every(each => each.classList.contains(theme))",
            arg=[background, theme],
        )

    def kept(self) -> dict[str, str]:
        """Return everything that the browser stores for the next visit."""
        everything: dict[str, str] = self.page.evaluate("() => ({ ...localStorage })")
        return everything

"""The page on the cost of operations: the plan of a screen, the extension, and the header fields."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.engine.explain import Explanation
from gateway.settings import Settings
from tests.gateway_under_test import Json, open_gateway
from tests.manual.pages import EXAMPLES, PAGES, blocks, section

PAGE = PAGES["cost"]
SCREEN = next(each for each in EXAMPLES if each.name == "queries-RequestDetail")
TIMES = ("startMs", "durationMs")


@pytest.fixture(name="clean_environment", autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.declarations():
            monkeypatch.delenv(name)


def test_the_plan_of_the_screen_is_as_shown(tmp_path: Path) -> None:
    """The command prints the plan that the page shows for the detail page of a request."""
    file = tmp_path / "request-detail.graphql"
    file.write_text(SCREEN.query, encoding="utf-8")
    result = CliRunner().invoke(cli, ["explain", str(file)])

    assert result.exit_code == 0
    assert result.stdout == blocks("text", section("cost", "Before it is executed"))[0]


def without_times(explained: Json) -> Json:
    """Return the extension without the times, each of which is a number."""
    for each in explained["actual"]["requests"]:
        assert all(each.pop(name) > 0 for name in TIMES)
    return explained


@pytest.mark.anyio
async def test_the_extension_is_as_shown() -> None:
    """The extension of the example's response is the one on the page, but for its times."""
    (example,) = (each for each in EXAMPLES if each.page == "cost")
    async with open_gateway() as gateway:
        headers = {"X-Okapi-Tenant": "diku", "GraphQL-Explain": "1", "GraphQL-Cost": "1"}
        response = await gateway.execute(example.query, None, headers)

    (shown,) = blocks("json", PAGE)
    assert without_times(response["extensions"]["explain"]) == without_times(json.loads(shown))
    assert json.dumps(response["extensions"]["cost"])[1:-1] in PAGE


def test_each_member_is_described() -> None:
    """The table has each member of the extension, and of what was sent."""
    rows = re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE)
    members = set(Explanation.__struct_encode_fields__)

    assert set(rows) == members | {"actual.requests", "actual.loaders"}
    (shown,) = blocks("json", PAGE)
    names = set(re.findall(r'"(\w+)":', shown))
    assert [name for name in names if f"{name}`" not in PAGE] == []

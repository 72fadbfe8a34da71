"""The recipes of the manual, applied to a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.manual.pages import PROJECT, blocks, section

_HEADING = re.compile(r"# (?P<file>\S+\.py), (?:new|(?P<side>before|after): (?P<anchor>.+))\n")
KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

# Runs in the copy: executes an operation over a mocked upstream, and prints the response and the requests.
PROGRAM = """
import asyncio, json, sys

import httpx

import gateway
from gateway.app import create_app
from gateway.settings import Settings

operation, responses = json.load(sys.stdin)
requests = []


def respond(request):
    requests.append([request.method, request.url.path, request.content.decode()])
    return httpx.Response(200, json=responses[request.url.path])


async def main():
    settings = Settings(okapi_url="http://okapi")
    app = create_app(settings, transport=lambda limits: httpx.MockTransport(respond))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        body = {"query": operation}
        response = await client.post("/graphql", json=body, headers={"X-Okapi-Tenant": "diku"})
    print(json.dumps({"file": gateway.__file__, "response": response.json(), "requests": requests}))


asyncio.run(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A section of the manual, and an operation that works once it has been applied."""

    heading: str
    max_files: int
    operation: str
    responses: Mapping[str, Any]  # Any: JSON, by path
    data: Any  # Any: JSON
    requests: list[list[str]]


RECIPES = [
    Recipe(
        heading="Add a field",
        max_files=1,
        operation=f'{{ servicePoint(id: "{KEY}") {{ id openingNote }} }}',
        responses={"/service-points": {"servicepoints": [{"id": KEY, "openingNote": "By the back door"}]}},
        data={"servicePoint": {"id": KEY, "openingNote": "By the back door"}},
        requests=[["GET", "/service-points", ""]],
    ),
    Recipe(
        heading="Add a mutation",
        max_files=4,
        operation=f'mutation {{ anonymizeRequest(input: {{ requestId: "{KEY}" }}) '
        "{ ... on RequestAnonymized { request { id } } } }",
        responses={f"/request-anonymization/{KEY}": {"requestId": KEY, "anonymized": True}},
        data={"anonymizeRequest": {"request": {"id": KEY}}},
        requests=[["POST", f"/request-anonymization/{KEY}", ""]],
    ),
    Recipe(
        heading="Add a record type",
        max_files=5,
        operation=f'{{ one: statisticalCode(id: "{KEY}") {{ code }} '
        "statisticalCodes(first: 1) { nodes { id name } } }",
        responses={"/statistical-codes": {"statisticalCodes": [{"id": KEY, "code": "b", "name": "books"}]}},
        data={"one": {"code": "b"}, "statisticalCodes": {"nodes": [{"id": KEY, "name": "books"}]}},
        requests=[["GET", "/statistical-codes", ""], ["GET", "/statistical-codes", ""]],
    ),
]


class Copy:
    """A copy of the project without its history."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        for name in ("gateway", "tests"):
            shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
        for name in ("pyproject.toml", "schema.graphql", "README.md", "Dockerfile"):
            shutil.copy(PROJECT / name, folder / name)

    def snapshot(self) -> dict[str, bytes]:
        """Return the content of all files of the package and the schema file."""
        files = [*self.folder.glob("*.*"), *(self.folder / "gateway").rglob("*")]
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in files
            if path.is_file() and "__pycache__" not in path.parts
        }

    def apply(self, block: str) -> None:
        """Apply a block of a recipe: create its file, or insert it beside the one line that begins so."""
        heading = _HEADING.match(block)
        assert heading is not None, f"no file and place in {block[:80]!r}"
        path, code = self.folder / heading["file"], block[heading.end() :]
        if heading["anchor"] is None:
            assert not path.exists()
            path.write_text(code)
            return
        lines = path.read_text().splitlines(keepends=True)
        (place,) = [at for at, line in enumerate(lines) if line.strip().startswith(heading["anchor"])]
        place += heading["side"] == "after"
        path.write_text("".join([*lines[:place], code, *lines[place:]]))

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run Python in the copy and return its output."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": ""}
        process = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-3000:]
        return process.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A recipe that has been applied to a copy."""

    recipe: Recipe
    copy: Copy
    files: set[str]  # named by the recipe
    changed: set[str]


@pytest.fixture(scope="module", params=RECIPES, ids=lambda recipe: recipe.heading)
def applied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Applied:
    copy = Copy(tmp_path_factory.mktemp("copy"))
    before = copy.snapshot()
    snippets = blocks("python", section("contributing", request.param.heading))
    for snippet in snippets:
        copy.apply(snippet)
    copy.run("-m", "gateway", "schema", "--write")
    return Applied(
        recipe=request.param,
        copy=copy,
        files={heading["file"] for each in snippets if (heading := _HEADING.match(each)) is not None},
        changed={name for name, content in copy.snapshot().items() if before.get(name) != content},
    )


def test_a_recipe_names_all_files_that_it_changes(applied: Applied) -> None:
    """A field takes one file, a mutation at most four and a record type at most five."""
    assert applied.changed == applied.files | {"schema.graphql"}
    assert len(applied.files) <= applied.recipe.max_files


def test_a_recipe_is_complete(applied: Applied) -> None:
    """After a recipe, an operation with the new field returns upstream's values."""
    recipe = applied.recipe

    output = applied.copy.run("-c", PROGRAM, stdin=json.dumps([recipe.operation, recipe.responses]))

    result = json.loads(output)
    assert Path(result["file"]).is_relative_to(applied.copy.folder)
    assert result["response"] == {"data": recipe.data}
    assert sorted(result["requests"]) == recipe.requests


def test_a_recipe_keeps_the_rules(applied: Applied) -> None:
    """After a recipe, the linter and the tests of the schema and the imports still pass."""
    applied.copy.run("-m", "ruff", "check", "--no-cache", "gateway")
    applied.copy.run("-m", "ruff", "format", "--no-cache", "--check", "gateway")
    applied.copy.run(
        *("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"),
        *(
            "tests/test_schema_file.py",
            "tests/test_architecture.py",
            "tests/doctor/test_module_descriptor.py",
        ),
    )

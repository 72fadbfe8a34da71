"""The page on architecture describes the path of a request as recorded by a profiler."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest

import gateway
from gateway.app import create_app
from gateway.settings import Settings
from tests.manual.pages import PAGES, PROJECT, section

GATEWAY = Path(gateway.__file__).parent
USER = "00000000-0000-4000-8000-0000000000aa"
LOAN = {"id": "00000000-0000-4000-8000-000000000001", "userId": USER, "dueDate": "2026-11-21T10:00:00.000Z"}
CHECK_OUT = """mutation { checkOut(input: {
  itemBarcode: "1" userBarcode: "2" servicePointId: "00000000-0000-4000-8000-000000000001"
}) { ... on CheckedOut { loan { id dueDate } } } }"""
HEADERS = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": "token"}


def respond(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        return httpx.Response(200, json=LOAN)
    if request.url.path == "/users":
        return httpx.Response(200, json={"users": [{"id": USER, "username": "u"}]})
    return httpx.Response(200, json={"loans": [LOAN] * 3})


async def entered(query: str) -> list[str]:
    """Return the modules of the gateway in the order in which the second execution of a query enters them."""
    modules: list[str] = []

    def profile(frame: FrameType, event: str, argument: Any) -> None:  # Any: the type of sys.setprofile
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(f"{GATEWAY}/"):
            modules.append(file.removeprefix(f"{GATEWAY}/"))
        elif event == "call" and file == "<plan>":
            modules.append(file)

    app = create_app(
        Settings(okapi_url="http://folio"), transport=lambda limits: httpx.MockTransport(respond)
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http,
    ):
        for profiler in (None, profile):
            sys.setprofile(profiler)
            try:
                response = await http.post("/graphql", json={"query": query}, headers=HEADERS)
            finally:
                sys.setprofile(None)
    assert "errors" not in response.json()
    return modules


def passes(modules: list[str], documented: list[str]) -> bool:
    """Return True if the documented modules are entered in this order, with others in between."""
    rest = iter(modules)
    return all(each in rest for each in documented)  # `in` moves on to where a module is entered


@pytest.mark.anyio
async def test_the_hops_are_those_of_the_profiler() -> None:
    """Each module of the table is entered, in this order, and no package is left out."""
    text = section("architecture", "One query, hop by hop")
    (query,) = re.findall(r"`(\{ loans.*?)`,", text)
    documented = re.findall(r"^\| `(.*?)` \|", text, re.MULTILINE)
    modules = await entered(query)

    assert passes(modules, documented), modules
    packages = {each.rpartition("/")[0] for each in modules if not each.startswith("observability")}
    assert packages <= {each.rpartition("/")[0] for each in documented}


@pytest.mark.anyio
async def test_the_hops_of_a_mutation() -> None:
    """A check-out enters the modules that the page names, in this order."""
    documented = re.findall(r"`(.*?)`", section("architecture", "One mutation, hop by hop"))

    assert "mutations/check_out.py" in documented
    assert passes(await entered(CHECK_OUT), documented)


def test_the_paths_exist() -> None:
    """Each file and folder that the page names is there."""
    page = PAGES["architecture"]
    named = {*re.findall(r"`([\w/]+(?:\.py|/))`", page), *re.findall(r"(?<= )([a-z_/]+/)(?= )", page)}

    assert len(named) > 15
    for name in named:
        assert (GATEWAY / name).exists() or (PROJECT / name).exists(), name

"""A browser that opens the URL gets GraphiQL."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from graphql import parse, validate
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.graph import schema
from gateway.http.graphiql.example_operations import (
    ENTRY_POINTS,
    OPERATIONS,
    TABS,
    Examples,
    example_operations,
    sandbox_examples,
)
from gateway.http.graphiql.page import Assets, asset_routes, find_assets, render_page
from gateway.http.middleware.security_headers import ASSET_HEADERS, PAGE_HEADERS, SecurityHeaders
from gateway.settings import Settings
from tests.gateway_under_test import open_gateway
from tests.http.desk import GRAPHQL, JSON, TENANT, Desk

pytestmark = pytest.mark.anyio

PAGE = b"<!doctype html>"
SCREENS = Path(__file__).parents[2] / "stories" / "screens"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(name="open_desk")
def _open_desk() -> Desk:
    return Desk(graphiql=PAGE)


async def test_browser(open_desk: Desk) -> None:
    """A browser gets the page, and needs no tenant for it."""
    response = await open_desk.request("GET", headers=BROWSER, params={"q": "{ title }"})

    assert response.status_code == 200
    assert response.content == PAGE
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["vary"] == "Accept"


async def test_browser_with_a_query(open_desk: Desk) -> None:
    """A URL with a query is executed, in a browser as well."""
    response = await open_desk.get(BROWSER, query="{ title }")

    assert response.json() == {"data": {"title": "Title 1"}}


@pytest.mark.parametrize("accept", [JSON, GRAPHQL, "*/*", f"{JSON}, text/html;q=0.5"])
async def test_program(open_desk: Desk, accept: str) -> None:
    """A client without a query gets an error, not a page."""
    response = await open_desk.get({"Accept": accept})

    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == "Parameter query is missing."


async def test_post_from_a_browser(open_desk: Desk) -> None:
    """The response to a POST is never the page."""
    response = await open_desk.post(BROWSER, query="{ title }")

    assert response.json() == {"data": {"title": "Title 1"}}


async def test_disabled(desk: Desk) -> None:
    """Without GraphiQL a browser is a client like any other."""
    response = await desk.request("GET", headers=TENANT | BROWSER)

    assert response.status_code == 400
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"


# The page and its files


@pytest.fixture(name="assets")
def _assets(tmp_path: Path) -> Assets:
    """Return a bundle of a few bytes, as the build creates it."""
    contents = {
        "explorer-1A.js": b"import './chunk-2B.js';",
        "explorer-3C.css": b"body { margin: 0 }",
        "licences-4D.txt": b"MIT",
        "codicon-5E.ttf": b"\0\1",
        "roboto-6F.woff2": b"wOF2",
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    (tmp_path / "secret.js.gz").write_bytes(gzip.compress(b"not of the bundle"))
    names = dict(zip(("script", "style", "licences"), contents, strict=False))
    manifest = {"sources": "0f", **names, "files": list(contents)}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assets = find_assets(tmp_path)
    assert assets is not None
    return assets


def attributes(page: bytes) -> dict[str, list[str]]:
    """Return the values of each attribute of the elements of a page."""
    result: dict[str, list[str]] = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                result.setdefault(name, []).append(value or "")

    Reader().feed(page.decode())
    return result


def blank_names(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the variables, and of the members of inputs, that are to be filled in."""
    for name, value in variables.items():
        if isinstance(value, dict):
            yield from blank_names(value)
        elif value in ("", 0):
            yield name


def explorer(page: bytes) -> dict[str, Any]:
    """Return the settings that the page passes to its script."""
    (settings,) = attributes(page)["data-explorer"]
    return cast("dict[str, Any]", json.loads(settings))


async def file(assets: Assets, path: str, **headers: str) -> httpx.Response:
    """Request one file of the bundle."""
    app = SecurityHeaders(Starlette(routes=asset_routes("/graphql", assets)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        return await client.get(f"/graphql/assets/{path}", headers=headers)


def test_page(assets: Assets) -> None:
    """The page loads the bundle by relative addresses, for any path prefix of a proxy."""
    page = render_page(assets, Examples())

    assert page.startswith(b"<!doctype html>")
    assert attributes(page)["src"] == ["graphql/assets/explorer-1A.js"]
    assert [each for each in attributes(page)["href"] if not each.startswith("data:")] == [
        "graphql/assets/licences-4D.txt",
        "graphql/assets/explorer-3C.css",
    ]


def test_page_has_nothing_inline(assets: Assets) -> None:
    """The page needs no policy for inline scripts or styles, or for other origins."""
    page = render_page(assets, Examples(tenant="diku"))

    assert re.findall(rb"<script(?! type=\"module\" src=)|<style|style=|\son\w+=|javascript:", page) == []
    assert re.findall(rb"(?<!xmlns=')https?://", page) == []


def test_page_over_the_embedded_library(assets: Assets) -> None:
    """The tenant is filled in, each operation has its variables, and the headers editor is empty."""
    examples = Examples(tenant="diku", patron_barcode="1", polaris_patron=7)
    settings = explorer(render_page(assets, examples, notice="Sandbox: invented records"))

    assert settings["tenant"] == "diku"
    assert settings["credentialHeaders"] == {"tenant": "X-Okapi-Tenant", "token": "X-Okapi-Token"}
    assert settings["notice"] == "Sandbox: invented records"
    assert settings["otherHeaders"] == ""
    assert settings["tabs"] == [
        "OpenLoans", "RequestList", "CheckOutItem", "CheckInItem", "Queue", "LockObject",
    ]  # fmt: skip
    variables = {name: each["variables"] for name, each in settings["operations"].items()}
    assert json.loads(variables["CheckOutPatron"]) == {"barcode": "1"}
    assert json.loads(variables["LockObject"]) == {"input": {"objectType": "PATRON", "objectId": 7}}


def test_page_over_a_real_library(assets: Assets) -> None:
    """Without a sandbox there is no record and no tenant, and the first tab has no variable to fill in."""
    settings = explorer(render_page(assets, Examples()))

    assert (settings["tenant"], settings["notice"]) == ("", "")
    assert "X-Polaris-Workstation" in settings["otherHeaders"]
    assert settings["operations"]["OpenLoans"]["variables"] == ""
    assert "$" not in settings["operations"]["OpenLoans"]["query"]
    assert settings["operations"]["CheckOutPatron"]["variables"].splitlines() == [
        "{",
        "  // barcode: the number on a library card",
        '  "barcode": ""',
        "}",
    ]


async def test_blank_variables_have_a_source() -> None:
    """Each blank variable has a comment on its source, and the queries in the comments have results."""
    queries: set[str] = set()
    async with open_gateway() as gateway:
        complete = example_operations(sandbox_examples(gateway.summary))
        for name, operation in example_operations(Examples()).items():
            lines = operation["variables"].splitlines()
            comments = [line for line in lines if line.startswith("  // ")]
            blank = json.loads("".join(line for line in lines if line not in comments) or "{}")
            filled = json.loads(complete[name]["variables"] or "{}")

            named = [each for line in comments for each in line[5:].partition(": ")[0].split(", ")]
            assert sorted(named) == sorted(blank_names(blank))
            assert list(blank_names(filled)) == []
            queries.update(re.findall(r"{ \w.*}", "\n".join(comments)))
        assert len(queries) == 3
        for query in queries:
            data = await gateway.data(query.replace("the number on a library card", "1000000001"))
            assert all(data.values()), query


def test_values_are_escaped_in_the_page(assets: Assets) -> None:
    """Values of records are escaped in the page."""
    page = render_page(assets, Examples(tenant="diku", instance="1", item='"><script>alert(1)</script>'))

    assert b"<script>alert" not in page
    variables = json.loads(explorer(page)["operations"]["Queue"]["variables"])
    assert variables["itemId"] == '"><script>alert(1)</script>'


@pytest.mark.skipif(find_assets() is None, reason="GraphiQL was not built")
async def test_settings_of_the_page(tmp_path: Path) -> None:
    """The page has a notice of the records, and requests no explanation if the gateway gives none."""
    (tmp_path / "users.json").write_text("[]")
    settings: list[dict[str, Any]] = [
        {},
        {"sandbox_data": tmp_path},
        {"okapi_url": "http://127.0.0.1:1", "introspection": False},
        {"production": True, "graphiql": True, "introspection": True},
    ]
    shown = []
    for each in settings:
        app = create_app(Settings(**each))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
            page = explorer((await http.get("/graphql", headers=BROWSER)).content)
            shown.append((page["notice"], page["explainHeader"]))

    assert shown == [
        ("Sandbox: invented records", "GraphQL-Explain"),
        ("Sandbox: records of a folder", "GraphQL-Explain"),
        ("", None),
        ("Sandbox: invented records", None),
    ]


def test_entry_points() -> None:
    """The ten fields of the start page exist, with operations that use them, and so do those of the tabs."""
    operations = example_operations(Examples())
    entry_points = [each for group in ENTRY_POINTS.values() for each in group]

    assert len(entry_points) == 10
    for each in entry_points:
        fields = schema._schema.type_map[each.type].fields  # type: ignore[attr-defined]
        assert each.field in fields
        assert each.operation is None or re.search(rf"\b{each.field}\b", operations[each.operation]["query"])
    assert set(operations) == {*TABS, "CheckOutPatron", "Titles", "RenewLoan", "CreateRequest"}
    for name, operation in operations.items():
        assert f" {name}" in operation["query"]
        assert validate(schema._schema, parse(operation["query"])) == []


def test_operations_are_those_of_the_screens() -> None:
    """The operations of the page are word for word those whose upstream calls are counted."""
    played = {path.read_text(encoding="utf-8") for path in SCREENS.glob("*.graphql")}
    shown = {path.stem: path.read_text(encoding="utf-8") for path in OPERATIONS.glob("*.graphql")}

    assert {name for name, text in shown.items() if text not in played} == {
        "lock_object",
        "open_loans",
        "renew_loan",
        "titles",
    }


@pytest.mark.parametrize(
    ("name", "media_type", "content"),
    [
        ("explorer-1A.js", "text/javascript; charset=utf-8", b"import './chunk-2B.js';"),
        ("explorer-3C.css", "text/css; charset=utf-8", b"body { margin: 0 }"),
        ("licences-4D.txt", "text/plain; charset=utf-8", b"MIT"),
        ("codicon-5E.ttf", "font/ttf", b"\0\1"),
        ("roboto-6F.woff2", "font/woff2", b"wOF2"),
    ],
)
@pytest.mark.parametrize(
    ("accept", "encoding"),
    [("gzip, deflate, br", "gzip"), ("*", "gzip"), ("br, gzip;q=0", None), ("identity", None), ("", None)],
)
async def test_file(
    assets: Assets, name: str, media_type: str, content: bytes, accept: str, encoding: str | None
) -> None:
    """A file has its type, is compressed if the browser accepts that, and is cached permanently."""
    response = await file(assets, name, **{"Accept-Encoding": accept})

    assert response.status_code == 200
    assert response.content == content
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["content-type"] == media_type
    assert response.headers["vary"] == "Accept-Encoding"
    for header, value in ASSET_HEADERS:
        assert response.headers.get_list(header.decode()) == [value.decode()]
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    ["secret.js", "manifest.json", "..%2Fmanifest.json", "explorer-1A.js.gz", "", "..%2f..%2fgraphiql.py"],
)
async def test_other_files(assets: Assets, path: str) -> None:
    """A file that is not in the manifest is not found, and the response may not be cached."""
    response = await file(assets, path)

    assert response.status_code == 404
    assert response.headers["cache-control"] == "no-store"


def test_bundle_that_was_not_built(tmp_path: Path) -> None:
    """Without a bundle the page shows how to build it, and there are no files to serve."""
    assert find_assets(tmp_path) is None
    page = render_page(None, Examples(tenant="diku"))

    assert b"GraphiQL was not built" in page
    assert b"pip install" in page
    assert "src" not in attributes(page)
    assert asset_routes("/graphql", None) == []


# The gateway


async def test_policy_of_the_page() -> None:
    """The page may load from its own origin, and evaluate nothing; any other response may load nothing."""
    async with open_gateway() as gateway:
        page = await gateway.http.get("/graphql", headers=BROWSER)
        response = await gateway.http.get("/graphql?query={__typename}")

    policy = dict(part.split(maxsplit=1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["worker-src"] == policy["connect-src"] == "'self'"
    assert "unsafe-eval" not in page.headers["content-security-policy"]
    assert [name for name, value in policy.items() if "unsafe-inline" in value] == ["style-src"]
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    for name, value in PAGE_HEADERS:
        assert page.headers.get_list(name.decode()) == [value.decode()]
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_disabled_page() -> None:
    """With GRAPHIQL off there is neither a page nor any of its files."""
    async with open_gateway(graphiql=False) as gateway:
        page = await gateway.http.get("/graphql", headers=BROWSER)
        names = find_assets()
        paths = ["x.js", *(names.manifest.files if names else ())]
        statuses = {(await gateway.http.get(f"/graphql/assets/{path}")).status_code for path in paths}

    assert page.status_code == 400
    assert statuses == {404}

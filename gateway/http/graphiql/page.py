"""GraphiQL: the page, and the files it loads, all served by the gateway."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from html import escape
from pathlib import Path, PurePath

import msgspec
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway.http.graphiql.example_operations import ENTRY_POINTS, TABS, Examples, example_operations
from gateway.identity import (
    EXPLAIN_HEADER,
    POLARIS_AUTHORIZATION_HEADER,
    POLARIS_ORGANIZATION_HEADER,
    POLARIS_WORKSTATION_HEADER,
    TENANT_HEADER,
    TOKEN_HEADER,
)

FOLDER = Path(__file__).parent
BUNDLE = FOLDER / "dist"  # created when the package is built

# Not from the operating system's table, which may be wrong: browsers do not run a script of another type.
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
IMMUTABLE = {"Cache-Control": "immutable"}  # each name has the hash of its content


class Manifest(msgspec.Struct, frozen=True):
    """The manifest that the build writes."""

    script: str
    style: str
    licences: str
    files: frozenset[str]


@dataclass(frozen=True, slots=True)
class Assets:
    """The files of the bundle, each compressed, in one folder with a manifest."""

    folder: Path
    manifest: Manifest

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.gz"


def find_assets(folder: Path = BUNDLE) -> Assets | None:
    """Return the bundle, None if it could not be built with the package."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    return Assets(folder, manifest)


def asset_routes(page: str, assets: Assets | None) -> list[Route]:
    """Return the routes of the bundle's files below the path of the page."""
    if assets is None:
        return []

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets.manifest.files:
            raise HTTPException(404)
        path, media_type = assets.path(name), MEDIA_TYPES[PurePath(name).suffix]
        headers = {**IMMUTABLE, "Vary": "Accept-Encoding"}
        if _accepts_gzip(request.headers.get("Accept-Encoding", "")):
            return FileResponse(path, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
        content = await run_sync(lambda: gzip.decompress(path.read_bytes()))
        return Response(content, media_type=media_type, headers=headers)

    return [Route(f"{page}/assets/{{name}}", asset, methods=["GET"])]


@lru_cache(maxsize=2)
def render_page(
    assets: Assets | None, examples: Examples, *, notice: str = "", explains: bool = False
) -> bytes:
    """Return the page, or a page with instructions if there is no bundle.

    `notice` is shown above the editors. `explains` is true if the gateway explains operations. URLs are
    relative to the page, so that a proxy may serve it below any path.
    """
    if assets is None:
        return _PAGE_WITHOUT_BUNDLE.encode()
    explorer = {
        "notice": notice,
        "tenant": examples.tenant,
        "credentialHeaders": {"tenant": TENANT_HEADER, "token": TOKEN_HEADER},
        "explainHeader": EXPLAIN_HEADER if explains else None,
        "otherHeaders": "" if examples.tenant else _POLARIS_HEADERS,
        "operations": example_operations(examples),
        "tabs": TABS,
        "entryPoints": [
            {"task": task, "fields": [asdict(each) for each in fields]}
            for task, fields in ENTRY_POINTS.items()
        ],
    }
    manifest = assets.manifest
    return _PAGE.format(
        script=escape(f"graphql/assets/{manifest.script}"),
        style=escape(f"graphql/assets/{manifest.style}"),
        licences=escape(f"graphql/assets/{manifest.licences}"),
        explorer=escape(json.dumps(explorer)),
    ).encode()


def _accepts_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (each.strip() for each in part.split(";"))
        if coding in ("gzip", "*"):
            return not any(each.replace(" ", "").rstrip(".0") == "q=" for each in parameters)
    return False


# A comment in the headers editor: without a sandbox, object locks need the staff member's login.
_POLARIS_HEADERS = f"""{{
  // For object locks: "{POLARIS_AUTHORIZATION_HEADER}", "{POLARIS_WORKSTATION_HEADER}",
  // "{POLARIS_ORGANIZATION_HEADER}". The browser does not store them.
}}"""

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M3 2h7a3 3 0 0 1 3 3v9H5a2 2 0 0 1-2-2z' fill='%23d60690'/%3E%3C/svg%3E"
)

_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Circulation gateway: GraphiQL</title>
<link rel="icon" href="{_ICON}">
<link rel="license" href="{{licences}}">
<link rel="stylesheet" href="{{style}}">
<script type="module" src="{{script}}"></script>
</head>
<body>
<div id="graphiql" data-explorer="{{explorer}}"></div>
<noscript>GraphiQL needs JavaScript. The gateway serves GraphQL at this URL without it.</noscript>
</body>
</html>
"""

_PAGE_WITHOUT_BUNDLE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Circulation gateway: GraphiQL was not built</title>
</head>
<body>
<h1>GraphiQL was not built</h1>
<p>The gateway is running and serves GraphQL at this URL. Only GraphiQL is missing: it is bundled from npm
packages when the gateway is installed, and the build failed.</p>
<p>With access to the npm registry, install the gateway again from its source folder, and restart it:</p>
<pre>pip install --verbose --force-reinstall --no-deps .</pre>
<p>If the build fails again, its output contains the reason. <code>GRAPHIQL=0</code> disables this page.</p>
</body>
</html>
"""

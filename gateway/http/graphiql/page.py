"""GraphiQL: the page, and the files it loads, all served by the gateway."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import msgspec
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway.identity import TENANT_HEADER, TOKEN_HEADER

if TYPE_CHECKING:  # the sandbox is imported only if it is served
    from gateway.sandbox import Summary

FOLDER = Path(__file__).parent
BUNDLE = FOLDER / "dist"  # created when the package is built
OPERATIONS = FOLDER / "operations"

# Not from the operating system's table, which may be wrong: browsers do not run a script of another type.
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
UNLOCKED_PATRON = 29938  # a PatronID without a lock in the sandbox
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Records for the variables of the example operations; empty without a sandbox.

    `polaris_patron` is a PatronID of Polaris; the other ids are FOLIO's.
    """

    tenant: str = ""
    service_point: str = ""
    patron_barcode: str = ""
    item_barcode: str = ""
    instance: str = ""  # a title with open requests
    item: str = ""
    polaris_patron: int = 0


def sandbox_examples(summary: Summary) -> Examples:
    """Return example records of the sandbox."""
    return Examples(
        tenant=summary.tenant,
        service_point=summary.service_point_id or "",
        patron_barcode=summary.patron_barcode or "",
        item_barcode=summary.item_barcode or "",
        instance=summary.requested_instance_id or "",
        item=summary.requested_item_id or "",
        polaris_patron=UNLOCKED_PATRON,
    )


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


def render_page(assets: Assets | None, examples: Examples) -> bytes:
    """Return the page, or a page with instructions if there is no bundle.

    URLs are relative to the page, so that a proxy may serve it below any path.
    """
    if assets is None:
        return _PAGE_WITHOUT_BUNDLE.encode()
    explorer = {
        "headers": _headers(examples),
        "tabs": _tabs(examples),
        "tools": "variables" if examples.tenant else "headers",
    }
    manifest = assets.manifest
    return _PAGE.format(
        script=escape(f"graphql/assets/{manifest.script}"),
        style=escape(f"graphql/assets/{manifest.style}"),
        licences=escape(f"graphql/assets/{manifest.licences}"),
        explorer=escape(json.dumps(explorer)),
    ).encode()


def _headers(examples: Examples) -> str:
    if examples.tenant:
        return _format_json({TENANT_HEADER: examples.tenant})
    return f"""{{
  // Add your token as "{TOKEN_HEADER}". The browser does not store it.
  "{TENANT_HEADER}": ""
}}"""


def _tabs(examples: Examples) -> list[dict[str, str]]:
    """Return the operations of four screens as GraphiQL's tabs."""
    variables: dict[str, Mapping[str, Any]] = {  # Any: JSON
        "request_list": {
            "filter": {"status": ["OPEN_NOT_YET_FILLED", "OPEN_AWAITING_PICKUP", "OPEN_IN_TRANSIT"]},
            "servicePoint": examples.service_point,
            "first": 20,
        },
        "check_out_patron": {"barcode": examples.patron_barcode},
        "check_out_item": {
            "input": {
                "itemBarcode": examples.item_barcode,
                "userBarcode": examples.patron_barcode,
                "servicePointId": examples.service_point,
            }
        },
        "request_queue": {"instanceId": examples.instance, "itemId": examples.item},
        "lock_object": {"input": {"objectType": "PATRON", "objectId": examples.polaris_patron}},
    }
    return [
        {
            "query": (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8"),
            "variables": _format_json(values),
        }
        for name, values in variables.items()
    ]


def _format_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2)


def _accepts_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (each.strip() for each in part.split(";"))
        if coding in ("gzip", "*"):
            return not any(each.replace(" ", "").rstrip(".0") == "q=" for each in parameters)
    return False


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

"""GraphiQL, for people who explore: the page, and the files it loads, which all come from here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePath
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

EXPLORER = Path(__file__).parent
BUNDLE = EXPLORER / "dist"  # made when the package was built
OPERATIONS = EXPLORER / "operations"

# Not from the machine's table of types, which may say anything: a script of a wrong type is not run.
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
IMMUTABLE = {"Cache-Control": "immutable"}  # each name has the hash of its content


class Manifest(msgspec.Struct, frozen=True):
    """What the build says that it made."""

    script: str
    style: str
    licences: str
    files: frozenset[str]


@dataclass(frozen=True, slots=True)
class Assets:
    """The files of the bundle, each kept compressed in one folder, and which of them the page loads."""

    folder: Path
    manifest: Manifest

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Records that the operations of the page are shown with; blanks, where nobody knows any.

    `polaris_patron` is a PatronID of Polaris, the other ids are those of FOLIO.
    """

    tenant: str = ""
    service_point: str = ""
    patron_barcode: str = ""
    item_barcode: str = ""
    instance: str = ""  # a title that somebody waits for
    item: str = ""
    polaris_patron: int = 0


def built_assets(folder: Path = BUNDLE) -> Assets | None:
    """Find the bundle, or give None when the package was built where it could not be made."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    return Assets(folder, manifest)


def asset_routes(page: str, assets: Assets | None) -> list[Route]:
    """Serve the files of the bundle below the path of the page, and no others."""
    if assets is None:
        return []

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets.manifest.files:
            raise HTTPException(404)
        path, media_type = assets.path(name), MEDIA_TYPES[PurePath(name).suffix]
        headers = {**IMMUTABLE, "Vary": "Accept-Encoding"}
        if _takes_gzip(request.headers.get("Accept-Encoding", "")):
            return FileResponse(path, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
        content = await run_sync(lambda: gzip.decompress(path.read_bytes()))
        return Response(content, media_type=media_type, headers=headers)

    return [Route(f"{page}/assets/{{name}}", asset, methods=["GET"])]


def graphiql_page(assets: Assets | None, examples: Examples) -> bytes:
    """Write the page, or without a bundle the page that says how to get one.

    Addresses are relative to that of the page, so that a proxy may serve it below any path.
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
        return _indented({"X-Okapi-Tenant": examples.tenant})
    return """{
  // Your own token belongs here too, as "X-Okapi-Token". The browser does not keep it.
  "X-Okapi-Tenant": ""
}"""


def _tabs(examples: Examples) -> list[dict[str, str]]:
    """The operations of four screens, in the shape of GraphiQL's tabs."""
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
            "variables": _indented(values),
        }
        for name, values in variables.items()
    ]


def _indented(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2)


def _takes_gzip(accept_encoding: str) -> bool:
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
<noscript>GraphiQL needs JavaScript. The gateway answers GraphQL at this address without it.</noscript>
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
<p>The gateway runs, and answers GraphQL at this address. Only the page to explore it with is missing:
it is bundled from npm packages when the gateway is installed, and that did not work then.</p>
<p>Where npm reaches its packages, install again from the folder of the source, and start again:</p>
<pre>pip install --verbose --force-reinstall --no-deps .</pre>
<p>What it prints says what is missing, should it fail again. <code>GRAPHIQL=0</code> turns this page off.</p>
</body>
</html>
"""

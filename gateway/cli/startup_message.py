"""What a server says when it listens: what it serves, where, and what to paste first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway import __version__
from gateway.settings import Settings

if TYPE_CHECKING:  # the library is loaded by the commands that serve it
    from gateway.sandbox import Summary

PROGRAM = "circulation-gateway"
FIRST_QUERY = "{ loans(first: 3) { nodes { dueDate borrower { barcode } item { title } } } }"
FIRST_QUERY_OF_LOCKS = "{ objectLocks { nodes { objectId } } }"


def greeting(settings: Settings, url: str) -> str:
    """Tell what is served, where, and a first query to paste."""
    return "\n".join(
        [
            f"{PROGRAM} {__version__}",
            *what_is_served(settings),
            "",
            f"  GraphQL  {url}/graphql" + ("  (GraphiQL in a browser)" if settings.graphiql else ""),
            f"  Health   {url}/admin/health",
            f"  Told     {what_is_told(settings)}",
            "",
            "A first query:",
            "",
            f"  {first_query(settings, url)}",
            "",
        ]
    )


def what_is_told(settings: Settings) -> str:
    """Name what is open about the schema, so that nobody leaves it open unawares."""
    told = {"introspection": settings.introspection, "suggestions": settings.suggestions}
    return ", ".join(name for name, is_open in told.items() if is_open) or "nothing about the schema"


def what_is_served(settings: Settings) -> list[str]:
    """Name the upstreams, or say that there are none behind the records."""
    if settings.serves_sandbox:
        return [not_your_library(settings.sandbox_data), "Set OKAPI_URL to serve yours."]
    upstreams = {
        "FOLIO": settings.okapi_url,
        "FOLIO circulation BFF": settings.bff_url,
        "Polaris": settings.polaris_url,
    }
    return [f"Serving {name} at {url}" for name, url in upstreams.items() if url]


def sandbox_greeting(summary: Summary, data: Path | None, url: str) -> str:
    """Tell what the embedded library holds, where it is, and how to ask it."""
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in summary.counts.items() if count)
    return "\n".join(
        [
            f"{PROGRAM} {__version__}",
            not_your_library(data),
            f"Tenant {summary.tenant}: {counts}.",
            "",
            f"  FOLIO and Polaris  {url}",
            "",
            "A first call, and a gateway over it:",
            "",
            f'  curl "{url}/circulation/loans?limit=1" -H "X-Okapi-Tenant: {summary.tenant}"',
            f"  {PROGRAM} --okapi-url {url} --polaris-url {url}",
            "",
        ]
    )


def not_your_library(data: Path | None) -> str:
    """Say that what is served is not a library's own records, where nobody overlooks it."""
    records = f"the records in {data}" if data else "invented records"
    notice = f"SANDBOX: an embedded library with {records}, not your library."
    return click.style(notice, fg="yellow", bold=True)


def first_query(settings: Settings, url: str) -> str:
    """Write the curl command of a query that works as it stands, but for the caller's own token."""
    query = FIRST_QUERY
    headers = ["Content-Type: application/json"]
    if not settings.serves_sandbox:
        headers += ["X-Okapi-Tenant: diku", "X-Okapi-Token: $TOKEN"]
        if not (settings.okapi_url or settings.bff_url):
            query = FIRST_QUERY_OF_LOCKS
            headers.append("X-Polaris-Authorization: PAS $POLARIS_TOKEN")
            if settings.polaris_workstation is None:
                headers.append("X-Polaris-Workstation: $WORKSTATION")
            if settings.polaris_organization is None:
                headers.append("X-Polaris-Organization: $ORGANIZATION")
    options = " ".join(f'-H "{header}"' for header in headers)
    return f"curl {url}/graphql {options} -d '{json.dumps({'query': query})}'"

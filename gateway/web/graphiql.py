"""GraphiQL, for people who explore."""

from __future__ import annotations

from strawberry.http.ides import get_graphql_ide_html


def graphiql_page() -> bytes:
    """Give the page that Strawberry ships, which fetches GraphiQL itself from a public CDN."""
    return get_graphql_ide_html("graphiql").encode()

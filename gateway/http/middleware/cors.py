"""Which pages of other origins a browser lets ask: none until they are named."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

HEADERS = (
    "Authorization",
    "Content-Type",
    "X-Okapi-Request-Id",
    "X-Okapi-Tenant",
    "X-Okapi-Token",
    "X-Polaris-Authorization",
    "X-Polaris-Organization",
    "X-Polaris-Workstation",
)
READABLE = ("Retry-After", "X-Okapi-Request-Id")


def cors(origins: Sequence[str], *, credentials: bool) -> list[Middleware]:
    """Give the middleware that lets pages of these origins ask, or none when there are no origins.

    Without it no answer has a CORS header, and that is what keeps foreign pages out: every request needs
    X-Okapi-Tenant, which a page may not send before the browser was told so.
    """
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=list(HEADERS),
            allow_credentials=credentials,
            expose_headers=list(READABLE),
        )
    ]

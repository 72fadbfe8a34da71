"""CORS: the web origins whose pages may send operations, none by default."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from gateway.http.middleware.security_headers import SecurityHeaders
from gateway.identity import (
    COST_HEADER,
    EXPLAIN_HEADER,
    IDEMPOTENCY_KEY_HEADER,
    LAST_EVENT_ID_HEADER,
    POLARIS_AUTHORIZATION_HEADER,
    POLARIS_ORGANIZATION_HEADER,
    POLARIS_WORKSTATION_HEADER,
    REQUEST_ID_HEADER,
    TENANT_HEADER,
    TOKEN_HEADER,
)

REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    REQUEST_ID_HEADER,
    TENANT_HEADER,
    TOKEN_HEADER,
    POLARIS_AUTHORIZATION_HEADER,
    POLARIS_ORGANIZATION_HEADER,
    POLARIS_WORKSTATION_HEADER,
    IDEMPOTENCY_KEY_HEADER,
    LAST_EVENT_ID_HEADER,
    EXPLAIN_HEADER,
    COST_HEADER,
    # The trace context, which is passed on, and the name that clients of Apollo send with each operation.
    "traceparent",
    "tracestate",
    "apollographql-client-name",
    "apollographql-client-version",
)
EXPOSED_HEADERS = (
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotent-Replayed",
    REQUEST_ID_HEADER,
)


def cors(origins: Sequence[str], *, credentials: bool, headers: Sequence[str] = ()) -> list[Middleware]:
    """Return the middleware that permits these origins, none without origins.

    Their pages may send the headers that the gateway reads, and those of `headers`.

    Without it no response has a CORS header, which blocks other origins: every request needs X-Okapi-Tenant,
    which a page may only send after a successful preflight request.
    """
    if not origins:
        return []
    return [
        Middleware(SecurityHeaders),  # for the responses to preflight requests
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=[*REQUEST_HEADERS, *headers],
            allow_credentials=credentials,
            expose_headers=list(EXPOSED_HEADERS),
        ),
    ]

"""Security headers of every response, and CORS."""

from __future__ import annotations

import httpx
import pytest

from gateway.app import create_app
from gateway.http.middleware.security_headers import SECURITY_HEADERS
from gateway.settings import Settings
from gateway.settings_group import SettingsError
from tests.gateway_under_test import open_gateway

pytestmark = pytest.mark.anyio

ORIGIN = "https://folio.example.org"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": (
        "content-type, x-okapi-tenant, x-okapi-token, authorization, x-okapi-request-id,"
        " x-polaris-authorization, x-polaris-workstation, x-polaris-organization,"
        " graphql-explain, graphql-cost"
    ),
}
BODY = {"query": "{ __typename }"}


def cors_headers(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


# Headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/graphql?query={__typename}", 200),
        ("GET", "/graphql?query={", 400),
        ("POST", "/graphql", 415),
        ("DELETE", "/graphql", 405),
        ("GET", "/graphql/", 404),
        ("GET", "/nowhere", 404),
        ("POST", "/admin/health", 405),
        ("GET", "/admin/health", 200),
        ("GET", "/admin/health/readiness", 200),
        ("GET", "/admin/info", 200),
    ],
)
async def test_every_response_has_the_security_headers(method: str, path: str, status: int) -> None:
    """Every response forbids caching, sniffing, framing and referrers."""
    async with open_gateway() as gateway:
        accept = {"Accept": "application/graphql-response+json"}
        response = await gateway.http.request(method, path, headers=accept)

    assert response.status_code == status
    for name, value in SECURITY_HEADERS:
        assert response.headers.get_list(name.decode()) == [value.decode()]
    assert "server" not in response.headers


async def test_the_page_has_the_security_headers() -> None:
    """GraphiQL may not be framed, and its type may not be sniffed."""
    async with open_gateway() as gateway:
        response = await gateway.http.get("/graphql", headers={"Accept": "text/html"})

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_nothing_is_redirected() -> None:
    """An extra slash is not found: a redirect would contain the Host header of the caller."""
    async with open_gateway() as gateway:
        response = await gateway.http.post("/graphql/", json=BODY, headers={"Host": "evil.example.org"})

    assert response.status_code == 404
    assert "location" not in response.headers


async def test_a_fault_has_the_security_headers() -> None:
    """An unexpected error is JSON without its text, with the security headers."""
    app = create_app(Settings(sandbox=True))

    async def broken(request: object) -> None:
        raise RuntimeError("patron 4711")

    app.add_route("/broken", broken)  # type: ignore[arg-type]  # the request never gets a response
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        response = await client.get("/broken")

    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "4711" not in response.text
    for name, value in SECURITY_HEADERS:
        assert response.headers.get_list(name.decode()) == [value.decode()]


# Origins


async def test_foreign_origins_are_not_permitted() -> None:
    """Without permitted origins, no response has a CORS header and no preflight succeeds."""
    async with open_gateway() as gateway:
        preflight = await gateway.http.options("/graphql", headers=PREFLIGHT)
        response = await gateway.http.post("/graphql", json=BODY, headers={"Origin": ORIGIN})

    assert preflight.status_code == 405
    assert cors_headers(preflight) == cors_headers(response) == {}


async def test_a_permitted_origin() -> None:
    """The preflight request of a permitted origin needs no tenant."""
    async with open_gateway(cors_origins=f"https://other.example.org, {ORIGIN}") as gateway:
        preflight = await gateway.http.options("/graphql", headers=PREFLIGHT)
        posted = await gateway.http.post("/graphql", json=BODY, headers={"Origin": ORIGIN})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert preflight.headers["access-control-allow-methods"] == "GET, POST"
    assert posted.json() == {"data": {"__typename": "Query"}}
    assert posted.headers["access-control-allow-origin"] == ORIGIN
    exposed = "Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, X-Okapi-Request-Id"
    assert posted.headers["access-control-expose-headers"] == exposed
    assert "Origin" in posted.headers["vary"]
    for response in (preflight, posted):
        assert "access-control-allow-credentials" not in response.headers
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("origin", [f"{ORIGIN}.evil.com", "http://folio.example.org", f"{ORIGIN}:1", "null"])
async def test_other_origins_are_not_permitted(origin: str) -> None:
    """Origins are compared completely: scheme, host and port."""
    async with open_gateway(cors_origins=ORIGIN) as gateway:
        preflight = await gateway.http.options("/graphql", headers=PREFLIGHT | {"Origin": origin})
        response = await gateway.http.post("/graphql", json=BODY, headers={"Origin": origin})

    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(("header", "method"), [("x-okapi-url", "POST"), ("content-type", "DELETE")])
async def test_other_headers_and_methods_may_not_be_sent(header: str, method: str) -> None:
    """A page may send the headers that the gateway reads, with the methods that it serves."""
    preflight_headers = PREFLIGHT | {
        "Access-Control-Request-Headers": header,
        "Access-Control-Request-Method": method,
    }
    async with open_gateway(cors_origins=ORIGIN) as gateway:
        assert (await gateway.http.options("/graphql", headers=preflight_headers)).status_code == 400


SENT_BY_CLIENTS = [
    "traceparent,tracestate",
    "apollographql-client-name,apollographql-client-version",
    "accept-language,x-okapi-request-id,x-okapi-token",
    "idempotency-key",
    "last-event-id",
]


@pytest.mark.parametrize("headers", SENT_BY_CLIENTS)
async def test_headers_of_usual_clients_may_be_sent(headers: str) -> None:
    """A page may send the trace context, and headers that clients of GraphQL add."""
    preflight_headers = PREFLIGHT | {
        "Access-Control-Request-Headers": f"content-type,x-okapi-tenant,{headers}"
    }
    async with open_gateway(cors_origins=ORIGIN) as gateway:
        assert (await gateway.http.options("/graphql", headers=preflight_headers)).status_code == 200


async def test_further_headers_may_be_permitted() -> None:
    """CORS_HEADERS adds headers that a page may send; it permits no origin."""
    preflight_headers = PREFLIGHT | {"Access-Control-Request-Headers": "content-type,x-client,baggage"}
    async with open_gateway(cors_origins=ORIGIN, cors_headers="X-Client, baggage") as gateway:
        assert (await gateway.http.options("/graphql", headers=preflight_headers)).status_code == 200
    async with open_gateway(cors_headers="x-client") as gateway:
        assert (await gateway.http.options("/graphql", headers=preflight_headers)).status_code == 405


@pytest.mark.parametrize("headers", ["*", "X Client", "X-Client:", "x;y"])
def test_names_of_headers_are_checked(headers: str) -> None:
    """CORS_HEADERS contains header names, and no wildcard."""
    with pytest.raises(SettingsError, match="CORS_HEADERS: must be comma-separated names of headers"):
        Settings(cors_headers=headers)


async def test_cookies_are_permitted_only_if_they_are_read() -> None:
    """A page may send cookies only if the gateway reads the token from one."""
    async with open_gateway(cors_origins=ORIGIN, token_cookie=True) as gateway:
        preflight = await gateway.http.options("/graphql", headers=PREFLIGHT)

    assert preflight.headers["access-control-allow-credentials"] == "true"

"""Headers, tenants and paths that reach upstream, through the complete gateway."""

from __future__ import annotations

import json

import httpx
import pytest

from gateway.graph import schema
from tests.gateway_over import CALLER, gateway_at, gateway_over, key
from tests.gateway_under_test import open_gateway
from tests.upstream.socket_server import SocketServer, responds, socket_server

pytestmark = pytest.mark.anyio

READ = "{ users(first: 1) { nodes { id } } }"
READ_OF_BFF = "{ loans(first: 1) { nodes { id } } }"
WRITE = f"""mutation {{ checkOut(input: {{
    itemBarcode: "1", userBarcode: "2", servicePointId: "{key(1)}"
}}) {{ __typename }} }}"""
LOCK = "mutation { lockObject(input: { objectType: PATRON, objectId: 7 }) { __typename } }"

# Every value contains the mark, so that it is found anywhere upstream.
SPOOFED = {
    "X-Okapi-Url": "http://spoofed.example",
    "X-Okapi-User-Id": "spoofed-user",
    "X-Okapi-Permissions": '["spoofed.all"]',
    "X-Okapi-Module-Id": "mod-spoofed-1.0.0",
    "X-Okapi-Additional-Token": "spoofed-additional",
    "X-Okapi-Handler-Result": "spoofed",
    "X-System-Token": "spoofed-system",
    "Cookie": "folioAccessToken=spoofed; folioRefreshToken=spoofed; a=spoofed",
    "Proxy-Authorization": "Basic spoofed",
    "X-Forwarded-For": "spoofed",
    "X-Forwarded-Host": "spoofed.example",
    "X-Forwarded-Proto": "spoofed",
    "Forwarded": "for=spoofed",
    "X-Real-IP": "spoofed",
    "X-HTTP-Method-Override": "SPOOFED",
    "X-Original-URL": "/spoofed",
    "Origin": "http://spoofed.example",
    "Referer": "http://spoofed.example/",
    "User-Agent": "spoofed/1.0",
    "If-None-Match": '"spoofed"',
    "Range": "bytes=0-1;spoofed",
    "Via": "1.1 spoofed",
    # hop-by-hop
    "Connection": "X-Okapi-Tenant, spoofed",
    "Keep-Alive": "timeout=5, spoofed",
    "Proxy-Connection": "spoofed",
    "TE": "trailers, spoofed",
    "Trailer": "X-Spoofed",
    "Upgrade": "spoofed",
}
LEGITIMATE = {
    "Accept-Language": "de",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "a=1",
}
OF_HTTP = {"host", "accept-encoding", "connection", "user-agent", "content-length", "content-type"}
FOLIO_GETS = {
    "accept": "application/json, text/plain",
    "x-okapi-tenant": "diku",
    "x-okapi-token": "token-of-the-caller",
    "accept-language": "de",
    "traceparent": LEGITIMATE["traceparent"],
    "tracestate": "a=1",
}
POLARIS_GETS = {"accept": "application/json, text/plain", "authorization": "PAS polaris:token:secret"}


def sent_headers(server: SocketServer) -> dict[str, str]:
    """Return the headers of the only request, without those of HTTP itself."""
    (received,) = server.received
    names = [name.lower() for name, _ in received.headers]
    assert len(names) == len(set(names)), names
    return {name.lower(): value for name, value in received.headers if name.lower() not in OF_HTTP}


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize(
    ("document", "gets"),
    [(READ, FOLIO_GETS), (READ_OF_BFF, FOLIO_GETS), (WRITE, FOLIO_GETS), (LOCK, POLARIS_GETS)],
    ids=["a question", "a question of the BFF", "an act", "a lock"],
)
async def test_only_allowed_headers_are_forwarded(document: str, gets: dict[str, str], network: str) -> None:
    """Upstream receives tenant, login, request id, language and trace of the caller, and no other header.

    Claims about the caller, hop-by-hop headers, cookies and all others are dropped.
    """
    async with socket_server(
        responds(200, b'{"users":[],"loans":[],"id":"1","ObjectTypeID":27,"ObjectID":7}')
    ) as server:
        async with gateway_at(server.url, upstream_transport=network) as gateway:
            response = await gateway.execute(document, None, CALLER | LEGITIMATE | SPOOFED)
        (received,) = server.received
        headers = sent_headers(server)

    assert "errors" not in response, response
    request_id = headers.pop("x-okapi-request-id", None)
    assert headers == gets
    if gets is FOLIO_GETS:
        assert request_id is not None
        assert request_id.startswith("4711/desk;")
    else:
        assert request_id is None
    assert received.header("Host") == [server.url.removeprefix("http://")]
    assert "spoofed" not in repr(received).lower()


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
async def test_a_bearer_token_is_sent_as_okapis_token(network: str) -> None:
    """`Authorization` is read and not forwarded: FOLIO receives one token, in one header."""
    async with socket_server(responds(200, b'{"users":[]}')) as server:
        async with gateway_at(server.url, upstream_transport=network) as gateway:
            await gateway.execute(READ, None, {"X-Okapi-Tenant": "diku", "Authorization": "Bearer abc"})
        headers = sent_headers(server)

    assert headers.pop("x-okapi-request-id")
    assert headers == {
        "accept": "application/json, text/plain",
        "x-okapi-tenant": "diku",
        "x-okapi-token": "abc",
    }


@pytest.mark.parametrize(("token_cookie", "token"), [(True, "abc"), (False, None)])
async def test_of_the_cookies_only_the_token_is_read(token_cookie: bool, token: str | None) -> None:
    """With TOKEN_COOKIE the token is sent, as a header; the cookies themselves never are."""
    headers = {"X-Okapi-Tenant": "diku", "Cookie": "a=1; folioAccessToken=abc; folioRefreshToken=never"}
    async with gateway_over(
        lambda request: httpx.Response(200, json={"users": []}), token_cookie=token_cookie
    ) as gateway:
        await gateway.execute(READ, None, headers)

    (request,) = gateway.requests
    assert request.headers.get("X-Okapi-Token") == token
    assert "cookie" not in request.headers
    assert "never" not in repr(request.headers.raw)


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
async def test_cookies_of_upstream_are_never_sent(network: str) -> None:
    """A cookie that a service sets for one caller is sent with no later call of any caller."""
    body = b'{"users":[{"id":"1"}],"loans":[],"id":"1","ObjectTypeID":27,"ObjectID":7}'
    sets = (
        "Set-Cookie: folioAccessToken=of-somebody; Path=/",
        "Set-Cookie: JSESSIONID=of-somebody; Domain=127.0.0.1; Path=/",
    )
    documents = (READ, READ_OF_BFF, WRITE, LOCK)
    async with socket_server(responds(200, body, *sets)) as server:
        async with gateway_at(server.url, upstream_transport=network, upstream_concurrency=1) as gateway:
            responses = [
                await gateway.response(document, None, CALLER | {"X-Okapi-Tenant": tenant})
                for tenant in ("diku", "college", "diku")
                for document in documents
            ]
        received = server.received

    assert len(received) == len(responses) == 12
    assert [each.header("Cookie") for each in received] == [[]] * 12
    assert "of-somebody" not in repr(received)
    assert all("set-cookie" not in each.headers for each in responses)


# Tenant arguments

FOREIGN = 'query { externalUsers(externalUserId: "1", tenantId: "%s") { nodes { id } } }'


@pytest.mark.parametrize(
    ("consortium", "tenant", "is_sent"),
    [
        ("", "diku", True),
        ("", "college", False),
        ("college,university", "college", True),
        ("college,university", "elsewhere", False),
        ("college,university", "colleg", False),
        ("college,university", "college,university", False),
        ("college", "college/../x", False),
    ],
)
async def test_a_tenant_argument_is_the_callers_or_of_the_consortium(
    consortium: str, tenant: str, is_sent: bool
) -> None:
    """Any other tenant is rejected and nothing is sent; the header always names the caller's own."""
    async with gateway_over(
        lambda request: httpx.Response(200, json={"users": []}), consortium_tenants=consortium
    ) as gateway:
        response = await gateway.execute(FOREIGN % tenant)

    if is_sent:
        assert response == {"data": {"externalUsers": {"nodes": []}}}
        assert gateway.lines() == [f"GET /circulation-bff/external-users/1/tenant/{tenant}"]
        assert gateway.requests[0].headers["X-Okapi-Tenant"] == "diku"
    else:
        assert response["data"] == {"externalUsers": None}
        assert response["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert gateway.requests == []


# Paths and redirects


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(network: str, status: int) -> None:
    """The token is sent to the configured address only: a read fails, a write is unknown."""
    async with socket_server(responds(200, b'{"users":[],"id":"1"}')) as elsewhere:
        moved = responds(status, b"", f"Location: {elsewhere.url}/users")
        async with (
            socket_server(moved) as server,
            gateway_at(server.url, upstream_transport=network) as gateway,
        ):
            responses = [await gateway.execute(document) for document in (READ, WRITE)]

        assert [each["errors"][0]["extensions"]["code"] for each in responses] == [
            "UPSTREAM_BAD_RESPONSE",
            "OUTCOME_UNKNOWN",
        ]
        assert elsewhere.received == []
        assert len(server.received) == 2
        assert elsewhere.url not in json.dumps(responses)


# The queries whose argument becomes a part of a path.
IN_PATHS = {
    "loan": '{ loan(id: "%s") { id } }',
    "batchRequest": '{ batchRequest(id: "%s") { id } }',
    "queue of a title": '{ requestQueue(instanceId: "%s") { nodes { id } } }',
    "queue of an item": '{ requestQueue(itemId: "%s") { nodes { id } } }',
    "externalUsers": '{ externalUsers(externalUserId: "%s") { nodes { id } } }',
}


@pytest.mark.parametrize("document", IN_PATHS.values(), ids=IN_PATHS)
@pytest.mark.parametrize(
    "walk", ["..", "../users", "../../users", "%2e%2e%2fusers", "a/b", "a?b=c", "a#b", ".", "x or y=1", "*"]
)
async def test_no_argument_leads_to_another_path(document: str, walk: str) -> None:
    """A malformed id is rejected, and nothing is sent upstream."""
    async with gateway_over(lambda request: httpx.Response(200, json={})) as gateway:
        response = await gateway.execute(document % walk)

    assert response["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("key_sent", "segment"),
    [
        ("../../users", "..%2F..%2Fusers"),
        ("%2e%2e%2fusers", "%252e%252e%252fusers"),
        ("1?limit=9#x", "1%3Flimit%3D9%23x"),
        ("1;x=1", "1%3Bx%3D1"),
    ],
)
async def test_no_key_in_a_record_leads_to_another_path(key_sent: str, segment: str) -> None:
    """Any value of upstream in place of an id is one segment of the path."""
    requests = {"requests": [{"id": key(1), "batchRequestInfo": {"batchRequestId": key_sent}}]}

    def upstream(request: httpx.Request) -> httpx.Response:
        listed = request.url.path == "/circulation-bff/requests"
        return httpx.Response(200, json=requests if listed else {"batchId": key(2), "patronComments": "x"})

    async with gateway_over(upstream) as gateway:
        await gateway.execute(
            "{ requests { nodes { batchRequestInfo { batchRequest { id patronComments } } } } }"
        )

    assert gateway.requests[1].url.raw_path.decode() == f"/circulation-bff/batch-requests/{segment}"


@pytest.mark.parametrize("key_sent", ["..", ".", ""])
async def test_a_dotted_key_in_a_record_is_not_requested(key_sent: str) -> None:
    """Dots that httpx would resolve, and an empty segment, are no id: nothing is sent for the link."""
    requests = {"requests": [{"id": key(1), "batchRequestInfo": {"batchRequestId": key_sent}}]}
    async with gateway_over(lambda request: httpx.Response(200, json=requests)) as gateway:
        response = await gateway.execute(
            "{ requests { nodes { id batchRequestInfo { batchRequest { patronComments } } } } }"
        )

    assert response["data"]["requests"]["nodes"] == [
        {"id": key(1), "batchRequestInfo": {"batchRequest": None}}
    ]
    assert gateway.lines() == ["GET /circulation-bff/requests"]


# CQL and default tenants


async def test_no_cql_for_reads_as_system_user() -> None:
    """The BFF reads external users as its system user: no argument there accepts CQL."""
    field = schema._schema.query_type
    assert field is not None
    taken = {name for name, each in field.fields.items() if "cql" in each.args}

    assert set(field.fields["externalUsers"].args) == {"externalUserId", "tenantId"}
    assert "externalUsers" not in taken
    assert {"loans", "requests", "users"} <= taken


async def test_only_the_sandbox_has_a_default_tenant() -> None:
    """With a real upstream a request without a tenant is rejected; the embedded library has a default."""
    async with gateway_over(lambda request: httpx.Response(200, json={"users": []})) as gateway:
        refused = await gateway.response(READ, None, {"Accept": "application/json"})
    async with open_gateway() as sandbox:
        served = await sandbox.execute(READ, None, {})

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert gateway.requests == []
    assert len(served["data"]["users"]["nodes"]) == 1

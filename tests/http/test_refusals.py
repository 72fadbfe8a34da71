"""Requests that are rejected before GraphQL: each with its status, in JSON, without a resolver."""

import gzip
from typing import Any

import httpx
import pytest

from tests.http.desk import GRAPHQL, JSON, MAX_BODY, TENANT, Desk

pytestmark = pytest.mark.anyio


def refused(desk: Desk, response: httpx.Response, status: int, message: str, media_type: str = JSON) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "errors": [
            {
                "message": message,
                "extensions": {
                    "code": "BAD_REQUEST",
                    "retryable": False,
                    "requestId": response.headers["x-okapi-request-id"],
                },
            }
        ]
    }
    assert (desk.calls, desk.contexts) == ([], 0)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"])
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_other_methods(desk: Desk, method: str, accept: str) -> None:
    """GraphQL is served by GET and POST only; a preflight is rejected."""
    response = await desk.request(method, headers=TENANT | {"Accept": accept})

    refused(desk, response, 405, "GraphQL is served by GET and POST.", accept)
    assert response.headers["allow"] == "GET, POST"
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_head(desk: Desk) -> None:
    """HEAD is no exception."""
    response = await desk.request("HEAD", params={"query": "{ title }"}, headers=TENANT)

    assert response.status_code == 405
    assert desk.calls == []


@pytest.mark.parametrize("accept", ["text/html", "text/*", "application/xml", f"{JSON};q=0"])
async def test_other_response_types(desk: Desk, accept: str) -> None:
    """A client that does not accept JSON gets an error in JSON."""
    by_post = await desk.post({"Accept": accept}, query="{ title }")
    by_get = await desk.get({"Accept": accept}, query="{ title }")

    message = "Responses are application/graphql-response+json, application/json or text/event-stream."
    refused(desk, by_post, 406, message)
    refused(desk, by_get, 406, message)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/jsonx",
        "application/json, text/plain",
        "application/graphql",
        "application/json; charset=latin1",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ],
)
async def test_other_bodies(desk: Desk, content_type: str) -> None:
    """A body of another type than JSON in UTF-8 is not read."""
    response = await desk.send(b'{"query":"{ title }"}', {"Content-Type": content_type})

    refused(desk, response, 415, "The body of a POST must be application/json in UTF-8.")


async def test_no_content_type(desk: Desk) -> None:
    """A body of an unknown type is not read either."""
    response = await desk.request("POST", content=b'{"query":"{ title }"}', headers=TENANT)

    refused(desk, response, 415, "The body of a POST must be application/json in UTF-8.")


async def test_two_content_types(desk: Desk) -> None:
    """Two different content types are refused, equal ones are one."""
    body = b'{"query":"{ title }"}'
    equal = [*TENANT.items(), ("Content-Type", JSON), ("Content-Type", JSON)]
    different = [*TENANT.items(), ("Content-Type", JSON), ("Content-Type", f"{JSON}; charset=utf-8")]

    assert (await desk.request("POST", content=body, headers=equal)).json() == {"data": {"title": "Title 1"}}
    desk = Desk()
    response = await desk.request("POST", content=body, headers=different)

    refused(desk, response, 400, "Header Content-Type was sent more than once, with different values.")


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip"])
async def test_compressed_body(desk: Desk, encoding: str) -> None:
    """A compressed body is not inflated."""
    response = await desk.send(gzip.compress(b'{"query":"{ title }"}'), {"Content-Encoding": encoding})

    refused(desk, response, 415, "The body of a POST must not be compressed.")


async def test_identity_encoding(desk: Desk) -> None:
    """A body that says it is not compressed is read."""
    response = await desk.send(b'{"query":"{ title }"}', {"Content-Encoding": "identity"})

    assert response.json() == {"data": {"title": "Title 1"}}


NOT_JSON = "The body is not JSON in UTF-8."
TOO_DEEP = "The body is nested too deeply."
DEEP = 100_000


def of_the_wrong_form(detail: str) -> str:
    return f"The body is not a GraphQL request: {detail}."


HOSTILE: list[tuple[bytes, str]] = [
    (b"", NOT_JSON),
    (b"{", NOT_JSON),
    (b"query=%7Btitle%7D", NOT_JSON),
    (b'{"query":"{ title }"} {}', NOT_JSON),
    (b'{"query":"{ title }",}', NOT_JSON),
    (b"{'query':'{ title }'}", NOT_JSON),
    (b'{"query":"\xff"}', NOT_JSON),
    (b'{"query":"{ title }","other":"\xff"}', NOT_JSON),
    (b'{"query":"{ title }","variables":{"\xed\xa0\x80":1}}', NOT_JSON),
    ('{"query":"{ title }"}'.encode("utf-16"), NOT_JSON),
    (b'\xef\xbb\xbf\xef\xbb\xbf{"query":"{ title }"}', NOT_JSON),
    (b'{"query":"\\ud800"}', NOT_JSON),
    (b'{"query":"{ title }","variables":{"a":"\\udc00"}}', NOT_JSON),
    (b'{"query":"{ title }","other":"\\ud800"}', NOT_JSON),
    (b'{"query":"{ title }","variables":{"a":NaN}}', NOT_JSON),
    (b'{"query":"{ title }","variables":{"a":-Infinity}}', NOT_JSON),
    (b"null", of_the_wrong_form("Expected `object`, got `null`")),
    (b"1", of_the_wrong_form("Expected `object`, got `int`")),
    (b'"{ title }"', of_the_wrong_form("Expected `object`, got `str`")),
    (b'[{"query":"{ title }"}]', of_the_wrong_form("Expected `object`, got `array`")),
    (b"{}", "Member query is missing."),
    (b'{"query":null}', "Member query is missing."),
    (b'{"query":null,"documentId":null,"extensions":{"persistedQuery":null}}', "Member query is missing."),
    (b'{"query":{"a":1}}', of_the_wrong_form("Expected `str | null`, got `object` - at `$.query`")),
    (
        b'{"query":"{ title }","operationName":1}',
        of_the_wrong_form("Expected `str | null`, got `int` - at `$.operationName`"),
    ),
    (
        b'{"query":"{ title }","variables":"{}"}',
        of_the_wrong_form("Expected `object | null`, got `str` - at `$.variables`"),
    ),
    (
        b'{"query":"{ title }","variables":[]}',
        of_the_wrong_form("Expected `object | null`, got `array` - at `$.variables`"),
    ),
    (
        b'{"query":"{ title }","extensions":0}',
        of_the_wrong_form("Expected `object | null`, got `int` - at `$.extensions`"),
    ),
    (
        b'{"query":"query($a: Boolean!) { title @include(if: $a) }","variables":{"a":' + b"1" * 5000 + b"}}",
        "Member variables is not valid: Integer value out of range - at `$.a`.",
    ),
    (
        b'{"query":"query($a: Boolean!) { title @include(if: $a) }","variables":{"a":1e999}}',
        "Member variables is not valid: Number out of range - at `$.a`.",
    ),
    (b"[" * DEEP, of_the_wrong_form("Expected `object`, got `array`")),
    (b'{"query":"{ title }","variables":{"a":' + b"[" * DEEP + b"]" * DEEP + b"}}", TOO_DEEP),
    (b'{"query":"{ title }","variables":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}", TOO_DEEP),
    (b'{"query":"{ title }","other":' + b"[" * DEEP + b"]" * DEEP + b"}", TOO_DEEP),
]


@pytest.mark.parametrize(("body", "message"), HOSTILE, ids=[body[:40].hex() for body, _ in HOSTILE])
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_hostile_bodies(desk: Desk, body: bytes, message: str, accept: str) -> None:
    """A body that is no GraphQL request is an error of the sender in both media types."""
    desk.endpoint.max_body_bytes = 10_000_000

    refused(desk, await desk.send(body, {"Accept": accept}), 400, message, accept)


HOSTILE_ADDRESSES: list[tuple[dict[str, Any], str]] = [
    ({}, "Parameter query is missing."),
    ({"params": {"query": ""}}, "Parameter query is missing."),
    ({"params": {"Query": "{ title }"}}, "Parameter query is missing."),
    (
        {"params": [("query", "{ title }"), ("query", "{ tenant }")]},
        "Parameter query was sent more than once.",
    ),
    (
        {"params": [("query", "{ title }"), ("variables", "{}"), ("variables", "{}")]},
        "Parameter variables was sent more than once.",
    ),
    ({"params": {"query": "{ title }", "variables": "{"}}, "Parameter variables is not JSON in UTF-8."),
    (
        {"params": {"query": "{ title }", "variables": "[]"}},
        "Parameter variables is not a GraphQL request: Expected `object | null`, got `array`.",
    ),
    (
        {"params": {"query": "{ title }", "extensions": "1"}},
        "Parameter extensions is not a GraphQL request: Expected `object | null`, got `int`.",
    ),
    (
        {"params": {"query": "{ title }", "variables": '{"a":' + "[" * 3000 + "]" * 3000 + "}"}},
        "Parameter variables is nested too deeply.",
    ),
]


@pytest.mark.parametrize(("parts", "message"), HOSTILE_ADDRESSES)
async def test_hostile_addresses(desk: Desk, parts: dict[str, Any], message: str) -> None:
    """A query string that is no GraphQL request is rejected like such a body."""
    refused(desk, await desk.request("GET", headers=TENANT, **parts), 400, message)


@pytest.mark.parametrize("query_string", [b"query=%ff", b"query=\xff", b"query={title}&x=%ed%a0%80"])
async def test_address_in_another_encoding(desk: Desk, query_string: bytes) -> None:
    """An address that is not UTF-8 is refused, raw or percent-encoded."""
    reply = await desk.raw(method="GET", query_string=query_string)

    assert reply.status == 400
    assert reply.json["errors"][0]["message"] == "The query string is not UTF-8."


async def test_largest_body(desk: Desk) -> None:
    """A body of exactly the limit is read."""
    body = b'{"query":"{ title }"}'.ljust(MAX_BODY)

    response = await desk.send(body)

    assert response.json() == {"data": {"title": "Title 1"}}


@pytest.mark.parametrize("length", [str(MAX_BODY + 1).encode(), b"9" * 5000])
async def test_announced_large_body(desk: Desk, length: bytes) -> None:
    """A body with a Content-Length beyond the limit is not read, and the connection is closed."""
    reply = await desk.raw(headers=[(b"content-length", length)])

    assert reply.status == 413
    assert reply.headers["connection"] == "close"
    assert reply.json["errors"][0]["message"] == f"The body exceeds MAX_BODY_BYTES of {MAX_BODY} bytes."
    assert reply.received == 0
    assert desk.calls == []


async def test_streamed_large_body(desk: Desk) -> None:
    """A body that grows beyond the limit is not read to its end, for any announced length."""
    chunk = {"type": "http.request", "body": b" " * 900, "more_body": True}

    reply = await desk.raw(*[chunk] * 100, headers=[(b"content-length", b"10")])

    assert reply.status == 413
    assert reply.headers["connection"] == "close"
    assert reply.received == 3


async def test_body_in_pieces(desk: Desk) -> None:
    """A body may arrive in any number of pieces."""
    body = b'{"query":"{ title }"}'
    pieces = [{"type": "http.request", "body": bytes([byte]), "more_body": True} for byte in body]

    reply = await desk.raw(*pieces, {"type": "http.request"})

    assert reply.json == {"data": {"title": "Title 1"}}

"""No input of any kind breaks the gateway."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from tests.http.desk import GRAPHQL, Connection, Desk

MEMBERS = st.sampled_from(["query", "operationName", "variables", "extensions", "other"])
QUERIES = st.sampled_from(
    [
        "{ title }",
        "query ($n: Int!) { tenfold(number: $n) }",
        "query ($b: String = null) { title(barcode: $b) }",
        "query A { title } query B { tenant }",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | QUERIES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("nbax") | st.text(), inner, max_size=3)
    ),
)
REQUESTS = st.dictionaries(MEMBERS, VALUES) | st.builds(
    lambda query, variables: {"query": query, "variables": variables},
    QUERIES,
    st.dictionaries(st.sampled_from("nb"), VALUES),
)


ANSWERED = (200, 400, 406, 413)


def reply(body: bytes, *headers: tuple[bytes, bytes]) -> Connection:
    """Post to a new desk, since each call has its own event loop."""
    return asyncio.run(Desk().raw({"type": "http.request", "body": body}, headers=headers))


@given(st.binary())
@example(b'{"query":"\\u0000"}')
@example(b'{"query":"{ title(barcode: \\"\\\\uD83D\\") }"}')
def test_any_bytes(body: bytes) -> None:
    """Any bytes as a body have a response, and never a 5xx."""
    assert reply(body).status in ANSWERED


@given(REQUESTS)
def test_any_json(members: dict[str, Any]) -> None:
    """Any JSON as a request has a response, and never a 5xx."""
    response = reply(_encoded(members), (b"accept", GRAPHQL.encode()))

    assert response.status in ANSWERED
    assert set(response.json) <= {"data", "errors"}
    assert all(each["extensions"]["code"] != "INTERNAL_ERROR" for each in response.json.get("errors", ()))


@given(st.text())
def test_any_text(query: str) -> None:
    """Any text as a query has a response, and never a 5xx."""
    assert reply(_encoded({"query": query})).status in ANSWERED


@given(st.binary(), st.lists(st.tuples(MEMBERS, st.text() | QUERIES)))
def test_any_address(raw: bytes, pairs: list[tuple[str, str]]) -> None:
    """Any query string has a response, and never a 5xx."""
    for query_string in (raw, urlencode(pairs, errors="replace").encode()):
        response = asyncio.run(Desk(graphiql=b"").raw(method="GET", query_string=query_string))

        assert response.status in ANSWERED


@given(
    st.sampled_from([b"accept", b"content-type", b"content-length", b"authorization", b"cookie"]), st.binary()
)
def test_any_header(name: bytes, value: bytes) -> None:
    """Any bytes in a header that is read have a response, and never a 5xx."""
    assert reply(b'{"query":"{ title }"}', (name, value)).status in ANSWERED


def _encoded(members: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(members)
    except UnicodeEncodeError:
        return b""

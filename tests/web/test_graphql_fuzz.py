"""Whatever comes in, the gateway does not break."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from tests.web.desk import GRAPHQL, Desk

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


def status(body: bytes) -> int | None:
    desk = Desk()
    message = {"type": "http.request", "body": body}
    connection = asyncio.run(desk.raw(message, headers=[(b"accept", GRAPHQL.encode())]))
    assert set(connection.json) <= {"data", "errors"}
    assert connection.status in (200, 400, 413)
    return connection.status


@given(st.binary())
@example(b'{"query":"\\u0000"}')
@example(b'{"query":"{ title(barcode: \\"\\\\uD83D\\") }"}')
def test_any_bytes(body: bytes) -> None:
    """Any bytes as a body are answered, and never by a 5xx."""
    assert status(body) != 500


@given(REQUESTS)
def test_any_json(members: dict[str, Any]) -> None:
    """Any JSON as a request is answered, and never by a 5xx."""
    assert status(_encoded(members)) != 500


@given(st.text())
def test_any_text(query: str) -> None:
    """Any text as a query is answered, and never by a 5xx."""
    assert status(_encoded({"query": query})) != 500


@given(st.binary(), st.lists(st.tuples(MEMBERS, st.text() | QUERIES)))
def test_any_address(raw: bytes, pairs: list[tuple[str, str]]) -> None:
    """Any query string is answered, and never by a 5xx."""
    for query_string in (raw, urlencode(pairs, errors="replace").encode()):
        connection = asyncio.run(Desk().raw(method="GET", query_string=query_string))

        assert connection.status in (200, 400)


@given(st.sampled_from(["accept", "content-type", "content-length", "authorization", "cookie"]), st.binary())
def test_any_header(name: str, value: bytes) -> None:
    """Any bytes in a header that is read are answered, and never by a 5xx."""
    message = {"type": "http.request", "body": b'{"query":"{ title }"}'}

    connection = asyncio.run(Desk().raw(message, headers=[(name.encode(), value)]))

    assert connection.status in (200, 400, 406, 413)


def _encoded(members: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(members)
    except UnicodeEncodeError:
        return b""

"""Media types of requests and responses."""

import pytest

from gateway.http.negotiation import (
    accepts_events,
    accepts_parts,
    choose_media_type,
    is_utf8_json,
    prefers_html,
)

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        ("  ", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        ("APPLICATION/JSON", JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.1, {JSON};q=0.9", JSON),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{GRAPHQL}, */*", GRAPHQL),
        (f"*/*, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.5, */*", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{JSON};q=0, application/*", GRAPHQL),
        (f"{GRAPHQL};charset=utf-8", GRAPHQL),
        (f'{JSON}; charset="UTF-8"', JSON),
        (f"{JSON};charset=latin1, {GRAPHQL};q=0.1", GRAPHQL),
        ("application/json, multipart/mixed", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        (f"{JSON};q=nonsense, {GRAPHQL};q=0.1", GRAPHQL),
        ("text/html", None),
        ("text/*", None),
        (f"{JSON};q=0", None),
        ("*/*;q=0", None),
        (f"{JSON}, */*;q=0", JSON),
        (f"{JSON};charset=latin1", None),
        ("json", None),
        ("application/jsonx", None),
        ("application/graphql+json", None),
        (",,;;=", None),
        (EVENTS, EVENTS),
        (f"{EVENTS};charset=utf-8, {JSON};q=0.9", EVENTS),
        (f"{EVENTS}, */*", EVENTS),
        (f"{JSON}, {EVENTS}", JSON),
        (f"{EVENTS};q=0.5, */*", JSON),
        (f"{EVENTS};q=0", None),
        ("text/*, text/html", None),
    ],
)
def test_media_type(accept: str, media_type: str | None) -> None:
    """The response has the type the client prefers, plain JSON without a preference."""
    assert choose_media_type(accept.encode()) == media_type


@pytest.mark.parametrize(
    ("accept", "accepted"),
    [
        (EVENTS, True),
        (f"{JSON}, Text/Event-Stream;q=0.1", True),
        (f"{EVENTS};q=0, {JSON}", False),
        ("text/*", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_accepts_events(accept: str, accepted: bool) -> None:
    """An event stream is accepted by a client that names it, whatever it prefers."""
    assert accepts_events(accept.encode()) is accepted


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("text/html;q=0.5, application/json;q=0.4", True),
        ("*/*;q=0.9, application/*;q=0.5", True),
        ("application/*;q=0.5, */*;q=0.9", True),
        ("*/*;q=0.5, application/*;q=0.9", False),
        ("application/json, text/html;q=0.9", False),
        ("*/*", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_prefers_html(accept: str, html: bool) -> None:
    """Only a client that prefers HTML to JSON is treated as a browser."""
    assert prefers_html(accept.encode()) is html


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json; odata=verbose",
        "application/json;",
    ],
)
def test_json(content_type: str) -> None:
    """JSON in UTF-8 is accepted in every notation."""
    assert is_utf8_json(content_type.encode())


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/jsonx",
        "application/json, text/plain",
        "application/json+x",
        "application/graphql",
        "application/graphql-response+json",
        "application/json; charset=latin1",
        "application/json; charset=utf-16",
        "text/plain; application/json",
        "text/json",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "*/*",
        "application/js\xf6n",
    ],
)
def test_not_json(content_type: str) -> None:
    """Types that a form on another site could send, and similar types, are not JSON."""
    assert not is_utf8_json(content_type.encode("latin-1"))


@pytest.mark.parametrize(
    ("accept", "accepted_parts"),
    [
        (b"", False),
        (b"*/*", False),
        (b"multipart/*", False),
        (b"application/json", False),
        (b"multipart/mixed", True),
        (b"application/json, multipart/mixed", True),
        (b'Multipart/Mixed; boundary="-"', True),
        (b"multipart/mixed;incrementalSpec=v0.2,application/json", True),
        (b"multipart/mixed;deferSpec=20220824,application/json", False),
        (b"multipart/mixed;incrementalSpec=v0.1", False),
        (b"multipart/mixed;deferSpec=20220824, multipart/mixed;incrementalSpec=v0.2", True),
        (b"multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", False),
        (b"multipart/mixed;q=0", False),
        (b"multipart/mixed;q=much", False),
        (b"multipart/form-data", False),
        (b"\xff\xfe", False),
    ],
)
def test_accepts_parts(accept: bytes, accepted_parts: bool) -> None:
    """Only a client that names multipart/mixed in the current form gets a response in parts."""
    assert accepts_parts(accept) is accepted_parts

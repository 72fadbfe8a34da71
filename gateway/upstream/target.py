"""Request targets: path segments and query strings, percent-encoded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from gateway import errors

_UNRESERVED = re.compile(r"[A-Za-z0-9_.~%-]*")
_OF_CQL = (("%", "%25"), (" ", "%20"), ('"', "%22"), ("(", "%28"), (")", "%29"), ("=", "%3D"), ("/", "%2F"))


def percent_encoded(text: str) -> str:
    """A value of a query string. As `quote` with nothing safe, which looks at each character in Python."""
    made = text
    for character, code in _OF_CQL:
        made = made.replace(character, code)
    return made if _UNRESERVED.fullmatch(made) else quote(text, safe="")


def encoded(query: Mapping[str, str]) -> str:
    """A query string, every value percent-encoded."""
    return "&".join(f"{name}={percent_encoded(value)}" for name, value in query.items())


def segment(value: str) -> str:
    """One path segment, percent-encoded. The dots that walk up a path are refused (httpx resolves them)."""
    if value in ("", ".", ".."):
        raise errors.BadUserInput("An empty or dotted id cannot be asked for.")
    return quote(value, safe="")

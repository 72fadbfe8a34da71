"""Request targets: path segments and query strings, percent-encoded."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from gateway import errors

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%"
_BETWEEN_KEYS = '" or "'  # most of what there is to encode in the questions of loaders
_OF_CQL = tuple((text, quote(text, safe="")) for text in ("%", _BETWEEN_KEYS, " ", '"', "(", ")", "=", "/"))


def percent_encoded(text: str) -> str:
    """A value of a query string. As `quote` with nothing safe, which looks at each character in Python."""
    made = text
    for part, code in _OF_CQL:
        if part in made:
            made = code.join(made.split(part))  # in half the time of `replace`, where there are many
    if made.isascii() and not made.encode("ascii").translate(None, _UNRESERVED):
        return made
    return quote(text, safe="")


def encoded(query: Mapping[str, str]) -> str:
    """A query string, every value percent-encoded."""
    return "&".join(f"{name}={percent_encoded(value)}" for name, value in query.items())


def segment(value: str) -> str:
    """One path segment, percent-encoded. The dots that walk up a path are refused (httpx resolves them)."""
    if value in ("", ".", ".."):
        raise errors.BadUserInput("An empty or dotted id cannot be asked for.")
    return quote(value, safe="")

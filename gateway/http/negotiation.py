"""Which media types come in and go out, as GraphQL over HTTP wants them."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.identity import Headers

RESPONSE_JSON = "application/graphql-response+json"
LEGACY_JSON = "application/json"
HTML = "text/html"
MULTIPART = "multipart/mixed"

# In order of preference where the client has none: a client that says nothing, or anything, is a legacy one.
_OFFERED = (LEGACY_JSON, RESPONSE_JSON)

_LONGEST = 1024  # browsers send about 150 bytes; the answers to these values are cached
_MEDIA_RANGE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def accepted(headers: Headers) -> bytes:
    """Give the Accept header, its lines joined and cut to what an honest client sends."""
    return b",".join([value for name, value in headers if name == b"accept"])[:_LONGEST]


@lru_cache(maxsize=256)  # front ends send a handful of different values
def answer_type(accept: bytes) -> str | None:
    """Choose the media type of the answer, or None when the client takes neither of ours."""
    if not accept.strip():
        return LEGACY_JSON
    return _best(accept, _OFFERED)


@lru_cache(maxsize=256)
def accepts_parts(accept: bytes) -> bool:
    """Return whether the client names multipart/mixed in the form of incremental delivery v0.2.

    A wildcard is not enough, and a client that names only another form gets one piece.
    """
    for part in accept.decode("latin-1").split(","):
        media_type, parameters = _parsed(part)
        quality = parameters.pop("q", "1")
        parameters.pop("boundary", None)
        if media_type != MULTIPART or not _QUALITY.fullmatch(quality) or not float(quality):
            continue
        if not parameters or parameters.get("incrementalspec") == "v0.2":
            return True
    return False


@lru_cache(maxsize=256)
def prefers_html(accept: bytes) -> bool:
    """Tell a browser that opens the address from a client that wants an answer."""
    return _best(accept, (*_OFFERED, HTML)) == HTML


def is_utf8_json(content_type: bytes) -> bool:
    """Accept `application/json` exactly; browsers send its look-alikes anywhere without asking first."""
    if content_type == b"application/json":
        return True
    media_type, parameters = _parsed(content_type.decode("latin-1"))
    return media_type == LEGACY_JSON and _is_utf8(parameters)


def _best(accept: bytes, offered: tuple[str, ...]) -> str | None:
    """Pick by quality, then by how exactly the type was named, then by who was named first."""
    ranges = _ranges(accept)
    best: tuple[float, int, int] | None = None
    chosen = None
    for media_type in offered:
        matching = [
            (precision, -place, quality)
            for place, (pattern, quality) in enumerate(ranges)
            if (precision := _precision(pattern, media_type))
        ]
        if not matching:
            continue
        precision, place, quality = max(matching)  # the most exact range speaks for the type
        rank = (quality, precision, place if precision == 3 else 0)
        if quality and (best is None or rank > best):
            best, chosen = rank, media_type
    return chosen


def _precision(pattern: str, media_type: str) -> int:
    if pattern == media_type:
        return 3
    if pattern == media_type.partition("/")[0] + "/*":
        return 2
    return 1 if pattern == "*/*" else 0


def _ranges(accept: bytes) -> list[tuple[str, float]]:
    """Read the ranges that can be read; one that cannot is as good as not sent."""
    ranges = []
    for part in accept.decode("latin-1").split(","):
        pattern, parameters = _parsed(part)
        quality = parameters.pop("q", "1")
        if _MEDIA_RANGE.fullmatch(pattern) and _QUALITY.fullmatch(quality) and _is_utf8(parameters):
            ranges.append((pattern, float(quality)))
    return ranges


def _parsed(value: str) -> tuple[str, dict[str, str]]:
    media_type, *rest = value.split(";")
    pairs = (each.partition("=") for each in rest)
    return media_type.strip(" \t").lower(), {
        name.strip(" \t").lower(): text.strip(' \t"').lower() for name, _, text in pairs if name.strip(" \t")
    }


def _is_utf8(parameters: dict[str, str]) -> bool:
    return parameters.get("charset", "utf-8") in ("utf-8", "utf8")

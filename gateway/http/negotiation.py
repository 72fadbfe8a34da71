"""Content negotiation as specified by GraphQL over HTTP."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

RESPONSE_JSON = "application/graphql-response+json"
LEGACY_JSON = "application/json"
HTML = "text/html"
MULTIPART = "multipart/mixed"
EVENT_STREAM = "text/event-stream"

# In order of preference if the client has none: a client without an Accept header is a legacy one.
_OFFERED = (LEGACY_JSON, RESPONSE_JSON, EVENT_STREAM)

MAX_ACCEPT = 1024  # bytes of an Accept header, of which browsers send about 150; the choices are cached
_MEDIA_RANGE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


class Accepted(NamedTuple):
    """The forms of a response that a client accepts."""

    media_type: str | None
    """The one that it prefers for a response in one piece; None if it accepts none."""
    parts: bool
    events: bool


@lru_cache(maxsize=256)  # front ends send a handful of different values
def negotiate(accept: bytes) -> Accepted:
    """Return what a client accepts by its header `Accept`. Events that it prefers are no parts."""
    media_type = choose_media_type(accept)
    parts = accepts_parts(accept) and media_type != EVENT_STREAM
    return Accepted(media_type, parts, accepts_events(accept))


def choose_media_type(accept: bytes) -> str | None:
    """Return the media type of the response, None if the client accepts none.

    An event stream is sent only to a client that names it: a wildcard is not enough.
    """
    if not accept.strip():
        return LEGACY_JSON
    return _best(accept, _OFFERED)


def accepts_parts(accept: bytes) -> bool:
    """Return whether the client names multipart/mixed in the form of incremental delivery v0.2.

    A wildcard is not enough, and a client that names only another form gets one piece.
    """
    for part in accept.decode("latin-1").split(","):
        media_type, parameters = _parse(part)
        quality = parameters.pop("q", "1")
        parameters.pop("boundary", None)
        if media_type != MULTIPART or not _QUALITY.fullmatch(quality) or not float(quality):
            continue
        if not parameters or parameters.get("incrementalspec") == "v0.2":
            return True
    return False


def accepts_events(accept: bytes) -> bool:
    """Return whether the client names text/event-stream, even if it prefers another type."""
    return any(pattern == EVENT_STREAM and quality for pattern, quality in _ranges(accept))


@lru_cache(maxsize=256)
def prefers_html(accept: bytes) -> bool:
    """Return whether the client is a browser that opens a page, not one that sends an operation."""
    return _best(accept, (*_OFFERED, HTML)) == HTML


def is_utf8_json(content_type: bytes) -> bool:
    """Return whether a body is `application/json`: browsers send similar types without a preflight."""
    if content_type == b"application/json":
        return True
    media_type, parameters = _parse(content_type.decode("latin-1"))
    return media_type == LEGACY_JSON and _is_utf8(parameters)


def _best(accept: bytes, offered: tuple[str, ...]) -> str | None:
    """Choose by quality, then by the precision of the range, then by position."""
    ranges = _ranges(accept)
    best: tuple[float, int, int] | None = None
    choice = None
    for media_type in offered:
        matching = [
            (precision, -place, quality)
            for place, (pattern, quality) in enumerate(ranges)
            if (precision := _precision(pattern, media_type))
        ]
        if not matching:
            continue
        precision, place, quality = max(matching)  # the most precise range applies
        rank = (quality, precision, place if precision == 3 else 0)
        if quality and (best is None or rank > best):
            best, choice = rank, media_type
    return choice


def _precision(pattern: str, media_type: str) -> int:
    """Return 3 for the exact type, 2 for its main type, 1 for any type and 0 for no match.

    An event stream matches its exact type only.
    """
    if pattern == media_type:
        return 3
    if media_type == EVENT_STREAM:
        return 0
    if pattern == media_type.partition("/")[0] + "/*":
        return 2
    return 1 if pattern == "*/*" else 0


def _ranges(accept: bytes) -> list[tuple[str, float]]:
    """Return the media ranges with their quality. A malformed one is ignored."""
    ranges = []
    for part in accept.decode("latin-1").split(","):
        pattern, parameters = _parse(part)
        quality = parameters.pop("q", "1")
        if _MEDIA_RANGE.fullmatch(pattern) and _QUALITY.fullmatch(quality) and _is_utf8(parameters):
            ranges.append((pattern, float(quality)))
    return ranges


def _parse(value: str) -> tuple[str, dict[str, str]]:
    media_type, *rest = value.split(";")
    pairs = (each.partition("=") for each in rest)
    return media_type.strip(" \t").lower(), {
        name.strip(" \t").lower(): text.strip(' \t"').lower() for name, _, text in pairs if name.strip(" \t")
    }


def _is_utf8(parameters: dict[str, str]) -> bool:
    return parameters.get("charset", "utf-8") in ("utf-8", "utf8")

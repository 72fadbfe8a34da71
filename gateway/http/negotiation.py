"""Which media types come in and go out, as GraphQL over HTTP wants them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from gateway.identity import Headers

RESPONSE_JSON = "application/graphql-response+json"
LEGACY_JSON = "application/json"
HTML = "text/html"
MULTIPART = "multipart/mixed"

# How the parts of an answer to @defer look. Clients name the form by a parameter of their media type: the
# draft of 24 August 2022, or the one with ids, which is also what a client gets that names none.
IncrementalFormat: TypeAlias = Literal["2022-08-24", "v0.2"]
_FORMATS: dict[tuple[str, str], IncrementalFormat] = {
    ("deferspec", "20220824"): "2022-08-24",
    ("incrementalspec", "v0.1"): "2022-08-24",
    ("incrementalspec", "v0.2"): "v0.2",
}

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
def incremental_format(accept: bytes) -> IncrementalFormat | None:
    """The form in which a client takes an answer in parts; None where it takes it in one piece only.

    It must say so: whoever takes anything does not mean this.
    """
    for part in accept.decode("latin-1").split(","):
        media_type, parameters = _parsed(part)
        quality = parameters.pop("q", "1")
        parameters.pop("boundary", None)
        if media_type != MULTIPART or not _QUALITY.fullmatch(quality) or not float(quality):
            continue
        if not parameters:
            return "v0.2"
        for parameter in parameters.items():
            if parameter in _FORMATS:
                return _FORMATS[parameter]
    return None


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

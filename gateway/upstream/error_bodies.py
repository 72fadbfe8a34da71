"""Error bodies, parsed by their content and not by their Content-Type.

The same text arrives under several content types: the BFF forwards foreign bodies as plain strings and labels
them by the caller's `Accept` (mod-circulation-bff), circulation sends 404 without any type, Okapi sends text
and the sidecar JSON.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from gateway.errors import OverridableBlock, Parameter, Reason
from gateway.upstream.record_types import decode_object

MAX_MESSAGE = 1000  # characters; FOLIO's own longest are below 300
MAX_REASONS = 100  # of one response, parameters of one reason, permissions of one block; FOLIO sends few
MAX_TEXT = 4096  # bytes; a longer body is no text of Okapi, of which the longest are below 500

# The patterns below take linear time: no two repetitions that follow each other match the same characters,
# and none runs over the start of another match. They are applied to texts that are cut.

# A line of a stack trace, as Java and .NET write it: `at org.folio.Loan.of(Loan.java:7)`.
_STACK_FRAME = re.compile(r"(?m)^[^\S\n]*at [\w.$<>/`]+\(")

# The texts of Okapi (mod-authtoken, ProxyService), and the message of folio-module-sidecar.
_PERMISSION = re.compile(rb"(?:Access for user [^\n]*|Token missing, access) requires permission: (\S+)\s*")
_OKAPI_NOT_ROUTED = "No suitable module found"
_OKAPI_PATH = re.compile(rb"%b for path (\S+)(?: for tenant \S+)?\s*" % _OKAPI_NOT_ROUTED.encode())
_SIDECAR_NOT_ROUTED = "route_not_found_error"
_SIDECAR_ROUTE = re.compile(r"\[method: (\w+), path: ([^\s\],]+)\]")
_KONG_NOT_ROUTED = "no Route matched with those values"


def read_reasons(body: bytes, own_texts: tuple[str, ...] = ()) -> list[Reason]:
    """Return the reasons of a 400 or 422; none from free text, unless it begins with one of `own_texts`.

    They are `errors[]`, `{message}`, `{error}`, or the `{errorMessage}` of mod-feesfines.

    These are the first `MAX_REASONS`, each text cut to `MAX_MESSAGE` characters. Free text is not forwarded:
    it may contain queries, paths and stack traces of the services.
    """
    content = _object(body)
    listed = content.get("errors")
    if isinstance(listed, list):
        return [_reason(each) for each in listed[:MAX_REASONS] if isinstance(each, Mapping)]
    messages = (_text(content.get(name)) for name in ("message", "error", "errorMessage"))
    message = next(filter(None, messages), None)
    if message:
        return [Reason(message=message, code=_text(content.get("code")))]
    text = _text(body[:MAX_TEXT].decode("utf-8", "replace")) if own_texts else None
    return [Reason(message=text)] if text is not None and text.startswith(own_texts) else []


def is_token_missing(body: bytes) -> bool:
    """Return True if a 400 is Okapi's form of a 401 (`Token missing, access requires permission: ...`)."""
    return body.startswith(b"Token missing")


def missing_permission(body: bytes) -> str | None:
    """Return the permission that a 403 or 400 of Okapi names; None for any other body."""
    match = None if len(body) > MAX_TEXT else _PERMISSION.fullmatch(body)
    return None if match is None else match[1].decode("utf-8", "replace")


def has_folio_errors(body: bytes) -> bool:
    """Return True if a body is FOLIO's own form of an error: `errors[]`, each with a message."""
    listed = _object(body).get("errors")
    return isinstance(listed, list) and any(
        isinstance(each, Mapping) and isinstance(each.get("message"), str) for each in listed
    )


def is_not_routed(body: bytes) -> bool:
    """Return True if a 404 is about the path and not about a record: Okapi's, Kong's or the sidecar's."""
    start = body[:200]
    return (
        _OKAPI_NOT_ROUTED.encode() in start
        or _SIDECAR_NOT_ROUTED.encode() in body
        or _KONG_NOT_ROUTED.encode() in start
    )


def is_route_missing(body: bytes, method: str, paths: Collection[str]) -> bool:
    """Return True if a 404 says that this very route is absent.

    Okapi and the sidecar name the path, so one that names another may be the response to a later call of a
    module. Kong names none, but modules do not call each other through it.
    """
    match = None if len(body) > MAX_TEXT else _OKAPI_PATH.fullmatch(body)
    if match is not None:
        return match[1].decode("utf-8", "replace") in paths
    content = _object(body)
    if content.get("message") == _KONG_NOT_ROUTED:
        return True
    listed = content.get("errors")
    return isinstance(listed, list) and any(_names_route(each, method, paths) for each in listed)


def _names_route(error: object, method: str, paths: Collection[str]) -> bool:
    if not isinstance(error, Mapping) or error.get("code") != _SIDECAR_NOT_ROUTED:
        return False
    match = _SIDECAR_ROUTE.search(_text(error.get("message")) or "")
    return match is not None and match[1] == method and match[2] in paths


def _object(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object in a body; an empty one if there is none."""
    return decode_object(body) or {}


def _reason(error: Mapping[str, Any]) -> Reason:
    parameters = error.get("parameters")
    return Reason(
        message=_text(error.get("message")) or "No reason was given.",
        code=_text(error.get("code")),
        parameters=[
            Parameter(key=key, value=_text(each.get("value")))
            for each in (parameters[:MAX_REASONS] if isinstance(parameters, list) else [])
            if isinstance(each, Mapping) and (key := _text(each.get("key"))) is not None
        ],
        overridable_block=_block(error.get("overridableBlock")),
    )


def _block(block: object) -> OverridableBlock | None:
    if not isinstance(block, Mapping) or not isinstance(block.get("name"), str):
        return None
    name = _text(block["name"])
    if name is None:
        return None
    missing = block.get("missingPermissions")
    texts = map(_text, missing[:MAX_REASONS] if isinstance(missing, list) else [])
    return OverridableBlock(name=name, missing_permissions=[text for text in texts if text is not None])


def _text(value: object) -> str | None:
    """Return a single value as text; None for objects, lists and stack traces.

    A stack trace is looked for a little beyond the cut, which may be in its first line.
    """
    if value is None or isinstance(value, Mapping | list):
        return None
    text = str(value)[: 2 * MAX_MESSAGE]
    return None if _STACK_FRAME.search(text) else text[:MAX_MESSAGE]

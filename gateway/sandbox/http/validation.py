"""Validation of JSON bodies: required fields and the kinds of their values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.sandbox.clock import parse_timestamp
from gateway.sandbox.http.errors import InvalidRequest, Refused, reason
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.library import Record

# The pattern of FOLIO's Spring modules: versions 1 to 5 only.
UUID_1_TO_5 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_uuid(value: object) -> bool:
    return isinstance(value, str) and UUID_1_TO_5.fullmatch(value) is not None


def is_date(value: object) -> bool:
    try:
        parse_timestamp(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


CHECKS = {"text": is_text, "uuid": is_uuid, "date": is_date}


def validate_body(http_request: HttpRequest, kinds: Mapping[str, str], required: Mapping[str, str]) -> Record:
    """Return the body without nulls, its required fields present and each field of its kind.

    `required` maps a field to mod-circulation's message for its absence. Raises InvalidRequest at the BFF,
    whose framework validates first, and Refused or BadRequest at mod-circulation.
    """
    body = {name: value for name, value in http_request.json_object().items() if value is not None}
    for name, message in required.items():
        if name not in body:
            raise InvalidRequest() if http_request.is_bff else Refused([reason(message, {name: None})])
    for name, kind in kinds.items():
        if name in body and not CHECKS[kind](body[name]):
            raise http_request.invalid_input(f"{name} is not valid: {body[name]}")
    return body

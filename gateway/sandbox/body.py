"""What a body must hold before a service looks at it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.sandbox.clock import moment_of
from gateway.sandbox.exchange import Exchange
from gateway.sandbox.library import Record
from gateway.sandbox.refusals import Malformed, Refused, reason

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
        moment_of(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


CHECKS = {"text": is_text, "uuid": is_uuid, "date": is_date}


def checked(exchange: Exchange, kinds: Mapping[str, str], required: Mapping[str, str]) -> Record:
    """The body, when each of its fields is of its kind and none that is required is missing.

    `required` maps a field to the words with which mod-circulation misses it. Raises Malformed at the BFF,
    which checks first, and Refused or BadRequest at mod-circulation.
    """
    body = {name: value for name, value in exchange.record().items() if value is not None}
    for name, message in required.items():
        if name not in body:
            raise Malformed() if exchange.through_bff else Refused([reason(message, {name: None})])
    for name, kind in kinds.items():
        if name in body and not CHECKS[kind](body[name]):
            raise exchange.unreadable(f"{name} is not valid: {body[name]}")
    return body

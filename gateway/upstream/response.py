"""What comes back: a status and a body, and the JSON in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

Record = dict[str, Any]
"""A JSON object as upstream sent it. `Any` because this is where JSON becomes a record."""

# A number beyond those of a double, such as 1e999, is one bad leaf and no bad answer: it is read as infinity.
_decode = msgspec.json.Decoder(float_hook=float).decode


class UpstreamResponse(msgspec.Struct, frozen=True):
    """A status that the caller of a client asked to see, with its body, and when its request was sent.

    Names of `headers` are asked for in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: datetime


def decoded(body: bytes) -> object:
    """The JSON in `body`, whatever its label said; None where it is not JSON."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

"""What an act is, to whoever has to look up later whether it happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.upstream.response import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """An act as the caller knows it, so that an unknown outcome can be looked up.

    `keys` are the caller's own (barcodes, ids); `verify` names the query that tells what happened.
    `looks_up_afterwards` is true where upstream acts first and looks up afterwards, so that its 403 and 404
    do not mean that nothing happened (mod-circulation-bff, CheckInServiceImpl).
    """

    operation: str
    keys: Mapping[str, str | int]
    verify: str
    looks_up_afterwards: bool = False


def keys_in(body: Record, *names: str) -> dict[str, str]:
    """The caller's own keys in the body of an act, as far as they were given."""
    return {name: body[name] for name in names if name in body}

"""The record of calls to the sandbox, for tests that count them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LOGGED_HEADERS = frozenset(
    {
        "accept",
        "authorization",
        "content-type",
        "user-agent",
        "x-okapi-tenant",
        "x-okapi-token",
        "x-okapi-request-id",
        "x-okapi-url",
    }
)
MAX_CALLS = 10_000  # enough for any test, little enough for a demo that runs for weeks


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call that the sandbox received."""

    method: str
    path: str
    query: Mapping[str, str]
    tenant: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


def select_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in LOGGED_HEADERS}

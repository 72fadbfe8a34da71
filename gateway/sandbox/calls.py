"""What was asked of the sandbox, for tests that count calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT_HEADERS = frozenset(
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
MOST_CALLS = 10_000  # enough for any test, little enough for a demo that runs for weeks


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    query: Mapping[str, str]
    tenant: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in KEPT_HEADERS}

"""The record of calls to the sandbox, for tests that count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import Message, Scope, Send

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


@dataclass(slots=True)
class WriteCounts:
    """The writes that the library processed, by method and path; a call that a fault kept from it is none.

    `served` counts each, `applied` those with a successful response (2xx), even if a fault replaced it.
    """

    served: Counter[tuple[str, str]] = field(default_factory=Counter)
    applied: Counter[tuple[str, str]] = field(default_factory=Counter)

    def clear(self) -> None:
        self.served.clear()
        self.applied.clear()

    def counted(self, scope: Scope, send: Send) -> Send:
        """Wrap the `send` of a call so that it is counted when its response starts; reads are not."""
        if scope["method"] == "GET":
            return send
        call = scope["method"], scope["path"]

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.served[call] += 1
                if 200 <= message["status"] < 300:
                    self.applied[call] += 1
            await send(message)

        return send_counted


def select_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in LOGGED_HEADERS}

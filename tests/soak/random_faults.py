"""Random faults of the sandbox: some calls fail before the library processes them, some writes after."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

from starlette.types import Message, Receive, Scope, Send

from gateway.sandbox import Sandbox
from gateway.sandbox.http.faults import Fault, Faults, Kind, send_fault

SEED = 20261122
EARLY_KINDS: tuple[Kind, ...] = ("status", "slow", "truncate", "wrong_shape", "html", "empty", "reset")
# A released lock is a 200, empty or JSON, so JSON of another shape cannot be distinguished from it.
UNLOCK_KINDS: tuple[Kind, ...] = ("status", "slow", "html", "reset")
LATE_KINDS: tuple[Kind, ...] = ("status", "wrong_shape", "html", "empty", "reset")
STATUSES = (500, 502, 503, 504)
COOKIES = (b"folioAccessToken=stolen; Path=/", b"JSESSIONID=shared; Path=/")


class RandomFaults(Faults):
    """Faults drawn at random from a fixed seed, so that a run with the same order of calls repeats them.

    `early` is the share of calls that fail before the library processes them, `late` the share of writes
    that succeed and whose response then fails. Nothing fails until `enabled` is set. `drawn` counts kinds.
    """

    def __init__(self, *, early: float, late: float) -> None:
        super().__init__()
        self.early = early
        self.late = late
        self.random = random.Random(SEED)  # noqa: S311 - repeatable, not secret
        self.drawn: Counter[str] = Counter()
        self.enabled = False

    def take(self, method: str, path: str) -> Fault | None:
        kinds = UNLOCK_KINDS if method == "DELETE" else EARLY_KINDS
        return self.draw(kinds) if self.enabled and self.random.random() < self.early else None

    def take_late(self, method: str) -> Fault | None:
        kinds: tuple[Kind, ...] = ("status", "html", "reset") if method == "DELETE" else LATE_KINDS
        is_eligible = self.enabled and method != "GET"
        return self.draw(kinds) if is_eligible and self.random.random() < self.late else None

    def draw(self, kinds: tuple[Kind, ...]) -> Fault:
        kind = self.random.choice(kinds)
        self.drawn[kind] += 1
        return Fault(kind=kind, status=self.random.choice(STATUSES), delay=0.02)


class FaultyUpstream:
    """The sandbox with random faults, which also sets cookies. Each call goes to `on_call` first."""

    def __init__(self, sandbox: Sandbox, faults: RandomFaults) -> None:
        self.sandbox = sandbox
        self.faults = faults
        sandbox.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = await read_body(receive)
        self.on_call(scope, headers, body)

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookies = [(b"set-cookie", cookie) for cookie in COOKIES]
                message = {**message, "headers": [*message["headers"], *cookies]}
            await send(message)

        async def discard(message: Message) -> None:
            pass

        late = self.faults.take_late(scope["method"])
        if late is None:
            await self.sandbox(scope, receive_again, send_with_cookies)
            return
        await self.sandbox(scope, receive_again, discard)
        await send_fault(late, scope, receive_again, send_with_cookies)

    def on_call(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        """Receive each call before its response, with its headers in lower case. For subclasses."""


async def read_body(receive: Receive) -> bytes:
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)

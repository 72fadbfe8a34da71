"""An upstream in bad weather: some calls fail before the library does anything, and some acts after."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

from starlette.types import Message, Receive, Scope, Send

from gateway.sandbox import Sandbox
from gateway.sandbox.http.faults import Fault, Faults, Kind, send_fault

SEED = 20261122
EARLY_KINDS: tuple[Kind, ...] = ("status", "slow", "truncate", "wrong_shape", "html", "empty", "reset")
# A released lock is a 200 that is bare or JSON, so JSON of another shape in its place cannot be told from it.
UNLOCK_KINDS: tuple[Kind, ...] = ("status", "slow", "html", "reset")
LATE_KINDS: tuple[Kind, ...] = ("status", "wrong_shape", "html", "empty", "reset")
STATUSES = (500, 502, 503, 504)


class Weather(Faults):
    """Faults by chance, the same ones in each run as far as the order of calls is.

    `early` is the share of all calls that fail before the library does anything, `late` the share of acts
    that are done and whose answer then fails. Nothing fails until `bad` is set. `drawn` counts the kinds.
    """

    def __init__(self, *, early: float, late: float) -> None:
        super().__init__()
        self.early = early
        self.lateness = late
        self.chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
        self.drawn: Counter[str] = Counter()
        self.bad = False

    def take(self, method: str, path: str) -> Fault | None:
        kinds = UNLOCK_KINDS if method == "DELETE" else EARLY_KINDS
        return self.draw(kinds) if self.bad and self.chance.random() < self.early else None

    def late(self, method: str) -> Fault | None:
        kinds: tuple[Kind, ...] = ("status", "html", "reset") if method == "DELETE" else LATE_KINDS
        act = self.bad and method != "GET"
        return self.draw(kinds) if act and self.chance.random() < self.lateness else None

    def draw(self, kinds: tuple[Kind, ...]) -> Fault:
        kind = self.chance.choice(kinds)
        self.drawn[kind] += 1
        return Fault(kind=kind, status=self.chance.choice(STATUSES), delay=0.02)


class Upstream:
    """The sandbox in such weather, which hands out cookies too. What it is sent goes to `asked` first."""

    def __init__(self, sandbox: Sandbox, weather: Weather) -> None:
        self.sandbox = sandbox
        self.weather = weather
        sandbox.faults = weather

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = await body_of(receive)
        self.asked(scope, headers, body)

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookies = [b"folioAccessToken=stolen; Path=/", b"JSESSIONID=shared; Path=/"]
                more = [(b"set-cookie", cookie) for cookie in cookies]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        async def swallow(message: Message) -> None:
            pass

        late = self.weather.late(scope["method"])
        if late is None:
            await self.sandbox(scope, again, with_cookies)
            return
        await self.sandbox(scope, again, swallow)
        await send_fault(late, scope, again, with_cookies)

    def asked(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        """For whoever wants to know: each call before it is answered, its headers in lower case."""


async def body_of(receive: Receive) -> bytes:
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)

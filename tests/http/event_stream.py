"""The events of a stream, as a client reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import msgspec

EVENT_STREAM = "text/event-stream"


class Event(NamedTuple):
    """One event: its name, its data, decoded if there is any, and its id."""

    name: str
    data: Any
    id: str | None = None


def events_of(content: bytes) -> list[Event]:
    """Return the events of a stream, without its comments. The last one must be complete."""
    *blocks, rest = content.decode().split("\n\n")
    assert rest == ""
    return [event_of(block) for block in blocks if not block.startswith(":")]


def event_of(block: str) -> Event:
    """Return the event of its lines, each of which has a different field."""
    fields = dict(line.split(":", 1) for line in block.split("\n"))
    assert len(fields) == block.count("\n") + 1
    data = fields.pop("data").removeprefix(" ")
    event_id = fields.pop("id", None)
    name = fields.pop("event").removeprefix(" ")
    assert fields == {}
    return Event(name, msgspec.json.decode(data) if data else None, event_id and event_id.removeprefix(" "))


async def read_events(response: httpx.Response) -> AsyncIterator[Event]:
    """Yield the events of an open stream as they come."""
    lines: list[str] = []
    async for line in response.aiter_lines():
        if line and not line.startswith(":"):
            lines.append(line)
        elif lines and not line:
            yield event_of("\n".join(lines))
            lines.clear()

"""The log lines of the gateway during a test, in their production form."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.observability.line_output import LineOutput
from gateway.observability.logs import JsonFormatter, LineHandler

Json = Any  # a line is JSON of the shape that each test expects


class LogLines:
    """The lines of the gateway's loggers, from `info` on."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[Json]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[Json]:
        return [line for line in self.all if line["event"] == event]


@contextmanager
def logged() -> Iterator[LogLines]:
    """Write the lines in their production form, in addition to other handlers."""
    lines = LogLines()
    handler = LineHandler(LineOutput(lines.stream))
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger("gateway")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        log.removeHandler(handler)
        log.setLevel(level)

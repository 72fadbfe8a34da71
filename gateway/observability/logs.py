"""Log lines: one JSON object each, or one line of text.

The standard library's loggers carry them, as they do those of every library in use, and what writes them is
one formatter for all. structlog's for lines of others took five times as long for each (measured).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, TextIO, TypeAlias

import msgspec

Format: TypeAlias = Literal["json", "text"]

_FIELDS = "fields"
_encode = msgspec.json.Encoder(enc_hook=str).encode


def write(
    log: logging.Logger, event: str, fields: Mapping[str, object], level: int = logging.INFO
) -> None:
    """Write a line with these members besides the usual ones; they must be JSON.

    Whether the logger takes the level has been asked. `Logger.info` would look for its caller first, in half
    of the time that a line takes.
    """
    record = logging.LogRecord(log.name, level, __file__, 0, event, (), None)
    record.__dict__[_FIELDS] = fields
    log.handle(record)


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object: `timestamp`, `level`, `logger`, `event`, and its fields.

    `timestamp` is in UTC with milliseconds, `exception` is there where one was logged.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "timestamp": _timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update(getattr(record, _FIELDS, ()))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line).decode()


class TextFormatter(logging.Formatter):
    """Writes a record as people read it in a terminal; the fields stand behind as `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        fields: Mapping[str, object] = getattr(record, _FIELDS, {})
        parts = [
            f"{_timestamp(record.created)} {record.levelname.lower():7} {record.name}: {record.getMessage()}",
            *(f"{name}={_encode(value).decode()}" for name, value in fields.items()),
        ]
        if record.exc_info:
            parts.append("\n" + self.formatException(record.exc_info))
        return " ".join(parts)


def configure(level: str, shape: Format, stream: TextIO | None = None) -> None:
    """Send the log lines of this process to `stream`, the standard error stream unless it is given.

    Lines of the gateway come from `level` on, those of the libraries from `warning` on.
    """
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False  # nobody reads them
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if shape == "json" else TextFormatter())
    ours = logging.getLogger("gateway")
    ours.setLevel(level.upper())
    ours.handlers = [handler]
    ours.propagate = False
    others = logging.StreamHandler(stream or sys.stderr)
    others.setFormatter(handler.formatter)
    others.setLevel(logging.WARNING)
    logging.getLogger().handlers = [others]


def _timestamp(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")

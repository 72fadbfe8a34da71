"""Log lines: one JSON object each, or one line of text.

The standard library's loggers carry them, as they do those of every library in use, and what writes them is
one formatter for all. structlog's for lines of others took five times as long for each (measured).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from time import time
from typing import Literal, TextIO, TypeAlias

import msgspec

Format: TypeAlias = Literal["json", "text"]

_FIELDS = "fields"
# What other people's formatters may ask of a record, with nothing of this one in it.
_NOWHERE = vars(logging.makeLogRecord({"pathname": __file__, "filename": "logs.py", "module": "logs"}))
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Line(logging.LogRecord):
    """A record with fields, made in less time: it looks for no caller, thread or task."""

    def __init__(self, name: str, level: int, event: str, fields: Mapping[str, object]) -> None:
        created = time()
        self.__dict__.update(
            _NOWHERE,
            name=name,
            levelno=level,
            levelname=logging.getLevelName(level),
            msg=event,
            created=created,
            msecs=created % 1 * 1000,
            fields=fields,
        )


def write(log: logging.Logger, event: str, fields: Mapping[str, object], level: int = logging.INFO) -> None:
    """Write a line with these members besides the usual ones; they must be JSON.

    Whether the logger takes the level has been asked.
    """
    log.handle(Line(log.name, level, event, fields))


class Lines(logging.StreamHandler[TextIO]):
    """Writes each line at once and whole, so that those of several processes do not mix."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = self.stream
            stream.write(self.format(record) + "\n")
            stream.flush()
        except Exception:  # a full disk, a closed pipe: the standard library's own way
            self.handleError(record)


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


@contextmanager
def written(level: str, shape: Format, stream: TextIO | None = None) -> Iterator[None]:
    """Send the log lines of this process to `stream`, the standard error stream unless it is given.

    Lines of the gateway come from `level` on, those of the libraries from `warning` on. Afterwards all is as
    it was before.
    """
    ours, root = logging.getLogger("gateway"), logging.getLogger()
    before = ours.level, ours.propagate
    handler, others = Lines(stream or sys.stderr), Lines(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if shape == "json" else TextFormatter())
    others.setFormatter(handler.formatter)
    others.setLevel(logging.WARNING)
    ours.setLevel(level.upper())
    ours.propagate = False
    ours.addHandler(handler)
    root.addHandler(others)
    try:
        yield
    finally:
        root.removeHandler(others)
        ours.removeHandler(handler)
        ours.setLevel(before[0])
        ours.propagate = before[1]


def _timestamp(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")

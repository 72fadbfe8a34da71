"""Log lines, as JSON objects or as text.

They are records of the standard library's loggers, as those of every library in use, and share one formatter.
structlog's formatter for records of other libraries takes five times as long per line (measured).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from time import time
from typing import TextIO

import msgspec

from gateway.observability.line_output import LineOutput
from gateway.settings import ObservabilitySettings

_FIELDS = "fields"
# The attributes that other formatters may read of a record.
_PLACELESS = vars(logging.makeLogRecord({"pathname": __file__, "filename": "logs.py", "module": "logs"}))
_LEVELS = {logging.INFO: "info", logging.WARNING: "warning"}
_gateway = logging.getLogger("gateway")
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Line(logging.LogRecord):
    """A record with fields; faster to create, because it has no caller, thread or task."""

    def __init__(self, name: str, level: int, event: str, fields: Mapping[str, object]) -> None:
        created = time()
        self.__dict__.update(
            _PLACELESS,
            name=name,
            levelno=level,
            levelname=logging.getLevelName(level),
            msg=event,
            created=created,
            msecs=created % 1 * 1000,
            fields=fields,
        )


def write(log: logging.Logger, event: str, fields: Mapping[str, object], level: int = logging.INFO) -> None:
    """Write a line with additional fields, which must be JSON.

    The caller has checked that the logger is enabled for the level. Without a record of the standard library
    where no handler but that of `configure` would receive one, which takes half of the time.
    """
    handlers = _gateway.handlers
    if len(handlers) == 1 and not (_gateway.propagate or _gateway.filters or log.handlers or log.filters):
        (handler,) = handlers
        if type(handler) is LineHandler and type(handler.formatter) is JsonFormatter:
            handler.output.write_line(json_line(log.name, level, event, time(), fields))
            return
    log.handle(Line(log.name, level, event, fields))


class LineHandler(logging.Handler):
    """Writes each record as one line to an output, which several loggers share."""

    def __init__(self, output: LineOutput) -> None:
        super().__init__()
        self.output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # arguments that do not fit the message: as in the standard library
            line = f"{record.levelname} {record.name}: a log line cannot be formatted: {record.msg!r}"
        self.output.write(line + "\n")


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: `timestamp`, `level`, `logger`, `event`, and its fields.

    `timestamp` is in UTC with milliseconds; `exception` is present if one was logged.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields = dict[str, object](getattr(record, _FIELDS, ()))
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        line = json_line(record.name, record.levelno, record.getMessage(), record.created, fields)
        return line.decode()


def json_line(name: str, level: int, event: str, created: float, fields: Mapping[str, object]) -> bytes:
    """Return a line as a JSON object, without its end."""
    return _encode(
        {
            "timestamp": _timestamp(created),
            "level": _LEVELS.get(level) or logging.getLevelName(level).lower(),
            "logger": name,
            "event": event,
            **fields,
        }
    )


class TextFormatter(logging.Formatter):
    """Formats a record as a line of text for a terminal, with its fields as `name=value`."""

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
def configure(settings: ObservabilitySettings, stream: TextIO | None = None) -> Iterator[None]:
    """Send the log lines of this process to `stream`, by default to standard error.

    LOG_LEVEL applies to the gateway; libraries log warnings and errors. The previous configuration is
    restored at the end.
    """
    gateway, root = _gateway, logging.getLogger()
    level, propagate = gateway.level, gateway.propagate
    output = LineOutput(stream or sys.stderr)
    own, others = LineHandler(output), LineHandler(output)
    own.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    others.setFormatter(own.formatter)
    others.setLevel(logging.WARNING)
    gateway.setLevel(settings.log_level.upper())
    gateway.propagate = False
    gateway.addHandler(own)
    root.addHandler(others)
    try:
        yield
    finally:
        root.removeHandler(others)
        gateway.removeHandler(own)
        gateway.setLevel(level)
        gateway.propagate = propagate


def _timestamp(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")

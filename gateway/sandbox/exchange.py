"""One call being answered: who asks which library for what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from gateway.sandbox.library import Library, Record
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import Answered, BadRequest, Malformed

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    library: Library
    caller: Caller
    path: str
    path_values: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    tenants: Mapping[str, Library] = field(default_factory=dict)

    @property
    def through_bff(self) -> bool:
        return self.path.startswith("/circulation-bff/")

    def unreadable(self, message: str) -> Answered:
        """What this service raises for a parameter or a body it cannot read."""
        return Malformed() if self.through_bff else BadRequest(message)

    def uuid(self, name: str = "id") -> str:
        """A path id in lower case. Raises what the service answers to one that is no UUID."""
        value = self.path_values[name]
        if not UUID.fullmatch(value):
            raise self.unreadable(f"{name} is not a valid UUID: {value}")
        return value.lower()

    def number(self, name: str, default: int) -> int:
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) > 2147483647:
            raise self.unreadable(f"'{name}' parameter is incorrect. parameter value {{{text}}} is not valid")
        return int(text)

    def record(self) -> Record:
        """The body as a JSON object."""
        try:
            document: Any = json.loads(self.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise self.unreadable("Failed to decode: the body is not a JSON object")
        return document


Endpoint = Callable[[Exchange], Response]


def answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as the services write it: compact, UTF-8."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), status, media_type="application/json", headers=dict(headers or {}))


def without_nulls(record: Record) -> Record:
    """Services omit what they do not have; they never send null."""
    return {key: value for key, value in record.items() if value is not None}

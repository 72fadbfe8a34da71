"""A FOLIO request as the endpoints receive it, and the JSON response they return."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.responses import Response

from gateway.sandbox.http.errors import ApiError, BadRequest, InvalidRequest
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.library import Library, Record

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
MAX_INTEGER = 2147483647


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """An authenticated request to one tenant's library. `libraries` holds every tenant's.

    `query` has the last value of each parameter, `query_pairs` has all of them.
    """

    library: Library
    caller: Caller
    path: str
    path_params: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    query_pairs: Sequence[tuple[str, str]] = ()
    libraries: Mapping[str, Library] = field(default_factory=dict)
    query_lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """All values of each parameter of the query string; `query` has the last one."""

    @property
    def is_bff(self) -> bool:
        """True if the circulation BFF serves the path."""
        return self.path.startswith("/circulation-bff/")

    def invalid_input(self, message: str) -> ApiError:
        """Return the error that the service raises for an invalid parameter or body."""
        return InvalidRequest() if self.is_bff else BadRequest(message)

    def path_uuid(self, name: str = "id") -> str:
        """Return a path parameter in lower case. Raises `invalid_input` if it is not a UUID."""
        value = self.path_params[name]
        if not UUID.fullmatch(value):
            raise self.invalid_input(f"{name} is not a valid UUID: {value}")
        return value.lower()

    def query_number(self, name: str, default: int) -> int:
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) > MAX_INTEGER:
            raise self.invalid_input(
                f"'{name}' parameter is incorrect. parameter value {{{text}}} is not valid"
            )
        return int(text)

    def query_values(self, name: str) -> list[str]:
        """Return all values of a parameter that may be repeated."""
        return [value for each, value in self.query_pairs if each == name]

    def json_object(self) -> Record:
        """Return the body as a JSON object. Raises `invalid_input` if it is anything else."""
        try:
            document: Any = json.loads(self.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise self.invalid_input("Failed to decode: the body is not a JSON object")
        return document


Endpoint = Callable[[HttpRequest], Response]


def json_response(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Encode JSON as the services do: compact, in UTF-8."""
    return Response(
        msgspec.json.encode(document), status, media_type="application/json", headers=dict(headers or {})
    )


def omit_nulls(record: Record) -> Record:
    """Remove null fields: services leave absent fields out and never send null."""
    return {key: value for key, value in record.items() if value is not None}

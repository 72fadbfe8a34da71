"""Every error response of the services, as an exception that renders itself.

ApiError
    PlainTextError
        BadRequest            400: the query or a parameter is invalid
        NotFound              404, as modules built on raml-module-builder send it
            CirculationNotFound   404 without a content type, as mod-circulation sends it
        AccessDenied          401 or 403, as Okapi sends it
    InvalidRequest            400 in Spring's JSON: the body or a parameter failed validation
    InvalidSearch             400, errors[] in JSON, as mod-search sends it
    Refused                   422, errors[] in JSON, possibly several at once
    MediatedRequestError      400, 404 or 422, errors[] in JSON, as mod-requests-mediated sends it
"""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response

from gateway.sandbox.clock import Clock, format_timestamp
from gateway.sandbox.library import Record


class ApiError(Exception):
    def response(self, path: str) -> Response:
        raise NotImplementedError


@dataclass(eq=False)
class PlainTextError(ApiError):
    text: str
    status = 400
    has_content_type = True

    def response(self, path: str) -> Response:
        media_type = "text/plain" if self.has_content_type else None
        return Response(self.text, self.status, media_type=media_type)


class BadRequest(PlainTextError):
    """An invalid query or parameter."""


class NotFound(PlainTextError):
    """A missing record, in the form of the modules built on raml-module-builder."""

    status = 404

    def __init__(self, text: str = "Not found") -> None:
        super().__init__(text)


class CirculationNotFound(NotFound):
    """A missing loan or request: mod-circulation sends its 404 without a content type."""

    has_content_type = False


@dataclass(eq=False)
class AccessDenied(PlainTextError):
    status: int = 403


class InvalidRequest(ApiError):
    """A body or parameter that Spring's validation rejects, before the BFF's own code runs."""

    def response(self, path: str) -> Response:
        return JSONResponse(
            {
                "timestamp": format_timestamp(Clock().now()),
                "status": 400,
                "error": http.HTTPStatus(400).phrase,
                "path": path,
            },
            400,
        )


@dataclass(eq=False)
class InvalidSearch(ApiError):
    message: str

    def response(self, path: str) -> Response:
        error = {
            "message": self.message,
            "type": "ValidationException",
            "code": "validation_error",
            "parameters": [],
        }
        return JSONResponse({"errors": [error], "total_records": 1}, 400)


@dataclass(eq=False)
class Refused(ApiError):
    """A rejected write. `has_total` adds the number of reasons, as the BFF's own refusals do."""

    reasons: Sequence[Record]
    has_total: bool = False

    def response(self, path: str) -> Response:
        errors = list(self.reasons)
        total = {"total_records": len(errors)} if self.has_total else {}
        response = JSONResponse({"errors": errors} | total, 422)
        response.headers["content-type"] = "application/json; charset=utf-8"
        return response


@dataclass(eq=False)
class MediatedRequestError(ApiError):
    """One error of mod-requests-mediated, whose codes are numbers written as text."""

    message: str
    status: int = 422
    code: str | None = None
    kind: str = "ValidationException"
    parameters: Mapping[str, str] = field(default_factory=dict)

    def response(self, path: str) -> Response:
        parameters = [{"key": key, "value": value} for key, value in self.parameters.items()]
        error: Record = {"message": self.message, "type": self.kind, "parameters": parameters}
        if self.code is not None:
            error["code"] = self.code
        return JSONResponse({"errors": [error], "total_records": 1}, self.status)


def reason(
    message: str,
    parameters: Mapping[str, str | None] | None = None,
    *,
    code: str | None = None,
    block: Record | None = None,
) -> Record:
    """Build one entry of errors[]; most refusals of mod-circulation have no code."""
    entry: Record = {
        "message": message,
        "parameters": [{"key": key, "value": value} for key, value in (parameters or {}).items()],
    }
    if code is not None:
        entry["code"] = code
    if block is not None:
        entry["overridableBlock"] = block
    return entry

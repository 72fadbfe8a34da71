"""Every error response of the services, as an exception that renders itself.

ApiError
    PlainTextError
        BadRequest            400: the query or a parameter is invalid
        NotFound              404, as modules built on raml-module-builder send it
            CirculationNotFound   404 without a content type, as mod-circulation sends it
        CirculationFailure    500, as mod-circulation sends it
        AccessDenied          401 or 403, as Okapi sends it
    InvalidRequest            400 in Spring's JSON: the body or a parameter failed validation
        ServerError               500 in Spring's JSON: the module has no handler for its exception
    InvalidSearch             400, errors[] in JSON, as mod-search sends it
    InvalidLogQuery           400, one error in JSON, as mod-audit sends it
    Refused                   422, errors[] in JSON, possibly several at once
    CalendarError             400 or 500, errors[] in JSON, as mod-calendar sends it
    MediatedRequestError      400, 404 or 422, errors[] in JSON, as mod-requests-mediated sends it
    NotesError                404 or 422, errors[] in JSON, as mod-notes sends it
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


class CirculationFailure(PlainTextError):
    """A failure of mod-circulation, such as rules that it cannot apply."""

    status = 500


@dataclass(eq=False)
class AccessDenied(PlainTextError):
    status: int = 403


class InvalidRequest(ApiError):
    """A body or parameter that Spring's validation rejects, before the BFF's own code runs."""

    status = 400

    def response(self, path: str) -> Response:
        return JSONResponse(
            {
                "timestamp": format_timestamp(Clock().now()),
                "status": self.status,
                "error": http.HTTPStatus(self.status).phrase,
                "path": path,
            },
            self.status,
        )


class ServerError(InvalidRequest):
    """An exception that no handler of a Spring module expects."""

    status = 500


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
class InvalidLogQuery(ApiError):
    message: str

    def response(self, path: str) -> Response:
        error = {"message": self.message, "code": "HTTP_BAD_REQUEST", "parameters": []}
        return JSONResponse(error, 400)


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
    """One error of mod-requests-mediated, whose codes are numbers written as text.

    Errors with a code have no type (its ApiExceptionHandler).
    """

    message: str
    status: int = 422
    code: str | None = None
    kind: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    def response(self, path: str) -> Response:
        parameters = [{"key": key, "value": value} for key, value in self.parameters.items()]
        error: Record = {"message": self.message, "parameters": parameters}
        if self.code is not None:
            error["code"] = self.code
        if self.kind is not None:
            error["type"] = self.kind
        return JSONResponse({"errors": [error], "total_records": 1}, self.status)


@dataclass(eq=False)
class NotesError(ApiError):
    """The error of mod-notes (its ErrorHandling and ErrorsHelper): no total, and no parameters."""

    message: str
    status: int = 422
    code: str = "VALIDATION_ERROR"

    def response(self, path: str) -> Response:
        error = {"message": self.message, "type": "-1", "code": self.code}
        return JSONResponse({"errors": [error]}, self.status)


@dataclass(eq=False)
class CalendarError(ApiError):
    """An error of mod-calendar, whose parameters are an object (its AbstractCalendarException)."""

    message: str
    code: str
    status: int = 400

    def response(self, path: str) -> Response:
        error = {"code": self.code, "message": self.message, "_parameters": {}}
        timestamp = format_timestamp(Clock().now())
        return JSONResponse({"timestamp": timestamp, "status": self.status, "errors": [error]}, self.status)


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

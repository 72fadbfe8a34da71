"""Every way a service says no, as an exception that knows its own answer.

Answered
    NotFound        404, plain text
    BadRequest      400, plain text
    Malformed       400, the framework's JSON: the body or a parameter failed validation
    BadSearch       400, errors[] in JSON, as mod-search answers
    Denied          401 or 403, plain text, as Okapi answers
    Refused         422, errors[] in JSON, possibly several at once
    Unmediated      400, 404 or 422, errors[] in JSON, as mod-requests-mediated answers
"""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response

from gateway.sandbox.clock import Clock, iso
from gateway.sandbox.library import Record


class Answered(Exception):
    def response(self, path: str) -> Response:
        raise NotImplementedError


@dataclass(eq=False)
class PlainText(Answered):
    text: str
    status = 400
    labelled = True

    def response(self, path: str) -> Response:
        media_type = "text/plain" if self.labelled else None
        return Response(self.text, self.status, media_type=media_type)


class BadRequest(PlainText):
    """The query or a parameter cannot be understood."""


class NotFound(PlainText):
    """A record that is not there, in the form of the modules on raml-module-builder."""

    status = 404

    def __init__(self, text: str = "Not found") -> None:
        super().__init__(text)


class LoanOrRequestNotFound(NotFound):
    """mod-circulation sends its 404 without a content type."""

    labelled = False


@dataclass(eq=False)
class Denied(PlainText):
    status: int = 403


class Malformed(Answered):
    """Spring's answer to a body or parameter that fails validation, before the BFF's own code runs."""

    def response(self, path: str) -> Response:
        return JSONResponse(
            {
                "timestamp": iso(Clock().now()),
                "status": 400,
                "error": http.HTTPStatus(400).phrase,
                "path": path,
            },
            400,
        )


@dataclass(eq=False)
class BadSearch(Answered):
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
class Refused(Answered):
    """`counted` adds the number of reasons, as the BFF does where the refusal is its own."""

    reasons: Sequence[Record]
    counted: bool = False

    def response(self, path: str) -> Response:
        errors = list(self.reasons)
        count = {"total_records": len(errors)} if self.counted else {}
        body = JSONResponse({"errors": errors} | count, 422)
        body.headers["content-type"] = "application/json; charset=utf-8"
        return body


@dataclass(eq=False)
class Unmediated(Answered):
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
    """One entry of errors[]; most refusals of mod-circulation carry no code."""
    entry: Record = {
        "message": message,
        "parameters": [{"key": key, "value": value} for key, value in (parameters or {}).items()],
    }
    if code is not None:
        entry["code"] = code
    if block is not None:
        entry["overridableBlock"] = block
    return entry

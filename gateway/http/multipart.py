"""Incremental delivery over HTTP: a multipart response for operations with `@defer`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLError,
    InitialIncrementalExecutionResult,
    SubsequentIncrementalExecutionResult,
)

from gateway.engine.documents import Operation
from gateway.engine.error_masking import all_masked

BOUNDARY = b"-"
OPENING = b"\r\n--" + BOUNDARY
CLOSING = b"--\r\n"
MEDIA_TYPE = b'multipart/mixed; boundary="' + BOUNDARY + b'"; incrementalSpec=v0.2'

Json = dict[str, Any]  # Any: members of a response


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A response of which the first part is ready and the others are pending."""

    first: InitialIncrementalExecutionResult
    others: AsyncGenerator[SubsequentIncrementalExecutionResult, None]
    operation: Operation


def enclosed(json: bytes) -> bytes:
    """Frame one part. The trailing boundary lets the client process it without delay."""
    return b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n" + json + b"\r\n--" + BOUNDARY


class PartWriter:
    """Write the parts of one response (incremental v0.2). `problems` are the errors written so far."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.problems: list[Json] = []

    def first(self, part: InitialIncrementalExecutionResult) -> Json:
        """Return the initial part."""
        pending = [each.formatted for each in part.pending]
        return {**self._errors(part.errors), "data": part.data, "pending": pending, "hasNext": part.has_next}

    def next(self, part: SubsequentIncrementalExecutionResult) -> Json:
        """Return a subsequent part."""
        written: Json = {}
        if part.pending:
            written["pending"] = [each.formatted for each in part.pending]
        if part.incremental:
            written["incremental"] = [self._value(each) for each in part.incremental]
        if part.completed:
            written["completed"] = [{"id": each.id, **self._errors(each.errors)} for each in part.completed]
        return {**written, "hasNext": part.has_next}

    def _value(self, value: Any) -> Json:  # Any: @stream is not served, so every value is of @defer
        written = {"id": value.id, "data": value.data, **self._errors(value.errors)}
        if value.sub_path:
            written["subPath"] = value.sub_path
        return written

    def _errors(self, errors: Sequence[GraphQLError] | None) -> Json:
        if not errors:
            return {}
        masked = all_masked(errors, self.request_id)
        self.problems += masked
        return {"errors": masked}

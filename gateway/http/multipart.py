"""Incremental delivery over HTTP: a multipart response for operations with `@defer`.

Parts have the form of incremental delivery v0.2, in which they refer to each other by ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import (
    GraphQLError,
    InitialIncrementalExecutionResult,
    SubsequentIncrementalExecutionResult,
)

from gateway.engine.error_masking import mask_errors

BOUNDARY = b"-"
OPENING = b"\r\n--" + BOUNDARY
CLOSING = b"--\r\n"
MEDIA_TYPE = b'multipart/mixed; boundary="' + BOUNDARY + b'"; incrementalSpec=v0.2'

Json = dict[str, Any]  # Any: members of a response


def frame_part(json: bytes) -> bytes:
    """Frame one part. With the boundary at its end the client can process it without delay."""
    return b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n" + json + b"\r\n--" + BOUNDARY


class PartFormatter:
    """Formats the parts of one response. `errors` are those of all parts so far."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.errors: list[Json] = []

    def format_initial(self, part: InitialIncrementalExecutionResult, extensions: Json) -> Json:
        """Return the members of the initial part."""
        pending = [each.formatted for each in part.pending]
        members = {**self._mask(part.errors), "data": part.data, "pending": pending, "hasNext": part.has_next}
        return {**members, "extensions": extensions} if extensions else members

    def format_subsequent(self, part: SubsequentIncrementalExecutionResult) -> Json:
        """Return the members of a subsequent part."""
        members: Json = {}
        if part.pending:
            members["pending"] = [each.formatted for each in part.pending]
        if part.incremental:
            members["incremental"] = [self._format_value(each) for each in part.incremental]
        if part.completed:
            members["completed"] = [{"id": each.id, **self._mask(each.errors)} for each in part.completed]
        return {**members, "hasNext": part.has_next}

    def _format_value(self, value: Any) -> Json:  # Any: @stream is not supported, so it is of @defer
        members = {"id": value.id, "data": value.data, **self._mask(value.errors)}
        if value.sub_path:
            members["subPath"] = value.sub_path
        return members

    def _mask(self, errors: Sequence[GraphQLError] | None) -> Json:
        """Return the member `errors` if there are any."""
        if not errors:
            return {}
        masked = mask_errors(errors, self.request_id)
        self.errors += masked
        return {"errors": masked}

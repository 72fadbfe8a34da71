"""Answers in parts: what `@defer` puts off is sent when it is there, each part as JSON of its own.

Two forms of parts are spoken, both of which Apollo's clients know; `web.negotiation` says which one a client
asked for. The executor produces the newer one, in which parts name by id what they belong to. In the older
one they name their path and their label.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import (
    ExperimentalIncrementalExecutionResults,
    GraphQLError,
    InitialIncrementalExecutionResult,
    SubsequentIncrementalExecutionResult,
)
from graphql.execution import CompletedResult, IncrementalDeferResult, PendingResult

from gateway.engine.documents import Operation
from gateway.engine.error_masking import all_masked
from gateway.http.negotiation import IncrementalFormat

BOUNDARY = b"-"
OPENING = b"\r\n--" + BOUNDARY
CLOSING = b"--\r\n"

Json = dict[str, Any]  # Any: members of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """An answer of which the first part is there and the others are still to be made."""

    first: InitialIncrementalExecutionResult
    others: AsyncGenerator[SubsequentIncrementalExecutionResult, None]
    format: IncrementalFormat
    operation: Operation

    @classmethod
    def of(
        cls, results: ExperimentalIncrementalExecutionResults, form: IncrementalFormat, operation: Operation
    ) -> Parts:
        return cls(
            first=results.initial_result,
            others=results.subsequent_results,
            format=form,
            operation=operation,
        )

    @property
    def media_type(self) -> bytes:
        """The media type of the whole, with the parameter by which the client asked for it."""
        spec = b"deferSpec=20220824" if self.format == "2022-08-24" else b"incrementalSpec=v0.2"
        return b'multipart/mixed; boundary="' + BOUNDARY + b'"; ' + spec


def enclosed(json: bytes) -> bytes:
    """A part as it is sent. The boundary behind it tells the client at once that the part is whole."""
    return b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n" + json + b"\r\n--" + BOUNDARY


class Writer(Protocol):
    """Writes the parts of one answer in one form. `problems` gathers the errors that were written."""

    problems: list[Json]

    def first(self, part: InitialIncrementalExecutionResult) -> Json: ...
    def next(self, part: SubsequentIncrementalExecutionResult) -> Json: ...


def writer(form: IncrementalFormat, request_id: str) -> Writer:
    """What writes the parts of one answer."""
    return ByPath(request_id) if form == "2022-08-24" else ById(request_id)


class _Masking:
    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.problems: list[Json] = []

    def masked(self, errors: Sequence[GraphQLError] | None) -> Json:
        """The member `errors`, where there are some."""
        if not errors:
            return {}
        masked = all_masked(errors, self.request_id)
        self.problems += masked
        return {"errors": masked}


class ById(_Masking):
    """The form that is on its way into the specification (incremental v0.2)."""

    def first(self, part: InitialIncrementalExecutionResult) -> Json:
        pending = [each.formatted for each in part.pending]
        return {**self.masked(part.errors), "data": part.data, "pending": pending, "hasNext": part.has_next}

    def next(self, part: SubsequentIncrementalExecutionResult) -> Json:
        written: Json = {}
        if part.pending:
            written["pending"] = [each.formatted for each in part.pending]
        if part.incremental:
            written["incremental"] = [self._value(each) for each in part.incremental]
        if part.completed:
            written["completed"] = [{"id": each.id, **self.masked(each.errors)} for each in part.completed]
        return {**written, "hasNext": part.has_next}

    def _value(self, value: Any) -> Json:  # Any: @stream is not served, so all are of @defer
        written = {"id": value.id, "data": value.data, **self.masked(value.errors)}
        if value.sub_path:
            written["subPath"] = value.sub_path
        return written


class ByPath(_Masking):
    """The form of the draft of 24 August 2022."""

    def __init__(self, request_id: str) -> None:
        super().__init__(request_id)
        self._pending: dict[str, PendingResult] = {}

    def first(self, part: InitialIncrementalExecutionResult) -> Json:
        self._expect(part.pending)
        return {**self.masked(part.errors), "data": part.data, "hasNext": part.has_next}

    def next(self, part: SubsequentIncrementalExecutionResult) -> Json:
        self._expect(part.pending or ())
        values: list[Any] = list(part.incremental or ())
        written = [self._value(each) for each in values]
        written += [self._failed(each) for each in part.completed or () if each.errors]
        found: Json = {"incremental": written} if written else {}
        return {**found, "hasNext": part.has_next}

    def _expect(self, pending: Sequence[PendingResult]) -> None:
        self._pending.update((each.id, each) for each in pending)

    def _value(self, value: IncrementalDeferResult) -> Json:
        path = [*self._pending[value.id].path, *(value.sub_path or ())]
        return {"data": value.data, **self._place(value.id), "path": path, **self.masked(value.errors)}

    def _failed(self, completed: CompletedResult) -> Json:
        return {"data": None, **self._place(completed.id), **self.masked(completed.errors)}

    def _place(self, part_id: str) -> Json:
        pending = self._pending[part_id]
        label = {} if pending.label is None else {"label": pending.label}
        return {"path": pending.path, **label}

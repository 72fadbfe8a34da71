"""What is noted of one operation while it runs: counts, times and codes, and nothing of patrons."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from gateway import errors
from gateway.observability.mutations import MutationOutcome, log_mutation

if TYPE_CHECKING:  # tracing is an extra
    from gateway.observability.traces import CallSpan, OperationSpan

Kind: TypeAlias = Literal["query", "mutation", "none"]
Outcome: TypeAlias = Literal["success", "partial", "refused", "failed", "abandoned"]
"""How an operation ended.

`success`: executed without an error. `partial`: executed, with errors. `refused`: not executed, because of
the request. `failed`: not executed, because of the gateway. `abandoned`: nobody was left to answer.
"""

Status: TypeAlias = Literal[
    "1xx", "2xx", "3xx", "4xx", "5xx", "timeout", "unavailable", "unreadable", "unknown", "cancelled", "error"
]
"""How a call upstream ended: the class of the status that came, or why none did.

`timeout`: a read ran out of time. `unavailable`: nothing was sent, or the connection broke. `unreadable`:
what came is no answer. `unknown`: an act was sent and no conclusive answer came. `cancelled`: given up,
because the client had gone or the process stopped. `error`: anything else.
"""

LONGEST_NAME = 64  # characters of an operation's name

_CLASSES: tuple[Status, ...] = ("1xx", "2xx", "3xx", "4xx", "5xx")
_KINDS: tuple[tuple[type[BaseException], Status], ...] = (
    (errors.UpstreamTimeout, "timeout"),
    (errors.UpstreamUnavailable, "unavailable"),
    (errors.UpstreamBadResponse, "unreadable"),
    (errors.OutcomeUnknown, "unknown"),
    (asyncio.CancelledError, "cancelled"),
)


class UpstreamCall(NamedTuple):
    """One question or act, with all its attempts. `route` is a template, `seconds` its time in all."""

    upstream: str
    method: str
    route: str
    status: Status
    seconds: float


@dataclass(slots=True, eq=False)
class OperationRecord:
    """One operation; made when its request comes and kept up until its answer is ready.

    `loads` are the keys that loaders were asked for, `batches` the keys of each question that came of them,
    `carried` the links that were answered from what their parents hold.
    """

    began: float = field(default_factory=perf_counter)
    tenant: str | None = None
    request_id: str = ""
    kind: Kind = "none"
    name: str | None = None
    outcome: Outcome = "abandoned"
    codes: dict[str, int] = field(default_factory=dict)
    calls: list[UpstreamCall] = field(default_factory=list)
    acts: list[MutationOutcome] = field(default_factory=list)
    loads: int = 0
    batches: list[int] = field(default_factory=list)
    carried: int = 0
    seconds: float = 0.0
    upstream_seconds: float = 0.0  # while at least one call was open: side by side they count once
    span: OperationSpan | None = None
    _open_calls: int = 0
    _waiting_since: float = 0.0

    @property
    def loader_hits(self) -> int:
        """Keys that a loader was asked for and had asked upstream already."""
        return max(self.loads - sum(self.batches), 0)

    def operation_is(self, kind: Kind, name: str | None) -> None:
        """Note which operation of the document is executed. The document's own names are GraphQL names."""
        self.kind = kind
        self.name = name if name is None else name[:LONGEST_NAME]

    def answered(self, executed: bool, problems: Sequence[Mapping[str, Any]]) -> None:
        """Note how it ended: whether it was executed, and the errors as they stand in the answer.

        Any: they are JSON.
        """
        self.outcome = ("partial" if problems else "success") if executed else "refused"
        for each in problems:
            code = each["extensions"]["code"]
            self.codes[code] = self.codes.get(code, 0) + 1

    def refused(self, status: int, problem: Mapping[str, Any]) -> None:
        """Note that it ended with an HTTP status and an error of its own. Any: as above."""
        self.answered(False, (problem,))
        if status >= 500:
            self.outcome = "failed"

    def call(self, upstream: str, method: str, route: str) -> Call:
        """Note a call: `with operation.call(...) as call`, and `call.answered(status)` inside."""
        return Call(self, upstream, method, route)

    def act(self, act: str, upstream: str, outcome: str, status: int | None = None) -> None:
        """Note what came of an act, and have it logged when its answer has been read.

        That is in the next turn of the event loop: between an answer and the judgement of its body nobody
        waits. So the line is there before links below the answer are followed, and whoever has gone.
        """
        noted = MutationOutcome(act, upstream, outcome, status)
        self.acts.append(noted)
        asyncio.get_running_loop().call_soon(log_mutation, noted, self.tenant, self.request_id)

    def act_unreadable(self) -> None:
        """Note of the last act that its answer proves nothing."""
        if self.acts:
            self.acts[-1].outcome = errors.OutcomeUnknown.code

    def end(self) -> None:
        """Note that the answer is ready. Of several ends the first counts."""
        if not self.seconds:
            self.seconds = perf_counter() - self.began

    def call_began(self, now: float) -> None:
        if not self._open_calls:
            self._waiting_since = now
        self._open_calls += 1

    def call_ended(self, call: UpstreamCall, now: float) -> None:
        self.calls.append(call)
        self._open_calls -= 1
        if not self._open_calls:
            self.upstream_seconds += now - self._waiting_since


class Call:
    """One call upstream while it lasts."""

    __slots__ = ("_began", "_method", "_operation", "_route", "_span", "_status", "_upstream")

    def __init__(self, operation: OperationRecord, upstream: str, method: str, route: str) -> None:
        self._operation = operation
        self._upstream = upstream
        self._method = method
        self._route = route
        self._status: int | None = None
        self._span: CallSpan | None = None

    @property
    def trace_headers(self) -> Sequence[tuple[str, str]] | None:
        """The trace context that this call carries in place of the caller's own; None without tracing."""
        return None if self._span is None else self._span.headers

    def answered(self, status: int) -> None:
        """Note the HTTP status of an answer that does not raise."""
        self._status = status

    def __enter__(self) -> Call:
        operation = self._operation
        self._began = now = perf_counter()
        operation.call_began(now)
        if operation.span is not None:
            self._span = operation.span.call(self._upstream, self._method, self._route)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        number = self._status
        if problem is not None:
            number = problem.status if isinstance(problem, errors.GatewayError) else None
        has_class = number is not None and 100 <= number < 600
        status = _CLASSES[number // 100 - 1] if number is not None and has_class else _ended(problem)
        now = perf_counter()
        call = UpstreamCall(self._upstream, self._method, self._route, status, now - self._began)
        self._operation.call_ended(call, now)
        if self._span is not None:
            self._span.end(status, number)


def _ended(problem: BaseException | None) -> Status:
    for kind, status in _KINDS:
        if isinstance(problem, kind):
            return status
    return "error"

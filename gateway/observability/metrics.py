"""The metrics of one gateway for Prometheus.

All labels have values from closed lists. None names a tenant, a user, a record or a client's operation: each
would be a time series that never ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from propcache.api import cached_property

from gateway.errors import ErrorCode
from gateway.observability.counters import COUNTERS, ProcessCounter, ProcessGauge
from gateway.observability.operation import Kind, OperationRecord, Outcome, Status

KINDS: tuple[Kind, ...] = get_args(Kind)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
STATUSES: tuple[Status, ...] = get_args(Status)
OTHER = "other"
BATCH = 50  # operations, recorded together: that takes a third of the time

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
KEYS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

# They would be a second time series for each counter, and contain only the start time of the process.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client's own


@dataclass(slots=True)
class _Followed:
    """A count of the process, and the part of it that the metric already has."""

    counter: ProcessCounter
    value: str
    metric: Counter | Gauge
    recorded: int

    def record(self) -> None:
        now = self.counter.counts[self.value]
        if isinstance(self.metric, Gauge):
            self.metric.set(now)
        elif now != self.recorded:
            self.metric.inc(now - self.recorded)
            self.recorded = now


class _Series:
    """The time series of one gateway. `counted` are the counters of the process, and their counts before."""

    def __init__(self, counted: Iterable[tuple[ProcessCounter, Mapping[str, int]]]) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._followed: list[_Followed] = []
        for counter, counts in counted:
            kind: type[Counter] | type[Gauge] = Gauge if isinstance(counter, ProcessGauge) else Counter
            labels = [counter.label] if counter.label else []
            metric = kind(counter.name, counter.description, labels, registry=registry)
            for value, count in counts.items():
                self._followed.append(
                    _Followed(counter, value, metric.labels(value) if labels else metric, count)
                )
        self._operation_seconds = Histogram(
            "gateway_operation_duration_seconds",
            "Time from the head of a request to its response, by kind of operation and outcome.",
            ["kind", "outcome"],
            buckets=SECONDS,
            registry=registry,
        )
        self._operations = {
            (kind, outcome): self._operation_seconds.labels(kind, outcome)
            for kind in KINDS
            for outcome in OUTCOMES
        }
        self._errors = Counter("gateway_errors", "Errors in responses, by code.", ["code"], registry=registry)
        self._codes = {code: self._errors.labels(code) for code in (*sorted(ErrorCode), OTHER)}
        self._call_seconds = Histogram(
            "gateway_upstream_call_duration_seconds",
            "Time of upstream calls with all their attempts, by upstream, route and status.",
            ["upstream", "method", "route", "status"],
            buckets=SECONDS,
            registry=registry,
        )
        self._calls: dict[tuple[str, str, str, Status], Histogram] = {}
        self._mutations = Counter(
            "gateway_mutations",
            "Mutations by outcome: SUCCESS, CONFIRMED, LOCKED, CANCELLED, or the code of the error.",
            ["mutation", "outcome"],
            registry=registry,
        )
        self._batch_keys = Histogram(
            "gateway_loader_batch_keys",
            "Distinct keys in each batch of a DataLoader.",
            buckets=KEYS,
            registry=registry,
        )
        self._hits = Counter(
            "gateway_loader_hits",
            "Keys that a DataLoader had already loaded in the same operation.",
            registry=registry,
        )
        self._embedded = Counter(
            "gateway_embedded_links",
            "Links resolved from members embedded in the parent record, without an upstream call.",
            registry=registry,
        )
        self._in_flight = Gauge("gateway_operations_in_flight", "Operations in flight.", registry=registry)
        self._result_seconds = Histogram(
            "gateway_subscription_result_duration_seconds",
            "Time to execute one result of subscriptions, by outcome; identical ones share it.",
            ["outcome"],
            buckets=SECONDS,
            registry=registry,
        )

    def record(self, operation: OperationRecord) -> None:
        """Count an operation that has ended."""
        self._operations[operation.kind, operation.outcome].observe(operation.seconds)
        self._record_parts(operation)

    def record_result(self, operation: OperationRecord) -> None:
        """Count the execution of one result of a subscription."""
        self._result_seconds.labels(operation.outcome).observe(operation.seconds)
        self._record_parts(operation)

    def _record_parts(self, operation: OperationRecord) -> None:
        """Count the errors, the upstream calls and the loads of an operation or of one result."""
        for code, times in operation.codes.items():
            self._codes[code if code in self._codes else OTHER].inc(times)
        for upstream, method, route, status, seconds in operation.calls:
            key = upstream, method, route, status
            calls = self._calls.get(key)
            if calls is None:
                calls = self._calls[key] = self._call_seconds.labels(*key)
            calls.observe(seconds)
        for each in operation.mutations:
            self._mutations.labels(each.mutation, each.outcome).inc()
        if operation.batches:
            for keys in operation.batches:
                self._batch_keys.observe(keys)
            hits = operation.loader_hits
            if hits:
                self._hits.inc(hits)
        if operation.embedded:
            self._embedded.inc(operation.embedded)

    def set_gauges(self, in_flight: int) -> None:
        """Set the gauges, and the counters of the process, to their current values."""
        self._in_flight.set(in_flight)
        for each in self._followed:
            each.record()


class Metrics:
    """The metrics of one gateway, counted from its creation; gauges are those of the process.

    The time series are created for the first scrape or the first batch of operations: they would take three
    quarters of the time to create a gateway.
    """

    def __init__(self) -> None:
        self._counted = [(counter, dict(counter.counts)) for counter in COUNTERS]
        self._unrecorded: list[OperationRecord] = []
        self._started = 0

    @cached_property
    def _series(self) -> _Series:
        return _Series(self._counted)

    @property
    def registry(self) -> CollectorRegistry:
        return self._series.registry

    def start(self) -> None:
        """Count an operation that starts."""
        self._started += 1

    def end(self, operation: OperationRecord) -> None:
        """Count an operation that has ended, not later than at the next scrape."""
        self._started -= 1
        self._unrecorded.append(operation)
        if len(self._unrecorded) >= BATCH:
            self._record_operations()

    def end_result(self, operation: OperationRecord) -> None:
        """Count the execution of one result of a subscription."""
        self._series.record_result(operation)

    def _record_operations(self) -> None:
        unrecorded, self._unrecorded = self._unrecorded, []
        for operation in unrecorded:
            self._series.record(operation)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics in the format that matches an `Accept` header best, and its content type."""
        self._record_operations()
        self._series.set_gauges(self._started)
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

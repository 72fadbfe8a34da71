"""What Prometheus scrapes: counts and times by labels that come from closed lists.

No label names a tenant, a user, a record or an operation of a client: each would be a series for ever.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
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
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway import errors
from gateway.observability.operation import Kind, OperationRecord, Outcome, Status

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

KINDS: tuple[Kind, ...] = get_args(Kind)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
STATUSES: tuple[Status, ...] = get_args(Status)
OTHER = "other"
COUNTED_TOGETHER = 50  # operations: in a row they take a third of the time

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
KEYS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def _codes(of: type[errors.GatewayError]) -> set[str]:
    return {of.code}.union(*map(_codes, of.__subclasses__()))


CODES = frozenset({*_codes(errors.GatewayError), "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"})

# They would be a series beside each counter, and say only when this process began.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client's own


@dataclass(slots=True)
class _Followed:
    """A figure that is kept elsewhere, and how much of it has been told."""

    read: Callable[[], int]
    metric: Counter | Gauge
    told: int

    def tell(self) -> None:
        now = self.read()
        if now != self.told:
            if isinstance(self.metric, Gauge):
                self.metric.set(now)
            else:
                self.metric.inc(now - self.told)
            self.told = now


class Metrics:
    """The metrics of one gateway.

    Where the environment names `PROMETHEUS_MULTIPROC_DIR`, each process counts into files there, and
    whichever is scraped tells the sum of all, those included that have ended.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._folder = os.environ.get(MULTIPROCESS_FOLDER)
        if self._folder is None:
            ProcessCollector(registry=registry)
        self._followed: list[_Followed] = []
        self._operation_seconds = Histogram(
            "gateway_operation_duration_seconds",
            "Time from a request's head to its answer, by kind of operation and how it ended.",
            ["kind", "outcome"],
            buckets=SECONDS,
            registry=registry,
        )
        self._operations = {
            (kind, outcome): self._operation_seconds.labels(kind, outcome)
            for kind in KINDS
            for outcome in OUTCOMES
        }
        self._errors = Counter(
            "gateway_errors", "Errors in answers, by their code.", ["code"], registry=registry
        )
        self._codes = {code: self._errors.labels(code) for code in sorted({*CODES, OTHER})}
        self._call_seconds = Histogram(
            "gateway_upstream_call_duration_seconds",
            "Time of calls upstream with all their attempts, by service, route and how they ended.",
            ["upstream", "method", "route", "status"],
            buckets=SECONDS,
            registry=registry,
        )
        self._calls: dict[tuple[str, str, str, Status], Histogram] = {}
        self._acts = Counter(
            "gateway_acts",
            "Mutations by what is known of them: SUCCESS, LOCKED, CANCELLED, or the code of the error.",
            ["act", "outcome"],
            registry=registry,
        )
        self._batch_keys = Histogram(
            "gateway_loader_batch_keys",
            "Distinct keys in each batch of a loader.",
            buckets=KEYS,
            registry=registry,
        )
        self._hits = Counter(
            "gateway_loader_hits",
            "Keys that a loader was asked for and had asked already in the same operation.",
            registry=registry,
        )
        self._carried = Counter(
            "gateway_links_carried",
            "Links answered from what the parent carries, without a key or a call.",
            registry=registry,
        )
        self._uncounted: list[OperationRecord] = []
        self._in_flight = 0
        self.follow_gauge(
            "gateway_operations_in_flight",
            "Operations that are being answered.",
            {"": lambda: self._in_flight},
        )
        self._running = self._followed[-1]

    def follow_counter(
        self,
        name: str,
        meaning: str,
        figures: Mapping[str, Callable[[], int]],
        label: str | None = None,
    ) -> None:
        """Tell figures that are kept elsewhere and only grow, by the values of a label.

        Without a label there is one figure. What was counted before now is not told.
        """
        counter = Counter(name, meaning, [label] if label else [], registry=self.registry)
        for value, read in figures.items():
            self._followed.append(_Followed(read, counter.labels(value) if label else counter, read()))

    def follow_gauge(
        self,
        name: str,
        meaning: str,
        figures: Mapping[str, Callable[[], int]],
        label: str | None = None,
    ) -> None:
        """Tell figures that are kept elsewhere and come and go; those of all live processes are summed."""
        gauge = Gauge(
            name, meaning, [label] if label else [], registry=self.registry, multiprocess_mode="livesum"
        )
        for value, read in figures.items():
            child = gauge.labels(value) if label else gauge
            child.set(0)
            self._followed.append(_Followed(read, child, 0))

    def began(self) -> None:
        """Count an operation that begins."""
        self._in_flight += 1
        if self._folder is not None:
            self._running.tell()  # the other figures change while it runs

    def ended(self, operation: OperationRecord) -> None:
        """Count an operation that has ended, at the latest when somebody looks."""
        self._in_flight -= 1
        self._uncounted.append(operation)
        if self._folder is not None:
            self._tell()  # another process may be the one that is scraped
        elif len(self._uncounted) >= COUNTED_TOGETHER:
            self._count()

    def _count(self) -> None:
        uncounted, self._uncounted = self._uncounted, []
        for operation in uncounted:
            self._count_one(operation)

    def _count_one(self, operation: OperationRecord) -> None:
        self._operations[operation.kind, operation.outcome].observe(operation.seconds)
        for code, times in operation.codes.items():
            self._codes[code if code in self._codes else OTHER].inc(times)
        for upstream, method, route, status, seconds in operation.calls:
            key = upstream, method, route, status
            calls = self._calls.get(key)
            if calls is None:
                calls = self._calls[key] = self._call_seconds.labels(*key)
            calls.observe(seconds)
        for act in operation.acts:
            self._acts.labels(act.act, act.outcome).inc()
        if operation.batches:
            for keys in operation.batches:
                self._batch_keys.observe(keys)
            hits = operation.loader_hits
            if hits:
                self._hits.inc(hits)
        if operation.carried:
            self._carried.inc(operation.carried)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Write all metrics in the format that suits an `Accept` header best; its content type with it."""
        self._tell()
        encode, content_type = choose_encoder(accept)
        if self._folder is None:
            return encode(self.registry), content_type
        _forget_dead_processes(self._folder)
        whole = CollectorRegistry()
        MultiProcessCollector(whole, self._folder)  # type: ignore[no-untyped-call]  # prometheus_client's own
        return encode(whole), content_type

    def _tell(self) -> None:
        self._count()
        for each in self._followed:
            each.tell()


def _forget_dead_processes(folder: str) -> None:
    """Drop the gauges of processes that are no more. What they counted stays."""
    for file in Path(folder).glob("gauge_live*_*.db"):
        number = re.search(r"_(\d+)\.db$", file.name)
        if number is None:
            continue
        try:
            os.kill(int(number[1]), 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another process was scraped at the same moment
                mark_process_dead(int(number[1]), folder)  # type: ignore[no-untyped-call]  # as above
        except PermissionError:  # somebody else's, and alive
            continue

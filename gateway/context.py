"""The context of one operation, which resolvers receive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
import strawberry
from propcache.api import cached_property

from gateway.errors import too_many_records
from gateway.identity import Caller
from gateway.loaders import Loaders
from gateway.observability.operation import OperationRecord
from gateway.settings import LimitSettings, UpstreamSettings
from gateway.upstream.services import ListsFrom, Services, Upstream

# By the ids of operation and variables: both of them, so that no others in this context have these ids, and
# what their fields decide by, by the ids of the field nodes. Any: `gateway.fields.base.Selected`.
Selections: TypeAlias = dict[tuple[int, int], tuple[object, object, dict[tuple[int, ...], Any]]]


class MutationState(msgspec.Struct):
    """The state of an operation's mutations: the mutable part of its context."""

    outcome_unknown: bool = False
    request_cancelled: bool = False


@dataclass(slots=True)
class ShutdownState:
    """The shutdown of the process; `now` is True if no further mutation may start."""

    now: bool = False


class Context(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """The caller of one operation, their services, and the operation's own DataLoaders.

    `is_direct` if loans and requests are read from circulation itself.
    """

    caller: Caller
    upstream: Upstream
    limits: LimitSettings
    lists_from: ListsFrom = "bff"
    is_direct: bool = False
    max_page_size: int
    max_records: int = 300_000
    consortium_tenants: frozenset[str] = frozenset()
    selections: Selections = msgspec.field(default_factory=dict)
    mutations: MutationState = msgspec.field(default_factory=MutationState)
    stopping: ShutdownState = msgspec.field(default_factory=ShutdownState)
    operation: OperationRecord = msgspec.field(default_factory=OperationRecord)

    def __repr__(self) -> str:
        return f"Context({self.caller!r})"

    @cached_property
    def loaders(self) -> Loaders:
        """The DataLoaders, created when they are first used."""
        return Loaders(self.upstream, self.limits, lists_from=self.lists_from)

    def forget_records(self) -> None:
        """Drop all loaded records.

        At the end of an operation, because graphql-core's objects keep a context until a garbage collection.
        """
        loaders = self.__dict__.get("loaders")
        if loaders is not None:
            loaders.forget()

    def stop_mutations(self) -> None:
        """Start no further mutation of this operation, because its request was cancelled."""
        self.mutations.request_cancelled = True

    def count_records(self, number: int) -> None:
        """Count the records of a list before they are completed. Raises `LimitExceeded`."""
        self.operation.records += number
        if self.operation.records > self.max_records:
            raise too_many_records(self.max_records)


class ContextFactory:
    """Creates the context of each operation."""

    def __init__(
        self,
        services: Services,
        *,
        limits: LimitSettings,
        upstream: UpstreamSettings,
        stopping: ShutdownState,
    ) -> None:
        self._services = services
        self._limits = limits
        self._max_page_size = limits.max_page_size
        self._max_records = limits.max_records
        self._lists_from: ListsFrom = upstream.lists_from
        self._is_direct = upstream.lists_from == "circulation"
        self._consortium = upstream.consortium
        self._stopping = stopping

    def __call__(self, caller: Caller, operation: OperationRecord) -> Context:
        upstream = self._services.for_caller(caller, operation)
        return Context(
            caller=caller,
            upstream=upstream,
            limits=self._limits,
            lists_from=self._lists_from,
            is_direct=self._is_direct,
            max_page_size=self._max_page_size,
            max_records=self._max_records,
            consortium_tenants=self._consortium,
            stopping=self._stopping,
            operation=operation,
        )


Info: TypeAlias = strawberry.Info[Context, Any]  # Any: the root value, which is not used

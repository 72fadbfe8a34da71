"""The context of one operation, which resolvers receive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import msgspec
import strawberry
from propcache.api import cached_property

from gateway.errors import incomplete_result, too_many_records
from gateway.identity import Caller
from gateway.live.own_mutations import OwnMutations
from gateway.loaders import Loaders
from gateway.observability.operation import OperationRecord
from gateway.settings import LimitSettings, UpstreamSettings
from gateway.upstream.record_types import Record
from gateway.upstream.services import ListsFrom, Services, Upstream

# What fields decide by, and what it depends on, by the ids of that. Any: `gateway.fields.base.Selected`.
Selections: TypeAlias = dict[tuple[int, ...], tuple[Any, tuple[object, ...]]]

T = TypeVar("T")

COMPLETION_SECONDS = 1.0  # after an operation's time: reads that end with it leave a result to complete


class MutationState(msgspec.Struct):
    """The state of an operation's mutations: the mutable part of its context.

    `claimed_at` and `claim_id` are those of its idempotency key, the same in each repetition; None without a
    key. A repetition sends no writes: `is_repetition`. The fields of `settled`, by their names in the
    response, are not looked up, because their results are known, and of the others only what is at
    `unknown_places`, the paths of unknown outcomes, unless it is None. `before` is the record that the
    mutation which runs has read before it wrote.
    """

    outcome_unknown: bool = False
    request_cancelled: bool = False
    claimed_at: datetime | None = None
    claim_id: UUID | None = None
    is_repetition: bool = False
    settled: frozenset[str] = frozenset()
    unknown_places: frozenset[tuple[str | int, ...]] | None = None
    before: Record = {}


@dataclass(slots=True)
class ShutdownState:
    """The shutdown of the process; `now` is True if no further mutation may start."""

    now: bool = False


class Context(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """The caller of one operation, their services, and the operation's own DataLoaders.

    `lists_from` is the source of loans and requests. `own_mutations` is None if another source publishes the
    changes of this gateway's mutations. `change` is the value of a result of a subscription, or the error in
    its place. Any: it is of the kind of the field.
    """

    caller: Caller
    upstream: Upstream
    limits: LimitSettings
    lists_from: ListsFrom = "bff"
    consortium_tenants: frozenset[str] = frozenset()
    selections: Selections = msgspec.field(default_factory=dict)
    mutations: MutationState = msgspec.field(default_factory=MutationState)
    stopping: ShutdownState = msgspec.field(default_factory=ShutdownState)
    operation: OperationRecord = msgspec.field(default_factory=OperationRecord)
    own_mutations: OwnMutations | None = None
    change: Any = None

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

    def cancel_loading(self) -> None:
        """Cancel what is being loaded, because the operation or what remains of it was cancelled."""
        loaders = self.__dict__.get("loaders")
        if loaders is not None:
            loaders.cancel()

    def stop_mutations(self) -> None:
        """Start no further mutation of this operation, because its request was cancelled."""
        self.mutations.request_cancelled = True

    def count_records(self, number: int) -> None:
        """Count the records of a list before they are completed. Raises `LimitExceeded`."""
        self.operation.records += number
        maximum = self.limits.max_records
        if self.operation.records > maximum:
            raise too_many_records(maximum)

    async def complete_in_time(self, completion: Awaitable[T]) -> T:
        """Await the completion of a part of the result, until a second after the end of the operation's time.

        Raises `UpstreamTimeout` then, when the completion has been cancelled.
        """
        deadline = self.upstream.deadline
        try:
            async with asyncio.timeout(deadline.remaining() + COMPLETION_SECONDS) as timeout:
                return await completion
        except TimeoutError:
            if not timeout.expired():
                raise
            raise incomplete_result(deadline.seconds) from None


class ContextFactory:
    """Creates the context of each operation."""

    def __init__(
        self,
        services: Services,
        *,
        limits: LimitSettings,
        upstream: UpstreamSettings,
        stopping: ShutdownState,
        own_mutations: OwnMutations | None = None,
    ) -> None:
        self._services = services
        self._limits = limits
        self._lists_from: ListsFrom = upstream.lists_from
        self._consortium = upstream.consortium
        self._stopping = stopping
        self._own_mutations = own_mutations

    def __call__(self, caller: Caller, operation: OperationRecord) -> Context:
        upstream = self._services.for_caller(caller, operation)
        return Context(
            caller=caller,
            upstream=upstream,
            limits=self._limits,
            lists_from=self._lists_from,
            consortium_tenants=self._consortium,
            stopping=self._stopping,
            operation=operation,
            own_mutations=self._own_mutations,
        )


Info: TypeAlias = strawberry.Info[Context, Any]  # Any: the root value, which is not used

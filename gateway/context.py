"""What a resolver may touch, typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry

from gateway.identity import Caller
from gateway.loaders import Loaders
from gateway.observability.operation import OperationRecord
from gateway.upstream.services import Upstream

if TYPE_CHECKING:
    from gateway.fields.base import Selected

# What fields decide by, of each execution: by ids of operation and variables, then of the field's nodes. An
# entry holds operation and variables, so that no other ones in this context have their ids.
Selections: TypeAlias = "dict[tuple[int, int], tuple[object, object, dict[tuple[int, ...], Selected]]]"


@dataclass(slots=True)
class MutationState:
    """What the acts of one operation have come to so far; the one thing in its context that changes."""

    outcome_unknown: bool = False


@dataclass(slots=True)
class ShutdownState:
    """Whether the process has no more time for acts that are not begun; one for all its operations."""

    now: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One operation: who asks, the services in their name, and loaders that nobody else shares."""

    caller: Caller
    upstream: Upstream
    loaders: Loaders
    max_page_size: int = 1000
    consortium_tenants: frozenset[str] = frozenset()
    selections: Selections = field(default_factory=dict)
    mutations: MutationState = field(default_factory=MutationState)
    stopping: ShutdownState = field(default_factory=ShutdownState)
    operation: OperationRecord = field(default_factory=OperationRecord)


Info: TypeAlias = strawberry.Info[Context, Any]  # Any: the root value, which we do not use

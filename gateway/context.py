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
    from gateway.fields.selection import NeedsCache


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
    needs: NeedsCache = field(default_factory=dict)
    mutations: MutationState = field(default_factory=MutationState)
    stopping: ShutdownState = field(default_factory=ShutdownState)
    operation: OperationRecord = field(default_factory=OperationRecord)


Info: TypeAlias = strawberry.Info[Context, Any]  # Any: the root value, which we do not use

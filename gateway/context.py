"""What a resolver may touch, typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry

from gateway.loaders import Loaders
from gateway.observability.operation import OperationRecord
from gateway.security.identity import Caller
from gateway.upstream.services import Upstream

if TYPE_CHECKING:
    from gateway.schema.selection import Needs


@dataclass(slots=True)
class Acts:
    """What the acts of one operation have come to so far; the one thing in its context that changes."""

    outcome_unknown: bool = False


@dataclass(slots=True)
class Stopping:
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
    needs: dict[tuple[int, ...], Needs] = field(default_factory=dict)
    acts: Acts = field(default_factory=Acts)
    stopping: Stopping = field(default_factory=Stopping)
    operation: OperationRecord = field(default_factory=OperationRecord)


Info: TypeAlias = strawberry.Info[Context, Any]  # Any: the root value, which we do not use

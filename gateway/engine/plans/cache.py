"""The plans of an operation. They are kept with the operation, and evicted with it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)

from gateway.engine.plans.compiler import Operation
from gateway.engine.plans.plan import OperationPlan, UnsupportedOperation
from gateway.errors import GatewayError
from gateway.observability.counters import ProcessCounter

Reason: TypeAlias = Literal["not planned", "not compiled", "record"]
"""The reason of a fallback.

`not planned`: an operation has something that plans do not support, or conditions without a value.
`not compiled`: the compiler failed. `record`: a record below a root is not of the type in the schema.
"""

MAX_VARIANTS = 16  # plans of one operation

log = logging.getLogger(__name__)


PLANS_EXECUTED = ProcessCounter("gateway_plans_executed", "Operations executed by compiled plans.")
FALLBACKS = ProcessCounter(
    "gateway_plan_fallbacks",
    "Operations and subtrees executed by graphql-core in place of a compiled plan.",
    "reason",
    get_args(Reason),
)


@dataclass(slots=True, eq=False)
class Variants:
    """The plans of one operation, by source and by the values of the variables in its conditions."""

    conditions: tuple[str, ...]
    plans: dict[tuple[object, ...], OperationPlan | None] = field(default_factory=dict)

    def compile(
        self, key: tuple[object, ...], compile_plan: Callable[[], OperationPlan]
    ) -> OperationPlan | None:
        """Compile the plan for a key and keep it; None if there is none."""
        if len(self.plans) >= MAX_VARIANTS:
            return None
        plan: OperationPlan | None = None
        try:
            plan = compile_plan()
        except (UnsupportedOperation, GraphQLError, GatewayError):  # raised again when the field is resolved
            FALLBACKS.add("not planned")
        except Exception as error:  # the response does not depend on it
            FALLBACKS.add("not compiled")
            log.warning("An operation has no plan: %s in %s", type(error).__name__, _place(error))
        self.plans[key] = plan
        return plan


def conditions_of(operation: Operation) -> tuple[str, ...]:
    """Return the variables in the conditions of an operation, each once and in order."""
    fragments = operation.fragment_definitions.values()
    return tuple(sorted(_conditions(operation.node.selection_set, fragments)))


def _place(error: Exception) -> str:
    """The place that raised it. Its message may have values of the document, which do not belong in logs."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{frame.f_code.co_name}, line {line}"


def _conditions(selections: SelectionSetNode, fragments: Iterable[FragmentDefinitionNode]) -> set[str]:
    names: set[str] = set()
    pending = [selections, *(fragment.selection_set for fragment in fragments)]
    while pending:
        for each in pending.pop().selections:
            for directive in each.directives or ():
                if directive.name.value not in ("skip", "include"):
                    continue
                for argument in directive.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        names.add(argument.value.name.value)
            if isinstance(each, FieldNode | InlineFragmentNode) and each.selection_set is not None:
                pending.append(each.selection_set)
    return names

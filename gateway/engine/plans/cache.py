"""The plans of an operation. They are kept with the operation, and evicted with it."""

from __future__ import annotations

import logging
import traceback
from itertools import product
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

import strawberry
from graphql import (
    FieldNode,
    GraphQLError,
    InlineFragmentNode,
    VariableNode,
    get_variable_values,
)

from gateway.engine.core import ValidOperation, core_schema
from gateway.engine.parts import Parts, finish
from gateway.engine.plans.compiler import Compiler
from gateway.engine.plans.plan import OperationPlan, UnsupportedOperation
from gateway.errors import GatewayError
from gateway.observability.counters import ProcessCounter
from gateway.upstream.record_types import ConflictingTypes

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


class CachedOperation(ValidOperation, Protocol):
    """A prepared operation, with a place for what is derived from it, which is evicted with it."""

    plans: Any  # its `Variants`; None before it is first executed


class Variants(NamedTuple):
    """The plans of an operation, by the source of lists and by the values of variables in conditions."""

    conditions: tuple[str, ...]  # the names of these variables
    plans: dict[tuple[Any, ...], OperationPlan | None]  # None if there is none. Any: values of variables


class PlanCache:
    """Compiles the plans of operations, and keeps them with the operations.

    `is_direct` if lists are read from circulation itself.
    """

    def __init__(
        self, schema: strawberry.Schema, *, is_direct: bool = False, hide_suggestions: bool = False
    ) -> None:
        self.schema = core_schema(schema)
        self.is_direct = is_direct
        self.hide_suggestions = hide_suggestions

    def prepare(self, operation: CachedOperation) -> None:
        """Compile an operation before it is executed, for every set of values of its conditions.

        Few of the sets of an operation with many conditions are ever used, and their plans could displace
        those that are: such an operation is compiled when it is executed.
        """
        conditions, _ = self.start(operation)
        if 2 ** len(conditions) <= MAX_VARIANTS:
            for values in product((True, False), repeat=len(conditions)):
                self.compile(operation, (self.is_direct, *values))

    def prepare_in_parts(self, operation: CachedOperation) -> Parts[None]:
        """Compile a long operation before it is executed, in parts, unless its plan depends on variables."""
        if operation.plans is None:
            conditions, _ = self.start(operation)
            if not conditions:
                yield from self.compile_in_parts(operation, (self.is_direct,))

    def start(self, operation: CachedOperation) -> Variants:
        """Start to keep the plans of an operation."""
        variants = operation.plans = Variants(_conditions_of(operation), {})
        return variants

    def compile(self, operation: CachedOperation, key: tuple[Any, ...]) -> OperationPlan | None:
        """Compile the plan for a key and keep it; None if there is none. Any: values of variables."""
        return finish(self.compile_in_parts(operation, key))

    def compile_in_parts(
        self, operation: CachedOperation, key: tuple[Any, ...]
    ) -> Parts[OperationPlan | None]:
        """Return what `compile` returns, in parts. Any: values of variables."""
        conditions, plans = operation.plans
        if len(plans) >= MAX_VARIANTS:
            return None
        plan: OperationPlan | None = None
        is_direct, *values = key
        given = dict(zip(conditions, values, strict=True))
        definitions = [
            each for each in operation.node.variable_definitions or () if each.variable.name.value in given
        ]
        try:
            variables = get_variable_values(self.schema, definitions, given)
            if isinstance(variables, list):
                raise variables[0]
            plan = yield from Compiler(
                self.schema,
                operation,
                variables,
                is_direct=is_direct,
                hide_suggestions=self.hide_suggestions,
            ).compile()
        # What the document itself raises is raised again when graphql-core resolves the field.
        except (UnsupportedOperation, ConflictingTypes, GraphQLError, GatewayError):
            FALLBACKS.add("not planned")
        except Exception as error:  # the response does not depend on it
            FALLBACKS.add("not compiled")
            log.warning("An operation has no plan: %s in %s", type(error).__name__, _place(error))
        plans[key] = plan
        return plan


def _conditions_of(operation: ValidOperation) -> tuple[str, ...]:
    """Return the variables in the conditions of an operation, each once and in order."""
    names: set[str] = set()
    fragments = operation.fragment_definitions.values()
    pending = [operation.node.selection_set, *(each.selection_set for each in fragments)]
    while pending:
        for each in pending.pop().selections:
            names.update(
                argument.value.name.value
                for directive in each.directives or ()
                if directive.name.value in ("skip", "include")
                for argument in directive.arguments or ()
                if isinstance(argument.value, VariableNode)
            )
            if isinstance(each, FieldNode | InlineFragmentNode) and each.selection_set is not None:
                pending.append(each.selection_set)
    return tuple(sorted(names))


def _place(error: Exception) -> str:
    """The place that raised it. Its message may have values of the document, which do not belong in logs."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{frame.f_code.co_name}, line {line}"

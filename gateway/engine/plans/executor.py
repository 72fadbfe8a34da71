"""The executor of compiled plans; graphql-core completes values that a plan does not expect.

The roots of a query are loaded concurrently, mutations run one after the other. If a record below a root is
not of the type in the schema, graphql-core completes the root from the value that was loaded: nothing is
loaded twice, and no write is sent again. Errors, paths and nulls are those of the specification either way.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import strawberry
from graphql import ExecutionResult, FieldNode, GraphQLError, GraphQLSchema, located_error

from gateway.engine.core import (
    CompletingExecutor,
    ValidOperation,
    VariableValues,
    core_schema,
    execute_operation,
    resolve_info,
)
from gateway.engine.plans.cache import FALLBACKS, PLANS_EXECUTED, CachedOperation, PlanCache
from gateway.engine.plans.links import complete, is_long
from gateway.engine.plans.plan import Failure, FieldPlan, Json, OperationPlan
from gateway.errors import without_frames


class PlanExecutor:
    """Executes operations by their plans. `is_direct` if lists are read from circulation itself."""

    def __init__(
        self, schema: strawberry.Schema, *, is_direct: bool = False, hide_suggestions: bool = False
    ) -> None:
        self.core_schema = core_schema(schema)
        self.plans = PlanCache(self.core_schema, hide_suggestions)
        self.is_direct = is_direct
        self.hide_suggestions = hide_suggestions

    def execution(
        self, operation: CachedOperation, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """Return the execution of an operation, to be awaited; None if graphql-core must execute it.

        Any: the context is the schema's own.
        """
        conditions, plans = operation.plans or self.plans.start(operation)
        coerced = variables.coerced
        key = (context.loaders.is_direct, *[coerced.get(name) for name in conditions])
        plan = plans[key] if key in plans else self.plans.compile(operation, key)
        if plan is None:
            return None
        execution = _OperationExecution(
            plan, self.core_schema, operation, variables, context, self.hide_suggestions
        )
        return execution.execute()

    def prepare(self, operation: CachedOperation) -> None:
        """Compile an operation before it is executed."""
        self.plans.fill(operation, self.is_direct)


@dataclass(slots=True, eq=False)
class _Root:
    """A root field while it is executed."""

    plan: FieldPlan
    value: Json = None  # as it was loaded
    result: Json = None  # its part of the response
    error: Exception | None = None
    is_unexpected: bool = False  # graphql-core completes the value


class _OperationExecution:
    """An operation while it is executed. Any: the context is the schema's own."""

    def __init__(
        self,
        plan: OperationPlan,
        schema: GraphQLSchema,
        operation: ValidOperation,
        variables: VariableValues,
        context: Any,
        hide_suggestions: bool,
    ) -> None:
        self.plan = plan
        self.schema = schema
        self.operation = operation
        self.variables = variables
        self.context = context
        self.hide_suggestions = hide_suggestions
        self.has_failures = False
        self.roots = [_Root(root) for root in plan.roots]

    def arguments(self, plan: FieldPlan) -> Any:
        """Return the parsed arguments of a field. Raises `GraphQLError` and `BadUserInput`."""
        return plan.parse_arguments(self.variables, self.hide_suggestions)

    def count_embedded(self, number: int) -> None:
        """Count links whose targets were embedded in their parents."""
        self.context.operation.embedded += number

    def fail(self, error: Exception, nodes: Sequence[FieldNode]) -> Failure:
        """Return what stands for a field with an error in the result, until it is located there."""
        self.has_failures = True
        return Failure(error, nodes)

    async def execute(self) -> ExecutionResult:
        roots, plan = self.roots, self.plan
        PLANS_EXECUTED.counts[""] += 1
        errors: list[GraphQLError] = []
        if plan.is_mutation:
            for root in roots:
                await self._execute_root(root)
                if root.is_unexpected:  # before the next mutation, which may change the records it links to
                    errors += await self._complete_by_core()
        else:
            if len(roots) == 1:
                await self._execute_root(roots[0], is_alone=True)
            else:  # all start in the same turn of the event loop, so that they share batches
                await asyncio.gather(*map(self._execute_root, roots))
            if any(root.is_unexpected for root in roots):
                errors += await self._complete_by_core()
        errors += self._locate_errors()
        results: dict[str, Json] = {root.plan.name: root.result for root in roots}
        if plan.typenames:
            results |= plan.typenames
            results = {name: results[name] for name in plan.order}
        return ExecutionResult(results, errors or None)

    async def _execute_root(self, root: _Root, *, is_alone: bool = False) -> None:
        """Load the value of a root, and complete it as far as its plan expects it."""
        try:
            loading = self._start(root.plan, is_alone)
            root.value = await loading if hasattr(loading, "__await__") else loading
        except Exception as error:
            root.error = error
            return
        try:
            target = root.plan.target
            if target.notes or is_long([root.value]):
                (root.result,) = await complete(self, target, [root.value])
            else:
                (root.result,) = target.project([root.value], self)
        except Exception as error:  # raised again, or not, when graphql-core completes the field
            without_frames(error)
            root.is_unexpected = True
            FALLBACKS.add("record")

    def _start(self, plan: FieldPlan, is_alone: bool) -> Any:
        """Start loading a root. Any: its value, or an awaitable of any kind."""
        context = self.context
        arguments = plan.arguments if plan.arguments is not None else self.arguments(plan)
        if not plan.has_resolver:
            return plan.declaration.start(context, arguments, plan.selected, plan.decoder, is_alone=is_alone)
        info = resolve_info(
            self.schema,
            self.operation,
            self.variables,
            context,
            plan.name,
            plan.parent_type,
            plan.field,
            plan.nodes,
        )
        resolve: Any = plan.field.resolve
        return resolve(None, info, **arguments)

    async def _complete_by_core(self) -> list[GraphQLError]:
        """Complete roots with unexpected values from these values, and return their errors."""
        unexpected = [root for root in self.roots if root.is_unexpected]
        loaded = {root.plan.name: root.value for root in unexpected}
        completed = {root.plan.name: root.result for root in self.roots if not root.is_unexpected}
        completed |= self.plan.typenames
        execution: Any = execute_operation(
            self.schema,
            self.operation,
            self.variables,
            self.context,
            CompletingExecutor,
            loaded=loaded,
            completed=completed,
        )
        result: ExecutionResult = await execution if inspect.isawaitable(execution) else execution
        loaded.clear()  # executors of graphql-core live until a collection
        completed.clear()
        for root in unexpected:
            root.result = None if result.data is None else result.data[root.plan.name]
            root.is_unexpected = False
        return list(result.errors or ())

    def _locate_errors(self) -> Iterator[GraphQLError]:
        """The errors of roots, and the errors in their results, which are replaced by null."""
        for root in self.roots:
            if root.error is not None:
                yield located_error(root.error, root.plan.nodes, [root.plan.name])
            elif self.has_failures:
                yield from _locate_failures(root)


def _locate_failures(root: _Root) -> Iterator[GraphQLError]:
    """The errors in the result, one for each place of each in the response. They are replaced by null."""
    replaced: list[tuple[Json, str]] = []
    gaps: list[tuple[list[Json], int]] = []
    pending: list[tuple[Json, list[str | int]]] = [(root.result, [root.plan.name])]
    while pending:
        part, path = pending.pop()
        if isinstance(part, Failure):
            yield located_error(part.error, part.nodes, path)
        elif isinstance(part, list):
            pending += reversed([(each, [*path, place]) for place, each in enumerate(part)])
            gaps += ((part, place) for place, each in enumerate(part) if isinstance(each, Failure))
        elif isinstance(part, msgspec.Struct):
            names = [*zip(part.__struct_fields__, part.__struct_encode_fields__, strict=True)]
            replaced += ((part, each) for each, _ in names if isinstance(getattr(part, each), Failure))
            pending += reversed([(getattr(part, attribute), [*path, name]) for attribute, name in names])
    for part, attribute in replaced:
        setattr(part, attribute, None)
    for elements, place in gaps:
        elements[place] = None

"""The executor of compiled plans; graphql-core completes values that a plan does not expect.

The roots of a query are loaded concurrently, mutations run one after the other. If a record below a root is
not of the type in the schema, graphql-core completes the root from the value that was loaded: nothing is
loaded twice, and no write is sent again. Errors, paths and nulls are those of the specification either way.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Hashable, Iterator, MutableMapping, Sequence
from itertools import product
from typing import Any, Protocol

import msgspec
import strawberry
from graphql import ExecutionResult, FieldNode, GraphQLError, located_error

from gateway.engine.core import (
    CompletingExecutor,
    VariableValues,
    core_schema,
    get_argument_values,
    get_variable_values,
    new_executor,
    raw_info,
    resolve_info,
)
from gateway.engine.plans.cache import FALLBACKS, MAX_VARIANTS, PLANS_EXECUTED, Variants, conditions_of
from gateway.engine.plans.compiler import Compiler, Operation
from gateway.engine.plans.links import complete
from gateway.engine.plans.plan import Failure, FieldPlan, Json, OperationPlan
from gateway.errors import without_frames
from gateway.fields.inputs import inputs_of

_VARIANTS = "plans"


class CachedOperation(Operation, Protocol):
    """A prepared operation, with a place for what is derived from it, which is evicted with it."""

    @property
    def plans(self) -> MutableMapping[Hashable, Any]: ...


class PlanExecutor:
    """Executes operations by their plans. `is_direct` if lists are read from circulation itself."""

    def __init__(
        self, schema: strawberry.Schema, *, is_direct: bool = False, hide_suggestions: bool = False
    ) -> None:
        self.core_schema = core_schema(schema)
        self.inputs = inputs_of(schema)
        self.is_direct = is_direct
        self.hide_suggestions = hide_suggestions

    def execution(
        self, operation: CachedOperation, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """Return the execution of an operation, to be awaited; None if graphql-core must execute it.

        Any: the context is the schema's own.
        """
        variants: Variants | None = operation.plans.get(_VARIANTS)
        if variants is None:
            variants = operation.plans[_VARIANTS] = Variants(conditions_of(operation))
        coerced = variables.coerced
        key = (context.loaders.is_direct, *[coerced.get(name) for name in variants.conditions])
        plan = variants.plans[key] if key in variants.plans else self._compile(operation, variants, key)
        if plan is None:
            return None
        return _OperationExecution(plan, self, operation, variables, context).execute()

    def prepare(self, operation: CachedOperation) -> None:
        """Compile an operation before it is executed, for every set of values of its conditions.

        Few of the sets of an operation with many conditions are ever used, and their plans could displace
        those that are: such an operation is compiled when it is executed.
        """
        variants = operation.plans[_VARIANTS] = Variants(conditions_of(operation))
        if 2 ** len(variants.conditions) > MAX_VARIANTS:
            return
        for values in product((True, False), repeat=len(variants.conditions)):
            self._compile(operation, variants, (self.is_direct, *values))

    def _compile(
        self, operation: CachedOperation, variants: Variants, key: tuple[Any, ...]
    ) -> OperationPlan | None:
        is_direct, *values = key

        def compile_plan() -> OperationPlan:
            given = dict(zip(variants.conditions, values, strict=True))
            definitions = [
                each
                for each in operation.node.variable_definitions or ()
                if each.variable.name.value in given
            ]
            conditions = get_variable_values(self.core_schema, definitions, given)
            if isinstance(conditions, list):
                raise conditions[0]
            return Compiler(
                self.core_schema,
                self.inputs,
                operation,
                conditions,
                is_direct=is_direct,
                hide_suggestions=self.hide_suggestions,
            ).compile()

        return variants.compile(key, compile_plan)


class _Root:
    """A root field while it is executed."""

    def __init__(self, plan: FieldPlan, operation: _OperationExecution) -> None:
        self.plan = plan
        self.operation = operation
        self.context = operation.context
        self.has_failures = False
        self.loading: Any = None
        self.value: Json = None
        self.result: Json = None
        self.error: Exception | None = None
        self.is_unexpected = False

    def start(self, is_alone: bool) -> None:
        plan = self.plan
        try:
            arguments = plan.arguments if plan.arguments is not None else self.arguments(plan)
            if plan.starts:
                self.loading = plan.declaration.start(
                    self.context, arguments, plan.selected, plan.decoder, is_alone=is_alone
                )
            else:
                resolve: Any = plan.field.resolve
                self.loading = resolve(None, self.operation.resolve_info(plan), **arguments)
        except Exception as error:
            self.error = error

    def arguments(self, plan: FieldPlan) -> Any:
        """Return the parsed arguments of a field. Raises `GraphQLError` and `BadUserInput`."""
        operation = self.operation
        given = get_argument_values(
            plan.field, plan.nodes[0], operation.variables, None, operation.hide_suggestions
        )
        if plan.convert is None:
            return given
        return plan.declaration.parse(plan.convert(given), plan.selected)

    def count_embedded(self, number: int) -> None:
        """Count links whose targets were embedded in their parents."""
        self.context.operation.embedded += number

    def fail(self, error: Exception, nodes: Sequence[FieldNode]) -> Failure:
        """Return what stands for a field with an error in the result, until it is located there."""
        self.has_failures = True
        return Failure(error, nodes)

    async def finish(self) -> None:
        loading, self.loading = self.loading, None
        if self.error is None:
            try:
                self.value = await loading if hasattr(loading, "__await__") else loading
            except Exception as error:
                self.error = error
        if self.error is not None:
            return
        try:
            target = self.plan.target
            if target.notes:
                (self.result,) = await complete(self, target, [self.value])
            else:
                (self.result,) = target.project([self.value], self)
        except Exception as error:  # raised again, or not, when graphql-core completes the field
            without_frames(error)
            self.is_unexpected = True
            FALLBACKS.add("record")

    def cancel(self) -> None:
        loading, self.loading = self.loading, None
        if asyncio.isfuture(loading):
            loading.cancel()
        elif inspect.iscoroutine(loading):
            loading.close()


class _OperationExecution:
    """An operation while it is executed. Any: the context is the schema's own."""

    def __init__(
        self,
        plan: OperationPlan,
        executor: PlanExecutor,
        operation: Operation,
        variables: VariableValues,
        context: Any,
    ) -> None:
        self.plan = plan
        self.core_schema = executor.core_schema
        self.hide_suggestions = executor.hide_suggestions
        self.operation = operation
        self.variables = variables
        self.context = context
        self.roots = [_Root(root, self) for root in plan.roots]

    def resolve_info(self, plan: FieldPlan) -> Any:
        """Return the resolve info of a root field. Any: graphql-core's own."""
        operation = self.operation
        return raw_info(
            resolve_info(
                self.core_schema,
                operation.node,
                operation.fragment_definitions,
                self.variables.coerced,
                self.context,
                name=plan.name,
                parent_type=plan.parent_type,
                field=plan.field,
                nodes=plan.nodes,
            )
        )

    async def execute(self) -> ExecutionResult:
        try:
            return await self._execute()
        finally:
            self.roots.clear()  # they refer to this execution, and would keep all records until a collection

    async def _execute(self) -> ExecutionResult:
        roots, plan = self.roots, self.plan
        PLANS_EXECUTED.counts[""] += 1
        errors: list[GraphQLError] = []
        if plan.is_mutation:
            for root in roots:
                root.start(is_alone=False)
                await root.finish()
                if root.is_unexpected:  # before the next mutation, which may change the records it links to
                    errors += await self._complete_by_core()
        else:
            is_alone = len(roots) == 1
            for root in roots:
                root.start(is_alone)
            if is_alone:
                await roots[0].finish()
            else:
                await self._finish_all()
            if any(root.is_unexpected for root in roots):
                errors += await self._complete_by_core()
        for root in roots:
            if root.error is not None:
                errors.append(located_error(root.error, root.plan.nodes, [root.plan.name]))
            elif root.has_failures:
                errors += _locate_errors(root)
        results: dict[str, Json] = {root.plan.name: root.result for root in roots}
        if plan.typenames:
            results |= plan.typenames
            results = {name: results[name] for name in plan.order}
        return ExecutionResult(results, errors or None)

    async def _finish_all(self) -> None:
        try:
            await asyncio.gather(*(root.finish() for root in self.roots))
        except asyncio.CancelledError:
            for root in self.roots:
                root.cancel()
            raise

    async def _complete_by_core(self) -> list[GraphQLError]:
        """Complete roots with unexpected values from these values, and return their errors."""
        operation = self.operation
        executor = new_executor(
            CompletingExecutor,
            self.core_schema,
            operation.node,
            operation.fragment_definitions,
            operation.fragments,
            self.variables,
            self.context,
        )
        roots = [root for root in self.roots if root.is_unexpected]
        executor.loaded = {root.plan.name: root.value for root in roots}
        executor.completed = {
            root.plan.name: root.result for root in self.roots if not root.is_unexpected
        } | self.plan.typenames
        execution: Any = executor.execute_operation()
        result: ExecutionResult = await execution if inspect.isawaitable(execution) else execution
        executor.loaded.clear()  # executors of graphql-core live until a collection
        executor.completed.clear()
        for root in roots:
            root.result = None if result.data is None else result.data[root.plan.name]
            root.is_unexpected = False
            root.has_failures = False  # they are among the errors
        return list(result.errors or ())


def _locate_errors(root: _Root) -> Iterator[GraphQLError]:
    """The errors in the result, one for each place of each in the response. They are replaced by null."""
    replaced: list[tuple[Json, str]] = []
    pending: list[tuple[Json, list[str | int]]] = [(root.result, [root.plan.name])]
    while pending:
        part, path = pending.pop()
        if isinstance(part, Failure):
            yield located_error(part.error, part.nodes, path)
        elif isinstance(part, list):
            pending += reversed([(each, [*path, place]) for place, each in enumerate(part)])
        elif isinstance(part, msgspec.Struct):
            names = [*zip(part.__struct_fields__, part.__struct_encode_fields__, strict=True)]
            replaced += ((part, each) for each, _ in names if isinstance(getattr(part, each), Failure))
            pending += reversed([(getattr(part, attribute), [*path, name]) for attribute, name in names])
    for part, attribute in replaced:
        setattr(part, attribute, None)

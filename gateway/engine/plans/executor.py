"""Operations by their plans; what a plan gives up, graphql-core completes.

Roots are asked all at once, acts one after the other. A root field whose value is not what the schema says is
completed by graphql-core, from the value that is here already: nothing is asked upstream twice, and an act is
never sent again. Errors, paths and nulls are those of the specification either way.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import strawberry
from graphql import ExecutionResult, GraphQLError, GraphQLObjectType, located_error

from gateway.engine.core import (
    FieldDetails,
    ResponsePath,
    StrawberryGraphQLCoreExecutionContext,
    VariableValues,
    core_schema,
    default_field_resolver,
    default_type_resolver,
    get_variable_values,
    optimized_is_awaitable,
    raw_info,
)
from gateway.engine.plans.cache import conditions_of, plan_ahead, plan_of
from gateway.engine.plans.compiler import Asked, Prepared
from gateway.engine.plans.fallbacks import FALLBACKS
from gateway.engine.plans.links import Failure, Following, Resolved, completed
from gateway.engine.plans.plan import Json, OperationPlan, RootPlan
from gateway.fields.inputs import inputs_of
from gateway.fields.lookup import LookupField
from gateway.fields.page import ConnectionField
from gateway.loaders.loader import Loader, unshaped


class Kept(Prepared, Protocol):
    """A prepared operation, and where to keep what is derived from it: it is gone when the operation is."""

    @property
    def plans(self) -> MutableMapping[Hashable, Any]: ...


class PlanExecutor:
    """Executes what it has a plan for."""

    def __init__(self, schema: strawberry.Schema, *, hide_suggestions: bool = False) -> None:
        self.core_schema = core_schema(schema)
        self.inputs = inputs_of(schema)
        self.hide_suggestions = hide_suggestions

    def execution(
        self, operation: Kept, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """The execution of an operation, to be awaited; None where graphql-core must do it.

        Any: the context is the schema's own.
        """
        asked = Asked(
            self.core_schema,
            self.inputs,
            operation,
            variables,
            context,
            hide_suggestions=self.hide_suggestions,
        )
        plan = plan_of(operation.plans, asked)
        return None if plan is None else _Execution(plan, asked).execute()

    def prepare(self, operation: Kept, new_context: Callable[[], Any]) -> None:
        """Compile an operation before it is asked. The contexts are never asked anything.

        Any: as above.
        """
        definitions = {each.variable.name.value: each for each in operation.node.variable_definitions or ()}

        def asked_with(values: Mapping[str, bool]) -> Asked:
            known = get_variable_values(
                self.core_schema, [definitions[name] for name in values], dict(values)
            )
            assert isinstance(known, VariableValues)  # noqa: S101 - the operation was validated
            return Asked(
                self.core_schema,
                self.inputs,
                operation,
                known,
                new_context(),
                hide_suggestions=self.hide_suggestions,
            )

        plan_ahead(operation.plans, conditions_of(operation), asked_with)


@dataclass(slots=True)
class _Root:
    """A root field and what came of it."""

    plan: RootPlan
    following: Following
    value: Json = None
    result: Json = None
    error: Exception | None = None
    is_fallen: bool = False
    started: Any = field(default=None)

    def start(self) -> None:
        plan, following = self.plan, self.following
        definition = plan.definition
        try:
            info, kwargs = following.info(plan), following.kwargs(plan)
            if type(definition) is ConnectionField:
                shape = None if plan.shape is None else following.plan.shapes[plan.shape]
                self.started = definition.page(info, kwargs, shape)
            elif type(definition) is LookupField:
                loader, key = definition.asking(info, kwargs)
                if plan.shape is not None:
                    loader.shape = following.plan.shapes[plan.shape]  # type: ignore[attr-defined]  # it reads
                if isinstance(loader, Loader) and len(following.plan.roots) == 1:
                    self.started = loader.load_now(key)
                else:
                    self.started = loader.load(key)
            elif definition.base_resolver and plan.field.resolve is not None:
                self.started = plan.field.resolve(None, raw_info(info), **kwargs)
            else:
                self.started = definition.get_result(None, info, [], dict(kwargs))
        except Exception as problem:
            self.error = problem

    async def finish(self) -> None:
        started, self.started = self.started, None
        if self.error is None:
            try:
                self.value = await started if hasattr(started, "__await__") else started
            except Exception as problem:
                self.error = problem
        if self.error is not None:
            return
        try:
            (self.result,) = await completed(self.following, self.plan.target, [self.value])
        except Exception:  # whatever it is, it is told where graphql-core completes the field
            self.is_fallen = True
            FALLBACKS.count("record")

    def give_up(self) -> None:
        """Leave what was started and is not awaited yet."""
        started, self.started = self.started, None
        if asyncio.isfuture(started):
            started.cancel()
        elif inspect.iscoroutine(started):
            started.close()


class _Execution:
    def __init__(self, plan: OperationPlan, asked: Asked) -> None:
        self.plan = plan
        self.asked = asked
        node, variables = asked.operation.node, asked.variables.coerced
        asked.context.needs[id(node), id(variables)] = (node, variables, plan.needs)
        self.roots = [_Root(root, Following(plan, asked)) for root in plan.roots]

    async def execute(self) -> ExecutionResult:
        roots = self.roots
        FALLBACKS.planned += 1
        errors: list[GraphQLError] = []
        if self.plan.is_mutation:
            for root in roots:
                root.start()
                await root.finish()
                if root.is_fallen:  # all of it before the next act, which may change what it links to
                    errors += await self._by_graphql_core()
        else:
            for root in roots:
                root.start()
            if len(roots) == 1:
                await roots[0].finish()
            else:
                await self._all_finished()
            if any(root.is_fallen for root in roots):
                errors += await self._by_graphql_core()
        for root in roots:
            if root.error is not None:
                errors.append(located_error(root.error, root.plan.nodes, [root.plan.name]))
            elif root.following.failures:
                errors += _located(root)
        results: dict[str, Json] = {root.plan.name: root.result for root in roots}
        if self.plan.names:
            results |= self.plan.names
            results = {name: results[name] for name in self.plan.order}
        return ExecutionResult(results, errors or None)

    async def _all_finished(self) -> None:
        try:
            await asyncio.gather(*(root.finish() for root in self.roots))
        except asyncio.CancelledError:
            for root in self.roots:
                root.give_up()
            raise

    async def _by_graphql_core(self) -> list[GraphQLError]:
        """Complete the fallen roots from the values that are here. Answers their errors."""
        asked = self.asked
        asked.context.loaders.unshape()
        operation = asked.operation
        executor = _Completing(
            asked.core_schema,
            operation.fragment_definitions,
            operation.fragments,
            None,
            asked.context,
            operation.node,
            asked.variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
        )
        fallen = [root for root in self.roots if root.is_fallen]
        for root in self.roots:
            if root.is_fallen:
                executor.resolved |= root.following.resolved
                shapes, shape = self.plan.shapes, root.plan.shape
                executor.fetched[root.plan.name] = (
                    root.value if shape is None else unshaped(root.value, shapes[shape])
                )
            else:
                executor.done[root.plan.name] = root.result
        executor.done |= self.plan.names
        found: Any = executor.execute_operation()
        result: ExecutionResult = await found if inspect.isawaitable(found) else found
        for root in fallen:
            root.result = None if result.data is None else result.data[root.plan.name]
            root.is_fallen = False
            root.following.failures.clear()  # they are among the errors
        return list(result.errors or ())


class _Completing(StrawberryGraphQLCoreExecutionContext):
    """Completes fields of which the value is known, and roots of which all is. Any: graphql-core's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.done: dict[str, Json] = {}
        self.fetched: dict[str, Json] = {}
        self.resolved: dict[tuple[int, int], Resolved] = {}

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: list[FieldDetails],
        path: ResponsePath,
        position_context: Any,
    ) -> Any:
        if path.prev is not None:
            kept = self.resolved.get((id(field_details_list[0].node), id(source)))
            if kept is None:
                return super().execute_field(parent_type, source, field_details_list, path, position_context)
            value = kept.value
        else:
            name = str(path.key)
            if name in self.done:
                return self.done[name]
            value = self.fetched[name]
        nodes = [each.node for each in field_details_list]
        declared = parent_type.fields[nodes[0].name.value]
        info = self.build_resolve_info(declared, nodes, parent_type, path)
        try:
            if isinstance(value, Exception):
                raise value
            found = self.complete_value(
                declared.type, field_details_list, info, path, value, position_context
            )
        except Exception as problem:
            self.handle_field_error(problem, declared.type, field_details_list, path)
            return None
        if not self.is_awaitable(found):
            return found

        async def later() -> Any:
            try:
                return await found
            except Exception as problem:
                self.handle_field_error(problem, declared.type, field_details_list, path)
                return None

        return later()


def _located(root: _Root) -> Iterator[GraphQLError]:
    """The errors of links that failed, one for each place in the answer where the parent stands."""
    failures: dict[int, list[Failure]] = {}
    for failure in root.following.failures:
        failures.setdefault(id(failure.parent), []).append(failure)
    open_parts: list[tuple[Json, list[str | int]]] = [(root.result, [root.plan.name])]
    while open_parts:
        part, path = open_parts.pop()
        if isinstance(part, list):
            open_parts += reversed([(each, [*path, place]) for place, each in enumerate(part)])
        elif isinstance(part, msgspec.Struct):
            for failure in failures.get(id(part), ()):
                link = failure.link
                yield located_error(failure.error, link.nodes, [*path, link.name])
            names = zip(part.__struct_fields__, part.__struct_encode_fields__, strict=True)
            open_parts += reversed([(getattr(part, attribute), [*path, name]) for attribute, name in names])

"""The executor of compiled plans; graphql-core completes values that a plan does not expect.

The roots of a query are loaded concurrently, mutations run one after the other. If a record is not of the
type in the schema, graphql-core completes it alone from what was loaded: nothing is loaded twice, and no
write is sent again. Errors, paths and nulls are those of the specification either way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import msgspec
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    VariableValues,
    located_error,
)

from gateway.engine.core import (
    Completed,
    CompletingExecutor,
    ValidOperation,
    root_info,
)
from gateway.engine.error_masking import ERRORS_IN_PART
from gateway.engine.parts import Parts, finish, in_turns
from gateway.engine.plans.cache import FALLBACKS, PLANS_EXECUTED, CachedOperation, PlanCache
from gateway.engine.plans.links import complete
from gateway.engine.plans.plan import Failure, FieldPlan, Json, OperationPlan, Unexpected
from gateway.engine.variables import argument_values
from gateway.errors import without_frames


class PlanExecutor(PlanCache):
    """Executes operations by their plans."""

    def execution(
        self, operation: CachedOperation, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """Return the execution of an operation, to be awaited; None if graphql-core must execute it.

        Any: the context is the schema's own.
        """
        conditions, plans = operation.plans or self.start(operation)
        coerced = variables.coerced
        key = (context.lists_from == "circulation", *[coerced.get(name) for name in conditions])
        plan = plans[key] if key in plans else self.compile(operation, key)
        if plan is None:
            return None
        execution = _OperationExecution(
            plan, self.schema, operation, variables, context, self.hide_suggestions, plan.results.copy()
        )
        return execution.execute()


@dataclass(slots=True, eq=False)
class _OperationExecution:
    """An operation while it is executed. Any: the context is the schema's own."""

    plan: OperationPlan
    schema: GraphQLSchema
    operation: ValidOperation
    variables: VariableValues
    context: Any
    hide_suggestions: bool
    results: dict[str, Json]
    completing: list[asyncio.Task[Any]] = field(default_factory=list)  # of unexpected values
    has_failures: bool = False

    def arguments(self, plan: FieldPlan) -> Json:
        """Return the parsed arguments of a field. Raises `GraphQLError` and `BadUserInput`."""
        return plan.parse_arguments(self.variables, self.hide_suggestions)

    def count_embedded(self, number: int) -> None:
        """Count links whose targets were embedded in their parents."""
        self.context.operation.embedded += number

    def fail(self, error: Exception, nodes: Sequence[FieldNode]) -> Failure:
        """Return what stands for a field with an error in the result, until it is located there."""
        self.has_failures = True
        return Failure(error, nodes)

    def complete(self, unexpected: Unexpected) -> Unexpected:
        """Start its completion by graphql-core, and return it.

        It starts in this turn of the event loop, so that its links join the batches of the others.
        """
        FALLBACKS.add("record")
        plan, value = unexpected.field, unexpected.value
        if unexpected.parts:
            records = [
                record if isinstance(part, Unexpected) else Completed(part)
                for record, part in zip(value.records, unexpected.parts, strict=True)
            ]
            value = replace(value, records=records)
        executor = CompletingExecutor.of(self.schema, self.operation, self.variables, self.context)
        executor.encodes_objects = not unexpected.parts
        completing = executor.complete(plan.parent_type, plan.field, plan.kind, plan.nodes, value)
        unexpected.completion = asyncio.create_task(completing)
        self.completing.append(unexpected.completion)
        return unexpected

    async def execute(self) -> ExecutionResult:
        roots = self.plan.roots
        PLANS_EXECUTED.counts[""] += 1
        errors: list[GraphQLError] = []
        try:
            if self.operation.node.operation is OperationType.MUTATION:
                for root in roots:
                    await self._execute_root(root)
                    if self.completing:  # before the next mutation, which may change linked records
                        errors += await self._place_unexpected()
            else:
                if len(roots) == 1:
                    await self._execute_root(roots[0], is_alone=True)
                else:  # all start in the same turn of the event loop, so that they share batches
                    await asyncio.gather(*map(self._execute_root, roots))
                if self.completing:
                    errors += await self._place_unexpected()
        except asyncio.CancelledError:
            for each in self.completing:
                each.cancel()
            raise
        if self.has_failures:
            errors += await in_turns(self._locate_errors())
        return ExecutionResult(self.results, errors or None)

    async def _execute_root(self, plan: FieldPlan, *, is_alone: bool = False) -> None:
        """Load the value of a root, and complete it as far as its plan expects it."""
        try:
            loading = self._start(plan, is_alone)
            value = await loading if hasattr(loading, "__await__") else loading
        except Exception as error:
            self.results[plan.name] = self.fail(error, plan.nodes)
            return
        if value is None:  # as it is in the results
            return
        try:
            (result,) = await complete(self, plan.target, [value], plan)
        except Exception as error:  # raised again, or not, when graphql-core completes the value
            without_frames(error)
            result = self.complete(Unexpected(value, plan))
        self.results[plan.name] = result

    def _start(self, plan: FieldPlan, is_alone: bool) -> Json:
        """Start loading a root. Return its value, or an awaitable of any kind."""
        context, field = self.context, plan.field
        arguments = plan.arguments
        if not plan.has_resolver:
            if arguments is None:
                arguments = self.arguments(plan)
            return plan.declaration.start(context, arguments, plan.selected, is_alone=is_alone)
        if arguments is None:
            arguments = argument_values(field, plan.nodes[0], self.variables, self.hide_suggestions)
        info = root_info(
            self.schema, self.operation, self.variables, context, plan.parent_type, field, plan.nodes
        )
        resolve: Any = field.resolve
        return resolve(None, info, **arguments)

    async def _place_unexpected(self) -> list[GraphQLError]:
        """Put what graphql-core completed in its places in the results, and return its errors there."""
        completing, self.completing = self.completing, []
        await asyncio.gather(*completing)
        errors: list[GraphQLError] = []
        while places := finish(_find(self.results, Unexpected)):
            for place in places:
                result, located = place.part.completion.result()
                place.replace(result)
                errors += [_relocated(each, place.path) for each in located]
        return errors

    def _locate_errors(self) -> Parts[list[GraphQLError]]:
        """Return the errors in the results, which are replaced by null."""
        errors: list[GraphQLError] = []
        places = yield from _find(self.results, Failure)
        for number, place in enumerate(places, 1):
            failure: Failure = place.part
            errors.append(located_error(failure.error, failure.nodes, place.path))
            place.replace(None)
            if number % ERRORS_IN_PART == 0:
                yield
        return errors


def _relocated(error: GraphQLError, path: list[str | int]) -> GraphQLError:
    """Return an error in the completion of a value for one of the places of the value."""
    return GraphQLError(
        error.message,
        error.nodes,
        path=[*path, *(error.path or ())[1:]],
        original_error=error.original_error,
        extensions=error.extensions,
    )


PLACES_IN_PART = 2_500
_BRANCHES = (list, dict, msgspec.Struct, Failure, Unexpected)


class _Place(NamedTuple):
    """A place in the results, with the part there and the function that puts another one there."""

    part: Json
    path: list[str | int]
    replace: Callable[[Json], None]


def _find(results: dict[str, Json], kind: type[Failure | Unexpected]) -> Parts[list[_Place]]:
    """Return the places of the parts of a kind in the results of roots, in the order of the response.

    Parts of a result may stand in several places.
    """
    found = []
    pending = [_branches(results, [])]
    visited = 0
    while pending:
        place = next(pending[-1], None)
        if place is None:
            pending.pop()
        elif isinstance(place.part, kind):
            found.append(place)
        else:
            pending.append(_branches(place.part, place.path))
        visited += 1
        if visited % PLACES_IN_PART == 0:
            yield
    return found


def _branches(part: Json, path: list[str | int]) -> Iterator[_Place]:
    """Yield the places in a part of the results that may have parts."""
    if isinstance(part, list | dict):
        items: Iterable[tuple[Any, Json]] = enumerate(part) if isinstance(part, list) else part.items()
        for key, each in items:
            if isinstance(each, _BRANCHES):
                yield _Place(each, [*path, key], partial(part.__setitem__, key))
    elif isinstance(part, msgspec.Struct):
        fields, names = part.__struct_fields__, part.__struct_encode_fields__
        for number, each in enumerate(msgspec.structs.astuple(part)):
            if isinstance(each, _BRANCHES):
                yield _Place(each, [*path, names[number]], partial(setattr, part, fields[number]))

"""Execution of GraphQL requests: preparation, limits, then a compiled plan or graphql-core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import msgspec
from graphql import (
    ExecutionResult,
    ExperimentalIncrementalExecutionResults,
    GraphQLError,
    InitialIncrementalExecutionResult,
    SubsequentIncrementalExecutionResult,
    VariableValues,
    get_variable_values,
)
from msgspec import UNSET, UnsetType

from gateway.engine.core import SlicingExecutor
from gateway.engine.documents import MAX_ERRORS, Documents, Operation, Prepared, Rejected, coerce_variables
from gateway.engine.error_masking import mask_errors
from gateway.engine.persisted_documents import PersistedDocuments
from gateway.engine.rate_limit import RateLimit
from gateway.engine.request import GraphQLRequest
from gateway.engine.running_mutations import RunningMutations
from gateway.identity import Caller
from gateway.observability.operation import OperationRecord

_NO_VARIABLES = VariableValues({}, {})
_RESULTS = (ExecutionResult, ExperimentalIncrementalExecutionResults)


class MutationNotAllowed(Exception):
    """A mutation in a request that may only read. Nothing was executed."""


class GraphQLResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A response in one piece. It has no `data` if the operation was not executed."""

    errors: list[dict[str, Any]] | UnsetType = UNSET  # Any: JSON, as is data
    data: Any = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class IncrementalResponse:
    """A response in parts, the first of which is ready."""

    operation: Operation
    initial: InitialIncrementalExecutionResult
    subsequent: AsyncGenerator[SubsequentIncrementalExecutionResult, None]
    release: Callable[[], None]
    """Drops the loaded records; to be called at the end."""


Response: TypeAlias = GraphQLResponse | IncrementalResponse


class PlanExecution(Protocol):
    """Executes the operations that it has plans for."""

    def execution(
        self, operation: Operation, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """Return the execution, None if graphql-core is to execute the operation. Any: a `Context`."""


class OperationContext(Protocol):
    """The context of one operation, which resolvers receive."""

    def stop_mutations(self) -> None:
        """Start no further mutation of the operation."""

    def forget_records(self) -> None:
        """Drop the loaded records at the end of the operation."""


class Operations:
    """Executes operations on graphql-core, with the schema and the executor of Strawberry.

    Strawberry's view and its extension runner are not used: they cost more than most operations do.
    """

    def __init__(
        self,
        documents: Documents,
        new_context: Callable[[Caller, OperationRecord], OperationContext],
        *,
        running_mutations: RunningMutations | None = None,
        plans: PlanExecution | None = None,
        rate_limit: RateLimit | None = None,
        persisted_documents: PersistedDocuments | None = None,
    ) -> None:
        self.documents = documents
        self.new_context = new_context
        self.running_mutations = running_mutations or RunningMutations()
        self.plans = plans
        self.rate_limit = rate_limit
        self.persisted_documents = persisted_documents or PersistedDocuments(documents)
        self._preparing = asyncio.Lock()

    async def execute(
        self,
        request: GraphQLRequest,
        caller: Caller,
        record: OperationRecord,
        *,
        allow_mutations: bool,
        incremental: bool,
    ) -> Response:
        """Execute a request. `incremental` is true if the client accepts a response in parts.

        Once a mutation has begun (`record.kind`), cancelling this coroutine does not cancel it. Raises
        `MutationNotAllowed`, and `GatewayError` for a request that is refused as a whole.
        """
        documents = self.documents
        query = request.query
        operation: Prepared | None = None
        if isinstance(query, str) and request.extensions is None:
            operation = documents.get(query, request.operationName)
        if operation is None:
            operation = await self._prepare(request)
        if isinstance(operation, Rejected):
            return _refuse(operation.errors, caller)
        if operation.is_mutation and not allow_mutations:
            raise MutationNotAllowed
        variables = _NO_VARIABLES
        if operation.variables_decoder is not None:
            try:
                given = operation.variables_decoder.decode(request.variables)
            except GraphQLError as error:
                return _refuse([error], caller)
            coerced = coerce_variables(operation.variables, given)
            if coerced is None:
                judged = self._judge_variables(operation, given)
                if isinstance(judged, list):
                    return _refuse(judged, caller)
                coerced = judged
            variables = coerced
        estimate, excess = operation.estimate, operation.excess
        if estimate is None:
            estimate = documents.estimate(operation, variables.coerced)
            excess = documents.check_estimate(estimate)
        if excess is not None:
            return _refuse([excess], caller)
        record.kind = "mutation" if operation.is_mutation else "query"
        record.name = operation.name
        record.aliases, record.nests_lists = operation.aliases, operation.nests_lists
        if self.rate_limit is not None and (refusal := await self.rate_limit.check(caller, estimate.calls)):
            raise refusal

        context = self.new_context(caller, record)
        execution: Any = None  # Any: a result, or an awaitable of one
        if incremental and operation.deferred is not None and operation.deferred.is_active(variables.coerced):
            execution = self._execute(operation.deferred.operation, variables, context)
        elif self.plans is not None:
            execution = self.plans.execution(operation, variables, context)
        if execution is None:
            execution = self._execute(operation, variables, context)
        if not isinstance(execution, _RESULTS):
            # A mutation that has begun is never cancelled: upstream executes what was sent regardless.
            if operation.is_mutation:
                execution = self.running_mutations.finish(
                    execution, operation.node, caller.request_id, context.stop_mutations
                )
            try:
                execution = await execution
            finally:
                if not isinstance(execution, ExperimentalIncrementalExecutionResults):
                    context.forget_records()
        if isinstance(execution, ExperimentalIncrementalExecutionResults):
            return IncrementalResponse(
                operation=operation,
                initial=execution.initial_result,
                subsequent=execution.subsequent_results,
                release=context.forget_records,
            )
        if execution.errors:
            return GraphQLResponse(mask_errors(execution.errors, caller.request_id), execution.data)
        return GraphQLResponse(UNSET, execution.data)

    async def _prepare(self, request: GraphQLRequest) -> Prepared:
        query = request.query
        if isinstance(query, str) and request.extensions is None:
            return await self._prepare_text(query, request.operationName)
        return await self.persisted_documents.prepare(request, self._prepare_text)

    async def _prepare_text(self, query: str, operation_name: str | None) -> Prepared:
        """Parse and validate, one text in each turn of the event loop: cached ones are served in between."""
        async with self._preparing:
            prepared = self.documents.prepare(query, operation_name)
            await asyncio.sleep(0)
        return prepared

    def _judge_variables(
        self, operation: Operation, given: dict[str, Any]
    ) -> VariableValues | list[GraphQLError]:
        """Coerce variables that need defaults, or report all that is wrong with them."""
        return get_variable_values(
            self.documents.core_schema,
            operation.node.variable_definitions or (),
            given,
            max_errors=MAX_ERRORS - 1,
            hide_suggestions=not self.documents.suggestions,
        )

    def _execute(self, operation: Operation, variables: VariableValues, context: object) -> object:
        executor = SlicingExecutor.of(self.documents.core_schema, operation, variables, context)
        return executor.execute_operation()


def _refuse(errors: Sequence[GraphQLError], caller: Caller) -> GraphQLResponse:
    return GraphQLResponse(mask_errors(errors, caller.request_id))

"""Execution of one operation: preparation, limits and graphql-core or a compiled plan."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from graphql import (
    ExecutionResult,
    ExperimentalIncrementalExecutionResults,
    GraphQLError,
    OperationDefinitionNode,
    Undefined,
)
from graphql.execution.executor import Executor, default_field_resolver, default_type_resolver
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import (
    VariableValues,
    VariableValueSource,
    get_variable_values,
    input_is_nested_too_deeply,
)
from graphql.utilities import coerce_input_value
from starlette.types import Receive
from strawberry.execution import optimized_is_awaitable

from gateway.engine.documents import MAX_ERRORS, Documents, Operation, Prepared, Rejected
from gateway.engine.error_masking import all_masked
from gateway.engine.persisted_documents import PersistedDocuments
from gateway.engine.rate_limit import RateLimit
from gateway.engine.running_mutations import RunningMutations
from gateway.http.disconnect import run_while_connected
from gateway.http.multipart import Parts
from gateway.http.negotiation import accepts_parts
from gateway.http.request import GraphQLRequest, HttpRefusal
from gateway.identity import Caller
from gateway.observability.operation import OperationRecord

T = TypeVar("T")

_SIGNATURES = "signatures of variables"


class Planned(Protocol):
    """What executes the operations that it has plans for."""

    def execution(
        self, operation: Operation, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """The execution, to be awaited; None where graphql-core is to do it. Any: the schema's context."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """An operation of which nothing more can be said against before it is executed."""

    operation: Operation
    variables: VariableValues
    request: GraphQLRequest


class Operations:
    """Executes operations straight on graphql-core, with the schema and the executor of Strawberry.

    Strawberry's view and its extension runner are left out: they cost more than most operations do, and no
    extension of ours needs them.
    """

    def __init__(
        self,
        documents: Documents,
        new_context: Callable[[Caller, OperationRecord], object],
        *,
        running_mutations: RunningMutations,
        planned: Planned | None,
        rate_limit: RateLimit | None,
        persisted_documents: PersistedDocuments | None,
    ) -> None:
        self.documents = documents
        self.new_context = new_context
        self.running_mutations = running_mutations
        self.planned = planned
        self.rate_limit = rate_limit
        self.persisted_documents = persisted_documents or PersistedDocuments(documents)
        self._preparing = asyncio.Lock()
        self._executor: Callable[..., Executor[Any]] = documents.schema.execution_context_class

    async def answer(
        self,
        request: GraphQLRequest,
        caller: Caller,
        method: str,
        accept: bytes,
        receive: Receive,
        record: OperationRecord,
    ) -> tuple[bool, dict[str, Any] | Parts]:
        """Execute, and say whether it came to that: a request error leaves no `data`."""
        ready = await self._ready(request, caller, method)
        if not isinstance(ready, _Ready):
            return False, ready
        operation, variables = ready.operation, ready.variables
        name = operation.node.name
        record.identify("mutation" if operation.is_mutation else "query", name.value if name else None)
        if self.rate_limit is not None:
            cost = self.documents.cost(operation, variables.coerced)
            if limited := await self.rate_limit.check(caller, cost):
                raise limited

        context = self.new_context(caller, record)
        if (
            operation.in_parts is not None
            and operation.in_parts.defers(variables.coerced)
            and accepts_parts(accept)
        ):
            found: Any = self._execute(operation.in_parts.operation, variables, request, context)
            if not isinstance(found, ExecutionResult | ExperimentalIncrementalExecutionResults):
                found = await self._finished(found, operation.act, caller, receive)
            if isinstance(found, ExperimentalIncrementalExecutionResults):
                return True, Parts(
                    first=found.initial_result, others=found.subsequent_results, operation=operation
                )
            return True, _formatted(found, caller)
        result = self._start(ready, context)
        if not isinstance(result, ExecutionResult):
            result = await self._finished(result, operation.act, caller, receive)
        return True, _formatted(result, caller)

    async def _finished(
        self, result: Awaitable[T], act: OperationDefinitionNode | None, caller: Caller, receive: Receive
    ) -> T:
        # A mutation that has begun is never cancelled: upstream executes what was sent regardless.
        if act is not None:
            return await self.running_mutations.finish(result, act, caller.request_id)
        return await run_while_connected(result, receive)

    async def _ready(self, request: GraphQLRequest, caller: Caller, method: str) -> _Ready | dict[str, Any]:
        """Find what is to be executed, or the answer that refuses it. Raises `HttpRefusal`."""
        query = request.query
        if isinstance(query, str) and request.extensions is None:
            prepared = self.documents.known(query, request.operationName)
            if prepared is None:
                prepared = await self._prepared(query, request.operationName)
        else:
            prepared = await self.persisted_documents.prepared(request, self._prepared)
        if isinstance(prepared, Rejected):
            return {"errors": all_masked(prepared.errors, caller.request_id)}
        if prepared.is_mutation and method == "GET":
            raise HttpRefusal(405, "A mutation is sent by POST.", (b"allow", b"POST"))
        variables = self._variables(prepared, request)
        if isinstance(variables, list):
            return {"errors": all_masked(variables, caller.request_id)}
        refused = self.documents.too_costly(prepared, variables.coerced)
        if refused is not None:
            return {"errors": all_masked([refused], caller.request_id)}
        return _Ready(prepared, variables, request)

    async def _prepared(self, query: str, operation_name: str | None) -> Prepared:
        """Parse and validate, one text in each turn of the event loop: known ones are answered in between."""
        async with self._preparing:
            prepared = self.documents.prepared(query, operation_name)
            await asyncio.sleep(0)
        return prepared

    def _variables(
        self, operation: Operation, request: GraphQLRequest
    ) -> VariableValues | list[GraphQLError]:
        definitions = operation.node.variable_definitions
        if not definitions:
            return VariableValues({}, {})
        coerced = _coerced(self._signatures(operation), request.variables or {})
        if coerced is not None:
            return coerced
        return get_variable_values(
            self.documents.core_schema,
            definitions,
            request.variables or {},
            max_errors=MAX_ERRORS,
            hide_suggestions=not self.documents.suggestions,
        )

    def _signatures(self, operation: Operation) -> list[GraphQLVariableSignature]:
        """What the variables of an operation are, found out once."""
        found: list[GraphQLVariableSignature] | None = operation.plans.get(_SIGNATURES)
        if found is None:
            schema = self.documents.core_schema
            definitions = operation.node.variable_definitions or ()
            signatures = [get_variable_signature(schema, each) for each in definitions]
            found = [each for each in signatures if isinstance(each, GraphQLVariableSignature)]
            operation.plans[_SIGNATURES] = found
        return found

    def _start(self, ready: _Ready, context: object) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Execute by a plan where there is one."""
        if self.planned is not None:
            execution = self.planned.execution(ready.operation, ready.variables, context)
            if execution is not None:
                return execution
        # Without @defer the result always comes in one piece.
        return cast(
            "ExecutionResult | Awaitable[ExecutionResult]",
            self._execute(ready.operation, ready.variables, ready.request, context),
        )

    def _execute(
        self, operation: Operation, variables: VariableValues, request: GraphQLRequest, context: object
    ) -> object:
        """Execute as graphql-core does; what comes is a result or is to be awaited."""
        executor = self._executor(
            self.documents.core_schema,
            operation.fragment_definitions,
            operation.fragments,
            None,
            context,
            operation.node,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
            operation_extensions=request.extensions,
        )
        return executor.execute_operation()


def _formatted(result: ExecutionResult, caller: Caller) -> dict[str, Any]:
    if result.errors:
        return {"errors": all_masked(result.errors, caller.request_id), "data": result.data}
    return {"data": result.data}


def _coerced(
    signatures: Sequence[GraphQLVariableSignature], given: Mapping[str, Any]
) -> VariableValues | None:
    """The variables, where each of them is given and good; else graphql-core says what they come to.

    Any: JSON as the client sent it.
    """
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature in signatures:
        value = given.get(signature.name, Undefined)
        if value is Undefined:
            return None
        if type(value) in (dict, list) and input_is_nested_too_deeply(value, signature.type):
            return None
        made = coerce_input_value(value, signature.type)
        if made is Undefined:
            return None
        sources[signature.name] = VariableValueSource(signature, value)
        coerced[signature.name] = made
    return VariableValues(sources, coerced)

"""Execution of GraphQL requests: preparation, limits, then a compiled plan or graphql-core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from graphql import (
    ExecutionResult,
    ExperimentalIncrementalExecutionResults,
    GraphQLError,
    InitialIncrementalExecutionResult,
    SubsequentIncrementalExecutionResult,
    VariableValues,
    get_variable_values,
    located_error,
)
from msgspec import UNSET

from gateway.engine.core import SlicingExecutor
from gateway.engine.documents import (
    MAX_ERRORS,
    Documents,
    Operation,
    Prepared,
    Rejected,
    SubscriptionOperation,
)
from gateway.engine.error_masking import mask_errors, mask_in_parts
from gateway.engine.explain import Cost, Execution, Explainer
from gateway.engine.idempotency import EncodedResponse, IdempotentMutations, keyed_request
from gateway.engine.limits import Estimate
from gateway.engine.parts import Parts, in_turns
from gateway.engine.persisted_documents import PersistedDocuments
from gateway.engine.rate_limit import RateLimit
from gateway.engine.request import GraphQLRequest, resume_after
from gateway.engine.response_body import CONFIRMED, GraphQLResponse
from gateway.engine.running_mutations import RunningMutations
from gateway.engine.subscriptions import (
    EventStreamRequired,
    Subscription,
    SubscriptionResponse,
    Subscriptions,
    root_of,
)
from gateway.engine.variables import coerce_variables
from gateway.errors import BadRequest, GatewayError
from gateway.identity import EXPLAIN_HEADER, Caller, RequestOptions
from gateway.live.changes import Changes
from gateway.observability.operation import OperationRecord

T = TypeVar("T")

_NO_VARIABLES = VariableValues({}, {})
_RESULTS = (ExecutionResult, ExperimentalIncrementalExecutionResults)


class MutationNotAllowed(Exception):
    """A mutation in a request that may only read. Nothing was executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncrementalResponse:
    """A response in parts, the first of which is ready."""

    operation: Operation
    initial: InitialIncrementalExecutionResult
    subsequent: AsyncGenerator[SubsequentIncrementalExecutionResult, None]
    release: Callable[[], None]
    """Cancels what is still being loaded, and drops the loaded records; to be called at the end."""


Response: TypeAlias = GraphQLResponse | IncrementalResponse | EncodedResponse | SubscriptionResponse


class PlanExecution(Protocol):
    """Executes the operations that it has plans for."""

    def execution(
        self, operation: Operation, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """Return the execution, None if graphql-core is to execute the operation. Any: a `Context`."""

    def prepare_in_parts(self, operation: Operation) -> Parts[None]:
        """Prepare the execution of a long operation, in parts."""


class OperationContext(Protocol):
    """The context of one operation, which resolvers receive."""

    @property
    def operation(self) -> OperationRecord:
        """The record of the operation."""

    def stop_mutations(self) -> None:
        """Start no further mutation of the operation."""

    def cancel_loading(self) -> None:
        """Cancel what is being loaded, because the operation was cancelled."""

    def forget_records(self) -> None:
        """Drop the loaded records at the end of the operation."""

    async def complete_in_time(self, completion: Awaitable[T]) -> T:
        """Await the completion of a part of the result. Raises `UpstreamTimeout` if it takes too long."""


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
        idempotency: IdempotentMutations | None = None,
        subscriptions: Subscriptions | None = None,
        explainer: Explainer | None = None,
    ) -> None:
        """Without `idempotency` or `explainer`, the headers for them are ignored."""
        self.documents = documents
        self.new_context = new_context
        self.running_mutations = running_mutations or RunningMutations()
        self.plans = plans
        self.rate_limit = rate_limit
        self.persisted_documents = persisted_documents or PersistedDocuments(documents)
        self.idempotency = idempotency
        self.subscriptions = Subscriptions(Changes()) if subscriptions is None else subscriptions
        self.explainer = explainer
        self._preparing = asyncio.Lock()

    async def execute(
        self,
        request: GraphQLRequest,
        caller: Caller,
        record: OperationRecord,
        *,
        allow_mutations: bool,
        incremental: bool,
        event_stream: bool = False,
    ) -> Response:
        """Execute a request. `incremental` is true if the client accepts a response in parts.

        `event_stream` is true if it accepts the results of a subscription. Once a mutation has begun
        (`record.kind`), cancelling this coroutine does not cancel it. Raises `MutationNotAllowed`,
        `EventStreamRequired`, and `GatewayError` for a request that is refused as a whole.
        """
        documents = self.documents
        query = request.query
        operation: Prepared | None = None
        if isinstance(query, str) and request.extensions is None:
            operation = documents.get(query, request.operationName)
        if operation is None:
            operation = await self._prepare(request)
        if type(operation) is not Operation:
            if isinstance(operation, SubscriptionOperation):
                if not event_stream:
                    raise EventStreamRequired
                return await self._subscribe(operation, request, caller, record)
            assert isinstance(operation, Rejected)  # noqa: S101 - there is no other
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
            return self._refuse_excess(excess, operation, variables, caller)
        record.kind = "mutation" if operation.is_mutation else "query"
        record.name = operation.name
        record.aliases, record.nests_lists = operation.aliases, operation.nests_lists
        if self.rate_limit is not None:
            calls = _calls(estimate, caller)
            refusal = await self.rate_limit.check(
                caller, calls, record, calls_polaris=operation.calls_polaris
            )
            if refusal is not None:
                raise refusal
        if caller.options is not None:
            options, idempotency = caller.options, self.idempotency
            if options.only_explains:
                record.kind = "none"  # a mutation that is not executed must not count as one
                return self._explain(operation, variables, estimate, options)
            if options.idempotency_lines is not None and operation.is_mutation and idempotency is not None:
                return await self._execute_once(idempotency, operation, request, variables, caller, record)
            if options.reports_cost or (options.explains and self.explainer is not None):
                return await self._execute_and_explain(
                    operation, variables, estimate, options, caller, record
                )

        context = self.new_context(caller, record)
        if incremental and operation.deferred is not None and operation.deferred.is_active(variables.coerced):
            execution = self._execute(operation.deferred.operation, variables, context)
        else:
            execution = self.start(operation, variables, context)
        if not isinstance(execution, _RESULTS):
            # A mutation that has begun is never cancelled: upstream executes what was sent regardless.
            if operation.is_mutation:
                execution = self.running_mutations.finish(
                    execution, operation.node, caller.request_id, context.stop_mutations
                )
            try:
                execution = await execution
            except asyncio.CancelledError:
                context.cancel_loading()
                raise
            finally:
                if not isinstance(execution, ExperimentalIncrementalExecutionResults):
                    context.forget_records()
        if isinstance(execution, ExperimentalIncrementalExecutionResults):

            def release() -> None:
                context.cancel_loading()
                context.forget_records()

            return IncrementalResponse(
                operation=operation,
                initial=execution.initial_result,
                subsequent=execution.subsequent_results,
                release=release,
            )
        if execution.errors or record.has_confirmed:
            return await _response(execution, record, caller)
        return GraphQLResponse(UNSET, execution.data)

    async def _execute_once(
        self,
        idempotency: IdempotentMutations,
        operation: Operation,
        request: GraphQLRequest,
        variables: VariableValues,
        caller: Caller,
        record: OperationRecord,
    ) -> EncodedResponse:
        """Execute a mutation with an idempotency key, in one piece, or return the response to an earlier one.

        A disconnect cancels neither its claim nor the response that is kept.
        """
        node, decoder = operation.node, operation.variables_decoder
        assert node.loc is not None  # noqa: S101 - documents are parsed with locations
        keyed = keyed_request(
            caller,
            node.loc.source.body,
            node.name.value if node.name else None,
            {} if decoder is None else decoder.decode(request.variables),
        )
        context = idempotency.new_context(caller, record)

        def execute() -> Awaitable[GraphQLResponse]:
            return self._execute_in_one_piece(operation, variables, context, caller, record)

        return await self.running_mutations.finish(
            idempotency.execute(keyed, context, execute), node, caller.request_id, context.stop_mutations
        )

    async def _execute_in_one_piece(
        self,
        operation: Operation,
        variables: VariableValues,
        context: OperationContext,
        caller: Caller,
        record: OperationRecord,
    ) -> GraphQLResponse:
        execution = self.start(operation, variables, context)
        try:
            result = execution if isinstance(execution, ExecutionResult) else await execution
        except asyncio.CancelledError:
            context.cancel_loading()
            raise
        finally:
            context.forget_records()
        return await _response(result, record, caller)

    async def _execute_and_explain(
        self,
        operation: Operation,
        variables: VariableValues,
        estimate: Estimate,
        options: RequestOptions,
        caller: Caller,
        record: OperationRecord,
    ) -> GraphQLResponse:
        """Execute an operation in one piece; its response says what it has cost."""
        explained: Execution | None = None
        if options.explains and self.explainer is not None:
            explained = Execution(self.explainer, operation, variables.coerced)
        new_context = self.new_context if explained is None else explained.new_context
        context = new_context(caller, record)
        executing: Awaitable[GraphQLResponse]
        executing = self._execute_in_one_piece(operation, variables, context, caller, record)
        if operation.is_mutation:
            executing = self.running_mutations.finish(
                executing, operation.node, caller.request_id, context.stop_mutations
            )
        response = await executing
        extensions: dict[str, object] = {}
        if response.extensions is not UNSET:
            extensions.update(response.extensions)
        if options.reports_cost:
            maximum = self.documents.limits.max_cost
            extensions["cost"] = Cost(estimated=estimate.calls, actual=len(record.calls), limit=maximum)
        if explained is not None:
            extensions["explain"] = explained.explain(response.data)
        return GraphQLResponse(response.errors, response.data, extensions)

    def _explain(
        self, operation: Operation, variables: VariableValues, estimate: Estimate, options: RequestOptions
    ) -> GraphQLResponse:
        """Return the plan of an operation, as if each of its root fields were skipped.

        Raises `BadRequest` if plans are not shown: without them it must not be executed either.
        """
        if self.explainer is None:
            raise BadRequest(
                f"{EXPLAIN_HEADER}: only: this gateway shows no plans (PRODUCTION or INTROSPECTION)."
                " Nothing was sent."
            )
        extensions: dict[str, object] = {"explain": self.explainer.explain(operation, variables.coerced)}
        if options.reports_cost:
            extensions["cost"] = Cost(
                estimated=estimate.calls, actual=0, limit=self.documents.limits.max_cost
            )
        return GraphQLResponse(UNSET, {}, extensions)

    def _refuse_excess(
        self, excess: GraphQLError, operation: Operation, variables: VariableValues, caller: Caller
    ) -> GraphQLResponse:
        """Return the refusal of an operation for its estimate, with its plan if the request says so."""
        response = _refuse([excess], caller)
        if self.explainer is None or caller.options is None or not caller.options.explains:
            return response
        explanation = self.explainer.explain(operation, variables.coerced)
        return GraphQLResponse(response.errors, extensions={"explain": explanation})

    async def _subscribe(
        self,
        operation: SubscriptionOperation,
        request: GraphQLRequest,
        caller: Caller,
        record: OperationRecord,
    ) -> GraphQLResponse | SubscriptionResponse:
        """Return the results of a subscription, or the response to one that is refused. Nothing is read yet.

        Raises `GatewayError` for a request that is refused as a whole.
        """
        if caller.options is not None and caller.options.only_explains:
            raise BadRequest(f"{EXPLAIN_HEADER}: only: a subscription is not explained. Nothing was sent.")
        documents = self.documents
        variables = _NO_VARIABLES
        if operation.variables_decoder is not None:
            try:
                given = operation.variables_decoder.decode(request.variables)
            except GraphQLError as error:
                return _refuse([error], caller)
            judged = coerce_variables(operation.variables, given) or self._judge_variables(operation, given)
            if isinstance(judged, list):
                return _refuse(judged, caller)
            variables = judged
        estimate = documents.estimate(operation, variables.coerced)
        if (excess := documents.check_estimate(estimate)) is not None:
            return _refuse([excess], caller)
        record.kind, record.name = "subscription", operation.name
        root = root_of(documents.core_schema, operation, variables)
        try:
            watch = root.parse_arguments(variables, not documents.suggestions)
        except (GraphQLError, GatewayError) as error:
            return _refuse([located_error(error, root.nodes, [root.name])], caller)
        if self.rate_limit is not None:
            refusal = await self.rate_limit.check(caller, 1, record, calls_polaris=operation.calls_polaris)
            if refusal is not None:
                raise refusal
        subscription = Subscription(
            caller=caller,
            operation=operation,
            variables=variables,
            calls=estimate.calls,
            root=root,
            watch=watch,
        )
        return self.subscriptions.open(self, subscription, resume_after(request, caller))

    async def _prepare(self, request: GraphQLRequest) -> Prepared:
        query = request.query
        if isinstance(query, str) and request.extensions is None:
            return await self._prepare_text(query, request.operationName)
        return await self.persisted_documents.prepare(request, self._prepare_text)

    async def _prepare_text(self, query: str, operation_name: str | None) -> Prepared:
        """Parse, validate and plan one text at a time, in turns of the event loop: cached ones are served.

        Another request for the same text waits, and prepares it itself if the first one is cancelled.
        """
        plan = None if self.plans is None else self.plans.prepare_in_parts
        async with self._preparing:
            prepared = await in_turns(self.documents.prepare_in_parts(query, operation_name, plan))
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

    def start(self, operation: Operation, variables: VariableValues, context: object) -> Any:
        """Execute an operation by its plan, or by graphql-core. Any: a result, or an awaitable of one."""
        execution = None if self.plans is None else self.plans.execution(operation, variables, context)
        return self._execute(operation, variables, context) if execution is None else execution

    def _execute(self, operation: Operation, variables: VariableValues, context: object) -> Any:
        executor = SlicingExecutor.of(self.documents.core_schema, operation, variables, context)
        return executor.execute_operation()


def _calls(estimate: Estimate, caller: Caller) -> int:
    """Return the upstream calls that an operation may need: none if it is only explained."""
    return 0 if caller.options is not None and caller.options.only_explains else estimate.calls


def _refuse(errors: Sequence[GraphQLError], caller: Caller) -> GraphQLResponse:
    return GraphQLResponse(mask_errors(errors, caller.request_id))


async def _response(result: ExecutionResult, record: OperationRecord, caller: Caller) -> GraphQLResponse:
    extensions = CONFIRMED if record.has_confirmed else UNSET
    errors = UNSET if not result.errors else await in_turns(mask_in_parts(result.errors, caller.request_id))
    return GraphQLResponse(errors, result.data, extensions)

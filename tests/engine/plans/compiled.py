"""Compiled operations, and their execution over an upstream with a table of responses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
from graphql import ExecutionResult
from graphql.execution.values import VariableValues, get_variable_values

from gateway.context import Context
from gateway.engine.documents import Documents, Operation
from gateway.engine.parts import finish
from gateway.engine.plans.compiler import Compiler
from gateway.engine.plans.executor import PlanExecutor
from gateway.engine.plans.plan import OperationPlan
from gateway.graph import schema
from gateway.identity import Caller
from gateway.observability.operation import OperationRecord
from gateway.settings import DocumentSettings, LimitSettings, Settings
from gateway.upstream.services import Services

Json = Any  # responses and variables are JSON of the shape that each test expects
CALLER = Caller(tenant="diku", request_id="1/graphql")
LIMITS = LimitSettings(
    max_query_characters=100_000,
    max_aliases=1000,
    max_nodes=10_000,
    max_cost=100_000,
    max_result_nodes=10_000_000,
    max_tokens=20_000,
)


def operation_of(query: str) -> Operation:
    result = Documents(schema, DocumentSettings(), LIMITS).prepare(query)
    assert isinstance(result, Operation), result
    return result


def variables_of(operation: Operation, given: Mapping[str, Json]) -> VariableValues:
    result = get_variable_values(schema._schema, operation.node.variable_definitions or (), dict(given))
    assert isinstance(result, VariableValues), result
    return result


class Table:
    """An upstream with one response for each path, which records the paths of the requests."""

    def __init__(self, responses: Mapping[str, Json] | None = None, *, slow: str = "") -> None:
        self.responses = dict(responses or {})
        self.slow = slow
        self.calls: list[str] = []
        self.services = Services(
            Settings(okapi_url="http://folio"), lambda limits: httpx.MockTransport(self.response)
        )

    async def response(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.url.path)
        if request.url.path == self.slow:
            await asyncio.sleep(0.05)
        result = self.responses.get(request.url.path)
        return httpx.Response(404, text="no") if result is None else httpx.Response(200, json=result)

    def context(self) -> Context:
        upstream = self.services.for_caller(CALLER, OperationRecord())
        return Context(caller=CALLER, upstream=upstream, limits=LIMITS)


def compile_plan(query: str, conditions: Mapping[str, bool] | None = None) -> OperationPlan:
    """Return the plan for these values of the variables in conditions. Raises `UnsupportedOperation`."""
    return finish(compiler(query, conditions).compile())


def compiler(query: str, conditions: Mapping[str, bool] | None = None) -> Compiler:
    """Return the compiler of an operation without other variables than these."""
    operation, given = operation_of(query), dict(conditions or {})
    definitions = operation.node.variable_definitions or ()
    needed = [each for each in definitions if each.variable.name.value in given]
    variables = get_variable_values(schema._schema, needed, given)
    assert isinstance(variables, VariableValues), variables
    return Compiler(schema._schema, operation, variables, is_direct=False)


async def execute_plan(
    query: str, table: Table, variables: Mapping[str, Json] | None = None
) -> ExecutionResult:
    """Return the result of the plan of an operation, its Structs as they are."""
    operation = operation_of(query)
    execution = PlanExecutor(schema).execution(
        operation, variables_of(operation, variables or {}), table.context()
    )
    assert execution is not None
    return await execution


def plain(value: object) -> Json:
    """Return a part of a response as decoded by a client, members in order."""
    return msgspec.json.decode(msgspec.json.encode(value))

"""Simultaneous requests for a long document: it is prepared once, whichever of them is cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import httpx
import pytest

from gateway.app import create_documents
from gateway.context import ContextFactory, ShutdownState
from gateway.engine.documents import LONG_TEXT
from gateway.engine.operations import Operations
from gateway.engine.parts import Parts
from gateway.engine.plans.cache import PLANS_EXECUTED, CachedOperation
from gateway.engine.plans.executor import PlanExecutor
from gateway.engine.plans.plan import OperationPlan
from gateway.engine.request import GraphQLRequest
from gateway.engine.response_body import GraphQLResponse
from gateway.graph import schema
from gateway.observability.operation import OperationRecord
from gateway.settings import Settings
from gateway.upstream.services import Services
from tests.engine.plans.compiled import CALLER, plain

pytestmark = pytest.mark.anyio

LONG = "#" * LONG_TEXT
ROOTS = [f"a{number}" for number in range(5)]
USERS = "{" + " ".join(f"{each}: users {{ nodes {{ id }} }}" for each in ROOTS) + "}" + LONG
UNPLANNED = "{ __schema { queryType { name } } }" + LONG


class CountedPlans(PlanExecutor):
    """Plans, with the number of compilations begun and ended."""

    def __init__(self) -> None:
        super().__init__(schema)
        self.begun = self.ended = 0
        self.compiling = asyncio.Event()

    def compile_in_parts(
        self, operation: CachedOperation, key: tuple[Any, ...]
    ) -> Parts[OperationPlan | None]:
        self.begun += 1
        self.compiling.set()
        plan = yield from super().compile_in_parts(operation, key)
        self.ended += 1
        return plan


class Gateway:
    """The execution of operations over an upstream without records."""

    def __init__(self) -> None:
        settings = Settings(okapi_url="http://folio")
        services = Services(
            settings, lambda _: httpx.MockTransport(lambda request: httpx.Response(200, json={"users": []}))
        )
        self.plans = CountedPlans()
        self.operations = Operations(
            create_documents(settings),
            ContextFactory(services, limits=settings, upstream=settings, stopping=ShutdownState()),
            plans=self.plans,
        )

    async def execute(self, query: str) -> Any:
        """Return the data of a response, which is JSON."""
        response = await self.operations.execute(
            GraphQLRequest(query=query), CALLER, OperationRecord(), allow_mutations=False, incremental=False
        )
        assert isinstance(response, GraphQLResponse)
        return plain(response.data)


async def test_a_document_is_compiled_once_for_simultaneous_requests() -> None:
    """The others wait for the plan, and all are executed by it."""
    gateway, executed = Gateway(), PLANS_EXECUTED.counts[""]

    responses = await asyncio.gather(*[gateway.execute(USERS) for _ in range(3)])

    assert responses == [{each: {"nodes": []} for each in ROOTS}] * 3
    assert (gateway.plans.begun, gateway.plans.ended) == (1, 1)
    assert PLANS_EXECUTED.counts[""] - executed == 3


async def test_a_document_without_a_plan_is_compiled_once_for_simultaneous_requests() -> None:
    """Both are executed by graphql-core."""
    gateway, executed = Gateway(), PLANS_EXECUTED.counts[""]

    responses = await asyncio.gather(*[gateway.execute(UNPLANNED) for _ in range(2)])

    assert responses == [{"__schema": {"queryType": {"name": "Query"}}}] * 2
    assert (gateway.plans.begun, gateway.plans.ended) == (1, 1)
    assert PLANS_EXECUTED.counts[""] == executed


async def test_a_later_request_arrives_while_the_plan_is_compiled() -> None:
    """It finds no operation without a plan, and compiles none itself."""
    gateway = Gateway()
    first = asyncio.create_task(gateway.execute(USERS))
    await gateway.plans.compiling.wait()
    assert gateway.plans.ended == 0

    assert await gateway.execute(USERS) == await first
    assert (gateway.plans.begun, gateway.plans.ended) == (1, 1)


async def test_a_disconnect_of_the_first_request_leaves_the_second_one_unharmed() -> None:
    """Cancelled in any turn of its preparation, it leaves no operation without its plan to the second."""
    begun = set()
    for turns in range(30):
        gateway, executed = Gateway(), PLANS_EXECUTED.counts[""]
        first = asyncio.create_task(gateway.execute(USERS))
        second = asyncio.create_task(gateway.execute(USERS))
        for _ in range(turns):
            await asyncio.sleep(0)
        begun.add((gateway.plans.begun, gateway.plans.ended))
        first.cancel()
        cached = gateway.operations.documents.get(USERS)
        assert cached is None or gateway.plans.ended == 1

        assert await second == {each: {"nodes": []} for each in ROOTS}
        with suppress(asyncio.CancelledError):  # not raised if it had ended before
            await first
        assert gateway.plans.ended == 1
        assert gateway.plans.begun <= 2
        assert PLANS_EXECUTED.counts[""] - executed in (1, 2)
    assert begun == {(0, 0), (1, 0), (1, 1)}  # before, while and after it compiled the plan

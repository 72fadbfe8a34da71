"""The time of an operation also ends the completion of its result, where it is executed without a plan."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import httpx
import pytest

from gateway.errors import incomplete_result
from gateway.identity import Caller
from gateway.observability.operation import OperationRecord
from tests.engine.plans.test_cancelled_plans import Client, Held
from tests.gateway_over import CALLER, Json, Upstream, gateway_over, key
from tests.http.desk import JSON, Desk, Visit
from tests.http.test_defer import BY_ID, LENT, parts_of
from tests.http.test_long_responses import longest_turn

pytestmark = pytest.mark.anyio

T = TypeVar("T")

LOAN = {
    "userId": key(1),
    "dueDate": "2026-01-01T00:00:00.000+00:00",
    "status": {"name": "Open"},
    "item": {"id": key(2), "title": "t", "contributors": [{"name": "n"}] * 20},
}
FIELDS = "nodes { id dueDate status { name } loanItem { title contributors { name } } }"
NAMES = [f"a{number}" for number in range(20)]
LARGE = " ".join(f"{name}: loans(first: 1000) {{ {FIELDS} }}" for name in NAMES)
SETTINGS = {"operation_timeout": 0.8, "max_result_nodes": 500_000, "max_process_bytes": 4_000_000_000}
MESSAGE = "The result was not complete within the operation's 0.8 s."
MAX_SECONDS = 4.1  # 1.8, and the rest for a busy machine; all of the result takes 7


def upstream(**unexpected: Json) -> Upstream:
    """Return an upstream with a thousand loans, which have the unexpected members."""
    records = [{**LOAN, "id": key(each), **unexpected} for each in range(1000)]
    pages = {limit: json.dumps({"loans": records[:limit]}).encode() for limit in (1, 1000)}
    return lambda request: httpx.Response(200, content=pages[int(request.url.params["limit"])])


def assert_timed_out(errors: Json, paths: list[Json]) -> None:
    """Assert that there is one error for each path, which says that there was no more time."""
    assert sorted(error["path"] for error in errors) == sorted(paths)
    for error in errors:
        extensions = {name: value for name, value in error["extensions"].items() if name != "requestId"}
        assert error["message"] == MESSAGE
        assert extensions == {"code": "UPSTREAM_TIMEOUT", "retryable": True}


@pytest.mark.parametrize(
    ("execution", "unexpected"), [("generic", {}), ("plan", {"status": "Open"})], ids=["generic", "fallback"]
)
async def test_roots_that_are_not_complete_in_time_are_null(execution: str, unexpected: Json) -> None:
    """A second after the time of the operation, roots that are not complete are null, with an error each.
    What was complete is sent, and no turn of the event loop is long."""
    query = f'{{ one: __typename {LARGE} schema: __type(name: "Loan") {{ name }} }}'
    async with gateway_over(upstream(**unexpected), execution=execution, **SETTINGS) as gateway:
        began = time.monotonic()
        longest, answer = await longest_turn(gateway, query)
        took = time.monotonic() - began

    roots = {name: answer["data"].pop(name) for name in NAMES}
    incomplete = [name for name, root in roots.items() if root is None]
    assert len(incomplete) > 1
    assert {len(root["nodes"]) for root in roots.values() if root is not None} <= {1000}
    assert answer["data"] == {"one": "Query", "schema": {"name": "Loan"}}
    errors = [error for error in answer["errors"] if error["path"][0] in incomplete]
    assert_timed_out(errors, [[name] for name in incomplete])
    in_complete = {error["path"][-1] for error in answer["errors"]} - {*incomplete}
    assert in_complete <= {*unexpected}
    assert 1.8 < took < MAX_SECONDS
    assert longest < 0.25


async def test_a_deferred_fragment_that_is_not_complete_in_time_fails() -> None:
    """The response in parts ends with an error for the fragment, and the first part is complete."""
    query = f"{{ loans(first: 1) {{ nodes {{ id }} }} ... @defer {{ {LARGE} }} }}"
    async with gateway_over(upstream(), **SETTINGS) as gateway:
        began = time.monotonic()
        response = await gateway.response(query, headers={**CALLER, "Accept": BY_ID})
        took = time.monotonic() - began

    first, last = parts_of(response.content)
    assert "errors" not in first
    assert first["data"] == {"loans": {"nodes": [{"id": key(0)}]}}
    assert last["hasNext"] is False
    (completed,) = last["completed"]
    (error,) = completed["errors"]
    assert error["message"] == MESSAGE
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    assert took < MAX_SECONDS


async def test_what_was_read_in_time_is_completed_after_it() -> None:
    """Reads that end with the operation leave a result, in which only their fields are null."""
    client = Client(
        Held("/users"),
        "{ loans(first: 60) { nodes { id borrower { username } } } }",
        execution="generic",
        operation_timeout=0.5,
    )
    await asyncio.wait_for(client.execute(), 20)

    answer = client.response()
    assert answer["data"] == {
        "loans": {"nodes": [{"id": f"l{each}", "borrower": None} for each in range(60)]}
    }
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UPSTREAM_TIMEOUT"}
    places = [["loans", "nodes", each, "borrower"] for each in range(60)]
    assert sorted(error["path"] for error in answer["errors"]) == places


@dataclass(frozen=True, kw_only=True)
class TimelessVisit(Visit):
    """The context of an operation that has no time to complete its result."""

    async def complete_in_time(self, completion: Awaitable[T]) -> T:
        await completion
        raise incomplete_result(0)


class TimelessDesk(Desk):
    """A desk whose operations have no time to complete their results."""

    def new_context(self, caller: Caller, operation: OperationRecord) -> Visit:
        return TimelessVisit(caller=caller, operation=operation, desk=self)


async def test_a_root_that_must_not_be_null() -> None:
    """If such a root is not complete in time, all data is null, as for any error in it."""
    response = await TimelessDesk().post(query="{ title tenant }")

    (error,) = response.json()["errors"]
    assert response.json()["data"] is None
    assert error["path"] == ["tenant"]
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"


async def test_introspection_that_is_not_complete_in_time() -> None:
    """The schema, which must not be null, is an error like any other root."""
    types = "types { name description fields { name args { name description } } }"
    query = "{" + " ".join(f"s{number}: __schema {{ {types} }}" for number in range(10)) + "}"
    response = await TimelessDesk().post(query=query)

    (error,) = response.json()["errors"]
    assert response.json()["data"] is None
    assert error["path"] in [[f"s{number}"] for number in range(10)]  # the first one to end
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"


@pytest.mark.parametrize("accept", [JSON, BY_ID])
async def test_the_result_of_a_mutation_is_always_complete(accept: str) -> None:
    """The write has happened: its result is sent, with its deferred fragments."""
    desk = TimelessDesk()
    desk.gate.set()
    response = await desk.post({"Accept": accept}, query=LENT)

    assert desk.calls == ["lend", "borrower"]
    if accept == JSON:
        assert response.json() == {"data": {"lend": {"id": "1", "borrower": "borrower"}}}
    else:
        first, last = parts_of(response.content)
        assert first["data"] == {"lend": {"id": "1"}}
        assert last["incremental"] == [{"id": "0", "data": {"borrower": "borrower"}}]

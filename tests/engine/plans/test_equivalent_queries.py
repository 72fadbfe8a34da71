"""An operation executed by a plan has the same response and the same upstream calls as field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import iscoroutinefunction
from itertools import islice
from pathlib import Path

import pytest

from gateway.engine.plans.cache import FALLBACKS, PLANS_EXECUTED
from gateway.sandbox import Sandbox, create_sandbox
from tests import widest
from tests.engine.plans.compared_executions import Change, ComparedExecutions, Json, compare_executions
from tests.engine.plans.handwritten_operations import HANDWRITTEN
from tests.engine.plans.invalid_responses import ODD, failing, misshapen, poisoned, silent, unreadable
from tests.engine.plans.random_operations import ROOTS, Operations
from tests.manual.pages import EXAMPLES
from tests.schema.graph_walk import filled_sandbox, object_types
from tests.schema.poisoned import without_calls

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parents[2]
SCREENS = [
    path.read_text()
    for path in sorted((HERE / "stories" / "screens").glob("*.graphql"))
    if path.read_text().startswith("query")  # the response of a mutation has the current time in it
]
MANUAL = [each for each in EXAMPLES if each.query.startswith("query")]
SANDBOX = filled_sandbox()  # only read

OPERATIONS_PER_SEED = 70  # random operations for each kind of upstream
FEWER_OPERATIONS = 30
SEEDS = 4
POISONED = ((15, 0.005), (11, 0.02), (12, 0.1), (13, 0.3), (14, 0.6))
FAILING: dict[str, Change] = {
    "without-users": failing("/users", "/inventory/items", "/groups"),
    "without-inventory": failing("/inventory", "/service-points", "/proxiesfor"),
    "without-service-points": failing("/service-points", "/locations"),
    "without-loans": failing("/circulation", "/loan", "/accounts"),
    "without-requests": failing("/circulation-bff/requests", "/circulation/requests", "/request"),
    "without-titles": failing("/instance-storage", "/holdings-storage", "/circulation-bff/search"),
    "misshapen": misshapen("/users", "/instance-storage", "/item-storage", "/inventory"),
    "unreadable": unreadable("/users", "/accounts", "/circulation-bff/loans"),
    "silent": silent("/users", "/inventory"),
}


@pytest.fixture(autouse=True)
def _all_compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Operations are executed by plans, and the compiler fails at no selection."""
    before = PLANS_EXECUTED.counts[""]
    not_compiled = FALLBACKS.counts["not compiled"]
    yield
    assert PLANS_EXECUTED.counts[""] > before or not iscoroutinefunction(request.function)
    assert FALLBACKS.counts["not compiled"] == not_compiled


async def compare_random(side: ComparedExecutions, seed: int, number: int = OPERATIONS_PER_SEED) -> None:
    before = side.compared
    for query, variables in islice(Operations(seed), number):
        await side.same(query, variables)
    assert side.compared == before + number
    assert not side.refused


async def compare_handwritten(side: ComparedExecutions) -> None:
    for query, variables in HANDWRITTEN:
        await side.same(query, variables)
    assert not side.refused


def test_there_are_two_thousand_cases() -> None:
    """More than two thousand operations are compared, without the mutations."""
    random_operations = OPERATIONS_PER_SEED * (SEEDS + len(POISONED)) + FEWER_OPERATIONS * (
        len(FAILING) + len(ODD) + 2
    )
    handwritten_operations = len(HANDWRITTEN) * (len(FAILING) + len(ODD) + 5)

    assert random_operations + handwritten_operations + len(SCREENS) + len(MANUAL) > 2000


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_random_operations(seed: int) -> None:
    """Fragments, aliases, merged fields, conditions and links have the same result in any combination."""
    fallbacks = FALLBACKS.counts["record"]
    async with compare_executions(SANDBOX) as side:
        await compare_random(side, seed)

    assert side.with_errors == 0
    assert side.more == 0
    assert FALLBACKS.counts["record"] == fallbacks


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "share"), POISONED)
async def test_invalid_records(seed: int, share: float) -> None:
    """Missing, null or otherwise typed members have the same errors and paths, without another call."""
    async with compare_executions(SANDBOX, poisoned(seed, share)) as side:
        await compare_random(side, seed)

    assert side.with_errors


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
async def test_failing_upstreams(name: str) -> None:
    """A loader that fails is one error for each path, and its call is not repeated."""
    async with compare_executions(SANDBOX, FAILING[name]) as side:
        await compare_random(side, 20, FEWER_OPERATIONS)
        await compare_handwritten(side)

    assert side.with_errors


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
async def test_unusual_values(name: str) -> None:
    """Dates, numbers, ids and values of closed sets in undocumented forms have the same result."""
    async with compare_executions(SANDBOX, ODD[name]) as side:
        await compare_random(side, 30, FEWER_OPERATIONS)
        await compare_handwritten(side)


async def test_handwritten_operations() -> None:
    """Links by several paths are fetched once in both executions, and plans never send more calls."""
    fallbacks = FALLBACKS.counts["record"]
    async with compare_executions(SANDBOX) as side:
        await compare_handwritten(side)

    assert side.more == 0
    assert FALLBACKS.counts["record"] == fallbacks


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.003, 0.03])
async def test_handwritten_operations_with_invalid_records(share: float) -> None:
    """Handwritten operations with missing, null or otherwise typed members have the same result."""
    async with compare_executions(SANDBOX, poisoned(31, share)) as side:
        await compare_handwritten(side)

    assert side.with_errors


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.02])
async def test_loans_and_requests_from_circulation(share: float) -> None:
    """Both executions have the same result with the records of circulation."""
    async with compare_executions(SANDBOX, poisoned(40, share), lists_from="circulation") as side:
        await compare_random(side, 40, FEWER_OPERATIONS)
        await compare_handwritten(side)

    assert share or side.more == 0


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.01, 0.05])
async def test_the_widest_selections(share: float) -> None:
    """All members of a type at once have the same result, with valid and with invalid records."""
    async with compare_executions(SANDBOX, poisoned(5, share)) as side:
        for root, kind in ROOTS:
            if root not in object_types()["Query"].fields:
                continue
            await side.same(f"{{ {root}(first: 50) {widest.selection(kind)} }}")
            record = without_calls(object_types()[kind.removesuffix("Connection")])
            await side.same(f"{{ {root}(first: 50) {{ edges {{ node {{ {record} }} }} }} }}")


def screen_variables(sandbox: Sandbox) -> dict[str, Json]:
    """Return variables for all the operations of the screens."""
    library, summary = sandbox.library("diku"), sandbox.summary()
    loan = next(iter(library.open_loans()))
    request = library.requests[str(summary.request_id)]
    return {
        "id": summary.request_id,
        "barcode": "1000000009",
        "servicePointId": summary.service_point_id,
        "loanId": loan["id"],
        "requestId": summary.request_id,
        "instanceId": request["instanceId"],
        "userId": request["requesterId"],
        "itemId": request.get("itemId"),
        "after": None,
        "servicePoint": summary.service_point_id,
        "filter": {},
        "patron": "1000000009",
        "item": "2000000001",
        "today": "2026-12-23",
        "itemBarcode": "2000000066",
        "userBarcode": "1000000046",
        "arrives": True,
    }


def variables_of(query: str, values: dict[str, Json]) -> dict[str, Json]:
    """Return the values for the variables that a query declares."""
    return {name: values[name] for name in re.findall(r"\$(\w+)\s*:", query) if name in values}


@pytest.mark.parametrize(
    ("query", "variables"),
    [*((query, None) for query in SCREENS), *((each.query, each.variables) for each in MANUAL)],
    ids=[re.findall(r"\w+", query)[1] for query in SCREENS] + [each.name for each in MANUAL],
)
async def test_screens_and_the_manual(query: str, variables: dict[str, Json] | None) -> None:
    """The operations of the screens and of the manual have the same result, each on a separate library."""
    one, other = create_sandbox(), create_sandbox()
    fallbacks = dict(FALLBACKS.counts)
    async with compare_executions(one, own=other) as side:
        values = variables_of(query, screen_variables(one)) if variables is None else variables
        if "LoanDetail" in query:
            values["id"] = screen_variables(one)["loanId"]
        tokens = one.summary()
        headers = {
            "X-Okapi-Tenant": "diku",
            "X-Okapi-Token": tokens.staff_tokens["head"],
            "X-Polaris-Authorization": tokens.polaris_authorizations["head"],
            "X-Polaris-Workstation": str(tokens.polaris_workstation),
            "X-Polaris-Organization": str(tokens.polaris_organization),
        }
        await side.same(
            query.replace("currentDateTime", ""), values, headers
        )  # the time differs between the two

    assert dict(FALLBACKS.counts) == fallbacks
    assert side.more == 0

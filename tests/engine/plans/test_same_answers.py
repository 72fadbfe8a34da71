"""By plans or field by field, an operation has the same answer and asks the same upstream."""

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
from tests.engine.plans.by_hand import BY_HAND
from tests.engine.plans.operations import ROOTS, Operations
from tests.engine.plans.side_by_side import Change, Json, SideBySide, side_by_side
from tests.engine.plans.upstream_answers import ODD, failing, misshapen, poisoned, silent, unreadable
from tests.manual.pages import EXAMPLES
from tests.schema.graph_walk import filled_sandbox, object_types
from tests.schema.poisoned import without_calls

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parents[2]
SCREENS = [
    path.read_text()
    for path in sorted((HERE / "stories" / "screens").glob("*.graphql"))
    if path.read_text().startswith("query")  # what an act answers has the time of day in it
]
MANUAL = [each for each in EXAMPLES if each.query.startswith("query")]
SANDBOX = filled_sandbox()  # only read

EACH = 70  # operations made up for each way that upstream behaves
FEW = 30
MADE_UP = 4
POISONED = ((10, 0.005), (11, 0.02), (12, 0.1), (13, 0.3), (14, 0.6))
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
def all_compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Operations are executed by plans, and no selection is one that the compiler fails at."""
    before = PLANS_EXECUTED.counts[""]
    compiled = FALLBACKS.counts["not compiled"]
    yield
    assert PLANS_EXECUTED.counts[""] > before or not iscoroutinefunction(request.function)
    assert FALLBACKS.counts["not compiled"] == compiled


async def ask_made_up(side: SideBySide, seed: int, number: int = EACH) -> None:
    before = side.compared
    for query, variables in islice(Operations(seed), number):
        await side.same(query, variables)
    assert side.compared == before + number
    assert not side.refused


async def ask_by_hand(side: SideBySide) -> None:
    for query, variables in BY_HAND:
        await side.same(query, variables)
    assert not side.refused


def test_there_are_two_thousand_cases() -> None:
    """Without those of the acts, that is how many times an operation is asked on both ways."""
    made_up = EACH * (MADE_UP + len(POISONED)) + FEW * (len(FAILING) + len(ODD) + 2)
    by_hand = len(BY_HAND) * (len(FAILING) + len(ODD) + 5)

    assert made_up + by_hand + len(SCREENS) + len(MANUAL) > 2000


@pytest.mark.parametrize("seed", range(MADE_UP))
async def test_operations_made_up(seed: int) -> None:
    """Fragments, aliases, merged fields, conditions and links in any combination."""
    async with side_by_side(SANDBOX) as side:
        await ask_made_up(side, seed)

    assert side.with_errors == 0
    assert side.more == 0


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "share"), POISONED)
async def test_records_that_upstream_should_never_send(seed: int, share: float) -> None:
    """Members missing, null or of other kinds: the same errors in the same places, nothing asked twice."""
    async with side_by_side(SANDBOX, poisoned(seed, share)) as side:
        await ask_made_up(side, seed)

    assert side.with_errors


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
async def test_upstreams_that_fail(name: str) -> None:
    """A loader that fails is one error for each path, and is not asked again for it."""
    async with side_by_side(SANDBOX, FAILING[name]) as side:
        await ask_made_up(side, 20, FEW)
        await ask_by_hand(side)

    assert side.with_errors


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
async def test_odd_records(name: str) -> None:
    """Dates, numbers, ids and values of closed sets in forms that nobody promised."""
    async with side_by_side(SANDBOX, ODD[name]) as side:
        await ask_made_up(side, 30, FEW)
        await ask_by_hand(side)


async def test_operations_written_by_hand() -> None:
    """Links by several paths are asked once on both ways, and plans never ask more."""
    async with side_by_side(SANDBOX) as side:
        await ask_by_hand(side)

    assert side.more == 0


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.003, 0.03])
async def test_poisoned_records_of_operations_by_hand(share: float) -> None:
    """The same where members are missing, null or of other kinds."""
    async with side_by_side(SANDBOX, poisoned(31, share)) as side:
        await ask_by_hand(side)

    assert side.with_errors


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.02])
async def test_loans_and_requests_from_circulation_itself(share: float) -> None:
    """The interface that is asked changes what records hold, and not that both ways read the same of them."""
    async with side_by_side(SANDBOX, poisoned(40, share), lists_from="circulation") as side:
        await ask_made_up(side, 40, FEW)
        await ask_by_hand(side)

    assert share or side.more == 0


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.01, 0.05])
async def test_the_widest_selections(share: float) -> None:
    """Every member of a type at once, of good records and of bad ones."""
    async with side_by_side(SANDBOX, poisoned(5, share)) as side:
        for root, kind in ROOTS:
            if root not in object_types()["Query"].fields:
                continue
            await side.same(f"{{ {root}(first: 50) {widest.selection(kind)} }}")
            record = without_calls(object_types()[kind.removesuffix("Connection")])
            await side.same(f"{{ {root}(first: 50) {{ edges {{ node {{ {record} }} }} }} }}")


def everything(sandbox: Sandbox) -> dict[str, Json]:
    """Variables for all the operations of the screens."""
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
    }


def variables_of(query: str, values: dict[str, Json]) -> dict[str, Json]:
    """The values for the variables of a query, with no more members in an input than its type knows."""
    return {name: values[name] for name in re.findall(r"\$(\w+)\s*:", query) if name in values}


@pytest.mark.parametrize(
    ("query", "variables"),
    [*((query, None) for query in SCREENS), *((each.query, each.variables) for each in MANUAL)],
    ids=[re.findall(r"\w+", query)[1] for query in SCREENS] + [each.name for each in MANUAL],
)
async def test_screens_and_the_manual(query: str, variables: dict[str, Json] | None) -> None:
    """The operations of the screens and of the manual, each on a library of its own."""
    one, other = create_sandbox(), create_sandbox()
    given_up = dict(FALLBACKS.counts)
    async with side_by_side(one, own=other) as side:
        values = variables_of(query, everything(one)) if variables is None else variables
        if "LoanDetail" in query:
            values["id"] = everything(one)["loanId"]
        tokens = one.summary()
        headers = {
            "X-Okapi-Tenant": "diku",
            "X-Okapi-Token": tokens.staff_tokens["head"],
            "X-Polaris-Authorization": tokens.polaris_authorizations["head"],
            "X-Polaris-Workstation": str(tokens.polaris_workstation),
            "X-Polaris-Organization": str(tokens.polaris_organization),
        }
        await side.same(query.replace("currentDateTime", ""), values, headers)  # the clock goes on

    assert dict(FALLBACKS.counts) == given_up
    assert side.more == 0

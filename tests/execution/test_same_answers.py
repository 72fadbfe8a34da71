"""By plans or field by field, an operation has the same answer and asks the same upstream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx
import pytest

from gateway.execution.fallbacks import FALLBACKS
from gateway.sandbox import Sandbox, create_sandbox
from tests import widest
from tests.execution.operations import ROOTS, Operations
from tests.execution.side_by_side import Change, Json, SideBySide, poisoned, side_by_side
from tests.schema.graph_walk import filled_sandbox, object_types
from tests.schema.poisoned import without_calls

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parents[1]
SCREENS = [
    path.read_text()
    for path in sorted((HERE / "stories" / "screens").glob("*.graphql"))
    if path.read_text().startswith("query")  # what an act answers has the time of day in it
]
README = re.findall(r"```graphql\n(query.*?)```", (HERE.parent / "README.md").read_text(), re.DOTALL)
SANDBOX = filled_sandbox()  # only read

EACH = 120  # operations made up for each way that upstream behaves


@pytest.fixture(autouse=True)
def all_compiled() -> Iterator[None]:
    """Operations are executed by plans, and no selection is one that the compiler fails at."""
    before = FALLBACKS.planned
    compiled = FALLBACKS.by_reason["not compiled"]
    yield
    assert FALLBACKS.planned > before
    assert FALLBACKS.by_reason["not compiled"] == compiled


async def ask_made_up(side: SideBySide, seed: int) -> None:
    for query, variables in islice(Operations(seed), EACH):
        await side.same(query, variables)
    assert side.compared == EACH
    assert not side.refused


@pytest.mark.parametrize("seed", range(4))
async def test_operations_made_up(seed: int) -> None:
    """Fragments, aliases, merged fields, conditions and links in any combination."""
    async with side_by_side(SANDBOX) as side:
        await ask_made_up(side, seed)

    assert side.with_errors == 0
    assert side.more == 0


@pytest.mark.parametrize(("seed", "share"), [(10, 0.005), (11, 0.02), (12, 0.1), (13, 0.3), (14, 0.6)])
async def test_records_that_upstream_should_never_send(seed: int, share: float) -> None:
    """Members missing, null or of other kinds: the same errors in the same places, nothing asked twice."""
    async with side_by_side(SANDBOX, poisoned(seed, share)) as side:
        await ask_made_up(side, seed)

    assert side.with_errors


def failing(*paths: str) -> Change:
    """An upstream that refuses these paths."""

    def change(path: str, body: Json) -> Json:
        return httpx.Response(403, text="no") if path.startswith(paths) else body

    return change


def misshapen(*paths: str) -> Change:
    """An upstream that answers these paths with something else."""
    return lambda path, body: [body] if path.startswith(paths) else body


@pytest.mark.parametrize(
    ("seed", "change"),
    [
        (20, failing("/users", "/inventory/items", "/groups")),
        (21, failing("/inventory", "/service-points", "/proxiesfor")),
        (22, misshapen("/users", "/instance-storage", "/item-storage", "/inventory")),
    ],
    ids=["without-users", "without-inventory", "misshapen"],
)
async def test_upstreams_that_fail(seed: int, change: Change) -> None:
    """A loader that fails is one error for each path, and is not asked again for it."""
    async with side_by_side(SANDBOX, change) as side:
        await ask_made_up(side, seed)

    assert side.with_errors


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
    """Variables for all the operations of the README and the screens."""
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
    "query", [*SCREENS, *README], ids=lambda query: re.findall(r"\w+", query)[1]
)  # fmt: skip
async def test_screens_and_the_readme(query: str) -> None:
    """What people ask, on a library each."""
    one, other = create_sandbox(), create_sandbox()
    async with side_by_side(one, own=other) as side:
        values = variables_of(query, everything(one))
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

"""The selection, caching and lifetime of plans, and their results."""

from __future__ import annotations

import gc
import inspect
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from graphql.execution.values import VariableValues

from gateway.app import create_app
from gateway.context import Context
from gateway.engine.documents import Documents, Operation
from gateway.engine.plans.cache import FALLBACKS, MAX_VARIANTS, PLANS_EXECUTED
from gateway.engine.plans.compiler import Compiler
from gateway.engine.plans.executor import PlanExecutor
from gateway.engine.plans.plan import OperationPlan, UnsupportedOperation
from gateway.graph import schema
from gateway.loaders import Loaders
from gateway.sandbox import create_sandbox
from gateway.sandbox.http.bff import VERSIONS
from gateway.settings import DocumentSettings, LimitSettings, Settings
from gateway.upstream.record_types import Decoded
from tests.benchmarks.upstream import Upstream
from tests.benchmarks.workloads import WORKLOADS, Workload
from tests.engine.plans.compiled import Table, compile_plan, execute_plan, operation_of, plain
from tests.gateway_under_test import open_gateway
from tests.stories import test_screens

pytestmark = pytest.mark.anyio

SCREENS = Path(__file__).parents[2] / "stories" / "screens"
VISITS = {name: visit for name, visit in vars(test_screens).items() if name.startswith("test_w")}


@pytest.fixture(name="all_planned")
def _all_planned() -> Iterator[None]:
    """Every operation is executed by a plan, without a fallback."""
    planned, reasons = PLANS_EXECUTED.counts[""], dict(FALLBACKS.counts)
    yield
    assert PLANS_EXECUTED.counts[""] > planned
    assert dict(FALLBACKS.counts) == reasons


# Operations of clients


@pytest.mark.usefixtures("all_planned")
@pytest.mark.parametrize("visit", VISITS)
async def test_screens_are_planned_throughout(visit: str) -> None:
    """A visit of each screen, its mutations included, is executed by plans alone."""
    async with open_gateway() as gateway:
        await VISITS[visit](gateway)


@pytest.mark.usefixtures("all_planned")
@pytest.mark.parametrize("lists_from", ["auto", "circulation"])
@pytest.mark.parametrize("version", ["latest", "released", "fails-on-tags"])
async def test_lists_of_either_source_are_planned(version: str, lists_from: str) -> None:
    """Requests of the BFF and of circulation, with the members that only one sends, are executed by plans."""
    async with open_gateway(create_sandbox(bff=VERSIONS[version]), lists_from=lists_from) as gateway:
        for _ in range(2):
            await gateway.execute(
                "{ requests(first: 100) { nodes { id batchRequestInfo { batchRequest { id } } } } }"
            )


@pytest.mark.slow
@pytest.mark.usefixtures("all_planned")
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
async def test_workloads_are_planned_throughout(workload: Workload) -> None:
    """Every benchmark workload is executed by a plan."""
    upstream = Upstream()

    def respond(request: httpx.Request) -> httpx.Response:
        head, _, body = upstream.response(
            request.method, request.url.raw_path.decode(), request.content
        ).partition(b"\r\n\r\n")
        return httpx.Response(int(head.split()[1]), content=body)

    settings = Settings(okapi_url="http://folio")
    app = create_app(settings, transport=lambda limits: httpx.MockTransport(respond))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        body = {"query": workload.query, "variables": workload.variables}
        response = await client.post(
            "/graphql", json=body, headers={"X-Okapi-Tenant": "diku", "X-Okapi-Token": "secret"}
        )

    assert "errors" not in response.json()
    assert upstream.calls


async def test_every_screen_has_a_plan() -> None:
    """No screen selects anything that plans do not support."""
    for path in SCREENS.glob("*.graphql"):
        query = path.read_text()
        conditions = re.findall(r"@(?:include|skip)\(if: \$(\w+)\)", query)
        for value in (True, False)[: 1 + bool(conditions)]:
            assert compile_plan(query, dict.fromkeys(conditions, value)).roots


async def test_embedded_targets_are_part_of_the_projection() -> None:
    """A link whose parent always has what is selected is not loaded, and needs no batch."""
    (root,) = compile_plan(
        "{ loans { nodes { id borrower { id } item { id } history { totalCount } } } }"
    ).roots

    assert [link.name for link in root.target.links] == ["history"]


@pytest.mark.parametrize(
    ("arguments", "is_parsed"),
    [
        (r'cql: "username==\"a$b\""', True),
        ('cql: """username=="$a" """', True),
        ('filter: { barcode: ["$1", "2"] }', True),
        ("first: 2", True),
        ("cql: $a", False),
        ("filter: { barcode: [$a] }", False),
        ('filter: { username: "$1", barcode: ["2", $a] }', False),
    ],
)
async def test_arguments_without_variables_are_parsed_once(arguments: str, is_parsed: bool) -> None:
    """Arguments are part of the plan unless there is a variable among them: a dollar in a text is none."""
    plan = compile_plan(
        f"query($a: String!) {{ users({arguments}) {{ nodes {{ id }} }} user(barcode: $a) {{ id }} }}"
    )

    assert [each.arguments is not None for each in plan.roots] == [is_parsed, False]


async def test_introspection_is_not_planned() -> None:
    """Introspection is executed by graphql-core, alone and together with other fields."""
    for query in (
        "{ __schema { queryType { name } } }",
        '{ loans { totalCount } __type(name: "Loan") { name } }',
    ):
        with pytest.raises(UnsupportedOperation):
            compile_plan(query)


# Results from records


USERS = {
    "/users": {
        "users": [
            {
                "id": "1",
                "barcode": "b",
                "active": True,
                "skipped": [1],
                "personal": {"lastName": "L", "email": "e"},
            },
            {"id": "2", "personal": None, "expirationDate": "2026-11-21T10:00:00.000+0000"},
        ],
        "totalRecords": 2,
    }
}


async def test_members_of_records_have_the_names_and_the_order_of_the_selection() -> None:
    """A result has the selected members and no others that were decoded; absent ones are null."""
    result = await execute_plan(
        "{ users { nodes { id barcode active personal { lastName email } } totalCount } }", Table(USERS)
    )

    assert result.errors is None
    nodes = plain(result.data)["users"]["nodes"]
    assert [list(node) for node in nodes] == [["id", "barcode", "active", "personal"]] * 2
    assert nodes[0] == {
        "barcode": "b",
        "id": "1",
        "active": True,
        "personal": {"lastName": "L", "email": "e"},
    }
    assert nodes[1] == {"barcode": None, "id": "2", "active": None, "personal": None}

    renamed = await execute_plan("{ users { nodes { no: id personal { lastName email } } } }", Table(USERS))

    assert plain(renamed.data)["users"]["nodes"][0] == {
        "no": "1",
        "personal": {"lastName": "L", "email": "e"},
    }


@pytest.mark.parametrize(
    "selection",
    [
        "id barcode active personal { lastName email }",  # as in the record
        "name: barcode id",  # another name
        "barcode id",  # another order than that of the record
        "id expirationDate",  # a value that is rewritten
        "id __typename",
        "id barcode personal { name: lastName }",
        "personal { email lastName } id patronGroup { id }",  # a link
    ],
)
async def test_records_are_new_structs(selection: str) -> None:
    """A new Struct is created for each record, so that no selection shows the members of another."""
    result = await execute_plan(f"{{ users {{ nodes {{ {selection} }} }} }}", Table(USERS))

    assert result.data is not None
    records = result.data["users"].f0
    assert not any(isinstance(node, Decoded) for node in records)
    assert [node["id"] for node in plain(records) if "id" in node] == ["1", "2"] * ("id" in selection.split())


async def test_two_selections_of_the_same_records_do_not_show_each_other() -> None:
    """A Struct holds the members of all selections; each result has only the members of its selection."""
    result = await execute_plan("{ users { nodes { id } edges { node { barcode id } } } }", Table(USERS))

    assert plain(result.data) == {
        "users": {
            "nodes": [{"id": "1"}, {"id": "2"}],
            "edges": [{"node": {"barcode": "b", "id": "1"}}, {"node": {"barcode": None, "id": "2"}}],
        }
    }


async def test_values_of_scalars_and_closed_sets() -> None:
    """Dates have one form, new names of a closed set are `UNKNOWN`, and nulls and lists are unchanged."""
    loans = [
        {"id": "1", "dueDate": "2026-11-21T11:00:00+01:00", "status": {"name": "Open"}, "renewalCount": None},
        {"id": "2", "dueDate": None, "status": {"name": "Lent out"}, "item": {"editions": ["1st", ""]}},
    ]
    table = Table({"/circulation-bff/loans": {"loans": loans}})
    result = await execute_plan(
        "{ loans { nodes { dueDate status { name } renewalCount loanItem { editions } } } }", table
    )

    assert result.errors is None
    assert plain(result.data)["loans"]["nodes"] == [
        {
            "dueDate": "2026-11-21T10:00:00.000Z",
            "status": {"name": "OPEN"},
            "renewalCount": None,
            "loanItem": None,
        },
        {
            "dueDate": None,
            "status": {"name": "UNKNOWN"},
            "renewalCount": None,
            "loanItem": {"editions": ["1st", ""]},
        },
    ]


@pytest.mark.usefixtures("all_planned")
async def test_dates_of_objects_that_are_not_there() -> None:
    """A column of dates skips records without the object or the date, and needs no fallback."""
    date = "2026-11-21T10:00:00.000+00:00"
    loans = [
        {"id": "1", "metadata": {"createdDate": date}, "dueDate": date},
        {"id": "2"},
        {"id": "3", "metadata": {}, "dueDate": date},
        {"id": "4", "metadata": None},
    ]
    nodes = "metadata { createdDate } dueDate"
    result = await execute_plan(
        f"{{ loans {{ nodes {{ {nodes} }} edges {{ node {{ {nodes} }} }} }} }}",
        Table({"/circulation-bff/loans": {"loans": loans}}),
    )

    shown = "2026-11-21T10:00:00.000Z"
    expected = [
        {"metadata": {"createdDate": shown}, "dueDate": shown},
        {"metadata": None, "dueDate": None},
        {"metadata": {"createdDate": None}, "dueDate": shown},
        {"metadata": None, "dueDate": None},
    ]
    assert result.errors is None
    assert plain(result.data)["loans"] == {
        "nodes": expected,
        "edges": [{"node": each} for each in expected],
    }


@pytest.mark.usefixtures("all_planned")
@pytest.mark.parametrize("items", [[], None])
async def test_an_item_is_picked_from_no_items(items: list[None] | None) -> None:
    """The item of a search result with this barcode is null if the result has no items."""
    table = Table({"/circulation-bff/requests/search-instances": {"id": "1", "items": items}})

    result = await execute_plan(
        '{ searchInstance(barcode: "b") { id item(barcode: "b") { barcode } } }', table
    )

    assert result.errors is None
    assert plain(result.data) == {"searchInstance": {"id": "1", "item": None}}


@pytest.mark.usefixtures("all_planned")
async def test_an_embedded_object_is_null_without_embedded_members() -> None:
    """An object without any embedded member is null; with one it is an object."""
    borrowers: list[dict[str, str]] = [
        {"barcode": "b", "lastName": "L", "firstName": "F"},
        {"barcode": "b", "lastName": "L"},
        {"barcode": "b", "preferredFirstName": "P"},  # selected or not, it is part of the object
        {"barcode": "b"},
        {},
    ]
    loans = [{"id": str(at), "userId": f"u{at}", "borrower": each} for at, each in enumerate(borrowers)]
    table = Table({"/circulation-bff/loans": {"loans": loans}})

    result = await execute_plan(
        "{ loans { nodes { borrower { barcode personal { lastName firstName } } } } }", table
    )

    assert result.errors is None
    assert [node["borrower"] for node in plain(result.data)["loans"]["nodes"]] == [
        {"barcode": "b", "personal": {"lastName": "L", "firstName": "F"}},
        {"barcode": "b", "personal": {"lastName": "L", "firstName": None}},
        {"barcode": "b", "personal": {"lastName": None, "firstName": None}},
        {"barcode": "b", "personal": None},
        {"barcode": None, "personal": None},
    ]
    assert table.calls == ["/circulation-bff/loans"]


async def test_an_invalid_record_is_reported_without_another_call() -> None:
    """graphql-core completes the root with the invalid record; the page is read once, the other root
    stays."""
    loans = {
        "loans": [{"id": "1", "renewalCount": 1}, {"renewalCount": 2}, {"id": "3", "renewalCount": "odd"}]
    }
    table = Table({"/circulation-bff/loans": loans, **USERS})
    given_up = FALLBACKS.counts["record"]

    result = await execute_plan(
        "{ first: __typename loans { nodes { id renewalCount } } users { nodes { id } } }", table
    )

    assert plain(result.data) == {
        "first": "Query",
        "loans": {"nodes": [{"id": "1", "renewalCount": 1}, None, {"id": "3", "renewalCount": None}]},
        "users": {"nodes": [{"id": "1"}, {"id": "2"}]},
    }
    assert [error.path for error in result.errors or ()] == [
        ["loans", "nodes", 1, "id"],
        ["loans", "nodes", 2, "renewalCount"],
    ]
    assert sorted(table.calls) == ["/circulation-bff/loans", "/users"]
    assert FALLBACKS.counts["record"] == given_up + 1


async def test_a_mutation_with_an_invalid_response_is_sent_once() -> None:
    """graphql-core completes the response of a mutation; the next mutation is sent after that."""
    path = "/circulation-bff/loans/check-out-by-barcode"
    point = "7c9e6679-7425-40de-944b-000000000001"
    mutation = f'checkOut(input: {{ itemBarcode: "1", userBarcode: "2", servicePointId: "{point}" }})'
    loan = "... on CheckedOut { loan { id dueDate borrower { username } } }"
    table = Table({path: {"id": "1", "dueDate": 17, "userId": "u"}, "/users": {"users": [{"id": "u"}]}})
    given_up = FALLBACKS.counts["record"]

    result = await execute_plan(
        f"mutation {{ a: {mutation} {{ {loan} }} b: {mutation} {{ {loan} }} }}", table
    )

    lent = {"loan": {"id": "1", "dueDate": None, "borrower": {"username": None}}}
    assert plain(result.data) == {"a": lent, "b": lent}
    assert [error.path for error in result.errors or ()] == [[name, "loan", "dueDate"] for name in "ab"]
    assert table.calls == [path, "/users", path, "/users"]
    assert FALLBACKS.counts["record"] == given_up + 2


async def test_links_of_several_roots_share_a_call() -> None:
    """Links to the same records from several roots and paths share one call."""
    loans = [
        {"id": "1", "userId": "u1", "proxyUserId": "u2"},
        {"id": "2", "userId": "u2", "proxyUserId": "u1"},
    ]
    people = [{"id": "u1", "type": "patron"}, {"id": "u2", "type": "staff"}]
    table = Table({"/circulation-bff/loans": {"loans": loans}, "/users": {"users": people}})

    result = await execute_plan(
        "{ a: loans { nodes { borrower { type } again: borrower { id type } } } "
        "b: loans { edges { node { proxy { type } borrower { id } } } } }",
        table,
    )

    assert plain(result.data) == {
        "a": {
            "nodes": [
                {"borrower": {"type": "patron"}, "again": {"id": "u1", "type": "patron"}},
                {"borrower": {"type": "staff"}, "again": {"id": "u2", "type": "staff"}},
            ]
        },
        "b": {
            "edges": [
                {"node": {"proxy": {"type": "staff"}, "borrower": {"id": "u1"}}},
                {"node": {"proxy": {"type": "patron"}, "borrower": {"id": "u2"}}},
            ]
        },
    }
    assert table.calls == ["/circulation-bff/loans", "/circulation-bff/loans", "/users"]


async def test_an_invalid_embedded_value_is_reported_while_links_load() -> None:
    """An invalid embedded value is an error at its path, and links that are being loaded are complete."""
    item = {"barcode": "b", "status": {"name": "Available", "date": "2026-11-21T10:00:00Z"}}
    loans = [
        {
            "id": "1",
            "itemId": "i1",
            "item": {"barcode": "a", "status": {"name": "Checked out", "date": "then"}},
        },
        {"id": "2", "itemId": "i2"},
    ]
    table = Table(
        {
            "/circulation-bff/loans": {"loans": loans},
            "/inventory/items": {"items": [{"id": "i2", **item}]},
        }
    )
    result = await execute_plan("{ loans { nodes { id item { barcode status { name date } } } } }", table)

    assert plain(result.data)["loans"]["nodes"] == [
        {"id": "1", "item": {"barcode": "a", "status": {"name": "CHECKED_OUT", "date": None}}},
        {
            "id": "2",
            "item": {"barcode": "b", "status": {"name": "AVAILABLE", "date": "2026-11-21T10:00:00.000Z"}},
        },
    ]
    assert [error.path for error in result.errors or ()] == [["loans", "nodes", 0, "item", "status", "date"]]
    assert table.calls == ["/circulation-bff/loans", "/inventory/items"]


async def test_links_in_flight_complete_after_a_fallback() -> None:
    """After an invalid record in one parent's link, the link of another parent is still loaded, once."""
    loans = [
        {"id": "1", "itemId": "i1", "item": {"barcode": "a", "holdingsRecordId": "h1"}},
        {"id": "2", "itemId": "i2"},
    ]
    items = [{"id": "i2", "barcode": "b", "holdingsRecordId": "h1"}]
    table = Table(
        {
            "/circulation-bff/loans": {"loans": loans},
            "/inventory/items": {"items": items},
            "/holdings-storage/holdings": {"holdingsRecords": [{"id": "h1", "callNumber": ["odd"]}]},
        },
        slow="/inventory/items",
    )
    result = await execute_plan("{ loans { nodes { item { barcode holdings { id callNumber } } } } }", table)

    holdings = {"id": "h1", "callNumber": None}
    assert plain(result.data)["loans"]["nodes"] == [
        {"item": {"barcode": "a", "holdings": holdings}},
        {"item": {"barcode": "b", "holdings": holdings}},
    ]
    assert [error.path for error in result.errors or ()] == [
        ["loans", "nodes", number, "item", "holdings", "callNumber"] for number in range(2)
    ]
    assert sorted(table.calls) == sorted(table.responses)


@pytest.mark.parametrize("hold", [[{"id": "p", "name": "Desk"}], None, "odd"])
async def test_a_fallback_does_not_repeat_the_calls_of_a_resolver(hold: object) -> None:
    """An invalid record elsewhere in the root does not repeat calls that no loader caches."""
    key = "7c9e6679-7425-40de-944b-000000000001"
    path = "/circulation-bff/requests/allowed-service-points"
    table = Table(
        {
            "/inventory/items": {"items": [{"id": key, "holdingsRecordId": "h1"}]},
            "/holdings-storage/holdings": {"holdingsRecords": [{"id": "h1", "callNumber": ["odd"]}]},
        }
    )
    if hold is not None:
        table.responses[path] = {"Hold": hold}
    asks = f'allowedServicePoints(requesterId: "{key}") {{ hold {{ name }} }}'
    result = await execute_plan(f"{{ items {{ nodes {{ {asks} holdings {{ callNumber }} }} }} }}", table)

    places = [error.path for error in result.errors or ()]
    assert sorted(table.calls) == [path, "/holdings-storage/holdings", "/inventory/items"]
    (node,) = plain(result.data)["items"]["nodes"]
    assert ["items", "nodes", 0, "holdings", "callNumber"] in places
    assert len(places) == (2 if hold is None or hold == "odd" else 1)
    if isinstance(hold, list):
        assert node["allowedServicePoints"] == {"hold": [{"name": "Desk"}]}


async def test_a_deleted_target_has_its_embedded_members() -> None:
    """A record that upstream no longer has shows the members that its parent embeds."""
    items = [{"id": "1", "materialType": {"id": "m", "name": "book", "source": "folio"}}]
    table = Table({"/inventory/items": {"items": items}, "/material-types": {"mtypes": []}})
    result = await execute_plan("{ items { nodes { materialType { id name source } } } }", table)

    assert result.errors is None
    assert plain(result.data)["items"]["nodes"] == [
        {"materialType": {"id": "m", "name": "book", "source": "folio"}}
    ]


# Caching and lifetime


def plans() -> int:
    gc.collect()
    return sum(isinstance(each, OperationPlan) for each in gc.get_objects())


def contexts() -> int:
    gc.collect()
    return sum(isinstance(each, Context | Loaders) for each in gc.get_objects())


async def test_plans_keep_no_caller_or_loaders() -> None:
    """A plan outlives the operation that it was compiled for; its caller and loaders do not."""
    query = (SCREENS / "w3_request_list.graphql").read_text()
    before = contexts()
    plan = compile_plan(query)

    assert plan.roots
    assert contexts() == before
    held = Table().context()
    assert held.loaders.upstream is held.upstream
    assert contexts() == before + 2  # the count includes a context and its loaders


async def test_the_number_of_plans_of_an_operation_is_bounded() -> None:
    """An operation has a plan for each set of values of its conditions, up to a maximum."""
    query = "query(%s) { %s }" % (  # noqa: UP031 - braces all over
        " ".join(f"$c{number}: Boolean = false" for number in range(5)),
        " ".join(
            f"a{number}: users {{ totalCount @include(if: $c{number}) __typename }}" for number in range(5)
        ),
    )
    async with open_gateway(max_cost=1000) as gateway:
        await gateway.data(query)

        before, compiled_plans = PLANS_EXECUTED.counts[""], plans()
        for number in range(2**5):
            values = {f"c{place}": bool(number >> place & 1) for place in range(5)}
            data = await gateway.data(query, values)
            for place in range(5):
                assert ("totalCount" in data[f"a{place}"]) is values[f"c{place}"]
        assert PLANS_EXECUTED.counts[""] - before == MAX_VARIANTS
        assert plans() - compiled_plans == MAX_VARIANTS - 1


@pytest.mark.slow
async def test_plans_are_evicted_with_their_documents() -> None:
    """Of two thousand operations, plans are kept for those in the document cache."""
    before = plans()
    documents = Documents(schema, DocumentSettings(document_cache_size=50), LimitSettings())
    executor = PlanExecutor(schema)
    table = Table({"/circulation-bff/loans": {"loans": []}})
    for number in range(2000):
        operation = documents.prepare(f"{{ a{number}: loans(first: 1) {{ nodes {{ id }} }} }}")
        assert isinstance(operation, Operation)
        execution = executor.execution(operation, VariableValues({}, {}), table.context())
        assert execution is not None
        if number % 100:
            execution.close()  # type: ignore[attr-defined]  # a coroutine
        else:
            assert plain((await execution).data) == {f"a{number}": {"nodes": []}}

    assert plans() - before == len(documents) == 50


async def test_a_document_is_planned_as_often_as_it_has_operations() -> None:
    """A prepared operation keeps its own plans; another parse of the same text has none of them."""
    query = "{ users { nodes { id } } }"
    one, other = operation_of(query), operation_of(query)

    PlanExecutor(schema).prepare(one)

    assert len(one.plans.plans) == 1
    assert other.plans is None


async def test_a_long_operation_is_planned_in_parts() -> None:
    """There is a part for each root and each plan below it, and the execution compiles nothing."""
    operation = operation_of(
        "{" + "".join(f"a{each}: users {{ nodes {{ id }} }} " for each in range(9)) + "}"
    )
    executor = PlanExecutor(schema)

    parts = list(executor.prepare_in_parts(operation))

    assert len(parts) == 18
    compiled_plans = plans()
    execution = executor.execution(
        operation, VariableValues({}, {}), Table({"/users": {"users": []}}).context()
    )
    assert execution is not None
    assert (await execution).data is not None
    assert plans() == compiled_plans
    assert list(executor.prepare_in_parts(operation)) == []


async def test_an_operation_with_conditions_is_not_planned_before_its_execution() -> None:
    """Its plan depends on the variables."""
    operation = operation_of("query($a: Boolean!) { users { nodes { id @skip(if: $a) } } }")

    assert list(PlanExecutor(schema).prepare_in_parts(operation)) == []
    assert operation.plans.plans == {}


async def test_an_operation_that_cannot_be_compiled_is_executed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler failure is counted and logged once, with its place and class, without the document."""

    def fail(compiler: Compiler) -> None:
        raise AttributeError("users")

    monkeypatch.setattr(Compiler, "compile", fail)
    operation = operation_of('{ users(filter: { barcode: "1000000009" }) { nodes { id } } }')
    executor, context = PlanExecutor(schema), Table().context()
    failed = FALLBACKS.counts["not compiled"]

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert executor.execution(operation, VariableValues({}, {}), context) is None

    assert FALLBACKS.counts["not compiled"] == failed + 1
    (message,) = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(r"An operation has no plan: AttributeError in fail, line \d+", message)


@pytest.mark.parametrize("names", [("f1", "f0"), ("f0", "f1"), ("class", "__id"), ("append", "v")])
async def test_aliases_may_be_names_that_plans_use(names: tuple[str, str]) -> None:
    """A response has each alias of the client, in the order of the selection."""
    one, other = names
    result = await execute_plan(
        f"{{ {one}: users {{ {other}: nodes {{ {one}: id {other}: barcode }} }} }}", Table(USERS)
    )

    assert result.errors is None
    (users,) = plain(result.data).items()
    assert users[0] == one
    assert [list(node.items()) for node in users[1][other]] == [
        [(one, "1"), (other, "b")],
        [(one, "2"), (other, None)],
    ]


async def test_a_null_condition_is_an_error_each_time() -> None:
    """An operation with a null condition is an error each time; it is compiled for other values."""
    query = "query($yes: Boolean = true) { users(first: 1) { nodes { id @include(if: $yes) type } } }"
    async with open_gateway() as gateway:
        failed = FALLBACKS.counts["not compiled"]
        for _ in range(2):
            response = await gateway.execute(query, {"yes": None})
            assert response["errors"], response
        assert FALLBACKS.counts["not compiled"] == failed
        before = PLANS_EXECUTED.counts[""]
        assert list((await gateway.data(query))["users"]["nodes"][0]) == ["id", "type"]
        assert PLANS_EXECUTED.counts[""] == before + 1


def test_every_visit_is_a_story() -> None:
    """The visited screens are those of the stories."""
    stories = {path.stem.partition("_")[0] for path in SCREENS.glob("*.graphql")}

    assert sorted(name.split("_")[1] for name in VISITS) == sorted(stories)
    assert all(inspect.iscoroutinefunction(visit) for visit in VISITS.values())

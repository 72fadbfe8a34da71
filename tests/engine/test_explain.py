"""The plan of an operation, and what it has cost: header, extension and command."""

from __future__ import annotations

import json
import re
from functools import cache

import msgspec
import pytest
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    NameNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
)

from gateway.app import create_documents, create_explainer
from gateway.context import ContextFactory, ShutdownState
from gateway.engine.core import core_schema, declaration_of
from gateway.engine.cost import price
from gateway.engine.documents import Documents, Operation
from gateway.engine.explain import Execution, Explanation
from gateway.fields.base import CALLS, Field
from gateway.fields.selection import Document, analyze_selection
from gateway.graph import schema
from gateway.identity import Caller
from gateway.observability.operation import OperationRecord
from gateway.settings import Settings
from gateway.upstream.services import Services, declared_routes
from gateway.upstream.transport.transports import in_process_transport
from tests.gateway_under_test import Gateway, Json, open_gateway
from tests.mutations.mutation_cases import MUTATION_CASES
from tests.test_upstream_calls import lend

pytestmark = pytest.mark.anyio

EXPLAIN = {"X-Okapi-Tenant": "diku", "GraphQL-Explain": "1"}
BORROWERS = "{ loans(first: 100) { nodes { dueDate borrower { barcode username } } } }"


async def explain(gateway: Gateway, query: str, variables: Json = None, **headers: str) -> Json:
    """Return the extension of a response without errors."""
    gateway.sandbox.calls.clear()
    response = await gateway.execute(query, variables, {**gateway.as_staff("head"), **EXPLAIN, **headers})
    assert "errors" not in response, response["errors"]
    return response["extensions"]["explain"]


@cache
def documents() -> Documents:
    return create_documents(Settings())


def plan(query: str) -> Explanation:
    """Return the plan of an operation that is not executed."""
    operation = documents().prepare(query)
    assert isinstance(operation, Operation)
    return create_explainer(Settings()).explain(operation, {})


async def test_an_operation_with_the_header_is_explained(gateway: Gateway) -> None:
    """The response has the planned calls, the calls that were sent, and the data as without the header."""
    users = {each["userId"] for each in gateway.library.loans.values() if each.get("userId")}
    plain = await gateway.execute(BORROWERS)
    response = await gateway.execute(BORROWERS, None, EXPLAIN)

    assert response["data"] == plain["data"]
    assert plain.keys() == {"data"}
    explained = response["extensions"]["explain"]
    assert explained["estimate"] == {"calls": 3, "nodes": 100}
    assert explained["limits"]["calls"] == 100
    assert explained["calls"] == [
        {
            "id": 1,
            "service": "circulation-bff",
            "method": "GET",
            "route": "/circulation-bff/loans",
            "alternatives": ["GET /circulation/loans"],
            "purpose": "Query.loans",
            "path": "loans",
            "batch": None,
            "estimated": 1,
            "after": [],
        },
        {
            "id": 2,
            "service": "users",
            "method": "GET",
            "route": "/users",
            "alternatives": [],
            "purpose": "Loan.borrower",
            "path": "loans.nodes.borrower",
            "batch": 75,
            "estimated": 2,
            "after": [1],
        },
    ]
    assert explained["links"] == [
        {
            "path": "loans.nodes.borrower",
            "fromParent": False,
            "members": ["username"],
            "hint": "`username` costs one call for every 75 records; `barcode` is free",
        }
    ]
    actual, nodes = explained["actual"], plain["data"]["loans"]["nodes"]
    assert (actual["calls"], actual["nodes"]) == (len(gateway.calls) // 2, len(nodes))
    first, *others = actual["requests"]
    assert (first["call"], first["status"], first["keys"]) == (1, 200, None)
    assert [each["call"] for each in others] == [2] * len(others)
    loaded = sum(each["keys"] for each in others)
    assert 0 < loaded <= len(users)
    assert first["startMs"] + first["durationMs"] <= others[0]["startMs"]
    (loader,) = actual["loaders"]
    assert (loader["loader"], loader["batches"]) == ("user", 1)
    assert loader["loads"] - loader["hits"] == loaded


async def test_the_estimate_is_exact_if_every_list_is_full(gateway: Gateway) -> None:
    """With distinct records behind each link, and as many as `first`, the estimated calls are those sent.

    But for lists below several parents, whose estimate is that of one long list among them.
    """
    lend(gateway.library, loans=80, users=80, service_points=5, instances=80)
    for query, calls in {
        "{ loans(first: 80) { nodes { borrower { username } instance { source } } } }": 1 + 2 + 2,
        "{ loans(first: 80) { nodes { borrower { automatedBlocks { message } } } } }": 1 + 80,
        '{ user(barcode: "1000000001") { openLoans { totalCount } openRequests { nodes { id } } } }': 1 + 2,
    }.items():
        explained = await explain(gateway, query)

        assert (explained["estimate"]["calls"], len(gateway.calls)) == (calls, calls)


@pytest.mark.parametrize(
    "settings", [{"production": True}, {"production": True, "introspection": True}, {"introspection": False}]
)
async def test_the_header_is_ignored_without_introspection(settings: Json) -> None:
    """In production, and wherever the schema is not shown, a plan is not shown either."""
    async with open_gateway(**settings) as gateway:
        response = await gateway.execute(BORROWERS, None, EXPLAIN)

    assert response.keys() == {"data"}


async def test_an_operation_that_is_refused_for_its_cost_is_explained() -> None:
    """The refusal has the plan, by which the costly link is found; nothing is sent."""
    async with open_gateway(max_cost=2) as gateway:
        response = await gateway.execute(BORROWERS, None, EXPLAIN)
        calls = gateway.calls

    assert response["errors"][0]["extensions"]["limit"] == "MAX_COST"
    explained = response["extensions"]["explain"]
    assert [(each["path"], each["estimated"]) for each in explained["calls"]] == [
        ("loans", 1),
        ("loans.nodes.borrower", 2),
    ]
    assert "actual" not in explained
    assert calls == []


ONLY = {**EXPLAIN, "GraphQL-Explain": "only"}
RENEWAL = "mutation Renew($input: RenewInput!) { renew(input: $input) { __typename } }"


async def test_an_operation_may_only_be_explained(gateway: Gateway) -> None:
    """An operation that is only explained has the plan of its execution and no data; nothing is sent."""
    loan = next(each for each in gateway.library.loans.values() if each["status"]["name"] == "Open")
    renewal = {"input": {"itemId": loan["itemId"], "userId": loan["userId"]}}
    for query, variables in ((BORROWERS, None), (RENEWAL, renewal)):
        headers = {**gateway.as_staff("head"), **ONLY, "GraphQL-Cost": "1", "Idempotency-Key": "a"}
        gateway.sandbox.calls.clear()
        response = await gateway.execute(query, variables, headers)

        assert gateway.calls == []
        assert response["data"] == {}
        planned = response["extensions"]["explain"]
        assert response["extensions"]["cost"] == {
            "estimated": planned["estimate"]["calls"],
            "actual": 0,
            "limit": 100,
        }
        executed = await explain(gateway, query, variables)
        assert planned == {name: value for name, value in executed.items() if name != "actual"}


@pytest.mark.parametrize("value", ["ONLY", '"only"', "1, only", "only;q=1", "\tonly "])
async def test_no_spelling_of_only_executes_an_operation(gateway: Gateway, value: str) -> None:
    """The value is not case-sensitive, and may be quoted or one of several."""
    response = await gateway.execute(BORROWERS, None, {**ONLY, "GraphQL-Explain": value})

    assert gateway.calls == []
    assert response["data"] == {}


@pytest.mark.parametrize("settings", [{"production": True}, {"introspection": False}])
async def test_nothing_is_executed_if_a_plan_is_not_shown(settings: Json) -> None:
    """A gateway that shows no plans refuses a request that is only to be explained."""
    async with open_gateway(**settings) as gateway:
        response = await gateway.execute(BORROWERS, None, ONLY)

        assert gateway.calls == []
    assert response.keys() == {"errors"}
    assert response["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert response["errors"][0]["message"].startswith("GraphQL-Explain: only: this gateway shows no plans")


async def test_a_subscription_is_not_only_explained(gateway: Gateway) -> None:
    """A subscription that is only to be explained is refused, instead of opened."""
    body = {"query": f'subscription {{ loanChanged(id: "{gateway.summary.user_id}") {{ kind }} }}'}
    response = await gateway.http.post("/graphql", json=body, headers={**ONLY, "Accept": "text/event-stream"})

    refusal, complete = response.text.split("\n\n", 1)
    assert "GraphQL-Explain: only: a subscription is not explained. Nothing was sent." in refusal
    assert refusal.startswith("event: next")
    assert complete.startswith("event: complete")


async def test_a_plan_alone_spends_one_call_of_the_budget() -> None:
    """An estimate of the rate limit's complete budget may be read repeatedly, and then be executed."""
    async with open_gateway(rate_limit="6/minute") as gateway:
        responses = [await gateway.execute(BORROWERS, None, ONLY) for _ in range(3)]
        responses.append(await gateway.execute(BORROWERS))

    assert [each.keys() for each in responses] == [{"data", "extensions"}] * 3 + [{"data"}]


def test_each_cost_has_its_calls() -> None:
    """Each field that costs calls declares as many routes at most, and each call of a route exists."""
    routes = {f"{each.service}.{each.member}" for each in declared_routes()}
    problems = []
    for kind in core_schema(schema).type_map.values():
        if kind.name.startswith("__") or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for name, field in kind.fields.items():
            declaration = declaration_of(field)
            node = everything_below(field)
            if isinstance(declaration, Field):
                selected = analyze_selection(declaration, field, [node], Document({}))
                calls = declaration.upstream_calls(selected, node, "auto")
            else:
                calls = getattr(declaration, "metadata", {}).get(CALLS, ())
            cost = price(field, [node], {})
            number = cost.calls + (cost.repeated is not None)
            if (number and not 0 < len(calls) <= number) or not all(calls):
                problems.append(f"{kind.name}.{name}: {number} calls, {calls}")
            problems += [
                f"{kind.name}.{name}: {each}" for call in calls for each in call if each not in routes
            ]

    assert problems == []


def everything_below(field: GraphQLField) -> FieldNode:
    """Return a node that selects each scalar below a field, of the records if it is a page."""
    target = get_named_type(field.type)
    selections = []
    if isinstance(target, GraphQLObjectType):
        for name, each in target.fields.items():
            if is_leaf_type(get_named_type(each.type)):
                selections.append(FieldNode(name=NameNode(value=name)))
            elif name == "nodes":
                selections.append(
                    FieldNode(name=NameNode(value=name), selection_set=everything_below(each).selection_set)
                )
    return FieldNode(
        name=NameNode(value="field"), selection_set=SelectionSetNode(selections=tuple(selections))
    )


RENEWALS = "mutation Renew($input: RenewManyInput!) { renewMany(input: $input) { __typename } }"


async def test_a_mutation_costs_a_call_for_each_element_of_its_list(gateway: Gateway) -> None:
    """Each renewal of several loans is a call, whether their ids are literals or variables."""
    loans = [each["id"] for each in gateway.library.loans.values() if each["status"]["name"] == "Open"][:3]
    literal = RENEWALS.replace("($input: RenewManyInput!)", "").replace(
        "$input", f"{{ loanIds: {json.dumps(loans)} }}"
    )

    for query, variables in ((RENEWALS, {"input": {"loanIds": loans}}), (literal, {})):
        explained = await explain(gateway, query, variables)

        assert [(each["route"], each["estimated"], each["after"]) for each in explained["calls"]] == [
            ("/circulation/loans", 1, []),
            ("/circulation/renew-by-id", 3, [1]),
        ]
        assert explained["estimate"]["calls"] == explained["actual"]["calls"] == len(gateway.calls) == 4
        assert [each["call"] for each in explained["actual"]["requests"]] == [1, 2, 2, 2]


def test_the_write_of_each_mutation_is_planned() -> None:
    """The last planned call of a mutation is its write, after the read of the record if there is one."""
    unplanned = []
    for case in MUTATION_CASES:
        first, *others = plan(case.document).calls
        routes = [f"{each.method} {each.route}" for each in (first, *others)]
        routes += (others or [first])[-1].alternatives
        patterns = [re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route)) for route in routes]
        is_planned = any(re.fullmatch(pattern, case.sent) for pattern in patterns)
        if not is_planned or (case.before is not None and not others):
            unplanned.append(f"{case.name}: {case.sent} is not in {routes}")

    assert unplanned == []


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        (
            '{ user(barcode: "1") { active } item(barcode: "2") { ALLOWED } }',
            [("user", []), ("item", []), ("item.allowedServicePoints", [1, 2])],
        ),
        (
            '{ item(barcode: "2") { ALLOWED } user(barcode: "1") { active } }',
            [("item", []), ("item.allowedServicePoints", [1, 3]), ("user", [])],
        ),
        (
            '{ user(barcode: "3") { active } item(barcode: "2") { ALLOWED } }',
            [
                ("user", []),
                ("item", []),
                ("item.allowedServicePoints", [2]),
                ("item.allowedServicePoints", [3]),
            ],
        ),
    ],
)
def test_a_call_is_after_the_look_up_that_it_needs(query: str, calls: list[tuple[str, list[int]]]) -> None:
    """A user who is needed for the argument of another field is read by a planned call, in any order."""
    allowed = 'allowedServicePoints(requesterBarcode: "1") { hold { id } }'
    explained = plan(query.replace("ALLOWED", allowed))

    assert [(each.path, each.after) for each in explained.calls] == calls
    assert [each.estimated for each in explained.calls] == [1] * len(calls)
    assert explained.estimate.calls == len(calls)


# What was sent


async def test_calls_that_fail_are_shown(gateway: Gateway) -> None:
    """A call has its HTTP status, or the reason why it has none; the operation has its error as ever."""
    gateway.sandbox.faults.add(method="GET", path="/users", kind="status", status=400)
    response = await gateway.execute(BORROWERS, None, EXPLAIN)

    requests = response["extensions"]["explain"]["actual"]["requests"]
    assert {each["status"] for each in requests if each["route"] == "/users"} == {400}
    assert response["errors"][0]["extensions"]["code"] == "UPSTREAM_REJECTED"


async def test_the_reads_that_prove_a_write_are_shown(gateway: Gateway) -> None:
    """If the response to a write is lost, the reads that prove it follow it; no planned call is theirs."""
    gateway.sandbox.faults.add(
        method="POST", path="/circulation-bff/loans/check-out", kind="empty", after=True
    )
    lent = {
        "itemBarcode": "2000000001",
        "userBarcode": "1000000009",
        "servicePointId": gateway.summary.service_point_id,
    }
    query = "mutation Lend($input: CheckOutInput!) { checkOut(input: $input) { __typename } }"
    gateway.sandbox.calls.clear()
    response = await gateway.execute(query, {"input": lent}, {**gateway.as_staff("head"), **EXPLAIN})

    assert response["extensions"]["outcome"] == "confirmed"
    actual = response["extensions"]["explain"]["actual"]
    assert [(each["call"], each["method"]) for each in actual["requests"]] == [
        (1, "POST"),
        *[(None, "GET")] * (len(gateway.calls) - 1),
    ]
    assert actual["calls"] == len(actual["requests"]) == len(gateway.calls) > 1


async def test_the_records_of_a_long_response_are_not_counted(gateway: Gateway) -> None:
    """A response of more than a megabyte from upstream is not read once more to count its records."""
    request = next(iter(gateway.library.requests.values()))
    request["patronComments"] = "x" * 1_000_001
    query = "query One($id: ID!) { request(id: $id) { patronComments } }"

    explained = await explain(gateway, query, {"id": request["id"]})

    assert (explained["actual"]["calls"], explained["actual"]["nodes"]) == (1, None)


async def test_calls_that_cannot_be_shown_do_not_fail_the_operation(gateway: Gateway) -> None:
    """The plan is made before anything is sent; after a write no defect of it may hide the outcome."""
    settings = Settings(sandbox=True)
    services = Services(settings, lambda _: in_process_transport(gateway.sandbox))
    factory = ContextFactory(services, limits=settings, upstream=settings, stopping=ShutdownState())
    operation = documents().prepare(BORROWERS)
    assert isinstance(operation, Operation)
    execution = Execution(create_explainer(settings, factory), operation, {})
    execution.new_context(Caller(tenant="diku", request_id="1"), OperationRecord())

    explained, unknown = execution.explain({"loans": None}), execution.explain({"loans": object()})
    await services.aclose()

    assert explained.actual is not None
    assert unknown == msgspec.structs.replace(explained, actual=None)


async def test_keys_that_a_loader_has_are_hits(gateway: Gateway) -> None:
    """A user who is selected twice is loaded once: one load is a hit."""
    query = "query Twice($id: ID!) { a: user(id: $id) { barcode } b: user(id: $id) { active } }"
    explained = await explain(gateway, query, {"id": gateway.summary.user_id})

    assert explained["actual"]["loaders"] == [{"loader": "user", "loads": 2, "hits": 1, "batches": 1}]
    assert [each["batch"] for each in explained["calls"]] == [75, 75]
    assert [(each["call"], each["keys"]) for each in explained["actual"]["requests"]] == [(1, 1)]


async def test_generic_execution_is_explained_alike() -> None:
    """Without compiled plans the same calls are planned and sent."""
    explained = []
    for execution in ("generic", "plan"):
        async with open_gateway(execution=execution) as gateway:
            each = await explain(gateway, BORROWERS)
        requests = each["actual"]["requests"]
        explained.append(
            (each["calls"], each["links"], [(a["call"], a["route"], a["keys"]) for a in requests])
        )

    assert explained[0] == explained[1]


@pytest.mark.parametrize("production", [True, False])
async def test_the_cost_alone(production: bool) -> None:
    """`GraphQL-Cost: 1` adds the numbers of calls, in production too: they show nothing of the schema."""
    async with open_gateway(production=production) as gateway:
        response = await gateway.execute(BORROWERS, None, {"X-Okapi-Tenant": "diku", "GraphQL-Cost": "1"})
        calls = len(gateway.calls)

    assert response["extensions"] == {"cost": {"estimated": 3, "actual": calls, "limit": 100}}


async def test_deferred_parts_come_in_one_piece(gateway: Gateway) -> None:
    """A client that accepts parts gets one response if it is to say what it has cost."""
    query = "{ loans(first: 1) { nodes { id ... @defer { borrower { username } } } } }"
    accept = {"X-Okapi-Tenant": "diku", "Accept": "multipart/mixed;incrementalSpec=v0.2,application/json"}
    types = []
    for headers in (accept, {**accept, "GraphQL-Cost": "1"}):
        response = await gateway.http.post("/graphql", json={"query": query}, headers=headers)
        types.append(response.headers["content-type"].partition(";")[0])

    assert types == ["multipart/mixed", "application/json"]
    assert response.json()["extensions"]["cost"]["actual"] == 2


@pytest.mark.parametrize("value", ["0", "", "no"])
async def test_the_headers_may_be_off(gateway: Gateway, value: str) -> None:
    """Other values than 1 or true leave the response as it is."""
    headers = {"X-Okapi-Tenant": "diku", "GraphQL-Cost": value, "GraphQL-Explain": value}

    assert (await gateway.execute(BORROWERS, None, headers)).keys() == {"data"}


async def test_a_keyed_mutation_is_not_explained(gateway: Gateway) -> None:
    """The response to a mutation with an idempotency key is kept, and the same without the header."""
    query = "mutation Renew($input: RenewInput!) { renew(input: $input) { __typename } }"
    loan = next(each for each in gateway.library.loans.values() if each["status"]["name"] == "Open")
    variables = {"input": {"itemId": loan["itemId"], "userId": loan["userId"]}}
    headers = {**gateway.as_staff("head"), **EXPLAIN, "Idempotency-Key": "a"}
    response = await gateway.execute(query, variables, headers)

    assert response.keys() == {"data"}

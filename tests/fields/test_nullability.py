"""`@semanticNonNull`: the fields that have it are null only with an error, in both executions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type

from gateway.fields.base import Field
from gateway.fields.nullability import never_null_levels, semantic_levels, types_by_level
from gateway.fields.page import FullListLink
from gateway.fields.record import DerivedField, RecordField
from gateway.live.changes import Change, Watch
from tests.gateway_over import gateway_over, key
from tests.schema.graph_walk import CORE, definition, object_types
from tests.semantic_nulls import unexplained_nulls

Json = Any  # records and responses of the shape that each test expects

EXECUTIONS = pytest.mark.parametrize("execution", ["plan", "generic"])

# Structure


def test_structure_is_null_only_with_an_error() -> None:
    """Connections, totals, elements of lists, and results of mutations and subscriptions have the "
    "directive."""
    kinds = object_types()
    without = []
    for kind in kinds.values():
        for name, field in kind.fields.items():
            levels = {*semantic_levels(field), *never_null_levels(field)}
            elements = set(range(1, len(list(types_by_level(field.type)))))
            target = get_named_type(field.type)
            is_page = isinstance(target, GraphQLObjectType) and "nodes" in target.fields
            is_structure = (
                kind.name in ("Mutation", "Subscription")
                or is_page
                or name in ("totalCount", "node", "pageInfo")
            )
            if not elements | ({0} if is_structure else set()) <= levels:
                without.append(f"{kind.name}.{name}")

    # A user that does not exist any more may be embedded without the barcode that is its key.
    assert without == ["User.circulationLog"]


def test_values_that_may_be_absent_have_no_directive() -> None:
    """Look-ups and links to one record are null without an error: a record may not exist."""
    query = object_types()["Query"]

    assert semantic_levels(query.fields["loan"]) == ()
    assert semantic_levels(object_types()["Loan"].fields["borrower"]) == ()


def test_members_that_are_required() -> None:
    """Few members are required: those that FOLIO has never left out, and those that the gateway adds."""
    required = {
        f"{kind.name}.{name}"
        for kind in object_types().values()
        for name, field in kind.fields.items()
        if isinstance(definition(field), RecordField | DerivedField) and 0 in semantic_levels(field)
    }
    changes = {name for name, kind in object_types().items() if "occurredAt" in kind.fields}

    assert len(changes) == 9
    assert required == {
        "Request.requestType",
        "Request.requestDate",
        "SurroundingOpenings.previous",
        "SurroundingOpenings.current",
        "SurroundingOpenings.next",
        *(
            f"{name}.{member}"
            for name in changes - {"RequestQueueChange"}
            for member in ("kind", "occurredAt")
        ),
    }
    assert not any(
        0 in semantic_levels(field) and len(list(types_by_level(field.type))) > 1
        for kind in object_types().values()
        for field in kind.fields.values()
        if isinstance(definition(field), RecordField)
    )


def test_embedded_records_have_all_that_is_promised() -> None:
    """A target that may not exist any more is embedded with the keys of all fields that need an error."""
    lacking = []
    for kind in object_types().values():
        for name, field in kind.fields.items():
            link = definition(field)
            embedded = {**link.embedded, **link.embeds} if isinstance(link, Field) else {}
            if len(embedded) < 2:  # nothing but the id: a record that does not exist is null
                continue
            target = get_named_type(field.type)
            assert isinstance(target, GraphQLObjectType)
            for member, promised in target.fields.items():
                declared = definition(promised)
                if isinstance(declared, Field) and 0 in semantic_levels(promised):
                    keys = {*declared.key_paths} - declared.optional_key_paths
                    if isinstance(declared, DerivedField) or not keys <= embedded.keys():
                        lacking.append(f"{kind.name}.{name}: {target.name}.{member}")

    assert lacking == []


# Records that lack what is promised

ID = key(1)
LOAN = {"id": ID, "action": "renewed"}
REQUEST = {"id": ID, "requestType": "Hold", "requestDate": "2026-11-21T10:00:00Z"}
POLICIES = f'materialTypeId: "{ID}", loanTypeId: "{ID}", patronGroupId: "{ID}", locationId: "{ID}"'
DAYS = 'openings(from: "2026-12-21", to: "2026-12-22") { date }'
SURROUNDING = 'surroundingOpenings(date: "2026-12-21") { current { date } }'
BODIES: dict[str, Json] = {
    "/users": {"users": [{"id": ID, "departments": ["no id at all"], "proxyFor": ["a", None]}]},
    "/service-points": {"servicepoints": [{"id": ID, "staffSlips": [None, {"printByDefault": True}]}]},
    f"/automated-patron-blocks/{ID}": {"automatedPatronBlocks": [{"message": "a"}, None]},
    f"/calendar/dates/{ID}/all-openings": {"dates": [None, {"date": "2026-12-22"}]},
    f"/calendar/dates/{ID}/surrounding-openings": {"openings": [{}, None, {}]},
    f"/circulation-bff/pick-slips/{ID}": {"pickSlips": [None, {}]},
    "/circulation/rules/loan-policy-all": {"circulationRuleMatches": [None, {"circulationRuleLine": 1}]},
}
TOTAL = {"totalRecords": 1}

# A query, the bodies of responses that differ from those above, and the paths of the nulls and their errors.
CASES: dict[str, tuple[str, dict[str, Json], list[list[str | int]]]] = {
    "a total": ("{ users(first: 1) { totalCount nodes { id } } }", {}, [["users", "totalCount"]]),
    "a total that is no number": (
        "{ users { totalCount } }",
        {"/users": {"users": [], "totalRecords": "many"}},
        [["users", "totalCount"]],
    ),
    "a record of a page": (
        "{ loans { nodes { action } edges { node { action } } } }",
        {"/circulation-bff/loans": {"loans": [LOAN, None]}},
        [["loans", "nodes", 1], ["loans", "edges", 1, "node"]],
    ),
    "required members": (
        "{ requests { nodes { requestType requestDate } } }",
        {"/circulation-bff/requests": {"requests": [REQUEST, {"id": ID, "requestDate": None}]}},
        [["requests", "nodes", 1, "requestType"], ["requests", "nodes", 1, "requestDate"]],
    ),
    "an element of a list of texts": (
        "{ users { nodes { proxyFor } } }",
        {},
        [["users", "nodes", 0, "proxyFor", 1]],
    ),
    "an element of a list of objects": (
        "{ servicePoints { nodes { staffSlips { printByDefault } } } }",
        {},
        [["servicePoints", "nodes", 0, "staffSlips", 0]],
    ),
    "an element of a list of links": (
        "{ users { nodes { departments { name } } } }",
        {},
        [["users", "nodes", 0, "departments", 0]],
    ),
    "an element of a list that is loaded": (
        f'{{ user(id: "{ID}") {{ automatedBlocks {{ message }} }} }}',
        {},
        [["user", "automatedBlocks", 1]],
    ),
    "a slip": (
        f'{{ pickSlips(servicePointId: "{ID}") {{ nodes {{ __typename }} }} }}',
        {},
        [["pickSlips", "nodes", 0]],
    ),
    "a day": (
        f'{{ servicePoint(id: "{ID}") {{ {DAYS} {SURROUNDING} }} }}',
        {},
        [["servicePoint", "openings", 0], ["servicePoint", "surroundingOpenings", "current"]],
    ),
    "a rule": (
        f"{{ appliedPolicies({POLICIES}) {{ loanPolicyMatches {{ circulationRuleLine }} }} }}",
        {},
        [["appliedPolicies", "loanPolicyMatches", 0]],
    ),
    "lists of a record without an id": (
        "{ servicePoints { nodes { pickSlips { totalCount } openings(from: "
        f'"2026-12-21", to: "2026-12-21") {{ date }} {SURROUNDING} }} }} }}',
        {"/service-points": {"servicepoints": [{"name": "without an id"}]}},
        [["servicePoints", "nodes", 0, name] for name in ("pickSlips", "openings", "surroundingOpenings")],
    ),
    "blocks of a user without an id": (
        "{ users { nodes { username automatedBlocks { message } } } }",
        {"/users": {"users": [{"username": "without an id"}]}},
        [["users", "nodes", 0, "automatedBlocks"]],
    ),
}


def upstream(bodies: dict[str, Json]) -> Callable[[httpx.Request], httpx.Response]:
    def response(request: httpx.Request) -> httpx.Response:
        body = bodies.get(request.url.path, BODIES.get(request.url.path))
        return httpx.Response(404) if body is None else httpx.Response(200, json=body)

    return response


def at(data: Json, path: list[str | int]) -> Json:
    for step in path:
        data = data[step]
    return data


@pytest.mark.anyio
@EXECUTIONS
@pytest.mark.parametrize("case", CASES)
async def test_a_null_has_an_error_at_its_path(case: str, execution: str) -> None:
    """A member or element that is absent or null is an error at the path of its field."""
    query, bodies, paths = CASES[case]
    async with gateway_over(upstream(bodies), execution=execution) as gateway:
        response = await gateway.execute(query)

    errors = {(*each["path"],): each["extensions"]["code"] for each in response["errors"]}
    assert errors == {(*path,): "UPSTREAM_BAD_RESPONSE" for path in paths}
    assert [at(response["data"], path) for path in paths] == [None] * len(paths)
    assert unexplained_nulls(query, response) == []


@pytest.mark.anyio
@EXECUTIONS
async def test_every_root_field_without_an_upstream_has_an_error(execution: str) -> None:
    """If no service responds, each field of the query that has the directive is null with an error."""
    query, checked = object_types()["Query"], 0
    arguments = {"pickSlips", "searchSlips", "holdShelfClearance"}
    async with gateway_over(lambda _: httpx.Response(500), execution=execution, breaker=False) as gateway:
        for name, field in query.fields.items():
            required = [each for each, given in field.args.items() if str(given.type).endswith("!")]
            if semantic_levels(field) and (not required or name in arguments):
                given = f'(servicePointId: "{ID}")' if required else ""
                given = f'(itemId: "{ID}")' if name == "requestQueue" else given
                if name in ("allowedServicePoints", "requestQueue") and not given:
                    continue
                target = get_named_type(field.type)
                assert isinstance(target, GraphQLObjectType)
                response = await gateway.execute(f"{{ {name}{given} {{ __typename }} }}")
                assert response["data"] == {name: None}
                assert [each["path"] for each in response["errors"]] == [[name]]
                checked += 1

    assert checked == 40


def test_the_result_of_each_mutation_is_a_union_without_null() -> None:
    """No function of a mutation returns null, as its annotation says, which mypy checks."""
    mutation = object_types()["Mutation"]
    for field in mutation.fields.values():
        function = definition(field).base_resolver.wrapped_func

        assert type(None) not in getattr(function.__annotations__["return"], "__args__", ())
        assert semantic_levels(field) == (0,)
        assert isinstance(get_named_type(field.type), GraphQLUnionType)
    assert CORE.mutation_type is mutation


@pytest.mark.parametrize("name", object_types()["Subscription"].fields)
def test_a_result_of_a_subscription_has_what_is_promised(name: str) -> None:
    """Each result has its kind and date, and a queue its requests, also if the record was deleted."""
    field = object_types()["Subscription"].fields[name]
    declared, target = definition(field), get_named_type(field.type)
    assert isinstance(target, GraphQLObjectType)
    change = Change(
        tenant="diku",
        subject=declared.subject,
        kind="deleted",
        id=ID,
        keys=frozenset(),
        occurred_at=datetime.now(UTC),
        position=1,
    )

    result = declared.result(Watch(declared.subject, "id", ID), change, None)

    promised = [each for each, member in target.fields.items() if 0 in semantic_levels(member)]
    assert {"kind", "occurredAt"} <= set(promised)
    for each in promised:
        member = definition(target.fields[each])
        if not isinstance(member, FullListLink):  # it is loaded
            assert member.read(result) is not None

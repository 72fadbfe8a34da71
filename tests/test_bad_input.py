"""Invalid input of clients: each error has its code, and nothing is sent upstream."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    build_schema,
    get_named_type,
    is_list_type,
    is_required_argument,
)

from gateway.app import create_app
from gateway.graph import schema
from gateway.sandbox import create_sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects
Case = Any  # the type of pytest.param

GRAPH = build_schema(schema.as_str())
ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NO_IDS = (
    "",
    "42",
    "../../users",
    "%2e%2e%2fusers",
    ID[:-1],
    f"{ID}\n",
    f"{{{ID}}}",
    ID.replace("-", ""),
    ID.replace("7", "\uff17"),
    f'{ID}" or cql.allRecords=1 or id="',
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all tests of this file: they share a gateway, because none of them changes anything."""
    return "asyncio"


@pytest.fixture(scope="module", name="shared")
async def _shared() -> AsyncIterator[Gateway]:
    async with open_gateway() as opened:
        yield opened


@pytest.fixture
def gateway(shared: Gateway) -> Gateway:
    shared.sandbox.calls.clear()
    return shared


def roots() -> dict[str, GraphQLField]:
    assert GRAPH.query_type is not None
    return dict(GRAPH.query_type.fields)


def lists() -> list[str]:
    """Return the roots that return pages."""
    return [name for name, field in roots().items() if "first" in field.args]


def build_query(root: str, arguments: str, declared: str = "") -> str:
    return f"query{f'({declared})' if declared else ''} {{ {root}({arguments}) {{ __typename }} }}"


def filters() -> Iterator[tuple[str, str, Any]]:
    """Yield every field of every filter, with its root. Any: the type of an input field."""
    for root in lists():
        kind = roots()[root].args["filter"].type
        assert isinstance(kind, GraphQLInputObjectType)
        for name, field in kind.fields.items():
            yield root, name, field.type


def filtered(root: str, name: str, value: Json) -> tuple[str, Json]:
    kind = get_named_type(roots()[root].args["filter"].type)
    return build_query(root, "filter: $filter", f"$filter: {kind}"), {"filter": {name: value}}


def case(name: str, query: str, variables: Json = None, code: str = "BAD_USER_INPUT") -> Case:
    return pytest.param(query, variables, code, id=name)


def filled(root: str, name: str) -> str:
    """Return the arguments of a root: this one from a variable, and the required ones."""
    arguments = [f"{name}: $given"]
    for other, argument in roots()[root].args.items():
        if other != name and is_required_argument(argument):
            kind = get_named_type(argument.type)
            texts = {"ID": f'"{ID}"', "String": f'"{ID}"', "Decimal": '"1"'}
            member = next(iter(kind.values)) if isinstance(kind, GraphQLEnumType) else texts[kind.name]
            arguments.append(f"{other}: {member}")
    return ", ".join(arguments)


def malformed_ids() -> Iterator[Case]:
    for root, field in roots().items():
        for name, argument in field.args.items():
            if str(get_named_type(argument.type)) == "ID":
                query = build_query(root, filled(root, name), f"$given: {argument.type}")
                for text in NO_IDS if root == "loan" else NO_IDS[1:3]:
                    yield case(f"{root} {name} {text!r}", query, {"given": text})
    for root, name, kind in filters():
        if is_list_type(kind) and str(get_named_type(kind)) == "ID":
            yield case(f"{root} {name}", *filtered(root, name, [ID, "42"]))


def exclusive_arguments() -> Iterator[Case]:
    for root, keys in {
        "item": ("id", "barcode"),
        "user": ("id", "barcode", "username", "externalSystemId"),
        "searchInstance": ("id", "hrid", "barcode", "cql"),
        "requestQueue": ("instanceId", "itemId"),
    }.items():
        assert set(keys) == set(roots()[root].args)
        two = [f'{key}: "{ID}"' for key in keys]
        yield case(f"{root} by nothing", f"{{ {root} {{ __typename }} }}")
        yield case(f"{root} by null", build_query(root, f"{keys[1]}: null"))
        for second in two[1:]:
            yield case(f"{root} by two keys", build_query(root, f"{two[0]}, {second}"))
        yield case(f"{root} by all keys", build_query(root, ", ".join(two)))


def pages() -> Iterator[Case]:
    beyond = base64.urlsafe_b64encode(b"offset:2147483647").decode()
    cursors = (
        "",
        "1",
        "offset:1",
        "b2Zmc2V0Oi0x",
        "b2Zmc2V0OjF4",
        "b2Zmc2V0OjE",
        beyond,
        "\u00e4",
        "b2Zm c2V0OjE=",
    )
    for root in lists():
        yield case(f"{root} first -1", build_query(root, "first: -1"))
        yield case(f"{root} first 1001", build_query(root, "first: 1001"), code="LIMIT_EXCEEDED")
        for cursor in cursors if root == "loans" else cursors[1:2]:
            yield case(
                f"{root} after {cursor!r}", build_query(root, "after: $at", "$at: String"), {"at": cursor}
            )
    yield case("first as text", build_query("loans", "first: $n", "$n: Int!"), {"n": "10"})
    yield case("first as null", build_query("loans", "first: $n", "$n: Int!"), {"n": None})
    yield case("first beyond 32 bits", build_query("loans", "first: $n", "$n: Int!"), {"n": 2**31})


CQL = {
    "an open parenthesis": "(status.name==Open",
    "a closed parenthesis": "status.name==Open)",
    "a way out of the parentheses": "a==1) or (b==2",
    "an open quotation": 'barcode=="1',
    "a sort": "status.name==Open sortby dueDate",
    "a sort in capitals": "status.name==Open SORTBY dueDate",
    "too long": f'barcode=="{"1" * 2000}"',
    "nothing": "",
    "blanks": "  ",
    "a control character": "barcode==1\n",
    "an operator too many": "a==1 and",
    "no relation": "status.name",
    "a prefix": '> dc = "info:x" dc.title==a',
}


def queries_in_cql() -> Iterator[Case]:
    for root in [*(each for each in lists() if "cql" in roots()[each].args), "searchInstance"]:
        for name, text in CQL.items():
            if root in ("loans", "searchInstance") or name == "a way out of the parentheses":
                yield case(f"{root} {name}", build_query(root, "cql: $cql", "$cql: String"), {"cql": text})


BAD_TEXTS = ("a\u0000b", "\n", "\u007f", "", "x" * 501, 7)


def values_in_filters() -> Iterator[Case]:
    for root, name, kind in filters():
        named = get_named_type(kind)
        if is_list_type(kind):
            yield case(f"{root} {name} empty", *filtered(root, name, []))
            yield case(f"{root} {name} null in it", *filtered(root, name, [None]))
        # "Unknown" is a status of items in FOLIO, so it is a valid filter.
        if isinstance(named, GraphQLEnumType) and named.name != "ItemStatusName":
            yield case(f"{root} {name} UNKNOWN", *filtered(root, name, ["UNKNOWN"]))
            yield case(f"{root} {name} of no member", *filtered(root, name, ["Open"]))
        if str(named) == "String":
            for text in BAD_TEXTS if root == "users" else BAD_TEXTS[:1]:
                value = [text] if is_list_type(kind) else text
                yield case(f"{root} {name} {str(text)[:9]!r}", *filtered(root, name, value))
        if str(named) == "DateTimeRange":
            for text in DATES if root == "loans" else DATES[:1]:
                yield case(f"{root} {name} from {text!r}", *filtered(root, name, {"from": text}))
                yield case(f"{root} {name} before {text!r}", *filtered(root, name, {"before": text}))
        if str(named) == "Date":
            for text in ("2026-11-31", "2026-11-21T10:00:00Z", "", 20261121):
                yield case(f"{root} {name} {text!r}", *filtered(root, name, text))
    yield case("an unknown filter field", *filtered("loans", "userId", [ID]))


DATES = (
    "2026-11-21T10:00:00",
    "2026-11-21",
    "2026-02-30T10:00:00Z",
    "2026-11-21T25:00:00Z",
    "yesterday",
    "",
    1795255200,
)


def keys() -> Iterator[Case]:
    for text in ("a\u0000b", "tab\t", "\u007f", "", "x" * 501):
        shown = repr(text[:9])
        yield case(f"item barcode {shown}", build_query("item", "barcode: $b", "$b: String"), {"b": text})
        for key in ("barcode", "username", "externalSystemId"):
            yield case(f"user {key} {shown}", build_query("user", f"{key}: $k", "$k: String"), {"k": text})
        for key in ("barcode", "hrid"):
            yield case(
                f"search {key} {shown}",
                build_query("searchInstance", f"{key}: $k", "$k: String"),
                {"k": text},
            )


def consortia() -> Iterator[Case]:
    # The BFF puts this id into its own CQL unquoted, and reads it as a system user.
    for text in ("x or cql.allRecords=1", "*", 'a"', "../users", "", "a\u0000b"):
        query = build_query("externalUsers", "externalUserId: $id", "$id: String!")
        yield case(f"externalUsers {text!r}", query, {"id": text})
    yield case(
        "externalUsers elsewhere", build_query("externalUsers", 'externalUserId: "1", tenantId: "college"')
    )
    for text in ("a\u0000b", ""):
        query = build_query("consortiumItem", "barcode: $b", "$b: String!")
        yield case(f"consortiumItem {text!r}", query, {"b": text})


CHECK_OUT = "mutation($input: CheckOutInput!) { checkOut(input: $input) { __typename } }"
CHECK_IN = "mutation($input: CheckInInput!) { checkIn(input: $input) { __typename } }"
LOAN = {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": ID}
RETURN = {"itemBarcode": "2000000001", "servicePointId": ID}


def mutation_inputs() -> Iterator[Case]:
    blocks = {"itemNotLoanableBlock": {"dueDate": "2026-11-21T10:00:00"}}
    texts = ("a\u0000b", "", "x" * 501, None, 1)
    for text in texts:
        for name in ("itemBarcode", "userBarcode"):
            yield case(f"checkOut {name} {str(text)[:9]!r}", CHECK_OUT, {"input": LOAN | {name: text}})
        yield case(
            f"checkIn itemBarcode {str(text)[:9]!r}", CHECK_IN, {"input": RETURN | {"itemBarcode": text}}
        )
    yield case("checkOut proxyUserBarcode", CHECK_OUT, {"input": LOAN | {"proxyUserBarcode": "\n"}})
    for text in NO_IDS:
        yield case(f"checkOut at {text!r}", CHECK_OUT, {"input": LOAN | {"servicePointId": text}})
        yield case(f"checkIn at {text!r}", CHECK_IN, {"input": RETURN | {"servicePointId": text}})
        yield case(f"checkIn session {text!r}", CHECK_IN, {"input": RETURN | {"sessionId": text}})
    for date in DATES:
        yield case(f"checkOut on {date!r}", CHECK_OUT, {"input": LOAN | {"loanDate": date}})
        yield case(f"checkIn on {date!r}", CHECK_IN, {"input": RETURN | {"checkInDate": date}})
    yield case("checkOut until no moment", CHECK_OUT, {"input": LOAN | {"overrideBlocks": blocks}})
    yield case(
        "checkOut with no flag", CHECK_OUT, {"input": LOAN | {"overrideBlocks": {"patronBlock": "yes"}}}
    )
    yield case("checkOut of nothing", CHECK_OUT, {"input": {}})
    yield case("checkOut without input", CHECK_OUT, {})
    yield case("checkOut with an unknown field", CHECK_OUT, {"input": LOAN | {"tenantId": "college"}})
    yield case(
        "checkIn with an unknown resolution",
        CHECK_IN,
        {"input": RETURN | {"claimedReturnedResolution": "UNKNOWN"}},
    )


def documents() -> Iterator[Case]:
    invalid, unread = "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"
    yield case("no document", "", code=unread)
    yield case("a bracket too few", "{ loans { nodes { id } }", code=unread)
    yield case(
        "two operations", "query A { loans { totalCount } } query B { loans { totalCount } }", code=invalid
    )
    yield case("no operation", "fragment F on Loan { id }", code=invalid)
    yield case("an unknown field", "{ loans { nodes { userId } } }", code=invalid)
    yield case("an unknown root", "{ books { id } }", code=invalid)
    yield case("an unknown argument", '{ loans(query: "cql.allRecords=1") { totalCount } }', code=invalid)
    yield case("an unknown member", "{ loans(filter: { status: [LENT] }) { totalCount } }", code=invalid)
    yield case("a missing argument", "{ loan { id } }", code=invalid)
    yield case("no selection", "{ loans }", code=invalid)
    yield case(
        "a date without offset",
        '{ loans(filter: { dueDate: { from: "2026-11-21" } }) { totalCount } }',
        code=invalid,
    )
    yield case("an undeclared variable", "{ loan(id: $id) { id } }", code=invalid)
    yield case("a subscription", "subscription { loans { totalCount } }", code=invalid)


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        *malformed_ids(),
        *exclusive_arguments(),
        *pages(),
        *queries_in_cql(),
        *values_in_filters(),
        *keys(),
        *consortia(),
        *mutation_inputs(),
        *documents(),
    ],
)
async def test_invalid_input_has_its_code_and_sends_nothing(
    gateway: Gateway, query: str, variables: Json, code: str
) -> None:
    """The error has the documented code, the field is null, and no call is made."""
    response = await gateway.execute(query, variables)

    assert {error["extensions"]["code"] for error in response["errors"]} == {code}
    assert all(error["extensions"]["retryable"] is False for error in response["errors"])
    assert set((response.get("data") or {}).values()) <= {None}
    assert gateway.calls == []


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ('openRequests(filter: { requesterId: ["42"] })', "BAD_USER_INPUT"),
        ("openRequests(filter: { status: [] })", "BAD_USER_INPUT"),
        ("openRequests(filter: { requestType: [UNKNOWN] })", "BAD_USER_INPUT"),
        ("openRequests(first: -1)", "BAD_USER_INPUT"),
        ("openRequests(first: 1001)", "LIMIT_EXCEEDED"),
        ('loans(after: "x")', "BAD_USER_INPUT"),
        ('loans(filter: { borrowerId: ["../users"] })', "BAD_USER_INPUT"),
    ],
)
async def test_an_invalid_argument_of_a_link_nulls_the_link(gateway: Gateway, link: str, code: str) -> None:
    """The record is complete, the link is null, and only the record is requested."""
    response = await gateway.execute(
        f'{{ item(barcode: "2000000031") {{ barcode {link} {{ totalCount }} }} }}'
    )

    (error,) = response["errors"]
    name = link.partition("(")[0]
    assert (error["path"], error["extensions"]["code"]) == (["item", name], code)
    assert response["data"] == {"item": {"barcode": "2000000031", name: None}}
    assert gateway.paths() == ["GET /inventory/items"]


async def test_an_invalid_field_does_not_affect_others(gateway: Gateway) -> None:
    """A field with invalid input leaves the others unchanged."""
    response = await gateway.execute(
        '{ bad: item(id: "42") { id } good: item(barcode: "2000000001") { barcode } }'
    )

    assert response["data"] == {"bad": None, "good": {"barcode": "2000000001"}}
    assert [error["path"] for error in response["errors"]] == [["bad"]]
    assert gateway.paths() == ["GET /inventory/items"]


async def test_unknown_is_a_status_of_items(gateway: Gateway) -> None:
    """FOLIO has items of status unknown, so it is a valid filter."""
    data = await gateway.data("{ items(filter: { status: [UNKNOWN] }) { nodes { barcode } } }")

    assert data["items"]["nodes"] == [{"barcode": "2000000023"}]


# In the headers


@pytest.fixture(scope="module", name="configured")
async def _configured() -> AsyncIterator[Gateway]:
    """Open a gateway like an operator: without a default tenant."""
    sandbox = create_sandbox()
    app = create_app(
        Settings(okapi_url="http://folio", polaris_url="http://polaris"),
        transport=lambda limits: in_process_transport(sandbox),
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Gateway(http, sandbox)


TENANT = ("X-Okapi-Tenant", "diku")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no tenant"),
        pytest.param([TENANT, ("x-okapi-tenant", "college")], id="two different tenants"),
        *[
            pytest.param([("X-Okapi-Tenant", tenant)], id=f"tenant {tenant[:9]!r}")
            for tenant in (
                "",
                "Diku",
                "1diku",
                "di-ku",
                "di ku",
                "diku,college",
                "../diku",
                "d" * 64,
                "_diku",
            )
        ],
        pytest.param([TENANT, ("X-Okapi-Token", "a"), ("X-Okapi-Token", "b")], id="two tokens"),
        pytest.param([TENANT, ("X-Okapi-Token", "a"), ("Authorization", "Bearer b")], id="two logins"),
        pytest.param([TENANT, ("X-Okapi-Token", "a b")], id="a space in the token"),
        pytest.param([TENANT, ("X-Okapi-Token", "")], id="an empty token"),
        pytest.param([TENANT, ("Authorization", "Basic YTpi")], id="another authorization scheme"),
        pytest.param(
            [TENANT, ("X-Polaris-Authorization", "Basic YTpi")], id="another Polaris authorization scheme"
        ),
        pytest.param([TENANT, ("X-Polaris-Workstation", "desk")], id="a workstation that is no number"),
        pytest.param([TENANT, ("X-Polaris-Organization", "3/../4")], id="a path for an organization"),
    ],
)
async def test_headers_that_are_refused(configured: Gateway, headers: list[tuple[str, str]]) -> None:
    """The caller and its tenant must be unambiguous: otherwise 400 and BAD_REQUEST, without GraphQL."""
    configured.sandbox.calls.clear()
    response = await configured.http.post(
        "/graphql", json={"query": "{ loans { totalCount } }"}, headers=headers
    )

    (error,) = response.json()["errors"]
    assert response.status_code == 400
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "data" not in response.json()
    assert configured.calls == []


async def test_a_tenant_alone_is_served(configured: Gateway) -> None:
    """A tenant alone is sufficient for a call to FOLIO."""
    configured.sandbox.calls.clear()
    data = await configured.data("{ loans { totalCount } }")

    assert data["loans"]["totalCount"] == len(configured.library.loans)
    assert [call.tenant for call in configured.calls] == ["diku"]


async def test_an_unknown_tenant_is_rejected_by_upstream(configured: Gateway) -> None:
    """The gateway has no list of tenants: FOLIO's 400 is an error and no result."""
    response = await configured.execute("{ loans { totalCount } }", None, {"X-Okapi-Tenant": "elsewhere"})

    assert response["data"] == {"loans": None}
    assert response["errors"][0]["extensions"]["code"] == "UPSTREAM_REJECTED"

"""Limits of documents, each with its value, also through fragments."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from graphql import get_introspection_query

from gateway.engine.core import core_schema
from gateway.engine.cost import price
from gateway.engine.documents import Documents, Operation, Rejected
from gateway.engine.limits import MAX_REPORTED_COST, estimate_cost
from gateway.graph import schema
from gateway.settings import DocumentSettings, LimitSettings
from tests.gateway_under_test import Gateway, open_gateway

TYPES = len(core_schema(schema).type_map)
SCREENS = sorted((Path(__file__).parents[1] / "stories" / "screens").glob("*.graphql"))


def documents(**limits: int) -> Documents:
    # Copied, because a copy is not validated: most tests are clearer with limits below the allowed minimum.
    small = LimitSettings().replace(**{f"max_{name}": value for name, value in limits.items()})
    return Documents(schema, DocumentSettings(), small, pricing=price)


def refusal(query: str, **limits: int) -> tuple[str, dict[str, object]]:
    prepared = documents(**limits).prepare(query)
    assert isinstance(prepared, Rejected)
    (error,) = prepared.errors
    assert error.extensions is not None
    return error.message, error.extensions


def limit_of(query: str, **limits: int) -> str:
    """Return the limit that rejects a query, and assert the code that all of them have."""
    _, extensions = refusal(query, **limits)
    assert extensions["code"] == "LIMIT_EXCEEDED"
    return str(extensions["limit"])


def accepted(query: str, **limits: int) -> Operation:
    prepared = documents(**limits).prepare(query)
    assert isinstance(prepared, Operation), prepared
    return prepared


def calls(query: str, **variables: object) -> int:
    cache = documents()
    prepared = cache.prepare(query)
    assert isinstance(prepared, Operation), prepared
    return estimate_cost(prepared.steps, variables, cache.limits).calls


def records(query: str, **variables: object) -> int:
    cache = documents()
    prepared = cache.prepare(query)
    assert isinstance(prepared, Operation), prepared
    return estimate_cost(prepared.steps, variables, cache.limits).records


# Text


def test_a_long_text_is_refused_before_it_is_parsed() -> None:
    """The length of the text has a limit, whatever its content."""
    accepted("{__typename}".ljust(100_000))

    assert refusal("{__typename}".ljust(100_001)) == (
        "The query has 100001 characters; at most 100000 are allowed (MAX_QUERY_CHARACTERS).",
        {"code": "LIMIT_EXCEEDED", "limit": "MAX_QUERY_CHARACTERS", "maximum": 100_000, "figure": 100_001},
    )


def test_tokens_are_counted_by_the_parser() -> None:
    """The parser stops at the first token beyond the limit; the code is that of a limit, not of bad
    syntax."""
    accepted("{" + "__typename " * 8 + "}", tokens=10)

    assert refusal("{" + "__typename " * 9 + "}", tokens=10) == (
        "The query has more than 10 tokens (MAX_TOKENS).",
        {"code": "LIMIT_EXCEEDED", "limit": "MAX_TOKENS", "maximum": 10},
    )


def test_comments_are_counted_like_tokens() -> None:
    """Comments have a limit too, because the parser keeps them."""
    assert refusal("#\n" * 11 + "{__typename}", tokens=10)[0] == (
        "The query has more than 10 comments (MAX_TOKENS)."
    )


def test_a_syntax_error_is_no_limit() -> None:
    """A syntax error that quotes the name of a limit is still a syntax error."""
    _, extensions = refusal('{ a "Document contains more than 2000 tokens" }')

    assert extensions["code"] == "GRAPHQL_PARSE_FAILED"


# Shape

NESTED = '{item(barcode:"1"){instance{openRequests{nodes{item{id}}}}}}'  # six levels


@pytest.mark.parametrize(
    "query",
    [
        NESTED,
        '{item(barcode:"1"){...on Item{instance{...on Instance{openRequests{nodes{item{id}}}}}}}}',
        '{item(barcode:"1"){...A}} fragment A on Item{instance{...B}} '
        "fragment B on Instance{openRequests{nodes{item{id}}}}",
        '{...__schema} fragment __schema on Query{item(barcode:"1"){...A}} '
        "fragment A on Item{instance{openRequests{nodes{item{id}}}}}",
    ],
    ids=["plain", "inline", "nested fragments", "fragment named __schema"],
)
def test_depth(query: str) -> None:
    """Levels of fields are counted through fragments of every kind."""
    accepted(query, depth=6)

    assert refusal(query, depth=5) == (
        "The query has more than 5 levels of fields (MAX_DEPTH).",
        {"code": "LIMIT_EXCEEDED", "limit": "MAX_DEPTH", "maximum": 5},
    )


@pytest.mark.parametrize(
    "query",
    [
        "{a:__typename b:__typename c:__typename}",
        "{...A ...A ...A} fragment A on Query{a:__typename}",
        "{...A a:__typename} fragment A on Query{...B ...B} fragment B on Query{b:__typename}",
        "{...on Query{a:__typename ...on Query{b:__typename}} c:__typename}",
        "{...__schema} fragment __schema on Query{a:__typename b:__typename c:__typename}",
        "query A{a:__typename b:__typename} query B{c:__typename}",
    ],
)
def test_aliases(query: str) -> None:
    """Aliases are counted where fragments are spread, and over all operations of a document."""
    assert limit_of(query, aliases=2) == "MAX_ALIASES"
    assert not isinstance(documents(aliases=3).prepare(query, "A" if "query A" in query else None), Rejected)


def test_an_alias_has_a_length() -> None:
    """The length of an alias is limited, because it is repeated in each row of a list."""
    accepted(f"{{{'a' * 200}: __typename}}")

    assert limit_of(f"{{...A}}fragment A on Query{{{'a' * 201}: __typename}}") == "MAX_NAME"


@pytest.mark.parametrize(
    "query",
    [
        "{__typename" + " @include(if:true)@skip(if:false)@include(if:true)}",
        "{...A@skip(if:false) ...A@skip(if:false)} fragment A on Query{__typename@skip(if:false)}",
        "{...on Query@skip(if:false){__typename@skip(if:false)} a:__typename@skip(if:false)}",
        "query($a:Boolean=true@a){__typename@include(if:$a)@b}",
        "query@a@b@c{__typename}",
        "{...A}fragment A on Query@a@b@c{__typename}",
    ],
)
def test_directives(query: str) -> None:
    """Directives are counted in every position, known or not."""
    assert limit_of(query, directives=2) == "MAX_DIRECTIVES"


def test_nodes() -> None:
    """Fields are counted where fragments are spread; 2000 by default."""
    accepted("{...A ...A}fragment A on Query{__typename}", nodes=4)

    assert refusal("{...A ...A}fragment A on Query{__typename}", nodes=3) == (
        "The query has more than 3 fields and fragments, with fragment spreads expanded (MAX_NODES).",
        {"code": "LIMIT_EXCEEDED", "limit": "MAX_NODES", "maximum": 3},
    )


@pytest.mark.parametrize("last", ["{__typename}", "{}"], ids=["a field", "empty"])
def test_doubling_fragments_are_checked_in_bounded_time(last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty fragments that each spread the next one twice are 2^60 fields, rejected at the two thousandth."""
    doubling = " ".join(f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}" for n in range(60))
    began = time.thread_time()

    query = f"{{...F0}} {doubling} fragment F60 on Query{last}"
    monkeypatch.setattr("gateway.engine.limits.MAX_COMPARISONS", 10**9)
    assert limit_of(query, root_fields=9999) == "MAX_NODES"
    assert time.thread_time() - began < 0.5


def test_cyclic_fragments_are_a_validation_error() -> None:
    """A cycle ends the walk and is rejected by validation."""
    _, extensions = refusal("{...A} fragment A on Query{__typename ...B} fragment B on Query{...A}")

    assert extensions["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_mutual_fragments_are_checked_in_bounded_time() -> None:
    """Thirty fragments that spread each other are checked in bounded time."""
    spreads = " ".join(f"...F{n}" for n in range(28))
    every = " ".join(f"fragment F{n} on Query{{{spreads}}}" for n in range(28))
    began = time.thread_time()

    assert limit_of(f"{{...F0}} {every}") == "MAX_NODES"
    assert time.thread_time() - began < 0.5


def test_unused_fragments_are_counted() -> None:
    """Unused fragments are counted, because they would be validated like the others."""
    assert limit_of("{__typename} fragment A on Query{a:__typename b:__typename}", aliases=1) == "MAX_ALIASES"


def test_root_fields() -> None:
    """An operation has at most 30 root fields, also in fragments."""
    accepted("{" + "__typename " * 30 + "}")

    assert refusal("{" + "__typename " * 31 + "}")[0] == (
        "The query has more than 30 fields at the root (MAX_ROOT_FIELDS)."
    )
    assert limit_of("{...A ...A}fragment A on Query{a:__typename b:__typename}", root_fields=3) == (
        "MAX_ROOT_FIELDS"
    )


def test_repeated_fields_are_refused_before_they_are_compared() -> None:
    """Validation compares fields of one name in pairs: 400 of them without a limit take most of a second."""
    repeated = "{loans{nodes{" + "item{id} " * 400 + "}}}"
    began = time.thread_time()

    assert limit_of(repeated) == "MAX_COMPARISONS"
    assert limit_of("{loans{nodes{" + "...on Loan{item{id}}" * 200 + "}}}") == "MAX_COMPARISONS"
    assert time.thread_time() - began < 0.5


# Introspection, suggestions, numbers


def test_the_query_of_graphiql_passes() -> None:
    """The complete introspection query is within every limit."""
    accepted(
        get_introspection_query(
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        )
    )


def test_introspection_depth() -> None:
    """Nested lists of the schema have a separate limit, also through a fragment."""
    deep = "{__schema{types{fields{type{fields{type{...A}}}}}}} fragment A on __Type{fields{name}}"

    assert limit_of(deep) == "MAX_INTROSPECTION_DEPTH"


@pytest.mark.parametrize(
    "text", ["{__schema{__typename}}", "{...A}fragment A on Query{__schema{__typename}}"]
)
def test_introspection_alone_can_be_closed(text: str) -> None:
    """Without introspection the schema is hidden, in fragments too; suggestions remain."""
    closed = Documents(schema, DocumentSettings(introspection=False), LimitSettings())

    assert isinstance(closed.prepare(text), Rejected)
    suggesting = closed.prepare("{loanz{nodes{id}}}")
    assert isinstance(suggesting, Rejected)
    assert "Did you mean 'loan' or 'loans'?" in suggesting.errors[0].message


@pytest.mark.parametrize(
    "text",
    [
        "{loanz{nodes{id}}}",
        "{loans(firzt:1){nodes{id}}}",
        "{...on Loanz{id}}",
        "{loans(filter:{statuz:[OPEN]}){nodes{id}}}",
        "{loans(sort:[{by:DUE_DAT}]){nodes{id}}}",
        "{loans(filter:{status:OPENN}){nodes{id}}}",
        "query($f:LoanFiltr){loans(filter:$f){nodes{id}}}",
        "query($f:LoanFilter={statuz:OPEN}){loans(filter:$f){nodes{id}}}",
        "{loans @skip(iff:true){nodes{id}}}",
        "{loans}",
        "{loans{nodes{borrowr{id}}}}",
        "{loans(first:.5){nodes{id}}}",
        "{loan(id:'1'){id}}",
        "{..A}",
    ],
)
def test_suggestions_alone_can_be_closed(text: str) -> None:
    """Without suggestions no message names parts of the schema; introspection is a separate setting."""
    closed = Documents(schema, DocumentSettings(suggestions=False), LimitSettings())
    prepared = closed.prepare(text)

    assert isinstance(prepared, Rejected)
    assert not any("did you mean" in error.message.lower() for error in prepared.errors)
    assert all(error.message.endswith(".") for error in prepared.errors)
    assert isinstance(closed.prepare("{__schema{__typename}}"), Operation)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400])
@pytest.mark.parametrize(
    "place", ["{loans(first:%s){nodes{id}}}", "query($a:Float=%s){__typename @skip(if:$a)}"]
)
def test_numbers_are_finite(number: str, place: str) -> None:
    """A number beyond the range of doubles is rejected in any position; it would become infinity."""
    prepared = documents().prepare(place % number)

    assert isinstance(prepared, Rejected)
    assert (prepared.errors[0].extensions or {})["code"] == "BAD_USER_INPUT"
    assert prepared.errors[0].message == "A number exceeds the range of a double-precision float."


# Cost


@pytest.mark.parametrize("screen", SCREENS, ids=lambda path: path.stem)
def test_every_screen_fits(screen: Path) -> None:
    """The screens of a library keep within the default of every limit."""
    assert 1 <= calls(screen.read_text(), first=100) <= 30
    assert records(screen.read_text(), first=100) <= 20_000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{__typename __schema{__typename}}", 0),
        ("{loans{nodes{id}}}", 1),
        ("{a:loans{nodes{id}} b:loans{nodes{id}}}", 2),
        ("{...A ...A}fragment A on Query{loans{nodes{id}}}", 1),
        ('{user(barcode:"1"){id}}', 1),
        # a batch for each 75 parents
        ("{loans{nodes{borrower{email:personal{email}}}}}", 2),
        ("{loans(first:75){nodes{borrower{personal{email}}}}}", 2),
        ("{loans(first:76){edges{node{borrower{personal{email}}}}}}", 3),
        ("{loans(first:1000){nodes{borrower{personal{email}}}}}", 15),
        ("{loans(first:0){nodes{borrower{personal{email}}}}}", 1),
        ("{loans(first:1000000){nodes{borrower{personal{email}}}}}", 15),
        # embedded in the parent
        ("{loans(first:1000){nodes{borrower{id barcode} item{id title}}}}", 1),
        ("{loans(first:1000){nodes{...A}}}fragment A on Loan{borrower{...B}}fragment B on User{barcode}", 1),
        # upstream serves one parent a call
        ("{loans(first:20){nodes{borrower{automatedBlocks{message}}}}}", 21),
        ("{items(first:20){nodes{requestQueue{nodes{id}}}}}", 21),
        ("{servicePoints(first:20){nodes{pickSlips{nodes{__typename}}}}}", 21),
        ("{batchRequests(first:20){nodes{details{nodes{__typename}}}}}", 21),
        # connections in connections multiply, and lists without `first` have ten
        ("{items(first:100){nodes{openRequests(first:100){nodes{requester{personal{email}}}}}}}", 143),
        # lists: three more for the large groups among several parents, and one per parent if all may be large
        ("{users(first:50){nodes{loans{nodes{id}}}}}", 5),
        ("{users(first:1){nodes{loans{nodes{id}}}}}", 2),
        ("{patronGroups(first:30){nodes{users{totalCount}}}}", 31),
        ("{servicePoints{nodes{openLoans{totalCount} pickupRequests{totalCount}}}}", 21),
        ("{items(first:1){nodes{requestQueue{nodes{item{requestQueue{nodes{id}}}}}}}}", 12),
        # an exact count of what mod-inventory estimates, and items in which titles are bound with others
        ("{items{nodes{id}}}", 1),
        ("{items(first:1000){totalCount nodes{id}}}", 2),
        ("{instances{...A}}fragment A on InstanceConnection{totalCount}", 1),
        ("{instances{...A}}fragment A on InstanceConnection{totalCount nodes{id}}", 2),
        ("{users(first:1000){totalCount}}", 1),
        ("{instances(first:50){nodes{items{nodes{id}}}}}", 7),
        ("{instances(first:1){nodes{holdings(first:50){nodes{items{totalCount}}}}}}", 7),
        ("{instances(first:1){nodes{holdings(first:50){nodes{items{totalCount nodes{id}}}}}}}", 8),
        # mutations
        ('mutation{checkIn(input:{itemBarcode:"1",servicePointId:"1"}){__typename}}', 1),
    ],
)
def test_cost(query: str, expected: int) -> None:
    """The estimate has a call for each root, batch of parents, and parent that cannot be batched."""
    assert calls(query) == expected


@pytest.mark.parametrize(
    ("variables", "expected"), [({}, 2), ({"n": None}, 2), ({"n": 100}, 3), ({"n": -5}, 1)]
)
def test_cost_follows_the_variables(variables: dict[str, int | None], expected: int) -> None:
    """A page size from a variable counts as one in the text."""
    query = "query($n:Int){loans(first:$n){nodes{borrower{personal{email}}}}}"

    assert calls(query, **variables) == expected


@pytest.mark.anyio
async def test_a_costly_operation_sends_no_call(gateway: Gateway) -> None:
    """It is rejected as a request error with the estimate and the limit, without an upstream call."""
    gateway.sandbox.calls.clear()
    query = "query($n:Int!){items(first:$n){nodes{requestQueue{nodes{id}}}}}"

    response = await gateway.http.post(
        "/graphql",
        json={"query": query, "variables": {"n": 100}},
        headers={"X-Okapi-Tenant": "diku", "Accept": "application/graphql-response+json"},
    )

    assert response.status_code == 400
    body = response.json()
    assert "data" not in body
    (error,) = body["errors"]
    del error["extensions"]["requestId"]
    assert error == {
        "message": "The operation may need 101 upstream calls; at most 100 are allowed. "
        "Select smaller pages or fewer links (MAX_COST).",
        "extensions": {
            "code": "LIMIT_EXCEEDED",
            "retryable": False,
            "limit": "MAX_COST",
            "maximum": 100,
            "estimated": 101,
        },
    }
    assert gateway.calls == []
    assert "data" in await gateway.execute(query, {"n": 99})


@pytest.mark.anyio
async def test_large_estimate_is_capped(gateway: Gateway) -> None:
    """The estimate of nested connections is capped in the message."""
    nested = "{id}"
    for _ in range(3):
        nested = f"{{instance{{openRequests(first:1000){{nodes{{item{nested}}}}}}}}}"
    response = await gateway.execute(f"{{items(first:1000){{nodes{nested}}}}}")

    assert response["errors"][0]["extensions"]["estimated"] == MAX_REPORTED_COST
    assert f"more than {MAX_REPORTED_COST} upstream calls" in response["errors"][0]["message"]


# Records in the result


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{__typename}", 0),
        ('{user(barcode:"1"){id}}', 0),
        ("{loans{nodes{id}}}", 10),
        ("{loans(first:1000){nodes{id}}}", 1000),
        ("{loans(first:7){nodes{id} edges{node{id}}}}", 7),
        ("{a:loans(first:30){nodes{id}} b:loans(first:40){nodes{id}}}", 70),
        ("{loans(first:1000){nodes{borrower{loans(first:1000){nodes{id}}}}}}", 1_001_000),
        ("{loans(first:3){nodes{borrower{...A}}}}fragment A on User{loans(first:4){nodes{id}}}", 15),
        ("{loans(first:3){nodes{borrower{loans(first:4){nodes{borrower{loans(first:5){nodes{id}}}}}}}}}", 75),
        ("{loans(first:9)@include(if:false){nodes{borrower{loans(first:9)@skip(if:true){nodes{id}}}}}}", 90),
        (
            "query($x:Boolean!){loans(first:9)@include(if:$x){nodes{borrower{loans(first:9)@skip(if:$x)"
            "{nodes{id}}}}}}",
            90,
        ),
        (
            "query($x:Boolean!){...@include(if:$x){loans(first:9){nodes{id}}}...A@skip(if:$x)}"
            "fragment A on Query{items(first:5){nodes{id}}}",
            14,
        ),
        ("{loans(first:1000000){nodes{id}}}", 1000),
        ("{loans(first:0){nodes{borrower{loans(first:9){nodes{id}}}}}}", 0),
        ("query($n:Int){loans(first:$n){nodes{borrower{loans(first:$n){nodes{id}}}}}}", 110),
        # introspection: the fields of each of the types, also as their leaves
        ("{__schema{__typename}}", 0),
        ("{__schema{types{name}}}", TYPES),
        ("{a:__schema{types{fields{name}}}b:__schema{types{enumValues{name}}}}", 22 * TYPES),
        ('{__type(name:"Loan"){fields{args{name}}}}', 10),
        # a list of another list is multiplied, but the members of a record are a part of it
        ("{loans(first:9){nodes{loanItem{contributors{name}}}}}", 9),
    ],
)
def test_records_of_a_result(query: str, expected: int) -> None:
    """The estimate is the product of `first` along each path, regardless of conditions."""
    assert records(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{__typename}", False),
        ("{loans{totalCount nodes{id status{name} borrower{personal{email}}}}}", False),
        ("{loans{nodes{id}edges{cursor node{id}}}}", False),
        ("{loans{nodes{loanItem{contributors{name}}}}}", True),
        ("{loans{nodes{borrower{loans(first:4){nodes{id}}}}}}", True),
        ("{loans{nodes{...A}}}fragment A on Loan{borrower{...B}}fragment B on User{loans{nodes{id}}}", True),
        ("{loans{nodes{...on Loan{id}}}}", False),
        ('{item(barcode:"1"){requests{nodes{id}}}}', False),
        ("{__schema{types{name}}}", True),
    ],
)
def test_lists_in_lists(query: str, expected: bool) -> None:
    """A document shows if an element of a list may have a list in it."""
    operation = documents().prepare(query)
    assert isinstance(operation, Operation)
    assert operation.nests_lists is expected


@pytest.mark.anyio
async def test_a_large_result_sends_no_call(gateway: Gateway) -> None:
    """Two calls could produce a million records: rejected with the estimate, without an upstream call."""
    gateway.sandbox.calls.clear()
    query = "query($n:Int){loans(first:1000){nodes{borrower{loans(first:$n){nodes{id}}}}}}"

    response = await gateway.execute(query, {"n": 1000})

    assert "data" not in response
    (error,) = response["errors"]
    del error["extensions"]["requestId"]
    assert error == {
        "message": "The result may have more than 1000000 records; at most 100000 are allowed. "
        "Select smaller pages or fewer lists (MAX_RESULT_NODES).",
        "extensions": {
            "code": "LIMIT_EXCEEDED",
            "retryable": False,
            "limit": "MAX_RESULT_NODES",
            "maximum": 100_000,
            "estimated": MAX_REPORTED_COST,
        },
    }
    assert gateway.calls == []
    (error,) = (await gateway.execute(query, {"n": 100}))["errors"]
    assert error["extensions"]["estimated"] == 101_000
    assert "data" in await gateway.execute(query, {"n": 99})


@pytest.mark.anyio
@pytest.mark.parametrize("value", [True, False])
async def test_lists_count_whatever_their_conditions(gateway: Gateway, value: bool) -> None:
    """A list with a condition counts for each value of its variable, so a document is refused for all."""
    gateway.sandbox.calls.clear()
    query = (
        "query($x:Boolean!){loans(first:1000)@include(if:$x){nodes{borrower{loans(first:1000)@include(if:$x)"
        "{nodes{id}}}}}}"
    )

    response = await gateway.execute(query, {"x": value})

    assert [error["extensions"]["limit"] for error in response["errors"]] == ["MAX_RESULT_NODES"]
    assert "data" not in response
    assert gateway.calls == []


def test_the_schema_is_not_served_thirty_times() -> None:
    """GraphiQL's query fits the limit of a result, and thirty copies of the schema do not."""
    fields = "{types{name fields{name args{name}} inputFields{name} enumValues{name} possibleTypes{name}}}"
    copies = " ".join(f"a{number}: __schema{fields}" for number in range(29))

    assert records(get_introspection_query()) < 30_000
    assert records(f"{{__schema{fields}}}") == 41 * TYPES
    assert records(f"{{{copies}}}") > LimitSettings().max_result_nodes


@pytest.mark.anyio
async def test_every_limit_is_a_setting() -> None:
    """An operator moves each limit."""
    async with open_gateway(max_depth=2, max_cost=1, max_root_fields=2) as gateway:
        responses = [
            await gateway.execute(query)
            for query in ("{loans{nodes{id}}}", "{a:__typename b:__typename c:__typename}", "{__typename}")
        ]

    assert [response.get("errors", [{}])[0].get("extensions", {}).get("limit") for response in responses] == [
        "MAX_DEPTH",
        "MAX_ROOT_FIELDS",
        None,
    ]

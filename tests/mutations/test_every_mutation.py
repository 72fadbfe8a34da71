"""Rules for every mutation: the upstream request, its number, and each kind of response."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNonNull,
    get_named_type,
    parse,
    validate,
)

from gateway.graph import schema
from tests.mutations.conftest import Execute
from tests.mutations.mutation_cases import MUTATION_CASES, Json, MutationCase, key
from tests.mutations.unclear_responses import assert_unclear

pytestmark = pytest.mark.anyio

CORE = schema._schema
# These have separate test files.
ELSEWHERE = {
    "checkOut",
    "checkIn",
    "renewMany",
    "chargeFeeFine",
    "lockObject",
    "unlockObject",
    "releaseMyLocks",
}


RENAMED = {"comment": "actionComment", "queue": "reorderedQueue"}


def called(mutation: MutationCase) -> str:
    return (
        f"{mutation.name} {mutation.sent.rpartition('/')[2]}"
        if mutation.name in ("renew", "reorderQueue")
        else mutation.name
    )


def every(*, when: Callable[[MutationCase], bool] = lambda mutation: True) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "mutation", [mutation for mutation in MUTATION_CASES if when(mutation)], ids=called
    )


def writes(upstream_calls: list[httpx.Request]) -> list[str]:
    return [f"{each.method} {each.url.path}" for each in upstream_calls if each.method != "GET"]


def body_of(request: httpx.Request) -> Json:
    return json.loads(request.content) if request.content else None


def upstream(
    mutation: MutationCase, write: httpx.Response | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    """Return the read before the write, if any, and a response to the write."""

    def response(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=mutation.before)
        if write is not None:
            return write
        return (
            httpx.Response(mutation.status)
            if mutation.response is None
            else httpx.Response(mutation.status, json=mutation.response)
        )

    return response


def input_type(mutation: MutationCase) -> GraphQLInputObjectType:
    match = CORE.type_map[f"{mutation.name[0].upper()}{mutation.name[1:]}Input"]
    assert isinstance(match, GraphQLInputObjectType)
    return match


# The upstream request


def test_every_mutation_is_in_the_table() -> None:
    """Each mutation has its row in the table, with each field of its input."""
    assert CORE.mutation_type is not None
    assert {mutation.name for mutation in MUTATION_CASES} == set(CORE.mutation_type.fields) - ELSEWHERE

    for name in {mutation.name for mutation in MUTATION_CASES}:
        rows = [mutation for mutation in MUTATION_CASES if mutation.name == name]
        declared = input_type(rows[0]).fields
        required = {each for each, field in declared.items() if isinstance(field.type, GraphQLNonNull)}
        assert {each for mutation in rows for each in mutation.inputs} == set(declared)
        assert all(required <= set(mutation.required_inputs) for mutation in rows)


@every()
async def test_every_input_field_is_sent(execute: Execute, mutation: MutationCase) -> None:
    """Upstream receives each field once, in its form, with the caller's identity, and nothing else."""
    response, upstream_calls = await execute(mutation.document, mutation.inputs, upstream(mutation))

    assert "errors" not in response, response["errors"]
    assert writes(upstream_calls) == [mutation.sent]
    assert body_of(upstream_calls[-1]) == mutation.body
    headers = upstream_calls[-1].headers
    assert (headers["x-okapi-tenant"], headers["x-okapi-token"]) == ("diku", "secret")
    assert mutation.body is None or headers["content-type"] == "application/json"


@every()
async def test_success(execute: Execute, mutation: MutationCase) -> None:
    """The result needs no further call; records that upstream does not return are links by id."""
    response, upstream_calls = await execute(mutation.document, mutation.inputs, upstream(mutation))

    assert response == {"data": {mutation.name: {"__typename": mutation.result, **mutation.shown}}}
    assert len(upstream_calls) == (1 if mutation.before is None else 2)


@every()
async def test_absent_fields_are_not_sent(execute: Execute, mutation: MutationCase) -> None:
    """Absent and null are equal: the body has the given fields and those that upstream requires."""
    nulls = {
        name: None
        for name, field in input_type(mutation).fields.items()
        if name not in mutation.required_inputs and not isinstance(field.type, GraphQLNonNull)
    }
    absent = [mutation.required_inputs]
    for inputs in absent if mutation.null_removes else [*absent, nulls | mutation.required_inputs]:
        _, upstream_calls = await execute(mutation.document, inputs, upstream(mutation))

        body = body_of(upstream_calls[-1]) or {}
        renamed = {RENAMED.get(name, name) for name in mutation.required_inputs}
        assert set(body) <= set(mutation.required_inputs) | renamed | set(mutation.before or {}) | {
            mutation.now,
            mutation.generated,
            "mediatedWorkflow",
            *mutation.added,
        }
        assert None not in [value for name, value in body.items() if name not in (mutation.before or {})]


@every(when=lambda mutation: mutation.now is not None)
async def test_date_defaults_to_now(execute: Execute, mutation: MutationCase) -> None:
    """The date that upstream requires is the current time in UTC unless another one is given."""
    began = datetime.now(UTC) - timedelta(milliseconds=1)
    _, upstream_calls = await execute(mutation.document, mutation.required_inputs, upstream(mutation))

    sent = json.loads(upstream_calls[-1].content)[mutation.now]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", sent)
    assert began <= datetime.fromisoformat(sent) <= datetime.now(UTC)


@every(when=lambda mutation: mutation.generated is not None)
async def test_id_defaults_to_a_new_one(execute: Execute, mutation: MutationCase) -> None:
    """Each request has an id of its own, so that upstream refuses it twice, and an error shows it."""
    sent = set()
    for _ in range(2):
        response, upstream_calls = await execute(
            mutation.document, mutation.required_inputs, httpx.Response(502)
        )
        key = json.loads(upstream_calls[-1].content)[mutation.generated]
        assert response["errors"][0]["extensions"]["keys"][mutation.generated] == key
        assert str(UUID(key)) == key
        sent.add(key)

    assert len(sent) == 2


# Rejected before any upstream call


def broken(mutation: MutationCase) -> Iterator[tuple[str, Json]]:
    """Return inputs with one error each, and the name of the invalid field."""
    for name, inputs in mutation.inputs.items():
        declared = get_named_type(input_type(mutation).fields[name].type)
        if isinstance(inputs, list):
            continue
        if declared.name == "ID":
            yield name, mutation.inputs | {name: "../users"}
            yield name, mutation.inputs | {name: ""}
        elif declared.name == "String":
            yield name, mutation.inputs | {name: "bell\x07"}
            yield name, mutation.inputs | {name: "x" * 10_001}
        elif isinstance(declared, GraphQLEnumType) and "UNKNOWN" in declared.values:
            yield name, mutation.inputs | {name: "UNKNOWN"}


@pytest.mark.parametrize(
    ("mutation", "name", "inputs"),
    [
        pytest.param(mutation, *each, id=f"{called(mutation)} {each[0]} {index}")
        for mutation in MUTATION_CASES
        for index, each in enumerate(broken(mutation))
    ],
)
async def test_invalid_input_is_not_sent(
    execute: Execute, mutation: MutationCase, name: str, inputs: Json
) -> None:
    """An invalid id, text or output-only value is rejected with the field's name before any call."""
    response, upstream_calls = await execute(mutation.document, inputs, upstream(mutation))

    (error,) = response["errors"]
    assert response["data"] == {mutation.name: None}
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("BAD_USER_INPUT", False)
    assert f"`{name}`" in error["message"]
    assert upstream_calls == []


# The write is rejected


@every()
async def test_refusal_is_data(execute: Execute, mutation: MutationCase) -> None:
    """A 422 is a refusal with every reason, after one write."""
    reasons = [
        {"message": "No", "parameters": [{"key": "itemId", "value": "1"}], "code": "ITEM_ALREADY_REQUESTED"},
        {"message": "Blocked", "overridableBlock": {"name": "patronBlock", "missingPermissions": ["may"]}},
    ]
    refused = httpx.Response(422, json={"errors": reasons})
    response, upstream_calls = await execute(mutation.document, mutation.inputs, upstream(mutation, refused))

    assert response == {
        "data": {
            mutation.name: {
                "__typename": "Refusal",
                "reasons": [
                    {
                        "code": "ITEM_ALREADY_REQUESTED",
                        "message": "No",
                        "parameters": [{"key": "itemId", "value": "1"}],
                        "overridableBlock": None,
                    },
                    {
                        "code": "OTHER",
                        "message": "Blocked",
                        "parameters": [],
                        "overridableBlock": {"name": "patronBlock", "missingPermissions": ["may"]},
                    },
                ],
            }
        }
    }
    assert writes(upstream_calls) == [mutation.sent]


@every()
@pytest.mark.parametrize("status", [409, 412])
async def test_later_conflict_is_an_unknown_outcome(
    execute: Execute, mutation: MutationCase, status: int
) -> None:
    """One mutation is several writes upstream: a conflict at a later one leaves the outcome unknown."""
    response, upstream_calls = await execute(
        mutation.document, mutation.inputs, upstream(mutation, httpx.Response(status, text="version"))
    )

    (error,) = response["errors"]
    assert_unclear(error, mutation.name, mutation.keys, mutation.upstream)
    assert writes(upstream_calls) == [mutation.sent]


LOOKS_UP_AFTERWARDS = {"createRequest", "createEcsRequestExternal"}


@every()
@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (401, "Invalid token", "UNAUTHENTICATED"),
        (403, "Access requires permission: x", "FORBIDDEN"),
        (404, "no such record", "NOT_FOUND"),
        (404, "No suitable module found for path", "UPSTREAM_UNAVAILABLE"),
        (429, "", "RATE_LIMITED"),
    ],
)
async def test_definite_rejection_is_an_error(
    execute: Execute, mutation: MutationCase, status: int, text: str, code: str
) -> None:
    """A definite rejection without a library's reason is an error with its code, after one write.

    If the BFF writes first and reads afterwards, all but the 401 leave the outcome unknown.
    """
    response, upstream_calls = await execute(
        mutation.document, mutation.inputs, upstream(mutation, httpx.Response(status, text=text))
    )

    (error,) = response["errors"]
    assert response["data"] == {mutation.name: None}
    if status != 401 and mutation.name in LOOKS_UP_AFTERWARDS:
        assert_unclear(error, mutation.name, mutation.keys, mutation.upstream)
    else:
        extensions = error["extensions"]
        assert (extensions["code"], extensions["status"], extensions["upstream"]) == (
            code,
            status,
            mutation.upstream,
        )
    assert writes(upstream_calls) == [mutation.sent]


@pytest.mark.parametrize("status", [400, 403, 404, 429])
async def test_mediated_request_may_be_saved_but_not_confirmed(execute: Execute, status: int) -> None:
    """Without an id the BFF creates the mediated request first: the status may be the second step's."""
    mutation = next(mutation for mutation in MUTATION_CASES if mutation.name == "confirmMediatedRequest")
    response, upstream_calls = await execute(
        mutation.document, mutation.required_inputs, upstream(mutation, httpx.Response(status, text="x"))
    )

    keys = {name: value for name, value in mutation.keys.items() if name in mutation.required_inputs}
    assert_unclear(response["errors"][0], mutation.name, keys)
    assert len(upstream_calls) == 1


# Unclear response


def times_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


def breaks_off(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("gone", request=request)


NOT_CLEAR: dict[str, httpx.Response | Callable[[httpx.Request], httpx.Response]] = {
    "500": httpx.Response(500, text="java.lang.NullPointerException\n\tat org.folio.A.b(A.java:1)"),
    "502": httpx.Response(502),
    "503": httpx.Response(503, headers={"Retry-After": "1"}),
    "504": httpx.Response(504),
    "408": httpx.Response(408),
    "redirected": httpx.Response(302, headers={"Location": "http://elsewhere"}),
    "a page in its place": httpx.Response(200, html="<p>Please log in</p>"),
    "nothing in its place": httpx.Response(200),
    "an object of another kind": httpx.Response(200, json={"errors": []}),
    "a list": httpx.Response(200, json=[]),
    "half of it": httpx.Response(200, text='{"id": "7c9e'),
    "slow": times_out,
    "broken off": breaks_off,
}


@every()
@pytest.mark.parametrize("end", NOT_CLEAR)
async def test_unclear_response_is_an_unknown_outcome(
    execute: Execute, mutation: MutationCase, end: str
) -> None:
    """With every failure after sending it is sent once, and the error has the query that verifies it."""
    wrong = NOT_CLEAR[end]

    def answer_of(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=mutation.before)
        return wrong if isinstance(wrong, httpx.Response) else wrong(request)

    response, upstream_calls = await execute(mutation.document, mutation.inputs, answer_of)

    (error,) = response["errors"]
    assert response["data"] == {mutation.name: None}
    assert_unclear(error, mutation.name, mutation.keys, mutation.upstream)
    assert error["extensions"]["verify"] == mutation.verify
    assert writes(upstream_calls) == [mutation.sent]


@every()
async def test_unsent_mutation_is_safe_to_retry(execute: Execute, mutation: MutationCase) -> None:
    """Without a connection the outcome is known: nothing happened, and a retry is safe."""

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    response, _ = await execute(mutation.document, mutation.inputs, unreachable)

    (error,) = response["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)


@every(when=lambda mutation: not mutation.verify.startswith("no query"))
def test_verifying_query_is_valid(mutation: MutationCase) -> None:
    """With the keys filled in, the query in the error is valid for this schema."""
    filled = re.sub(r"(Id|id|barcode):(?=[ )])", lambda match: f'{match[1]}: "{key(1)}"', mutation.verify)

    assert validate(CORE, parse(f"{{ {filled} }}")) == []

"""Rules for every mutation: the upstream request, its number, and each kind of response."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

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
from tests.mutations.acts import ACTS, Act, Json, key
from tests.mutations.conftest import Answered
from tests.mutations.unclear import assert_unclear

pytestmark = pytest.mark.anyio

CORE = schema._schema
ELSEWHERE = {
    "checkOut",
    "checkIn",
    "lockObject",
    "unlockObject",
    "releaseMyLocks",
}  # tested in files of their own


RENAMED = {"comment": "actionComment", "queue": "reorderedQueue"}


def called(act: Act) -> str:
    return f"{act.name} {act.sent.rpartition('/')[2]}" if act.name in ("renew", "reorderQueue") else act.name


def every(*, when: Callable[[Act], bool] = lambda act: True) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("act", [act for act in ACTS if when(act)], ids=called)


def writes(got: list[httpx.Request]) -> list[str]:
    return [f"{each.method} {each.url.path}" for each in got if each.method != "GET"]


def upstream(act: Act, write: httpx.Response | None = None) -> Callable[[httpx.Request], httpx.Response]:
    """Return the read before the write, if any, and a response to the write."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=act.before)
        if write is not None:
            return write
        return (
            httpx.Response(act.status) if act.answer is None else httpx.Response(act.status, json=act.answer)
        )

    return answer


def input_type(act: Act) -> GraphQLInputObjectType:
    found = CORE.type_map[f"{act.name[0].upper()}{act.name[1:]}Input"]
    assert isinstance(found, GraphQLInputObjectType)
    return found


# What upstream gets


def test_every_mutation_is_in_the_table() -> None:
    """Each mutation has its row in the table, with each field of its input."""
    assert CORE.mutation_type is not None
    assert {act.name for act in ACTS} == set(CORE.mutation_type.fields) - ELSEWHERE

    for name in {act.name for act in ACTS}:
        rows = [act for act in ACTS if act.name == name]
        declared = input_type(rows[0]).fields
        required = {each for each, field in declared.items() if isinstance(field.type, GraphQLNonNull)}
        assert {each for act in rows for each in act.given} == set(declared)
        assert all(required <= set(act.least) for act in rows)


@every()
async def test_every_input_field_is_sent(answered: Answered, act: Act) -> None:
    """Upstream receives each field once, in its form, with the caller's identity, and nothing else."""
    answer, got = await answered(act.document, act.given, upstream(act))

    assert "errors" not in answer, answer["errors"]
    assert writes(got) == [act.sent]
    assert json.loads(got[-1].content) == act.body
    headers = got[-1].headers
    assert (headers["x-okapi-tenant"], headers["x-okapi-token"]) == ("diku", "secret")
    assert headers["content-type"] == "application/json"


@every()
async def test_success(answered: Answered, act: Act) -> None:
    """The result needs no further call; records that upstream does not return are links by id."""
    answer, got = await answered(act.document, act.given, upstream(act))

    assert answer == {"data": {act.name: {"__typename": act.result, **act.shown}}}
    assert len(got) == (1 if act.before is None else 2)


@every()
async def test_absent_fields_are_not_sent(answered: Answered, act: Act) -> None:
    """Absent and null are equal: the body has the given fields and those that upstream requires."""
    nulls = {
        name: None
        for name, field in input_type(act).fields.items()
        if name not in act.least and not isinstance(field.type, GraphQLNonNull)
    }
    for given in (act.least, nulls | act.least):
        _, got = await answered(act.document, given, upstream(act))

        body = json.loads(got[-1].content)
        renamed = {RENAMED.get(name, name) for name in act.least}
        assert set(body) <= set(act.least) | renamed | set(act.before or {}) | {act.now, "mediatedWorkflow"}
        assert None not in [value for name, value in body.items() if name not in (act.before or {})]


@every(when=lambda act: act.now is not None)
async def test_date_defaults_to_now(answered: Answered, act: Act) -> None:
    """The date that upstream requires is the current time in UTC unless another one is given."""
    began = datetime.now(UTC) - timedelta(milliseconds=1)
    _, got = await answered(act.document, act.least, upstream(act))

    sent = json.loads(got[-1].content)[act.now]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", sent)
    assert began <= datetime.fromisoformat(sent) <= datetime.now(UTC)


# What upstream never gets


def broken(act: Act) -> Iterator[tuple[str, Json]]:
    """Return inputs with one error each, and the name of the invalid field."""
    for name, given in act.given.items():
        declared = get_named_type(input_type(act).fields[name].type)
        if isinstance(given, list):
            continue
        if declared.name == "ID":
            yield name, act.given | {name: "../users"}
            yield name, act.given | {name: ""}
        elif declared.name == "String":
            yield name, act.given | {name: "bell\x07"}
            yield name, act.given | {name: "x" * 10_001}
        elif isinstance(declared, GraphQLEnumType) and "UNKNOWN" in declared.values:
            yield name, act.given | {name: "UNKNOWN"}


@pytest.mark.parametrize(
    ("act", "name", "given"),
    [
        pytest.param(act, *each, id=f"{called(act)} {each[0]} {index}")
        for act in ACTS
        for index, each in enumerate(broken(act))
    ],
)
async def test_invalid_input_is_not_sent(answered: Answered, act: Act, name: str, given: Json) -> None:
    """An invalid id, text or output-only value is rejected with the field's name before any call."""
    answer, got = await answered(act.document, given, upstream(act))

    (error,) = answer["errors"]
    assert answer["data"] == {act.name: None}
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("BAD_USER_INPUT", False)
    assert f"`{name}`" in error["message"]
    assert got == []


# The library says no


@every()
async def test_refusal_is_data(answered: Answered, act: Act) -> None:
    """A 422 is a refusal with every reason, after one write."""
    reasons = [
        {"message": "No", "parameters": [{"key": "itemId", "value": "1"}], "code": "ITEM_ALREADY_REQUESTED"},
        {"message": "Blocked", "overridableBlock": {"name": "patronBlock", "missingPermissions": ["may"]}},
    ]
    refused = httpx.Response(422, json={"errors": reasons})
    answer, got = await answered(act.document, act.given, upstream(act, refused))

    assert answer == {
        "data": {
            act.name: {
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
    assert writes(got) == [act.sent]


@every()
@pytest.mark.parametrize("status", [409, 412])
async def test_later_conflict_is_an_unknown_outcome(answered: Answered, act: Act, status: int) -> None:
    """One mutation is several writes upstream: a conflict at a later one leaves the outcome unknown."""
    answer, got = await answered(
        act.document, act.given, upstream(act, httpx.Response(status, text="version"))
    )

    (error,) = answer["errors"]
    assert_unclear(error, act.name, act.keys, act.upstream)
    assert writes(got) == [act.sent]


@every()
async def test_missing_bff_permission_is_a_known_outcome(answered: Answered, act: Act) -> None:
    """Okapi responds 403 before the BFF is called, so nothing happened."""
    text = "Access for user 'desk' (1) requires permission: circulation-bff.x.post"
    answer, got = await answered(act.document, act.given, upstream(act, httpx.Response(403, text=text)))

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert writes(got) == [act.sent]


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
    answered: Answered, act: Act, status: int, text: str, code: str
) -> None:
    """A definite rejection without a library's reason is an error with its code, after one write.

    If the BFF writes first and reads afterwards, its 403 and 404 leave the outcome unknown.
    """
    answer, got = await answered(act.document, act.given, upstream(act, httpx.Response(status, text=text)))

    (error,) = answer["errors"]
    assert answer["data"] == {act.name: None}
    if status in (403, 404) and act.name in LOOKS_UP_AFTERWARDS:
        assert_unclear(error, act.name, act.keys, act.upstream)
    else:
        extensions = error["extensions"]
        assert (extensions["code"], extensions["status"], extensions["upstream"]) == (
            code,
            status,
            act.upstream,
        )
    assert writes(got) == [act.sent]


@pytest.mark.parametrize("status", [403, 404])
async def test_mediated_request_may_be_saved_but_not_confirmed(answered: Answered, status: int) -> None:
    """Without an id the BFF creates the mediated request first: a 403 or 404 may be the second step's."""
    act = next(act for act in ACTS if act.name == "confirmMediatedRequest")
    answer, got = await answered(act.document, act.least, upstream(act, httpx.Response(status, text="x")))

    keys = {name: value for name, value in act.keys.items() if name in act.least}
    assert_unclear(answer["errors"][0], act.name, keys)
    assert len(got) == 1


# No clear answer


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
async def test_unclear_response_is_an_unknown_outcome(answered: Answered, act: Act, end: str) -> None:
    """With every failure after sending it is sent once, and the error has the query that verifies it."""
    wrong = NOT_CLEAR[end]

    def answer_of(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=act.before)
        return wrong if isinstance(wrong, httpx.Response) else wrong(request)

    answer, got = await answered(act.document, act.given, answer_of)

    (error,) = answer["errors"]
    assert answer["data"] == {act.name: None}
    assert_unclear(error, act.name, act.keys, act.upstream)
    assert error["extensions"]["verify"] == act.verify
    assert writes(got) == [act.sent]


@every()
async def test_unsent_mutation_is_safe_to_retry(answered: Answered, act: Act) -> None:
    """Without a connection the outcome is known: nothing happened, and a retry is safe."""

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    answer, _ = await answered(act.document, act.given, unreachable)

    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)


@every(when=lambda act: not act.verify.startswith("no query"))
def test_verifying_query_is_valid(act: Act) -> None:
    """With the keys filled in, the query in the error is valid for this schema."""
    filled = re.sub(r"(Id|id|barcode):(?=[ )])", lambda found: f'{found[1]}: "{key(1)}"', act.verify)

    assert validate(CORE, parse(f"{{ {filled} }}")) == []

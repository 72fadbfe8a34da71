"""Responses of the endpoint to operations, and to invalid GraphQL."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.http.endpoint import GraphQLEndpoint
from gateway.identity import Caller
from gateway.observability.operation import OperationRecord
from tests.http.desk import GRAPHQL, JSON, TENANT, Desk, Visit, body

pytestmark = pytest.mark.anyio

BOTH_TYPES = pytest.mark.parametrize("accept", [JSON, GRAPHQL])


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def test_query(desk: Desk) -> None:
    """A query by POST is executed, and its response has only data."""
    response = await desk.post(query="{ title tenant }")

    assert response.status_code == 200
    assert response.content == b'{"data":{"title":"Title 1","tenant":"diku"}}'
    assert desk.calls == ["title 1"]
    assert desk.contexts == 1


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [(None, JSON), ("*/*", JSON), (JSON, JSON), (GRAPHQL, GRAPHQL), (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL)],
)
async def test_headers(desk: Desk, accept: str | None, media_type: str) -> None:
    """The response has the requested type, the request id and the security headers, and may not be cached."""
    response = await desk.post(
        query="{ title }", headers={"X-Okapi-Request-Id": "1/users"} | ({"Accept": accept} if accept else {})
    )

    headers = dict(response.headers)
    assert re.fullmatch(r"1/users;\d{6}/graphql", headers.pop("x-okapi-request-id"))
    assert headers == {
        "content-type": f"{media_type}; charset=utf-8",
        "content-length": str(len(response.content)),
        "cache-control": "no-store",
        "vary": "Accept",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }


async def test_letters(desk: Desk) -> None:
    """Any text is sent as UTF-8."""
    response = await desk.post(query="{ letters }")

    assert response.content == '{"data":{"letters":["Ünïcödé","\u2028","\\""]}}'.encode()


async def test_letters_in(desk: Desk) -> None:
    """Text is received as UTF-8, in literals and in variables."""
    response = await desk.post(
        query='query ($b: String!) { a: title(barcode: "ß") b: title(barcode: $b) }', variables={"b": "é🍓"}
    )

    assert response.json() == {"data": {"a": "Title ß", "b": "Title é🍓"}}


async def test_byte_order_mark(desk: Desk) -> None:
    """A byte order mark before the JSON is skipped."""
    assert (await desk.send(b'\xef\xbb\xbf{"query":"{ title }"}')).json() == {"data": {"title": "Title 1"}}


async def test_variables(desk: Desk) -> None:
    """Variables reach the resolver; undeclared ones are ignored."""
    response = await desk.post(
        query="query ($number: Int!) { tenfold(number: $number) }", variables={"number": 4, "other": [None]}
    )

    assert response.json() == {"data": {"tenfold": 40}}


async def test_unknown_members(desk: Desk) -> None:
    """Members outside of GraphQL over HTTP are ignored, and null means absent."""
    response = await desk.post(
        query="{ title }", operationName=None, variables=None, extensions=None, id="1", doc_id={"a": []}
    )

    assert response.json() == {"data": {"title": "Title 1"}}


async def test_extensions(desk: Desk) -> None:
    """Extensions of a request are accepted, and unknown ones are ignored."""
    response = await desk.post(query="{ title }", extensions={"clientLibrary": {"name": "urql"}})

    assert response.json() == {"data": {"title": "Title 1"}}


async def test_fragments_and_directives(desk: Desk) -> None:
    """Fragments, aliases, @skip and @include are executed."""
    response = await desk.post(
        query="""
        query Q($no: Boolean!) { ...F gone: title @include(if: $no) }
        fragment F on Query { one: title(barcode: "1") ...G }
        fragment G on Query { ... on Query { two: title(barcode: "2") @skip(if: $no) } }
        """,
        variables={"no": False},
    )

    assert response.json() == {"data": {"one": "Title 1", "two": "Title 2"}}


async def test_chosen_operation(desk: Desk) -> None:
    """Of several operations the named one is executed, and no other."""
    text = 'query A { title } mutation B { checkOut(barcode: "1") }'

    response = await desk.post(query=text, operationName="A")

    assert response.json() == {"data": {"title": "Title 1"}}
    assert desk.calls == ["title 1"]


async def test_mutation(desk: Desk) -> None:
    """A mutation by POST is executed once."""
    desk.gate.set()

    response = await desk.post(query='mutation { checkOut(barcode: "1") }')

    assert response.json() == {"data": {"checkOut": "checkOut 1"}}
    assert desk.calls == ["checkOut 1"]


async def test_introspection(desk: Desk) -> None:
    """Introspection is served."""
    response = await desk.post(query="{ __schema { queryType { name } } }")

    assert response.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


async def test_introspection_off() -> None:
    """Without introspection a query of the schema is a validation error."""
    response = await Desk(introspection=False).post(query="{ __schema { queryType { name } } }")

    assert "data" not in response.json()
    assert set(codes(response)) == {"GRAPHQL_VALIDATION_FAILED"}


async def test_get(desk: Desk) -> None:
    """A query may be sent by GET, with its variables as JSON."""
    response = await desk.get(
        query="query A($number: Int!) { tenfold(number: $number) } query B { title }",
        operationName="A",
        variables='{"number": 4}',
        extensions="{}",
        other="passed over",
    )

    assert response.status_code == 200
    assert response.json() == {"data": {"tenfold": 40}}


async def test_get_with_empty_parameters(desk: Desk) -> None:
    """An empty parameter of the query string counts as absent."""
    response = await desk.get(query="{ title }", operationName="", variables="", extensions="")

    assert response.json() == {"data": {"title": "Title 1"}}


@BOTH_TYPES
async def test_mutation_by_get(desk: Desk, accept: str) -> None:
    """A mutation by GET is rejected, and not executed."""
    response = await desk.get({"Accept": accept}, query='mutation { checkOut(barcode: "1") }')

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert response.json()["errors"][0]["message"] == "A mutation must be sent by POST."
    assert (desk.calls, desk.contexts) == ([], 0)


@BOTH_TYPES
async def test_field_error(desk: Desk, accept: str) -> None:
    """A failed field is null, other fields stay, the errors come first, and the status is 200."""
    response = await desk.post({"Accept": accept}, query="{ late title }")

    request_id = response.headers["x-okapi-request-id"]
    assert response.status_code == 200
    assert list(response.json()) == ["errors", "data"]
    assert response.json() == {
        "errors": [
            {
                "message": "FOLIO took too long.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["late"],
                "extensions": {
                    "code": "UPSTREAM_TIMEOUT",
                    "retryable": True,
                    "upstream": "users",
                    "requestId": request_id,
                },
            }
        ],
        "data": {"late": None, "title": "Title 1"},
    }


@BOTH_TYPES
async def test_all_data_lost(desk: Desk, accept: str) -> None:
    """An operation whose error reached the root was executed: null data, status 200."""
    response = await desk.post({"Accept": accept}, query="{ neverNull }")

    assert response.status_code == 200
    assert response.json()["data"] is None
    assert codes(response) == ["UPSTREAM_TIMEOUT"]


REQUEST_ERRORS: list[tuple[dict[str, Any], str, str]] = [
    ({"query": "{ title"}, "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>."),
    ({"query": ""}, "GRAPHQL_PARSE_FAILED", "Syntax Error: Unexpected <EOF>."),
    (
        {"query": "{ author }"},
        "GRAPHQL_VALIDATION_FAILED",
        "Cannot query field 'author' on type 'Query'.",
    ),
    (
        {"query": '{ tenfold(number: "4") }'},
        "GRAPHQL_VALIDATION_FAILED",
        'Int cannot represent non-integer value: "4"',
    ),
    (
        {"query": "query A { title } query B { title }"},
        "GRAPHQL_VALIDATION_FAILED",
        "`operationName` is required: the document has several operations.",
    ),
    (
        {"query": "query A { title }", "operationName": "C"},
        "GRAPHQL_VALIDATION_FAILED",
        "The document has no operation named 'C'.",
    ),
    (
        {"query": "subscription { title }"},
        "GRAPHQL_VALIDATION_FAILED",
        "The subscription operation is not supported by the schema.",
    ),
    (
        {"query": "query ($number: Int!) { title tenfold(number: $number) }"},
        "BAD_USER_INPUT",
        "Variable '$number' has invalid value: Expected a value of non-null type 'Int!' to be provided.",
    ),
    (
        {
            "query": "query ($number: Int!) { title tenfold(number: $number) }",
            "variables": {"number": 10**30},
        },
        "BAD_USER_INPUT",
        "Variable '$number' has invalid value: Int cannot represent non 32-bit signed integer value: "
        + str(10**30),
    ),
    (
        {
            "query": 'mutation ($b: String!) { a: checkOut(barcode: "1") checkOut(barcode: $b) }',
            "variables": {"b": 1},
        },
        "BAD_USER_INPUT",
        "Variable '$b' has invalid value: String cannot represent a non string value: 1",
    ),
]


@pytest.mark.parametrize(("members", "code", "message"), REQUEST_ERRORS)
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200), ("*/*", 200)])
async def test_request_error(
    desk: Desk, members: dict[str, Any], code: str, message: str, accept: str, status: int
) -> None:
    """An invalid GraphQL request has no data and calls no resolver; clients of plain JSON get status 200."""
    response = await desk.post({"Accept": accept}, **members)

    assert response.status_code == status
    assert list(response.json()) == ["errors"]
    (error,) = response.json()["errors"]
    assert error["message"] == message
    assert error["extensions"] == {
        "code": code,
        "retryable": False,
        "requestId": response.headers["x-okapi-request-id"],
    }
    assert (desk.calls, desk.contexts) == ([], 0)


async def test_request_error_by_get(desk: Desk) -> None:
    """By GET the same errors have the same statuses."""
    strict = await desk.get({"Accept": GRAPHQL}, query="{ author }")
    lenient = await desk.get({"Accept": JSON}, query="{ author }")

    assert (strict.status_code, lenient.status_code) == (400, 200)


async def test_request_ids_are_not_cached(desk: Desk) -> None:
    """The error of a cached document has the id of the new request."""
    first = await desk.post({"X-Okapi-Request-Id": "first"}, query="{ author }")
    second = await desk.post({"X-Okapi-Request-Id": "second"}, query="{ author }")

    ids = [each.json()["errors"][0]["extensions"]["requestId"] for each in (first, second)]
    assert [each.partition(";")[0] for each in ids] == ["first", "second"]


async def test_context_is_new_each_time(desk: Desk) -> None:
    """Two operations never share a context, even with the same document."""
    await desk.post(query="{ title }")
    await desk.post(query="{ title }")

    assert desk.contexts == 2


async def test_unencodable_response(desk: Desk) -> None:
    """A response that is not JSON is an internal error: masked, with status 500."""
    response = await desk.post(query="{ unencodable }")

    assert response.status_code == 500
    assert response.json() == {
        "errors": [
            {
                "message": "An unexpected error occurred in the gateway.",
                "extensions": {
                    "code": "INTERNAL_ERROR",
                    "retryable": False,
                    "requestId": response.headers["x-okapi-request-id"],
                },
            }
        ]
    }


async def test_failing_context(desk: Desk) -> None:
    """If no context can be created, the error is masked."""

    def broken(caller: Caller, operation: OperationRecord) -> Visit:
        raise RuntimeError("secret")

    desk.endpoint.operations.new_context = broken

    response = await desk.post(query="{ title }")

    assert response.status_code == 500
    assert codes(response) == ["INTERNAL_ERROR"]
    assert b"secret" not in response.content


def endpoint(desk: Desk, identify: Callable[[Any], Caller], max_body_bytes: int) -> GraphQLEndpoint:
    return GraphQLEndpoint(desk.operations, identify, max_body_bytes=max_body_bytes)


def test_limit_of_zero(desk: Desk) -> None:
    """An endpoint with a body limit of zero is rejected."""
    with pytest.raises(ValueError, match="max_body_bytes must be at least 1"):
        endpoint(desk, lambda headers: Caller(tenant="diku", request_id="1"), 0)


async def test_identity_is_read_first(desk: Desk) -> None:
    """A caller without a tenant is rejected before anything is parsed or resolved."""
    response = await desk.request("POST", json={"query": "{ title }"}, headers={"Accept": GRAPHQL})

    assert response.status_code == 400
    assert response.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert response.json()["errors"] == [
        {
            "message": "Header X-Okapi-Tenant is missing.",
            "extensions": {
                "code": "BAD_REQUEST",
                "retryable": False,
                "requestId": response.headers["x-okapi-request-id"],
            },
        }
    ]
    assert (desk.calls, desk.contexts, len(desk.documents)) == ([], 0, 0)


async def test_repeated_tenant(desk: Desk) -> None:
    """Over HTTP equal tenants are one tenant, and different ones are rejected."""
    query = {"query": "{ title }"}
    different = [*TENANT.items(), ("X-Okapi-Tenant", "elsewhere")]

    refused = await desk.request("POST", json=query, headers=different)
    assert (refused.status_code, desk.calls) == (400, [])
    served = await desk.request("POST", json=query, headers=[*TENANT.items(), *TENANT.items()])
    assert served.json() == {"data": {"title": "Title 1"}}


async def test_accept_in_several_lines(desk: Desk) -> None:
    """Several Accept lines are read as one, of which only the first kilobyte counts."""
    lines = [(b"accept", b"text/html"), (b"accept", GRAPHQL.encode())]
    both = await desk.raw(body("{ title }"), headers=lines)
    long = await desk.raw(body("{ title }"), headers=[(b"accept", b"text/html," * 103), *lines])

    assert both.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert long.status == 406

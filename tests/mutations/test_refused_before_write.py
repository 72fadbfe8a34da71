"""Refusals by a proxy before a write runs, and those that a read after the write may have received."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx
import pytest

from gateway.sandbox.http import proxy_errors
from gateway.sandbox.http.proxy_errors import ProxyError
from gateway.upstream.routes import Route
from gateway.upstream.services import declared_routes
from tests.gateway_over import CALLER, Json, gateway_over, key
from tests.gateway_under_test import open_gateway
from tests.mutations.mutation_cases import MUTATION_CASES, MutationCase
from tests.mutations.test_outcomes import CHECK_IN, CHECK_OUT
from tests.tokens import web_token

pytestmark = pytest.mark.anyio

UNKNOWN = "OUTCOME_UNKNOWN"
MEDIATED = next(each for each in MUTATION_CASES if each.name == "confirmMediatedRequest")

# name: (document, input, method and path)
MUTATIONS: dict[str, tuple[str, Json, str]] = {
    CHECK_OUT.name: (CHECK_OUT.document, CHECK_OUT.inputs, CHECK_OUT.sent),
    CHECK_IN.name: (CHECK_IN.document, CHECK_IN.inputs, CHECK_IN.sent),
    **{
        f"{each.name} {each.sent}": (each.document, each.required_inputs, each.sent)
        for each in MUTATION_CASES
    },
    "confirmMediatedRequest with an id": (MEDIATED.document, MEDIATED.inputs, MEDIATED.sent),
}
READS_AFTERWARDS = ("checkIn", "createRequest ", "createEcsRequestExternal ", "confirmMediatedRequest POST")

every_mutation = pytest.mark.parametrize("name", MUTATIONS)
each_that_reads_afterwards = pytest.mark.parametrize(
    "name", [name for name in MUTATIONS if name.startswith(READS_AFTERWARDS)]
)


def route_of(name: str) -> tuple[Route, str]:
    """Return the route of a mutation's write, and the path that is sent."""
    method, _, path = MUTATIONS[name][2].partition(" ")
    for declared in declared_routes():
        route = declared.route
        if route.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.template), path):
            return route, path
    raise LookupError(name)


async def code_of(name: str, response: ProxyError, **settings: Json) -> str:
    """Return the error code, or the type of the result, of a mutation whose write was sent once."""
    document, inputs, sent = MUTATIONS[name]
    before: MutationCase | None = next((each for each in MUTATION_CASES if each.sent == sent), None)

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            assert before is not None
            return httpx.Response(200, json=before.before)
        return httpx.Response(response.status, text=response.body, headers=response.headers)

    async with gateway_over(upstream, **settings) as gateway:
        outcome = await gateway.execute(document, inputs)

    assert [each for each in gateway.requests if each.method != "GET"] == gateway.requests[-1:]
    (result,) = outcome["data"].values()
    return str(result["__typename"] if result else outcome["errors"][0]["extensions"]["code"])


BEFORE: dict[str, tuple[Callable[[Route, str], ProxyError], str]] = {
    "Okapi 403": (lambda route, path: proxy_errors.okapi_forbidden(route.permission or ""), "FORBIDDEN"),
    "Okapi 400 without a token": (
        lambda route, path: proxy_errors.okapi_token_missing(route.permission or ""),
        "UNAUTHENTICATED",
    ),
    "Okapi 404": (lambda route, path: proxy_errors.okapi_not_routed(path), "UPSTREAM_UNAVAILABLE"),
    "sidecar 404": (
        lambda route, path: proxy_errors.sidecar_not_routed(route.method, path),
        "UPSTREAM_UNAVAILABLE",
    ),
    "Kong 404": (lambda route, path: proxy_errors.kong_not_routed(), "UPSTREAM_UNAVAILABLE"),
    "sidecar 401": (lambda route, path: proxy_errors.sidecar_unauthorized(), "UNAUTHENTICATED"),
    "Okapi 401": (lambda route, path: ProxyError(401, "Invalid token", {}), "UNAUTHENTICATED"),
}


@every_mutation
@pytest.mark.parametrize("form", BEFORE)
async def test_a_refusal_of_the_route_itself_is_conclusive(name: str, form: str) -> None:
    """A proxy that names the route of the write refused it before it ran."""
    response, code = BEFORE[form]

    assert await code_of(name, response(*route_of(name))) == code


OTHER: dict[str, tuple[ProxyError, str]] = {
    "Okapi 403": (proxy_errors.okapi_forbidden("users.collection.get"), "FORBIDDEN"),
    "Okapi 403 of another route of the BFF": (
        proxy_errors.okapi_forbidden("circulation-bff.loans.collection.get"),
        "FORBIDDEN",
    ),
    "sidecar 403": (proxy_errors.sidecar_forbidden(), "FORBIDDEN"),
    "403 in text": (ProxyError(403, "Access Denied", {}), "FORBIDDEN"),
    "Okapi 400 without a token": (
        proxy_errors.okapi_token_missing("users.collection.get"),
        "UNAUTHENTICATED",
    ),
    "Okapi 404": (proxy_errors.okapi_not_routed("/users"), "UPSTREAM_UNAVAILABLE"),
    "sidecar 404": (proxy_errors.sidecar_not_routed("GET", "/users"), "UPSTREAM_UNAVAILABLE"),
    "404 in text": (ProxyError(404, "Not found", {}), "NOT_FOUND"),
    "429": (ProxyError(429, '{"message":"API rate limit exceeded"}', {"retry-after": "1"}), "RATE_LIMITED"),
    "400 in text": (ProxyError(400, "CQL syntax error", {}), "Refusal"),
    "400 without a body": (ProxyError(400, "", {}), "Refusal"),
    "400 without errors": (ProxyError(400, '{"errors":[]}', {}), "Refusal"),
    "400 of Spring": (ProxyError(400, '{"status":400,"error":"Bad Request","path":"/x"}', {}), "Refusal"),
}


@every_mutation
@pytest.mark.parametrize("form", OTHER)
async def test_a_refusal_that_names_no_route_may_be_that_of_a_later_read(name: str, form: str) -> None:
    """It is conclusive only for a mutation whose write is the last call of the service."""
    response, code = OTHER[form]

    assert await code_of(name, response) == (UNKNOWN if name.startswith(READS_AFTERWARDS) else code)


@each_that_reads_afterwards
async def test_the_method_of_the_sidecar_is_compared(name: str) -> None:
    """A read of the same path is another route."""
    _, path = route_of(name)

    assert await code_of(name, proxy_errors.sidecar_not_routed("GET", path)) == UNKNOWN


@each_that_reads_afterwards
@pytest.mark.parametrize("prefix", ["", "/folio"])
@pytest.mark.parametrize("form", ["Okapi 404", "sidecar 404"])
async def test_a_path_below_the_base_url(name: str, prefix: str, form: str) -> None:
    """A proxy in front may or may not remove the path of OKAPI_URL."""
    response, code = BEFORE[form]
    route, path = route_of(name)

    assert await code_of(name, response(route, prefix + path), okapi_url="http://folio/folio") == code


@each_that_reads_afterwards
async def test_reasons_of_the_library_are_a_refusal(name: str) -> None:
    """A 400 in FOLIO's form is the library's own."""
    assert await code_of(name, ProxyError(400, '{"errors":[{"message":"no"}]}', {})) == "Refusal"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (proxy_errors.sidecar_forbidden(), UNKNOWN),
        (proxy_errors.kong_not_routed(), "UPSTREAM_UNAVAILABLE"),
        (proxy_errors.okapi_not_routed("/circulation-bff/loans/check-in-by-barcode"), "UPSTREAM_UNAVAILABLE"),
    ],
    ids=["sidecar", "Kong", "Okapi"],
)
async def test_the_sandbox_behind_a_proxy(error: ProxyError, code: str) -> None:
    """The embedded library can send every error of a proxy."""
    async with open_gateway(look_up_timeout=0) as gateway:
        gateway.sandbox.faults.add(kind="status", method="POST", **error._asdict())
        response = await gateway.execute(CHECK_IN.document, {"input": CHECK_IN.inputs})

        assert response["errors"][0]["extensions"]["code"] == code
        assert len(gateway.sandbox.calls) == 1


# Tokens


def with_token(claims: object) -> dict[str, str]:
    return CALLER | {"X-Okapi-Token": web_token(claims)}


@every_mutation
async def test_an_expired_token_is_not_sent(name: str) -> None:
    """Nothing is sent for a mutation with a token that has expired, not even the read before it."""
    document, inputs, _ = MUTATIONS[name]
    async with gateway_over(lambda request: httpx.Response(500)) as gateway:
        response = await gateway.execute(document, inputs, with_token({"exp": time.time() - 1}))

    (error,) = response["errors"]
    assert error["message"] == "The token has expired; nothing was sent."
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UNAUTHENTICATED", False)
    assert gateway.requests == []


async def test_an_expired_token_is_not_sent_with_a_read() -> None:
    """A query with an expired token fails without a call; fields without calls have their value."""
    async with gateway_over(lambda request: httpx.Response(500)) as gateway:
        response = await gateway.execute(
            "{ __typename loans { nodes { id } } }", None, with_token({"exp": time.time() - 1})
        )

    assert [each["extensions"]["code"] for each in response["errors"]] == ["UNAUTHENTICATED"]
    assert gateway.requests == []


async def test_object_locks_do_not_depend_on_the_token_of_folio() -> None:
    """Polaris has a separate login."""
    async with gateway_over(lambda request: httpx.Response(200, json=[])) as gateway:
        response = await gateway.execute(
            "{ objectLocks { nodes { id } } }", None, with_token({"exp": time.time() - 1})
        )

    assert response == {"data": {"objectLocks": {"nodes": []}}}
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("claims", [{}, {"exp": None}, {"exp": "1"}, {"exp": True}, [], b"no JSON", b"\xff"])
async def test_a_token_without_a_readable_expiry_is_sent(claims: object) -> None:
    """The service decides."""
    async with gateway_over(lambda request: httpx.Response(401)) as gateway:
        response = await gateway.execute(CHECK_IN.document, CHECK_IN.inputs, with_token(claims))

    assert response["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert gateway.lines() == [CHECK_IN.sent]


@pytest.mark.parametrize(
    ("lifetime", "code"), [(1, UNKNOWN), (3600, "UNAUTHENTICATED")], ids=["during the call", "later"]
)
@pytest.mark.parametrize("name", ["checkIn", "checkOut"])
async def test_a_token_that_expires_during_a_write(name: str, lifetime: float, code: str) -> None:
    """A 401 is the response to the write unless the token expired after it was sent."""
    document, inputs, sent = MUTATIONS[name]
    expires = 0.0

    def refuse(request: httpx.Request) -> httpx.Response:
        if lifetime == 1:
            time.sleep(max(0, expires - time.time()) + 0.01)
        return httpx.Response(401, text="Invalid token")

    async with gateway_over(refuse) as gateway:
        await gateway.execute("{ __typename }")  # the first operation may take longer than the token lasts
        expires = time.time() + lifetime
        response = await gateway.execute(document, inputs, with_token({"exp": expires}))

    assert response["errors"][0]["extensions"]["code"] == code
    assert gateway.lines() == [sent]


# The stored record


async def test_a_stored_mediated_request_needs_its_date() -> None:
    """With an id the record is replaced, so a date of the gateway would overwrite the stored one."""
    inputs = MEDIATED.required_inputs | {"id": key(1)}
    inputs.pop("requestDate", None)
    async with gateway_over(lambda request: httpx.Response(500)) as gateway:
        response = await gateway.execute(MEDIATED.document, inputs)

    (error,) = response["errors"]
    assert error["message"] == "`requestDate` is required with `id`: it replaces the stored date."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert gateway.requests == []

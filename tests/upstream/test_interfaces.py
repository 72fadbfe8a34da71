"""The table of FOLIO's interfaces is what the gateway asks, neither more nor less."""

from __future__ import annotations

import contextlib
import inspect
import re
import typing
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from propcache.api import cached_property

from gateway import errors
from gateway.identity import Caller
from gateway.sandbox.routes import ROUTES
from gateway.settings import Settings
from gateway.upstream import cql
from gateway.upstream.collection import Collection
from gateway.upstream.interfaces import INTERFACES, Route, route, routes
from gateway.upstream.services import Services, Upstream
from gateway.upstream.services.polaris import Polaris

KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def matches(known: Route, method: str, path: str) -> bool:
    return known.method == method and bool(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known.path), path))


def same_path(one: Any, other: Any) -> bool:  # Any: a route of either
    return re.sub(r"\{\w+\}", "{}", one.path) == re.sub(r"\{\w+\}", "{}", other.path)


def known(method: str, path: str) -> Route | None:
    """The most exact route: `/loans/check-out-by-barcode` is not `/loans/{loanId}`."""
    found = [each for _, each in routes() if matches(each, method, path)]
    return min(found, key=lambda each: each.path.count("{"), default=None)


def value(annotation: object) -> Any:  # Any: whatever the method takes
    """Something of the type that a method of a service takes."""
    if annotation is str:
        return KEY
    if annotation is cql.Cql:
        return cql.equal("id", KEY)
    return b"{}" if annotation is bytes else defaultdict(list)


async def everything_asked(upstream: Upstream) -> None:
    """Call every method of every service of FOLIO, whatever comes of it."""
    for name, member in vars(Upstream).items():
        if not isinstance(member, cached_property) or name.startswith("_"):
            continue
        service = getattr(upstream, name)
        if isinstance(service, Polaris):
            continue
        for question, declared in vars(type(service)).items():
            if question.startswith("_"):
                continue
            with contextlib.suppress(errors.GatewayError):
                asked = getattr(service, question)
                if not isinstance(declared, cached_property):
                    asked = asked(*given_to(asked))
                asked = asked(None, limit=1) if isinstance(asked, Collection) else asked
                if inspect.isawaitable(asked):
                    await asked


def given_to(method: Callable[..., object]) -> list[Any]:  # Any: whatever the method takes
    types = typing.get_type_hints(method)
    return [value(types[each]) for each in inspect.signature(method).parameters]


@pytest.mark.anyio
async def test_the_table_is_what_is_asked() -> None:
    """Every path that a service asks is in the table, and every path of the table is asked."""
    sent: set[tuple[str, str]] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.add((request.method, request.url.path))
        return httpx.Response(200, json={})

    services = Services(Settings(sandbox=True, breaker=False), lambda limits: httpx.MockTransport(answer))

    await everything_asked(services.of(Caller(tenant="diku", request_id="1/graphql")))

    assert {call for call in sent if known(*call) is None} == set()
    assert {known(*call) for call in sent} == {each for _, each in routes()}


@pytest.mark.parametrize("served", ROUTES, ids=lambda each: f"{each.method} {each.path}")
def test_the_embedded_library_asks_for_the_same_permissions(served: Any) -> None:
    """Two readings of FOLIO's descriptors, the table and the embedded library, agree."""
    mine = [each for _, each in routes() if each.method == served.method and same_path(each, served)]

    assert [each.permission for each in mine] in ([], [served.permission])


def test_an_interface_is_named_once() -> None:
    """Each id stands once, with versions of the form that Okapi compares."""
    ids = [each.id for each in INTERFACES]

    assert len(ids) == len(set(ids))
    assert [each.id for each in INTERFACES if not re.fullmatch(r"\d+\.\d+( \d+\.\d+)*", each.version)] == []


def test_a_route_is_found_by_its_path() -> None:
    """A path that nobody asks is an error of whoever names it."""
    assert route("GET", "/users").permission == "users.collection.get"
    with pytest.raises(KeyError):
        route("POST", "/users")

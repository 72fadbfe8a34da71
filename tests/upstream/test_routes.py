"""The declared routes are exactly the calls of the services, and everything derived from them covers each."""

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
from gateway.doctor.checks import NOT_CHECKED, checks, mutations
from gateway.doctor.module_descriptor import module_descriptor
from gateway.identity import Caller, PolarisIdentity
from gateway.observability.operation import OperationRecord
from gateway.sandbox.routes import ROUTES
from gateway.settings import Settings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, Collection
from gateway.upstream.routes import Interface, Method, Route
from gateway.upstream.services import (
    SERVICES,
    DeclaredRoute,
    Services,
    Upstream,
    declared_interfaces,
    declared_routes,
)

KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
STAFF = PolarisIdentity(authorization="PAS polaris:token:secret", workstation=118, organization=3)
POLARIS_PATH = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/118"


def same_template(one: str, other: str) -> bool:
    return re.sub(r"\{\w+\}", "{}", one) == re.sub(r"\{\w+\}", "{}", other)


def argument(annotation: object) -> Any:  # Any: an argument of any type
    """Return a value of the type that a method of a service takes."""
    values: dict[object, Any] = {str: KEY, int: 7, bool: True, cql.Cql: cql.equal("id", KEY)}
    return values.get(annotation, defaultdict(list))


def arguments(method: Callable[..., object]) -> dict[str, Any]:  # Any: as above
    types = typing.get_type_hints(method)
    return {name: argument(types[name]) for name in inspect.signature(method).parameters}


async def call(upstream: Upstream, service: str, name: str) -> None:
    """Call a method or read a collection of a service, regardless of the result."""
    member = getattr(getattr(upstream, service), name)
    with contextlib.suppress(errors.GatewayError):
        result = member if isinstance(member, BoundCollection) else member(**arguments(member))
        result = result(None, limit=1) if isinstance(result, BoundCollection) else result
        if inspect.isawaitable(result):
            await result


class Recorder:
    """The services over a transport that records each call."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.services = Services(
            Settings(sandbox=True, breaker=False), lambda settings: httpx.MockTransport(self._respond)
        )

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.method, request.url.path))
        return httpx.Response(200, json={})

    def upstream(self, operation: OperationRecord) -> Upstream:
        return self.services.for_caller(Caller(tenant="diku", request_id="1/x", polaris=STAFF), operation)


def public_members(kind: type) -> list[str]:
    """Return the methods and collections of a service."""
    return [
        name
        for name, member in vars(kind).items()
        if not name.startswith("_") and (isinstance(member, Collection) or inspect.isfunction(member))
    ]


MEMBERS = [(service, name) for service, kind in SERVICES.items() for name in public_members(kind)]


@pytest.mark.anyio
@pytest.mark.parametrize(("service", "name"), MEMBERS)
async def test_each_call_uses_a_declared_route(service: str, name: str) -> None:
    """The path and the template of each call are those of a route that its service declares."""
    recorder, operation = Recorder(), OperationRecord()
    await call(recorder.upstream(operation), service, name)

    routes = [each.route for each in declared_routes() if each.service == service]
    prefix = POLARIS_PATH if service == "polaris" else ""
    assert recorder.sent
    for (method, path), recorded in zip(recorder.sent, operation.calls, strict=True):
        assert (method, recorded.route) in {(each.method, each.template) for each in routes}
        pattern = re.escape(prefix) + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(recorded.route))
        assert re.fullmatch(pattern, path)


@pytest.mark.anyio
async def test_each_declared_route_is_used() -> None:
    """No route is declared that no method calls."""
    recorder, operation = Recorder(), OperationRecord()
    upstream = recorder.upstream(operation)

    for service, name in MEMBERS:
        await call(upstream, service, name)

    used = {(each.method, each.route) for each in operation.calls}
    assert used == {(each.route.method, each.route.template) for each in declared_routes()}


@pytest.mark.anyio
async def test_a_route_belongs_to_the_member_of_its_name() -> None:
    """`<method>_route` is the route of the method, which is what the doctor derives its checks from."""
    for declared in declared_routes():
        recorder, operation = Recorder(), OperationRecord()
        await call(recorder.upstream(operation), declared.service, declared.member)
        (recorded,) = operation.calls
        assert (recorded.method, recorded.route) == (declared.route.method, declared.route.template), declared


def test_services_are_the_attributes_of_upstream() -> None:
    """Each service has its name in `Upstream`, and there are no others."""
    types = {
        name: typing.get_type_hints(member.func)["return"]
        for name, member in vars(Upstream).items()
        if isinstance(member, cached_property) and not name.startswith("_")
    }

    assert types == dict(SERVICES)


def test_the_doctor_checks_each_read() -> None:
    """A check exists for each read, except those that are excluded with a reason."""
    reads = {each.route.template for each in declared_routes() if each.route.is_read}

    assert {each.path for each in checks("diku")} == reads - {each.template for each in NOT_CHECKED}


def test_the_doctor_lists_the_permission_of_each_write() -> None:
    """The permissions of all writes to FOLIO are checked for the mutation that sends them."""
    checked = {permission for each in mutations() for permission in each.permissions or ()}
    writes = [each.route for each in declared_routes() if not each.route.is_read]

    assert {each.permission for each in writes if each.interface is not None} <= checked


def test_the_descriptor_names_each_interface() -> None:
    """Each interface of a route is required or optional in the module descriptor, with its versions."""
    descriptor = module_descriptor()
    routes = [each.route.interface for each in declared_routes()]
    expected = {(each.id, each.version, each.required) for each in routes if each is not None}

    assert expected == {(each.id, each.version, True) for each in descriptor.requires} | {
        (each.id, each.version, False) for each in descriptor.optional
    }


@pytest.mark.parametrize("served", ROUTES, ids=lambda each: f"{each.method} {each.path}")
def test_the_embedded_library_requires_the_same_permissions(served: Any) -> None:
    """Two readings of FOLIO's descriptors, the routes and the embedded library, agree."""
    routes = [each.route for each in declared_routes()]
    own_routes = [
        each for each in routes if each.method == served.method and same_template(each.template, served.path)
    ]

    assert {each.permission for each in own_routes} in (set(), {served.permission})


def test_an_interface_is_declared_once() -> None:
    """Each id has one declaration, with versions of the form that Okapi compares."""
    interfaces = declared_interfaces()
    ids = [each.id for each in interfaces]

    assert len(ids) == len(set(ids))
    assert [each.id for each in interfaces if not re.fullmatch(r"\d+\.\d+( \d+\.\d+)*", each.version)] == []


def test_a_route_of_folio_has_an_interface() -> None:
    """Polaris has no interfaces; every route of FOLIO has one."""
    without = {each.service for each in declared_routes() if each.route.interface is None}

    assert without == {"polaris"}


def test_a_pattern_is_the_template_with_placeholders() -> None:
    """The values of the parameters go into the pattern; a per cent sign in the path stays one."""
    route = Route("GET", "/a%20b/{one}/c/{two}", Interface("a", "1.0"))

    assert route.pattern % ("x", "y") == "/a%20b/x/c/y"


def test_routes_of_an_interface_are_adjacent() -> None:
    """The doctor prints the reads of one interface next to each other."""
    order = [each.route.interface for each in declared_routes()]
    first = [index for index, each in enumerate(order) if each not in order[:index]]

    assert len(first) == len(set(order))
    assert all(isinstance(each, DeclaredRoute) for each in declared_routes())
    assert [order[index] for index in first] == list(dict.fromkeys(order))
    for interface in set(order):
        places = [index for index, each in enumerate(order) if each == interface]
        assert places == list(range(places[0], places[0] + len(places)))


@pytest.mark.parametrize(
    ("method", "template", "family"),
    [
        ("GET", "/users", "read /users"),
        ("GET", "/automated-patron-blocks/{userId}", "read /automated-patron-blocks"),
        ("GET", "/circulation-bff/loans/{loanId}", "read /circulation-bff/loans"),
        ("POST", "/circulation-bff/loans/check-out-by-barcode", "write /circulation-bff/loans"),
        ("DELETE", "/objectlocks/{objectTypeId}/{objectId}", "write /objectlocks"),
    ],
)
def test_the_family_of_a_route(method: Method, template: str, family: str) -> None:
    """Routes that fail together have the same first segments, and only reads or only writes."""
    assert Route(method, template).family == family

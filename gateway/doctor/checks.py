"""One cheap read for each route that the gateway reads, and the permissions that each mutation needs.

Both are derived from the routes of the services.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection
from gateway.upstream.routes import Route
from gateway.upstream.services import SERVICES, DeclaredRoute, Upstream, declared_routes
from gateway.upstream.services.circulation import OVERRIDE_PERMISSIONS, Circulation
from gateway.upstream.services.circulation_bff import CirculationBff
from gateway.upstream.services.own_user import OwnUser
from gateway.upstream.services.polaris import Polaris

Read: TypeAlias = Callable[[Upstream], Awaitable[object]]

NO_RECORD = "00000000-0000-4000-8000-000000000000"  # an id that no record has
EVERYTHING = str(cql.EVERYTHING)  # the BFF requires a query for its loans

NOT_CHECKED = frozenset(
    {
        CirculationBff.batch_request_details_route,  # its 404 may be about the batch
        OwnUser.permissions_by_users_bl_route,  # these two are read for the permissions
        OwnUser.permissions_by_keycloak_route,
        Polaris.lock_route,  # the list of locks is checked
    }
)
ARGUMENTS: Mapping[Route, Mapping[str, Any]] = {  # Any: arguments of several types
    CirculationBff.allowed_service_points_route: {
        "query": {"operation": "create", "patronGroupId": NO_RECORD, "instanceId": NO_RECORD}
    },
    Circulation.allowed_service_points_route: {
        "query": {"operation": "move", "requestId": NO_RECORD, "itemId": NO_RECORD}
    },
    CirculationBff.search_instance_route: {"query": cql.equal("id", NO_RECORD)},
    CirculationBff.item_by_barcode_route: {"barcode": NO_RECORD},
    Polaris.locks_route: {"everyones": False},
}
"""The arguments of methods that take more than the ids in their path."""

REJECTS_UNKNOWN_RECORDS = frozenset(
    {CirculationBff.allowed_service_points_route, Circulation.allowed_service_points_route}
)


class ReplacedList(NamedTuple):
    """A list of the BFF that is also read from circulation: who has it, and what a page of it depends on."""

    provided_by: str
    depends_on: str | None = None


REPLACED_LISTS: Mapping[Route, ReplacedList] = {
    CirculationBff.loans.route: ReplacedList("mod-circulation-bff 1.1.4 (circulation-bff-loans 1.3)"),
    CirculationBff.requests.route: ReplacedList(
        "mod-circulation-bff 1.2.0 (circulation-bff-requests 1.4)", "mod-requests-mediated"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A read that shows if a route is served and permitted to this user.

    `may_be_rejected`: it is about records that do not exist, and a 422 that says so proves that it is served.
    `read_empty` reads a page without records, of a list that circulation has too.
    """

    service: str
    path: str
    read: Read
    permission: str | None = None
    required: bool = True
    may_be_rejected: bool = False
    replaced_list: ReplacedList | None = None
    read_empty: Read | None = None


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mutation or one variant of it, and FOLIO's permissions for it; None if it is not FOLIO's."""

    name: str
    permissions: tuple[str, ...] | None


def checks(tenant: str) -> list[Check]:
    """Return every check. The only tenant whose external users a caller may look up is its own."""
    arguments = {
        **ARGUMENTS,
        CirculationBff.external_users_route: {"external_user_id": NO_RECORD, "tenant_id": tenant},
    }
    return [
        Check(
            service=SERVICES[declared.service].upstream,
            path=declared.route.template,
            read=_read(declared, arguments.get(declared.route)),
            permission=declared.route.permission,
            required=declared.route.interface is None or declared.route.interface.required,
            may_be_rejected=declared.route in REJECTS_UNKNOWN_RECORDS,
            replaced_list=REPLACED_LISTS.get(declared.route),
            read_empty=_read_empty(declared) if declared.route in REPLACED_LISTS else None,
        )
        for declared in declared_routes()
        if declared.route.method == "GET" and declared.route not in NOT_CHECKED
    ]


def _read(declared: DeclaredRoute, arguments: Mapping[str, Any] | None) -> Read:
    async def read(upstream: Upstream) -> object:
        member = getattr(getattr(upstream, declared.service), declared.member)
        if isinstance(member, BoundCollection):
            return await member(EVERYTHING, limit=1)  # one record, without counting the others
        if arguments is not None:
            return await member(**arguments)
        return await member(NO_RECORD)

    return read


def _read_empty(declared: DeclaredRoute) -> Read:
    async def read(upstream: Upstream) -> object:
        collection: BoundCollection = getattr(getattr(upstream, declared.service), declared.member)
        return await collection(str(cql.equal("id", NO_RECORD)), limit=1)

    return read


VARIANTS: Mapping[Route, str] = {
    Circulation.renew_by_barcode_route: "renew, by barcodes",
    Circulation.renew_by_id_route: "renew, by ids",
    Circulation.reorder_queue_of_instance_route: "reorderQueue, of a title",
    Circulation.reorder_queue_of_item_route: "reorderQueue, of an item",
}
"""The writes of mutations that have two ways; the others have the name of their mutation."""

ALSO_READ: Mapping[Route, tuple[Route, ...]] = {
    Circulation.cancel_request_route: (Circulation.request_route,),
}
"""The reads without which a write cannot be sent."""


def mutations() -> list[Mutation]:
    """Return every mutation with its permissions, and the overrides of blocks."""
    return [
        *(_mutation(declared) for declared in declared_routes() if declared.route.method != "GET"),
        *(Mutation(f"override {block}", (permission,)) for block, permission in OVERRIDE_PERMISSIONS.items()),
    ]


def _mutation(declared: DeclaredRoute) -> Mutation:
    route = declared.route
    first, *words = declared.member.split("_")
    name = VARIANTS.get(route) or first + "".join(word.title() for word in words)
    routes = (*ALSO_READ.get(route, ()), route)
    permissions = tuple(each.permission for each in routes if each.permission is not None)
    return Mutation(name, None if route.interface is None else permissions)

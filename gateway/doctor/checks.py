"""One cheap read for each route that the gateway reads, and the permissions that each mutation needs.

Both are derived from the routes of the services.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection
from gateway.upstream.routes import Route
from gateway.upstream.services import SERVICES, DeclaredRoute, Upstream, declared_routes
from gateway.upstream.services.calendars import Calendars
from gateway.upstream.services.circulation import OVERRIDE_PERMISSIONS, Circulation
from gateway.upstream.services.circulation_bff import CirculationBff
from gateway.upstream.services.circulation_reports import CirculationReports
from gateway.upstream.services.circulation_rules import CirculationRules
from gateway.upstream.services.fee_fine_actions import FeeFineActions
from gateway.upstream.services.fees import Fees
from gateway.upstream.services.notes import Notes
from gateway.upstream.services.own_user import OwnUser
from gateway.upstream.services.polaris import Polaris

Read: TypeAlias = Callable[[Upstream], Awaitable[object]]

NO_RECORD = "00000000-0000-4000-8000-000000000000"  # an id that no record has
A_DAY = "2026-01-01"
EVERYTHING = str(cql.EVERYTHING)  # the BFF requires a query for its loans

NOT_CHECKED = frozenset(
    {
        CirculationBff.batch_request_details_route,  # its 404 may be about the batch
        OwnUser.by_users_bl_route,  # these two are read for the permissions
        OwnUser.by_keycloak_route,
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
    Circulation.check_out_dry_run_route: {"body": {"itemBarcode": NO_RECORD, "userBarcode": NO_RECORD}},
    **{
        route: {
            "query": dict.fromkeys(
                ("item_type_id", "loan_type_id", "patron_type_id", "location_id"), NO_RECORD
            )
        }
        for route in vars(CirculationRules).values()
        if isinstance(route, Route)
    },
    CirculationBff.search_instance_route: {"query": cql.equal("id", NO_RECORD)},
    CirculationBff.item_by_barcode_route: {"barcode": NO_RECORD},
    CirculationReports.items_in_transit_route: {},
    Notes.notes_of_record_route: {
        "domain": "users",
        "kind": "user",
        "record_id": NO_RECORD,
        "parameters": "status=assigned",
    },
    Calendars.calendars_route: {"query": [("id", NO_RECORD)]},
    Calendars.surrounding_openings_route: {"service_point_id": NO_RECORD, "date": A_DAY},
    Calendars.openings_route: {
        "service_point_id": NO_RECORD,
        "first": A_DAY,
        "last": A_DAY,
        "days": 1,
        "include_closed": False,
    },
    Polaris.locks_route: {"everyones": False},
    **{
        route: {"account_id": NO_RECORD, "amount": "1"}
        for route in (
            FeeFineActions.check_pay_route,
            FeeFineActions.check_waive_route,
            FeeFineActions.check_transfer_route,
            FeeFineActions.check_refund_route,
        )
    },
    **{
        route: {"account_ids": [NO_RECORD], "amount": "1"}
        for route in (
            FeeFineActions.check_pay_all_route,
            FeeFineActions.check_waive_all_route,
            FeeFineActions.check_transfer_all_route,
            FeeFineActions.check_refund_all_route,
        )
    },
}
"""The arguments of methods that take more than the ids in their path, or no argument at all."""

REJECTS_UNKNOWN_RECORDS = frozenset(
    {
        CirculationBff.allowed_service_points_route,
        Circulation.allowed_service_points_route,
        Circulation.check_out_dry_run_route,
    }
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
            required=declared.route.interface is None
            or (declared.route.interface.required and declared.route.since is None),
            may_be_rejected=declared.route in REJECTS_UNKNOWN_RECORDS,
            replaced_list=REPLACED_LISTS.get(declared.route),
            read_empty=_read_empty(declared) if declared.route in REPLACED_LISTS else None,
        )
        for declared in declared_routes()
        if declared.route.is_read and declared.route not in NOT_CHECKED
    ]


def _read(declared: DeclaredRoute, arguments: Mapping[str, Any] | None) -> Read:
    async def read(upstream: Upstream) -> object:
        member = getattr(getattr(upstream, declared.service), declared.member)
        if isinstance(member, BoundCollection):
            return await member(EVERYTHING, limit=1)  # one record, without counting the others
        result = member(NO_RECORD) if arguments is None else member(**arguments)
        if isinstance(result, BoundCollection):  # that of a record
            return await result(None, limit=1)
        return await result

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
    FeeFineActions.add_charge_route: "chargeFeeFine, its action",
}
"""The writes of mutations that have two ways or two writes; the others have the name of their mutation."""

ALSO_READ: Mapping[Route, tuple[Route, ...]] = {
    Circulation.cancel_request_route: (Circulation.request_route,),
    Fees.update_manual_block_route: (Fees.manual_block_route,),
}
"""The reads without which a write cannot be sent."""


OF_OTHER_WRITES: Mapping[str, tuple[Route, ...]] = {
    "renewMany": (Circulation.loans.route, Circulation.renew_by_id_route),
}
"""The mutations that send the writes of others, with all their routes."""


def mutations() -> list[Mutation]:
    """Return every mutation with its permissions, and the overrides of blocks."""
    return [
        *(_mutation(declared) for declared in declared_routes() if not declared.route.is_read),
        *(Mutation(name, _permissions(routes)) for name, routes in OF_OTHER_WRITES.items()),
        *(Mutation(f"override {block}", (permission,)) for block, permission in OVERRIDE_PERMISSIONS.items()),
    ]


def _mutation(declared: DeclaredRoute) -> Mutation:
    route = declared.route
    first, *words = declared.member.split("_")
    name = VARIANTS.get(route) or first + "".join(word.title() for word in words)
    routes = (*ALSO_READ.get(route, ()), route)
    return Mutation(name, None if route.interface is None else _permissions(routes))


def _permissions(routes: Iterable[Route]) -> tuple[str, ...]:
    return tuple(each.permission for each in routes if each.permission is not None)

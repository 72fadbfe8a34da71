"""All upstream services: clients opened once for the process, and the services of one caller."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from propcache.api import cached_property

from gateway import errors
from gateway.identity import (
    POLARIS_AUTHORIZATION_HEADER,
    POLARIS_ORGANIZATION_HEADER,
    POLARIS_WORKSTATION_HEADER,
    REQUEST_ID_HEADER,
    TENANT_HEADER,
    TOKEN_HEADER,
    Caller,
    PolarisIdentity,
)
from gateway.observability.operation import OperationRecord
from gateway.settings import UpstreamSettings
from gateway.upstream.budget import OperationBudget, ProcessBudget
from gateway.upstream.caller import CallerClient, LookUpClient, Service
from gateway.upstream.client import Client, Deadline, NotConfigured
from gateway.upstream.collection import BoundCollection, Collection
from gateway.upstream.past_write import PastWrite
from gateway.upstream.routes import Interface, Route
from gateway.upstream.services.audit import Audit
from gateway.upstream.services.calendars import Calendars
from gateway.upstream.services.circulation import Circulation
from gateway.upstream.services.circulation_bff import CirculationBff
from gateway.upstream.services.circulation_lists import (
    BffIfServed,
    BffList,
    BffLists,
    BffOrCirculation,
    ListsFrom,
)
from gateway.upstream.services.circulation_reports import CirculationReports
from gateway.upstream.services.circulation_rules import CirculationRules
from gateway.upstream.services.circulation_storage import CirculationStorage
from gateway.upstream.services.fee_fine_actions import FeeFineActions
from gateway.upstream.services.fees import Fees
from gateway.upstream.services.inventory import Inventory
from gateway.upstream.services.mediated_requests import MediatedRequests
from gateway.upstream.services.notes import Notes
from gateway.upstream.services.own_user import OwnUser
from gateway.upstream.services.patron_blocks import PatronBlocks
from gateway.upstream.services.polaris import Polaris
from gateway.upstream.services.tags import Tags
from gateway.upstream.services.users import Users
from gateway.upstream.transport.exchange import Headers
from gateway.upstream.transport.transports import TransportFactory, network_transport

__all__ = [
    "SERVICES",
    "DeclaredRoute",
    "ListsFrom",
    "Services",
    "Upstream",
    "declared_interfaces",
    "declared_routes",
]

IN_PROCESS = "http://sandbox"  # never resolved: the transport is the sandbox itself

SERVICES: Mapping[str, type[Service]] = {
    "circulation_bff": CirculationBff,
    "circulation": Circulation,
    "circulation_reports": CirculationReports,
    "users": Users,
    "inventory": Inventory,
    "circulation_storage": CirculationStorage,
    "circulation_rules": CirculationRules,
    "fees": Fees,
    "fee_fine_actions": FeeFineActions,
    "patron_blocks": PatronBlocks,
    "notes": Notes,
    "audit": Audit,
    "calendars": Calendars,
    "tags": Tags,
    "mediated_requests": MediatedRequests,
    "own_user": OwnUser,
    "polaris": Polaris,
}
"""The services by their attributes of `Upstream`, in the order of the module descriptor."""

_ACCEPT = ("Accept", "application/json, text/plain")

log = logging.getLogger(__name__)


class DeclaredRoute(NamedTuple):
    """A route, and the method or collection that uses it: `getattr(upstream.<service>, <member>)`."""

    service: str
    member: str
    route: Route


def declared_routes() -> list[DeclaredRoute]:
    """Return every route of every service, those of one interface next to each other."""
    routes = [
        DeclaredRoute(
            service, name.removesuffix("_route"), member if isinstance(member, Route) else member.route
        )
        for service, kind in SERVICES.items()
        for name, member in vars(kind).items()
        if isinstance(member, Route | Collection)
    ]
    order = list(dict.fromkeys(each.route.interface for each in routes))
    return sorted(routes, key=lambda each: order.index(each.route.interface))


def declared_interfaces() -> list[Interface]:
    """Return the interfaces of FOLIO that the gateway uses."""
    interfaces = dict.fromkeys(each.route.interface for each in declared_routes())
    return [each for each in interfaces if each is not None]


class Services:
    """The clients for the life of the process. Holds no state of any caller."""

    def __init__(
        self,
        settings: UpstreamSettings,
        transport: TransportFactory | None = None,
        *,
        max_calls: int = sys.maxsize,
    ) -> None:
        """`transport` replaces the network: the sandbox, or a test double.

        `max_calls` is the number of reads that an operation may send.
        """
        create_transport = transport or network_transport(settings.upstream_transport)

        def client(name: str, address: str | None, setting: str) -> Client | NotConfigured:
            if settings.serves_sandbox:
                address = IN_PROCESS
            return (
                NotConfigured(name, setting)
                if address is None
                else Client(name, address, create_transport(settings), settings)
            )

        if settings.polaris_service_account is not None and settings.polaris_url is not None:
            log.warning(
                "POLARIS_SERVICE_ACCOUNT is set: every client of this gateway without a Polaris login can "
                "take and release locks in that account's name, at any workstation that it names."
            )
        self.settings = settings
        self.max_calls = max_calls
        self.budget = ProcessBudget(settings.max_process_bytes)
        self.bff_lists = BffLists()
        self.folio = client("folio", settings.okapi_url, "OKAPI_URL")
        self.bff = client("bff", settings.bff_url or settings.okapi_url, "OKAPI_URL or BFF_URL")
        self.polaris = client("polaris", settings.polaris_url, "POLARIS_URL")

    def for_caller(self, caller: Caller, operation: OperationRecord | None = None) -> Upstream:
        """Return the services for this caller; calls are recorded in `operation`."""
        budget = OperationBudget(
            max_calls=self.max_calls,
            max_bytes=self.settings.max_operation_bytes,
            # Those of a caller without a recorded operation would never be released.
            process=ProcessBudget(self.settings.max_process_bytes) if operation is None else self.budget,
            tenant=caller.tenant,
        )
        if operation is None:
            operation = OperationRecord()
        operation.budget = budget
        return Upstream(self, caller, operation, budget)

    async def aclose(self) -> None:
        for client in (self.folio, self.bff, self.polaris):
            await client.aclose()


class Upstream:
    """The services for one caller; lives as long as one operation."""

    past_write: PastWrite | None = None  # the one that is looked up

    def __init__(
        self,
        services: Services,
        caller: Caller,
        operation: OperationRecord,
        budget: OperationBudget,
    ) -> None:
        self._services = services
        self._caller = caller
        self.operation = operation
        self.budget = budget
        seconds = services.settings.operation_timeout
        self.deadline = Deadline(seconds, time.monotonic() + seconds)
        self._choices: dict[str, BffOrCirculation] = {}

    def begin_write(self) -> Upstream:
        """Return these services, with the complete time of an operation again."""
        self.deadline.ends = self.deadline.clock() + self.deadline.seconds
        return self

    @property
    def look_up_timeout(self) -> float:
        """The seconds in which an unknown outcome is looked up."""
        return self._services.settings.look_up_timeout

    def for_look_up(self, past_write: PastWrite) -> Upstream:
        """Return the same services for the look-up of a write: they compare clocks, and send no writes."""
        upstream = self._again()
        upstream.past_write, upstream.deadline = past_write, self.deadline
        return upstream

    def _again(self) -> Upstream:
        """Return services for the same operation that have sent nothing yet."""
        return Upstream(self._services, self._caller, self.operation, self.budget)

    def bff_or_circulation(
        self, bff: BoundCollection, find_circulation: Callable[[], BoundCollection]
    ) -> BoundCollection:
        """Return a list of the BFF that is read from circulation if the BFF does not serve it."""
        services = self._services
        if isinstance(services.folio, NotConfigured):
            return bff
        choice = self._choices.get(bff.path)
        if choice is None:
            choice = self._choices[bff.path] = BffOrCirculation(
                find_circulation, self._state_of(bff), self.deadline
            )
        bff.alternative = choice
        return bff

    def bff_if_served(self, bff: BoundCollection) -> BoundCollection:
        """Return a list of the BFF that is empty if the BFF does not serve it."""
        return BffIfServed(bff, self._state_of(bff))

    def _state_of(self, bff: BoundCollection) -> BffList:
        lists, key = self._services.bff_lists, (self._caller.tenant, bff.path)
        state = lists[key]
        lists.move_to_end(key)
        return state

    @cached_property
    def circulation_bff(self) -> CirculationBff:
        return CirculationBff(self._folio_client(self._services.bff))

    @cached_property
    def circulation(self) -> Circulation:
        return Circulation(self._folio)

    @cached_property
    def circulation_reports(self) -> CirculationReports:
        return CirculationReports(self._folio)

    @cached_property
    def circulation_storage(self) -> CirculationStorage:
        return CirculationStorage(self._folio)

    @cached_property
    def circulation_rules(self) -> CirculationRules:
        return CirculationRules(self._folio)

    @cached_property
    def fees(self) -> Fees:
        return Fees(self._folio)

    @cached_property
    def fee_fine_actions(self) -> FeeFineActions:
        return FeeFineActions(self._folio)

    @cached_property
    def patron_blocks(self) -> PatronBlocks:
        return PatronBlocks(self._folio)

    @cached_property
    def notes(self) -> Notes:
        return Notes(self._folio)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self._folio)

    @cached_property
    def calendars(self) -> Calendars:
        return Calendars(self._folio)

    @cached_property
    def tags(self) -> Tags:
        return Tags(self._folio)

    @cached_property
    def users(self) -> Users:
        return Users(self._folio)

    @cached_property
    def inventory(self) -> Inventory:
        return Inventory(self._folio)

    @cached_property
    def mediated_requests(self) -> MediatedRequests:
        return MediatedRequests(self._folio)

    @cached_property
    def own_user(self) -> OwnUser:
        return OwnUser(self._folio)

    @cached_property
    def polaris(self) -> Polaris:
        settings, identity = self._services.settings, self._caller.polaris or PolarisIdentity()
        own, account = identity.authorization, settings.polaris_service_account
        authorization = own or (account.reveal() if account is not None else None)
        if authorization is None:
            return Polaris(self._client(self._services.polaris, Headers()), _polaris_identity_missing())
        # With one account for everyone, a workstation for everyone would make all of them one holder.
        workstation = identity.workstation or (settings.polaris_workstation if own else None)
        organization = identity.organization or settings.polaris_organization
        headers = Headers((_ACCEPT, ("Authorization", authorization)))
        if workstation is None or organization is None:
            return Polaris(
                self._client(self._services.polaris, headers),
                errors.BadUserInput(
                    f"A lock belongs to a user at a workstation: send {POLARIS_WORKSTATION_HEADER} and "
                    f"{POLARIS_ORGANIZATION_HEADER}."
                ),
            )
        path = (
            f"/Polaris.ApplicationServices/api/v1/{settings.polaris_language}/{settings.polaris_product_id}"
            f"/{settings.polaris_site_domain}/{organization}/{workstation}"
        )
        return Polaris(
            self._client(self._services.polaris, headers, path),
            None,
            None if own else _polaris_identity_missing(),
        )

    @cached_property
    def _folio(self) -> CallerClient:
        return self._folio_client(self._services.folio)

    def _folio_client(self, client: Client | NotConfigured) -> CallerClient:
        return self._client(client, self._folio_headers, token_expires=self._caller.token_expires)

    def _client(
        self,
        client: Client | NotConfigured,
        headers: Headers,
        path: str = "",
        token_expires: float | None = None,
    ) -> CallerClient:
        of_caller = CallerClient(
            client,
            headers,
            self._caller.tenant,
            self.deadline,
            self.operation,
            path,
            token_expires,
            self.budget,
        )
        return of_caller if self.past_write is None else LookUpClient(of_caller, self.past_write)

    @cached_property
    def _folio_headers(self) -> Headers:
        """The allow-list: no other header of the caller's request is forwarded."""
        caller = self._caller
        allowed = (
            (TENANT_HEADER, caller.tenant),
            (TOKEN_HEADER, caller.token),
            (REQUEST_ID_HEADER, caller.request_id),
            ("Accept-Language", caller.accept_language),
            ("traceparent", caller.traceparent),
            ("tracestate", caller.tracestate),
        )
        return Headers([_ACCEPT, *[(name, value) for name, value in allowed if value is not None]])


def _polaris_identity_missing() -> errors.Unauthenticated:
    return errors.Unauthenticated(
        f"Object locks need your own Polaris identity: send {POLARIS_AUTHORIZATION_HEADER}.",
        upstream="polaris",
    )

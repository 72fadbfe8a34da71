"""All upstream services: opened once for the process, asked in the name of one caller at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable

from propcache.api import cached_property

from gateway import errors
from gateway.identity import Caller, PolarisIdentity
from gateway.observability.operation import OperationRecord
from gateway.settings import Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client, NotConfigured
from gateway.upstream.deadline import Deadline
from gateway.upstream.services.circulation import Circulation
from gateway.upstream.services.circulation_bff import CirculationBff
from gateway.upstream.services.circulation_storage import CirculationStorage
from gateway.upstream.services.fees import Fees
from gateway.upstream.services.inventory import Inventory
from gateway.upstream.services.own_user import OwnUser
from gateway.upstream.services.patron_blocks import PatronBlocks
from gateway.upstream.services.polaris import Polaris
from gateway.upstream.services.policies import Policies
from gateway.upstream.services.tags import Tags
from gateway.upstream.services.users import Users
from gateway.upstream.transport.exchange import Headers
from gateway.upstream.transport.transports import Limits, Transport, aiohttp_transport, httpx_transport

IN_PROCESS = "http://sandbox"  # never resolved: the transport is the sandbox itself

UPSTREAMS = ("folio", "bff", "polaris")

_ACCEPT = ("Accept", "application/json, text/plain")

log = logging.getLogger(__name__)


class Services:
    """The clients, for the life of the process. Holds nothing of any caller."""

    def __init__(self, settings: Settings, transport: Callable[[Limits], Transport] | None = None) -> None:
        """`transport` stands for the network where it is given: the sandbox, or a test's double."""
        limits = Limits(
            concurrency=settings.upstream_concurrency,
            queue=settings.queue_timeout,
            connect=settings.connect_timeout,
            first_byte=settings.first_byte_timeout,
            read=settings.read_timeout,
            act=settings.act_timeout,
            max_bytes=settings.max_upstream_bytes,
            attempts=settings.read_attempts,
            breaker=settings.breaker,
        )
        network = aiohttp_transport if settings.upstream_transport == "aiohttp" else httpx_transport
        chosen = transport or network

        def client(name: str, address: str | None, setting: str) -> Client | NotConfigured:
            if settings.serves_sandbox:
                address = IN_PROCESS
            return (
                NotConfigured(name, setting)
                if address is None
                else Client(name, address, chosen(limits), limits)
            )

        if settings.polaris_service_account is not None and settings.polaris_url is not None:
            log.warning(
                "POLARIS_SERVICE_ACCOUNT is set: whoever reaches this gateway without a Polaris login "
                "can take and release locks in that account's name, at any workstation they name."
            )
        self.settings = settings
        self.folio = client("folio", settings.okapi_url, "OKAPI_URL")
        self.bff = client("bff", settings.bff_url or settings.okapi_url, "OKAPI_URL or BFF_URL")
        self.polaris = client("polaris", settings.polaris_url, "POLARIS_URL")

    def of(self, caller: Caller, operation: OperationRecord | None = None) -> Upstream:
        """The services as this caller may ask them; `operation` is where the calls are noted."""
        return Upstream(self, caller, operation or OperationRecord())

    async def aclose(self) -> None:
        for client in (self.folio, self.bff, self.polaris):
            await client.aclose()


class Upstream:
    """The services in one caller's name; lives as long as one operation."""

    def __init__(self, services: Services, caller: Caller, operation: OperationRecord) -> None:
        self._services = services
        self._caller = caller
        self.operation = operation
        self.deadline = Deadline(services.settings.operation_timeout)

    @cached_property
    def circulation_bff(self) -> CirculationBff:
        return CirculationBff(self._asks(self._services.bff, self._folio_headers))

    @cached_property
    def circulation(self) -> Circulation:
        return Circulation(self._folio)

    @cached_property
    def circulation_storage(self) -> CirculationStorage:
        return CirculationStorage(self._folio)

    @cached_property
    def fees(self) -> Fees:
        return Fees(self._folio)

    @cached_property
    def patron_blocks(self) -> PatronBlocks:
        return PatronBlocks(self._folio)

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
    def own_user(self) -> OwnUser:
        return OwnUser(self._folio)

    @cached_property
    def policies(self) -> Policies:
        return Policies(self._folio)

    @cached_property
    def polaris(self) -> Polaris:
        settings, identity = self._services.settings, self._caller.polaris or PolarisIdentity()
        own, account = identity.authorization, settings.polaris_service_account
        authorization = own or (account.get_secret_value() if account is not None else None)
        if authorization is None:
            return Polaris(self._asks(self._services.polaris, Headers()), None, _no_identity())
        headers = Headers((_ACCEPT, ("Authorization", authorization)))
        client = self._asks(self._services.polaris, headers)
        # With one account for everyone, a workstation for everyone would make all of them one holder.
        workstation = identity.workstation or (settings.polaris_workstation if own else None)
        organization = identity.organization or settings.polaris_organization
        if workstation is None or organization is None:
            return Polaris(
                client,
                None,
                errors.BadUserInput(
                    "A lock belongs to a user at a workstation: send X-Polaris-Workstation and "
                    "X-Polaris-Organization."
                ),
            )
        path = (
            f"/Polaris.ApplicationServices/api/v1/{settings.polaris_language}/{settings.polaris_product_id}"
            f"/{settings.polaris_site_domain}/{organization}/{workstation}"
        )
        return Polaris(client, path, None, None if own else _no_identity())

    @cached_property
    def _folio(self) -> CallerClient:
        return self._asks(self._services.folio, self._folio_headers)

    def _asks(self, client: Client | NotConfigured, headers: Headers) -> CallerClient:
        return CallerClient(client, headers, self._caller.tenant, self.deadline, self.operation)

    @cached_property
    def _folio_headers(self) -> Headers:
        """The allow-list: nothing else of the caller's request travels on."""
        caller = self._caller
        given = (
            ("X-Okapi-Tenant", caller.tenant),
            ("X-Okapi-Token", caller.token),
            ("X-Okapi-Request-Id", caller.request_id),
            ("Accept-Language", caller.accept_language),
            ("traceparent", caller.traceparent),
            ("tracestate", caller.tracestate),
        )
        return Headers([_ACCEPT, *[(name, value) for name, value in given if value is not None]])


def _no_identity() -> errors.Unauthenticated:
    return errors.Unauthenticated(
        "Object locks need your own Polaris identity: send X-Polaris-Authorization.", upstream="polaris"
    )

"""The services for one caller: the address of each call, and the headers sent with it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gateway import errors
from gateway.identity import Caller, PolarisIdentity
from gateway.settings import Settings, UpstreamSettings
from gateway.upstream.services import Services
from gateway.upstream.transport.exchange import Transport

pytestmark = pytest.mark.anyio

ALICE = Caller(
    tenant="diku",
    token="alice",  # noqa: S106 - no secret
    request_id="1/graphql",
    accept_language="de",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate="a=b",
    polaris=PolarisIdentity(authorization="PAS polaris:a:b", workstation=118, organization=3),
)
BOB = Caller(tenant="other", request_id="2/graphql")
OF_HTTP = {"host", "accept-encoding", "connection", "user-agent"}
ADDRESSES = {"okapi_url": "http://okapi", "polaris_url": "http://polaris"}


class Network:
    """Every upstream service, in place of the network."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.settings: list[UpstreamSettings] = []

    def transport(self, settings: UpstreamSettings) -> Transport:
        self.settings.append(settings)
        return httpx.MockTransport(self.respond)

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = b"[]" if request.url.path.endswith("objectlocks") else b'{"users":[],"loans":[]}'
        return httpx.Response(200, content=body, headers={"Set-Cookie": "folioAccessToken=secret; Path=/"})

    def own_headers(self) -> list[dict[str, str]]:
        return [{n: v for n, v in each.headers.items() if n not in OF_HTTP} for each in self.requests]


def services(network: Network, **settings: Any) -> Services:  # Any: settings are of several types
    return Services(Settings(**(settings or ADDRESSES)), network.transport)


async def test_headers_sent_to_folio() -> None:
    """Tenant, token, request id, language and trace, and nothing else."""
    network = Network()
    upstream = services(network).for_caller(ALICE)

    await upstream.users.users(None, limit=1)
    await upstream.circulation_bff.loans(None, limit=1)

    assert (
        network.own_headers()
        == [
            {
                "accept": "application/json, text/plain",
                "x-okapi-tenant": "diku",
                "x-okapi-token": "alice",
                "x-okapi-request-id": "1/graphql",
                "accept-language": "de",
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "tracestate": "a=b",
            }
        ]
        * 2
    )
    assert {name for each in network.requests for name in each.headers} & OF_HTTP == OF_HTTP


async def test_headers_sent_to_polaris() -> None:
    """The staff member's own login, and nothing of FOLIO's."""
    network = Network()

    await services(network).for_caller(ALICE).polaris.locks(everyones=False)

    assert network.own_headers() == [
        {"accept": "application/json, text/plain", "authorization": "PAS polaris:a:b"}
    ]


async def test_absent_headers_are_not_sent() -> None:
    """No header is invented, and none is empty."""
    network = Network()

    await services(network).for_caller(BOB).users.users(None, limit=1)

    assert network.own_headers() == [
        {
            "accept": "application/json, text/plain",
            "x-okapi-tenant": "other",
            "x-okapi-request-id": "2/graphql",
        }
    ]


async def test_callers_share_nothing() -> None:
    """The services hold nothing of any caller: no token, cookie or tenant is sent for another."""
    network = Network()
    shared = services(network)
    alice, bob = shared.for_caller(ALICE), shared.for_caller(BOB)

    await asyncio.gather(
        *(each.users.users(None, limit=1) for _ in range(20) for each in (alice, bob)),
    )

    sent = [(each.get("x-okapi-tenant"), each.get("x-okapi-token")) for each in network.own_headers()]
    assert sorted(sent, key=str) == [("diku", "alice")] * 20 + [("other", None)] * 20
    assert all("cookie" not in each.headers for each in network.requests)


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        (ADDRESSES, ["okapi", "okapi", "polaris"]),
        ({**ADDRESSES, "bff_url": "http://bff"}, ["okapi", "bff", "polaris"]),
        ({"sandbox": True}, ["sandbox", "sandbox", "sandbox"]),
    ],
    ids=["okapi", "bff beside us", "sandbox"],
)
async def test_the_address_of_each_service(settings: dict[str, Any], hosts: list[str]) -> None:
    """The BFF may have a separate address; all other services of FOLIO share one."""
    network = Network()
    upstream = services(network, **settings).for_caller(ALICE)

    await upstream.users.users(None, limit=1)
    await upstream.circulation_bff.loans(None, limit=1)
    await upstream.polaris.locks(everyones=False)

    assert [each.url.host for each in network.requests] == hosts


async def test_a_service_without_an_address() -> None:
    """A library without Polaris has no locks, and one without FOLIO no loans: each error says so."""
    network = Network()
    only_folio = services(network, okapi_url="http://okapi").for_caller(ALICE)
    only_polaris = services(network, polaris_url="http://polaris").for_caller(ALICE)

    with pytest.raises(errors.UpstreamNotConfigured, match="the operator has to set POLARIS_URL"):
        await only_folio.polaris.locks(everyones=False)
    with pytest.raises(errors.UpstreamNotConfigured, match=r"the operator has to set OKAPI_URL\."):
        await only_polaris.users.users(None, limit=1)
    with pytest.raises(errors.UpstreamNotConfigured, match="the operator has to set OKAPI_URL or BFF_URL"):
        await only_polaris.circulation_bff.loans(None, limit=1)
    assert network.requests == []


async def test_the_settings_reach_each_client() -> None:
    """Each client and its transport get the complete settings."""
    network = Network()
    settings = Settings(**ADDRESSES, upstream_concurrency=7, breaker=False)

    Services(settings, network.transport)

    assert network.settings == [settings] * 3


class Closing(httpx.AsyncBaseTransport):
    """A transport that counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1


async def test_all_clients_are_closed() -> None:
    """Clients that are opened for the process are closed with it, once."""
    opened: list[Closing] = []

    def transport(settings: UpstreamSettings) -> Transport:
        opened.append(Closing())
        return opened[-1]

    await Services(Settings(okapi_url="http://okapi", polaris_url="http://polaris"), transport).aclose()
    await Services(Settings(okapi_url="http://okapi"), transport).aclose()

    assert [each.closed for each in opened] == [1] * 5


@pytest.mark.parametrize("name", ["aiohttp", "httpx"])
async def test_both_transports_can_be_selected(name: str) -> None:
    """Without a test double the transport is the one of the settings, opened on first use."""
    chosen = Services(Settings(okapi_url="http://127.0.0.1:1", upstream_transport=name))

    with pytest.raises(errors.UpstreamUnavailable, match="cannot be reached"):
        await chosen.for_caller(BOB).users.users(None, limit=1)
    await chosen.aclose()

"""The choice of a transport, and the fallback if aiohttp's connection classes changed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from gateway.identity import Caller
from gateway.settings import Settings
from gateway.upstream.services import Services
from gateway.upstream.transport.aiohttp_compatibility import (
    AiohttpChanged,
    ConnectionClasses,
    check_connection_classes,
    connection_classes,
)
from gateway.upstream.transport.transports import aiohttp_transport, httpx_transport, network_transport
from tests.upstream.socket_server import responds, socket_server

CLASSES = connection_classes()


class OtherConstructor(asyncio.Protocol):
    """A protocol with the members of aiohttp's, whose constructor takes another argument."""

    _loop = transport = is_connected = should_close = close = None

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        raise AssertionError("not to be created")


class OtherConnect:
    """A connector with the members of aiohttp's, whose `connect` takes other arguments."""

    close = _create_direct_connection = None

    async def connect(self, request: object) -> None:
        raise AssertionError("not to be called")


class OtherFactory:
    """A connector with the members of aiohttp's that creates its protocols in another way."""

    close = None

    async def connect(self, req: object, traces: object, timeout: object) -> None:  # noqa: ASYNC109 - aiohttp's
        raise AssertionError("not to be called")

    async def _create_direct_connection(self) -> None:
        raise AssertionError("not to be called")


class WithoutRelease:
    protocol = close = None


class WithoutLoop:
    def __init__(self, method: str, url: object) -> None:
        raise AssertionError("not to be created")


CHANGES: dict[str, tuple[dict[str, type], str]] = {
    "another constructor": (
        {"protocol": OtherConstructor},
        "OtherConstructor.__init__ takes self, loop, limit",
    ),
    "another protocol": ({"protocol": asyncio.Protocol}, "Protocol has no _loop"),
    "another connect": ({"connector": OtherConnect}, "OtherConnect.connect takes self, request"),
    "another factory": ({"connector": OtherFactory}, "OtherFactory does not use _factory"),
    "another connection": ({"connection": WithoutRelease}, "WithoutRelease has no release"),
    "another request": ({"request": WithoutLoop}, "WithoutLoop takes no loop"),
}


def changed(name: str) -> ConnectionClasses:
    """Return the classes of the installed aiohttp, one of them changed."""
    return replace(CLASSES, **CHANGES[name][0])


def moved() -> ConnectionClasses:
    """Fail as an import does if aiohttp moved a class."""
    raise ImportError("cannot import name 'ResponseHandler'")


def test_the_installed_aiohttp_is_compatible() -> None:
    """The check accepts the classes of the installed release."""
    check_connection_classes(CLASSES)

    assert network_transport("aiohttp") is aiohttp_transport


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_class_is_found(name: str) -> None:
    """The check names the class and the member that changed."""
    with pytest.raises(AiohttpChanged) as caught:
        check_connection_classes(changed(name))

    assert str(caught.value) == CHANGES[name][1]


@pytest.mark.parametrize("name", [*CHANGES, "moved"])
def test_a_changed_class_selects_the_httpx_transport(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The process uses httpx's public transport instead, and says so in one line of the log."""
    load = moved if name == "moved" else lambda: changed(name)

    assert network_transport("aiohttp", load) is httpx_transport

    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    reason = "cannot import name 'ResponseHandler'" if name == "moved" else CHANGES[name][1]
    assert line.getMessage() == (
        f"aiohttp's connection classes changed ({reason}); using the slower httpx transport"
    )


def test_httpx_needs_no_aiohttp(caplog: pytest.LogCaptureFixture) -> None:
    """With UPSTREAM_TRANSPORT=httpx the classes of aiohttp are not even imported."""
    assert network_transport("httpx", moved) is httpx_transport
    assert caplog.records == []


@pytest.mark.anyio
async def test_services_start_on_the_fallback(caplog: pytest.LogCaptureFixture) -> None:
    """Reads are served over httpx's transport, and the line is logged once for all upstreams."""
    async with socket_server(responds(200, b'{"users":[{"id":"a"}]}')) as server:
        settings = Settings(okapi_url=server.url, polaris_url=server.url)
        services = Services(settings, network_transport("aiohttp", moved))
        page = await services.for_caller(Caller(tenant="diku", request_id="1")).users.users(None, limit=1)
        await services.aclose()

    assert page.records == [{"id": "a"}]
    assert len(caplog.records) == 1

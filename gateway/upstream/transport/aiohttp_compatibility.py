"""A check at startup that the installed aiohttp has the connection classes that `aiohttp_transport` uses.

They are not public interface, so a minor release may change them. The process then starts on httpx's
transport.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

MEMBERS = {
    "protocol": ("_loop", "transport", "is_connected", "should_close", "close", "connection_lost"),
    "connector": ("connect", "close", "_create_direct_connection"),
    "connection": ("protocol", "close", "release"),
    "request": (),
}
PARAMETERS = {
    ("protocol", "__init__"): ("self", "loop"),
    ("connector", "connect"): ("self", "req", "traces", "timeout"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionClasses:
    """The classes of aiohttp that the transport extends or calls."""

    protocol: type[Any]  # Any: these are the classes whose members are in doubt
    connector: type[Any]
    connection: type[Any]
    request: type[Any]


class AiohttpChanged(Exception):
    """The installed aiohttp differs from the releases that the transport was written for."""


def connection_classes() -> ConnectionClasses:
    """Import the connection classes. Raises `ImportError` if one was moved."""
    from aiohttp import ClientRequest
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection, TCPConnector

    return ConnectionClasses(
        protocol=ResponseHandler, connector=TCPConnector, connection=Connection, request=ClientRequest
    )


def check_connection_classes(classes: ConnectionClasses) -> None:
    """Raise `AiohttpChanged` if a member, a parameter or the protocol factory of a class is missing."""
    for role, names in MEMBERS.items():
        kind = getattr(classes, role)
        for name in names:
            if not hasattr(kind, name):
                raise AiohttpChanged(f"{kind.__name__} has no {name}")
    for (role, name), expected in PARAMETERS.items():
        kind = getattr(classes, role)
        parameters = tuple(inspect.signature(getattr(kind, name)).parameters)
        if parameters != expected:
            raise AiohttpChanged(f"{kind.__name__}.{name} takes {', '.join(parameters)}")
    if "loop" not in inspect.signature(classes.request).parameters:
        raise AiohttpChanged(f"{classes.request.__name__} takes no loop")
    # The connector creates its protocols by this attribute, which only its instances have.
    if "_factory" not in classes.connector._create_direct_connection.__code__.co_names:
        raise AiohttpChanged(f"{classes.connector.__name__} does not use _factory")

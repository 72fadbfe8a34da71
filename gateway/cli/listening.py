"""Where a server listens."""

from __future__ import annotations

import errno
import ipaddress
import socket

from gateway.cli.startup import CannotStart


def listen(host: str, port: int) -> socket.socket:
    """Bind the port before anything is loaded, so that a taken one is told at once."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotStart(f"HOST: is not an address of this machine (got {host!r})") from error
    # A name such as localhost has several addresses: IPv4 first, which every client tries.
    family, _, _, _, where = min(addresses, key=lambda each: each[0] != socket.AF_INET)
    try:
        return socket.create_server(
            where[:2],
            family=family,
            backlog=2048,
            dualstack_ipv6=where[0] == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise CannotStart(cannot_listen(error, host, port)) from error


def cannot_listen(error: OSError, host: str, port: int) -> str:
    """Say in one line why a port could not be opened, and what to change."""
    if error.errno == errno.EADDRINUSE:
        return f"PORT: is in use on {host}; take another, or 0 for any free one (got '{port}')"
    if error.errno == errno.EACCES:
        return f"PORT: may not be opened by this user; take one above 1023 (got '{port}')"
    return f"HOST: is not an address of this machine (got {host!r})"


def address(listener: socket.socket) -> str:
    """Write the URL under which people on this machine reach a listening socket."""
    host, port = listener.getsockname()[:2]
    ip = ipaddress.ip_address(host)
    if ip.is_unspecified:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ip.version == 6 else f"http://{host}:{port}"

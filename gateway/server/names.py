"""The names by which a server may be addressed: protection against DNS rebinding.

A page of any web site can direct its own name to 127.0.0.1, and then send requests to a server on the
visitor's machine as if it were its own. The browser applies none of its rules about origins, but it sends the
name of the site as `Host`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

_AUTHORITY = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]*)?")
_LOOPBACK = IPv4Network("127.0.0.0/8")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")

ON_LOOPBACK = (
    "The gateway listens on this machine only, and serves requests for localhost and loopback addresses;"
    " ALLOWED_HOSTS adds names."
)
ELSEWHERE = "The gateway is not served by the name in Host; ALLOWED_HOSTS adds names."


class HostCheck:
    """The names that a client may send as `Host`, in any case and with any port.

    These are `localhost` and names below it, the loopback addresses, and `allowed`: names, addresses, and
    `*.example.org` for all names below `example.org`. A server that does not listen on loopback may also be
    addressed by the address of the connection, as health checks do, because an address cannot be rebound.
    """

    def __init__(self, allowed: Sequence[str], *, is_loopback: bool) -> None:
        self.refusal = ON_LOOPBACK if is_loopback else ELSEWHERE
        self._is_loopback = is_loopback
        self._names = {_normalize(each) for each in allowed if not each.startswith("*.")}
        self._suffixes = (".localhost", *(each[1:].lower() for each in allowed if each.startswith("*.")))
        self._is_allowed = lru_cache(maxsize=256)(self._check)

    def permits(self, host: bytes, server: tuple[str, int | None] | None) -> bool:
        """Return whether a `Host` is permitted; `server` is the address of the connection at this end."""
        return self._is_allowed(host, None if self._is_loopback or server is None else server[0])

    def _check(self, host: bytes, own_address: str | None) -> bool:
        match = _AUTHORITY.fullmatch(host.strip())
        if match is None:
            return False
        name = _normalize(match[1].decode())
        if match[1].startswith(b"[") != (":" in name):
            return False
        if name == "localhost" or name in self._names or name.endswith(self._suffixes):
            return True
        address = _address(name)
        if address is None:
            return False
        if isinstance(address, IPv4Address) and address in _LOOPBACK:
            return True
        return address in (IPv6Address(1), own_address and _own(own_address))


def check_hosts(listener: socket.socket, allowed: Sequence[str]) -> HostCheck | None:
    """Return the check for a listening socket: always on loopback, elsewhere only if names are given."""
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    is_local = is_loopback(listener)
    return HostCheck(allowed, is_loopback=is_local) if is_local or allowed else None


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only this machine can connect to a listening socket of an address."""
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def authority_of(target: bytes) -> bytes | None:
    """Return the authority of a request target in absolute form, None for other forms."""
    if target[:1] == b"/":
        return None
    match = _ABSOLUTE.match(target)
    return match[1] if match else None


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _own(name: str) -> IPv4Address | IPv6Address | None:
    address = _address(name.partition("%")[0])
    # A socket of both versions has IPv4 addresses in their form for IPv6.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _normalize(name: str) -> str:
    return name.strip("[]").lower()

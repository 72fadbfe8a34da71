"""The names and addresses of hosts that can be connected to."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna

_ASCII_LABEL = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)  # `_` is in names of containers


def is_host(host: str) -> bool:
    """Return True for an IP address, without brackets, and for a name that can be looked up.

    A name consists of letters, digits, `-` and `_`, also non-ASCII ones as far as IDNA 2008 permits them.
    Python and httpx raise exceptions of their own for others, not errors of the look-up.
    """
    try:
        if ":" in host:
            return bool(IPv6Address(host))
        if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", host):
            return bool(IPv4Address(host))
    except AddressValueError:
        return False
    return all(map(_is_label, host.lower().removesuffix(".").split(".")))


def _is_label(label: str) -> bool:
    if label.isascii() and not label.startswith("xn--"):
        return _ASCII_LABEL.fullmatch(label) is not None
    try:
        return bool(idna.alabel(idna.ulabel(label) if label.isascii() else label))
    except idna.IDNAError:
        return False

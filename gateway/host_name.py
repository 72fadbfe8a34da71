"""The names and addresses of hosts that can be connected to."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import AddressValueError, IPv4Address, IPv6Address

MAX_LABEL = 63  # bytes, by RFC 1035; Python raises UnicodeError for longer ones, not an error of the look-up

_LETTERS_AND_DIGITS = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})  # that IDNA permits, after folding


def is_host(host: str) -> bool:
    """Return True for an IP address, without brackets, and for a name that can be looked up.

    A name consists of letters, digits, `-` and `_`, also non-ASCII ones as far as IDNA 2008 permits them.
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
    if label.startswith("xn--"):  # the ASCII form of another label
        try:
            text = label[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            return False
        return not text.isascii() and _is_label(text)
    size = len(label) if label.isascii() else len(b"xn--" + label.encode("punycode"))
    return (
        0 < size <= MAX_LABEL
        and unicodedata.is_normalized("NFKC", label)
        and all(each in "-_" or unicodedata.category(each) in _LETTERS_AND_DIGITS for each in label)
    )

"""Tests of the names and addresses of hosts."""

from __future__ import annotations

import pytest

from gateway.host_name import is_host


@pytest.mark.parametrize(
    "host",
    [
        "okapi",
        "OKAPI.example.org.",
        "okapi_1",
        "-a-",
        "a" * 63,
        "10.0.0.255",
        "10.0.0",
        "::1",
        "fe80::1%eth0",
        "bücher.example",
        "BÜCHER.example",
        "faß.example",
        "图书馆.example",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.example",
    ],
)
def test_hosts(host: str) -> None:
    """An address, a name of a container, and a name in any script can be looked up."""
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "a..b",
        ".a",
        "a..",
        "a" * 64,
        "ü" * 60,
        "10.0.0.256",
        "::g",
        "1:2",
        "a b",
        "a/b",
        "a%20b",
        "a\u3002b",
        "²",
        "o\u200dkapi",
        "xn--",
        "xn--a",
        "xn--zzzzz--",
        "xn--bü",
        "xn--n3h",
    ],
)
def test_other_texts(host: str) -> None:
    """Empty and long labels, numbers beyond an address, and other characters than letters are no host."""
    assert not is_host(host)

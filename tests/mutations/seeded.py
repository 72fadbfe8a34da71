"""Patrons, items and service points of the embedded library, by the barcodes that tests of mutations use."""

from __future__ import annotations

from typing import Any

from gateway.sandbox import Library
from tests.gateway_under_test import Gateway
from tests.records import encode_records

PATRON = "1000000001"
MANUALLY_BLOCKED = "1000000003"
AUTOMATICALLY_BLOCKED = "1000000004"
EXPIRED = "1000000005"
INACTIVE = "1000000006"
PROXY = "1000000009"
SPONSOR = "1000000010"
VISITOR_AT_THE_LIMIT = "1000000011"

ITEM = "2000000001"
READING_ROOM_ITEM = "2000000009"
INTELLECTUAL_ITEM = "2000000018"
LENT_ITEM = "2000000113"  # served by Circ Desk 1, and not requested
CLAIMED_RETURNED_ITEM = "2000000151"


def record(stored: dict[str, Any] | None) -> dict[str, Any]:
    """Return a record that the embedded library is certain to have."""
    assert stored is not None
    return stored


def service_point(library: Library, name: str = "Circ Desk 1") -> str:
    return next(key for key, point in library.service_points.items() if point["name"] == name)


def state(gateway: Gateway) -> object:
    """Return the state that mutations may change, to check that a refused one changed nothing."""
    library = gateway.library
    return encode_records(library.items, library.loans, library.requests), dict(gateway.sandbox.locks.locks)

"""The example operations of GraphiQL: its tabs, and the start page of its documentation."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the sandbox is imported only if it is served
    from gateway.sandbox import Summary

OPERATIONS = Path(__file__).parent / "operations"
TABS = ("OpenLoans", "RequestList", "CheckOutItem", "CheckInItem", "Queue", "LockObject")
UNLOCKED_PATRON = 29938  # a PatronID without a lock in the sandbox

SERVICE_POINTS = "an id from { servicePoints(first: 100) { nodes { id name } } }"
REQUESTED = "ids from { requests(first: 10) { nodes { instance { id } item { id } } } }"
SOURCES: Mapping[str, str] = {
    "barcode": "the number on a library card",
    "instanceId": REQUESTED,
    "itemBarcode": "the barcode of an item",
    "itemId": REQUESTED,
    "objectId": "a PatronID of Polaris",
    "pickupServicePointId": SERVICE_POINTS,
    "requesterId": 'the id from { user(barcode: "the number on a library card") { id } }',
    "servicePoint": SERVICE_POINTS,
    "servicePointId": SERVICE_POINTS,
    "userBarcode": "the number on a library card",
}
"""The sources of the values that have no example, for comments in the variables editor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Records for the variables of the example operations; empty without a sandbox.

    `polaris_patron` is a PatronID of Polaris; the other ids are FOLIO's.
    """

    tenant: str = ""
    service_point: str = ""
    patron_barcode: str = ""
    item_barcode: str = ""
    instance: str = ""  # a title with open requests
    item: str = ""
    loaned_item_barcode: str = ""
    borrower_barcode: str = ""
    user: str = ""
    available_instance: str = ""  # a title with an available item
    polaris_patron: int = 0


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A root field that the documentation offers first, with an operation that uses it if there is one."""

    title: str
    type: str
    field: str
    operation: str | None = None


ENTRY_POINTS: Mapping[str, tuple[EntryPoint, ...]] = {
    "Look up": (
        EntryPoint("Loans", "Query", "loans", "OpenLoans"),
        EntryPoint("A patron with blocks, loans and fees", "Query", "user", "CheckOutPatron"),
        EntryPoint("Requests", "Query", "requests", "RequestList"),
        EntryPoint("The queue of a title", "Query", "requestQueue", "Queue"),
        EntryPoint("Titles and their items", "Query", "instances", "Titles"),
    ),
    "At the desk": (
        EntryPoint("Check-out", "Mutation", "checkOut", "CheckOutItem"),
        EntryPoint("Check-in", "Mutation", "checkIn", "CheckInItem"),
        EntryPoint("Renewal", "Mutation", "renew", "RenewLoan"),
        EntryPoint("A new request", "Mutation", "createRequest", "CreateRequest"),
        EntryPoint("A lock in Polaris", "Mutation", "lockObject", "LockObject"),
    ),
}
"""Ten root fields by task."""


def sandbox_examples(summary: Summary) -> Examples:
    """Return example records of the sandbox."""
    return Examples(
        tenant=summary.tenant,
        service_point=summary.service_point_id or "",
        patron_barcode=summary.patron_barcode or "",
        item_barcode=summary.item_barcode or "",
        instance=summary.requested_instance_id or "",
        item=summary.requested_item_id or "",
        loaned_item_barcode=summary.loaned_item_barcode or "",
        borrower_barcode=summary.borrower_barcode or "",
        user=summary.user_id or "",
        available_instance=summary.instance_id or "",
        polaris_patron=UNLOCKED_PATRON,
    )


def example_operations(examples: Examples) -> dict[str, dict[str, str]]:
    """Return the document and the variables, JSON with comments, of each example operation."""
    variables: dict[str, tuple[str, Mapping[str, Any]]] = {  # Any: JSON
        "OpenLoans": ("open_loans", {}),
        "RequestList": (
            "request_list",
            {
                "filter": {"status": ["OPEN_NOT_YET_FILLED", "OPEN_AWAITING_PICKUP", "OPEN_IN_TRANSIT"]},
                "servicePoint": examples.service_point,
                "first": 20,
            },
        ),
        "CheckOutPatron": ("check_out_patron", {"barcode": examples.patron_barcode}),
        "CheckOutItem": (
            "check_out_item",
            {
                "input": {
                    "itemBarcode": examples.item_barcode,
                    "userBarcode": examples.patron_barcode,
                    "servicePointId": examples.service_point,
                }
            },
        ),
        "CheckInItem": (
            "check_in_item",
            {"input": {"itemBarcode": examples.item_barcode, "servicePointId": examples.service_point}},
        ),
        "Titles": ("titles", {}),
        "RenewLoan": (
            "renew_loan",
            {
                "input": {
                    "itemBarcode": examples.loaned_item_barcode,
                    "userBarcode": examples.borrower_barcode,
                }
            },
        ),
        "CreateRequest": (
            "create_request",
            {
                "input": {
                    "requesterId": examples.user,
                    "instanceId": examples.available_instance,
                    "requestType": "PAGE",
                    "requestLevel": "TITLE",
                    "fulfillmentPreference": "HOLD_SHELF",
                    "pickupServicePointId": examples.service_point,
                }
            },
        ),
        "Queue": ("request_queue", {"instanceId": examples.instance, "itemId": examples.item}),
        "LockObject": (
            "lock_object",
            {"input": {"objectType": "PATRON", "objectId": examples.polaris_patron}},
        ),
    }
    return {
        name: {
            "query": (OPERATIONS / f"{file}.graphql").read_text(encoding="utf-8"),
            "variables": _write_variables(values) if values else "",
        }
        for name, (file, values) in variables.items()
    }


def _write_variables(values: Mapping[str, Any]) -> str:
    """Return variables as JSON, with comments on the sources of those that are blank. Any: JSON."""
    first, *others = json.dumps(values, indent=2).splitlines()
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name in _blank_names(values):
        names[SOURCES[name]].append(name)
    comments = [f"  // {', '.join(each)}: {source}" for source, each in names.items()]
    return "\n".join([first, *comments, *others])


def _blank_names(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _blank_names(value)
        elif value in ("", 0):
            yield name

"""The reports of circulation against FOLIO's published schemas: nothing is missing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.upstream.routes import Interface
from gateway.upstream.services import declared_routes
from tests.fee_fine_facts import Values
from tests.report_facts import ITEM_IN_TRANSIT, REQUEST_ON_SHELF
from tests.test_fee_fine_contract import ID, missing, send
from tests.widest import selection

pytestmark = pytest.mark.anyio

Json = Any  # requests and responses are JSON

CLEARANCE = "/circulation/requests-reports/hold-shelf-clearance"
IN_TRANSIT = "/inventory-reports/items-in-transit"
# What the BFF drops of requests, and is therefore no part of the widest selection.
OF_CIRCULATION = (
    "tags { tagList } awaitingPickupRequestClosedDate itemLocationCode isDcbReRequestCancellation "
    "printDetails { printCount isPrinted printEventDate requester { id } }"
)


class Upstream:
    """Responds to a report with one element, and to all other reads with none."""

    def __init__(self, path: str, member: str, record: Json) -> None:
        self.path, self.member, self.record = path, member, record
        self.others: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == self.path:
            return httpx.Response(200, json={self.member: [self.record], "totalRecords": 1})
        self.others.append(f"{request.method} {request.url.path}")
        return httpx.Response(404)


async def test_every_member_of_an_item_in_transit_reaches_the_client() -> None:
    """With a unique value in each member, the widest query returns all of them, and reads nothing else."""
    record = Values().record(ITEM_IN_TRANSIT)
    record["inTransitDestinationServicePoint"]["id"] = record["inTransitDestinationServicePointId"]
    upstream = Upstream(IN_TRANSIT, "items", record)

    response = await send(
        upstream, f"{{ itemsInTransit {{ totalCount nodes {selection('ItemInTransit')} }} }}"
    )

    assert "errors" not in response, response["errors"][:3]
    assert missing(record, response["data"]) == set()
    assert upstream.others == []


async def test_every_member_of_a_request_on_the_shelf_reaches_the_client() -> None:
    """With a unique value in each member, the widest selection and what the BFF drops return all of them."""
    record = Values().record(REQUEST_ON_SHELF)
    upstream = Upstream(f"{CLEARANCE}/{ID}", "requests", record)
    fields = selection("Request").removesuffix("}")

    response = await send(
        upstream, f'{{ holdShelfClearance(servicePointId: "{ID}") {{ nodes {fields} {OF_CIRCULATION} }} }} }}'
    )

    assert missing(record, response["data"]) == set()


def test_the_reports_are_in_optional_interfaces() -> None:
    """The interfaces, their versions and permissions are those of mod-circulation's descriptor."""
    routes = {each.member: each.route for each in declared_routes() if each.service == "circulation_reports"}

    assert {name: (route.template, route.interface, route.permission) for name, route in routes.items()} == {
        "hold_shelf_clearance": (
            f"{CLEARANCE}/{{servicePointId}}",
            Interface("requests-reports", "0.8"),
            "circulation.requests.hold-shelf-clearance-report.get",
        ),
        "items_in_transit": (
            IN_TRANSIT,
            Interface("inventory-reports", "0.4"),
            "circulation.inventory.items-in-transit-report.get",
        ),
    }

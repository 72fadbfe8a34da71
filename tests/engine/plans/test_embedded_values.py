"""A member that is null in an embedded object is null; without the object it is fetched."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.engine.plans.cache import FALLBACKS
from tests.gateway_over import gateway_over, key

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("execution", ["plan", "generic"])]

Json = Any  # a response is JSON of the shape that each test expects

FETCHED: dict[str, tuple[str, Json]] = {
    "/users": ("users", {"barcode": "fetched", "personal": {"lastName": "Fetched"}}),
    "/service-points": ("servicepoints", {"name": "Fetched"}),
    "/inventory/instances": ("instances", {"hrid": "fetched", "title": "Fetched"}),
    "/inventory/items": (
        "items",
        {
            "barcode": "fetched",
            "inTransitDestinationServicePointId": key(7),
            "holdingsRecordId": key(8),
            "instanceId": key(9),
        },
    ),
}


async def nodes_of(execution: str, selection: str, loans: list[Json]) -> tuple[list[Json], list[str]]:
    """Return the nodes of a list of these loans, and the paths of the upstream calls for their links."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/circulation-bff/loans":
            return httpx.Response(200, json={"loans": loans})
        name, record = FETCHED[request.url.path]
        ids = [key(number) for number in range(1, 20) if key(number) in request.url.params["query"]]
        return httpx.Response(200, json={name: [{"id": each, **record} for each in ids]})

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute(f"{{ loans {{ nodes {{ {selection} }} }} }}")
        assert "errors" not in response, response["errors"]
        return response["data"]["loans"]["nodes"], [request.url.path for request in gateway.requests[1:]]


@pytest.mark.parametrize("borrower", [{"barcode": None}, {"lastName": "Horvat"}, {}])
async def test_a_null_in_an_embedded_object_is_the_value(execution: str, borrower: Json) -> None:
    """Null or left out makes no difference: the object that would hold the value is embedded."""
    loans = [{"id": key(1), "userId": key(2), "borrower": borrower}]

    nodes, calls = await nodes_of(execution, "borrower { id barcode }", loans)

    assert nodes == [{"borrower": {"id": key(2), "barcode": None}}]
    assert calls == []


@pytest.mark.parametrize("loan", [{}, {"borrower": None}])
async def test_a_value_without_its_object_is_fetched(execution: str, loan: Json) -> None:
    """A value whose object is not embedded is fetched, because it may not be null."""
    loans = [{"id": key(1), "userId": key(2), **loan}]

    nodes, calls = await nodes_of(execution, "borrower { id barcode }", loans)

    assert nodes == [{"borrower": {"id": key(2), "barcode": "fetched"}}]
    assert calls == ["/users"]


async def test_only_rows_without_the_embedded_object_are_fetched(execution: str) -> None:
    """Only the rows without an embedded object are fetched, in one call."""
    loans: list[Json] = [
        {"id": key(1), "userId": key(2), "borrower": {"barcode": "embedded"}},
        {"id": key(3), "userId": key(4)},
        {"id": key(5), "userId": key(6), "borrower": {"barcode": None}},
        {"id": key(7), "userId": key(8), "borrower": None},
        {"id": key(9), "borrower": {"barcode": "without an id"}},
    ]

    nodes, calls = await nodes_of(execution, "borrower { barcode }", loans)

    assert [node["borrower"] for node in nodes] == [
        {"barcode": "embedded"},
        {"barcode": "fetched"},
        {"barcode": None},
        {"barcode": "fetched"},
        None,
    ]
    assert calls == ["/users"]


async def test_nothing_but_nulls_makes_no_object(execution: str) -> None:
    """`personal` is null when the loan has none of its members, and an object when it has one."""
    loans: list[Json] = [
        {"id": key(1), "userId": key(2), "borrower": {"lastName": None, "firstName": None}},
        {"id": key(3), "userId": key(4), "borrower": {"lastName": None, "firstName": "Nils"}},
    ]

    nodes, calls = await nodes_of(execution, "borrower { personal { lastName } }", loans)

    assert [node["borrower"]["personal"] for node in nodes] == [None, {"lastName": None}]
    assert calls == []


@pytest.mark.parametrize(
    ("item", "destination", "calls"),
    [
        ({"inTransitDestinationServicePoint": {"name": "Embedded"}}, "Embedded", []),
        ({"inTransitDestinationServicePoint": {"name": None}}, "Fetched", ["/service-points"]),
        ({"inTransitDestinationServicePoint": {}}, "Fetched", ["/service-points"]),
        ({"inTransitDestinationServicePoint": None}, "Fetched", ["/service-points"]),
        ({}, "Fetched", ["/service-points"]),
    ],
)
async def test_a_null_name_two_links_away_is_fetched(
    execution: str, item: Json, destination: str, calls: list[str]
) -> None:
    """A null name that the loan embeds two links away is fetched: every service point has a name."""
    embedded = {"barcode": "b", "inTransitDestinationServicePointId": key(3), **item}
    loans = [{"id": key(1), "itemId": key(2), "item": embedded}]

    nodes, paths = await nodes_of(
        execution, "item { barcode inTransitDestinationServicePoint { id name } }", loans
    )

    assert nodes == [
        {"item": {"barcode": "b", "inTransitDestinationServicePoint": {"id": key(3), "name": destination}}}
    ]
    assert paths == calls


@pytest.mark.parametrize("hrid", [{"instanceHrid": "in1"}, {"instanceHrid": None}, {}])
async def test_a_null_hrid_in_the_embedded_item_is_fetched(execution: str, hrid: Json) -> None:
    """A null HRID of the instance in the embedded item is fetched: every instance has an HRID."""
    embedded = {"barcode": "b", "holdingsRecordId": key(3), "instanceId": key(4), **hrid}
    loans = [{"id": key(1), "itemId": key(2), "item": embedded}]

    nodes, paths = await nodes_of(execution, "item { barcode instance { id hrid } }", loans)

    expected = hrid.get("instanceHrid") or "fetched"
    assert nodes == [{"item": {"barcode": "b", "instance": {"id": key(4), "hrid": expected}}}]
    assert paths == ([] if hrid.get("instanceHrid") else ["/inventory/instances"])


async def test_links_of_targets_by_a_list_of_keys(execution: str) -> None:
    """Targets of which only an id and links by it are selected are not loaded, and have their own links."""
    query = """{ locations(first: 2) {
        edges { node { campus { name } } }
        nodes { servicePoints { openLoans(first: 1) { nodes { id } } } }
    } }"""
    location = {"campusId": key(1), "servicePointIds": [key(5), key(6)]}
    loan = {"id": key(9), "checkoutServicePointId": key(6)}
    responses: dict[str, Json] = {
        "/locations": {"locations": [{"id": key(2), **location}, {"id": key(3), **location}]},
        "/location-units/campuses": {"loccamps": [{"id": key(1), "name": "North"}], "totalRecords": 1},
        "/circulation-bff/loans": {"loans": [loan], "totalRecords": 1},
    }
    fallbacks = FALLBACKS.counts["record"]

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=responses[request.url.path])

    async with gateway_over(upstream, execution=execution) as gateway:
        result = await gateway.execute(query)

    points = [{"openLoans": {"nodes": []}}, {"openLoans": {"nodes": [{"id": key(9)}]}}]
    assert result == {
        "data": {
            "locations": {
                "edges": [{"node": {"campus": {"name": "North"}}}] * 2,
                "nodes": [{"servicePoints": points}] * 2,
            }
        }
    }
    assert sorted(request.url.path for request in gateway.requests) == sorted(responses)
    assert FALLBACKS.counts["record"] == fallbacks

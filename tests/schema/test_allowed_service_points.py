"""Pickup service points of a request that is created, changed or moved."""

from __future__ import annotations

import pytest

from gateway.sandbox import Library
from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

MOVE = """query(
    $operation: AllowedServicePointsOperation!, $request: ID, $item: ID, $instance: ID, $user: ID
) {
    allowedServicePoints(
        operation: $operation, requestId: $request, itemId: $item, instanceId: $instance, requesterId: $user
    ) { page { id } hold { id name servicePoint { name } } recall { id } }
}"""


def hold(library: Library) -> dict[str, str]:
    """Return a request for an item on loan, by the names of the variables."""
    request = next(
        each
        for each in library.requests.values()
        if each["requestType"] == "Hold" and each["status"].startswith("Open") and each.get("itemId")
    )
    return {"request": request["id"], "item": request["itemId"]}


async def test_a_request_is_moved_within_circulation(gateway: Gateway) -> None:
    """The request and the item are sent to circulation itself, because the BFF knows no moves."""
    data = await gateway.data(MOVE, {"operation": "MOVE", **hold(gateway.library)})

    assert data["allowedServicePoints"]["hold"]
    assert all(each["name"] == each["servicePoint"]["name"] for each in data["allowedServicePoints"]["hold"])
    (call,) = gateway.calls
    assert (call.method, call.path) == ("GET", "/circulation/requests/allowed-service-points")
    variables = hold(gateway.library)
    assert call.query == {
        "operation": "move",
        "requestId": variables["request"],
        "itemId": variables["item"],
    }


async def test_ids_of_a_move_may_be_in_capitals(gateway: Gateway) -> None:
    """They are sent in lower case."""
    variables = hold(gateway.library)
    data = await gateway.data(MOVE, {"operation": "MOVE", **{n: v.upper() for n, v in variables.items()}})

    assert data["allowedServicePoints"]["hold"]
    assert gateway.calls[0].query["itemId"] == variables["item"]


OF_MOVE = "`operation: MOVE` requires `requestId` and `itemId` and accepts nothing else."
OF_REPLACE = "`operation: REPLACE` requires `requestId` and accepts nothing else."
OF_CREATE = "`requestId` requires another operation; a new request has no id."


@pytest.mark.parametrize(
    ("operation", "names", "message"),
    [
        ("MOVE", ("request",), OF_MOVE),
        ("MOVE", ("item",), OF_MOVE),
        ("MOVE", (), OF_MOVE),
        ("MOVE", ("request", "item", "user"), OF_MOVE),
        ("MOVE", ("request", "instance"), OF_MOVE),
        ("REPLACE", ("request", "item"), OF_REPLACE),
        ("REPLACE", (), OF_REPLACE),
        ("CREATE", ("request", "item", "user"), OF_CREATE),
    ],
)
async def test_other_keys_are_rejected(
    gateway: Gateway, operation: str, names: tuple[str, ...], message: str
) -> None:
    """Keys that the operation does not take are an error, and nothing is sent."""
    key = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    response = await gateway.execute(MOVE, {"operation": operation, **dict.fromkeys(names, key)})

    (error,) = response["errors"]
    assert (error["extensions"]["code"], error["message"]) == ("BAD_USER_INPUT", message)
    assert gateway.calls == []


async def test_a_move_of_a_request_that_does_not_exist(gateway: Gateway) -> None:
    """Circulation's rejection is an error with its code."""
    variables = hold(gateway.library) | {"request": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}
    response = await gateway.execute(MOVE, {"operation": "MOVE", **variables})

    assert response["data"] == {"allowedServicePoints": None}
    assert response["errors"][0]["extensions"]["code"] == "UPSTREAM_REJECTED"

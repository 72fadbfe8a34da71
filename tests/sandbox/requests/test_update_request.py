"""Changing and cancelling requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import Record

pytestmark = pytest.mark.anyio

REQUESTS = "/circulation/requests"
NOTHING = "00000000-0000-4000-8000-000000000000"
PAGED, LENT_TWICE, ON_HOLD_SHELF = "2000000231", "2000000032", "2000000251"

Body = dict[str, Any]
Refused = Callable[..., Awaitable[list[Body]]]


def requests_for(library: Library, barcode: str) -> list[Record]:
    """The open requests for a copy, in order."""
    item = library.item_by_barcode(barcode)
    assert item is not None
    mine = [each for each in library.requests.values() if each.get("itemId") == item["id"]]
    return sorted((each for each in mine if "position" in each), key=lambda each: int(each["position"]))


def status_of(library: Library, barcode: str) -> str:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return str(item["status"]["name"])


async def shown(client: httpx.AsyncClient, request: Record) -> Body:
    body: Body = (await client.get(f"{REQUESTS}/{request['id']}")).json()
    return body


@pytest.fixture(name="cancelling")
def _cancelling(library: Library) -> Body:
    """What turns a record into a cancelled one."""
    return {
        "status": "Closed - Cancelled",
        "cancellationReasonId": next(iter(library.cancellation_reasons)),
        "cancelledByUserId": next(iter(library.users)),
        "cancelledDate": "2026-01-02T03:04:05Z",
        "cancellationAdditionalInformation": "Asked at the desk",
    }


async def test_cancelling_a_page(client: httpx.AsyncClient, library: Library, cancelling: Body) -> None:
    """The request is closed with its reason, and the copy is available again."""
    (request,) = requests_for(library, PAGED)
    answer = await client.put(f"{REQUESTS}/{request['id']}", json=await shown(client, request) | cancelling)
    found = await shown(client, request)

    assert (answer.status_code, answer.content) == (204, b"")
    assert found["status"] == "Closed - Cancelled"
    assert found["cancelledDate"] == "2026-01-02T03:04:05.000+00:00"
    assert found["cancellationAdditionalInformation"] == "Asked at the desk"
    assert found["cancelledByUserId"] == cancelling["cancelledByUserId"]
    assert "position" not in found
    assert status_of(library, PAGED) == "Available"


async def test_the_queue_closes_up(client: httpx.AsyncClient, library: Library, cancelling: Body) -> None:
    """Those behind move up by one."""
    first, second = requests_for(library, LENT_TWICE)
    assert (first["position"], second["position"]) == (1, 2)
    await client.put(f"{REQUESTS}/{first['id']}", json=await shown(client, first) | cancelling)

    assert [each["id"] for each in requests_for(library, LENT_TWICE)] == [second["id"]]
    assert second["position"] == 1
    assert status_of(library, LENT_TWICE) == "Checked out"


async def test_a_paged_copy_stays_paged_for_the_next(
    client: httpx.AsyncClient, library: Library, cancelling: Body, wanted: Callable[..., Body]
) -> None:
    """As long as somebody waits for this very copy."""
    (page,) = requests_for(library, PAGED)
    await client.post(REQUESTS, json=wanted(PAGED, kind="Hold"))
    await client.put(f"{REQUESTS}/{page['id']}", json=await shown(client, page) | cancelling)
    assert status_of(library, PAGED) == "Paged"


async def test_a_copy_on_the_hold_shelf_waits_for_its_next_scan(
    client: httpx.AsyncClient, library: Library, cancelling: Body
) -> None:
    """It lies there until somebody clears the shelf."""
    (request,) = requests_for(library, ON_HOLD_SHELF)
    await client.put(f"{REQUESTS}/{request['id']}", json=await shown(client, request) | cancelling)
    assert status_of(library, ON_HOLD_SHELF) == "Awaiting pickup"


@pytest.mark.parametrize("name", ["cancellationReasonId", "cancelledByUserId", "cancelledDate"])
async def test_what_a_cancellation_needs(
    client: httpx.AsyncClient, library: Library, cancelling: Body, refused: Refused, name: str
) -> None:
    """Reason, person and date are named when missing."""
    (request,) = requests_for(library, PAGED)
    body = await shown(client, request) | cancelling
    del body[name]
    (error,) = await refused("PUT", f"{REQUESTS}/{request['id']}", body)

    assert error["parameters"] == [{"key": name, "value": None}]
    assert "code" not in error


async def test_an_unknown_reason(
    client: httpx.AsyncClient, library: Library, cancelling: Body, refused: Refused
) -> None:
    """The reason has to be one of the library's."""
    (request,) = requests_for(library, PAGED)
    body = await shown(client, request) | cancelling | {"cancellationReasonId": NOTHING}
    (error,) = await refused("PUT", f"{REQUESTS}/{request['id']}", body)
    assert error["parameters"] == [{"key": "cancellationReasonId", "value": NOTHING}]


async def test_a_closed_request(client: httpx.AsyncClient, library: Library, refused: Refused) -> None:
    """What is over cannot be changed, not even when it has become anonymous."""
    for request in [each for each in library.requests.values() if "position" not in each][:6]:
        errors = await refused("PUT", f"{REQUESTS}/{request['id']}", await shown(client, request))
        assert errors == [
            {
                "message": "The Request has already been closed",
                "parameters": [{"key": "id", "value": request["id"]}],
                "code": "REQUEST_ALREADY_CLOSED",
            }
        ]


async def test_changing_a_request(client: httpx.AsyncClient, library: Library, desk: str) -> None:
    """Place, comment and expiration are taken over, and what is left out is gone; the queue stays."""
    request = requests_for(library, "2000000037")[0]
    body = await shown(client, request)
    body |= {"patronComments": "Any edition", "pickupServicePointId": desk}
    body.pop("requestExpirationDate", None)
    answer = await client.put(f"{REQUESTS}/{request['id']}", json=body)
    found = await shown(client, request)

    assert answer.status_code == 204
    assert found["patronComments"] == "Any edition"
    assert found["pickupServicePoint"]["name"] == "Circ Desk 1"
    assert "requestExpirationDate" not in found
    assert (found["status"], found["position"]) == ("Open - Not yet filled", 1)


@pytest.mark.parametrize(("status", "position"), [("Open - In transit", 1), ("Closed - Unfilled", None)])
async def test_another_status(
    client: httpx.AsyncClient, library: Library, status: str, position: int | None
) -> None:
    """Any of the eight can be written; a closed one leaves the queue."""
    request = requests_for(library, "2000000037")[0]
    await client.put(f"{REQUESTS}/{request['id']}", json=await shown(client, request) | {"status": status})
    assert (request["status"], request.get("position")) == (status, position)


async def test_places_that_are_refused(client: httpx.AsyncClient, library: Library, refused: Refused) -> None:
    """A new place has to exist, to be a pickup location and to please the policy."""
    request = requests_for(library, "2000000037")[0]
    film = requests_for(library, LENT_TWICE)[0]
    points = {point["name"]: key for key, point in library.service_points.items()}

    async def code_of(changed: Record, point: str | None) -> str | None:
        body = await shown(client, changed) | {"pickupServicePointId": point}
        (error,) = await refused("PUT", f"{REQUESTS}/{changed['id']}", body)
        code: str | None = error.get("code")
        return code

    assert await code_of(request, None) == "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT"
    assert await code_of(request, NOTHING) is None
    assert await code_of(request, points["Online"]) == "SERVICE_POINT_IS_NOT_PICKUP_LOCATION"
    assert await code_of(film, points["Circ Desk 1"]) == "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED"


async def test_what_is_no_request(client: httpx.AsyncClient, library: Library, refused: Refused) -> None:
    """An unknown id is 404, a status that does not exist 400, a record without its title 422."""
    request = requests_for(library, "2000000037")[0]
    body, path = await shown(client, request), f"{REQUESTS}/{request['id']}"
    unknown = await client.put(f"{REQUESTS}/{NOTHING}", json=body)
    odd = await client.put(path, json=body | {"status": "Open - Somewhere"})
    (error,) = await refused("PUT", path, body | {"instanceId": None})

    assert (unknown.status_code, unknown.text) == (404, f'request record with ID "{NOTHING}" cannot be found')
    assert odd.status_code == 400
    assert error["message"] == "Cannot create a request with no instance ID"

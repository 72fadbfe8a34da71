"""The update and cancellation of requests."""

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
Refuse = Callable[..., Awaitable[list[Body]]]


def requests_for(library: Library, barcode: str) -> list[Record]:
    """Return the open requests for an item, in order."""
    item = library.item_by_barcode(barcode)
    assert item is not None
    item_requests = [each for each in library.requests.values() if each.get("itemId") == item["id"]]
    return sorted(
        (each for each in item_requests if "position" in each), key=lambda each: int(each["position"])
    )


def status_of(library: Library, barcode: str) -> str:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return str(item["status"]["name"])


async def read_request(client: httpx.AsyncClient, request: Record) -> Body:
    body: Body = (await client.get(f"{REQUESTS}/{request['id']}")).json()
    return body


@pytest.fixture(name="cancellation")
def _cancellation(library: Library) -> Body:
    """Return the fields that cancel a request."""
    return {
        "status": "Closed - Cancelled",
        "cancellationReasonId": next(iter(library.cancellation_reasons)),
        "cancelledByUserId": next(iter(library.users)),
        "cancelledDate": "2026-01-02T03:04:05Z",
        "cancellationAdditionalInformation": "Asked at the desk",
    }


async def test_cancel_a_page(client: httpx.AsyncClient, library: Library, cancellation: Body) -> None:
    """The request is closed with its reason, and the item is available again."""
    (request,) = requests_for(library, PAGED)
    response = await client.put(
        f"{REQUESTS}/{request['id']}", json=await read_request(client, request) | cancellation
    )
    view = await read_request(client, request)

    assert (response.status_code, response.content) == (204, b"")
    assert view["status"] == "Closed - Cancelled"
    assert view["cancelledDate"] == "2026-01-02T03:04:05.000+00:00"
    assert view["cancellationAdditionalInformation"] == "Asked at the desk"
    assert view["cancelledByUserId"] == cancellation["cancelledByUserId"]
    assert "position" not in view
    assert status_of(library, PAGED) == "Available"


async def test_cancellation_moves_the_queue_up(
    client: httpx.AsyncClient, library: Library, cancellation: Body
) -> None:
    """The requests behind it move up by one."""
    first, second = requests_for(library, LENT_TWICE)
    assert (first["position"], second["position"]) == (1, 2)
    await client.put(f"{REQUESTS}/{first['id']}", json=await read_request(client, first) | cancellation)

    assert [each["id"] for each in requests_for(library, LENT_TWICE)] == [second["id"]]
    assert second["position"] == 1
    assert status_of(library, LENT_TWICE) == "Checked out"


async def test_item_stays_paged_for_the_next_request(
    client: httpx.AsyncClient, library: Library, cancellation: Body, request_body: Callable[..., Body]
) -> None:
    """It stays paged while another request for this item is open."""
    (page,) = requests_for(library, PAGED)
    await client.post(REQUESTS, json=request_body(PAGED, kind="Hold"))
    await client.put(f"{REQUESTS}/{page['id']}", json=await read_request(client, page) | cancellation)
    assert status_of(library, PAGED) == "Paged"


async def test_item_on_the_hold_shelf_keeps_its_status(
    client: httpx.AsyncClient, library: Library, cancellation: Body
) -> None:
    """It awaits pickup until its next check-in."""
    (request,) = requests_for(library, ON_HOLD_SHELF)
    await client.put(f"{REQUESTS}/{request['id']}", json=await read_request(client, request) | cancellation)
    assert status_of(library, ON_HOLD_SHELF) == "Awaiting pickup"


@pytest.mark.parametrize("name", ["cancellationReasonId", "cancelledByUserId", "cancelledDate"])
async def test_required_fields_of_a_cancellation(
    client: httpx.AsyncClient, library: Library, cancellation: Body, refuse: Refuse, name: str
) -> None:
    """A missing reason, user or date is reported."""
    (request,) = requests_for(library, PAGED)
    body = await read_request(client, request) | cancellation
    del body[name]
    (error,) = await refuse("PUT", f"{REQUESTS}/{request['id']}", body)

    assert error["parameters"] == [{"key": name, "value": None}]
    assert "code" not in error


async def test_unknown_cancellation_reason(
    client: httpx.AsyncClient, library: Library, cancellation: Body, refuse: Refuse
) -> None:
    """The reason has to exist in the library."""
    (request,) = requests_for(library, PAGED)
    body = await read_request(client, request) | cancellation | {"cancellationReasonId": NOTHING}
    (error,) = await refuse("PUT", f"{REQUESTS}/{request['id']}", body)
    assert error["parameters"] == [{"key": "cancellationReasonId", "value": NOTHING}]


async def test_closed_request_is_refused(client: httpx.AsyncClient, library: Library, refuse: Refuse) -> None:
    """A closed request cannot be changed, even if it is anonymized."""
    for request in [each for each in library.requests.values() if "position" not in each][:6]:
        errors = await refuse("PUT", f"{REQUESTS}/{request['id']}", await read_request(client, request))
        assert errors == [
            {
                "message": "The Request has already been closed",
                "parameters": [{"key": "id", "value": request["id"]}],
                "code": "REQUEST_ALREADY_CLOSED",
            }
        ]


async def test_update(client: httpx.AsyncClient, library: Library, circ_desk: str) -> None:
    """Service point and dates are replaced, absent fields removed; the queue stays."""
    request = requests_for(library, "2000000037")[0]
    body = await read_request(client, request)
    body |= {"pickupServicePointId": circ_desk, "requestExpirationDate": "2027-01-02T10:00:00+01:00"}
    body.pop("tags", None)
    response = await client.put(f"{REQUESTS}/{request['id']}", json=body)
    view = await read_request(client, request)

    assert response.status_code == 204
    assert view["requestExpirationDate"] == "2027-01-02T23:59:59.000+00:00"
    assert view["pickupServicePoint"]["name"] == "Circ Desk 1"
    assert "tags" not in view
    assert (view["status"], view["position"]) == ("Open - Not yet filled", 1)


@pytest.mark.parametrize("comments", ["Any edition", None])
async def test_patron_comments_stay(
    client: httpx.AsyncClient, library: Library, refuse: Refuse, comments: str | None
) -> None:
    """Comments of the patron that differ are refused, with those of the request."""
    request = requests_for(library, "2000000037")[0]
    request["patronComments"] = "First edition"
    body = await read_request(client, request) | {"patronComments": comments}
    (error,) = await refuse("PUT", f"{REQUESTS}/{request['id']}", body)

    assert error["message"] == "Patron comments are not allowed to change"
    assert error["parameters"] == [{"key": "existingPatronComments", "value": "First edition"}]


@pytest.mark.parametrize(("status", "position"), [("Open - In transit", 1), ("Closed - Unfilled", None)])
async def test_status_update(
    client: httpx.AsyncClient, library: Library, status: str, position: int | None
) -> None:
    """Any of the eight can be written; a closed one leaves the queue."""
    request = requests_for(library, "2000000037")[0]
    await client.put(
        f"{REQUESTS}/{request['id']}", json=await read_request(client, request) | {"status": status}
    )
    assert (request["status"], request.get("position")) == (status, position)


async def test_refused_service_points(client: httpx.AsyncClient, library: Library, refuse: Refuse) -> None:
    """A new service point has to exist, to be a pickup location and to be allowed by the policy."""
    request = requests_for(library, "2000000037")[0]
    film = requests_for(library, LENT_TWICE)[0]
    points = {point["name"]: key for key, point in library.service_points.items()}

    async def code_of(changed: Record, point: str | None) -> str | None:
        body = await read_request(client, changed) | {"pickupServicePointId": point}
        (error,) = await refuse("PUT", f"{REQUESTS}/{changed['id']}", body)
        code: str | None = error.get("code")
        return code

    assert await code_of(request, None) == "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT"
    assert await code_of(request, NOTHING) is None
    assert await code_of(request, points["Online"]) == "SERVICE_POINT_IS_NOT_PICKUP_LOCATION"
    assert await code_of(film, points["Circ Desk 1"]) == "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED"


async def test_invalid_requests(client: httpx.AsyncClient, library: Library, refuse: Refuse) -> None:
    """An unknown id is 404, an unknown status 400, a record without its instance 422."""
    request = requests_for(library, "2000000037")[0]
    body, path = await read_request(client, request), f"{REQUESTS}/{request['id']}"
    unknown = await client.put(f"{REQUESTS}/{NOTHING}", json=body)
    odd = await client.put(path, json=body | {"status": "Open - Somewhere"})
    (error,) = await refuse("PUT", path, body | {"instanceId": None})

    assert (unknown.status_code, unknown.text) == (404, f'request record with ID "{NOTHING}" cannot be found')
    assert odd.status_code == 400
    assert error["message"] == "Cannot create a request with no instance ID"

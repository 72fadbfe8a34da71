"""Requests from outside: an ordinary one here, one to be confirmed in the secure tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library, Sandbox
from gateway.sandbox.requests.mediated_requests import mediated_request_view

pytestmark = pytest.mark.anyio

EXTERNAL = "/circulation-bff/create-ecs-request-external"
CHOSEN = "22222222-2222-4222-8222-222222222222"
INACTIVE, MANUALLY_BLOCKED = "1000000006", "1000000003"

Body = dict[str, Any]
Refuse = Callable[..., Awaitable[list[Body]]]
Outside = Callable[..., Body]


@pytest.fixture(name="outside")
def _outside(request_body: Callable[..., Body]) -> Outside:
    """Build a body without a type, and with only the id of the item."""

    def outside(item: str = "2000000001", user: str = "1000000001", **more: object) -> Body:
        return request_body(item, user, requestType=None, instanceId=None, holdingsRecordId=None, **more)

    return outside


@pytest.mark.parametrize(
    ("item", "kind"), [("2000000001", "Page"), ("2000000037", "Recall"), ("2000000015", "Hold")]
)
async def test_first_allowed_type(
    client: httpx.AsyncClient, library: Library, outside: Outside, item: str, kind: str
) -> None:
    """The item is paged, else recalled, else held; its instance is looked up."""
    response = await client.post(EXTERNAL, json=outside(item))
    request = response.json()

    assert response.status_code == 201
    assert (request["requestType"], request["item"]["barcode"]) == (kind, item)
    assert request["instanceId"] in library.instances
    assert library.requests[request["id"]]["holdingsRecordId"] == request["holdingsRecordId"]
    assert "mediatedRequestStatus" not in request


async def test_secure_tenant(client: httpx.AsyncClient, library: Library, outside: Outside) -> None:
    """The request is a Page that awaits confirmation, and circulation has none yet."""
    library.secure = True
    before = len(library.requests)
    response = await client.post(EXTERNAL, json=outside("2000000037"))
    record = response.json()

    assert response.status_code == 201
    assert (record["requestType"], record["status"]) == ("Page", "New - Awaiting confirmation")
    assert record["mediatedRequestStatus"] == "New"
    assert record["instance"]["title"]
    assert mediated_request_view(library, library.mediated_requests[record["id"]]) == record
    assert len(library.requests) == before


async def test_no_tenant_is_secure_by_default(sandbox: Sandbox) -> None:
    """No tenant is secure by default."""
    assert [sandbox.library(tenant).secure for tenant in Sandbox.TENANTS] == [False, False]


async def test_refusals_of_circulation(outside: Outside, refuse: Refuse) -> None:
    """Blocks apply to every type; an item that allows no type is refused for the last one."""
    (blocked,) = await refuse("POST", EXTERNAL, outside("2000000015", MANUALLY_BLOCKED))
    (lost,) = await refuse("POST", EXTERNAL, outside("2000000024"))

    assert blocked["code"] == "USER_IS_BLOCKED_MANUALLY"
    assert lost["parameters"] == [{"key": "requestType", "value": "Hold"}]


async def test_missing_instance(outside: Outside, refuse: Refuse) -> None:
    """A title-level request requires the instance id."""
    (error,) = await refuse("POST", EXTERNAL, outside(requestLevel="Title", itemId=None))
    assert error["message"] == "Instance does not exist"


async def test_inactive_patrons_in_the_secure_tenant(
    library: Library, outside: Outside, refuse: Refuse
) -> None:
    """Nothing is saved for them."""
    library.secure = True
    (error,) = await refuse("POST", EXTERNAL, outside(user=INACTIVE))
    assert error["code"] == "100"


@pytest.mark.parametrize("name", ["requesterId", "requestLevel", "requestDate", "fulfillmentPreference"])
async def test_required_fields(client: httpx.AsyncClient, outside: Outside, name: str) -> None:
    """The BFF's framework rejects a body without them."""
    response = await client.post(EXTERNAL, json=outside() | {name: None})
    assert (response.status_code, response.json()["path"]) == (400, EXTERNAL)


async def test_id_of_the_body_is_ignored(
    client: httpx.AsyncClient, library: Library, outside: Outside, refuse: Refuse
) -> None:
    """The request has another id; a second one is refused only because the item is requested already."""
    response = await client.post(EXTERNAL, json=outside(id=CHOSEN))
    (error,) = await refuse("POST", EXTERNAL, outside(id=CHOSEN))

    assert response.status_code == 201
    assert response.json()["id"] in library.requests
    assert CHOSEN not in library.requests
    assert error["code"] == "ITEM_ALREADY_REQUESTED"


async def test_id_of_the_body_in_the_secure_tenant(
    client: httpx.AsyncClient, library: Library, outside: Outside
) -> None:
    """An unknown id is an error of the module, and a known one replaces the record, which is new again."""
    library.secure = True
    before = dict(library.mediated_requests)
    unknown = await client.post(EXTERNAL, json=outside(id=CHOSEN))
    assert (unknown.status_code, unknown.json()["error"]) == (500, "Internal Server Error")
    assert library.mediated_requests == before

    filled = next(each for each in before.values() if "confirmedRequestId" in each)
    again = await client.post(EXTERNAL, json=outside(id=filled["id"]))
    stored = library.mediated_requests[filled["id"]]
    assert (again.status_code, again.json()["id"]) == (201, filled["id"])
    assert (stored["status"], "confirmedRequestId" in stored) == ("New - Awaiting confirmation", False)
    assert stored["metadata"]["createdDate"] == filled["metadata"]["createdDate"]
    assert len(library.mediated_requests) == len(before)

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
INACTIVE, MANUALLY_BLOCKED = "1000000006", "1000000003"

Body = dict[str, Any]
Refused = Callable[..., Awaitable[list[Body]]]
Outside = Callable[..., Body]


@pytest.fixture(name="outside")
def _outside(wanted: Callable[..., Body]) -> Outside:
    """The body has no type, and of the copy only its id."""

    def outside(item: str = "2000000001", user: str = "1000000001", **more: object) -> Body:
        return wanted(item, user, requestType=None, instanceId=None, holdingsRecordId=None, **more)

    return outside


@pytest.mark.parametrize(
    ("item", "kind"), [("2000000001", "Page"), ("2000000037", "Recall"), ("2000000015", "Hold")]
)
async def test_the_first_type_that_is_possible(
    client: httpx.AsyncClient, library: Library, outside: Outside, item: str, kind: str
) -> None:
    """The copy is fetched, else called back, else waited for; its title is looked up."""
    answer = await client.post(EXTERNAL, json=outside(item))
    request = answer.json()

    assert answer.status_code == 201
    assert (request["requestType"], request["item"]["barcode"]) == (kind, item)
    assert request["instanceId"] in library.instances
    assert library.requests[request["id"]]["holdingsRecordId"] == request["holdingsRecordId"]
    assert "mediatedRequestStatus" not in request


async def test_the_secure_tenant(client: httpx.AsyncClient, library: Library, outside: Outside) -> None:
    """There it is a page that waits to be confirmed, and circulation knows nothing of it yet."""
    library.secure = True
    before = len(library.requests)
    answer = await client.post(EXTERNAL, json=outside("2000000037"))
    record = answer.json()

    assert answer.status_code == 201
    assert (record["requestType"], record["status"]) == ("Page", "New - Awaiting confirmation")
    assert record["mediatedRequestStatus"] == "New"
    assert record["instance"]["title"]
    assert mediated_request_view(library, library.mediated_requests[record["id"]]) == record
    assert len(library.requests) == before


async def test_secure_is_one_tenant_alone(sandbox: Sandbox) -> None:
    """No tenant is secure until it is told so."""
    assert [sandbox.library(tenant).secure for tenant in Sandbox.TENANTS] == [False, False]


async def test_what_circulation_refuses(outside: Outside, refused: Refused) -> None:
    """Blocks stand against every type; a copy that takes none is refused for the last one."""
    (blocked,) = await refused("POST", EXTERNAL, outside("2000000015", MANUALLY_BLOCKED))
    (lost,) = await refused("POST", EXTERNAL, outside("2000000024"))

    assert blocked["code"] == "USER_IS_BLOCKED_MANUALLY"
    assert lost["parameters"] == [{"key": "requestType", "value": "Hold"}]


async def test_a_title_that_is_not_named(outside: Outside, refused: Refused) -> None:
    """A request for a title leads nowhere without its id."""
    (error,) = await refused("POST", EXTERNAL, outside(requestLevel="Title", itemId=None))
    assert error["message"] == "Instance does not exist"


async def test_inactive_patrons_in_the_secure_tenant(
    library: Library, outside: Outside, refused: Refused
) -> None:
    """Nothing is saved for them."""
    library.secure = True
    (error,) = await refused("POST", EXTERNAL, outside(user=INACTIVE))
    assert error["code"] == "100"


@pytest.mark.parametrize("name", ["requesterId", "requestLevel", "requestDate", "fulfillmentPreference"])
async def test_fields_that_are_required(client: httpx.AsyncClient, outside: Outside, name: str) -> None:
    """The BFF's framework misses them."""
    answer = await client.post(EXTERNAL, json=outside() | {name: None})
    assert (answer.status_code, answer.json()["path"]) == (400, EXTERNAL)

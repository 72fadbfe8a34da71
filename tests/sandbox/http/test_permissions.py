"""The permission that each path for requests requires."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.anyio

KEY = "00000000-0000-4000-8000-000000000000"
PERMISSIONS = {
    "GET /circulation-bff/requests/allowed-service-points": (
        "circulation-bff.requests.allowed-service-points.get"
    ),
    "GET /circulation/requests/allowed-service-points": "circulation.requests.allowed-service-points.get",
    "POST /circulation-bff/requests": "circulation-bff.requests.post",
    "POST /circulation/requests": "circulation.requests.item.post",
    f"PUT /circulation/requests/{KEY}": "circulation.requests.item.put",
    f"POST /circulation/requests/{KEY}/move": "circulation.requests.item.move.post",
    f"POST /circulation/requests/queue/instance/{KEY}/reorder": (
        "circulation.requests.queue.instance-reorder.collection.post"
    ),
    f"POST /circulation/requests/queue/item/{KEY}/reorder": (
        "circulation.requests.queue.item-reorder.collection.post"
    ),
    "POST /circulation-bff/mediated-requests/confirm": "circulation-bff.confirm-mediated-request.execute",
    "POST /circulation-bff/batch-requests": "circulation-bff.batch-requests.item.post",
    "GET /circulation-bff/batch-requests": "circulation-bff.batch-request.collection.get",
    f"GET /circulation-bff/batch-requests/{KEY}": "circulation-bff.batch-request.item.get",
    f"GET /circulation-bff/batch-requests/{KEY}/details": (
        "circulation-bff.batch-request.details.collection.get"
    ),
    "POST /circulation-bff/create-ecs-request-external": "circulation-bff.ecs-request-external.item.post",
}


@pytest.mark.parametrize(("call", "permission"), PERMISSIONS.items())
async def test_missing_permission_is_named(client: httpx.AsyncClient, call: str, permission: str) -> None:
    """The response to a caller without permissions names the one that the path requires."""
    method, path = call.split()
    response = await client.request(method, path, headers={"X-Okapi-Token": "sandbox:nobody"})

    assert response.status_code == 403
    assert response.text.endswith(f"requires permission: {permission}")

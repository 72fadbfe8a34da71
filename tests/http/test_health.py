"""Health checks and version."""

import httpx
import pytest
from starlette.applications import Starlette

from gateway import __version__
from gateway.http.health import Readiness, health_routes

pytestmark = pytest.mark.anyio


async def get(readiness: Readiness, path: str) -> httpx.Response:
    app = Starlette(routes=health_routes(readiness))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/admin/health", "/admin/health/liveness"])
@pytest.mark.parametrize("ready", [True, False])
async def test_alive(ready: bool, path: str) -> None:
    """A running process is alive, ready or not."""
    response = await get(Readiness(ready=ready), path)

    assert (response.status_code, response.json()) == (200, {"status": "UP"})
    assert response.headers["cache-control"] == "no-store"


async def test_not_ready_at_first() -> None:
    """The process is not ready before startup is complete."""
    response = await get(Readiness(), "/admin/health/readiness")

    assert (response.status_code, response.json()) == (503, {"status": "DOWN"})


async def test_readiness_changes() -> None:
    """Readiness is evaluated for each request."""
    readiness = Readiness()

    readiness.ready = True
    response = await get(readiness, "/admin/health/readiness")

    assert (response.status_code, response.json()) == (200, {"status": "UP"})


async def test_version() -> None:
    """The running version is served."""
    response = await get(Readiness(), "/admin/info")

    assert (response.status_code, response.json()) == (
        200,
        {"name": "circulation-gateway", "version": __version__},
    )

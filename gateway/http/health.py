"""Health checks and version, for orchestrators and FOLIO."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.version import __version__

NAME = "circulation-gateway"


@dataclass(slots=True)
class Readiness:
    """The readiness of the process: false until startup is complete, and again from shutdown on."""

    ready: bool = False


def health_routes(readiness: Readiness) -> list[Route]:
    """Return the routes under `/admin`. They need no tenant, as in all FOLIO modules."""

    async def alive(_: Request) -> JSONResponse:
        return _json({"status": "UP"})

    async def ready(request: Request) -> JSONResponse:
        # The server sets it before it stops listening, and the lifespan ends only after that.
        draining = request.scope.get("state", {}).get("draining", False)
        if readiness.ready and not draining:
            return _json({"status": "UP"})
        return _json({"status": "DOWN"}, status=503)

    async def version(_: Request) -> JSONResponse:
        return _json({"name": NAME, "version": __version__})

    return [
        Route("/admin/health", alive),
        Route("/admin/health/liveness", alive),
        Route("/admin/health/readiness", ready),
        Route("/admin/info", version),
    ]


def _json(content: dict[str, str], *, status: int = 200) -> JSONResponse:
    return JSONResponse(content, status, {"Cache-Control": "no-store"})

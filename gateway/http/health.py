"""What orchestrators and FOLIO ask: alive, ready, which version."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway import __version__

NAME = "circulation-gateway"


@dataclass(slots=True)
class Readiness:
    """Whether new requests are welcome: off until everything is open, and off again before stopping."""

    ready: bool = False


def health_routes(readiness: Readiness) -> list[Route]:
    """Give the routes under `/admin`. They need no tenant, as everywhere in FOLIO."""

    async def alive(_: Request) -> JSONResponse:
        return _json({"status": "UP"})

    async def ready(request: Request) -> JSONResponse:
        # The server says that it drains before it stops listening, and the lifespan ends only after that.
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

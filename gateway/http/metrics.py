"""The metrics endpoint for Prometheus. It needs no tenant, as in all FOLIO modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:  # imported if metrics are enabled
    from gateway.observability.metrics import Metrics


def metrics_routes(metrics: Metrics | None) -> list[Route]:
    """Return the route `/metrics`, none without metrics."""
    if metrics is None:
        return []

    async def scrape(request: Request) -> Response:
        body, content_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    return [Route("/metrics", scrape)]

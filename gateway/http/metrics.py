"""What Prometheus asks. It needs no tenant, as everywhere in FOLIO."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:  # it is loaded where metrics are on
    from gateway.observability.metrics import Metrics


def metrics_routes(metrics: Metrics | None) -> list[Route]:
    """Give the route `/metrics`, or none where nothing is counted."""
    if metrics is None:
        return []

    async def scraped(request: Request) -> Response:
        body, content_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    return [Route("/metrics", scraped)]

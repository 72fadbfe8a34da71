"""Service points."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from gateway.sandbox.exchange import Exchange, without_nulls
from gateway.sandbox.library import Record, fields
from gateway.sandbox.shelf import METADATA, Shelf, collection, indexes

SERVICE_POINTS = Shelf(
    key="servicepoints",
    records=lambda library: library.service_points,
    indexes=indexes(
        "id name code discoveryDisplayName description shelvingLagTime pickupLocation "
        "holdShelfExpiryPeriod.duration holdShelfExpiryPeriod.intervalId "
        "holdShelfClosedLibraryDateManagement staffSlips.id staffSlips.printByDefault ecsRequestRouting "
        f"{METADATA}"
    ),
)
EVERY = collection(SERVICE_POINTS)
SUMMARY = fields("name code discoveryDisplayName description shelvingLagTime pickupLocation")


def service_points(exchange: Exchange) -> Response:
    """GET of many: routing points stay hidden unless asked for.

    mod-inventory-storage puts its condition before the caller's query without parentheses, so a top-level
    `or` escapes it; so it does here.
    """
    if exchange.query.get("includeRoutingServicePoints", "").lower() == "true":
        return EVERY(exchange)
    asked = exchange.query.get("query", "").strip() or "cql.allRecords=1"
    hiding = f"cql.allRecords=1 NOT ecsRequestRouting=true and {asked}"
    return EVERY(replace(exchange, query={**exchange.query, "query": hiding}))


def summary(service_point: Record | None, *, with_dates: bool = False) -> Record | None:
    """What loans and requests embed; it has no id."""
    if service_point is None:
        return None
    names = [*SUMMARY, "holdShelfClosedLibraryDateManagement"] if with_dates else SUMMARY
    return without_nulls({name: service_point.get(name) for name in names})

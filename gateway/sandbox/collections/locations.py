"""Locations and the libraries, campuses and institutions they belong to."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.endpoints import list_endpoint
from gateway.sandbox.http.request import HttpRequest, omit_nulls
from gateway.sandbox.library import Library, Record, split_names

LOCATIONS = Collection(
    key="locations",
    records=lambda library: library.locations,
    indexes=index_names(
        "id name code description discoveryDisplayName isActive institutionId campusId libraryId "
        f"primaryServicePoint servicePointIds details.* tags tags.tagList {METADATA}"
    ),
)
INSTITUTIONS = Collection(
    key="locinsts",
    records=lambda library: library.institutions,
    indexes=index_names(f"id name code {METADATA}"),
)
CAMPUSES = Collection(
    key="loccamps",
    records=lambda library: library.campuses,
    indexes=index_names(f"id name code institutionId {METADATA}"),
)
LIBRARIES = Collection(
    key="loclibs",
    records=lambda library: library.libraries,
    indexes=index_names(f"id name code campusId {METADATA}"),
)


def get_library_name(library: Library, location: Record) -> str | None:
    name: str | None = library.libraries.get(location.get("libraryId", ""), {}).get("name")
    return name


def is_served_by(location: Record, service_point_id: str) -> bool:
    """Whether a service point shelves this location itself."""
    served = [location.get("primaryServicePoint"), *location.get("servicePointIds", [])]
    return service_point_id in served or served == [None]


SERVICE_POINTS = Collection(
    key="servicepoints",
    records=lambda library: library.service_points,
    indexes=index_names(
        "id name code discoveryDisplayName description shelvingLagTime pickupLocation "
        "holdShelfExpiryPeriod.duration holdShelfExpiryPeriod.intervalId "
        "holdShelfClosedLibraryDateManagement staffSlips.id staffSlips.printByDefault ecsRequestRouting "
        f"{METADATA}"
    ),
)


list_service_points = list_endpoint(SERVICE_POINTS)


SUMMARY_FIELDS = split_names("name code discoveryDisplayName description shelvingLagTime pickupLocation")


def read_service_points(http_request: HttpRequest) -> Response:
    """GET of many: routing points stay hidden unless asked for.

    mod-inventory-storage puts its condition before the caller's query without parentheses, so a top-level
    `or` escapes it; so it does here.
    """
    if http_request.query.get("includeRoutingServicePoints", "").lower() == "true":
        return list_service_points(http_request)
    asked = http_request.query.get("query", "").strip() or "cql.allRecords=1"
    hiding = f"cql.allRecords=1 NOT ecsRequestRouting=true and {asked}"
    return list_service_points(replace(http_request, query={**http_request.query, "query": hiding}))


def service_point_summary(service_point: Record | None, *, with_dates: bool = False) -> Record | None:
    """What loans and requests embed; it has no id."""
    if service_point is None:
        return None
    names = [*SUMMARY_FIELDS, "holdShelfClosedLibraryDateManagement"] if with_dates else SUMMARY_FIELDS
    return omit_nulls({name: service_point.get(name) for name in names})

"""Locations, with their libraries, campuses and institutions, and service points."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.endpoints import list_endpoint
from gateway.sandbox.http.request import Endpoint, HttpRequest, omit_nulls
from gateway.sandbox.library import Library, Record, split_names

LOCATIONS = Collection(
    key="locations",
    forwards_total=True,
    records=lambda library: library.locations,
    indexes=index_names(
        "id name code description discoveryDisplayName isActive isShadow institutionId campusId libraryId "
        f"primaryServicePoint servicePointIds details.* tags tags.tagList {METADATA}"
    ),
)
INSTITUTIONS = Collection(
    key="locinsts",
    forwards_total=True,
    records=lambda library: library.institutions,
    indexes=index_names(f"id name code isShadow {METADATA}"),
)
CAMPUSES = Collection(
    key="loccamps",
    forwards_total=True,
    records=lambda library: library.campuses,
    indexes=index_names(f"id name code isShadow institutionId {METADATA}"),
)
LIBRARIES = Collection(
    key="loclibs",
    forwards_total=True,
    records=lambda library: library.libraries,
    indexes=index_names(f"id name code isShadow campusId {METADATA}"),
)


def list_with_shadows(collection: Collection, parameter: str) -> Endpoint:
    """Create the endpoint of a list in which shadow records are hidden unless a parameter requests them."""
    own = replace(
        collection,
        records=lambda library: {
            key: each for key, each in collection.records(library).items() if not each.get("isShadow")
        },
    )
    list_all, list_own = list_endpoint(collection), list_endpoint(own)

    def list_records(http_request: HttpRequest) -> Response:
        is_complete = http_request.query.get(parameter, "").lower() == "true"
        return (list_all if is_complete else list_own)(http_request)

    return list_records


def get_library_name(library: Library, location: Record) -> str | None:
    name: str | None = library.libraries.get(location.get("libraryId", ""), {}).get("name")
    return name


def is_served_by(location: Record, service_point_id: str) -> bool:
    """True if the service point serves this location."""
    service_point_ids = [location.get("primaryServicePoint"), *location.get("servicePointIds", [])]
    return service_point_id in service_point_ids or service_point_ids == [None]


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
    """GET many service points; routing points are hidden unless requested.

    mod-inventory-storage puts its condition before the caller's query without parentheses, so a top-level
    `or` escapes it; the sandbox does the same.
    """
    if http_request.query.get("includeRoutingServicePoints", "").lower() == "true":
        return list_service_points(http_request)
    query = http_request.query.get("query", "").strip() or "cql.allRecords=1"
    restricted = f"cql.allRecords=1 NOT ecsRequestRouting=true and {query}"
    return list_service_points(replace(http_request, query={**http_request.query, "query": restricted}))


def service_point_summary(service_point: Record | None, *, with_dates: bool = False) -> Record | None:
    """Render a service point as loans and requests embed it, without an id."""
    if service_point is None:
        return None
    names = [*SUMMARY_FIELDS, "holdShelfClosedLibraryDateManagement"] if with_dates else SUMMARY_FIELDS
    return omit_nulls({name: service_point.get(name) for name in names})

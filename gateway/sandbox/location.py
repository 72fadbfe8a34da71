"""Locations and the libraries, campuses and institutions they belong to."""

from __future__ import annotations

from gateway.sandbox.library import Library, Record
from gateway.sandbox.shelf import METADATA, Shelf, indexes

LOCATIONS = Shelf(
    key="locations",
    records=lambda library: library.locations,
    indexes=indexes(
        "id name code description discoveryDisplayName isActive institutionId campusId libraryId "
        f"primaryServicePoint servicePointIds details.* tags tags.tagList {METADATA}"
    ),
)
INSTITUTIONS = Shelf(
    key="locinsts",
    records=lambda library: library.institutions,
    indexes=indexes(f"id name code {METADATA}"),
)
CAMPUSES = Shelf(
    key="loccamps",
    records=lambda library: library.campuses,
    indexes=indexes(f"id name code institutionId {METADATA}"),
)
LIBRARIES = Shelf(
    key="loclibs",
    records=lambda library: library.libraries,
    indexes=indexes(f"id name code campusId {METADATA}"),
)


def library_name(library: Library, location: Record) -> str | None:
    name: str | None = library.libraries.get(location.get("libraryId", ""), {}).get("name")
    return name


def is_home(location: Record, service_point_id: str) -> bool:
    """Whether a service point shelves this location itself."""
    served = [location.get("primaryServicePoint"), *location.get("servicePointIds", [])]
    return service_point_id in served or served == [None]

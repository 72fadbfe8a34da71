"""Locations and the libraries, campuses and institutions above them, and the queries that start there."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import SortDirection, condition
from gateway.fields.enums import member
from gateway.fields.link import link, links
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.fields.scalars import JSON
from gateway.schema.metadata import Metadata
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.service_point import ServicePoint


@strawberry.type(description="The whole that campuses belong to, such as a university.")
class Institution:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("A short name.")
    is_shadow: bool | None = field(
        "Whether it only mirrors an institution of another library of the consortium."
    )
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A part of an institution, with libraries of its own.")
class Campus:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("A short name.")
    institution: Institution | None = link(
        "The institution that it is part of.", loader="institution", key="institutionId"
    )
    is_shadow: bool | None = field("Whether it only mirrors a campus of another library of the consortium.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A library of a campus, with locations of its own.")
class Library:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("A short name.")
    campus: Campus | None = link("The campus that it is part of.", loader="campus", key="campusId")
    is_shadow: bool | None = field("Whether it only mirrors another library of the consortium.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A place where items are kept, such as a reading room or a stack.")
class Location:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("A short name, often with those of library, campus and institution before it.")
    description: str | None = field("What the place is.")
    discovery_display_name: str | None = field("The name that patrons see.")
    is_active: bool | None = field("False for a place that is no longer used.")
    institution: Institution | None = link(
        "The institution that it belongs to.", loader="institution", key="institutionId"
    )
    campus: Campus | None = link("The campus that it belongs to.", loader="campus", key="campusId")
    library: Library | None = link("The library that it belongs to.", loader="library", key="libraryId")
    primary_service_point: Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None = (
        link(
            "The service point that items of this place are brought to.",
            loader="service_point",
            key="primaryServicePoint",
        )
    )
    service_points: (
        list[Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None] | None
    ) = links("Every service point that serves this place.", loader="service_point", key="servicePointIds")
    is_floating_collection: bool | None = field(
        "Whether items stay wherever they were returned and travel nowhere."
    )
    is_shadow: bool | None = field("Whether it only mirrors a place of another library of the consortium.")
    details: JSON | None = field("What the library itself keeps about the place, by its own keys.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A page of locations.")
class LocationConnection(Connection[Location]):
    pass


@strawberry.input(
    description="Which locations. All conditions must hold. Places in use: `{ isActive: true }`."
)
class LocationFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    name: list[str] | None = condition("Any of these names.", "name", arguments.exact)
    code: list[str] | None = condition("Any of these short names.", "code", arguments.exact)
    is_active: bool | None = condition("Places in use, or the others.", "isActive", arguments.flag)
    institution_id: list[strawberry.ID] | None = condition(
        "In any of these institutions.", "institutionId", arguments.ids
    )
    campus_id: list[strawberry.ID] | None = condition("On any of these campuses.", "campusId", arguments.ids)
    library_id: list[strawberry.ID] | None = condition(
        "In any of these libraries.", "libraryId", arguments.ids
    )
    primary_service_point_id: list[strawberry.ID] | None = condition(
        "Brought to any of these service points.", "primaryServicePoint", arguments.ids
    )


@strawberry.enum(description="What locations can be sorted by.")
class LocationSortField(Enum):
    NAME = member("name", "The name.")
    CODE = member("code", "The short name.")


@strawberry.input(
    description="One key to sort locations by; of several, the first counts most. "
    "The last first: `{ field: NAME, direction: DESCENDING }`."
)
class LocationSort:
    field: LocationSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )


QUERIES = [
    root(
        "location",
        Location,
        lookup("One location. Null when there is none.", id=("location", "The id, a UUID.")),
    ),
    root(
        "locations",
        LocationConnection,
        connection(
            "Locations, a page at a time.",
            ask=lambda upstream: upstream.inventory.locations,
            filter=LocationFilter,
            sort=LocationSort,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]

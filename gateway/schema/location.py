"""Locations with their libraries, campuses and institutions, and their root fields."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.link import link, links
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import lookup, root
from gateway.fields.scalars import JSON
from gateway.schema import filters
from gateway.schema.enums import member
from gateway.schema.filters import SortDirection
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.service_point import ServicePoint


@strawberry.type(description="An institution with campuses, such as a university.")
class Institution:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("The code.")
    is_shadow: bool | None = field("True if it mirrors an institution of another library of the consortium.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A part of an institution, with libraries.")
class Campus:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("The code.")
    institution: Institution | None = link(
        "The institution that the campus belongs to.", loader="institution", key="institutionId"
    )
    is_shadow: bool | None = field("True if it mirrors a campus of another library of the consortium.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A library of a campus, with locations.")
class Library:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("The code.")
    campus: Campus | None = link("The campus that the library belongs to.", loader="campus", key="campusId")
    is_shadow: bool | None = field("True if it mirrors another library of the consortium.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A place for items, such as a reading room or a stack.")
class Location:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("The code, often prefixed with those of library, campus and institution.")
    description: str | None = field("A description of the location.")
    discovery_display_name: str | None = field("The name shown to patrons.")
    is_active: bool | None = field("False if the location is no longer in use.")
    institution: Institution | None = link(
        "The institution of the location.", loader="institution", key="institutionId"
    )
    campus: Campus | None = link("The campus of the location.", loader="campus", key="campusId")
    library: Library | None = link("The library of the location.", loader="library", key="libraryId")
    primary_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The service point that items of this location are returned to.",
        loader="service_point",
        key="primaryServicePoint",
    )
    service_points: (
        list[Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None] | None
    ) = links("All service points that serve this location.", loader="service_point", key="servicePointIds")
    is_floating_collection: bool | None = field("True if items stay at the location of their return.")
    is_shadow: bool | None = field("True if it mirrors a location of another library of the consortium.")
    details: JSON | None = field("Additional values that the library defines.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of locations.")
class LocationConnection(Connection[Location]):
    pass


@strawberry.input(
    description="Conditions on locations. All must hold. Active locations: `{ isActive: true }`."
)
class LocationFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    name: list[str] | None = condition("Any of these names.", "name", filters.exact)
    code: list[str] | None = condition("Any of these codes.", "code", filters.exact)
    is_active: bool | None = condition(
        "True for active locations, false for the others.", "isActive", filters.flag
    )
    is_shadow: bool | None = condition(
        "True for locations of other libraries of the consortium, false for the library's own.",
        "isShadow",
        filters.flag,
    )
    institution_id: list[strawberry.ID] | None = condition(
        "Ids of institutions.", "institutionId", filters.ids
    )
    campus_id: list[strawberry.ID] | None = condition("Ids of campuses.", "campusId", filters.ids)
    library_id: list[strawberry.ID] | None = condition("Ids of libraries.", "libraryId", filters.ids)
    primary_service_point_id: list[strawberry.ID] | None = condition(
        "Ids of primary service points.", "primaryServicePoint", filters.ids
    )


@strawberry.enum(description="Sort keys for locations.")
class LocationSortField(Enum):
    NAME = member("name", "The name.")
    CODE = member("code", "The code.")


@strawberry.input(
    description="One sort key for locations; of several, the first takes precedence. Reverse order: `{ "
    "field: NAME, direction: DESCENDING }`."
)
class LocationSort:
    field: LocationSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )


QUERIES = [
    root(
        "location",
        Location,
        lookup("One location. Null if it does not exist.", id=("location", strawberry.ID, "The id, a UUID.")),
    ),
    root(
        "locations",
        LocationConnection,
        connection(
            "A page of locations, also of other libraries of the consortium, unless `isShadow` is false.",
            collection="inventory.locations",
            filter=LocationFilter,
            sort=LocationSort,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]

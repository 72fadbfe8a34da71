"""Service points, and the queries that start at them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import SortDirection, condition
from gateway.fields.enums import member
from gateway.fields.link import link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, connection, connection_link, full_list_link
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.loaders.loan import OPEN_LOANS
from gateway.loaders.request import OPEN_REQUESTS
from gateway.schema.enums import HoldShelfClosedLibraryDateManagement, IntervalId
from gateway.schema.loan_search import LoanFilter, LoanSort
from gateway.schema.metadata import Metadata
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.schema.staff_slip_template import StaffSlipTemplate
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.loan import LoanConnection
    from gateway.schema.request import RequestConnection
    from gateway.schema.staff_slip import StaffSlipList

# What requests embed of a service point, and loans, which know one member more.
REQUEST_SUMMARY_MEMBERS = (
    "name",
    "code",
    "discoveryDisplayName",
    "description",
    "shelvingLagTime",
    "pickupLocation",
)
SUMMARY_MEMBERS = (*REQUEST_SUMMARY_MEMBERS, "holdShelfClosedLibraryDateManagement")


@strawberry.type(description="How long an item waits on the hold shelf.")
class HoldShelfExpiryPeriod:
    duration: int | None = field("How many of the unit.")
    interval_id: IntervalId | None = field("The unit.")


@strawberry.type(description="Whether a service point prints a kind of staff slip unasked.")
class ServicePointStaffSlip:
    id: strawberry.ID | None = field("Which kind of slip: an id of FOLIO's staff slips.")
    template: StaffSlipTemplate | None = link(
        "The kind of slip, and what it looks like.", loader="staff_slip_template", key="id"
    )
    print_by_default: bool | None = field("Whether it is printed unasked.")


@strawberry.type(description="A desk where items are lent, returned or picked up.")
class ServicePoint:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("A short name.")
    discovery_display_name: str | None = field("The name that patrons see.")
    description: str | None = field("What the service point is.")
    shelving_lag_time: int | None = field("Minutes until a returned item is back on its shelf.")
    pickup_location: bool | None = field("Whether requested items can be picked up here.")
    hold_shelf_expiry_period: HoldShelfExpiryPeriod | None = field(
        "How long items wait on the hold shelf. Null where nothing can be picked up."
    )
    hold_shelf_closed_library_date_management: HoldShelfClosedLibraryDateManagement | None = field(
        "What happens when the wait on the hold shelf would end on a closed day."
    )
    staff_slips: list[ServicePointStaffSlip | None] | None = field("Which slips are printed here by default.")
    ecs_request_routing: bool | None = field(
        "Whether it only routes requests between the libraries of a consortium and is no desk."
    )
    metadata: Metadata | None = field("Who made the record and when.")
    pick_slips: Annotated[StaffSlipList, strawberry.lazy("gateway.schema.staff_slip")] | None = (
        full_list_link(
            "What is to be fetched from the shelves near here. One upstream call for each service point.",
            loader="pick_slips",
        )
    )
    search_slips: Annotated[StaffSlipList, strawberry.lazy("gateway.schema.staff_slip")] | None = (
        full_list_link(
            "What is to be looked for on the shelves near here, for holds. One upstream call for each.",
            loader="search_slips",
        )
    )
    open_loans: Annotated[LoanConnection, strawberry.lazy("gateway.schema.loan")] | None = connection_link(
        "What was lent here and is still out.",
        loader="loans_of_service_point",
        within=OPEN_LOANS,
        filter=LoanFilter,
        sort=LoanSort,
        default_sort=[cql.SortKey("dueDate")],
    )
    pickup_requests: Annotated[RequestConnection, strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "Open requests that are to be picked up here.",
            loader="requests_of_service_point",
            within=OPEN_REQUESTS,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=[cql.SortKey("requestDate")],
        )
    )


@strawberry.type(description="A page of service points.")
class ServicePointConnection(Connection[ServicePoint]):
    pass


@strawberry.input(
    description="Which service points. All conditions must hold. "
    "Where patrons pick up: `{ pickupLocation: true }`."
)
class ServicePointFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    name: list[str] | None = condition("Any of these names.", "name", arguments.exact)
    code: list[str] | None = condition("Any of these short names.", "code", arguments.exact)
    pickup_location: bool | None = condition(
        "Where requested items can be picked up, or the others.", "pickupLocation", arguments.flag
    )


@strawberry.enum(description="What service points can be sorted by.")
class ServicePointSortField(Enum):
    NAME = member("name", "The name.")
    CODE = member("code", "The short name.")


@strawberry.input(
    description="One key to sort service points by; of several, the first counts most. "
    "The last first: `{ field: NAME, direction: DESCENDING }`."
)
class ServicePointSort:
    field: ServicePointSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )


QUERIES = [
    root(
        "service_point",
        ServicePoint,
        lookup("One service point. Null when there is none.", id=("service_point", "The id, a UUID.")),
    ),
    root(
        "service_points",
        ServicePointConnection,
        connection(
            "Service points, a page at a time; those that only route requests of a consortium included.",
            ask=lambda upstream: upstream.inventory.service_points,
            filter=ServicePointFilter,
            sort=ServicePointSort,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]

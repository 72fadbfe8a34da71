"""Service points and their root fields."""

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.link import link
from gateway.fields.page import connection, connection_link, full_list_link
from gateway.fields.record import field
from gateway.fields.root import lookup, root
from gateway.loaders.loan import OPEN_LOANS
from gateway.loaders.request import OPEN_REQUESTS
from gateway.schema import filters
from gateway.schema.enums import HoldShelfClosedLibraryDateManagement, IntervalId, member, upstream_text
from gateway.schema.filters import SortDirection
from gateway.schema.loan_search import LoanFilter, LoanSort
from gateway.schema.metadata import Metadata
from gateway.schema.opening import SingleDayOpening, SurroundingOpenings, openings, surrounding_openings
from gateway.schema.page import Connection
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.schema.staff_slip_template import StaffSlipTemplate
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.circulation_report import HoldShelfClearance
    from gateway.schema.loan import LoanConnection
    from gateway.schema.request import RequestConnection
    from gateway.schema.staff_slip import StaffSlipList

# Service point members embedded in requests, and in loans, which embed one more.
REQUEST_SUMMARY_MEMBERS = (
    "name!",
    "code!",
    "discoveryDisplayName!",
    "description",
    "shelvingLagTime",
    "pickupLocation",
)
SUMMARY_MEMBERS = (*REQUEST_SUMMARY_MEMBERS, "holdShelfClosedLibraryDateManagement")


def embedded_summary(summary: str, members: Iterable[str]) -> dict[str, str]:
    """Return the members of a service point embedded in a loan or a request (by mod-circulation)."""
    return {member: f"{summary}.{member.removesuffix('!')}" for member in members}


@strawberry.type(description="The time an item stays on the hold shelf.")
class HoldShelfExpiryPeriod:
    duration: int | None = field("The number of units.")
    interval_id: IntervalId | None = field("The unit.")
    interval_id_text: str | None = upstream_text("intervalId")


@strawberry.type(description="The default printing of a staff slip at a service point.")
class ServicePointStaffSlip:
    id: strawberry.ID | None = field("The id of the FOLIO staff slip.")
    template: StaffSlipTemplate | None = link(
        "The template of the slip.", loader="staff_slip_template", key="id"
    )
    print_by_default: bool | None = field("True if the slip is printed by default.")


@strawberry.type(description="A desk for check-out, check-in or pickup.")
class ServicePoint:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("The code.")
    discovery_display_name: str | None = field("The name shown to patrons.")
    description: str | None = field("A description of the service point.")
    shelving_lag_time: int | None = field("The minutes until a returned item is back on its shelf.")
    pickup_location: bool | None = field("True if requested items can be picked up here.")
    default_check_in_action_for_use_at_location: str | None = field(
        "The default action at check-in of an item for use at the location, such as `Ask for action`. Null "
        "in older versions of FOLIO."
    )
    hold_shelf_expiry_period: HoldShelfExpiryPeriod | None = field(
        "The time an item stays on the hold shelf. Null if there is no pickup here."
    )
    hold_shelf_closed_library_date_management: HoldShelfClosedLibraryDateManagement | None = field(
        "The treatment of a hold shelf expiration date on a closed day."
    )
    hold_shelf_closed_library_date_management_text: str | None = upstream_text(
        "holdShelfClosedLibraryDateManagement"
    )
    staff_slips: list[ServicePointStaffSlip | None] | None = field("The slips printed here by default.")
    ecs_request_routing: bool | None = field(
        "True if it only routes requests between libraries of a consortium and is not a desk."
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    pick_slips: Annotated["StaffSlipList", strawberry.lazy("gateway.schema.staff_slip")] | None = (
        full_list_link(
            "The items to retrieve from shelves near this service point. One upstream call per service "
            "point.",
            loader="pick_slips",
        )
    )
    search_slips: Annotated["StaffSlipList", strawberry.lazy("gateway.schema.staff_slip")] | None = (
        full_list_link(
            "The items to search for on shelves near this service point, for holds. One upstream call "
            "per service point.",
            loader="search_slips",
        )
    )
    hold_shelf_clearance: (
        Annotated["HoldShelfClearance", strawberry.lazy("gateway.schema.circulation_report")] | None
    ) = full_list_link(
        "The closed requests whose items are to be cleared from the hold shelf here. One upstream call per "
        "service point.",
        loader="hold_shelf_clearance",
    )
    surrounding_openings: SurroundingOpenings | None = surrounding_openings(
        "The opening hours on a day, and on the open days next to it. One upstream call per service point."
    )
    openings: list[SingleDayOpening | None] | None = openings(
        "The opening hours of a range of days, by date. One upstream call per service point."
    )
    open_loans: Annotated["LoanConnection", strawberry.lazy("gateway.schema.loan")] | None = connection_link(
        "The open loans checked out here.",
        loader="loans_of_service_point",
        within=OPEN_LOANS,
        filter=LoanFilter,
        sort=LoanSort,
        default_sort=[cql.SortKey("dueDate")],
    )
    pickup_requests: Annotated["RequestConnection", strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "The open requests with pickup here.",
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
    description="Conditions on service points. All must hold. With pickup: `{ pickupLocation: true }`."
)
class ServicePointFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    name: list[str] | None = condition("Any of these names.", "name", filters.exact)
    code: list[str] | None = condition("Any of these codes.", "code", filters.exact)
    pickup_location: bool | None = condition(
        "True for service points with pickup, false for the others.", "pickupLocation", filters.flag
    )


@strawberry.enum(description="Sort keys for service points.")
class ServicePointSortField(Enum):
    NAME = member("name", "The name.")
    CODE = member("code", "The code.")


@strawberry.input(
    description="One sort key for service points; of several, the first takes precedence. Reverse order: "
    "`{ field: NAME, direction: DESCENDING }`."
)
class ServicePointSort:
    field: ServicePointSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )


QUERIES = [
    root(
        "service_point",
        ServicePoint,
        lookup(
            "One service point. Null if it does not exist.",
            id=("service_point", strawberry.ID, "The id, a UUID."),
        ),
    ),
    root(
        "service_points",
        ServicePointConnection,
        connection(
            "A page of service points, including those that only route requests of a consortium.",
            collection="inventory.service_points",
            filter=ServicePointFilter,
            sort=ServicePointSort,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]

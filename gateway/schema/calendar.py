"""Calendars, from which the opening hours of service points follow, and their root field."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import strawberry
from graphql import FieldNode

from gateway import errors
from gateway.context import Context
from gateway.fields.arguments import argument, check_uuid
from gateway.fields.base import Arguments, Cost, Declared, Selected
from gateway.fields.link import links
from gateway.fields.page import PAGE_ARGUMENTS, PagedField, PageRequest
from gateway.fields.record import field
from gateway.fields.root import RootField, root
from gateway.fields.scalars import Date
from gateway.loaders.loader_set import Calls
from gateway.loaders.pages import Slice, page_of
from gateway.schema.enums import member, unknown_member, upstream_text
from gateway.schema.metadata import Metadata
from gateway.schema.opening import check_order
from gateway.schema.page import Connection
from gateway.upstream.services import ListsFrom

if TYPE_CHECKING:
    from gateway.schema.service_point import ServicePoint


@strawberry.enum(description="A day of the week.")
class Weekday(Enum):
    SUNDAY = member("SUNDAY", "Sunday.")
    MONDAY = member("MONDAY", "Monday.")
    TUESDAY = member("TUESDAY", "Tuesday.")
    WEDNESDAY = member("WEDNESDAY", "Wednesday.")
    THURSDAY = member("THURSDAY", "Thursday.")
    FRIDAY = member("FRIDAY", "Friday.")
    SATURDAY = member("SATURDAY", "Saturday.")
    UNKNOWN = unknown_member()


@strawberry.type(
    description="Hours of every week. From Monday to Friday means open without a break from the one to the "
    "other; five days with the same hours are five of these."
)
class NormalHours:
    start_day: Weekday | None = field("The day on which the service point opens.")
    start_day_text: str | None = upstream_text("startDay")
    start_time: str | None = field("The time on that day, such as `09:00:00`, at the service point.")
    end_day: Weekday | None = field("The day on which it closes.")
    end_day_text: str | None = upstream_text("endDay")
    end_time: str | None = field("The last minute in which it is open on that day, in the same form.")


@strawberry.type(description="Hours within an exception.")
class ExceptionalOpening:
    start_date: Date | None = field("The day on which the service point opens.")
    start_time: str | None = field("The time on that day, such as `09:00:00`, at the service point.")
    end_date: Date | None = field("The day on which it closes.")
    end_time: str | None = field("The last minute in which it is open on that day, in the same form.")


@strawberry.type(description="Days on which the normal hours do not apply.")
class CalendarException:
    name: str | None = field("The name, such as `Winter closure`.")
    start_date: Date | None = field("The first day.")
    end_date: Date | None = field("The last day.")
    openings: list[ExceptionalOpening | None] | None = field(
        "The hours that apply instead. Empty for a closure."
    )


@strawberry.type(
    description="The hours of one or more service points from one day to another. A service point has at "
    "most one calendar for a day."
)
class Calendar:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    start_date: Date | None = field("The first day on which it applies.")
    end_date: Date | None = field("The last day on which it applies.")
    service_points: (
        list[Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None] | None
    ) = links(
        "The service points it is assigned to. Their ids cost no upstream call.",
        loader="service_point",
        key="assignments",
    )
    normal_hours: list[NormalHours | None] | None = field("The hours of every week, in no certain order.")
    exceptions: list[CalendarException | None] | None = field(
        "The exceptions from the normal hours, in no certain order."
    )
    metadata: Metadata | None = field(
        "The dates and users of the creation and the last change. Upstream records no user names."
    )


@strawberry.type(description="A page of calendars.")
class CalendarConnection(Connection[Calendar]):
    pass


@strawberry.input(
    description="Conditions on calendars. All must hold. Those that apply on a day: `{ from: "
    '"2026-12-23", to: "2026-12-23" }`.'
)
class CalendarFilter:
    id: list[strawberry.ID] | None = strawberry.field(default=None, description="Any of these ids.")
    service_point_id: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Calendars of any of these service points."
    )
    from_: Date | None = strawberry.field(
        name="from",
        default=None,
        description="Calendars that apply on this day or later, such as `2026-12-21`.",
    )
    to: Date | None = strawberry.field(
        default=None, description="Calendars that apply on this day or earlier, such as `2026-12-31`."
    )


class CalendarsRequest(NamedTuple):
    """A page, and the parameters of upstream's search."""

    page: PageRequest
    query: list[tuple[str, str]]


class Calendars(PagedField, RootField):
    """The calendars that match parameters: mod-calendar has no CQL and no sort order but its own."""

    def parse(
        self, arguments: Arguments, selected: Selected
    ) -> Any:  # another type than that of `PagedField`
        window = {name: value for name, value in arguments.items() if name != "filter"}
        return CalendarsRequest(super().parse(window, selected), _query_of(arguments.get("filter")))

    async def start(
        self, context: Context, request: CalendarsRequest, selected: Selected, *, is_alone: bool = False
    ) -> Slice:
        """Read a page. Raises `LimitExceeded`."""
        page, query = request
        page.check(context)
        window, calendars = page.window, context.upstream.calendars.calendars(query)
        length = calendars.request_line_length("", limit=window.limit, offset=window.offset)
        maximum = context.limits.max_request_line
        if length > maximum:
            raise errors.query_too_long("`filter` makes", length, maximum)
        return await page_of(calendars, None, (), window)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(1, rows=rows)

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        return (("calendars.calendars",),)


def _query_of(filter: CalendarFilter | None) -> list[tuple[str, str]]:
    """Return the parameters of upstream's search. Raises `BadUserInput`."""
    if filter is None:
        return []
    query = [
        *(("id", each) for each in _ids("id", filter.id)),
        *(("servicePointId", each) for each in _ids("servicePointId", filter.service_point_id)),
    ]
    if filter.from_ is not None and filter.to is not None:
        check_order(filter.from_, filter.to)
    days = (("startDate", filter.from_), ("endDate", filter.to))
    return [*query, *((name, day.isoformat()) for name, day in days if day is not None)]


def _ids(name: str, ids: list[strawberry.ID] | None) -> list[str]:
    if ids is not None and not ids:
        raise errors.BadUserInput(f"`{name}` must not be empty; omit it to read all records.")
    return [check_uuid(each, name) for each in ids or ()]


def _calendars(description: str) -> Declared:
    declared = Calendars(description=description)
    declared.arguments = [
        argument("filter", CalendarFilter | None, "The conditions."),
        *PAGE_ARGUMENTS,
    ]
    return declared


QUERIES = [
    root(
        "calendars",
        CalendarConnection,
        _calendars("A page of the calendars of service points, in the order of their first days."),
    ),
]

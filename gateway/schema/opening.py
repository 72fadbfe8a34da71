"""The opening hours of a service point: of a day, of the open days next to it, and of a range of days.

All dates and times are those of a clock at the service point; upstream sends neither zone nor offset.
"""

from typing import NamedTuple

import strawberry
from graphql import FieldNode

from gateway import errors
from gateway.context import Context
from gateway.fields.arguments import argument
from gateway.fields.base import Arguments, Cost, Declared, Json, Load, Selected
from gateway.fields.link import ComputedLink
from gateway.fields.record import field
from gateway.fields.scalars import Date
from gateway.loaders.calendar import Day, Days

MAX_DAYS = 366  # a leap year; upstream computes each day of a range


@strawberry.type(description="A time range in which a service point is open.")
class SingleDayOpeningRange:
    start_time: str | None = field(
        "The time the service point opens, such as `09:00:00`: a wall-clock time at the service point, in "
        "the time zone of the library. It is not converted."
    )
    end_time: str | None = field(
        "The last minute in which it is open, in the same form. A day that is open until midnight ends at "
        "`23:59:00`."
    )


@strawberry.type(description="The opening hours of a service point on one day.")
class SingleDayOpening:
    date: Date | None = field("The day.")
    open: bool | None = field("True if the service point is open at some time of the day.")
    all_day: bool | None = field("True if it is open, or closed, for the entire day; see `open`.")
    exceptional: bool | None = field("True if the day is an exception from the normal hours of the calendar.")
    exception_name: str | None = field("The name of the exception. Null on other days.")
    openings: list[SingleDayOpeningRange | None] | None = field("The opening hours. Empty if it is closed.")


@strawberry.type(description="A day at a service point, and the open days next to it.")
class SurroundingOpenings:
    previous: SingleDayOpening | None = field(
        "The last open day before. If there is none in any calendar, the day before, as a closed one.",
        is_required=True,
    )
    current: SingleDayOpening | None = field("The day itself.", is_required=True)
    next: SingleDayOpening | None = field(
        "The first open day after. If there is none in any calendar, the day after, as a closed one.",
        is_required=True,
    )


class OpeningsLink(ComputedLink):
    """Opening hours that upstream computes for one service point per call."""

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(1, self.batched, rows)


class SurroundingOpeningsLink(OpeningsLink):
    """The openings around a day."""

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        loader, day = context.loaders.surrounding_openings, arguments["date"]
        return Load(loader, lambda key: Day(key, day), empty=self.without_key())


class DayRange(NamedTuple):
    """The arguments of a range of days."""

    first: Date
    last: Date
    include_closed: bool


class OpeningsOfDays(OpeningsLink):
    """The openings of a range of days."""

    def parse(self, given: Arguments, selected: Selected) -> DayRange:
        first, last = given["from"], given["to"]
        check_order(first, last)
        days = (last - first).days + 1
        if days > MAX_DAYS:
            raise errors.LimitExceeded(f"`from` and `to` must span at most {MAX_DAYS} days; got {days}.")
        return DayRange(first, last, given["includeClosed"])

    def load(self, context: Context, days: DayRange, selected: Selected) -> Load:
        return Load(context.loaders.openings, lambda key: Days(key, *days), empty=self.without_key())


def check_order(first: Date, last: Date) -> None:
    """Check a range of days. Raises `BadUserInput` if it ends before it begins."""
    if last < first:
        raise errors.BadUserInput(f"`to` must not be before `from`; got {last} and {first}.")


def surrounding_openings(description: str) -> Declared:
    """Declare the openings around a day."""
    declared = SurroundingOpeningsLink(description=description)
    declared.loader, declared.key = "surrounding_openings", ("id",)
    declared.arguments = [argument("date", Date, "The day, such as `2026-12-23`.")]
    return declared


def openings(description: str) -> Declared:
    """Declare the openings of a range of days."""
    declared = OpeningsOfDays(description=description)
    declared.loader, declared.key = "openings", ("id",)
    declared.arguments = [
        argument("from", Date, "The first day, such as `2026-12-21`."),
        argument(
            "to", Date, f"The last day, such as `2026-12-31`, at most {MAX_DAYS - 1} days after the first."
        ),
        argument(
            "includeClosed",
            bool,
            "False to omit the days that are regularly closed. Exceptional closures are never omitted.",
            default=True,
        ),
    ]
    return declared

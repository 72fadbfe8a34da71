"""The opening hours of service points (mod-calendar)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.upstream.caller import Service, percent_encode
from gateway.upstream.collection import BoundCollection, Collection
from gateway.upstream.record_types import Record, record_or_error, rows_of
from gateway.upstream.routes import Interface, Route

CALENDAR = Interface("calendar", "5.0")


class Calendars(Service):
    """The interface of mod-calendar.

    Dates are days, `2026-11-21`, and times have seconds and no zone, `09:00:00`: the module knows none
    (its LocalDate and LocalTime). An unknown service point has no calendar, and is closed on each day.
    """

    calendars_route = Route("GET", "/calendar/calendars", CALENDAR, "calendar.endpoint.calendars.get")

    def calendars(self, query: Sequence[tuple[str, str]]) -> BoundCollection:
        """Return the collection of the calendars that match, in the order of their first days.

        `query` has the parameters of the search: `id` and `servicePointId`, each as often as there are
        values, `startDate` and `endDate`. The total is always exact (mod-calendar, CalendarRepository).
        """
        extra = "&".join(f"{name}={percent_encode(value)}" for name, value in query)
        calendars = Collection(
            self.calendars_route, "calendars", extra=extra, tie_break=None, forwards_total=True
        )
        return calendars.bind(self._client)

    surrounding_openings_route = Route(
        "GET",
        "/calendar/dates/{servicePointId}/surrounding-openings",
        CALENDAR,
        "calendar.endpoint.calendars.surroundingOpenings.get",
    )

    async def surrounding_openings(self, service_point_id: str, date: str) -> Record:
        """Return the day as `current`, and the open days next to it as `previous` and `next`.

        Upstream sends them in this order; without an open day there, it sends the adjacent day as closed
        (mod-calendar, CalendarUtils). In the place of a day that is no object is the error for it.
        """
        page = await self._client.read_object(
            self.surrounding_openings_route, {"date": date}, service_point_id
        )
        days = rows_of(page.get("openings"))
        if days is None or len(days) != 3:
            raise self._client.bad_shape()
        return dict(zip(("previous", "current", "next"), map(record_or_error, days), strict=True))

    openings_route = Route(
        "GET",
        "/calendar/dates/{servicePointId}/all-openings",
        CALENDAR,
        "calendar.endpoint.calendars.allOpenings.get",
    )

    async def openings(
        self, service_point_id: str, first: str, last: str, days: int, include_closed: bool
    ) -> list[Record]:
        """Return the days from `first` to `last`, of which there are `days`, as `surrounding_openings` does.

        Without `include_closed`, days that are regularly closed are omitted, exceptional closures are not.
        Raises `UpstreamBadResponse` if the response has fewer than its total says.
        """
        page = await self._client.read_object(
            self.openings_route,
            {
                "startDate": first,
                "endDate": last,
                "includeClosed": str(include_closed).lower(),
                "limit": str(days),
            },
            service_point_id,
        )
        records = rows_of(page.get("dates"))
        if records is None:
            raise self._client.bad_shape()
        self._client.check_complete(page, records)
        return [*map(record_or_error, records)]

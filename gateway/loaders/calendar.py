"""The opening hours of service points."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway.loaders.loader import one_by_one
from gateway.loaders.loader_set import LoaderSet, calls
from gateway.upstream.record_types import Record


class Day(NamedTuple):
    """A day at a service point."""

    service_point_id: str
    date: date


class Days(NamedTuple):
    """The days from `first` to `last` at a service point, both inclusive."""

    service_point_id: str
    first: date
    last: date
    include_closed: bool


class CalendarLoaders(LoaderSet):
    @cached_property
    @calls("calendars.surrounding_openings")
    def surrounding_openings(self) -> DataLoader[Day, Record]:
        """Upstream computes the openings around one day of one service point per call."""

        async def surrounding(key: Day) -> Record:
            return await self.upstream.calendars.surrounding_openings(
                key.service_point_id, key.date.isoformat()
            )

        return one_by_one(surrounding, self.upstream.operation, cache_key=lambda key: key)

    @cached_property
    @calls("calendars.openings")
    def openings(self) -> DataLoader[Days, list[Record]]:
        """Upstream computes the openings of one service point per call."""

        async def openings(key: Days) -> list[Record]:
            return await self.upstream.calendars.openings(
                key.service_point_id,
                key.first.isoformat(),
                key.last.isoformat(),
                (key.last - key.first).days + 1,
                key.include_closed,
            )

        return one_by_one(openings, self.upstream.operation, cache_key=lambda key: key)

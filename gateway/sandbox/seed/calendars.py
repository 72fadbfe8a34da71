"""Seeded calendars: normal hours of every desk but one, and exceptions, in each year from 2026 to the next.

Their dates do not move with the day of the seed, so that the days of examples keep their hours.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.sandbox.library import Record
from gateway.sandbox.seed.seeder import Seeder

FIRST_YEAR = 2026
# The day and the time at which each opening begins and ends, and the desks.
DESK_HOURS = [(day, "09:00:00", day, "20:59:00") for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY")]
DESKS: list[tuple[str, tuple[str, ...], list[tuple[str, str, str, str]]]] = [
    (
        "Main and annex",
        ("cd1", "cd2", "annex"),
        [
            *DESK_HOURS,
            ("FRIDAY", "09:00:00", "FRIDAY", "12:29:00"),
            ("FRIDAY", "13:30:00", "FRIDAY", "18:59:00"),
        ],
    ),
    ("Law", ("law",), [*DESK_HOURS, ("FRIDAY", "09:00:00", "SUNDAY", "17:59:00")]),  # open at night
    ("Science", ("science",), [("SUNDAY", "00:00:00", "SATURDAY", "23:59:00")]),  # always open
]
WITHOUT_HOURS = "music"


def add_calendars(seeder: Seeder) -> None:
    library = seeder.library
    for year in range(FIRST_YEAR, max(FIRST_YEAR, library.clock.now().year) + 2):
        for name, points, hours in DESKS:
            seeder.add(library.calendars, calendar(seeder, f"{name} {year}", year, points, hours))


def calendar(
    seeder: Seeder,
    name: str,
    year: int,
    points: Iterable[str],
    hours: Iterable[tuple[str, str, str, str]],
) -> Record:
    metadata = {key: value for key, value in seeder.metadata().items() if not key.endswith("Username")}
    return {
        "id": seeder.id("calendar", name),
        "name": name,
        "startDate": f"{year}-01-01",
        "endDate": f"{year}-12-31",
        "assignments": [seeder.id("service-point", point) for point in points],
        "normalHours": [
            {"startDay": start, "startTime": opens, "endDay": end, "endTime": closes}
            for start, opens, end, closes in hours
        ],
        "exceptions": [
            exception("Winter closure", f"{year}-12-24", f"{year}-12-31"),
            exception("Holiday eve", f"{year}-12-23", f"{year}-12-23", ("09:00:00", "13:59:00")),
            exception("New Year's Day", f"{year}-01-01", f"{year}-01-01"),
        ],
        "metadata": metadata,
    }


def exception(name: str, start: str, end: str, *hours: tuple[str, str]) -> Record:
    openings = [
        {"startDate": start, "startTime": opens, "endDate": end, "endTime": closes} for opens, closes in hours
    ]
    return {"name": name, "startDate": start, "endDate": end, "openings": openings}

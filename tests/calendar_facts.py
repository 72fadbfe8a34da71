"""Facts of FOLIO's published schemas of calendars: the members of responses.

From the folder `src/main/resources/api/schemas` of mod-calendar 4.0 (interface `calendar` 5.0). A member is
`name:kind`, with dots for members of members; `[]` marks a list. A `day` is a date without a time.
"""

from __future__ import annotations

_OPENINGS = "openings[].startTime:text openings[].endTime:text"
_DAY = f"date:day allDay:boolean open:boolean exceptional:boolean exceptionName:text {_OPENINGS}"

RESPONSES = {
    "/calendar/calendars": (
        "calendars[].id:uuid calendars[].name:text calendars[].startDate:day calendars[].endDate:day "
        "calendars[].assignments[]:uuid calendars[].normalHours[].calendarId:uuid "
        "calendars[].normalHours[].startDay:weekday calendars[].normalHours[].startTime:text "
        "calendars[].normalHours[].endDay:weekday calendars[].normalHours[].endTime:text "
        "calendars[].exceptions[].calendarId:uuid calendars[].exceptions[].name:text "
        "calendars[].exceptions[].startDate:day calendars[].exceptions[].endDate:day "
        "calendars[].exceptions[].openings[].exceptionId:uuid "
        "calendars[].exceptions[].openings[].startDate:day "
        "calendars[].exceptions[].openings[].startTime:text "
        "calendars[].exceptions[].openings[].endDate:day calendars[].exceptions[].openings[].endTime:text "
        "calendars[].metadata.createdDate:date calendars[].metadata.createdByUserId:uuid "
        "calendars[].metadata.updatedDate:date calendars[].metadata.updatedByUserId:uuid totalRecords:count"
    ),
    "/calendar/dates/{servicePointId}/all-openings": (
        f"{' '.join(f'dates[].{each}' for each in _DAY.split())} totalRecords:count"
    ),
    "/calendar/dates/{servicePointId}/surrounding-openings": " ".join(
        f"openings[].{each}" for each in _DAY.split()
    ),
}
"""The responses to reads, by path."""

PARAMETERS = {
    "/calendar/calendars": {"id", "servicePointId", "startDate", "endDate", "offset", "limit"},
    "/calendar/dates/{servicePointId}/all-openings": {
        "startDate",
        "endDate",
        "includeClosed",
        "offset",
        "limit",
    },
    "/calendar/dates/{servicePointId}/surrounding-openings": {"date"},
}
"""The parameters of their query strings."""

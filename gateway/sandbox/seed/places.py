"""Seeded service points, locations, libraries, campuses and the institution."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.seed.seeder import Seeder

# key, name, pickup point, hold shelf period
POINTS: list[tuple[str, str, bool, tuple[int, str]]] = [
    ("cd1", "Circ Desk 1", True, (3, "Weeks")),
    ("cd2", "Circ Desk 2", True, (5, "Days")),
    ("science", "Science Desk", True, (10, "Days")),
    ("law", "Law Desk", True, (1, "Months")),
    ("music", "Music Desk", True, (48, "Hours")),
    ("annex", "Annex Desk", True, (2, "Weeks")),
    ("online", "Online", False, (0, "Days")),
    ("routing", "ECS routing point", True, (3, "Days")),
]
DESKS = ("cd1", "cd2", "science", "law", "music", "annex")

# key, name, code, library, primary service point
LOCATIONS = [
    ("main", "Main Library", "SU/M/MAIN", "main", "cd1"),
    ("second", "Second Floor", "SU/M/2", "main", "cd1"),
    ("popular", "Popular Reading", "SU/M/POP", "main", "cd2"),
    ("reserves", "Course Reserves", "SU/M/RES", "main", "cd2"),
    ("science", "Science Stacks", "SU/S/ST", "science", "science"),
    ("law", "Law Reading Room", "SU/L/RR", "law", "law"),
    ("music", "Music Scores", "SU/S/MUS", "science", "music"),
    ("annex", "Annex", "SU/A/X", "annex", "annex"),
]
LIBRARIES = [
    ("main", "Main Library", "M", "north"),
    ("science", "Science Library", "S", "north"),
    ("law", "Law Library", "L", "south"),
    ("annex", "Storage Library", "A", "south"),
]


def add_places(seeder: Seeder) -> None:
    library = seeder.library
    for key, name, pickup, period in POINTS:
        seeder.add(library.service_points, service_point(seeder, key, name, pickup, period))
    institution = {
        "id": seeder.id("institution", "su"),
        "name": f"{library.tenant.title()} University",
        "code": "SU",
    }
    seeder.add(library.institutions, institution | {"metadata": seeder.metadata()})
    for key in ("north", "south"):
        campus: Record = {
            "id": seeder.id("campus", key),
            "name": f"{key.title()} Campus",
            "code": key[0].upper(),
        }
        campus |= {"institutionId": institution["id"], "metadata": seeder.metadata()}
        seeder.add(library.campuses, campus)
    for key, name, code, campus_key in LIBRARIES:
        record = {
            "id": seeder.id("library", key),
            "name": name,
            "code": code,
            "metadata": seeder.metadata(),
        }
        seeder.add(library.libraries, record | {"campusId": seeder.id("campus", campus_key)})
    for row in LOCATIONS:
        seeder.add(library.locations, location(seeder, *row))


def service_point(seeder: Seeder, key: str, name: str, pickup: bool, period: tuple[int, str]) -> Record:
    record: Record = {
        "id": seeder.id("service-point", key),
        "name": name,
        "code": key,
        "discoveryDisplayName": f"{name} (public entrance)",
        "description": f"Where readers meet staff: {name}",
        "shelvingLagTime": 5,
        "pickupLocation": pickup,
        "holdShelfClosedLibraryDateManagement": "Keep_the_current_due_date",
        "staffSlips": [{"id": seeder.id("staff-slip", "Hold"), "printByDefault": True}],
        "ecsRequestRouting": key == "routing",
        "metadata": seeder.metadata(),
    }
    if pickup:
        record["holdShelfExpiryPeriod"] = {"duration": period[0], "intervalId": period[1]}
        record["defaultCheckInActionForUseAtLocation"] = "Ask for action"
    return record


def location(seeder: Seeder, key: str, name: str, code: str, library_key: str, point: str) -> Record:
    campus = next(campus for at, _, _, campus in LIBRARIES if at == library_key)
    return {
        "id": seeder.id("location", key),
        "name": name,
        "code": code,
        "description": f"Shelves of {name}",
        "discoveryDisplayName": f"{name} shelves",
        "isActive": True,
        "institutionId": seeder.id("institution", "su"),
        "campusId": seeder.id("campus", campus),
        "libraryId": seeder.id("library", library_key),
        "primaryServicePoint": seeder.id("service-point", point),
        "servicePointIds": [seeder.id("service-point", point)],
        "details": {"shelving": "open" if key != "annex" else "closed"},
        "metadata": seeder.metadata(),
    }

"""More to fetch at one service point than the seed has: for tests and benchmarks of long slip lists."""

from __future__ import annotations

from gateway.sandbox.library import Library
from gateway.sandbox.request_queue import queue_of_instance
from gateway.sandbox.seed import catalogue, people, waiting
from gateway.sandbox.seed.planting import Planting


def fill_pick_list(library: Library, service_point_id: str, how_many: int) -> None:
    """Add copies to a seeded library, each paged by a reader of its own as long as there are enough.

    Raises ValueError when no location has this as its primary service point.
    """
    places = library.locations.values()
    place = next((each for each in places if each.get("primaryServicePoint") == service_point_id), None)
    if place is None:
        raise ValueError(f"nothing is fetched at service point {service_point_id}")
    planting = Planting(library)
    readers = people.HOW_MANY - len(people.STAFF) - people.ORDINARY
    for number in range(catalogue.ITEMS, catalogue.ITEMS + how_many):
        copy = catalogue.item(planting, number) | {"permanentLocationId": place["id"]}
        planting.shelve(library.items, copy)
        request = waiting.page(planting, number, people.ORDINARY + number % readers)
        position = len(queue_of_instance(library, request["instanceId"])) + 1
        planting.shelve(library.requests, request | {"position": position})

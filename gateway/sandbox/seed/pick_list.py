"""More to fetch at one service point than the seed has: for tests and benchmarks of long slip lists."""

from __future__ import annotations

from gateway.sandbox.library import Library
from gateway.sandbox.requests.request_queue import get_instance_queue
from gateway.sandbox.seed import inventory, requests, users
from gateway.sandbox.seed.seeder import Seeder


def fill_pick_list(library: Library, service_point_id: str, how_many: int) -> None:
    """Add copies to a seeded library, each paged by a reader of its own as long as there are enough.

    Raises ValueError when no location has this as its primary service point.
    """
    places = library.locations.values()
    place = next((each for each in places if each.get("primaryServicePoint") == service_point_id), None)
    if place is None:
        raise ValueError(f"nothing is fetched at service point {service_point_id}")
    seeder = Seeder(library)
    readers = users.USER_COUNT - len(users.STAFF) - users.FIRST_ORDINARY
    for number in range(inventory.ITEM_COUNT, inventory.ITEM_COUNT + how_many):
        copy = inventory.item(seeder, number) | {"permanentLocationId": place["id"]}
        seeder.add(library.items, copy)
        request = requests.page(seeder, number, users.FIRST_ORDINARY + number % readers)
        position = len(get_instance_queue(library, request["instanceId"])) + 1
        seeder.add(library.requests, request | {"position": position})

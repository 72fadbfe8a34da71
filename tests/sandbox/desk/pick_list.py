"""More pick slips for one service point than the seed has, for tests of long lists."""

from __future__ import annotations

from gateway.sandbox.library import Library
from gateway.sandbox.requests.request_queue import get_instance_queue
from gateway.sandbox.seed import inventory, requests, users
from gateway.sandbox.seed.seeder import Seeder


def fill_pick_list(library: Library, service_point_id: str, count: int) -> None:
    """Add items to a seeded library, each paged, by different patrons as far as possible.

    Raises ValueError if this is no location's primary service point.
    """
    locations = library.locations.values()
    location = next(
        (location for location in locations if location.get("primaryServicePoint") == service_point_id), None
    )
    if location is None:
        raise ValueError(f"nothing is fetched at service point {service_point_id}")
    seeder = Seeder(library)
    patron_count = users.USER_COUNT - len(users.STAFF) - users.FIRST_ORDINARY
    for number in range(inventory.ITEM_COUNT, inventory.ITEM_COUNT + count):
        item = inventory.item(seeder, number) | {"permanentLocationId": location["id"]}
        seeder.add(library.items, item)
        request = requests.page(seeder, number, users.FIRST_ORDINARY + number % patron_count)
        position = len(get_instance_queue(library, request["instanceId"])) + 1
        seeder.add(library.requests, request | {"position": position})

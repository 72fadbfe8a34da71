"""Titles, holdings, items, service points and locations (mod-inventory, mod-inventory-storage)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.routes import Interface, Route

INVENTORY = Interface("inventory", "14.0", required=True)
LOCATION_UNITS = Interface("location-units", "2.0")


class Inventory(Service):
    """The interfaces of mod-inventory and mod-inventory-storage."""

    service_points = Collection(
        Route(
            "GET",
            "/service-points",
            Interface("service-points", "3.3", required=True),
            "inventory-storage.service-points.collection.get",
        ),
        "servicepoints",
        # Without it, ids of a consortium's routing service points return no record.
        extra="includeRoutingServicePoints=true",
    )
    instances = Collection(
        Route("GET", "/inventory/instances", INVENTORY, "inventory.instances.collection.get"), "instances"
    )
    items = Collection(Route("GET", "/inventory/items", INVENTORY, "inventory.items.collection.get"), "items")
    holdings = Collection(
        Route(
            "GET",
            "/holdings-storage/holdings",
            Interface("holdings-storage", "5.0 6.0 7.0 8.0"),
            "inventory-storage.holdings.collection.get",
        ),
        "holdingsRecords",
    )
    locations = Collection(
        Route(
            "GET",
            "/locations",
            Interface("locations", "3.0"),
            "inventory-storage.locations.collection.get",
        ),
        "locations",
    )
    institutions = Collection(
        Route(
            "GET",
            "/location-units/institutions",
            LOCATION_UNITS,
            "inventory-storage.location-units.institutions.collection.get",
        ),
        "locinsts",
    )
    campuses = Collection(
        Route(
            "GET",
            "/location-units/campuses",
            LOCATION_UNITS,
            "inventory-storage.location-units.campuses.collection.get",
        ),
        "loccamps",
    )
    libraries = Collection(
        Route(
            "GET",
            "/location-units/libraries",
            LOCATION_UNITS,
            "inventory-storage.location-units.libraries.collection.get",
        ),
        "loclibs",
    )
    material_types = Collection(
        Route(
            "GET",
            "/material-types",
            Interface("material-types", "2.0"),
            "inventory-storage.material-types.collection.get",
        ),
        "mtypes",
    )
    loan_types = Collection(
        Route(
            "GET",
            "/loan-types",
            Interface("loan-types", "2.2"),
            "inventory-storage.loan-types.collection.get",
        ),
        "loantypes",
    )

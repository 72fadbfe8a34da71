"""Titles, holdings, items, service points and locations (mod-inventory, mod-inventory-storage)."""

from __future__ import annotations

from gateway.upstream import cql
from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.record_types import Record, records_of
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
        Route("GET", "/inventory/instances", INVENTORY, "inventory.instances.collection.get"),
        "instances",
    )
    items = Collection(
        Route("GET", "/inventory/items", INVENTORY, "inventory.items.collection.get"),
        "items",
    )
    bound_with_parts = Collection(
        Route(
            "GET",
            "/inventory-storage/bound-with-parts",
            Interface("bound-with-parts-storage", "1.0 2.0"),
            "inventory-storage.bound-with-parts.collection.get",
        ),
        "boundWithParts",
    )
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
        # Without it, ids of virtual items' locations return no record (location.raml, locationunit.raml).
        extra="includeShadowLocations=true",
        forwards_total=True,
    )
    institutions = Collection(
        Route(
            "GET",
            "/location-units/institutions",
            LOCATION_UNITS,
            "inventory-storage.location-units.institutions.collection.get",
        ),
        "locinsts",
        extra="includeShadow=true",
        forwards_total=True,
    )
    campuses = Collection(
        Route(
            "GET",
            "/location-units/campuses",
            LOCATION_UNITS,
            "inventory-storage.location-units.campuses.collection.get",
        ),
        "loccamps",
        extra="includeShadow=true",
        forwards_total=True,
    )
    libraries = Collection(
        Route(
            "GET",
            "/location-units/libraries",
            LOCATION_UNITS,
            "inventory-storage.location-units.libraries.collection.get",
        ),
        "loclibs",
        extra="includeShadow=true",
        forwards_total=True,
    )
    material_types = Collection(
        Route(
            "GET",
            "/material-types",
            Interface("material-types", "2.0"),
            "inventory-storage.material-types.collection.get",
        ),
        "mtypes",
        forwards_total=True,
    )
    loan_types = Collection(
        Route(
            "GET",
            "/loan-types",
            Interface("loan-types", "2.2"),
            "inventory-storage.loan-types.collection.get",
        ),
        "loantypes",
        forwards_total=True,
    )
    item_route = Route("GET", "/inventory/items/{id}", INVENTORY, "inventory.items.item.get")

    async def item(self, item_id: str) -> Record | None:
        """Return an item with the titles that are bound in it, which lists leave out (Items.java)."""
        return await self._client.read_record(self.item_route, item_id)

    bound_with_items_route = Route(
        "GET",
        "/inventory/items-by-holdings-id",
        INVENTORY,
        "inventory.items-by-holdings-id.collection.get",
    )

    async def bound_with_items(self, holdings_id: str) -> list[Record]:
        """Return the items that name other holdings, and in which a title of these holdings is bound too.

        The route takes one id and no other condition, and has at most 10000 items in a page
        (ItemsByHoldingsRecordId.java of mod-inventory).
        """
        query = {
            "query": str(cql.equal("holdingsRecordId", holdings_id)),
            "relations": "onlyBoundWithsSkipDirectlyLinkedItem",
            "limit": "10000",
        }
        page = await self._client.read_object(self.bound_with_items_route, query)
        items = records_of(page.get("items"))
        if items is None:
            raise self._client.bad_shape()
        self._client.check_complete(page, items)
        return [each for each in items if str(each.get("holdingsRecordId")).lower() != holdings_id.lower()]

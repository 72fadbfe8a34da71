"""Titles, holdings, items, service points and locations (mod-inventory, mod-inventory-storage)."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.upstream.caller import CallerClient
from gateway.upstream.collection import Collection


class Inventory:
    """One method per question; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def instances(self) -> Collection:
        return Collection(self._client, "/inventory/instances", "instances")

    @cached_property
    def items(self) -> Collection:
        return Collection(self._client, "/inventory/items", "items")

    @cached_property
    def holdings(self) -> Collection:
        return Collection(self._client, "/holdings-storage/holdings", "holdingsRecords")

    @cached_property
    def service_points(self) -> Collection:
        """Routing points included: without the parameter real ids of a consortium come back as nothing."""
        return Collection(
            self._client, "/service-points", "servicepoints", extra="includeRoutingServicePoints=true"
        )

    @cached_property
    def locations(self) -> Collection:
        return Collection(self._client, "/locations", "locations")

    @cached_property
    def material_types(self) -> Collection:
        return Collection(self._client, "/material-types", "mtypes")

    @cached_property
    def loan_types(self) -> Collection:
        return Collection(self._client, "/loan-types", "loantypes")

    @cached_property
    def institutions(self) -> Collection:
        return Collection(self._client, "/location-units/institutions", "locinsts")

    @cached_property
    def campuses(self) -> Collection:
        return Collection(self._client, "/location-units/campuses", "loccamps")

    @cached_property
    def libraries(self) -> Collection:
        return Collection(self._client, "/location-units/libraries", "loclibs")

"""Service points, and the locations that they serve."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.loaders.batching import ById, by_id
from gateway.loaders.loader_set import LoaderSet


class ServicePointLoaders(LoaderSet):
    @cached_property
    def service_point(self) -> ById:
        return by_id(self.upstream.inventory.service_points, self.limits)

    @cached_property
    def location(self) -> ById:
        return by_id(self.upstream.inventory.locations, self.limits)

    @cached_property
    def institution(self) -> ById:
        return by_id(self.upstream.inventory.institutions, self.limits)

    @cached_property
    def campus(self) -> ById:
        return by_id(self.upstream.inventory.campuses, self.limits)

    @cached_property
    def library(self) -> ById:
        return by_id(self.upstream.inventory.libraries, self.limits)

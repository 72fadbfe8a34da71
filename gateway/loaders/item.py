"""Items by id and barcode, and by the holdings and the title that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from propcache.api import cached_property

from gateway.loaders.batching import ById, Grouped, by_id, by_name
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql


class ItemLoaders(LoaderSet):
    @cached_property
    def item(self) -> ById:
        return by_id(self.upstream.inventory.items, self.limits)

    @cached_property
    def item_by_barcode(self) -> ById:
        return by_name(self.upstream.inventory.items, self.limits, index="barcode")

    def items_of_holdings(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.inventory.items, "holdingsRecordId", within=within, sort=sort)

"""Titles, their holdings and their items."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway.loaders.batching import LARGEST_ANSWER, MOST_PAGES, ById, Grouped, by_id
from gateway.loaders.loader import Slice, Window
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql

WHOLE = Window(count=MOST_PAGES * LARGEST_ANSWER)


class InstanceLoaders(LoaderSet):
    @cached_property
    def instance(self) -> ById:
        return by_id(self.upstream.inventory.instances, self.limits)

    @cached_property
    def holdings(self) -> ById:
        return by_id(self.upstream.inventory.holdings, self.limits)

    def holdings_of_instance(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.inventory.holdings, "instanceId", within=within, sort=sort)

    def items_of_instance(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """The items of a title, whatever holdings they belong to."""
        variant = ("items of instance", str(within), *map(str, sort))
        if variant not in self._groups:
            self._groups[variant] = self._items_through_holdings(within, sort)
        return self._groups[variant]

    def _items_through_holdings(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """Upstream finds items by their title, but an item names only its holdings.

        So where several pages are asked at once, the holdings are asked first, to tell whose the items are.
        """
        owners: dict[str, object] = {}
        holdings = self.holdings_of_instance(None, ())
        items = self.grouped(
            self.upstream.inventory.items,
            "instance.id",  # by a foreign key of mod-inventory-storage
            within=within,
            sort=sort,
            key=("holdingsRecordId",),
            owner=owners.get,
        )

        async def load(keys: list[tuple[str, Window]]) -> list[Slice | BaseException]:
            if len(keys) > 1:
                found = await holdings.load_many({(instance, WHOLE) for instance, _ in keys})
                owners.update(
                    (str(each.get("id")), each.get("instanceId")) for page in found for each in page.records
                )
            return await asyncio.gather(*map(items.load, keys), return_exceptions=True)

        return DataLoader(load)  # type: ignore[arg-type]  # errors in slots are aiodataloader's contract

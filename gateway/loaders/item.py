"""Items by id and barcode."""

from __future__ import annotations

from itertools import count

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway import errors
from gateway.loaders.loader import ById, by_name, one_by_one
from gateway.loaders.loader_set import CollectionName, LoaderSet, RecordLoader, calls
from gateway.upstream.record_types import Record

ITEMS = CollectionName("inventory.items")


class ItemLoaders(LoaderSet):
    item = RecordLoader(ITEMS)
    item_by_barcode = RecordLoader(ITEMS, index="barcode", create=by_name)

    @cached_property
    @calls("circulation_reports.items_in_transit")
    def items_in_transit(self) -> DataLoader[str, list[Record]]:
        """The report has no key: it is computed for the complete library, at most once per operation."""

        async def load(_: str) -> list[Record]:
            return await self.upstream.circulation_reports.items_in_transit()

        return one_by_one(load, self.upstream.operation)

    @cached_property
    @calls("inventory.item")
    def item_with_titles(self) -> ById:
        """Upstream sends the titles that are bound in an item with that single item alone.

        Few items are bound with others, and the estimated cost is that of few. So MAX_COST also limits them.
        """
        maximum, calls = self.limits.max_cost, count(1)

        async def load(item_id: str) -> Record | None:
            if next(calls) > maximum:
                raise errors.LimitExceeded(
                    f"`boundWithTitles` takes a call for each bound item; at most {maximum} are allowed. "
                    "Select smaller pages.",
                    details={"limit": "MAX_COST", "maximum": maximum},
                )
            return await self.upstream.inventory.item(item_id)

        return one_by_one(load, self.upstream.operation)

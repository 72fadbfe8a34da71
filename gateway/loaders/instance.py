"""Instances with their holdings and items."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway import errors
from gateway.loaders.batching import MAX_PAGE_SIZE, MAX_PAGES, Grouped, one_by_one
from gateway.loaders.loader import Loader, Window
from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet, RecordLoader
from gateway.upstream import cql

WHOLE = Window(count=MAX_PAGES * MAX_PAGE_SIZE)
HOLDINGS = CollectionName("inventory.holdings")


class InstanceOf(NamedTuple):
    """An item whose instance is loaded: by the instance's id, else through its holdings.

    `title` is the one that the item has. If it and the id are all of `summary`, the instance is not loaded.
    """

    instance_id: str | None
    holdings_id: str | None
    title: str | None = None
    summary: frozenset[str] | None = None


class InstanceLoaders(LoaderSet):
    instance = RecordLoader(CollectionName("inventory.instances"))
    holdings = RecordLoader(HOLDINGS)
    holdings_of_instance = GroupLoader(HOLDINGS, "instanceId")

    @cached_property
    def instance_of_item(self) -> DataLoader[InstanceOf, Any]:
        """The instance of an item, as far as its selection needs it."""

        async def load(key: InstanceOf) -> Any:
            if key.instance_id is not None:
                return await self.instance.load(key.instance_id)
            assert key.holdings_id is not None  # noqa: S101 - one of them is not None
            holdings = await self.holdings.load(key.holdings_id)
            instance_id = None if holdings is None else holdings.get("instanceId")
            if instance_id is None or instance_id == "":
                return None
            if type(instance_id) is not str:
                raise errors.UpstreamBadResponse("An upstream service sent no id where holdings have one.")
            known = {"id": instance_id} | ({} if key.title is None else {"title": key.title})
            if key.summary is not None and key.summary <= known.keys():
                return known
            return await self.instance.load(instance_id)

        return one_by_one(load, cache_key=lambda key: key)

    def items_of_instance(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """The items of an instance, of all its holdings."""
        variant = ("items of instance", str(within), *map(str, sort))
        if variant not in self._groups:
            self._groups[variant] = self._items_through_holdings(within, sort)
        return self._groups[variant]

    def _items_through_holdings(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """Upstream finds items by their instance, but an item names only its holdings.

        So if several pages are loaded at once, the holdings are loaded first, to assign the items.
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

        async def load(keys: list[tuple[str, Window]], _: object) -> list[Any]:
            if len(keys) > 1:
                pages = await holdings.load_many({(instance, WHOLE) for instance, _ in keys})
                owners.update(
                    (str(each.get("id")), each.get("instanceId")) for page in pages for each in page.records
                )
            return await asyncio.gather(*map(items.load, keys), return_exceptions=True)

        return Loader(load)

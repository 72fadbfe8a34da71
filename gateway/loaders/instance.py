"""Instances with their holdings."""

from __future__ import annotations

from typing import Any, NamedTuple

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway import errors
from gateway.loaders.loader import one_by_one
from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet, RecordLoader

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
            known = {"id": instance_id.lower()} | ({} if key.title is None else {"title": key.title})
            if key.summary is not None and key.summary <= known.keys():
                return known
            return await self.instance.load(instance_id)

        return one_by_one(load, cache_key=lambda key: key)

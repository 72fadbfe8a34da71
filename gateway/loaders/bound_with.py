"""Items of holdings and of titles, including those that are bound with other titles.

An item names one holdings record. If several titles are bound in it, it belongs to the holdings of each, and
queries for items by their holdings do not show that (MODINV-839). The bound-with parts of
mod-inventory-storage do: one for each item and holdings. If they cannot be read, mod-inventory lists the
items, of one holdings record per call (ItemsByHoldingsRecordId.java: its query is one id, without a sort).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from aiodataloader import DataLoader
from propcache.api import cached_property

from gateway import errors
from gateway.loaders.grouped import Grouped, grouped_by
from gateway.loaders.instance import InstanceLoaders
from gateway.loaders.item import ITEMS
from gateway.loaders.loader import Loader, by_id, one_by_one
from gateway.loaders.loader_set import CollectionName, GroupLoader, ListLoaders, LoaderSet
from gateway.loaders.pages import MAX_PAGE_SIZE, MAX_PAGES, Slice, Window, cut, page_of
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, RecordDecoder
from gateway.upstream.record_types import Record, dig

WHOLE = Window(count=MAX_PAGES * MAX_PAGE_SIZE, whole=True)
OF_INSTANCE = "instance.id"  # by a foreign key of mod-inventory-storage

Ids: TypeAlias = list[str]
FindBound: TypeAlias = Callable[[Sequence[Any]], Awaitable[list[Ids | errors.GatewayError]]]


class OfInstance(NamedTuple):
    """A page of the items of an instance; `is_bound_with` is False if none is bound with other titles."""

    instance_id: str
    window: Window
    is_bound_with: bool | None = None


class OfRecords(cql.Cql):
    """The condition of items of some holdings, and of some instances; None is no condition.

    As CQL it is the condition of the items that name them, `BoundWithLoaders` adds those bound with others.
    """

    __slots__ = ("holdings", "instances", "within")
    holdings: Ids | None
    instances: Ids | None
    within: cql.Cql | None

    def __init__(self, holdings: Ids | None, instances: Ids | None, within: cql.Cql | None) -> None:
        """Take at least one of the lists of ids, and the other conditions."""
        for name, value in (("holdings", holdings), ("instances", instances), ("within", within)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_text", str(cql.all_of(*self.own, within)))

    @property
    def own(self) -> list[cql.Cql]:
        """The conditions of the items that name the records."""
        indexes = (("holdingsRecordId", self.holdings), (OF_INSTANCE, self.instances))
        return [cql.any_of(index, ids) for index, ids in indexes if ids is not None]


class ItemGroupLoader(GroupLoader):
    """Declares loaders of the items of a record, of which some name another record.

    `before` are the collections that are read before the items.
    """

    def __init__(self, create: str, *before: str) -> None:
        super().__init__(ITEMS, "holdingsRecordId")
        self.create = create
        self.before = before

    def of(self, loaders: LoaderSet) -> ListLoaders:
        create: ListLoaders = getattr(loaders, self.create)
        return create


class BoundWithLoaders(InstanceLoaders):
    parts_of_holdings = GroupLoader(CollectionName("inventory.bound_with_parts"), "holdingsRecordId")
    items_of_holdings = ItemGroupLoader("_items_of_holdings", "inventory.bound_with_parts")
    items_of_instance = ItemGroupLoader(
        "_items_of_instance", "inventory.holdings", "inventory.bound_with_parts"
    )

    @cached_property
    def bound_items_of_holdings(self) -> DataLoader[str, Ids]:
        """The ids of items in which a title of these holdings is bound with others."""

        async def load(holdings_id: str) -> Ids:
            try:
                page = await self.parts_of_holdings(None, ()).load((holdings_id, WHOLE))
                return _ids_in(page.records, "itemId")
            except (errors.Forbidden, errors.UpstreamBadResponse) as error:
                if not (isinstance(error, errors.Forbidden) or _is_not_served(error)):
                    raise
            try:
                return _ids_in(await self.upstream.inventory.bound_with_items(holdings_id), "id")
            except errors.UpstreamBadResponse as error:
                if _is_not_served(error):  # nothing can be bound with others on this platform
                    return []
                raise

        return one_by_one(load)

    def _items_of_holdings(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        async def find_bound(keys: Sequence[tuple[str, Window]]) -> list[Ids | errors.GatewayError]:
            load = self.bound_items_of_holdings.load
            return await asyncio.gather(*(load(each) for each, _ in keys), return_exceptions=True)  # type: ignore[return-value]  # it raises no others

        if isinstance(within, OfRecords):
            return self._within(within, self._items_of_holdings, sort, _key_of_holdings)
        variant = ("items of holdings", str(within), *map(str, sort))
        if variant not in self._groups:
            plain = self._plain("holdingsRecordId", within, sort, lambda key: key)
            self._groups[variant] = self._with_bound(
                plain, find_bound, "holdingsRecordId", within, sort, _key_of_holdings
            )
        return self._groups[variant]

    def _items_of_instance(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """The items of an instance, of all its holdings.

        Upstream finds items by their instance, but an item names only its holdings. So if several pages are
        loaded at once, the holdings are loaded first, to assign the items.
        """
        if isinstance(within, OfRecords):
            return self._within(within, self._items_of_instance, sort, _key_of_instance)
        owners: dict[str, object] = {}
        holdings = self.holdings_of_instance(None, ())

        async def find_bound(keys: Sequence[OfInstance]) -> list[Ids | errors.GatewayError]:
            several = len(keys) > 1
            return list(await asyncio.gather(*(find_bound_of(each, several) for each in keys)))

        async def find_bound_of(key: OfInstance, several: bool) -> Ids | errors.GatewayError:
            if key.is_bound_with is False and not several:
                return []
            try:
                records = (await holdings.load((key.instance_id, WHOLE))).records
                ids = _ids_in(records, "id")
                owners.update(dict.fromkeys(ids, key.instance_id))
                if key.is_bound_with is False:
                    return []
                bound = await self.bound_items_of_holdings.load_many(ids)
            except errors.GatewayError as error:
                return errors.without_frames(error)
            return list(dict.fromkeys(each for some in bound for each in some))

        variant = ("items of instance", str(within), *map(str, sort))
        if variant not in self._groups:
            plain = self._plain(OF_INSTANCE, within, sort, lambda key: owners.get(key.lower()))
            self._groups[variant] = self._with_bound(
                plain,
                find_bound,
                OF_INSTANCE,
                within,
                sort,
                _key_of_instance,
            )
        return self._groups[variant]

    def _plain(
        self,
        index: str,
        within: cql.Cql | None,
        sort: Sequence[cql.SortKey],
        owner: Callable[[str], object],
    ) -> Grouped:
        """Return the loader of the items that name the record."""
        return grouped_by(
            self.upstream.inventory.items,
            self.limits,
            index=index,
            key=("holdingsRecordId",),
            owner=owner,
            within=within,
            sort=sort,
        )

    def _with_bound(
        self,
        plain: Grouped,
        find_bound: FindBound,
        index: str,
        within: cql.Cql | None,
        sort: Sequence[cql.SortKey],
        get_cache_key: Callable[[Any], Any],
    ) -> Grouped:
        """Return a loader that adds the bound items to those of a loader, one page per call."""
        collection = self.upstream.inventory.items

        async def load(keys: list[Any], decoder: RecordDecoder | None) -> list[Slice | errors.GatewayError]:
            cast("Loader[Any, Any]", plain).decoder = decoder
            bound = await find_bound(keys)
            return await asyncio.gather(
                *(load_one(key[0], key[1], ids, decoder) for key, ids in zip(keys, bound, strict=True))
            )

        async def load_one(
            parent: str, window: Window, ids: Ids | errors.GatewayError, decoder: RecordDecoder | None
        ) -> Slice | errors.GatewayError:
            try:
                if isinstance(ids, Exception):
                    raise ids
                if not ids:
                    return await plain.load((parent, window))
                own = cql.equal(index, parent)
                return await _page_with(collection, self.limits, own, ids, within, sort, window, decoder)
            except errors.GatewayError as error:
                return errors.without_frames(error)

        return Loader(load, get_cache_key)

    async def items_of(
        self,
        condition: OfRecords,
        sort: Sequence[cql.SortKey],
        window: Window,
        decoder: RecordDecoder | None = None,
    ) -> Slice:
        """Return a page of the items of holdings and of instances, those that are bound with others included.

        Raises as `page_of`.
        """
        *others, (own, ids) = await self._find_bound(condition)
        within = cql.all_of(*(_or_bound(*each) for each in others), condition.within)
        collection = self.upstream.inventory.items
        return await _page_with(collection, self.limits, own, ids, within, sort, window, decoder)

    def _within(
        self,
        condition: OfRecords,
        create: ListLoaders,
        sort: Sequence[cql.SortKey],
        get_cache_key: Callable[[Any], Any],
    ) -> Grouped:
        """Return a loader of items within a condition, which is completed before it loads anything."""

        async def load(keys: list[Any], decoder: RecordDecoder | None) -> list[Any]:
            parts = await self._find_bound(condition)
            within = cql.all_of(*(_or_bound(*each) for each in parts), condition.within)
            loader = create(within, sort)
            cast("Loader[Any, Any]", loader).decoder = decoder
            return await asyncio.gather(*map(loader.load, keys), return_exceptions=True)

        variant = ("items within", str(create), str(condition), *map(str, sort))
        if variant not in self._groups:
            self._groups[variant] = Loader(load, get_cache_key)
        return self._groups[variant]

    async def _find_bound(self, condition: OfRecords) -> list[tuple[cql.Cql, Ids]]:
        """Return the parts of a condition, each with the ids of the items that are bound with others."""
        bound = await asyncio.gather(
            *([] if condition.holdings is None else [self._bound_items(condition.holdings)]),
            *([] if condition.instances is None else [self._bound_items_of_instances(condition.instances)]),
        )
        return list(zip(condition.own, bound, strict=True))

    async def _bound_items(self, holdings: Ids) -> Ids:
        bound = await self.bound_items_of_holdings.load_many(holdings)
        return list(dict.fromkeys(each for some in bound for each in some))

    async def _bound_items_of_instances(self, instances: Ids) -> Ids:
        pages = await self.holdings_of_instance(None, ()).load_many([(each, WHOLE) for each in instances])
        return await self._bound_items(_ids_in([each for page in pages for each in page.records], "id"))


async def _page_with(
    collection: BoundCollection,
    limits: LimitSettings,
    own: cql.Cql,
    ids: Ids,
    within: cql.Cql | None,
    sort: Sequence[cql.SortKey],
    window: Window,
    decoder: RecordDecoder | None,
) -> Slice:
    """Read a page of the records that match `own` or have one of the ids."""
    query = cql.all_of(_or_bound(own, ids), within)
    length = collection.request_line_length(cql.sort_by(query, sort), limit=MAX_PAGE_SIZE)
    if not ids or length < limits.max_request_line:
        return await page_of(collection, query, sort, window, decoder)
    # The ids are too many for one query, so all records are read and the page is cut from them.
    whole = await page_of(collection, cql.all_of(own, within), sort, WHOLE)
    others = await by_id(collection, limits, within=within).load_many(ids)
    records = {str(each.get("id")).lower(): each for each in [*whole.records, *filter(None, others)]}
    return cut(_sorted(list(records.values()), sort), window)


def _key_of_holdings(key: tuple[str, Window]) -> tuple[str, Window]:
    return key[0].lower(), key[1]


def _key_of_instance(key: OfInstance) -> OfInstance:
    return OfInstance(key[0].lower(), *key[1:])


def _or_bound(own: cql.Cql, ids: Ids) -> cql.Cql:
    return cql.one_of(own, cql.any_of("id", ids) if ids else None)


def _ids_in(records: Sequence[Record], member: str) -> Ids:
    """Return the distinct ids in a member of records, in lower case."""
    values = (each.get(member) for each in records)
    return list(dict.fromkeys(each.lower() for each in values if type(each) is str))


def _is_not_served(error: errors.GatewayError) -> bool:
    return error.status in (404, 405)


def _sorted(records: list[Record], sort: Sequence[cql.SortKey]) -> list[Record]:
    """Sort as upstream does, as far as its collation does not matter; absent values come last."""
    for key in reversed([*sort, cql.SortKey("id")]):
        path = key.index.split(".")

        def value(record: Record, path: Sequence[str] = path) -> str:
            found = dig(record, path)
            return "" if found is None else cql.fold(str(found))

        present = [each for each in records if value(each)]
        absent = [each for each in records if not value(each)]
        present.sort(key=value, reverse=key.descending)
        records = absent + present if key.descending else present + absent
    return records

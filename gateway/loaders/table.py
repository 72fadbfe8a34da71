"""Small tables of reference data: asked whole, once per operation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway import errors
from gateway.loaders.batching import MAX_PAGE_SIZE, ById, by_id, one_by_one
from gateway.loaders.loader import Loader
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, RecordDecoder
from gateway.upstream.record_types import Record

_WHOLE = ""  # the one key under which the table is loaded, so that all of an operation wait for one call


class Table:
    """A table that fits into one answer, and its rows by id.

    A screen that shows one patron group shows several, at several levels of its query, and often the list to
    choose from besides. By id that is a call for each level and one for the list; whole it is one call for
    all of them, so whole is what is asked. A table of MAX_PAGE_SIZE rows and more is not small: ids that
    its first page lacks are asked by id, and its list a page at a time.
    """

    def __init__(self, ask: BoundCollection, limits: LimitSettings, sort: Sequence[cql.SortKey]) -> None:
        self._ask = ask
        self._sort = sort
        self._first_page = one_by_one(self._asked, ask.operation)
        self._beyond = by_id(ask, limits)
        self.by_id: ById = Loader(self._load, str.lower, operation=ask.operation)

    async def rows(self) -> list[Record] | None:
        """All rows, in the order of the table; None where it is not small."""
        found = await self._first_page.load(_WHOLE)
        return found if len(found) < MAX_PAGE_SIZE else None

    async def _asked(self, _: str) -> list[Record]:
        query = cql.sorted_by(None, self._sort, tie_break=self._ask.tie_break)
        return (await self._ask(query, limit=MAX_PAGE_SIZE)).records

    async def _load(
        self, keys: list[str], _: RecordDecoder | None
    ) -> list[Record | errors.GatewayError | None]:
        try:
            page = await self._first_page.load(_WHOLE)
        except errors.GatewayError as problem:
            return [problem] * len(keys)
        found: dict[str, Record | errors.GatewayError | None] = {
            str(row.get("id")).lower(): row for row in page
        }
        if len(page) >= MAX_PAGE_SIZE:
            missing = [key for key in map(str.lower, keys) if key not in found]
            found |= zip(missing, await asyncio.gather(*map(self._one_beyond, missing)), strict=True)
        return [found.get(key.lower()) for key in keys]

    async def _one_beyond(self, key: str) -> Record | errors.GatewayError | None:
        try:
            return await self._beyond.load(key)
        except errors.GatewayError as problem:
            return problem

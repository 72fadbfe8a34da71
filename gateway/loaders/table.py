"""Small tables of reference data, loaded completely and once per operation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from gateway import errors
from gateway.loaders.loader import ById, Loader, by_id, one_by_one
from gateway.loaders.pages import MAX_PAGE_SIZE, is_last
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, Page, RecordDecoder
from gateway.upstream.record_types import Record

_FirstPage: TypeAlias = "Loader[str, Page]"
_ALL = ""  # the one key of the first page, so that an operation fetches it once


class Table:
    """A table that fits into one response, and its rows by id.

    A screen that shows one patron group shows several, at several levels of its query, and often the list to
    choose from. By id that is a call for each level and one for the list; the complete table is one call for
    all of them. A table of which the first page has not all rows is not small: ids that the page lacks are
    loaded by id, and its list a page at a time.
    """

    def __init__(
        self, collection: BoundCollection, limits: LimitSettings, sort: Sequence[cql.SortKey]
    ) -> None:
        # No methods, which would keep the table, with the caller's client, in a reference cycle.
        self._first_page: _FirstPage = one_by_one(
            partial(_fetch_first_page, collection, sort), collection.operation
        )
        self._beyond = by_id(collection, limits)
        self.by_id: ById = Loader(
            partial(_load_rows, self._first_page, self._beyond), str.lower, operation=collection.operation
        )

    def cancel(self) -> None:
        """Cancel all loading, because the operation was cancelled."""
        for each in (self.by_id, self._first_page, self._beyond):
            each.cancel()

    async def rows(self) -> list[Record] | None:
        """Return all rows, in the order of the table; None if it is not small."""
        page = await self._first_page.load(_ALL)
        return page.records if _is_complete(page) else None


async def _fetch_first_page(collection: BoundCollection, sort: Sequence[cql.SortKey], _: str) -> Page:
    query = cql.sort_by(None, sort, tie_break=collection.tie_break)
    return await collection(query, limit=MAX_PAGE_SIZE, total=True)


async def _load_rows(
    first_page: _FirstPage, beyond: ById, keys: list[str], _: RecordDecoder | None
) -> list[Record | errors.GatewayError | None]:
    try:
        page = await first_page.load(_ALL)
    except errors.GatewayError as error:
        return [errors.without_frames(error)] * len(keys)
    rows: dict[str, Record | errors.GatewayError | None] = {
        str(row.get("id")).lower(): row for row in page.records
    }
    if not _is_complete(page):
        missing = [key for key in map(str.lower, keys) if key not in rows]
        rows |= zip(missing, await asyncio.gather(*(_load_row(beyond, key) for key in missing)), strict=True)
    return [rows.get(key.lower()) for key in keys]


async def _load_row(beyond: ById, key: str) -> Record | errors.GatewayError | None:
    try:
        return await beyond.load(key)
    except errors.GatewayError as error:
        return errors.without_frames(error)


def _is_complete(page: Page) -> bool:
    return is_last(page, MAX_PAGE_SIZE, len(page.records))

"""Lists below many parents: a page for each parent, from few calls.

One query reads the first records of all parents of a batch, in their common order. If its total shows that
there are more, parents whose pages are complete are left out of the query, which then reads on. This is
correct because the order is total (the last sort key is unique): the first records of several parents, as far
as they belong to one of them, are the first ones of that parent.

A parent that would need more than RECORDS_PER_CALL further records is read by calls of its own, with its own
`limit` and count. So no parent waits for, or fails because of, the records of another.

With k large groups among the parents of a batch, at most 3 + k calls are made if no total is selected. A
group is large if it has more records than its share of a page: 10 or, if more are needed, twice as many as
are. For each page but the last either completes a large group, of which there are k, or has records of other
groups only, which together fill two pages at most. A total costs each large group one call more.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from aiodataloader import DataLoader

from gateway import errors
from gateway.loaders.loader import Loader, equal, fetch_chunks, key_too_long
from gateway.loaders.pages import MAX_PAGE_SIZE, Slice, Window, cut, is_last, page_of
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, RecordDecoder
from gateway.upstream.record_types import Record, dig

Grouped: TypeAlias = "DataLoader[tuple[str, Window], Slice]"

MAX_COMMON_PAGES = 3  # beside those that each complete a large group
MORE_CALLS = 3  # in the estimate, beside the first for each batch of parents: with one large group among them
RECORDS_PER_CALL = 200  # reading so many takes about as much time as another call
_SHARE = 10  # records of each parent for which a page has room, even if fewer are needed
_OTHER_LENGTH = 500  # bytes of room for the method, the base path, the other parameters and the HTTP version
_ONLY_TOTAL = Window(count=0, total=True, only_total=True)


@dataclass(slots=True, eq=False)
class _Group:
    """The records of one parent, as far as they are read, and the windows of them that are loaded."""

    key: str
    windows: list[Window] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    results: dict[Window, Slice | errors.GatewayError] = field(default_factory=dict)

    @property
    def is_counted(self) -> bool:
        return any(window.total or window.whole for window in self.windows)

    @property
    def needed(self) -> int:
        """The number of records, from the first one on, that the windows need."""
        return max(MAX_PAGE_SIZE if window.whole else window.offset + window.limit for window in self.windows)

    def estimate_rest(self, ratio: float) -> float:
        """Return how many records are to be read further, if `ratio` of them follow for each one read."""
        count = len(self.records)
        rest = count * ratio if count else 0.0
        return rest if self.is_counted else min(rest, self.needed - count)

    def fill_windows(self) -> None:
        """Take all windows from the records, which are the complete list."""
        self.results = {window: cut(self.records, window) for window in self.windows}

    def take_window(
        self, window: Window, total: int | errors.GatewayError | None
    ) -> Slice | errors.GatewayError:
        """Take a window from the records, which reach as far as it needs."""
        if window.total and isinstance(total, errors.GatewayError):
            return total
        end = window.offset + window.count
        return Slice(
            self.records[window.offset : end],
            window.offset,
            total if window.total and isinstance(total, int) else None,
            len(self.records) > end if window.has_next else None,
        )

    def fail(self, problem: errors.GatewayError) -> None:
        self.results = dict.fromkeys(self.windows, problem)


class _Reader:
    """Reads the windows of groups; see the module."""

    def __init__(
        self,
        collection: BoundCollection,
        limits: LimitSettings,
        *,
        index: str,
        key: tuple[str, ...],
        owner: Callable[[str], object],
        within: cql.Cql | None,
        sort: Sequence[cql.SortKey],
        has_large_groups: bool,
    ) -> None:
        self.collection = collection
        self.limits = limits
        self.index = index
        self.key = key
        self.owner = owner
        self.within = within
        self.sort = sort
        self.has_large_groups = has_large_groups

    async def load(
        self, keys: list[tuple[str, Window]], decoder: RecordDecoder | None
    ) -> list[Slice | errors.GatewayError]:
        if len(keys) == 1:
            return [await self._read_window(keys[0][0].lower(), keys[0][1], decoder)]
        groups: dict[str, _Group] = {}
        for key, window in keys:
            groups.setdefault(key.lower(), _Group(key.lower())).windows.append(window)
        together = [key for key, each in groups.items() if not (self.has_large_groups and each.is_counted)]

        async def fetch(chunk: list[str]) -> None:
            await self._read_together([groups[key] for key in chunk], decoder)

        async def fetch_together() -> None:
            rest = cql.sort_by(self.within, self.sort)
            rejected = await fetch_chunks(fetch, together, self.collection, self.limits, rest)
            for key, problem in rejected.items():
                groups[key].fail(problem)

        reads = [self._read_apart(groups[key], decoder) for key in groups.keys() - set(together)]
        await asyncio.gather(*([fetch_together()] if together else []), *reads)
        return [groups[key.lower()].results[window] for key, window in keys]

    async def _read_together(self, groups: list[_Group], decoder: RecordDecoder | None) -> None:
        """Read groups from common pages, and apart those that these would not complete soon."""
        limit = min(MAX_PAGE_SIZE, max(2 * sum(each.needed for each in groups), _SHARE * len(groups)))
        pending, apart = groups, list[_Group]()
        try:
            for _ in range(MAX_COMMON_PAGES + len(groups)):
                read = sum(len(each.records) for each in pending)
                page = await self.collection(
                    self._query(pending), limit=limit, offset=read, total=True, decoder=decoder
                )
                read += len(page.records)
                if not self._assign(page.records, pending):
                    # Upstream finds them by a key that their records do not have.
                    for each in pending:
                        each.records.clear()
                    break
                if is_last(page, limit, read):
                    for each in pending:
                        each.fill_windows()
                    pending = []
                    break
                if not page.records:
                    raise self.collection.incomplete()
                ratio = math.inf if page.total is None else max(page.total - read, 0) / read
                pending, large, rest = _divide(pending, ratio)
                apart += large
                if len(pending) < 2:
                    break
                limit = max(limit, min(MAX_PAGE_SIZE, rest))
        except errors.GatewayError as error:
            for each in pending:
                each.fail(errors.without_frames(error))
            pending = []
        await asyncio.gather(*(self._read_apart(each, decoder) for each in (*apart, *pending)))

    async def _read_apart(self, group: _Group, decoder: RecordDecoder | None) -> None:
        """Read the windows of one group that its records do not fill, and its total."""
        known = len(group.records)
        unread = [each for each in group.windows if each.whole or each.offset + each.limit > known]
        if any(each.total for each in group.windows) and not any(each.total or each.whole for each in unread):
            unread.append(_ONLY_TOTAL)
        pages = await asyncio.gather(*(self._read_window(group.key, each, decoder) for each in unread))
        group.results = dict(zip(unread, pages, strict=True))
        problems = [page for page in pages if isinstance(page, errors.GatewayError)]
        totals = [page.total for page in pages if isinstance(page, Slice) and page.total is not None]
        total = totals[0] if totals else problems[0] if problems else None
        for window in group.windows:
            if window not in group.results:
                group.results[window] = group.take_window(window, total)

    async def _read_window(
        self, key: str, window: Window, decoder: RecordDecoder | None
    ) -> Slice | errors.GatewayError:
        try:
            query = cql.all_of(equal(self.index, key), self.within)
            written = cql.sort_by(query, self.sort, tie_break=self.collection.tie_break)
            if self._is_too_long(written, window):
                return key_too_long(self.limits.max_request_line)
            return await page_of(self.collection, query, self.sort, window, decoder)
        except errors.GatewayError as error:
            return errors.without_frames(error)

    def _is_too_long(self, query: str, window: Window) -> bool:
        maximum = self.limits.max_request_line
        if len(self.collection.path) + 3 * len(query.encode()) + _OTHER_LENGTH <= maximum:
            return False  # as nearly all are, so that they need not be percent-encoded twice
        limit, offset = (MAX_PAGE_SIZE, 10**5) if window.whole else (window.limit, window.offset)
        return self.collection.request_line_length(query, limit=limit, offset=offset) > maximum

    def _query(self, groups: Sequence[_Group]) -> str:
        clause = cql.any_of(self.index, [each.key for each in groups])
        query = cql.all_of(clause, self.within)
        return cql.sort_by(query, self.sort, tie_break=self.collection.tie_break)

    def _assign(self, records: list[Record], groups: Sequence[_Group]) -> bool:
        """Add the records to their groups; return False if one has no group."""
        by_key = {each.key: each for each in groups}
        for record in records:
            group = by_key.get(str(self.owner(str(dig(record, self.key)))).lower())
            if group is None:
                return False
            group.records.append(record)
        return True


def grouped_by(
    collection: BoundCollection,
    limits: LimitSettings,
    *,
    index: str,
    key: tuple[str, ...],
    owner: Callable[[str], object] = lambda key: key,
    within: cql.Cql | None = None,
    sort: Sequence[cql.SortKey] = (),
    has_large_groups: bool = False,
) -> Grouped:
    """Return a loader of lists by the foreign key that records have at the path `key`, or by its `owner`.

    With `has_large_groups`, groups of which the total is needed are always read apart: counting thousands of
    records by reading them would take longer than a call for each group.
    """
    reader = _Reader(
        collection,
        limits,
        index=index,
        key=key,
        owner=owner,
        within=within,
        sort=sort,
        has_large_groups=has_large_groups,
    )
    return Loader(reader.load, lambda key: (key[0].lower(), key[1]), collection.operation)


def _divide(groups: Sequence[_Group], ratio: float) -> tuple[list[_Group], list[_Group], int]:
    """Return the groups to read on together, those to read apart, and the expected records of the former.

    Groups whose windows are filled are neither. The estimate is too high for all groups but one if the order
    puts the records of one before, or after, those of the others. So a group is read apart only if it also
    has its share of the records that were read, and a tenth of those of the largest group.
    """
    counts = [len(group.records) for group in groups]
    least = max(sum(counts) / len(counts), max(counts) / 10)
    pending: list[_Group] = []
    apart: list[_Group] = []
    expected = 0.0
    for group in groups:
        rest = group.estimate_rest(ratio)
        if not group.is_counted and len(group.records) >= group.needed:
            group.results = {window: group.take_window(window, None) for window in group.windows}
        elif rest > RECORDS_PER_CALL and len(group.records) >= least:
            apart.append(group)
        else:
            pending.append(group)
            expected += min(rest, RECORDS_PER_CALL)
    return pending, apart, math.ceil(expected)

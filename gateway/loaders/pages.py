"""Pages of lists: which records are read, and how often, for one window of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway import errors
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, Page, RecordDecoder
from gateway.upstream.record_types import Record

MAX_PAGE_SIZE = 1000  # records per call, if their number is not known before
# raml-module-builder counts up to 1000 matches exactly, and estimates only beyond (`exactCount`); without
# records, it always counts.
MIN_ESTIMATE = 1000
ROUND = 10
MAX_PAGES = 20  # calls to read one list; one that needs more must be narrowed


@dataclass(frozen=True, slots=True)
class Window:
    """A page of a list: `count` records from `offset` on, and the facts about it that are selected.

    `whole` if all records of the list are needed, because something is computed of all of them. `only_total`
    if none is.
    """

    offset: int = 0
    count: int = 10
    total: bool = False
    has_next: bool = False
    whole: bool = False
    only_total: bool = False

    @property
    def limit(self) -> int:
        """The records to read from `offset` on: one more than the page has, if `has_next` is needed."""
        if self.only_total:
            return 0
        return self.count + 1 if self.has_next else self.count


@dataclass(frozen=True, slots=True)
class Slice:
    """The records of one window; `total`, `has_next` and `whole` only if the window has them.

    `part` are the places of those that a list of the response is made of, if not of all.
    """

    records: list[Record]
    offset: int = 0
    total: int | None = None
    has_next: bool | None = None
    whole: list[Record] | None = None
    part: range | None = None


async def page_of(
    collection: BoundCollection,
    query: cql.Cql | None,
    sort: Sequence[cql.SortKey],
    window: Window,
    decoder: RecordDecoder | None = None,
) -> Slice:
    """Read one window of a list; a page that a maximum of the service has cut short is read on.

    Raises `UpstreamBadResponse` if upstream sends fewer records than its total says, and `LimitExceeded`.
    """
    tie_break = collection.tie_break
    written = None if tie_break is None else cql.sort_by(query, sort, tie_break=tie_break)
    if window.whole:
        return cut(await _all_records(collection, decoder, written), window)
    offset, limit = window.offset, window.limit
    page = await collection(written, decoder=decoder, limit=limit, offset=offset, total=window.total)
    records, total = page.records, page.total
    for _ in range(MAX_PAGES):
        read = offset + len(records)
        is_end = not may_be_cut(page) if total is None else read >= total
        if is_end or len(records) >= limit:
            break
        page = await collection(
            written, decoder=decoder, limit=limit - len(records), offset=read, total=window.total
        )
        records, total = records + page.records, page.total
        if not page.records and total is not None and total > read:
            raise collection.incomplete()
    else:
        raise _too_long()
    return Slice(
        records[: window.count],
        offset,
        await _exact_total(collection, query, Page(records, total), offset, limit) if window.total else None,
        len(records) > window.count if window.has_next else None,
    )


async def _exact_total(
    collection: BoundCollection, query: cql.Cql | None, page: Page, offset: int, limit: int
) -> int | None:
    """Return the exact number of matches, by one more call if that of the page may be an estimate."""
    records = len(page.records)
    if collection.declaration.forwards_total or not limit:
        return page.total
    if records < limit and (records or not offset):  # the end of the list
        return offset + records
    if page.total is not None and page.total < MIN_ESTIMATE:
        return page.total
    everything = cql.EVERYTHING if query is None else query
    return (await collection(str(everything), limit=0, total=True)).total


def cut(records: list[Record], window: Window) -> Slice:
    """Return one window of a complete list."""
    end = window.offset + window.count
    page = records[window.offset : end]
    return Slice(page, window.offset, len(records), end < len(records), records if window.whole else None)


async def _all_records(
    collection: BoundCollection, decoder: RecordDecoder | None, query: str | None
) -> list[Record]:
    records: list[Record] = []
    for _ in range(MAX_PAGES):
        page = await collection(query, decoder=decoder, limit=MAX_PAGE_SIZE, offset=len(records), total=True)
        records += page.records
        if is_last(page, MAX_PAGE_SIZE, len(records)):
            return records
        if not page.records:
            raise collection.incomplete()
        if page.total is not None and page.total > MAX_PAGES * MAX_PAGE_SIZE:
            break
    raise _too_long()


def is_last(page: Page, limit: int, read: int) -> bool:
    """Return True if no record follows those of the page, which was requested with `limit`.

    `read` is the number of records up to its last. A page can be shorter than its limit and not the last,
    because services have maxima of their own. The total of a full page may be too low from 1000 on, where
    most services estimate it; that of a page with fewer records than its limit is exact there.
    """
    is_full = len(page.records) >= limit
    if page.total is None:
        return not is_full and not may_be_cut(page)
    return page.total <= read and not (is_full and page.total >= MIN_ESTIMATE)


def may_be_cut(page: Page) -> bool:
    """Return True if a page without a total may have been cut short by a maximum of the service.

    Such maxima are round numbers. Other short pages are the last: a check would cost each of them a call.
    """
    return bool(page.records) and len(page.records) % ROUND == 0


def _too_long() -> errors.LimitExceeded:
    return errors.LimitExceeded(
        f"This list is too long to be read completely in {MAX_PAGES} calls; narrow it with `filter`."
    )

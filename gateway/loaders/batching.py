"""Keys in, records out, one question per batch: the batch contract, kept once.

A loader answers each key in its own slot: the record, None where upstream has none, or the error of the
chunk that the key was asked in. Errors stay in the slot, so an outage costs one call and not one per link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from aiodataloader import DataLoader

from gateway import errors
from gateway.loaders.loader import Loader, Slice, Window
from gateway.observability.operation import OperationRecord
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.caller import percent_encode
from gateway.upstream.collection import BoundCollection, Page, RecordDecoder
from gateway.upstream.record_types import Decoded, Record

MAX_PAGE_SIZE = 1000  # records asked per call where the number of answers is not known before
_INDEX_LENGTH = 10  # bytes of room for the name of the index; blanks count three when encoded
_PLAIN = len(percent_encode('id==""'))
MAX_PAGES = 20  # calls for one chunk of groups; beyond it the question is too broad to be answered whole


ById: TypeAlias = "DataLoader[str, Record | None]"
Grouped: TypeAlias = "DataLoader[tuple[str, Window], Slice]"

Value = TypeVar("Value")


def fetch_page(
    collection: BoundCollection,
    decoder: RecordDecoder | None,
    query: str | None,
    *,
    limit: int,
    offset: int = 0,
    total: bool = False,
) -> Awaitable[Page]:
    """Fetch a page, its records decoded by the decoder or into dictionaries."""
    if decoder is None:
        return collection(query, limit=limit, offset=offset, total=total)
    return decoder.page(collection, query, limit=limit, offset=offset, total=total)


def by_id(
    collection: BoundCollection, limits: LimitSettings, *, index: str = "id", within: cql.Cql | None = None
) -> ById:
    """A loader of single records by an id that at most one record has (`within` the clause).

    Ids are lower-cased, because FOLIO matches them in any case and answers in lower case.
    """

    async def load(
        keys: list[str], decoder: RecordDecoder | None
    ) -> list[Record | errors.GatewayError | None]:
        found: dict[str, Record | errors.GatewayError] = {}

        async def fetch(ids: list[str]) -> None:
            try:
                clause = cql.any_of(index, ids)
                query = clause if within is None else cql.all_of(clause, within)
                page = await fetch_page(collection, decoder, str(query), limit=len(ids))
            except errors.GatewayError as problem:
                found.update(dict.fromkeys(ids, problem))
            else:
                found.update(zip(map(str.lower, _members(page.records, index)), page.records, strict=True))

        ids = [key.lower() for key in keys]
        found.update(await _side_by_side(fetch, ids, collection, limits, str(within)))
        return [found.get(each) for each in ids]

    return Loader(load, str.lower, collection.operation)


def by_name(collection: BoundCollection, limits: LimitSettings, *, index: str) -> ById:
    """A loader of single records by a natural key such as a barcode, sent as it was given.

    Two records with the key are a `Conflict`: to choose one would be a guess.
    """

    async def load(
        keys: list[str], decoder: RecordDecoder | None
    ) -> list[Record | errors.GatewayError | None]:
        found: dict[str, Record | errors.GatewayError] = {}

        def fail(names: Iterable[str], problem: errors.GatewayError) -> None:
            for name in names:
                found.setdefault(name.casefold(), problem)

        async def fetch(names: list[str]) -> None:
            most = 2 * len(names)
            try:
                page = await fetch_page(collection, decoder, str(cql.any_of(index, names)), limit=most)
            except errors.GatewayError as problem:
                fail(names, problem)
                return
            for name, record in zip(
                map(str.casefold, _members(page.records, index)), page.records, strict=True
            ):
                other = found.get(name)
                if isinstance(other, errors.Conflict):
                    continue
                # The same record comes twice where one name was asked in two spellings, in two chunks.
                twice = other is not None and not isinstance(other, errors.GatewayError) and other != record
                found[name] = _shared(index) if twice else record
            if len(page.records) >= most:  # records of some names may have left no room for those of others
                fail(names, _shared(index))

        for name, problem in (await _side_by_side(fetch, keys, collection, limits, "")).items():
            fail([name], problem)
        return [found.get(key.casefold()) for key in keys]

    return Loader(load, operation=collection.operation)


def _members(records: list[Any], name: str) -> list[str]:  # Any: as `_at`
    """A member of each record, as text."""
    if records and isinstance(records[0], Decoded):
        return [str(member) for member in map(attrgetter(name), records)]
    return [str(record.get(name)) for record in records]


def _shared(index: str) -> errors.Conflict:
    return errors.Conflict(f"More than one record has this {index}.")


def grouped_by(
    collection: BoundCollection,
    limits: LimitSettings,
    *,
    index: str,
    key: tuple[str, ...],
    owner: Callable[[str], object] = lambda key: key,
    within: cql.Cql | None = None,
    sort: Sequence[cql.SortKey] = (),
) -> Grouped:
    """A loader of lists by the foreign key that its records carry at the path `key`, or by its `owner`.

    The page of a single key is asked as it stands. The pages of several keys are cut from whole groups,
    because one call has one limit for all of its keys.
    """

    async def load(
        keys: list[tuple[str, Window]], decoder: RecordDecoder | None
    ) -> list[Slice | errors.GatewayError]:
        ids = list(dict.fromkeys(each.lower() for each, _ in keys))
        if len(keys) == 1 and not keys[0][1].whole:
            return [await _page_of_one(ids[0], keys[0][1], decoder)]
        groups: dict[str, list[Record] | errors.GatewayError] = {each: [] for each in ids}

        async def fetch(chunk: list[str]) -> None:
            try:
                query = cql.all_of(cql.any_of(index, chunk), within)
                records = await _all_pages(collection, decoder, cql.sorted_by(query, sort))
            except errors.GatewayError as problem:
                groups.update(dict.fromkeys(chunk, problem))
            else:
                for record in records:
                    group = groups.get(str(owner(str(_at(record, key)))).lower())
                    if isinstance(group, list):
                        group.append(record)

        groups.update(await _side_by_side(fetch, ids, collection, limits, cql.sorted_by(within, sort)))
        return [_cut(groups[each.lower()], window) for each, window in keys]

    async def _page_of_one(
        parent: str, window: Window, decoder: RecordDecoder | None
    ) -> Slice | errors.GatewayError:
        try:
            return await page_of(collection, cql.all_of(_equal(index, parent), within), sort, window, decoder)
        except errors.GatewayError as problem:
            return problem

    return Loader(load, lambda key: (key[0].lower(), key[1]), collection.operation)


def _at(record: Any, path: tuple[str, ...]) -> object:  # Any: a record, or a Struct of what is read of one
    for name in path:
        record = record.get(name) if isinstance(record, dict | Decoded) else None
    return record


def one_by_one(
    fetch: Callable[[Any], Awaitable[Value]],
    operation: OperationRecord | None = None,
    *,
    cache_key: Callable[[Any], Any] = str.lower,
) -> DataLoader[Any, Value]:
    """Return a loader for an upstream that serves one key per call. Keys are fetched concurrently."""

    async def fetch_or_error(key: Any) -> Value | errors.GatewayError:
        try:
            return await fetch(key)
        except errors.GatewayError as error:
            return error

    async def load(keys: list[Any], _: RecordDecoder | None) -> list[Value | errors.GatewayError]:
        return list(await asyncio.gather(*map(fetch_or_error, keys)))

    return Loader(load, cache_key, operation=operation)


async def page_of(
    collection: BoundCollection,
    query: cql.Cql | None,
    sort: Sequence[cql.SortKey],
    window: Window,
    decoder: RecordDecoder | None = None,
) -> Slice:
    """One window of a collection. Where `has_next` is asked, one record more is, so it is no guess."""
    written = cql.sorted_by(query, sort, tie_break=collection.tie_break)
    if window.whole:
        return cut(await _all_pages(collection, decoder, written), window)
    limit = window.count + 1 if window.has_next else window.count
    page = await fetch_page(
        collection, decoder, written, limit=limit, offset=window.offset, total=window.total
    )
    return Slice(
        page.records[: window.count],
        window.offset,
        page.total,
        len(page.records) > window.count if window.has_next else None,
    )


def cut(records: list[Record], window: Window) -> Slice:
    """One window of a list that is here as a whole."""
    end = window.offset + window.count
    page = records[window.offset : end]
    return Slice(page, window.offset, len(records), end < len(records), records if window.whole else None)


def _cut(group: list[Record] | errors.GatewayError, window: Window) -> Slice | errors.GatewayError:
    return group if isinstance(group, errors.GatewayError) else cut(group, window)


async def _all_pages(collection: BoundCollection, decoder: RecordDecoder | None, query: str) -> list[Record]:
    records: list[Record] = []
    for _ in range(MAX_PAGES):
        page = await fetch_page(collection, decoder, query, limit=MAX_PAGE_SIZE, offset=len(records))
        records += page.records
        if len(page.records) < MAX_PAGE_SIZE:
            return records
    raise errors.LimitExceeded(
        f"More than {MAX_PAGES * MAX_PAGE_SIZE} records belong to this list; narrow it with `filter`."
    )


async def _side_by_side(
    fetch: Callable[[list[str]], Awaitable[None]],
    keys: Sequence[str],
    collection: BoundCollection,
    limits: LimitSettings,
    rest: str,
) -> dict[str, errors.GatewayError]:
    """Fetch the distinct keys in chunks that keep both limits; `rest` is what each query says besides.

    Answers the keys that cannot be asked, each with its error.
    """
    room = limits.max_request_line - collection.request_line_length(
        f"({' ' * _INDEX_LENGTH}==()) and {rest}", limit=10**4
    )
    distinct = list(dict.fromkeys(keys))
    longest = _PLAIN + max(map(len, distinct))
    if cql.is_plain("".join(distinct)) and min(limits.batch_size, len(distinct)) * longest <= room:
        if len(distinct) <= limits.batch_size:
            await fetch(distinct)
        else:
            starts = range(0, len(distinct), limits.batch_size)
            await asyncio.gather(*(fetch(distinct[start : start + limits.batch_size]) for start in starts))
        return {}
    sizes: dict[str, int] = {}
    refused: dict[str, errors.GatewayError] = {}
    for key in distinct:
        try:
            # `id==` is as long, percent-encoded, as the ` or ` that joins the keys.
            size = _PLAIN + len(key) if cql.is_plain(key) else len(percent_encode(str(_equal("id", key))))
        except errors.BadUserInput as problem:
            refused[key] = problem
            continue
        if size > room:
            refused[key] = errors.LimitExceeded("This key, or the filter beside it, is too long to be asked.")
        else:
            sizes[key] = size
    await asyncio.gather(*map(fetch, _chunks(sizes, limits.batch_size, room)))
    return refused


def _chunks(sizes: Mapping[str, int], most: int, room: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    used = 0
    for key, size in sizes.items():
        if chunk and (len(chunk) == most or used + size > room):
            yield chunk
            chunk, used = [], 0
        chunk.append(key)
        used += size
    if chunk:
        yield chunk


def _equal(index: str, key: str) -> cql.Cql:
    try:
        return cql.equal(index, key)
    except cql.CqlError as problem:
        raise errors.BadUserInput(f"This key cannot be asked for: {problem}.") from problem

"""Batching: the batch functions of all loaders.

A loader returns a value for each key in its slot: the record, None if upstream has none, or the error of the
chunk that has the key. Errors stay in the slots, so an outage costs one call and not one per link.
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

MAX_PAGE_SIZE = 1000  # records per call, if their number is not known before
_INDEX_LENGTH = 10  # characters of room for the name of the index; a blank is three bytes when encoded
_PLAIN = len(percent_encode('id==""'))
# raml-module-builder counts up to 1000 matches exactly, and estimates only beyond (`exactCount`); without
# records, it always counts.
MIN_ESTIMATE = 1000
MAX_PAGES = 20  # calls for one chunk of groups; a list of more records must be narrowed


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
    """Return a loader of single records by an id that at most one record has (`within` the clause).

    Ids are lower-cased, because FOLIO matches them in any case and sends them in lower case.
    """

    async def load(
        keys: list[str], decoder: RecordDecoder | None
    ) -> list[Record | errors.GatewayError | None]:
        results: dict[str, Record | errors.GatewayError] = {}

        async def fetch(ids: list[str]) -> None:
            try:
                clause = cql.any_of(index, ids)
                query = clause if within is None else cql.all_of(clause, within)
                page = await fetch_page(collection, decoder, str(query), limit=len(ids))
            except errors.GatewayError as error:
                results.update(dict.fromkeys(ids, errors.without_frames(error)))
            else:
                results.update(zip(map(str.lower, _members(page.records, index)), page.records, strict=True))

        ids = [key.lower() for key in keys]
        results.update(await _fetch_chunks(fetch, ids, collection, limits, str(within)))
        return [results.get(each) for each in ids]

    return Loader(load, str.lower, collection.operation)


def by_name(collection: BoundCollection, limits: LimitSettings, *, index: str) -> ById:
    """Return a loader of single records by a natural key such as a barcode, sent as it was given.

    Two records with the key are a `Conflict`: to choose one would be a guess.
    """

    async def load(
        keys: list[str], decoder: RecordDecoder | None
    ) -> list[Record | errors.GatewayError | None]:
        results: dict[str, Record | errors.GatewayError] = {}

        def fail(names: Iterable[str], problem: errors.GatewayError) -> None:
            for name in names:
                results.setdefault(name.casefold(), problem)

        async def fetch(names: list[str]) -> None:
            max_records = 2 * len(names)
            try:
                page = await fetch_page(collection, decoder, str(cql.any_of(index, names)), limit=max_records)
            except errors.GatewayError as error:
                fail(names, errors.without_frames(error))
                return
            matches, unsure = _match_names(names, _members(page.records, index), page.records)
            for name, record in matches:
                other = results.get(name)
                if isinstance(other, errors.Conflict):
                    continue
                # The same record comes twice if two chunks have two spellings of one name.
                twice = other is not None and not isinstance(other, errors.GatewayError) and other != record
                results[name] = _ambiguous_key(index) if twice else record
            if len(page.records) >= max_records:  # those of some names may have left no room for others
                fail(names, _ambiguous_key(index))
            elif unsure:  # alone, the records of a name are its own
                await asyncio.gather(*(fetch([name]) for name in unsure))

        for name, problem in (await _fetch_chunks(fetch, keys, collection, limits, "")).items():
            fail([name], problem)
        return [results.get(key.casefold()) for key in keys]

    return Loader(load, operation=collection.operation)


def _match_names(
    names: list[str], members: list[str], records: list[Any]
) -> tuple[list[tuple[str, Any]], list[str]]:  # Any: as `_get_path`
    """Return the records, each with the case-folded name that it has, and the names that may have one more.

    Upstream has compared them already, so this must not be stricter: all records are those of a single name,
    and of several names they are those with an equal folding. An index that distinguishes accents may have a
    record for each spelling, so a record with the exact spelling of one name belongs to that one.
    """
    if len(names) == 1:
        return [(names[0].casefold(), record) for record in records], []
    spellings: dict[str, list[str]] = {}  # of the names, by their foldings
    for name in names:
        spellings.setdefault(cql.fold(name), []).append(name.casefold())
    matches: list[tuple[str, Any]] = []
    taken, is_complete = set[str](), True
    for member, record in zip(members, records, strict=True):
        folding, spelling = cql.fold(member), member.casefold()
        candidates = spellings.get(folding, [])
        if spelling in candidates:
            candidates = [spelling]
            taken.add(folding)
        matches += [(each, record) for each in candidates]
        is_complete = is_complete and bool(candidates)
    matched = {name for name, _ in matches}
    missing = [name for name in names if name.casefold() not in matched]
    return matches, [name for name in missing if cql.fold(name) in taken] if is_complete else missing


def _members(records: list[Any], name: str) -> list[str]:  # Any: as `_get_path`
    """Return a member of each record, as text."""
    if records and isinstance(records[0], Decoded):
        return [str(member) for member in map(attrgetter(name), records)]
    return [str(record.get(name)) for record in records]


def _ambiguous_key(index: str) -> errors.Conflict:
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
    """Return a loader of lists by the foreign key that records have at the path `key`, or by its `owner`.

    The page of a single key is fetched as a page. The pages of several keys are cut from complete groups,
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
                records = await _all_pages(collection, decoder, cql.sort_by(query, sort))
            except errors.GatewayError as error:
                groups.update(dict.fromkeys(chunk, errors.without_frames(error)))
            else:
                for record in records:
                    group = groups.get(str(owner(str(_get_path(record, key)))).lower())
                    if isinstance(group, list):
                        group.append(record)

        groups.update(await _fetch_chunks(fetch, ids, collection, limits, cql.sort_by(within, sort)))
        return [_cut(groups[each.lower()], window) for each, window in keys]

    async def _page_of_one(
        parent: str, window: Window, decoder: RecordDecoder | None
    ) -> Slice | errors.GatewayError:
        try:
            return await page_of(collection, cql.all_of(_equal(index, parent), within), sort, window, decoder)
        except errors.GatewayError as error:
            return errors.without_frames(error)

    return Loader(load, lambda key: (key[0].lower(), key[1]), collection.operation)


def _get_path(
    record: Any, path: tuple[str, ...]
) -> object:  # Any: a record, or a Struct of what is read of one
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
            return errors.without_frames(error)

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
    """Fetch one window of a collection, and one record more if `has_next` is needed."""
    written = cql.sort_by(query, sort, tie_break=collection.tie_break)
    if window.whole:
        return cut(await _all_pages(collection, decoder, written), window)
    limit = window.count + 1 if window.has_next else window.count
    page = await fetch_page(
        collection, decoder, written, limit=limit, offset=window.offset, total=window.total
    )
    return Slice(
        page.records[: window.count],
        window.offset,
        await _exact_total(collection, query, page, window.offset, limit) if window.total else None,
        len(page.records) > window.count if window.has_next else None,
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


async def _fetch_chunks(
    fetch: Callable[[list[str]], Awaitable[None]],
    keys: Sequence[str],
    collection: BoundCollection,
    limits: LimitSettings,
    rest: str,
) -> dict[str, errors.GatewayError]:
    """Fetch the distinct keys in chunks that keep both limits; `rest` is the rest of each query.

    Return the keys that cannot be fetched, each with its error.
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
    rejected: dict[str, errors.GatewayError] = {}
    for key in distinct:
        try:
            # `id==` is as long, percent-encoded, as the ` or ` that joins the keys.
            size = _PLAIN + len(key) if cql.is_plain(key) else len(percent_encode(str(_equal("id", key))))
        except errors.BadUserInput as problem:
            rejected[key] = errors.without_frames(problem)
            continue
        if size > room:
            rejected[key] = errors.LimitExceeded("This key, or the filter beside it, is too long for a call.")
        else:
            sizes[key] = size
    await asyncio.gather(*map(fetch, _chunks(sizes, limits.batch_size, room)))
    return rejected


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
        raise errors.BadUserInput(f"This key cannot be used: {problem}.") from problem

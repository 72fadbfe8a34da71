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
from gateway.upstream.record_types import Record, find_invalid, record_or_error

MAX_PAGE_SIZE = 1000  # records per call, if their number is not known before
_INDEX_LENGTH = 10  # characters of room for the name of the index; a blank is three bytes when encoded
_PLAIN = len(percent_encode('id==""'))
# raml-module-builder counts up to 1000 matches exactly, and estimates only beyond (`exactCount`); without
# records, it always counts.
MIN_ESTIMATE = 1000
MAX_PAGES = 20  # calls to read one list; one that needs more must be narrowed


ById: TypeAlias = "DataLoader[str, Record | None]"

Value = TypeVar("Value")


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
                while ids:
                    query = cql.all_of(cql.any_of(index, ids), within)
                    page = await collection(str(query), decoder=decoder, limit=len(ids), total=True)
                    results.update(
                        zip(map(str.lower, _members(page.records, index)), page.records, strict=True)
                    )
                    if all(map(results.__contains__, ids)):
                        return
                    missing = [key for key in ids if key not in results]
                    if page.total is None or page.total <= len(page.records):
                        invalid = find_invalid(page.records) if missing else None
                        results.update(dict.fromkeys(missing, invalid) if invalid else {})
                        return
                    if len(missing) == len(ids):
                        raise collection.incomplete()
                    ids = missing
            except errors.GatewayError as error:
                results.update(dict.fromkeys(ids, errors.without_frames(error)))

        ids = [key.lower() for key in keys]
        results.update(await fetch_chunks(fetch, ids, collection, limits, str(within)))
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
            limit = 2 * len(names)
            try:
                page = await collection(
                    str(cql.any_of(index, names)), decoder=decoder, limit=limit, total=True
                )
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
            count = len(page.records)
            if count < limit if page.total is None else count >= page.total:
                # Alone, the records of a name are its own.
                await asyncio.gather(*(fetch([name]) for name in unsure))
                return
            # Records of some names may have left no room for those of others.
            if len(names) == 1:
                results[names[0].casefold()] = _ambiguous_key(index) if count else collection.incomplete()
                return
            rest = [each for each in names if not isinstance(results.get(each.casefold()), errors.Conflict)]
            half = 0 if len(rest) < len(names) else len(names) // 2
            await asyncio.gather(*(fetch(part) for part in (rest[:half], rest[half:]) if part))

        for name, problem in (await fetch_chunks(fetch, keys, collection, limits, "")).items():
            fail([name], problem)
        return [results.get(key.casefold()) for key in keys]

    return Loader(load, operation=collection.operation)


def _match_names(
    names: list[str], members: list[str], records: list[Any]
) -> tuple[list[tuple[str, Any]], list[str]]:  # Any: as `dig`
    """Return the records, each with the case-folded name that it has, and the names that may have one more.

    Upstream has compared them already, so this must not be stricter: all records are those of a single name,
    and of several names they are those with an equal folding. An index that distinguishes accents may have a
    record for each spelling, so a record with the exact spelling of one name belongs to that one.
    """
    if len(names) == 1:
        return [(names[0].casefold(), record_or_error(record)) for record in records], []
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


def _members(records: list[Any], name: str) -> list[str]:  # Any: as `dig`
    """Return a member of each record, as text."""
    try:
        return [str(member) for member in map(attrgetter(name), records)]
    except AttributeError:  # not all are Structs
        return [str(record.get(name)) for record in records]


def _ambiguous_key(index: str) -> errors.Conflict:
    return errors.Conflict(f"More than one record has this {index}.")


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
        if total is None or len(records) >= limit or read >= total:
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
    mod-inventory estimates it; that of a page with fewer records than its limit is exact there.
    """
    is_full = len(page.records) >= limit
    if page.total is None:
        return not is_full
    return page.total <= read and not (is_full and page.total >= MIN_ESTIMATE)


def _too_long() -> errors.LimitExceeded:
    return errors.LimitExceeded(
        f"This list is too long to be read completely in {MAX_PAGES} calls; narrow it with `filter`."
    )


async def fetch_chunks(
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
        f"({' ' * _INDEX_LENGTH}==()) and {rest}", limit=10**4, offset=10**5
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
            size = _PLAIN + len(key) if cql.is_plain(key) else len(percent_encode(str(equal("id", key))))
        except errors.BadUserInput as problem:
            rejected[key] = errors.without_frames(problem)
            continue
        if size > room:
            rejected[key] = key_too_long()
        else:
            sizes[key] = size
    await asyncio.gather(*map(fetch, _chunks(sizes, limits.batch_size, room)))
    return rejected


def key_too_long() -> errors.LimitExceeded:
    return errors.LimitExceeded("This key, or the filter beside it, is too long for a call.")


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


def equal(index: str, key: str) -> cql.Cql:
    try:
        return cql.equal(index, key)
    except cql.CqlError as problem:
        raise errors.BadUserInput(f"This key cannot be used: {problem}.") from problem

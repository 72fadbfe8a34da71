"""The DataLoaders: one batch for all keys of one turn of the event loop, by id, by name, or key by key.

A loader returns a value for each key in its slot: the record, None if upstream has none, or the error of the
chunk that has the key. Errors stay in the slots, so an outage costs one call and not one per link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as Keys
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from aiodataloader import DataLoader, dispatch_queue
from aiodataloader import Loader as Queued

from gateway import errors
from gateway.observability.operation import OperationRecord
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.caller import percent_encode
from gateway.upstream.collection import BoundCollection, RecordDecoder
from gateway.upstream.record_types import Record, find_invalid, record_or_error

# Ten characters of room for the name of the index; a blank is three bytes when encoded.
_QUERY = f"({' ' * 10}==()) and "
_PLAIN = len(percent_encode('id==""'))

Key = TypeVar("Key")
Value = TypeVar("Value")


class Loader(DataLoader[Key, Value]):
    """A DataLoader that cancels a batch when all of its futures are cancelled.

    aiodataloader runs a batch in a separate task, which the end of the operation would not reach.

    With a `decoder`, which a plan sets, it loads Structs of the members that the operation reads.
    """

    def __init__(
        self,
        load: Callable[[list[Key], RecordDecoder | None], Awaitable[list[Value | errors.GatewayError]]],
        get_cache_key: Callable[[Key], Key] | None = None,
        operation: OperationRecord | None = None,
    ) -> None:
        # As in aiodataloader, which also inspects `batch_load_fn` for each loader.
        self.loop = asyncio.get_running_loop()
        self.get_cache_key = get_cache_key or _itself
        self._cache = {}
        self._queue = []
        self._load = load
        self.operation = operation or OperationRecord()
        self.decoder: RecordDecoder | None = None
        self._more: dict[Any, dict[Any, Key]] = {}  # keys without a future, by the key whose batch they join
        self._results: dict[Key, Any] = {}  # their results, and before that the future of their batch

    def load(self, key: Key) -> asyncio.Future[Value]:
        """Return a future for the value of a key. It raises the error of the chunk that has the key."""
        if self._results:
            cache_key: Any = self.get_cache_key(key)
            if cache_key in self._results:
                return asyncio.ensure_future(self._load_result(key))
        self.operation.loads += 1
        return super().load(key)

    def do_resolve_reject(self, key: Key, future: asyncio.Future[Value]) -> None:
        """Queue a key for the batch of this turn of the event loop.

        As in aiodataloader, and at the same time, but without a task that only starts another one, and not
        while completions of the operation wait for a turn.
        """
        self._queue.append(Queued(key, future))
        if len(self._queue) == 1:
            self.loop.call_soon(self.loop.call_soon, self._dispatch)

    def _dispatch(self) -> None:
        """Send the batch, when no completion is waiting for a turn in which its links would join it."""
        if self.operation.backlogs:
            self.loop.call_soon(self.loop.call_soon, self._dispatch)
        else:
            dispatch_queue(self)

    async def _load_result(self, key: Key) -> Value:
        cache_keys = self.cache_keys([key])
        await wait_for_all(self.load_all([key], cache_keys))
        (result,) = self.results(cache_keys)
        if isinstance(result, Exception):
            raise result
        value: Value = result
        return value

    async def load_now(self, key: Key) -> Value:
        """Load one key at once. To be used if nothing else is loaded in this turn of the event loop."""
        cache_key: Any = self.get_cache_key(key)
        if self._results or cache_key in self._cache:
            return await self.load(key)
        self.operation.loads += 1
        self.operation.batches.append(1)
        try:
            (value,) = await self._load([key], self.decoder)
        except errors.GatewayError as error:
            value = errors.without_frames(error)
        except Exception as error:
            value = error  # type: ignore[assignment]  # kept, as that of a batch is
        self._results[cache_key] = value
        if isinstance(value, Exception):
            raise value
        return value

    def load_all(self, keys: Keys[Key], cache_keys: list[Any]) -> set[asyncio.Future[Any]]:
        """Load many keys without a future for each. `cache_keys` are what the method of the name returns.

        Return the futures to wait for; then `results` has the value of each key. The keys join the batch of
        this turn of the event loop, as keys that are loaded one by one do.
        """
        pending: set[asyncio.Future[Any]] = set()
        lead: asyncio.Future[Any] | None = None
        others: dict[Any, Key] = {}
        cache, results = self._cache, self._results
        self.operation.loads += len(keys)
        if not cache and not results and 1 < len({*cache_keys}) == len(keys):  # as in most operations
            others = dict(zip(cache_keys, keys, strict=True))
            first = cache_keys[0]
            lead = super().load(others.pop(first))
            results.update(dict.fromkeys(others, lead))
            self._more[first] = others
            return {lead}
        for cache_key, key in zip(cache_keys, keys, strict=True):
            pending_or_value = cache.get(cache_key) or results.get(cache_key)
            if pending_or_value is not None or cache_key in results:
                if isinstance(pending_or_value, asyncio.Future) and not pending_or_value.done():
                    pending.add(pending_or_value)
            elif lead is None:
                lead, first = super().load(key), cache_key
                pending.add(lead)
            else:
                others[cache_key] = key
                results[cache_key] = lead
        if others:
            self._more[first] = others
        return pending

    def results(self, cache_keys: list[Any]) -> list[Any]:
        """Return the value of each key that was loaded, or its exception."""
        values: list[Any] = [*map(self._results.get, cache_keys)]
        cache = self._cache
        for place in [place for place, value in enumerate(values) if value is None]:
            if (future := cache.get(cache_keys[place])) is not None:
                values[place] = future.exception() or future.result()
        return values

    def cancel(self) -> None:
        """Cancel the keys that are being loaded, and with them their calls, because nothing awaits them."""
        for future in self._cache.values():
            if not future.cancel() and not future.cancelled():
                future.exception()  # retrieved, so that it is not logged as one that nothing has handled

    def cache_keys(self, keys: Iterable[Any]) -> list[Any]:  # Any: keys of all loaders
        """Return the keys as the cache has them."""
        return lower(keys) if self.get_cache_key is str.lower else [*map(self.get_cache_key, keys)]

    async def batch_load_fn(self, keys: list[Key]) -> Any:  # Any: aiodataloader types no errors in slots
        batch = asyncio.current_task()
        awaited = {self._cache[self.get_cache_key(key)] for key in keys}

        def cancel_if_unused(future: asyncio.Future[Value]) -> None:
            awaited.discard(future)
            if not awaited and future.cancelled() and batch is not None:
                batch.cancel()

        for future in tuple(awaited):
            future.add_done_callback(cancel_if_unused)
        more = self._followers(keys) if self._more else {}
        self.operation.batches.append(len(keys) + len(more))
        try:
            values: list[Any] = await self._load([*keys, *more.values()] if more else keys, self.decoder)
        except errors.GatewayError as error:
            values = [errors.without_frames(error)] * (len(keys) + len(more))
        except Exception as error:  # kept in the slots, so that the keys are not loaded again
            values = [error] * (len(keys) + len(more))
        if more:
            self._results.update(zip(more, values[len(keys) :], strict=True))
            return values[: len(keys)]
        return values

    def _followers(self, keys: list[Key]) -> dict[Any, Key]:
        """Return the keys that join these: a batch that was sent before them must not load them."""
        joining: dict[Any, Key] = {}
        for key in keys:
            joining.update(self._more.pop(self.get_cache_key(key), ()))
        return joining


def _itself(key: Key) -> Key:
    return key


def lower(texts: Iterable[str]) -> list[str]:
    """Return texts in lower case, which takes half the time if they are: they keep their hashes, too."""
    texts = [*texts]
    text = "".join(texts)
    return texts if text == text.lower() else [*map(str.lower, texts)]


async def wait_for_all(pending: Iterable[asyncio.Future[Any]]) -> None:
    """Wait for futures without raising their exceptions. If it is cancelled, it cancels them."""
    pending = list(pending)
    try:
        for each in pending:
            try:
                await each
            except errors.GatewayError as error:  # it stays in the future
                errors.without_frames(error)
            except Exception:  # noqa: S112 - as above
                continue
    except asyncio.CancelledError:
        for each in pending:
            each.cancel()
        raise


ById: TypeAlias = "Loader[str, Record | None]"


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
                    query = cql.query_of_ids(index, ids, within)
                    page = await collection(query, decoder=decoder, limit=len(ids), total=True)
                    found = _members(page.records, index)
                    if not distinct.issuperset(found):
                        found = lower(found)
                    results.update(zip(found, page.records, strict=True))
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

        ids = lower(keys)
        distinct = {*ids}
        results.update(await fetch_chunks(fetch, ids, collection, limits, str(within)))
        return [*map(results.get, ids)]

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
) -> Loader[Any, Value]:
    """Return a loader for an upstream that serves one key per call. Keys are fetched concurrently."""

    async def fetch_or_error(key: Any) -> Value | errors.GatewayError:
        try:
            return await fetch(key)
        except errors.GatewayError as error:
            return errors.without_frames(error)

    async def load(keys: list[Any], _: RecordDecoder | None) -> list[Value | errors.GatewayError]:
        return list(await asyncio.gather(*map(fetch_or_error, keys)))

    return Loader(load, cache_key, operation=operation)


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
    room = limits.max_request_line - collection.request_line_length(_QUERY + rest, limit=10**4, offset=10**5)
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
            rejected[key] = key_too_long(limits.max_request_line)
        else:
            sizes[key] = size
    await asyncio.gather(*map(fetch, _chunks(sizes, limits.batch_size, room)))
    return rejected


def key_too_long(maximum: int) -> errors.LimitExceeded:
    return errors.LimitExceeded(
        "This key, or the filter beside it, is too long for a call.",
        details={"limit": "MAX_REQUEST_LINE", "maximum": maximum},
    )


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

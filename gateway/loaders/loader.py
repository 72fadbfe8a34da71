"""The DataLoader: one batch for all keys of one turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Collection as Keys
from dataclasses import dataclass
from typing import Any, TypeVar

from aiodataloader import DataLoader, dispatch_queue
from aiodataloader import Loader as Queued

from gateway import errors
from gateway.observability.operation import OperationRecord
from gateway.upstream.collection import RecordDecoder
from gateway.upstream.record_types import Record

Key = TypeVar("Key")
Value = TypeVar("Value")


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
    """The records of one window; `total`, `has_next` and `whole` only if the window has them."""

    records: list[Record]
    offset: int = 0
    total: int | None = None
    has_next: bool | None = None
    whole: list[Record] | None = None


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

        As in aiodataloader, and at the same time, but without a task that only starts another one.
        """
        self._queue.append(Queued(key, future))
        if len(self._queue) == 1:
            self.loop.call_soon(self.loop.call_soon, dispatch_queue, self)

    async def _load_result(self, key: Key) -> Value:
        await wait_for_all(self.load_all([key]))
        (result,) = self.results([key])
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

    def load_all(self, keys: Keys[Key]) -> set[asyncio.Future[Any]]:
        """Load many keys without a future for each.

        Return the futures to wait for; then `results` has the value of each key. The keys join the batch of
        this turn of the event loop, as keys that are loaded one by one do.
        """
        pending: set[asyncio.Future[Any]] = set()
        lead: asyncio.Future[Any] | None = None
        others: dict[Any, Key] = {}
        cache, results, cache_key_of = self._cache, self._results, self.get_cache_key
        self.operation.loads += len(keys)
        for key in keys:
            cache_key: Any = cache_key_of(key)
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

    def results(self, keys: Iterable[Key]) -> list[Any]:
        """Return the value of each key, or its exception."""
        values: list[Any] = []
        cache, results, cache_key_of = self._cache, self._results, self.get_cache_key
        for key in keys:
            cache_key: Any = cache_key_of(key)
            future = cache.get(cache_key)
            if future is None:
                values.append(results.get(cache_key))
            else:
                values.append(future.exception() or future.result())
        return values

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

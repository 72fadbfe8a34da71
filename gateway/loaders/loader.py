"""A loader: keys in, records out, one batch for the keys of one turn of the event loop."""

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
    """A page of a list: `count` records from `offset` on, and what else the selection needs to know.

    `whole` asks for all records of the list, for what is reckoned over all of them.
    """

    offset: int = 0
    count: int = 10
    total: bool = False
    has_next: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """The records of one window; `total`, `has_next` and `whole` only where the window asked for them."""

    records: list[Record]
    offset: int = 0
    total: int | None = None
    has_next: bool | None = None
    whole: list[Record] | None = None


class Loader(DataLoader[Key, Value]):
    """A loader that gives up a batch when nobody waits for any of its keys any more.

    aiodataloader runs a batch in a task of its own, which the end of the operation would not reach.

    With a `decoder`, which a plan sets, it loads Structs of the members that the operation reads.
    """

    def __init__(
        self,
        load: Callable[[list[Key], RecordDecoder | None], Awaitable[list[Value | errors.GatewayError]]],
        get_cache_key: Callable[[Key], Key] | None = None,
        operation: OperationRecord | None = None,
    ) -> None:
        # As aiodataloader's own, which besides looks at how `batch_load_fn` is written, anew for each loader.
        self.loop = asyncio.get_running_loop()
        self.get_cache_key = get_cache_key or _itself
        self._cache = {}
        self._queue = []
        self._load = load
        self.operation = operation or OperationRecord()
        self.decoder: RecordDecoder | None = None
        self._more: dict[Any, dict[Any, Key]] = {}  # keys that have no future, by the one they follow
        self._answers: dict[Key, Any] = {}  # what came of them; until then, the future of a key that has one

    def load(self, key: Key) -> asyncio.Future[Value]:
        """A future for the value of a key. It raises the error of the chunk that the key was asked in."""
        if self._answers:
            cache_key: Any = self.get_cache_key(key)
            if cache_key in self._answers:
                return asyncio.ensure_future(self._of(key))
        self.operation.loads += 1
        return super().load(key)

    def do_resolve_reject(self, key: Key, future: asyncio.Future[Value]) -> None:
        """Queue a key for the batch of this turn of the event loop.

        As aiodataloader does it, and no sooner, but without a task whose one work is to begin another.
        """
        self._queue.append(Queued(key, future))
        if len(self._queue) == 1:
            self.loop.call_soon(self.loop.call_soon, dispatch_queue, self)

    async def _of(self, key: Key) -> Value:
        await settled(self.load_all([key]))
        (found,) = self.answers([key])
        if isinstance(found, Exception):
            raise found
        value: Value = found
        return value

    async def load_now(self, key: Key) -> Value:
        """Load one key without waiting for others, for who knows that nobody else loads in this turn."""
        cache_key: Any = self.get_cache_key(key)
        if self._answers or cache_key in self._cache:
            return await self.load(key)
        self.operation.loads += 1
        self.operation.batches.append(1)
        try:
            (value,) = await self._load([key], self.decoder)
        except Exception as problem:
            value = problem  # type: ignore[assignment]  # kept, as that of a batch is
        self._answers[cache_key] = value
        if isinstance(value, Exception):
            raise value
        return value

    def load_all(self, keys: Keys[Key]) -> set[asyncio.Future[Any]]:
        """Load many keys without a future for each.

        Answers the futures to wait for, whatever becomes of them; then `answers` has the value of each key.
        They join the batch of this turn of the event loop, as keys that are loaded one by one do.
        """
        pending: set[asyncio.Future[Any]] = set()
        lead: asyncio.Future[Any] | None = None
        others: dict[Any, Key] = {}
        cache, answers, cache_key_of = self._cache, self._answers, self.get_cache_key
        self.operation.loads += len(keys)
        for key in keys:
            cache_key: Any = cache_key_of(key)
            known = cache.get(cache_key) or answers.get(cache_key)
            if known is not None or cache_key in answers:
                if isinstance(known, asyncio.Future) and not known.done():
                    pending.add(known)
            elif lead is None:
                lead, first = super().load(key), cache_key
                pending.add(lead)
            else:
                others[cache_key] = key
                answers[cache_key] = lead
        if others:
            self._more[first] = others
        return pending

    def answers(self, keys: Iterable[Key]) -> list[Any]:
        """What came of each key: its value or an exception."""
        found: list[Any] = []
        cache, answers, cache_key_of = self._cache, self._answers, self.get_cache_key
        for key in keys:
            cache_key: Any = cache_key_of(key)
            future = cache.get(cache_key)
            if future is None:
                found.append(answers.get(cache_key))
            else:
                found.append(future.exception() or future.result())
        return found

    async def batch_load_fn(self, keys: list[Key]) -> Any:  # Any: aiodataloader types no errors in slots
        batch = asyncio.current_task()
        awaited = {self._cache[self.get_cache_key(key)] for key in keys}

        def answered(future: asyncio.Future[Value]) -> None:
            awaited.discard(future)
            if not awaited and future.cancelled() and batch is not None:
                batch.cancel()

        for future in tuple(awaited):
            future.add_done_callback(answered)
        more = self._followers(keys) if self._more else {}
        self.operation.batches.append(len(keys) + len(more))
        try:
            values: list[Any] = await self._load([*keys, *more.values()] if more else keys, self.decoder)
        except Exception as problem:  # kept in the slots: a loader that broke is not asked again
            values = [problem] * (len(keys) + len(more))
        if more:
            self._answers.update(zip(more, values[len(keys) :], strict=True))
            return values[: len(keys)]
        return values

    def _followers(self, keys: list[Key]) -> dict[Any, Key]:
        """The keys that come with these: a batch that was sent off before them must not take them along."""
        found: dict[Any, Key] = {}
        for key in keys:
            found.update(self._more.pop(self.get_cache_key(key), ()))
        return found


def _itself(key: Key) -> Key:
    return key


async def settled(pending: Iterable[asyncio.Future[Any]]) -> None:
    """Wait for futures, whatever comes of them. Cancelled, it cancels them."""
    pending = list(pending)
    try:
        for each in pending:
            try:
                await each
            except Exception:  # noqa: S112 - whoever wants the answer finds it
                continue
    except asyncio.CancelledError:
        for each in pending:
            each.cancel()
        raise

"""Keys that are loaded at once: they join the batch of their turn, and their results are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiodataloader import DataLoader

from gateway import errors
from gateway.loaders.loader import Loader, wait_for_all
from gateway.upstream.collection import RecordDecoder
from gateway.upstream.record_types import Members

pytestmark = pytest.mark.anyio

Record = Any  # the result of a key: text here, or a Struct


class Source:
    """The source of a loader, which records each batch and can be held."""

    def __init__(self, value: Callable[[str], Record] = str.upper) -> None:
        self.value = value
        self.batches: list[list[str]] = []
        self.called = asyncio.Event()
        self.decoders: list[RecordDecoder | None] = []
        self.cancelled: list[list[str]] = []
        self.gates: dict[str, asyncio.Event] = {}  # a batch with this key waits

    async def __call__(self, keys: list[str], decoder: RecordDecoder | None) -> list[Record]:
        self.batches.append(keys)
        self.called.set()
        self.decoders.append(decoder)
        try:
            for key in keys:
                if key in self.gates:
                    await self.gates[key].wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(keys)
            raise
        return [self.value(key) for key in keys]

    def hold(self, key: str) -> asyncio.Event:
        gate = self.gates[key] = asyncio.Event()
        return gate


def loader_of(source: Source) -> Loader[str, Record]:
    return Loader(source, str.lower)


async def test_one_batch_for_keys_at_once_and_keys_one_by_one() -> None:
    """Keys of one turn of the event loop are one batch, loaded together or singly."""
    source = Source()
    loader = loader_of(source)

    first = loader.load("a")
    pending = loader.load_all(["a", "b", "c"], ["a", "b", "c"])
    last = loader.load("c")
    await wait_for_all(pending)

    assert source.batches == [["a", "b", "c"]]
    assert loader.results(["a", "b", "c"]) == ["A", "B", "C"]
    assert (await first, await last) == ("A", "C")
    assert (loader.operation.loads, loader.operation.batches) == (5, [3])


async def test_a_key_in_several_spellings() -> None:
    """Spellings of one key are one key, within one call and over several."""
    source = Source()
    loader = loader_of(source)
    keys = ["Ab", "AB", "c", "C", "d"]

    await wait_for_all(loader.load_all(keys, loader.cache_keys(keys)))
    await wait_for_all(loader.load_all(["aB", "D"], ["ab", "d"]))

    assert source.batches == [["Ab", "c", "d"]]
    assert loader.results(loader.cache_keys(["ab", "AB", "C", "D"])) == ["AB", "AB", "C", "D"]
    assert await loader.load("C") == "C"
    assert source.batches == [["Ab", "c", "d"]]


async def test_a_loader_has_all_attributes_of_a_data_loader() -> None:
    """It is created without the library's constructor, and has all attributes of a DataLoader."""

    async def load(keys: list[str], decoder: RecordDecoder | None = None) -> list[Any]:
        return keys

    own_attributes, expected_attributes = vars(Loader(load)), vars(DataLoader(load))

    del expected_attributes["batch_load_fn"]  # a method here
    assert (
        {"loop", "get_cache_key", "_cache", "_queue"} <= expected_attributes.keys() <= own_attributes.keys()
    )
    same = {name for name, value in expected_attributes.items() if own_attributes[name] == value}
    assert expected_attributes.keys() - same == {"get_cache_key"}
    assert own_attributes["get_cache_key"]("a") == expected_attributes["get_cache_key"]("a") == "a"


async def test_nothing_to_wait_for() -> None:
    """Loaded keys are returned at once, and no keys are no batch."""
    source = Source()
    loader = loader_of(source)
    await wait_for_all(loader.load_all(["a", "b"], ["a", "b"]))

    assert loader.load_all(["b", "a"], ["b", "a"]) == set()
    assert loader.load_all([], []) == set()
    assert source.batches == [["a", "b"]]


async def test_keys_of_a_batch_in_flight_are_shared() -> None:
    """Keys of a batch in flight are awaited and not requested again."""
    source = Source()
    gate = source.hold("a")
    loader = loader_of(source)
    waiting = asyncio.ensure_future(wait_for_all(loader.load_all(["a", "b"], ["a", "b"])))
    await source.called.wait()

    one = loader.load("B")
    pending = loader.load_all(["b", "A"], ["b", "a"])
    assert len(pending) == 1
    gate.set()
    await wait_for_all(pending)
    await waiting

    assert loader.results(["a", "b"]) == ["A", "B"]
    assert await one == "B"
    assert source.batches == [["a", "b"]]


async def test_a_batch_takes_its_own_keys_only() -> None:
    """Keys that arrive after a batch was scheduled, and before it begins, are in the next batch."""
    for turns in range(6):
        source = Source()
        gate = source.hold("slow")
        loader = loader_of(source)
        slow = loader.load("slow")
        for _ in range(turns):
            await asyncio.sleep(0)

        pending = loader.load_all(["a", "b", "c"], ["a", "b", "c"])
        for _ in range(10):
            await asyncio.sleep(0)

        (joined,) = [batch for batch in source.batches if "a" in batch]
        assert {*joined} - {"slow"} == {"a", "b", "c"}
        if "slow" in joined:
            gate.set()
        await wait_for_all(pending)
        assert loader.results(["a", "b", "c"]) == ["A", "B", "C"]
        gate.set()
        assert await slow == "SLOW"


async def test_errors_are_kept() -> None:
    """An error stays in the slot of its key, which is not requested again."""
    problem = errors.UpstreamTimeout("late")
    source = Source(lambda key: problem if key in "bc" else key)
    loader = loader_of(source)

    await wait_for_all(loader.load_all(["a", "b", "c"], ["a", "b", "c"]))

    assert loader.results(["a", "b", "c"]) == ["a", problem, problem]
    for key in "bc":
        with pytest.raises(errors.UpstreamTimeout, match="late"):
            await loader.load(key)
    assert source.batches == [["a", "b", "c"]]


async def test_a_loader_that_breaks() -> None:
    """A batch that raises is the same error for all its keys, and is not repeated."""

    async def load(keys: list[str], _: RecordDecoder | None) -> list[Record]:
        batches.append(keys)
        raise LookupError("broken")

    batches: list[list[str]] = []
    loader: Loader[str, Record] = Loader(load)

    await wait_for_all(loader.load_all(["a", "b"], ["a", "b"]))

    for key in "ab":
        assert isinstance(loader.results([key])[0], LookupError)
        with pytest.raises(LookupError):
            await loader.load(key)
    assert batches == [["a", "b"]]


async def test_a_batch_without_waiters_is_cancelled() -> None:
    """The batch is cancelled with the only task that waits for it."""
    source = Source()
    source.hold("c")
    loader = loader_of(source)
    before = asyncio.all_tasks()
    waiting = asyncio.ensure_future(wait_for_all(loader.load_all(["a", "b", "c"], ["a", "b", "c"])))
    await source.called.wait()

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    for _ in range(5):
        await asyncio.sleep(0)

    assert source.cancelled == [["a", "b", "c"]]
    assert asyncio.all_tasks() == before


async def test_cancelled_before_the_batch_is_sent() -> None:
    """A batch whose keys are all cancelled before it is sent is cancelled."""
    source = Source()
    source.hold("a")
    loader = loader_of(source)
    before = asyncio.all_tasks()
    for future in loader.load_all(["a", "b"], ["a", "b"]):
        future.cancel()
    for _ in range(10):
        await asyncio.sleep(0)

    assert source.cancelled == source.batches
    assert asyncio.all_tasks() == before


async def test_a_batch_with_a_waiter_continues() -> None:
    """A batch continues as long as one of its keys is awaited."""
    source = Source()
    gate = source.hold("a")
    loader = loader_of(source)
    waiting = asyncio.ensure_future(wait_for_all(loader.load_all(["a", "b"], ["a", "b"])))
    other = loader.load("z")
    await source.called.wait()

    waiting.cancel()
    await asyncio.sleep(0)
    gate.set()

    assert await other == "Z"
    assert source.cancelled == []
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_loader_passes_its_decoder_on() -> None:
    """A batch is decoded by the decoder of the loader at the time of sending."""
    members = Members()
    members.leaf("id", str)
    decoder = RecordDecoder(members, from_circulation=False)
    source = Source(lambda key: key)
    loader = loader_of(source)

    await loader.load("a")
    loader.decoder = decoder
    await loader.load("b")
    assert await loader.load_now("c") == "c"

    assert source.decoders == [None, decoder, decoder]

"""Keys that are loaded at once: they join the batch of their turn, and what comes of them is kept."""

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

Record = Any  # what a loader has of a key: text here, or a Struct


class Source:
    """What a loader asks; notes each batch, and answers when it is let."""

    def __init__(self, value: Callable[[str], Record] = str.upper) -> None:
        self.value = value
        self.batches: list[list[str]] = []
        self.asked = asyncio.Event()
        self.decoders: list[RecordDecoder | None] = []
        self.cancelled: list[list[str]] = []
        self.gates: dict[str, asyncio.Event] = {}  # a batch with this key waits

    async def __call__(self, keys: list[str], decoder: RecordDecoder | None) -> list[Record]:
        self.batches.append(keys)
        self.asked.set()
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
    """Keys of one turn of the loop are one question, however they were asked for."""
    source = Source()
    loader = loader_of(source)

    first = loader.load("a")
    pending = loader.load_all(["a", "b", "c"])
    last = loader.load("c")
    await wait_for_all(pending)

    assert source.batches == [["a", "b", "c"]]
    assert loader.results("abc") == ["A", "B", "C"]
    assert (await first, await last) == ("A", "C")
    assert (loader.operation.loads, loader.operation.batches) == (5, [3])


async def test_a_key_in_several_spellings() -> None:
    """Spellings of one key are one key, within one call and over several."""
    source = Source()
    loader = loader_of(source)

    await wait_for_all(loader.load_all(["Ab", "AB", "c", "C", "d"]))
    await wait_for_all(loader.load_all(["aB", "D"]))

    assert source.batches == [["Ab", "c", "d"]]
    assert loader.results(("ab", "AB", "C", "D")) == ["AB", "AB", "C", "D"]
    assert await loader.load("C") == "C"
    assert source.batches == [["Ab", "c", "d"]]


async def test_a_loader_has_all_that_the_library_gives_one() -> None:
    """It is made without the library's own constructor, and lacks nothing of what that makes."""

    async def load(keys: list[str], decoder: RecordDecoder | None = None) -> list[Any]:
        return keys

    ours, theirs = vars(Loader(load)), vars(DataLoader(load))

    del theirs["batch_load_fn"]  # a method here
    assert {"loop", "get_cache_key", "_cache", "_queue"} <= theirs.keys() <= ours.keys()
    same = {name for name, value in theirs.items() if ours[name] == value}
    assert theirs.keys() - same == {"get_cache_key"}
    assert ours["get_cache_key"]("a") == theirs["get_cache_key"]("a") == "a"


async def test_nothing_to_wait_for() -> None:
    """What is here already is not waited for, and no keys are no question."""
    source = Source()
    loader = loader_of(source)
    await wait_for_all(loader.load_all(["a", "b"]))

    assert loader.load_all(["b", "a"]) == set()
    assert loader.load_all([]) == set()
    assert source.batches == [["a", "b"]]


async def test_a_batch_that_is_on_its_way_is_joined() -> None:
    """Keys whose answer is under way are waited for and not asked again."""
    source = Source()
    gate = source.hold("a")
    loader = loader_of(source)
    waiting = asyncio.ensure_future(wait_for_all(loader.load_all(["a", "b"])))
    await source.asked.wait()

    one = loader.load("B")
    pending = loader.load_all(["b", "A"])
    assert len(pending) == 1
    gate.set()
    await wait_for_all(pending)
    await waiting

    assert loader.results("ab") == ["A", "B"]
    assert await one == "B"
    assert source.batches == [["a", "b"]]


async def test_a_batch_takes_its_own_keys_only() -> None:
    """A batch that is sent off, but has not begun, leaves the keys that come then to their own batch."""
    for turns in range(6):
        source = Source()
        gate = source.hold("slow")
        loader = loader_of(source)
        slow = loader.load("slow")
        for _ in range(turns):
            await asyncio.sleep(0)

        pending = loader.load_all(["a", "b", "c"])
        for _ in range(10):
            await asyncio.sleep(0)

        (joined,) = [batch for batch in source.batches if "a" in batch]
        assert {*joined} - {"slow"} == {"a", "b", "c"}
        if "slow" in joined:
            gate.set()
        await wait_for_all(pending)
        assert loader.results("abc") == ["A", "B", "C"]
        gate.set()
        assert await slow == "SLOW"


async def test_errors_are_kept() -> None:
    """An error stays in the slot of its key and is not asked for again."""
    problem = errors.UpstreamTimeout("late")
    source = Source(lambda key: problem if key in "bc" else key)
    loader = loader_of(source)

    await wait_for_all(loader.load_all(["a", "b", "c"]))

    assert loader.results("abc") == ["a", problem, problem]
    for key in "bc":
        with pytest.raises(errors.UpstreamTimeout, match="late"):
            await loader.load(key)
    assert source.batches == [["a", "b", "c"]]


async def test_a_loader_that_breaks() -> None:
    """A batch that raises is the same error for all its keys, and is not sent again."""

    async def load(keys: list[str], _: RecordDecoder | None) -> list[Record]:
        batches.append(keys)
        raise LookupError("broken")

    batches: list[list[str]] = []
    loader: Loader[str, Record] = Loader(load)

    await wait_for_all(loader.load_all(["a", "b"]))

    for key in "ab":
        assert isinstance(loader.results([key])[0], LookupError)
        with pytest.raises(LookupError):
            await loader.load(key)
    assert batches == [["a", "b"]]


async def test_nobody_waits_for_keys_at_once() -> None:
    """Whoever waits is cancelled, and with nobody left the batch is given up."""
    source = Source()
    source.hold("c")
    loader = loader_of(source)
    before = asyncio.all_tasks()
    waiting = asyncio.ensure_future(wait_for_all(loader.load_all(["a", "b", "c"])))
    await source.asked.wait()

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    for _ in range(5):
        await asyncio.sleep(0)

    assert source.cancelled == [["a", "b", "c"]]
    assert asyncio.all_tasks() == before


async def test_cancelled_before_the_batch_is_sent() -> None:
    """A batch that nobody waits for any more when it is its turn is not cancel_if_unused."""
    source = Source()
    source.hold("a")
    loader = loader_of(source)
    before = asyncio.all_tasks()
    for future in loader.load_all(["a", "b"]):
        future.cancel()
    for _ in range(10):
        await asyncio.sleep(0)

    assert source.cancelled == source.batches
    assert asyncio.all_tasks() == before


async def test_somebody_still_waits() -> None:
    """A batch goes on as long as one of its keys is waited for."""
    source = Source()
    gate = source.hold("a")
    loader = loader_of(source)
    mine = asyncio.ensure_future(wait_for_all(loader.load_all(["a", "b"])))
    other = loader.load("z")
    await source.asked.wait()

    mine.cancel()
    await asyncio.sleep(0)
    gate.set()

    assert await other == "Z"
    assert source.cancelled == []
    with pytest.raises(asyncio.CancelledError):
        await mine


async def test_a_loader_passes_its_decoder_on() -> None:
    """A batch is decoded by the decoder that the loader has when the batch is sent."""
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

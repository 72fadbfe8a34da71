"""Many random steps: permissions that are withdrawn and granted again, and two tenants with the same ids."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import msgspec
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.engine.response_body import encode
from gateway.engine.subscriptions import SubscriptionResponse
from gateway.sandbox import Library, Sandbox, create_sandbox
from tests.live.folio_process import MEMBERS, TENANTS, same_records, write_number
from tests.live.live_library import MERGING, LiveLibrary, idle, live_library

pytestmark = pytest.mark.anyio

Json = Any  # a result is JSON of the shape that each test expects
Record: TypeAlias = tuple[str, str, str]  # tenant, collection and id
User: TypeAlias = tuple[str, str]  # tenant and token

ROUNDS = 100
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
FIRST_NUMBER = 100_000  # of a write: greater than any number in a seeded record


class Watched(NamedTuple):
    """The document of a subscription, and the collection of the records that it has."""

    collection: str
    keys: tuple[str, ...]
    document: str


WATCHED = (
    Watched(
        "loans",
        ("id", "userId", "itemId"),
        "loanChanged(%s) { kind record: loan { id number: renewalCount } }",
    ),
    Watched(
        "requests",
        ("id", "requesterId", "instanceId", "pickupServicePointId"),
        "requestChanged(%s) { kind record: request { id number: patronComments } }",
    ),
    Watched("items", ("id",), "itemChanged(%s) { kind record: item { id number: volume } }"),
    Watched("users", ("id",), "userChanged(%s) { kind record: user { id number: externalSystemId } }"),
    Watched(
        "requests",
        ("instanceId",),
        "requestQueueChanged(%s) { kind requestQueue { nodes { id number: patronComments } } }",
    ),
)


class Guarded(Sandbox):
    """A library that refuses the calls of users whose permissions are withdrawn."""

    def __init__(self) -> None:
        super().__init__(create_sandbox().libraries)
        self.withdrawn: set[User] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if (headers["x-okapi-tenant"], headers["x-okapi-token"]) in self.withdrawn:
            refusal = PlainTextResponse("Access requires permission", 403)
            await refusal(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@dataclass(slots=True, eq=False)
class Subscriber:
    """A stream, and its results since the last round."""

    tenant: str
    token: str
    watched: Watched
    key: str
    id: str  # the value of the key
    records: frozenset[str]  # that have the key
    shown: frozenset[str]  # those of them that are in results: closed requests are in no queue
    results: list[Json] = field(default_factory=list)
    response: SubscriptionResponse | None = None
    reading: asyncio.Task[None] | None = None
    last: str | None = None  # the id of the last result

    @property
    def user(self) -> User:
        return self.tenant, self.token

    async def open(self, live: LiveLibrary) -> None:
        """Open the stream, after the last result if there was one, and collect its results."""
        query = f"subscription {{ {self.watched.document % f'{self.key}: {chr(34)}{self.id}{chr(34)}'} }}"
        response = await live.execute(query, tenant=self.tenant, token=self.token, resume_after=self.last)
        assert isinstance(response, SubscriptionResponse), response
        self.response = response
        self.reading = asyncio.create_task(self._read(response))

    async def _read(self, response: SubscriptionResponse) -> None:
        async for id, result in response:
            self.last = id or self.last
            self.results.append(msgspec.json.decode(encode(result)))

    async def close(self) -> None:
        assert self.response is not None
        assert self.reading is not None
        self.reading.cancel()
        await asyncio.wait((self.reading,))
        await self.response.aclose()


class Round:
    """The steps of one round: its last write of each record, whose permission changed, who resumed."""

    def __init__(self) -> None:
        self.written: dict[Record, int] = {}
        self.changed: set[User] = set()
        self.resumed: set[Subscriber] = set()


class Soak:
    """The library, its subscribers, and the record that each number was written to."""

    def __init__(self, live: LiveLibrary, sandbox: Guarded, subscribers: Sequence[Subscriber]) -> None:
        self.subscribers = subscribers
        self.numbers: dict[int, Record] = {}
        self.latest: dict[Record, int] = {}
        self.withdrawn_at: dict[User, int] = {}  # the number of the next write then
        self.refused = self.seen = 0
        self._live = live
        self._sandbox = sandbox
        self._random = random.Random(20261130)  # noqa: S311 - no secret
        self._watched = sorted({(each.watched.collection, id) for each in subscribers for id in each.records})

    @property
    def _next(self) -> int:
        return FIRST_NUMBER + len(self.numbers)

    async def step(self, steps: Round) -> None:
        """Write a record, withdraw or grant a permission, or interrupt a stream and resume it."""
        kind = self._random.choices(("write", "permission", "resume"), (6, 2, 1))[0]
        subscriber = self._random.choice(self.subscribers)
        if kind == "write":
            written = (self._random.choice(TENANTS), *self._random.choice(self._watched))
            number = self._next
            tenant, collection, id = self.numbers[number] = written
            self.latest[written] = steps.written[written] = number
            self._live.publish(write_number(self._sandbox.library(tenant), collection, id, number))
        elif kind == "permission":
            steps.changed.add(subscriber.user)
            if subscriber.user in self._sandbox.withdrawn:
                self._sandbox.withdrawn.remove(subscriber.user)
            else:
                self._sandbox.withdrawn.add(subscriber.user)
                self.withdrawn_at[subscriber.user] = self._next
        elif subscriber.user not in self._sandbox.withdrawn:
            steps.resumed.add(subscriber)
            await subscriber.close()
            await subscriber.open(self._live)
            await idle()  # it begins with a read, by which it would end without the permission
        if self._random.random() < 0.5:
            await asyncio.sleep(self._random.uniform(0, 0.002))

    async def settle(self) -> None:
        """Wait until there are no further results."""
        counts: list[int] | None = None
        while counts != (counts := [len(each.results) for each in self.subscribers]):
            await asyncio.sleep(1.25 * MERGING)  # what waits is read by then
            await idle()

    def check(self, steps: Round) -> None:
        """Check the results of a round, and forget them."""
        for subscriber in self.subscribers:
            own = {
                id: number
                for (tenant, collection, id), number in steps.written.items()
                if (tenant, collection) == (subscriber.tenant, subscriber.watched.collection)
                and id in subscriber.records
            }
            assert own or not subscriber.results or subscriber in steps.resumed
            states: dict[str, int] = {}
            for result in subscriber.results:
                for id, number in self._records(subscriber, result):
                    states[id] = number
            is_withdrawn = subscriber.user in self._sandbox.withdrawn
            if is_withdrawn:
                assert all(number < self.withdrawn_at[subscriber.user] for number in states.values())
            if subscriber.user not in steps.changed:
                refusals = list(map(is_refusal, subscriber.results))
                assert refusals == [is_withdrawn] * len(refusals)
                assert refusals or not own
                if not is_withdrawn:
                    assert own.keys() & subscriber.shown <= states.keys()
                    for id, number in states.items():
                        assert number == self.latest[subscriber.tenant, subscriber.watched.collection, id]
            self.refused += sum(map(is_refusal, subscriber.results))
            self.seen += len(subscriber.results)
            subscriber.results.clear()

    def _records(self, subscriber: Subscriber, result: Json) -> Iterator[tuple[str, int]]:
        """Yield the ids and the numbers in a result, which are of the subscriber's tenant and records."""
        if is_refusal(result):
            return
        assert "errors" not in result, result
        (change,) = result["data"].values()
        assert change["kind"] == "UPDATED"
        for record in change["requestQueue"]["nodes"] if "requestQueue" in change else [change["record"]]:
            assert record["id"] in subscriber.records
            number = int(record["number"]) if str(record["number"]).isdecimal() else 0
            if number >= FIRST_NUMBER:
                written = (subscriber.tenant, subscriber.watched.collection, record["id"])
                assert self.numbers[number] == written
                yield record["id"], number


def is_refusal(result: Json) -> bool:
    """Return True if a result has no data. Check that it then says neither a kind nor a record."""
    if "errors" not in result:
        return False
    ((name, value),) = result["data"].items()
    (error,) = result["errors"]
    assert (value, error["path"], error["extensions"]["code"]) == (None, [name], "FORBIDDEN")
    assert result.keys() == {"data", "errors"}
    assert error.keys() == {"message", "locations", "path", "extensions"}
    text = str(result)
    assert not any(kind in text for kind in ("CREATED", "UPDATED", "DELETED", "RESYNC"))
    assert not UUID.search(text)
    return True


def subscribers(library: Library) -> Iterator[Subscriber]:
    """Yield the subscribers of both tenants, with the same tokens: two to each of two keys of each kind."""
    for watched in WATCHED:
        collection = getattr(library, watched.collection)
        for key in watched.keys:
            values = sorted({each[key] for each in collection.values() if _is_present(library, key, each)})
            for number, value in enumerate(values[:: max(1, len(values) // 2)][:2]):
                records = frozenset(id for id, each in collection.items() if each.get(key) == value)
                shown = frozenset(
                    id for id in records if "Queue" not in watched.document or "position" in collection[id]
                )
                for tenant in TENANTS:
                    for token in (f"t.{number}.a", f"t.{number}.b"):
                        yield Subscriber(tenant, token, watched, key, value, records, shown)


def _is_present(library: Library, key: str, record: Json) -> bool:
    return key in record and (key not in ("userId", "requesterId") or record[key] in library.users)


@asynccontextmanager
async def soak() -> AsyncIterator[Soak]:
    sandbox = Guarded()
    same_records(sandbox)
    async with live_library(sandbox=sandbox) as live:
        watching = list(subscribers(sandbox.library("diku")))
        for each in watching:
            await each.open(live)
        await idle()
        yield Soak(live, sandbox, watching)
        for each in watching:
            await each.close()


async def test_a_withdrawn_permission_ends_the_data_of_its_user_alone() -> None:
    """In any order of steps: no data after the withdrawal, none of another tenant, and all of the others.

    A result of a user without the permission is null with FORBIDDEN, and says neither a kind nor a record.
    """
    async with soak() as running:
        for _ in range(ROUNDS):
            steps = Round()
            for _ in range(6):
                await running.step(steps)
            await running.settle()
            running.check(steps)

        assert len(running.subscribers) > 50
        assert running.refused > 100
        assert running.seen > 2 * running.refused
        assert set(MEMBERS) == {collection for _, collection, _ in running.numbers.values()}

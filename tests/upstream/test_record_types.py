"""Records decoded as far as they are read: what goes together, and what comes of a page that does not fit."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest

from gateway import errors
from gateway.identity import Caller
from gateway.settings import Settings
from gateway.upstream.collection import BoundCollection, Collection, Shape
from gateway.upstream.record_types import INT, Decoded, ListOf, Members, NotShaped
from gateway.upstream.routes import Route
from gateway.upstream.services import Services

pytestmark = pytest.mark.anyio

Json = Any  # bodies are JSON


def decoded(members: Members, record: Json) -> Decoded:
    return msgspec.json.decode(json.dumps(record), type=members.struct())


# Members


def test_only_what_is_read_is_decoded() -> None:
    """Members that nobody reads are passed over, and those that are left out are None."""
    members = Members()
    members.read("id", str, required=True)
    members.path(("item", "status", "name"), str)

    record = decoded(members, {"other": {"id": 5}, "item": {"status": {"date": 1, "name": "a"}}, "id": "1"})

    assert record.__struct_fields__ == ("id", "item")
    assert msgspec.to_builtins(record) == {"id": "1", "item": {"status": {"name": "a"}}}
    assert record.get("id") == "1"
    assert record.get("item").get("status").get("name") == "a"
    assert decoded(members, {"id": "1"}).get("item") is None
    with pytest.raises(AttributeError):
        record.get("other")


def test_readers_of_the_same_object_share_it() -> None:
    """An object has the members that any of its readers reads, each once and in the order of reading."""
    members = Members()
    one, other = members.object("personal"), members.object("personal")
    one.read("lastName", str)
    other.read("email", str)
    members.path(("personal", "lastName"), str)

    assert one is other
    assert list(one.of) == ["lastName", "email"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (str, INT),
        (str, Members()),
        (Members(), Members()),
        (ListOf(str, nullable=True), ListOf(str, nullable=False)),
        (ListOf(str, nullable=True), ListOf(INT, nullable=True)),
        (ListOf(str, nullable=True), str),
        (str, ListOf(str, nullable=True)),
        (ListOf(Members(), nullable=True), ListOf(Members(), nullable=True)),
    ],
)
def test_readers_that_disagree(first: Any, second: Any) -> None:
    """One member cannot be read as two things."""
    members = Members()
    members.read("it", first)

    assert members.read("it", first) is first
    with pytest.raises(NotShaped):
        members.read("it", second)
    if not isinstance(first, Members):
        with pytest.raises(NotShaped):
            members.object("it")


@pytest.mark.parametrize(
    "name",
    ["", "a-b", "1st", "class", "_links", "__class__", "get", "items", "copy", "values", "a b", "with"],
)
def test_names_that_no_struct_can_have(name: str) -> None:
    """What is no name of an attribute, or is one of a dictionary already."""
    with pytest.raises(NotShaped):
        Members().read(name, str)


def test_required_once_is_required() -> None:
    """A member that one reader must have must be there for all; otherwise null and nothing are the same."""
    members = Members()
    members.read("id", str)
    assert decoded(members, {"id": None}).get("id") is None
    members.read("id", str, required=True)
    members.read("id", str)

    for record in ({}, {"id": None}, {"id": 5}):
        with pytest.raises(msgspec.ValidationError):
            decoded(members, record)


def test_lists() -> None:
    """Null elements where there may be some, and nowhere else; lists of objects too."""
    members, below = Members(), Members()
    below.read("name", str)
    members.read("some", ListOf(str, nullable=True))
    members.read("all", ListOf(str, nullable=False))
    members.read("objects", ListOf(below, nullable=True))

    record = decoded(members, {"some": ["a", None], "all": [], "objects": [None, {"name": "b", "x": 1}]})

    assert msgspec.to_builtins(record) == {"some": ["a", None], "all": [], "objects": [None, {"name": "b"}]}
    for wrong in ({"all": [None]}, {"some": "a"}, {"objects": [5]}, {"some": [5]}):
        with pytest.raises(msgspec.ValidationError):
            decoded(members, wrong)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.5, "5", True])
def test_numbers_that_are_no_int(value: Json) -> None:
    """What GraphQL's Int cannot hold is not decoded as one."""
    members = Members()
    members.read("number", INT)

    assert decoded(members, {"number": -(2**31)}).get("number") == -(2**31)
    with pytest.raises(msgspec.ValidationError):
        decoded(members, {"number": value})


# Pages


class Desk:
    """A collection of loans whose next answer is set, and how often it was asked."""

    def __init__(self, body: bytes | Json, *, mark: str | None = None) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.asked = 0
        services = Services(
            Settings(okapi_url="http://folio"), lambda limits: httpx.MockTransport(self.answer)
        )
        client = services.for_caller(Caller(tenant="diku", request_id="1/graphql")).users._client
        self.ask = Collection(Route("GET", "/loans"), "loans", mark=mark).bind(client)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, content=self.body)


def shape_of(ask: BoundCollection) -> Shape:
    members = Members()
    members.read("id", str, required=True)
    members.path(("status", "name"), str)
    return Shape(ask, members)


async def test_a_page_of_structs() -> None:
    """The records as Structs, and the total where it was asked for and is a number."""
    desk = Desk(
        {"loans": [{"id": "1", "status": {"name": "Open"}}, {"id": "2"}], "totalRecords": 7, "more": [1]}
    )
    shape = shape_of(desk.ask)

    page = await shape.page(desk.ask, None, limit=10, total=True)

    assert [type(record).__name__ for record in page.records] == ["Record", "Record"]
    assert all(isinstance(record, Decoded) for record in page.records)
    assert page.total == 7
    assert (await shape.page(desk.ask, None, limit=10)).total is None
    desk.body = b'{"totalRecords": "7", "loans": []}'
    assert (await shape.page(desk.ask, None, limit=10, total=True)).total is None
    assert desk.asked == 3


@pytest.mark.parametrize(
    "odd",
    [{"id": 5}, {}, {"id": "2", "status": "Open"}, {"id": "2", "status": {"name": ["Open"]}}, {"id": None}],
)
async def test_one_record_that_does_not_fit(odd: Json) -> None:
    """The whole page becomes dictionaries with all that came, marked as ever, and is not asked again."""
    loans = [{"id": "1", "status": {"name": "Open"}, "dueDate": "x"}, odd]
    desk = Desk({"loans": loans, "totalRecords": 2}, mark="circulation>")

    page = await shape_of(desk.ask).page(desk.ask, None, limit=10, total=True)

    assert page.records == [{**each, "circulation>": True} for each in loans]
    assert page.total == 2
    assert desk.asked == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"loans": null}', b'{"loans": [1]}', b'{"loans": {}}', b"\xff",
     b'{"loans": [{"id": "\xff"}]}', b"[" * 100_000, b'{"loans": [' + b'{"a":' * 100_000],
)  # fmt: skip
async def test_a_body_that_is_no_page(body: bytes) -> None:
    """It is told as it is without a shape."""
    desk = Desk(body)
    with pytest.raises(errors.UpstreamBadResponse) as caught:
        await shape_of(desk.ask).page(desk.ask, None, limit=10)
    with pytest.raises(errors.UpstreamBadResponse) as without_shape:
        await desk.ask(None, limit=10)

    assert caught.value.message == without_shape.value.message
    assert desk.asked == 2


async def test_what_nobody_reads_is_not_judged() -> None:
    """Bytes that are no text cost a page only where they are read."""
    desk = Desk(b'{"loans": [{"id": "1", "note": "\xff"}]}')

    page = await shape_of(desk.ask).page(desk.ask, None, limit=10)

    assert msgspec.to_builtins(page.records) == [{"id": "1", "status": None}]
    with pytest.raises(errors.UpstreamBadResponse):
        await desk.ask(None, limit=10)


async def test_a_record_as_a_dictionary() -> None:
    """What was decoded by the names of upstream, with the mark of the interface; others are as they are."""
    desk = Desk({"loans": [{"id": "1", "status": {"name": "Open", "date": 5}}]}, mark="circulation>")
    shape = shape_of(desk.ask)
    page = await shape.page(desk.ask, None, limit=10)

    record: Json = {"id": "1", "status": {"name": "Open"}, "circulation>": True}
    assert shape.record(page.records[0]) == record
    assert shape.record(record) is record
    assert shape.record(None) is None

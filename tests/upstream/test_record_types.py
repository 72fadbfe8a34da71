"""Records decoded into Structs: combined readers, and pages that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from gateway import errors
from gateway.identity import Caller
from gateway.settings import Settings
from gateway.upstream.collection import BoundCollection, Collection, RecordDecoder
from gateway.upstream.record_types import (
    FLOAT,
    INT,
    ConflictingTypes,
    Decoded,
    DecodedFromCirculation,
    Members,
    attribute_of,
    decode_large_object,
    decode_object,
)
from gateway.upstream.routes import Route
from gateway.upstream.services import Services

pytestmark = pytest.mark.anyio

Json = Any  # bodies are JSON


def decoded(members: Members, record: Json) -> Decoded:
    return msgspec.json.decode(json.dumps(record), type=members.struct())


# Members


def test_only_what_is_read_is_decoded() -> None:
    """Members that are not read are skipped, and omitted ones are None."""
    members = Members()
    members.leaf("id", str, required=True)
    members.path(("item", "status", "name"), str)

    record = decoded(members, {"other": {"id": 5}, "item": {"status": {"date": 1, "name": "a"}}, "id": "1"})

    assert record.__struct_fields__ == ("id", "item")
    assert msgspec.to_builtins(record) == {"id": "1", "item": {"status": {"name": "a"}}}
    assert record.get("id") == "1"
    assert record.get("item").get("status").get("name") == "a"
    assert decoded(members, {"id": "1"}).get("item") is None
    assert record.get("other") is None


def test_readers_of_the_same_object_share_it() -> None:
    """An object has the members of all its readers, each once and in the order of reading."""
    members = Members()
    one, other = members.object("personal"), members.object("personal")
    one.leaf("lastName", str)
    other.leaf("email", str)
    members.path(("personal", "lastName"), str)

    assert one is other
    assert list(one.of) == ["lastName", "email"]


READERS: dict[str, Callable[[Members], object]] = {
    "text": lambda members: members.leaf("it", str),
    "number": lambda members: members.leaf("it", INT),
    "object": lambda members: members.object("it"),
    "texts": lambda members: members.list("it", str, nullable=True),
    "texts without null": lambda members: members.list("it", str, nullable=False),
    "numbers": lambda members: members.list("it", INT, nullable=True),
    "objects": lambda members: members.list("it", Members(), nullable=True),
}


@pytest.mark.parametrize("first", READERS)
@pytest.mark.parametrize("second", READERS)
def test_readers_that_disagree(first: str, second: str) -> None:
    """One member cannot be read as two types."""
    members = Members()
    READERS[first](members)

    if first == second:
        READERS[second](members)
    else:
        with pytest.raises(ConflictingTypes):
            READERS[second](members)


@pytest.mark.parametrize(
    "name", ["a-b", "1st", "class", "_links", "__class__", "get", "items", "copy", "values", "a b", "with"]
)
def test_names_that_dictionaries_or_python_have(name: str) -> None:
    """Such a member has a different attribute, and is still read by its name."""
    members = Members()
    members.leaf(name, str)

    record = decoded(members, {name: "a"})

    assert record.get(name) == "a"
    assert not hasattr({}, attribute_of(name))
    assert json.loads(msgspec.json.encode(record)) == {name: "a"}


def test_a_member_whose_absence_matters() -> None:
    """An absent member is distinguished from null."""
    members = Members()
    members.leaf("a", str)
    members.unset.add("a")

    assert decoded(members, {}).get("a", 5) == 5
    assert decoded(members, {"a": None}).get("a", 5) is None
    assert not decoded(members, {}).has("a")
    assert decoded(members, {"a": None}).has("a")


def test_required_once_is_required() -> None:
    """A member that one reader requires is required for all; otherwise null and absent are the same."""
    members = Members()
    members.leaf("id", str)
    assert decoded(members, {"id": None}).get("id") is None
    members.leaf("id", str, required=True)
    members.leaf("id", str)

    for record in ({}, {"id": None}, {"id": 5}):
        with pytest.raises(msgspec.ValidationError):
            decoded(members, record)


def test_lists() -> None:
    """Null elements only in lists that allow them; lists of objects too."""
    members, below = Members(), Members()
    below.leaf("name", str)
    members.list("some", str, nullable=True)
    members.list("all", str, nullable=False)
    members.list("objects", below, nullable=True)

    record = decoded(members, {"some": ["a", None], "all": [], "objects": [None, {"name": "b", "x": 1}]})

    assert msgspec.to_builtins(record) == {"some": ["a", None], "all": [], "objects": [None, {"name": "b"}]}
    for wrong in ({"all": [None]}, {"some": "a"}, {"objects": [5]}, {"some": [5]}):
        with pytest.raises(msgspec.ValidationError):
            decoded(members, wrong)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.5, "5", True])
def test_numbers_that_are_no_int(value: Json) -> None:
    """A number outside GraphQL's Int is not decoded as one."""
    members = Members()
    members.leaf("number", INT)

    assert decoded(members, {"number": -(2**31)}).get("number") == -(2**31)
    with pytest.raises(msgspec.ValidationError):
        decoded(members, {"number": value})


# Pages


class Desk:
    """A collection of loans with a configurable response, and the number of its requests."""

    def __init__(self, body: bytes | Json, *, mark: str | None = None) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.requests = 0
        services = Services(
            Settings(okapi_url="http://folio"), lambda settings: httpx.MockTransport(self.respond)
        )
        client = services.for_caller(Caller(tenant="diku", request_id="1/graphql")).users._client
        self.collection = Collection(Route("GET", "/loans"), "loans", mark=mark).bind(client)

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(200, content=self.body)


def decoder_of(collection: BoundCollection) -> RecordDecoder:
    members = Members()
    members.leaf("id", str, required=True)
    members.path(("status", "name"), str)
    return RecordDecoder(members, from_circulation=collection.mark is not None)


async def test_a_page_of_structs() -> None:
    """The records as Structs, and the total if it is a number."""
    desk = Desk(
        {"loans": [{"id": "1", "status": {"name": "Open"}}, {"id": "2"}], "totalRecords": 7, "more": [1]}
    )
    decoder = decoder_of(desk.collection)

    page = await desk.collection(None, limit=10, total=True, decoder=decoder)

    assert [type(record).__name__ for record in page.records] == ["Record", "Record"]
    assert all(isinstance(record, Decoded) for record in page.records)
    assert page.total == 7
    assert (await desk.collection(None, limit=10, decoder=decoder)).total == 7
    desk.body = b'{"totalRecords": "7", "loans": []}'
    assert (await desk.collection(None, limit=10, total=True, decoder=decoder)).total is None
    assert desk.requests == 3


@pytest.mark.parametrize(
    "odd",
    [{"id": 5}, {}, {"id": "2", "status": "Open"}, {"id": "2", "status": {"name": ["Open"]}}, {"id": None}],
)
async def test_one_record_that_does_not_fit(odd: Json) -> None:
    """It alone is a dictionary with all its members, marked as ever, without another request."""
    loans = [{"id": "1", "status": {"name": "Open"}, "dueDate": "x"}, odd]
    desk = Desk({"loans": loans, "totalRecords": 2}, mark="circulation>")

    page = await desk.collection(None, limit=10, total=True, decoder=decoder_of(desk.collection))

    assert isinstance(page.records[0], DecodedFromCirculation)
    assert msgspec.to_builtins(page.records[0]) == {"id": "1", "status": {"name": "Open"}}
    assert page.records[1] == {**odd, "circulation>": True}
    assert page.total == 2
    assert desk.requests == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"loans": null}', b'{"loans": {}}', b"\xff",
     b'{"loans": [{"id": "\xff}]}', b"[" * 100_000, b'{"loans": [' + b'{"a":' * 100_000],
)  # fmt: skip
async def test_a_body_that_is_no_page(body: bytes) -> None:
    """The error is the same as without a decoder."""
    desk = Desk(body)
    with pytest.raises(errors.UpstreamBadResponse) as caught:
        await desk.collection(None, limit=10, decoder=decoder_of(desk.collection))
    with pytest.raises(errors.UpstreamBadResponse) as without_decoder:
        await desk.collection(None, limit=10)

    assert caught.value.message == without_decoder.value.message
    assert desk.requests == 2


async def test_members_that_are_not_read_are_not_checked() -> None:
    """Bytes that are no text are replaced by an error only if they are read."""
    desk = Desk(b'{"loans": [{"id": "1", "note": "\xff"}]}')

    page = await desk.collection(None, limit=10, decoder=decoder_of(desk.collection))

    assert msgspec.to_builtins(page.records) == [{"id": "1", "status": None}]
    (record,) = (await desk.collection(None, limit=10)).records
    assert isinstance(record["note"], errors.UpstreamBadResponse)


async def test_a_record_that_is_a_dictionary() -> None:
    """It is converted into the same Struct; one that does not fit stays as it is."""
    decoder = decoder_of(Desk({"loans": []}).collection)

    record = decoder.convert({"id": "1", "status": {"name": "Open", "date": 5}, "circulation>": True})

    assert msgspec.to_builtins(record) == {"id": "1", "status": {"name": "Open"}}
    odd = {"status": None}
    assert decoder.convert(odd) is odd


@pytest.mark.parametrize("is_direct", [False, True])
async def test_records_know_their_interface(is_direct: bool) -> None:
    """Records of circulation are distinguished from those of the BFF."""
    members = Members()
    members.leaf("id", str)

    record = RecordDecoder(members, from_circulation=is_direct).convert({"id": "1"})

    assert record.is_from_circulation is is_direct


@pytest.mark.parametrize("number", ["1e400", "-1e400"])
def test_numbers_beyond_a_double(number: str) -> None:
    """They are no Float, in a body or in a dictionary."""
    members = Members()
    members.leaf("it", FLOAT)

    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(f'{{"it": {number}}}', type=members.struct())
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"it": float(number)}, members.struct())


LARGE_LIST = [
    {"id": str(number), "text": "x" * 900, "below": {"numbers": [number, 0.5]}} for number in range(450)
]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b'"loans"', b'"loans": [1], "loans"'),
        (b'"text": "xxx', b'"text": "\\ud800'),
        (b'"text": "xxx', b'"text": "\xff'),
        (b"[7, 0.5]", b"[7, 1e999]"),
        (b"[7, 0.5]", b"[" * 97 + b"]" * 97),
        (b"[7, 0.5]", b"[" * 98 + b"]" * 98),
        (b"[7, 0.5]", b"[" * 100_000 + b"]" * 100_000),
        (b"[7, 0.5]", b"[7, NaN]"),
        (b"[7, 0.5]", b"[7, 0.5"),
        (b"[{", b"null, 5, [{"),
        (b'"total"', b'"\xff"'),
        (b'"total": 450', b'"total": ' + b"[" * 100 + b"]" * 100),
        (b'{"total"', b'[{"total"'),
    ],
)
async def test_large_objects_are_decoded_as_others_are(before: bytes, after: bytes) -> None:
    """In slices, a body has the value that it has at once, or none; errors in texts included."""
    body = json.dumps({"total": 450, "loans": LARGE_LIST}).encode()
    assert before in body
    body = body.replace(before, after, 1)

    value = await decode_large_object(body)

    assert repr(value) == repr(decode_object(body))

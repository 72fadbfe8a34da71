"""The batch contract: which calls a set of keys makes, and what each key gets."""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from aiodataloader import DataLoader
from hypothesis import example, given
from hypothesis import strategies as st

from gateway import errors
from gateway.identity import Caller
from gateway.loaders import Loaders
from gateway.loaders.batching import (
    ById,
    Grouped,
    by_id,
    by_name,
    cut,
    grouped_by,
    one_by_one,
    page_of,
)
from gateway.loaders.loader import Slice, Window
from gateway.settings import LimitSettings, Settings
from gateway.upstream import cql
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client
from gateway.upstream.collection import BoundCollection, Collection
from gateway.upstream.record_types import Record
from gateway.upstream.routes import Route
from gateway.upstream.services import Services

pytestmark = pytest.mark.anyio

LIMITS = LimitSettings()
_TERM = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Shelf:
    """A collection behind a function: it understands the queries of loaders and keeps what it was asked."""

    def __init__(
        self, records: Iterable[Record] = (), *, index: str = "id", base: str = "http://folio"
    ) -> None:
        self.records = list(records)
        self.index = index
        self.asked: list[dict[str, str]] = []
        self.lines: list[int] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.cancelled = 0
        self.gate: asyncio.Event | None = None
        self.fails: Callable[[str], bool] = lambda query: False
        transport = httpx.MockTransport(self._answer)
        client = CallerClient(Client("folio", base, transport, Settings(read_attempts=1)), ())
        self.collection = Collection(Route("GET", "/things"), "things").bind(client)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        parameters = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        self.asked.append(parameters)
        self.lines.append(len(f"GET {request.url.raw_path.decode()} HTTP/1.1"))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        query = parameters["query"]
        if self.fails(query):
            return httpx.Response(503)
        wanted = {each.lower() for each in terms(query)}
        found = [each for each in self.records if str(each.get(self.index)).lower() in wanted]
        offset = int(parameters.get("offset", 0))
        body: dict[str, Any] = {"things": found[offset : offset + int(parameters["limit"])]}
        if parameters["totalRecords"] == "exact":
            body["totalRecords"] = len(found)
        return httpx.Response(200, content=json.dumps(body).encode())


def terms(query: str) -> list[str]:
    """The quoted values of a query, as they were before they were escaped."""
    return [re.sub(r"\\(.)", r"\1", each) for each in _TERM.findall(query)]


def ids(count: int) -> list[str]:
    return [str(uuid.UUID(int=number + 1, version=4)) for number in range(count)]


async def loaded(loader: DataLoader[Any, Any], keys: Sequence[Any]) -> list[Any]:
    """What each key got: a record, a slice, None, or its error. Any: loaders of several kinds."""
    return list(await asyncio.gather(*(loader.load(key) for key in keys), return_exceptions=True))


async def settled() -> None:
    """Let everything run that needs no time."""
    for _ in range(100):
        await asyncio.sleep(0)


# By id


async def test_ids_are_asked_in_one_call() -> None:
    """Keys of one level are one question, with as many records as keys and no count."""
    first, second = ids(2)
    shelf = Shelf([{"id": first}, {"id": second}])

    assert await loaded(by_id(shelf.collection, LIMITS), [first, second]) == [{"id": first}, {"id": second}]
    assert shelf.asked == [{"query": f'id==("{first}" or "{second}")', "limit": "2", "totalRecords": "none"}]


async def test_a_single_id() -> None:
    """One key makes one plain clause."""
    (only,) = ids(1)
    shelf = Shelf([{"id": only}])

    assert await by_id(shelf.collection, LIMITS).load(only) == {"id": only}
    assert shelf.asked == [{"query": f'id=="{only}"', "limit": "1", "totalRecords": "none"}]


async def test_ids_are_lower_cased_and_asked_once() -> None:
    """FOLIO answers in lower case, so both spellings are one key."""
    key = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    shelf = Shelf([{"id": key}])
    loader = by_id(shelf.collection, LIMITS)

    assert await loaded(loader, [key.upper(), key, key]) == [{"id": key}] * 3
    assert await loader.load(key.title()) == {"id": key}
    assert [each["query"] for each in shelf.asked] == [f'id=="{key}"']


async def test_answers_in_upper_case_are_matched() -> None:
    """An id that comes in capitals is the same id."""
    key = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    shelf = Shelf([{"id": key.upper()}])

    assert await by_id(shelf.collection, LIMITS).load(key) == {"id": key.upper()}


async def test_the_order_of_answers_does_not_matter() -> None:
    """Answers are matched by id, and an absent id is None."""
    keys = ids(5)
    shelf = Shelf({"id": key} for key in reversed(keys) if key != keys[2])

    found = await loaded(by_id(shelf.collection, LIMITS), keys)

    assert found == [{"id": keys[0]}, {"id": keys[1]}, None, {"id": keys[3]}, {"id": keys[4]}]


async def test_records_that_were_not_asked_for_are_passed_over() -> None:
    """A service that answers too much confuses nobody."""
    first, second, third = ids(3)

    class Generous(Shelf):
        async def _answer(self, request: httpx.Request) -> httpx.Response:
            self.asked.append({})
            things = [{"id": third}, {"name": "none"}, {"id": None}, {"id": second}]
            return httpx.Response(200, content=json.dumps({"things": things}).encode())

    assert await loaded(by_id(Generous().collection, LIMITS), [first, second]) == [None, {"id": second}]


@pytest.mark.parametrize(("count", "calls"), [(50, [50]), (51, [50, 1]), (120, [50, 50, 20])])
async def test_fifty_ids_a_call_side_by_side(count: int, calls: list[int]) -> None:
    """Chunks of 50 are in flight together, and every key has its record."""
    keys = ids(count)
    shelf = Shelf({"id": key} for key in keys)
    shelf.gate = asyncio.Event()
    loading = asyncio.create_task(loaded(by_id(shelf.collection, LIMITS), keys))
    await settled()
    assert shelf.in_flight == len(calls)

    shelf.gate.set()
    assert await loading == [{"id": key} for key in keys]
    assert [int(each["limit"]) for each in shelf.asked] == calls
    assert [len(terms(each["query"])) for each in shelf.asked] == calls
    assert max(shelf.lines) <= 2600


async def test_a_chunk_that_fails_fails_its_keys_alone() -> None:
    """The other chunks are answered; and a failed key is not asked again in this operation."""
    keys = ids(100)
    shelf = Shelf({"id": key} for key in keys)
    shelf.fails = lambda query: keys[50] in query
    loader = by_id(shelf.collection, LIMITS)

    found = await loaded(loader, keys)
    again = await loaded(loader, keys)

    assert found[:50] == [{"id": key} for key in keys[:50]]
    assert {type(each) for each in found[50:]} == {errors.UpstreamUnavailable}
    assert again == found
    assert len(shelf.asked) == 2


async def test_a_clause_beside_the_ids() -> None:
    """`within` narrows the question, and the index names what is matched."""
    shelf = Shelf([{"itemId": "a", "id": "1"}], index="itemId")
    loader = by_id(shelf.collection, LIMITS, index="itemId", within=cql.equal("status.name", "Open"))

    assert await loaded(loader, ["a", "b"]) == [{"itemId": "a", "id": "1"}, None]
    assert [each["query"] for each in shelf.asked] == ['(itemId==("a" or "b") and status.name=="Open")']


async def test_a_key_that_cannot_be_asked_fails_alone() -> None:
    """A foreign key with a control character in it takes no other link along."""
    (good,) = ids(1)
    shelf = Shelf([{"id": good}])

    broken, found = await loaded(by_id(shelf.collection, LIMITS), ["a\x00b", good])

    assert type(broken) is errors.BadUserInput
    assert found == {"id": good}
    assert [each["query"] for each in shelf.asked] == [f'id=="{good}"']


async def test_a_batch_is_given_up_when_nobody_waits() -> None:
    """The end of an operation ends its questions upstream, in every chunk."""
    shelf = Shelf()
    shelf.gate = asyncio.Event()
    loader = by_id(shelf.collection, LIMITS)
    waiting = [asyncio.ensure_future(loader.load(key)) for key in ids(120)]
    await settled()
    assert shelf.in_flight == 3

    for each in waiting[1:]:
        each.cancel()
    await settled()
    assert (shelf.in_flight, shelf.cancelled) == (3, 0)

    waiting[0].cancel()
    await settled()
    assert (shelf.in_flight, shelf.cancelled) == (0, 3)


async def test_a_batch_that_is_answered_is_not_given_up() -> None:
    """One who left early changes nothing for those who stayed."""
    keys = ids(2)
    shelf = Shelf({"id": key} for key in keys)
    shelf.gate = asyncio.Event()
    loader = by_id(shelf.collection, LIMITS)
    leaving, staying = (asyncio.ensure_future(loader.load(key)) for key in keys)
    await settled()

    leaving.cancel()
    await asyncio.sleep(0)
    shelf.gate.set()

    assert await staying == {"id": keys[1]}
    assert shelf.cancelled == 0


# The length of the request line


BARCODES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('"\\*?^ %&+/#é日\U0001f4da'),
    min_size=1,
    max_size=500,
)
BESIDE = ("Open", "Ünal & Söhne")
WITHIN = cql.all_of(cql.equal("status.name", BESIDE[0]), cql.equal("personal.lastName", BESIDE[1]))


def with_all(kind: str, collection: BoundCollection, limits: LimitSettings) -> DataLoader[Any, Any]:
    if kind == "by_id":
        return by_id(collection, limits, index="checkoutServicePointId", within=WITHIN)
    if kind == "by_name":
        return by_name(collection, limits, index="externalSystemId")
    return grouped_by(
        collection,
        limits,
        index="checkoutServicePointId",
        key=("checkoutServicePointId",),
        within=WITHIN,
        sort=[cql.SortKey("personal.lastName", descending=True), cql.SortKey("position", number=True)],
    )


@given(
    keys=st.lists(BARCODES, min_size=2, max_size=40, unique_by=str.casefold),
    kind=st.sampled_from(["by_id", "by_name", "grouped_by"]),
    base=st.sampled_from(["http://folio", "http://folio/okapi/proxy/über"]),
    request_line=st.sampled_from([600, 4000]),
)
@example(
    keys=["\U0001f4da" * 333, "\U0001f4da" * 330], kind="by_name", base="http://folio", request_line=4000
)
@example(
    keys=[str(number) * 50 for number in range(80)], kind="by_id", base="http://folio", request_line=4000
)
def test_no_request_line_is_too_long(keys: list[str], kind: str, base: str, request_line: int) -> None:
    """Whatever the keys are, no line passes the limit, each key is asked in one chunk, or says why not."""

    async def run() -> None:
        shelf = Shelf(base=base)
        loader = with_all(kind, shelf.collection, LimitSettings(max_request_line=request_line))
        window = Window()
        found = await loaded(loader, [(key, window) for key in keys] if kind == "grouped_by" else keys)

        sent = [each for asked in shelf.asked for each in terms(asked["query"])]
        sent = [each for each in sent if each not in ("Open", "Ünal & Söhne")]
        refused = [
            key for key, each in zip(keys, found, strict=True) if isinstance(each, errors.LimitExceeded)
        ]
        expected = [key.lower() for key in keys] if kind != "by_name" else keys
        refused = [key.lower() for key in refused] if kind != "by_name" else refused
        assert max(shelf.lines, default=0) <= request_line
        assert sorted(sent + refused) == sorted(dict.fromkeys(expected))
        assert all(len(terms(asked["query"])) <= 50 + 2 for asked in shelf.asked)
        assert not any(
            isinstance(each, Exception) for each in found if not isinstance(each, errors.LimitExceeded)
        )

    asyncio.run(run())


async def test_the_path_of_the_base_url_counts() -> None:
    """A proxy's prefix makes every line longer, and the chunks smaller."""
    keys = ids(50)
    plain, behind = Shelf(), Shelf(base=f"http://folio/{'proxy/' * 50}")
    limits = LimitSettings(max_request_line=2700)

    await loaded(by_id(plain.collection, limits), keys)
    await loaded(by_id(behind.collection, limits), keys)

    assert (len(plain.asked), len(behind.asked)) == (1, 2)
    assert max(plain.lines + behind.lines) <= 2700


async def test_a_key_too_long_for_any_line_is_not_sent() -> None:
    """It is refused in its own slot; its neighbours are asked."""
    shelf = Shelf([{"barcode": "1"}], index="barcode")

    long, short = await loaded(by_name(shelf.collection, LIMITS, index="barcode"), ["é" * 700, "1"])

    assert type(long) is errors.LimitExceeded
    assert long.message == "This key, or the filter beside it, is too long for a call."
    assert short == {"barcode": "1"}
    assert [each["query"] for each in shelf.asked] == ['barcode=="1"']


async def test_later_pages_of_groups_keep_the_line() -> None:
    """The offset of a later page makes the line longer; it was counted."""
    keys = ids(40)
    limits = LimitSettings(max_request_line=1000)
    shelf = Shelf(({"checkoutServicePointId": keys[0]} for _ in range(1500)), index="checkoutServicePointId")

    await loaded(with_all("grouped_by", shelf.collection, limits), [(key, Window()) for key in keys])

    assert {each.get("offset") for each in shelf.asked} == {None, "1000"}
    assert max(shelf.lines) <= 1000


# By name


async def test_names_are_sent_as_given_and_matched_in_any_case() -> None:
    """Upstream compares without case, so the record with the other spelling is the one."""
    shelf = Shelf([{"barcode": "ABC-1"}, {"barcode": "x*y"}], index="barcode")

    found = await loaded(by_name(shelf.collection, LIMITS, index="barcode"), ["abc-1", "x*y", "none"])

    assert found == [{"barcode": "ABC-1"}, {"barcode": "x*y"}, None]
    assert shelf.asked == [
        {"query": 'barcode==("abc-1" or "x\\*y" or "none")', "limit": "6", "totalRecords": "none"}
    ]


@pytest.mark.parametrize("second", ["A1", "a1"])
async def test_two_records_with_one_name_are_a_conflict(second: str) -> None:
    """To choose one of them would be a guess; other names are answered."""
    shelf = Shelf(
        [{"id": "1", "barcode": "A1"}, {"id": "2", "barcode": second}, {"id": "3", "barcode": "B"}],
        index="barcode",
    )

    shared, other = await loaded(by_name(shelf.collection, LIMITS, index="barcode"), ["a1", "B"])

    assert type(shared) is errors.Conflict
    assert shared.message == "More than one record has this barcode."
    assert other == {"id": "3", "barcode": "B"}


async def test_many_records_with_one_name_hide_no_other() -> None:
    """Where the answer is full, a name without a record is no absent one."""
    many = [{"id": str(number), "barcode": "A"} for number in range(9)]
    shelf = Shelf([*many, {"id": "b", "barcode": "B"}], index="barcode")

    found = await loaded(by_name(shelf.collection, LIMITS, index="barcode"), ["A", "B"])

    assert [type(each) for each in found] == [errors.Conflict, errors.Conflict]


async def test_one_record_asked_in_two_spellings_is_no_conflict() -> None:
    """Two chunks that find the same record agree."""
    shelf = Shelf([{"id": "1", "barcode": "abc"}], index="barcode")
    loader = by_name(shelf.collection, LimitSettings(batch_size=1), index="barcode")

    assert await loaded(loader, ["abc", "ABC"]) == [{"id": "1", "barcode": "abc"}] * 2
    assert [each["query"] for each in shelf.asked] == ['barcode=="abc"', 'barcode=="ABC"']


async def test_two_records_found_by_two_chunks_are_a_conflict() -> None:
    """Records that differ are two, whichever chunk found them; a third changes nothing."""

    class Chunked(Shelf):
        async def _answer(self, request: httpx.Request) -> httpx.Response:
            self.asked.append({})
            things = [{"id": str(len(self.asked)), "barcode": "abc"}]
            return httpx.Response(200, content=json.dumps({"things": things}).encode())

    loader = by_name(Chunked().collection, LimitSettings(batch_size=1), index="barcode")

    found = await loaded(loader, ["abc", "ABC", "Abc"])

    assert [type(each) for each in found] == [errors.Conflict] * 3


async def test_a_failed_chunk_of_names_fails_its_names_alone() -> None:
    """A name gets its record from whichever chunk found it."""
    shelf = Shelf([{"barcode": "a"}, {"barcode": "c"}], index="barcode")
    shelf.fails = lambda query: '"A"' in query or '"b"' in query
    loader = by_name(shelf.collection, LimitSettings(batch_size=1), index="barcode")

    found = await loaded(loader, ["A", "a", "b", "c", "d"])

    assert found[:2] == [{"barcode": "a"}] * 2
    assert type(found[2]) is errors.UpstreamUnavailable
    assert found[3:] == [{"barcode": "c"}, None]


class Unaccented(Shelf):
    """A collection whose index compares without case and accents, and replaces letters with a stroke."""

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.url.query.decode())
        self.asked.append({"query": query["query"][0], "limit": query["limit"][0]})
        wanted = {self.fold(each) for each in terms(query["query"][0])}
        found = [each for each in self.records if self.fold(each[self.index]) in wanted]
        return httpx.Response(200, content=json.dumps({"things": found}).encode())

    @staticmethod
    def fold(text: str) -> str:
        decomposed = unicodedata.normalize("NFKD", text.lower().replace("\u0142", "l"))
        return "".join(char for char in decomposed if not unicodedata.combining(char))


@pytest.mark.parametrize("key", ["muller", "MÜLLER", "Mu\u0308ller", "Müller"])
async def test_names_are_compared_as_the_index_does(key: str) -> None:
    """Case, accents and Unicode normal form make no difference, alone or beside other keys: one call."""
    müller, other = {"username": "Müller"}, {"username": "x"}
    shelf = Unaccented([müller, other], index="username")

    assert await loaded(by_name(shelf.collection, LIMITS, index="username"), [key]) == [müller]
    assert await loaded(by_name(shelf.collection, LIMITS, index="username"), [key, "x"]) == [müller, other]
    assert len(shelf.asked) == 2


async def test_a_record_that_fits_no_name_is_requested_alone() -> None:
    """What only the index knows to be equal is found by one more call for each name without a record."""
    lukasz, other = {"username": "\u0141ukasz"}, {"username": "x"}
    shelf = Unaccented([lukasz, other], index="username")

    assert await loaded(by_name(shelf.collection, LIMITS, index="username"), ["lukasz"]) == [lukasz]
    shelf.asked.clear()
    found = await loaded(by_name(shelf.collection, LIMITS, index="username"), ["lukasz", "none", "x"])

    assert found == [lukasz, None, other]
    assert [each["query"] for each in shelf.asked] == [
        'username==("lukasz" or "none" or "x")',
        'username=="lukasz"',
        'username=="none"',
    ]


async def test_names_that_differ_in_accents_have_their_own_records() -> None:
    """An index that distinguishes accents, as that of item barcodes, may have a record for each spelling."""
    plain, accented = {"barcode": "E-77"}, {"barcode": "É-77"}
    shelf = Shelf([plain, accented], index="barcode")
    loader = by_name(shelf.collection, LIMITS, index="barcode")

    assert await loaded(loader, ["e-77", "é-77"]) == [plain, accented]
    assert len(shelf.asked) == 1
    shelf.records.remove(plain)
    assert await loaded(by_name(shelf.collection, LIMITS, index="barcode"), ["e-77", "é-77"]) == [
        None,
        accented,
    ]
    assert [each["query"] for each in shelf.asked[1:]] == ['barcode==("e-77" or "é-77")', 'barcode=="e-77"']


async def test_two_records_with_the_folding_of_one_name_are_a_conflict() -> None:
    """To choose one of them would be a guess, alone and beside another name."""
    shelf = Unaccented([{"username": "muller"}, {"username": "Müller"}, {"username": "x"}], index="username")

    (alone,) = await loaded(by_name(shelf.collection, LIMITS, index="username"), ["muller"])
    beside, other = await loaded(by_name(shelf.collection, LIMITS, index="username"), ["muller", "x"])

    assert (type(alone), type(beside)) == (errors.Conflict, errors.Conflict)
    assert other == {"username": "x"}


# Grouped by a foreign key


def loans(owner: str, count: int) -> list[Record]:
    return [{"id": f"{owner}-{number}", "userId": owner} for number in range(count)]


def of_user(
    shelf: Shelf, limits: LimitSettings = LIMITS, **options: Any
) -> Grouped:  # Any: as grouped_by takes
    return grouped_by(shelf.collection, limits, index="userId", key=("userId",), **options)


@pytest.mark.parametrize(
    ("window", "asked", "got"),
    [
        (
            Window(count=3),
            {"limit": "3", "totalRecords": "none"},
            Slice(loans("u", 5)[:3], 0, None, None),
        ),
        (
            Window(offset=2, count=2, has_next=True),
            {"limit": "3", "offset": "2", "totalRecords": "none"},
            Slice(loans("u", 5)[2:4], 2, None, True),
        ),
        (
            Window(offset=2, count=3, total=True, has_next=True),
            {"limit": "4", "offset": "2", "totalRecords": "exact"},
            Slice(loans("u", 5)[2:], 2, 5, False),
        ),
        (Window(count=0, total=True), {"limit": "0", "totalRecords": "exact"}, Slice([], 0, 5, None)),
    ],
    ids=["plain", "has next", "whole", "count only"],
)
async def test_the_page_of_one_parent_is_asked_as_it_is(
    window: Window, asked: dict[str, str], got: Slice
) -> None:
    """One call with the window's own limit and offset; one record more only to know whether more follow."""
    shelf = Shelf(loans("u", 5), index="userId")

    assert await of_user(shelf).load(("u", window)) == got
    assert shelf.asked == [{"query": 'userId=="u" sortby id', **asked}]


async def test_one_parent_in_two_spellings_is_one_page() -> None:
    """Both spellings of an id are one parent."""
    shelf = Shelf(loans("u", 5), index="userId")

    found = await loaded(of_user(shelf), [("u", Window(count=1)), ("U", Window(count=1))])

    assert found == [Slice(loans("u", 1), 0, None, None)] * 2
    assert [each["limit"] for each in shelf.asked] == ["1"]


async def test_pages_of_several_parents_are_cut_from_whole_groups() -> None:
    """One call for all of them, and each gets its own window, its total and whether more follow."""
    shelf = Shelf([*loans("a", 3), *loans("b", 12), {"id": "x"}, {"id": "y", "userId": None}], index="userId")

    found = await loaded(
        of_user(shelf),
        [
            ("a", Window(count=2)),
            ("b", Window(offset=10, count=10, total=True, has_next=True)),
            ("c", Window(total=True)),
            ("a", Window(offset=5, count=2)),
        ],
    )

    assert found == [
        Slice(loans("a", 2), 0, 3, True),
        Slice(loans("b", 12)[10:], 10, 12, False),
        Slice([], 0, 0, False),
        Slice([], 5, 3, False),
    ]
    assert shelf.asked == [
        {"query": 'userId==("a" or "b" or "c") sortby id', "limit": "1000", "totalRecords": "none"}
    ]


async def test_groups_beyond_a_thousand_records_are_paged() -> None:
    """Full answers are followed by a next one, until one is not full."""
    shelf = Shelf([*loans("a", 1500), *loans("b", 500)], index="userId")

    first, second = await loaded(of_user(shelf), [("a", Window(count=1, total=True)), ("b", Window(count=1))])

    assert (first.total, second.total) == (1500, 500)
    assert [(each["limit"], each.get("offset")) for each in shelf.asked] == [
        ("1000", None),
        ("1000", "1000"),
        ("1000", "2000"),
    ]


async def test_groups_without_end_are_refused() -> None:
    """After 20 pages the question is too broad; it is an error and no cut list."""
    shelf = Shelf(loans("a", 20_000), index="userId")

    found = await loaded(of_user(shelf), [("a", Window()), ("b", Window())])

    assert [type(each) for each in found] == [errors.LimitExceeded] * 2
    assert found[0].message == "More than 20000 records belong to this list; narrow it with `filter`."
    assert len(shelf.asked) == 20


async def test_clause_and_order_of_groups() -> None:
    """What narrows a list and what orders it are part of the question, with the id to break ties."""
    shelf = Shelf(index="userId")
    loader = of_user(
        shelf, within=cql.equal("status.name", "Open"), sort=[cql.SortKey("dueDate", descending=True)]
    )

    await loader.load(("a", Window()))
    await loaded(loader, [("b", Window()), ("c", Window())])

    assert [each["query"] for each in shelf.asked] == [
        '(userId=="a" and status.name=="Open") sortby dueDate/sort.descending id',
        '(userId==("b" or "c") and status.name=="Open") sortby dueDate/sort.descending id',
    ]


async def test_a_failed_chunk_of_groups_fails_its_parents_alone() -> None:
    """Other parents have their lists, and nothing is asked twice."""
    shelf = Shelf([*loans("a", 1), *loans("b", 1)], index="userId")
    shelf.fails = lambda query: '"b"' in query
    loader = of_user(shelf, LimitSettings(batch_size=1))
    keys = [(each, Window()) for each in "abc"]

    found = await loaded(loader, keys)

    assert found[0] == Slice(loans("a", 1), 0, 1, False)
    assert type(found[1]) is errors.UpstreamUnavailable
    assert found[2] == Slice([], 0, 0, False)
    assert await loaded(loader, keys) == found
    assert len(shelf.asked) == 3


async def test_a_failed_second_page_fails_the_group() -> None:
    """Part of a list is no list."""
    shelf = Shelf(loans("a", 1500), index="userId")

    def after_the_first(query: str) -> bool:
        return len(shelf.asked) > 1

    shelf.fails = after_the_first

    found = await loaded(of_user(shelf), [("a", Window()), ("b", Window())])

    assert [type(each) for each in found] == [errors.UpstreamUnavailable] * 2


async def test_the_failed_page_of_one_parent() -> None:
    """It is an error in the slot, and is not asked again."""
    shelf = Shelf(index="userId")
    shelf.fails = lambda query: True
    loader = of_user(shelf)

    found = [(await loaded(loader, [("a", Window())]))[0] for _ in range(2)]

    assert [type(each) for each in found] == [errors.UpstreamUnavailable] * 2
    assert len(shelf.asked) == 1


@pytest.mark.parametrize("others", [[], [("b", Window())]])
async def test_a_parent_that_cannot_be_asked(others: list[tuple[str, Window]]) -> None:
    """A broken key has an error of its own, alone and among others."""
    shelf = Shelf(index="userId")

    found = await loaded(of_user(shelf), [("a\x00", Window()), *others])

    assert type(found[0]) is errors.BadUserInput
    assert found[1:] == [Slice([], 0, 0, False)] * len(others)


@given(count=st.integers(0, 40), offset=st.integers(0, 50), size=st.integers(0, 50), alone=st.booleans())
def test_a_window_is_the_same_however_it_was_asked(count: int, offset: int, size: int, alone: bool) -> None:
    """Cut from the whole or asked by itself: the same records, the same total, the same next."""

    async def run() -> None:
        shelf = Shelf(loans("a", count), index="userId")
        window = Window(offset=offset, count=size, total=True, has_next=True)
        keys = [("a", window)] if alone else [("a", window), ("b", window)]
        found = (await loaded(of_user(shelf), keys))[0]
        records = loans("a", count)[offset : offset + size]
        assert found == Slice(records, offset, count, count > offset + size)

    asyncio.run(run())


async def test_a_page_of_a_collection() -> None:
    """A root list asks its page as it is, sorted so that pages do not overlap."""
    shelf = Shelf(loans("a", 3), index="userId")

    page = await page_of(
        shelf.collection, cql.equal("userId", "a"), [cql.SortKey("dueDate")], Window(count=2, has_next=True)
    )

    assert page == Slice(loans("a", 2), 0, None, True)
    assert shelf.asked == [{"query": 'userId=="a" sortby dueDate id', "limit": "3", "totalRecords": "none"}]


def test_a_window_of_a_whole_list() -> None:
    """A list that came whole is cut here."""
    whole = loans("a", 5)

    assert cut(whole, Window(offset=3, count=10)) == Slice(whole[3:], 3, 5, False)
    assert cut(whole, Window(count=5)) == Slice(whole, 0, 5, False)
    assert cut(whole, Window(count=4)) == Slice(whole[:4], 0, 5, True)


# One key a call


async def test_what_takes_one_key_a_call_is_asked_side_by_side_and_once() -> None:
    """Each key is one call, both spellings are one key, and a failure is the key's own."""
    asked: list[str] = []
    waiting = asyncio.Event()

    async def execute(key: str) -> Record | None:
        asked.append(key)
        if len(asked) == 3:
            waiting.set()
        await waiting.wait()
        if key == "b":
            raise errors.UpstreamUnavailable("down")
        return {"id": key} if key == "a" else None

    loader: ById = one_by_one(execute)

    found = await loaded(loader, ["a", "b", "c", "A"])

    assert found[0] == found[3] == {"id": "a"}
    assert type(found[1]) is errors.UpstreamUnavailable
    assert found[2] is None
    assert asked == ["a", "b", "c"]


# One operation


class Library:
    """FOLIO behind a function, and new loaders for each operation."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.services = Services(
            Settings(okapi_url="http://okapi"), lambda limits: httpx.MockTransport(self._answer)
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        wanted = terms(parse_qs(request.url.query.decode())["query"][0])
        things = [{"id": each, "userId": each, "loan": len(self.asked)} for each in wanted]
        return httpx.Response(200, content=json.dumps({"users": things, "loans": things}).encode())

    def operation(self, tenant: str = "diku") -> Loaders:
        return Loaders(self.services.for_caller(Caller(tenant=tenant, request_id="1")), LIMITS)


async def test_one_operation_asks_once() -> None:
    """A record that was loaded is not asked again, whichever branch asks."""
    library = Library()
    loaders = library.operation()

    first = await loaders.user.load("a")

    assert await loaders.user.load("a") is first
    assert loaders.user is loaders.user
    assert library.asked == ["/users"]


async def test_operations_share_nothing() -> None:
    """The next operation asks for itself, whoever asks."""
    library = Library()

    for tenant in ("diku", "diku", "other"):
        await library.operation(tenant).user.load("a")

    assert library.asked == ["/users"] * 3


async def test_ways_to_group_have_a_loader_each() -> None:
    """Lists with the same clause and order are loaded together, others apart."""
    library = Library()
    loaders = library.operation()
    open_loans, by_date = cql.equal("status.name", "Open"), [cql.SortKey("dueDate")]

    assert loaders.loans_of_user(None, []) is loaders.loans_of_user(None, [])
    assert loaders.loans_of_user(open_loans, by_date) is loaders.loans_of_user(open_loans, by_date)
    different = [
        loaders.loans_of_user(None, []),
        loaders.loans_of_user(open_loans, []),
        loaders.loans_of_user(None, by_date),
        loaders.loans_of_user(None, [cql.SortKey("dueDate", descending=True)]),
        loaders.loans_of_item(None, []),
        loaders.requests_of_item(None, []),
    ]
    assert len({id(each) for each in different}) == 6


async def test_an_act_makes_the_loaders_forget() -> None:
    """After an act everything is asked anew: by id, by name and in groups."""
    library = Library()
    loaders = library.operation()

    async def execute() -> None:
        await loaders.user.load("a")
        await loaders.user_by_barcode.load("a")
        await loaders.loans_of_user(None, []).load(("a", Window()))

    await execute()
    await execute()
    assert len(library.asked) == 3

    before = await loaders.user.load("a")
    loaders.forget()
    await execute()
    await execute()
    assert len(library.asked) == 6
    assert await loaders.user.load("a") != before
    assert loaders.limits is LIMITS

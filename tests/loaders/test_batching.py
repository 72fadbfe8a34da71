"""The batch contract: the calls for a set of keys, and the result of each key."""

from __future__ import annotations

import asyncio
import json
import unicodedata
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
from gateway.loaders.grouped import grouped_by
from gateway.loaders.loader import ById, by_id, by_name, one_by_one
from gateway.loaders.pages import Slice, Window, cut, page_of
from gateway.settings import LimitSettings, Settings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection
from gateway.upstream.record_types import Record
from gateway.upstream.services import Services
from tests.loaders.shelf import LIMITS, Shelf, ids, load_keys, settle, terms

pytestmark = pytest.mark.anyio

# By id


async def test_ids_are_requested_in_one_call() -> None:
    """Keys of one level are one call, with a limit of as many records as keys."""
    first, second = ids(2)
    shelf = Shelf([{"id": first}, {"id": second}])

    assert await load_keys(by_id(shelf.collection, LIMITS), [first, second]) == [
        {"id": first},
        {"id": second},
    ]
    assert shelf.requests == [
        {"query": f'id==("{first}" or "{second}")', "limit": "2", "totalRecords": "exact"}
    ]


async def test_a_single_id() -> None:
    """One key is one plain clause."""
    (only,) = ids(1)
    shelf = Shelf([{"id": only}])

    assert await by_id(shelf.collection, LIMITS).load(only) == {"id": only}
    assert shelf.requests == [{"query": f'id=="{only}"', "limit": "1", "totalRecords": "exact"}]


async def test_ids_are_lower_cased_and_requested_once() -> None:
    """FOLIO sends ids in lower case, so both spellings are one key."""
    key = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    shelf = Shelf([{"id": key}])
    loader = by_id(shelf.collection, LIMITS)

    assert await load_keys(loader, [key.upper(), key, key]) == [{"id": key}] * 3
    assert await loader.load(key.title()) == {"id": key}
    assert [each["query"] for each in shelf.requests] == [f'id=="{key}"']


async def test_ids_in_upper_case_are_matched() -> None:
    """An id that is sent in upper case is the same id."""
    key = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    shelf = Shelf([{"id": key.upper()}])

    assert await by_id(shelf.collection, LIMITS).load(key) == {"id": key.upper()}


async def test_records_are_matched_in_any_order() -> None:
    """Records are matched by id, and an absent id is None."""
    keys = ids(5)
    shelf = Shelf({"id": key} for key in reversed(keys) if key != keys[2])

    result = await load_keys(by_id(shelf.collection, LIMITS), keys)

    assert result == [{"id": keys[0]}, {"id": keys[1]}, None, {"id": keys[3]}, {"id": keys[4]}]


async def test_a_batch_that_is_shorter_than_its_total_is_read_on() -> None:
    """Upstream may send fewer records a call than the batch has; the missing ids are requested again."""
    keys = ids(5)
    shelf = Shelf({"id": key} for key in keys[:4])
    shelf.max_page = 3

    result = await load_keys(by_id(shelf.collection, LIMITS), keys)

    assert result == [*({"id": key} for key in keys[:4]), None]
    assert [terms(each["query"]) for each in shelf.requests] == [keys, keys[3:]]


async def test_records_that_are_counted_but_not_sent_are_an_error() -> None:
    """They are not reported as absent, and the other records are kept."""
    keys = ids(3)
    shelf = Shelf({"id": key} for key in keys[:1])
    shelf.surplus = 1

    result = await load_keys(by_id(shelf.collection, LIMITS), keys)

    assert result[0] == {"id": keys[0]}
    assert [type(each) for each in result[1:]] == [errors.UpstreamBadResponse] * 2
    assert [terms(each["query"]) for each in shelf.requests] == [keys, keys[1:]]


async def test_records_that_were_not_requested_are_ignored() -> None:
    """A service that sends too many records changes no result."""
    first, second, third = ids(3)

    class Generous(Shelf):
        async def _respond(self, request: httpx.Request) -> httpx.Response:
            self.requests.append({})
            things = [{"id": third}, {"name": "none"}, {"id": None}, {"id": second}]
            return httpx.Response(200, content=json.dumps({"things": things}).encode())

    assert await load_keys(by_id(Generous().collection, LIMITS), [first, second]) == [None, {"id": second}]


@pytest.mark.parametrize(("count", "calls"), [(75, [75]), (76, [75, 1]), (170, [75, 75, 20])])
async def test_batches_of_75_ids_are_concurrent(count: int, calls: list[int]) -> None:
    """Batches of 75 are in flight together, and every key has its record."""
    keys = ids(count)
    shelf = Shelf({"id": key} for key in keys)
    shelf.gate = asyncio.Event()
    loading = asyncio.create_task(load_keys(by_id(shelf.collection, LIMITS), keys))
    await settle()
    assert shelf.in_flight == len(calls)

    shelf.gate.set()
    assert await loading == [{"id": key} for key in keys]
    assert [int(each["limit"]) for each in shelf.requests] == calls
    assert [len(terms(each["query"])) for each in shelf.requests] == calls
    assert 3800 <= max(shelf.lines) <= 4000


async def test_a_failed_batch_fails_only_its_keys() -> None:
    """The other batches have records, and a failed key is not requested again in this operation."""
    keys = ids(100)
    shelf = Shelf({"id": key} for key in keys)
    shelf.fails = lambda query: keys[75] in query
    loader = by_id(shelf.collection, LIMITS)

    result = await load_keys(loader, keys)
    again = await load_keys(loader, keys)

    assert result[:75] == [{"id": key} for key in keys[:75]]
    assert {type(each) for each in result[75:]} == {errors.UpstreamUnavailable}
    assert again == result
    assert len(shelf.requests) == 2


async def test_a_clause_with_the_ids() -> None:
    """`within` narrows the query, and the index names the matched member."""
    shelf = Shelf([{"itemId": "a", "id": "1"}], index="itemId")
    loader = by_id(shelf.collection, LIMITS, index="itemId", within=cql.equal("status.name", "Open"))

    assert await load_keys(loader, ["a", "b"]) == [{"itemId": "a", "id": "1"}, None]
    assert [each["query"] for each in shelf.requests] == ['(itemId==("a" or "b") and status.name=="Open")']


async def test_an_invalid_key_fails_alone() -> None:
    """A foreign key with a control character affects no other link."""
    (good,) = ids(1)
    shelf = Shelf([{"id": good}])

    broken, result = await load_keys(by_id(shelf.collection, LIMITS), ["a\x00b", good])

    assert type(broken) is errors.BadUserInput
    assert result == {"id": good}
    assert [each["query"] for each in shelf.requests] == [f'id=="{good}"']


async def test_an_unused_batch_is_cancelled() -> None:
    """The calls of all batches are cancelled with the last task that waits for them."""
    shelf = Shelf()
    shelf.gate = asyncio.Event()
    loader = by_id(shelf.collection, LIMITS)
    waiting = [asyncio.ensure_future(loader.load(key)) for key in ids(2 * LIMITS.batch_size + 1)]
    await settle()
    assert shelf.in_flight == 3

    for each in waiting[1:]:
        each.cancel()
    await settle()
    assert (shelf.in_flight, shelf.cancelled) == (3, 0)

    waiting[0].cancel()
    await settle()
    assert (shelf.in_flight, shelf.cancelled) == (0, 3)


async def test_a_used_batch_is_not_cancelled() -> None:
    """One cancelled task changes nothing for the others."""
    keys = ids(2)
    shelf = Shelf({"id": key} for key in keys)
    shelf.gate = asyncio.Event()
    loader = by_id(shelf.collection, LIMITS)
    leaving, staying = (asyncio.ensure_future(loader.load(key)) for key in keys)
    await settle()

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
    """For any keys no line exceeds the limit, and each key is in one batch or has an error."""

    async def run() -> None:
        shelf = Shelf(base=base)
        loader = with_all(kind, shelf.collection, LimitSettings(max_request_line=request_line))
        window = Window()
        result = await load_keys(loader, [(key, window) for key in keys] if kind == "grouped_by" else keys)

        sent = [each for request in shelf.requests for each in terms(request["query"])]
        sent = [each for each in sent if each not in ("Open", "Ünal & Söhne")]
        refused = [
            key for key, each in zip(keys, result, strict=True) if isinstance(each, errors.LimitExceeded)
        ]
        expected = [key.lower() for key in keys] if kind != "by_name" else keys
        refused = [key.lower() for key in refused] if kind != "by_name" else refused
        assert max(shelf.lines, default=0) <= request_line
        assert sorted(sent + refused) == sorted(dict.fromkeys(expected))
        assert all(len(terms(request["query"])) <= 75 + 2 for request in shelf.requests)
        assert not any(
            isinstance(each, Exception) for each in result if not isinstance(each, errors.LimitExceeded)
        )

    asyncio.run(run())


async def test_the_path_of_the_base_url_counts() -> None:
    """The path of a proxy lengthens every line, and the batches are smaller."""
    keys = ids(50)
    plain, behind = Shelf(), Shelf(base=f"http://folio/{'proxy/' * 50}")
    limits = LimitSettings(max_request_line=2700)

    await load_keys(by_id(plain.collection, limits), keys)
    await load_keys(by_id(behind.collection, limits), keys)

    assert (len(plain.requests), len(behind.requests)) == (1, 2)
    assert max(plain.lines + behind.lines) <= 2700


async def test_a_key_too_long_for_any_line_is_not_sent() -> None:
    """It is rejected in its own slot, and the other keys are requested."""
    shelf = Shelf([{"barcode": "1"}], index="barcode")

    long, short = await load_keys(by_name(shelf.collection, LIMITS, index="barcode"), ["é" * 700, "1"])

    assert type(long) is errors.LimitExceeded
    assert long.message == "This key, or the filter beside it, is too long for a call."
    assert short == {"barcode": "1"}
    assert [each["query"] for each in shelf.requests] == ['barcode=="1"']


async def test_later_pages_of_groups_keep_the_line() -> None:
    """The offset of a later page is included in the length of the line."""
    keys = ids(40)
    limits = LimitSettings(max_request_line=1000)
    shelf = Shelf(({"checkoutServicePointId": keys[0]} for _ in range(1500)), index="checkoutServicePointId")

    window = Window(offset=12000, count=999, total=True, has_next=True)
    await load_keys(with_all("grouped_by", shelf.collection, limits), [(key, window) for key in keys])

    assert {each.get("offset") for each in shelf.requests} == {None, "12000"}
    assert max(shelf.lines) <= 1000


# By name


async def test_names_are_sent_as_given_and_matched_in_any_case() -> None:
    """Upstream compares without case, so the record with another spelling is the match."""
    shelf = Shelf([{"barcode": "ABC-1"}, {"barcode": "x*y"}], index="barcode")

    result = await load_keys(by_name(shelf.collection, LIMITS, index="barcode"), ["abc-1", "x*y", "none"])

    assert result == [{"barcode": "ABC-1"}, {"barcode": "x*y"}, None]
    assert shelf.requests == [
        {"query": 'barcode==("abc-1" or "x\\*y" or "none")', "limit": "6", "totalRecords": "exact"}
    ]


@pytest.mark.parametrize("second", ["A1", "a1"])
async def test_two_records_with_one_name_are_a_conflict(second: str) -> None:
    """Neither of them is chosen; other names have their record."""
    shelf = Shelf(
        [{"id": "1", "barcode": "A1"}, {"id": "2", "barcode": second}, {"id": "3", "barcode": "B"}],
        index="barcode",
    )

    shared, other = await load_keys(by_name(shelf.collection, LIMITS, index="barcode"), ["a1", "B"])

    assert type(shared) is errors.Conflict
    assert shared.message == "More than one record has this barcode."
    assert other == {"id": "3", "barcode": "B"}


async def test_many_records_with_one_name_hide_no_other() -> None:
    """Names without room in a full response are read again without the name that filled it."""
    many = [{"id": str(number), "barcode": "A"} for number in range(9)]
    shelf = Shelf([*many, {"id": "b", "barcode": "B"}], index="barcode")

    many_found, one, none = await load_keys(
        by_name(shelf.collection, LIMITS, index="barcode"), ["A", "B", "C"]
    )

    assert type(many_found) is errors.Conflict
    assert (one, none) == ({"id": "b", "barcode": "B"}, None)
    assert [each["query"] for each in shelf.requests] == [
        'barcode==("A" or "B" or "C")',
        'barcode==("B" or "C")',
    ]


async def test_names_of_a_short_page_are_read_on() -> None:
    """A response that is shorter than its total is divided until each name is known."""
    shelf = Shelf([{"barcode": each} for each in "ABCD"], index="barcode")
    shelf.max_page = 1

    result = await load_keys(by_name(shelf.collection, LIMITS, index="barcode"), [*"ABCD", "E"])

    assert result == [*({"barcode": each} for each in "ABCD"), None]


async def test_a_name_with_a_second_counted_record_is_a_conflict() -> None:
    """A second record that upstream counts but does not send makes the name ambiguous too."""
    shelf = Shelf([{"id": "1", "barcode": "A"}, {"id": "2", "barcode": "A"}], index="barcode")
    shelf.max_page = 1

    (result,) = await load_keys(by_name(shelf.collection, LIMITS, index="barcode"), ["A"])

    assert type(result) is errors.Conflict


async def test_a_name_that_is_counted_but_not_sent_is_an_error() -> None:
    """A record that exists by the total is not reported as absent."""
    shelf = Shelf(index="barcode")
    shelf.surplus = 1

    (result,) = await load_keys(by_name(shelf.collection, LIMITS, index="barcode"), ["A"])

    assert type(result) is errors.UpstreamBadResponse
    assert result.message == "folio sent fewer records than its total says."
    assert len(shelf.requests) == 1


async def test_one_record_in_two_spellings_is_no_conflict() -> None:
    """The same record in two batches is one record."""
    shelf = Shelf([{"id": "1", "barcode": "abc"}], index="barcode")
    loader = by_name(shelf.collection, LimitSettings(batch_size=1), index="barcode")

    assert await load_keys(loader, ["abc", "ABC"]) == [{"id": "1", "barcode": "abc"}] * 2
    assert [each["query"] for each in shelf.requests] == ['barcode=="abc"', 'barcode=="ABC"']


async def test_different_records_in_two_batches_are_a_conflict() -> None:
    """Two records with one name conflict also in different batches; a third changes nothing."""

    class Chunked(Shelf):
        async def _respond(self, request: httpx.Request) -> httpx.Response:
            self.requests.append({})
            things = [{"id": str(len(self.requests)), "barcode": "abc"}]
            return httpx.Response(200, content=json.dumps({"things": things}).encode())

    loader = by_name(Chunked().collection, LimitSettings(batch_size=1), index="barcode")

    result = await load_keys(loader, ["abc", "ABC", "Abc"])

    assert [type(each) for each in result] == [errors.Conflict] * 3


async def test_a_failed_batch_of_names_fails_only_its_names() -> None:
    """A name gets its record from any batch that has it."""
    shelf = Shelf([{"barcode": "a"}, {"barcode": "c"}], index="barcode")
    shelf.fails = lambda query: '"A"' in query or '"b"' in query
    loader = by_name(shelf.collection, LimitSettings(batch_size=1), index="barcode")

    result = await load_keys(loader, ["A", "a", "b", "c", "d"])

    assert result[:2] == [{"barcode": "a"}] * 2
    assert type(result[2]) is errors.UpstreamUnavailable
    assert result[3:] == [{"barcode": "c"}, None]


class Unaccented(Shelf):
    """A collection whose index compares without case and accents, and replaces letters with a stroke."""

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.url.query.decode())
        self.requests.append({"query": query["query"][0], "limit": query["limit"][0]})
        keys = {self.fold(each) for each in terms(query["query"][0])}
        result = [each for each in self.records if self.fold(each[self.index]) in keys]
        return httpx.Response(200, content=json.dumps({"things": result}).encode())

    @staticmethod
    def fold(text: str) -> str:
        decomposed = unicodedata.normalize("NFKD", text.lower().replace("\u0142", "l"))
        return "".join(char for char in decomposed if not unicodedata.combining(char))


@pytest.mark.parametrize("key", ["muller", "MÜLLER", "Mu\u0308ller", "Müller"])
async def test_names_are_compared_as_the_index_does(key: str) -> None:
    """Case, accents and Unicode normal form make no difference, with one key or several: one call."""
    müller, other = {"username": "Müller"}, {"username": "x"}
    shelf = Unaccented([müller, other], index="username")

    assert await load_keys(by_name(shelf.collection, LIMITS, index="username"), [key]) == [müller]
    assert await load_keys(by_name(shelf.collection, LIMITS, index="username"), [key, "x"]) == [müller, other]
    assert len(shelf.requests) == 2


async def test_a_record_that_fits_no_name_is_requested_alone() -> None:
    """A match that only the index computes is found by one more call for each name without a record."""
    lukasz, other = {"username": "\u0141ukasz"}, {"username": "x"}
    shelf = Unaccented([lukasz, other], index="username")

    assert await load_keys(by_name(shelf.collection, LIMITS, index="username"), ["lukasz"]) == [lukasz]
    shelf.requests.clear()
    result = await load_keys(by_name(shelf.collection, LIMITS, index="username"), ["lukasz", "none", "x"])

    assert result == [lukasz, None, other]
    assert [each["query"] for each in shelf.requests] == [
        'username==("lukasz" or "none" or "x")',
        'username=="lukasz"',
        'username=="none"',
    ]


async def test_names_that_differ_in_accents_have_their_own_records() -> None:
    """An index that distinguishes accents, as that of item barcodes, may have a record for each spelling."""
    plain, accented = {"barcode": "E-77"}, {"barcode": "É-77"}
    shelf = Shelf([plain, accented], index="barcode")
    loader = by_name(shelf.collection, LIMITS, index="barcode")

    assert await load_keys(loader, ["e-77", "é-77"]) == [plain, accented]
    assert len(shelf.requests) == 1
    shelf.records.remove(plain)
    assert await load_keys(by_name(shelf.collection, LIMITS, index="barcode"), ["e-77", "é-77"]) == [
        None,
        accented,
    ]
    assert [each["query"] for each in shelf.requests[1:]] == [
        'barcode==("e-77" or "é-77")',
        'barcode=="e-77"',
    ]


async def test_two_records_with_the_folding_of_one_name_are_a_conflict() -> None:
    """Neither of them is chosen, with one name and with several."""
    shelf = Unaccented([{"username": "muller"}, {"username": "Müller"}, {"username": "x"}], index="username")

    (alone,) = await load_keys(by_name(shelf.collection, LIMITS, index="username"), ["muller"])
    first, other = await load_keys(by_name(shelf.collection, LIMITS, index="username"), ["muller", "x"])

    assert (type(alone), type(first)) == (errors.Conflict, errors.Conflict)
    assert other == {"username": "x"}


# Pages


def loans(owner: str, count: int) -> list[Record]:
    return [{"id": f"{owner}-{number}", "userId": owner} for number in range(count)]


async def test_a_page_of_a_collection() -> None:
    """A root list requests its own page, sorted so that pages do not overlap."""
    shelf = Shelf(loans("a", 3), index="userId")

    page = await page_of(
        shelf.collection, cql.equal("userId", "a"), [cql.SortKey("dueDate")], Window(count=2, has_next=True)
    )

    assert page == Slice(loans("a", 2), 0, None, True)
    assert shelf.requests == [
        {"query": 'userId=="a" sortby dueDate id', "limit": "3", "totalRecords": "none"}
    ]


async def test_a_page_shortened_by_a_maximum_of_upstream_is_read_on() -> None:
    """A page shorter than its limit is the last one only if its total says so."""
    shelf = Shelf(loans("a", 25), index="userId")
    shelf.max_page = 10
    query = cql.equal("userId", "a")

    page = await page_of(shelf.collection, query, [], Window(offset=2, count=22, total=True, has_next=True))

    assert page == Slice(loans("a", 25)[2:24], 2, 25, True)
    assert [(each["limit"], each.get("offset")) for each in shelf.requests] == [
        ("23", "2"),
        ("13", "12"),
        ("3", "22"),
    ]


async def test_a_page_without_the_records_of_its_total_is_an_error() -> None:
    """A page that lacks counted records is an error, and not the end of the list."""
    shelf = Shelf(loans("a", 3), index="userId")
    shelf.surplus = 1

    with pytest.raises(errors.UpstreamBadResponse, match="fewer records than its total"):
        await page_of(shelf.collection, cql.equal("userId", "a"), [], Window(total=True))

    assert [(each["limit"], each.get("offset")) for each in shelf.requests] == [("10", None), ("7", "3")]


async def test_a_page_in_too_many_parts_is_an_error() -> None:
    """Upstream that sends one record a call is not called a thousand times."""
    shelf = Shelf(loans("a", 100), index="userId")
    shelf.max_page = 1

    with pytest.raises(errors.LimitExceeded):
        await page_of(shelf.collection, cql.equal("userId", "a"), [], Window(count=100, total=True))

    assert len(shelf.requests) == 21


def test_a_window_of_a_complete_list() -> None:
    """A window is cut from a list that was read completely."""
    complete = loans("a", 5)

    assert cut(complete, Window(offset=3, count=10)) == Slice(complete[3:], 3, 5, False)
    assert cut(complete, Window(count=5)) == Slice(complete, 0, 5, False)
    assert cut(complete, Window(count=4)) == Slice(complete[:4], 0, 5, True)


# One key a call


async def test_single_key_calls_are_concurrent_and_sent_once() -> None:
    """Each key is one call, both spellings are one key, and a failure affects only its key."""
    requests: list[str] = []
    waiting = asyncio.Event()

    async def execute(key: str) -> Record | None:
        requests.append(key)
        if len(requests) == 3:
            waiting.set()
        await waiting.wait()
        if key == "b":
            raise errors.UpstreamUnavailable("down")
        return {"id": key} if key == "a" else None

    loader: ById = one_by_one(execute)

    result = await load_keys(loader, ["a", "b", "c", "A"])

    assert result[0] == result[3] == {"id": "a"}
    assert type(result[1]) is errors.UpstreamUnavailable
    assert result[2] is None
    assert requests == ["a", "b", "c"]


# One operation


class Library:
    """FOLIO behind a function, and new loaders for each operation."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.services = Services(
            Settings(okapi_url="http://okapi"), lambda limits: httpx.MockTransport(self._respond)
        )

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url.path)
        keys = terms(parse_qs(request.url.query.decode())["query"][0])
        things = [{"id": each, "userId": each, "loan": len(self.requests)} for each in keys]
        return httpx.Response(200, content=json.dumps({"users": things, "loans": things}).encode())

    def operation(self, tenant: str = "diku") -> Loaders:
        return Loaders(self.services.for_caller(Caller(tenant=tenant, request_id="1")), LIMITS)


async def test_one_operation_loads_a_record_once() -> None:
    """A record that was loaded is not requested again in any branch."""
    library = Library()
    loaders = library.operation()

    first = await loaders.user.load("a")

    assert await loaders.user.load("a") is first
    assert loaders.user is loaders.user
    assert library.requests == ["/users"]


async def test_operations_share_nothing() -> None:
    """The next operation loads its own records, for any caller."""
    library = Library()

    for tenant in ("diku", "diku", "other"):
        await library.operation(tenant).user.load("a")

    assert library.requests == ["/users"] * 3


async def test_each_clause_and_order_has_a_loader() -> None:
    """Lists with the same clause and order are loaded together, others separately."""
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


async def test_a_mutation_clears_the_loaders() -> None:
    """After a mutation everything is requested again: by id, by name and in groups."""
    library = Library()
    loaders = library.operation()

    async def execute() -> None:
        await loaders.user.load("a")
        await loaders.user_by_barcode.load("a")
        await loaders.loans_of_user(None, []).load(("a", Window()))

    await execute()
    await execute()
    assert len(library.requests) == 3

    before = await loaders.user.load("a")
    loaders.forget()
    await execute()
    await execute()
    assert len(library.requests) == 6
    assert await loaders.user.load("a") != before
    assert loaders.limits is LIMITS

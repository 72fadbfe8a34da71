"""Lists below many parents: each parent has its own page, for any sizes of the others, in few calls."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import errors
from gateway.loaders.grouped import Grouped, grouped_by
from gateway.loaders.pages import Slice, Window
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.record_types import Record
from tests.loaders.shelf import LIMITS, Shelf, load_keys

pytestmark = pytest.mark.anyio


def loans(owner: str, count: int) -> list[Record]:
    return [{"id": f"{owner}-{number}", "userId": owner} for number in range(count)]


def of_user(
    shelf: Shelf, limits: LimitSettings = LIMITS, **options: Any
) -> Grouped:  # Any: as grouped_by takes
    return grouped_by(shelf.collection, limits, index="userId", key=("userId",), **options)


def pages(shelf: Shelf) -> list[tuple[str, str | None]]:
    """The limit and the offset of each call."""
    return [(each["limit"], each.get("offset")) for each in shelf.requests]


# One parent


@pytest.mark.parametrize(
    ("window", "expected_request", "expected"),
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
async def test_the_page_of_one_parent_is_requested_unchanged(
    window: Window, expected_request: dict[str, str], expected: Slice
) -> None:
    """One call with the window's own limit and offset; one more record only for the next page."""
    shelf = Shelf(loans("u", 5), index="userId")

    assert await of_user(shelf).load(("u", window)) == expected
    assert shelf.requests == [{"query": 'userId=="u" sortby id', **expected_request}]


async def test_one_parent_in_two_spellings_is_one_page() -> None:
    """Both spellings of an id are one parent."""
    shelf = Shelf(loans("u", 5), index="userId")

    result = await load_keys(of_user(shelf), [("u", Window(count=1)), ("U", Window(count=1))])

    assert result == [Slice(loans("u", 1), 0, None, None)] * 2
    assert [each["limit"] for each in shelf.requests] == ["1"]


async def test_a_filter_too_long_beside_one_parent_is_not_sent() -> None:
    """The page of one parent keeps the limit of request lines like batches."""
    shelf = Shelf(index="userId")
    within = cql.any_of("itemId", [str(number) * 36 for number in range(10)] * 10)
    loader = of_user(shelf, within=within)

    alone = await load_keys(loader, [("u", Window())])
    several = await load_keys(loader, [("v", Window()), ("w", Window())])

    assert [type(each) for each in (*alone, *several)] == [errors.LimitExceeded] * 3
    assert {each.message for each in (*alone, *several)} == {
        "This key, or the filter beside it, is too long for a call."
    }
    assert shelf.requests == []


@pytest.mark.parametrize("extra", [0, 1, 30, *range(34, 60)])
async def test_the_request_line_of_one_parent_is_at_most_the_limit(extra: int) -> None:
    """A line is sent exactly if it is within the limit, with offset and count."""
    window = Window(offset=12345, count=1000, total=True, has_next=True)
    free, limited = Shelf(index="userId"), Shelf(index="userId")
    within = cql.equal("title", "é" * extra)

    await of_user(free, within=within).load(("u", window))
    (result,) = await load_keys(
        of_user(limited, LimitSettings(max_request_line=500), within=within), [("u", window)]
    )

    assert limited.lines == [line for line in free.lines if line <= 500]
    assert isinstance(result, errors.LimitExceeded) is (not limited.lines)


# Several parents


async def test_pages_of_several_parents_are_cut_from_complete_groups() -> None:
    """One call for all of them, and each has its own window, its total and its next page."""
    shelf = Shelf([*loans("a", 3), *loans("b", 12)], index="userId")

    result = await load_keys(
        of_user(shelf),
        [
            ("a", Window(count=2)),
            ("b", Window(offset=10, count=10, total=True, has_next=True)),
            ("c", Window(total=True)),
            ("a", Window(offset=5, count=2)),
        ],
    )

    assert result == [
        Slice(loans("a", 2), 0, 3, True),
        Slice(loans("b", 12)[10:], 10, 12, False),
        Slice([], 0, 0, False),
        Slice([], 5, 3, False),
    ]
    assert shelf.requests == [
        {"query": 'userId==("a" or "b" or "c") sortby id', "limit": "76", "totalRecords": "exact"}
    ]


def mix(shelf: Shelf, seed: int) -> None:
    """Put the records into an order that is independent of keys."""
    random.Random(seed).shuffle(shelf.records)  # noqa: S311 - not a secret


def library(large: Sequence[int], small: int = 3, parents: int = 50) -> tuple[Shelf, list[str]]:
    """Return groups of these sizes, and small ones, each contiguous: the order with the most calls."""
    names = [f"u{number}" for number in range(parents)]
    sizes = [*large, *[small] * (parents - len(large))]
    records = [each for name, size in zip(names, sizes, strict=True) for each in loans(name, size)]
    return Shelf(records, index="userId"), names


async def test_one_parent_of_fifty_has_twenty_thousand_records() -> None:
    """Two calls give each parent its first ten: the second one excludes the parent that filled the first."""
    shelf, names = library([20_000])

    result = await load_keys(of_user(shelf), [(name, Window()) for name in names])

    assert [each.records for each in result] == [loans(names[0], 10), *(loans(name, 3) for name in names[1:])]
    assert pages(shelf) == [("1000", None), ("1000", None)]
    assert "u0" not in shelf.requests[1]["query"]
    assert shelf.sent == 1000 + 49 * 3


@pytest.mark.parametrize("large", [2, 5, 10, 30, 49])
async def test_calls_follow_the_number_of_large_groups(large: int) -> None:
    """Contiguous large groups are a call each, and one for all others."""
    shelf, names = library([5_000] * large)

    result = await load_keys(of_user(shelf), [(name, Window(has_next=True)) for name in names])

    assert [len(each.records) for each in result] == [10] * large + [3] * (50 - large)
    assert [each.has_next for each in result] == [True] * large + [False] * (50 - large)
    assert len(shelf.requests) == large + 1


async def test_pages_have_the_size_of_their_windows() -> None:
    """Pages have the size that the windows of all parents need."""
    shelf, names = library([20_000])

    result = await load_keys(of_user(shelf), [(name, Window(count=1)) for name in names])

    assert [each.records for each in result] == [loans(name, 1) for name in names]
    assert pages(shelf) == [("500", None), ("500", None)]
    assert shelf.sent == 500 + 49 * 3


async def test_mixed_records_of_large_groups_fill_all_pages_at_once() -> None:
    """If the order mixes the groups, one page serves the large ones, and a second one the others."""
    shelf, names = library([2_000] * 10)
    mix(shelf, 1)
    owned = {name: [each for each in shelf.records if each["userId"] == name] for name in names}

    result = await load_keys(of_user(shelf), [(name, Window()) for name in names])

    assert [each.records for each in result] == [owned[name][:10] for name in names]
    assert len(shelf.requests) == 2


async def test_totals_of_large_groups_are_counted_by_a_call_each() -> None:
    """The others are counted by their records, and a count requests no record."""
    shelf, names = library([20_000, 5_000])

    result = await load_keys(of_user(shelf), [(name, Window(count=2, total=True)) for name in names])

    assert [each.total for each in result] == [20_000, 5_000, *[3] * 48]
    assert [each.records for each in result] == [loans(name, 2) for name in names]
    assert pages(shelf) == [("500", None), ("500", None), ("500", None), ("0", None), ("0", None)]
    assert [each["query"] for each in shelf.requests[3:]] == [
        f'userId=="u{number}" sortby id' for number in (0, 1)
    ]


async def test_a_late_page_of_a_large_group_is_read_separately() -> None:
    """The records before it are not read; parents without as many have an empty page."""
    shelf, names = library([20_000])
    window = Window(offset=5_000, count=10, total=True, has_next=True)

    result = await load_keys(of_user(shelf), [(name, window) for name in names])

    assert result[0] == Slice(loans("u0", 5_010)[5_000:], 5_000, 20_000, True)
    assert result[1:] == [Slice([], 5_000, 3, False)] * 49
    assert pages(shelf) == [("1000", None), ("1000", None), ("11", "5000")]


async def test_the_limit_of_all_records_applies_to_each_group() -> None:
    """A list beyond the limit is an error of its parent, after its total and not after twenty pages."""
    shelf, names = library([20_001], parents=3)

    result = await load_keys(of_user(shelf), [(name, Window(whole=True)) for name in names])

    assert type(result[0]) is errors.LimitExceeded
    assert result[0].message == (
        "This list is too long to be read completely in 20 calls; narrow it with `filter`."
    )
    assert [each.whole for each in result[1:]] == [loans("u1", 3), loans("u2", 3)]
    assert pages(shelf) == [("1000", None)] * 3


async def test_all_records_of_groups_are_read_page_by_page() -> None:
    """Groups beyond a page are read on, and together while none of them is large."""
    shelf = Shelf([*loans("a", 600), *loans("b", 590)], index="userId")

    first, second = await load_keys(of_user(shelf), [("a", Window(whole=True)), ("b", Window(whole=True))])

    assert (first.whole, second.whole) == (loans("a", 600), loans("b", 590))
    assert pages(shelf) == [("1000", None), ("1000", "1000")]


async def test_groups_declared_large_are_counted_and_not_read() -> None:
    """Members of patron groups: one count each, concurrently, and no record."""
    shelf, names = library([30_000] * 2, parents=2)
    loader = of_user(shelf, has_large_groups=True)

    result = await load_keys(loader, [(name, Window(total=True, only_total=True)) for name in names])

    assert [each.total for each in result] == [30_000] * 2
    assert [each["limit"] for each in shelf.requests] == ["0", "0"]
    assert shelf.sent == 0
    assert shelf.max_in_flight == 2


async def test_pages_of_groups_declared_large_are_read_together() -> None:
    """Without a total, a call for each group would be no gain."""
    shelf, names = library([50] * 5, parents=5)
    mix(shelf, 1)

    result = await load_keys(
        of_user(shelf, has_large_groups=True), [(name, Window(count=3)) for name in names]
    )

    assert [len(each.records) for each in result] == [3] * 5
    assert pages(shelf) == [("50", None)]


async def test_totals_alone_of_small_groups_are_one_call() -> None:
    """Patrons with a few loans each are counted by reading the loans."""
    shelf, names = library([])

    result = await load_keys(of_user(shelf), [(name, Window(total=True, only_total=True)) for name in names])

    assert [each.total for each in result] == [3] * 50
    assert pages(shelf) == [("500", None)]


@pytest.mark.parametrize("max_page", [7, 100])
async def test_a_page_shorter_than_its_limit_is_read_on(max_page: int) -> None:
    """If upstream sends fewer records a call than requested, none is missing."""
    shelf, names = library([], small=5, parents=20)
    shelf.max_page = max_page

    result = await load_keys(of_user(shelf), [(name, Window(total=True)) for name in names])

    assert result == [Slice(loans(name, 5), 0, 5, False) for name in names]
    assert len(shelf.requests) == -(-100 // max_page)


async def test_records_that_are_counted_but_not_sent_are_an_error() -> None:
    """Groups with missing records are an error and not shorter lists."""
    shelf, names = library([30], parents=3)
    shelf.surplus = 1

    result = await load_keys(of_user(shelf), [(name, Window()) for name in names])

    assert result[0] == Slice(loans("u0", 10), 0, None, None)
    assert [type(each) for each in result[1:]] == [errors.UpstreamBadResponse] * 2
    assert [each.upstream for each in result[1:]] == ["folio"] * 2


@pytest.mark.parametrize(
    ("first", "calls"),
    [(45, [("45", None), ("25", "20"), ("5", "40")]), (50, [("50", None), ("30", "20"), ("10", "40")])],
    ids=["complete", "the end"],
)
async def test_a_round_page_without_a_total_is_read_on(
    first: int, calls: list[tuple[str, str | None]]
) -> None:
    """A service with a maximum page size, which sends no totals, hides no records either: a page that may
    have been cut there is read on, until a page is not round or is empty."""
    shelf = Shelf(loans("u", 47), index="userId")
    shelf.max_page = 20

    result = await of_user(shelf).load(("u", Window(count=first)))

    assert result.records == loans("u", 47)[:first]
    assert pages(shelf) == calls


@pytest.mark.parametrize(("size", "calls"), [(7, 1), (10, 2), (0, 1)])
async def test_a_short_page_without_a_total_is_the_end(size: int, calls: int) -> None:
    """Only one with a round number of records costs another call, which has none."""
    shelf = Shelf(loans("u", size), index="userId")

    result = await of_user(shelf).load(("u", Window(count=50, has_next=True)))

    assert result == Slice(loans("u", size), 0, None, False)
    assert len(shelf.requests) == calls


async def test_totals_are_optional() -> None:
    """Without totals full pages are read on and short ones are the last ones."""

    class Uncounted(Shelf):
        async def _respond(self, request: httpx.Request) -> httpx.Response:
            body = json.loads((await super()._respond(request)).content)
            return httpx.Response(200, content=json.dumps({"things": body["things"]}).encode())

    shelf = Uncounted([*loans("a", 100), *loans("b", 3), *loans("c", 3)], index="userId")

    result = await load_keys(of_user(shelf), [(name, Window(count=5)) for name in "abc"])

    assert [each.records for each in result] == [loans("a", 5), loans("b", 3), loans("c", 3)]
    assert pages(shelf) == [("30", None), ("30", None)]


async def test_records_that_no_parent_owns_by_its_key_are_read_for_each() -> None:
    """Records whose key matches no parent are kept: a call for each parent shows which has them."""
    shelf = Shelf([*loans("a", 2), *loans("b", 3)], index="userId")
    loader = grouped_by(shelf.collection, LIMITS, index="userId", key=("patron", "id"))

    result = await load_keys(loader, [("a", Window(total=True)), ("b", Window(total=True))])

    assert result == [Slice(loans("a", 2), 0, 2, None), Slice(loans("b", 3), 0, 3, None)]
    assert [each["query"] for each in shelf.requests] == [
        'userId==("a" or "b") sortby id',
        'userId=="a" sortby id',
        'userId=="b" sortby id',
    ]


@given(
    sizes=st.lists(st.one_of(st.integers(0, 10), st.integers(11, 400)), min_size=2, max_size=12),
    window=st.builds(
        Window,
        offset=st.sampled_from([0, 0, 1, 7, 300]),
        count=st.sampled_from([0, 1, 5, 10]),
        total=st.booleans(),
        has_next=st.booleans(),
        whole=st.booleans(),
    ),
    seed=st.one_of(st.none(), st.integers(0, 9)),
    max_page=st.sampled_from([None, None, 90]),
)
@settings(deadline=None)
def test_each_parent_has_the_page_it_would_have_alone(
    sizes: list[int], window: Window, seed: int | None, max_page: int | None
) -> None:
    """Records, total and next page are exact in any order, in few calls."""

    async def run() -> None:
        shelf, names = library(sizes, parents=len(sizes))
        if seed is not None:
            mix(shelf, seed)
        shelf.max_page = max_page
        owned = {name: [each for each in shelf.records if each["userId"] == name] for name in names}

        result = await load_keys(of_user(shelf), [(name, window) for name in names])

        end = window.offset + window.count
        for name, page in zip(names, result, strict=True):
            assert page.records == owned[name][window.offset : end]
            assert not window.total or page.total == len(owned[name])
            assert not window.has_next or page.has_next is (len(owned[name]) > end)
            assert not window.whole or page.whole == owned[name]
        share = max(10, 2 * (window.offset + window.limit))
        large = sum(size > share for size in sizes)
        if max_page is None and not (window.total or window.whole):
            assert len(shelf.requests) <= 3 + large

    asyncio.run(run())


async def test_clause_and_order_of_groups() -> None:
    """The condition and the order of a list are sent, with the id as the last key."""
    shelf = Shelf(index="userId")
    loader = of_user(
        shelf, within=cql.equal("status.name", "Open"), sort=[cql.SortKey("dueDate", descending=True)]
    )

    await loader.load(("a", Window()))
    await load_keys(loader, [("b", Window()), ("c", Window())])

    assert [each["query"] for each in shelf.requests] == [
        '(userId=="a" and status.name=="Open") sortby dueDate/sort.descending id',
        '(userId==("b" or "c") and status.name=="Open") sortby dueDate/sort.descending id',
    ]


async def test_a_failed_batch_of_groups_fails_only_its_parents() -> None:
    """Other parents have their lists, and no call is repeated."""
    shelf = Shelf([*loans("a", 1), *loans("b", 1)], index="userId")
    shelf.fails = lambda query: '"b"' in query
    loader = of_user(shelf, LimitSettings(batch_size=1))
    keys = [(each, Window()) for each in "abc"]

    result = await load_keys(loader, keys)

    assert result[0] == Slice(loans("a", 1), 0, 1, False)
    assert type(result[1]) is errors.UpstreamUnavailable
    assert result[2] == Slice([], 0, 0, False)
    assert await load_keys(loader, keys) == result
    assert len(shelf.requests) == 3


async def test_a_failed_second_page_fails_incomplete_parents() -> None:
    """A part of a list is no list; a page that was complete before stays."""
    shelf, names = library([20_000], parents=3)

    def after_the_first(query: str) -> bool:
        return len(shelf.requests) > 1

    shelf.fails = after_the_first

    result = await load_keys(of_user(shelf), [(name, Window()) for name in names])

    assert result[0] == Slice(loans("u0", 10), 0, None, None)
    assert [type(each) for each in result[1:]] == [errors.UpstreamUnavailable] * 2


async def test_a_failed_count_fails_the_windows_with_a_total() -> None:
    """The same parent's page without a total is complete."""
    shelf, _ = library([20_000], parents=2)
    shelf.fails = lambda query: query.startswith('userId=="u0"')

    counted, page, other = await load_keys(
        of_user(shelf), [("u0", Window(total=True)), ("u0", Window(count=1)), ("u1", Window())]
    )

    assert type(counted) is errors.UpstreamUnavailable
    assert page == Slice(loans("u0", 1), 0, None, None)
    assert other.records == loans("u1", 3)


async def test_the_failed_page_of_one_parent() -> None:
    """It is an error in the slot, and is not requested again."""
    shelf = Shelf(index="userId")
    shelf.fails = lambda query: True
    loader = of_user(shelf)

    result = [(await load_keys(loader, [("a", Window())]))[0] for _ in range(2)]

    assert [type(each) for each in result] == [errors.UpstreamUnavailable] * 2
    assert len(shelf.requests) == 1


@pytest.mark.parametrize("others", [[], [("b", Window())]])
async def test_an_invalid_parent(others: list[tuple[str, Window]]) -> None:
    """An invalid key has a separate error, alone and among others."""
    shelf = Shelf(index="userId")

    result = await load_keys(of_user(shelf), [("a\x00", Window()), *others])

    assert type(result[0]) is errors.BadUserInput
    assert result[1:] == [Slice([], 0, 0, False)] * len(others)


@given(count=st.integers(0, 40), offset=st.integers(0, 50), size=st.integers(0, 50), alone=st.booleans())
def test_a_window_is_the_same_cut_or_read_separately(count: int, offset: int, size: int, alone: bool) -> None:
    """The same records, the same total and the same next page."""

    async def run() -> None:
        shelf = Shelf(loans("a", count), index="userId")
        window = Window(offset=offset, count=size, total=True, has_next=True)
        keys = [("a", window)] if alone else [("a", window), ("b", window)]
        result = (await load_keys(of_user(shelf), keys))[0]
        records = loans("a", count)[offset : offset + size]
        assert result == Slice(records, offset, count, count > offset + size)

    asyncio.run(run())

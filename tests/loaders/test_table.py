"""A table is read completely once; further rows of a large one are requested by id."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from gateway import errors
from gateway.loaders.pages import MAX_PAGE_SIZE
from gateway.loaders.table import Table
from gateway.observability.operation import OperationRecord
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, Page

pytestmark = pytest.mark.anyio


class Rows:
    """A collection of numbered rows that records its requests."""

    path = "/rows"
    tie_break = "id"

    def __init__(
        self, count: int, problem: errors.GatewayError | None = None, max_page: int = MAX_PAGE_SIZE
    ) -> None:
        self.max_page = max_page
        self.rows = [{"id": str(number)} for number in range(count)]
        self.problem = problem
        self.operation = OperationRecord()
        self.requests: list[tuple[str, int]] = []

    async def __call__(
        self, query: str, *, limit: int, offset: int = 0, total: bool = False, decoder: None = None
    ) -> Page:
        self.requests.append((query, limit))
        await asyncio.sleep(0)
        if self.problem is not None:
            raise self.problem
        result: list[dict[str, Any]] = [row for row in self.rows if f'"{row["id"]}"' in query]
        if query.startswith("id=="):
            return Page(result, len(result))
        return Page(self.rows[: min(limit, self.max_page)], len(self.rows))

    def request_line_length(self, query: str, *, limit: int, offset: int = 0) -> int:
        return len(query)


def table(rows: Rows) -> Table:
    return Table(cast(BoundCollection, rows), LimitSettings(), (cql.SortKey("name"),))


COMPLETE_TABLE = ("cql.allRecords=1 sortby name id", MAX_PAGE_SIZE)


async def test_rows_and_list_are_one_call() -> None:
    """Rows by id, at once and later, and the complete list are from one call."""
    rows = Rows(5)
    small = table(rows)

    first = await asyncio.gather(small.by_id.load("1"), small.rows(), small.by_id.load("3"))
    later = await small.by_id.load("4")

    assert list(first) == [{"id": "1"}, rows.rows, {"id": "3"}]
    assert later == {"id": "4"}
    assert rows.requests == [COMPLETE_TABLE]


async def test_an_id_in_no_row_is_none() -> None:
    """A small table is complete, so a missing id is not requested."""
    rows = Rows(5)

    assert await table(rows).by_id.load("99") is None
    assert rows.requests == [COMPLETE_TABLE]


async def test_further_rows_of_a_large_table_are_requested_by_id() -> None:
    """Rows beyond the first page are one batch; the list is not returned as if it were complete."""
    rows = Rows(MAX_PAGE_SIZE + 10)
    large = table(rows)
    last = str(MAX_PAGE_SIZE + 9)

    result = await asyncio.gather(large.by_id.load("7"), large.by_id.load(last), large.by_id.load("none"))

    assert list(result) == [{"id": "7"}, {"id": last}, None]
    assert await large.rows() is None
    assert rows.requests == [COMPLETE_TABLE, (f'id==("{last}" or "none")', 2)]


async def test_a_table_cut_short_by_upstream_is_large() -> None:
    """A first page that is shorter than its limit and its total is not the complete table."""
    rows = Rows(30, max_page=20)
    table_of_more = table(rows)

    assert await table_of_more.by_id.load("25") == {"id": "25"}
    assert await table_of_more.rows() is None
    assert rows.requests == [COMPLETE_TABLE, ('id=="25"', 1)]


async def test_an_outage_is_one_error_for_all() -> None:
    """A table that cannot be read fails each row with the same error, after one call."""
    problem = errors.UpstreamUnavailable("folio is not ready.", upstream="folio")
    rows = Rows(5, problem)
    broken = table(rows)

    result = await asyncio.gather(broken.by_id.load("1"), broken.by_id.load("2"), return_exceptions=True)

    assert list(result) == [problem, problem]
    with pytest.raises(errors.UpstreamUnavailable):
        await broken.rows()
    assert rows.requests == [COMPLETE_TABLE]

"""Pages of lists and complete lists, of records of any type."""

from typing import Any, Generic, TypeVar

import strawberry

from gateway.context import Info
from gateway.errors import UpstreamBadResponse
from gateway.fields.arguments import cursor
from gateway.fields.page import page_field
from gateway.loaders.pages import Slice
from gateway.upstream.record_types import record_or_error

Record = TypeVar("Record")


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    has_next_page: bool = page_field("True if more records follow.", lambda page: bool(page.has_next))
    has_previous_page: bool = page_field("True if records precede this page.", lambda page: page.offset > 0)
    start_cursor: str | None = page_field(
        "The cursor of the first record of the page. Null if the page is empty.",
        lambda page: cursor(page.offset) if page.records else None,
    )
    end_cursor: str | None = page_field(
        "The cursor of the last record of the page: pass it as `after` for the next page. Null if "
        "the page is empty.",
        lambda page: cursor(page.offset + len(page.records) - 1) if page.records else None,
    )


def _nodes(page: Slice) -> list[Any]:
    """Return the records, and the error in the place of one that upstream sent in another form."""
    records, part = page.records, page.part
    if part is not None:
        records = records[part.start : part.stop]
    return [*map(record_or_error, records)] if dict in set(map(type, records)) else records


def _edges(page: Slice) -> list[tuple[int, Any]]:
    start = page.offset if page.part is None else page.offset + page.part.start
    return list(enumerate(_nodes(page), start))


def _total(page: Slice) -> int:
    if page.total is None:
        raise UpstreamBadResponse("An upstream service sent a list without `totalRecords`.")
    return page.total


@strawberry.type(description="A record with its cursor.")
class Edge(Generic[Record]):
    cursor: str = page_field("The cursor of the record, for `after`.", lambda edge: cursor(edge[0]))  # type: ignore[index]  # the source is a pair
    node: Record | None = page_field("The record.", lambda edge: edge[1], is_always_known=True)  # type: ignore[index]  # as above


@strawberry.type(description="A page of a list.")
class Connection(Generic[Record]):
    nodes: list[Record | None] = page_field("The records of the page.", _nodes)
    edges: list[Edge[Record] | None] = page_field("The records with their cursors.", _edges)
    page_info: PageInfo = page_field("The position of the page in the list.", lambda page: page)
    total_count: int | None = page_field(
        "The exact number of records in the complete list. From 1000 records on, most lists need one more "
        "call for it, unless the page reaches their end.",
        _total,
        is_always_known=True,
    )


@strawberry.type(description="A complete list; upstream does not page it.")
class FullList(Generic[Record]):
    nodes: list[Record | None] = page_field("All records.", _nodes, rows=10)
    total_count: int = page_field("The number of records.", lambda page: len(page.records))


async def whole(info: Info, loader: str, key: str) -> Slice:
    """Load the complete list of a key."""
    return Slice(await getattr(info.context.loaders, loader).load(key))


def full_list_of(records: list[Any]) -> Slice:
    """Return the complete list that is in the result of a mutation. Any: records are JSON."""
    return Slice(records)

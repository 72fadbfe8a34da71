"""Lists: connections for what can grow, and how their pages are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.engine.core import StrawberryAnnotation, StrawberryArgument, StrawberryField
from gateway.fields.arguments import clause_of, cursor, offset_after, page_size, sort_keys
from gateway.fields.link import Asking
from gateway.fields.record import Path, dig, path_of, record_of
from gateway.fields.selection import dropped_by_bff, loaders_for, needs_of_nodes, selected_fields
from gateway.loaders.batching import Grouped, cut, page_of
from gateway.loaders.loader import Slice, Window
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, Shape
from gateway.upstream.services import Upstream

Record = TypeVar("Record")


class PageField(StrawberryField):
    """A field of a connection; its source is the slice that was asked. Any: Strawberry's signatures."""

    read: Callable[[Slice], Any]
    rows: int
    of_records: tuple[str, ...]

    def __copy__(self) -> PageField:
        made = super().__copy__()
        made.read, made.rows, made.of_records = self.read, self.rows, self.of_records
        return made

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        return self.read(source)


def page_field(
    description: str, read: Callable[[Slice], Any], *, rows: int = 1, of_records: tuple[str, ...] = ()
) -> Any:
    """Declare a field of a connection; `rows` is how many it is taken to have where no `first` says it.

    `of_records` are the members that it reads of the records, where it does not only hand them on: leaves
    with fields of their own, read by `get`.

    Any: the annotation beside the declaration is the type.
    """
    made = PageField(description=description, default=None)
    made.read, made.rows, made.of_records = read, rows, of_records
    return made


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


def _edges(page: Slice) -> list[tuple[int, Any]]:
    return list(enumerate(page.records, page.offset))


@strawberry.type(description="A record with its cursor.")
class Edge(Generic[Record]):
    cursor: str = page_field("The cursor of the record, for `after`.", lambda edge: cursor(edge[0]))  # type: ignore[index]  # the source is a pair
    node: Record | None = page_field("The record.", lambda edge: edge[1])  # type: ignore[index]  # as above


@strawberry.type(description="A page of a list.")
class Connection(Generic[Record]):
    nodes: list[Record | None] = page_field("The records of the page.", lambda page: page.records)
    edges: list[Edge[Record] | None] = page_field("The records with their cursors.", _edges)
    page_info: PageInfo = page_field("The position of the page in the list.", lambda page: page)
    total_count: int | None = page_field(
        "The exact number of records in the complete list. Costs upstream a count.",
        lambda page: page.total,
    )


@strawberry.type(description="A complete list; upstream does not page it.")
class FullList(Generic[Record]):
    nodes: list[Record | None] = page_field("All records.", lambda page: page.records, rows=10)
    total_count: int = page_field("The number of records.", lambda page: len(page.records))


class ConnectionField(StrawberryField):
    """A connection at the root: the collection that it asks, and what of it. Any: Strawberry's signatures."""

    ask: Callable[[Upstream], BoundCollection]
    direct: Callable[[Upstream], BoundCollection] | None
    table: str | None
    default_sort: tuple[cql.SortKey, ...]

    @property
    def is_basic_field(self) -> bool:
        return False

    def __copy__(self) -> ConnectionField:
        made = super().__copy__()
        made.ask, made.direct, made.table = self.ask, self.direct, self.table
        made.default_sort = self.default_sort
        return made

    async def page(self, info: Info, kwargs: Mapping[str, Any], shape: Shape | None = None) -> Slice:
        """The page that was asked for, its records in the shape where there is one."""
        window = window_of(info, kwargs)
        clause = clause_of(kwargs.get("filter"), kwargs.get("cql"))
        sort = sort_keys(kwargs.get("sort")) or self.default_sort
        if self.table is not None and clause is None:
            rows = await getattr(info.context.loaders, self.table).rows()
            if rows is not None:
                return cut(rows, window)
        ask = self.asking(info)
        length = ask.request_line_length(
            cql.sorted_by(clause, sort, tie_break=ask.tie_break), limit=window.count
        )
        most = info.context.loaders.limits.max_request_line
        if length > most:
            raise errors.LimitExceeded(
                f"`filter` and `cql` make a request line of {length} bytes, and upstream reads {most}; "
                "ask in parts."
            )
        return await page_of(ask, clause, sort, window, shape)

    def asking(self, info: Info) -> BoundCollection:
        """The collection of the interface that sends what is selected."""
        direct = info.context.loaders.is_direct or dropped_by_bff(needs_of_nodes(info))
        if self.direct is not None and direct:
            return self.direct(info.context.upstream)
        return self.ask(info.context.upstream)

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        return self.page(info, kwargs)


class ConnectionLink(StrawberryField):
    """A connection on a record: the records that carry its key. Any: Strawberry's signatures."""

    loader: str
    key: Path
    within: cql.Cql | None
    batched = True
    default_sort: tuple[cql.SortKey, ...]

    @property
    def is_basic_field(self) -> bool:
        return False

    def __copy__(self) -> ConnectionLink:
        made = super().__copy__()
        made.loader, made.key, made.within = self.loader, self.key, self.within
        made.default_sort = self.default_sort
        return made

    @cached_property
    def needs(self) -> tuple[Path, ...]:
        return (self.key,)

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        key = dig(record_of(source), self.key)
        if key is None:
            return self.empty(info, kwargs)
        asking = self.asking(info, kwargs)
        return asking.loader.load(asking.key(key))

    def empty(self, info: Info, kwargs: Mapping[str, Any]) -> Slice:
        """What a parent without a key has."""
        return Slice([], window_of(info, kwargs).offset, 0, False)

    def asking(self, info: Info, kwargs: Mapping[str, Any]) -> Asking:
        window = window_of(info, kwargs)
        clause = cql.all_of(self.within, clause_of(kwargs.get("filter"), None))
        sort = sort_keys(kwargs.get("sort")) or self.default_sort
        loaders = loaders_for(info, needs_of_nodes(info))
        loader: Grouped = getattr(loaders, self.loader)(clause, sort)
        return Asking(loader, lambda key: (str(key), window))


class FullListLink(StrawberryField):
    """A list that upstream serves whole, one parent a call. Any: Strawberry's signatures."""

    loader: str
    key: Path
    batched = False

    @property
    def is_basic_field(self) -> bool:
        return False

    def __copy__(self) -> FullListLink:
        made = super().__copy__()
        made.loader, made.key = self.loader, self.key
        return made

    @property
    def needs(self) -> tuple[Path, ...]:
        return (self.key,)

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        key = dig(record_of(source), self.key)
        return None if key is None else whole(info, self.loader, str(key))

    def asking(self, info: Info, kwargs: Mapping[str, Any]) -> Asking:
        return Asking(getattr(info.context.loaders, self.loader), str, Slice)


async def whole(info: Info, loader: str, key: str) -> Slice:
    """The whole list that this loader has for the key."""
    return Slice(await getattr(info.context.loaders, loader).load(key))


def full_list_of(records: list[Any]) -> Slice:
    """The whole list that came with the answer to an act. Any: records are JSON."""
    return Slice(records)


def full_list_link(description: str, *, loader: str, key: str = "id") -> Any:
    """Declare a list that upstream serves whole for one parent. Any: the annotation is the type."""
    made = FullListLink(description=description)
    made.loader, made.key = loader, path_of(key)
    return made


def connection(
    description: str,
    *,
    ask: Callable[[Upstream], BoundCollection],
    filter: type,
    sort: type | None = None,
    default_sort: Sequence[cql.SortKey] = (),
    direct: Callable[[Upstream], BoundCollection] | None = None,
    table: str | None = None,
) -> Any:
    """Declare a connection at the root.

    `direct` is asked instead of `ask` where something is selected that the BFF drops. `table` names the
    loader of a small table, which serves its list as well where nothing narrows it.
    Any: the annotation beside the declaration is the type.
    """
    made = ConnectionField(description=description)
    made.ask, made.direct, made.table = ask, direct, table
    made.default_sort = tuple(default_sort)
    made.arguments = [*_filters(filter, sort), _CQL, *_PAGE]
    return made


def connection_link(
    description: str,
    *,
    loader: str,
    key: str = "id",
    filter: type | None = None,
    sort: type | None = None,
    within: cql.Cql | None = None,
    default_sort: Sequence[cql.SortKey] = (),
) -> Any:
    """Declare a connection on a record: `loader` takes the clause and the sort, `key` is the parent's.

    Any: the annotation beside the declaration is the type.
    """
    made = ConnectionLink(description=description)
    made.loader, made.key, made.within = loader, path_of(key), within
    made.default_sort = tuple(default_sort)
    made.arguments = [*_filters(filter, sort), *_PAGE]
    return made


def window_of(info: Info, kwargs: Mapping[str, Any]) -> Window:
    """The page that the arguments ask for, and what the selection needs to know about it."""
    fields = selected_fields(info)
    return Window(
        offset=offset_after(kwargs.get("after")),
        count=page_size(_given(kwargs.get("first"), 10), info.context.max_page_size),
        total="totalCount" in fields,
        has_next="pageInfo" in fields,
        whole="amountRemaining" in fields,
    )


def _given(value: int | None, otherwise: int) -> int:
    """The argument, or its default where a client sends null for "I do not say"."""
    return otherwise if value is None else value


def argument(name: str, type_: Any, description: str, **default: Any) -> StrawberryArgument:
    """An argument of a field that is declared and not written as a function. Any: types of all kinds.

    A default of None means that it may be left out, and then it is left out.
    """
    if default.get("default", strawberry.UNSET) is None:
        del default["default"]
    return StrawberryArgument(
        python_name=name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation(type_),
        description=description,
        **default,
    )


_PAGE = (
    argument(
        "first",
        int | None,
        "The number of records, at most 1000. 0 with `totalCount` only counts.",
        default=10,
    ),
    argument("after", str | None, "The `endCursor` of the previous page.", default=None),
)
_CQL = argument(
    "cql",
    str | None,
    "A CQL condition in addition to `filter`, without `sortby`; at most 2000 characters.",
    default=None,
)


def page_arguments() -> list[StrawberryArgument]:
    """`first` and `after`, for lists that are declared elsewhere."""
    return list(_PAGE)


def _filters(filter: type | None, sort: type | None) -> list[StrawberryArgument]:
    found = []
    if filter is not None:
        found.append(argument("filter", filter | None, "The conditions.", default=None))
    if sort is not None:
        sorts: Any = list[sort] | None  # type: ignore[valid-type]  # Strawberry takes types made at run time
        found.append(argument("sort", sorts, "The sort order; ties are broken by `id`.", default=None))
    return found

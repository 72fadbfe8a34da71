"""Lists: connections for the ones that can grow, and how their pages are fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from graphql import FieldNode

from gateway import errors
from gateway.context import Context, Info
from gateway.engine.core import StrawberryArgument
from gateway.fields.arguments import argument, clause_of, cursor, offset_after, page_size, sort_keys
from gateway.fields.base import Arguments, Cost, Declared, Field, Json, Levels, Load, Path, Selected, Source
from gateway.fields.link import ComputedLink, Link, list_link
from gateway.fields.record import is_list, path_of
from gateway.fields.root import RootField
from gateway.loaders import Loaders
from gateway.loaders.grouped import MORE_CALLS, Grouped
from gateway.loaders.loader_set import Calls, CollectionName, declared_calls
from gateway.loaders.pages import Slice, Window, cut, page_of
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection
from gateway.upstream.services import ListsFrom


class PageField(Field):
    """A field of a connection; its source is a slice of a list."""

    value_of = "page"
    read: Callable[[Slice], Json]
    rows: int
    of_records: tuple[str, ...]
    is_always_known: bool

    @property
    def semantic_non_null(self) -> Levels:
        """The value if it is always known, and the elements of a list, because a page has no gaps."""
        return (0,) * self.is_always_known + (1,) * is_list(self.type)

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        return self.read(source)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(rows=self.rows)


def page_field(
    description: str,
    read: Callable[[Slice], Json],
    *,
    rows: int = 1,
    of_records: tuple[str, ...] = (),
    is_always_known: bool = False,
) -> Declared:
    """Declare a field of a connection; `rows` is how many records it is assumed to have without `first`.

    `is_always_known` if `read` returns a value for each page, or raises an error.

    `of_records` are the members that it reads of the records, if it does more than pass them on: leaves with
    fields of their own, read by `get`.
    """
    field = PageField(description=description, default=None)
    field.read, field.rows, field.of_records = read, rows, of_records
    field.is_always_known = is_always_known
    return field


class PageRequest(NamedTuple):
    """The page of a list that the arguments of a connection say."""

    window: Window
    clause: cql.Cql | None
    sort: tuple[cql.SortKey, ...]

    def check(self, context: Context) -> None:
        """Raise `LimitExceeded` if the page is larger than the setting allows."""
        maximum = context.limits.max_page_size
        if self.window.count > maximum:
            raise errors.page_too_large(self.window.count, maximum)


class PagedField(Field):
    """A field with the arguments of a connection."""

    selects_nodes = True
    within: cql.Cql | None = None
    default_sort: tuple[cql.SortKey, ...] = ()

    @property
    def semantic_non_null(self) -> Levels:
        return (0,)

    def parse(self, arguments: Arguments, selected: Selected) -> PageRequest:
        clause = cql.all_of(self.within, clause_of(arguments.get("filter"), arguments.get("cql")))
        sort = sort_keys(arguments.get("sort")) or self.default_sort
        fields = selected.fields
        window = Window(
            offset=offset_after(arguments.get("after")),
            count=page_size(arguments.get("first")),  # its maximum is a setting, checked with each request
            total="totalCount" in fields,
            has_next="pageInfo" in fields,
            whole="amountRemaining" in fields,
            only_total="totalCount" in fields <= _READ_NO_RECORDS,
        )
        return PageRequest(window, clause, sort)


class ConnectionField(PagedField, RootField):
    """A connection at the root: the collection that it reads, and which part of it."""

    collection: CollectionName
    table: str | None

    async def start(
        self, context: Context, request: PageRequest, selected: Selected, *, is_alone: bool = False
    ) -> Slice:
        """Fetch a page. Raises `LimitExceeded`."""
        request.check(context)
        window, clause, sort = request
        if self.table is not None and clause is None:
            rows = await getattr(context.loaders, self.table).rows()
            if rows is not None:
                return cut(rows, window)
        loaders = context.loaders.direct if selected.is_direct else context.loaders
        collection = self.collection.of(context.upstream, loaders.lists_from)
        query = cql.sort_by(clause, sort, tie_break=collection.tie_break)
        length = collection.request_line_length(query, limit=window.limit, offset=window.offset)
        maximum = context.loaders.limits.max_request_line
        if length > maximum:
            raise errors.query_too_long("`filter` and `cql` make", length, maximum)
        return await self.read(context, collection, request, selected)

    async def read(
        self, context: Context, collection: BoundCollection, request: PageRequest, selected: Selected
    ) -> Slice:
        """Read a page whose request is within the limits."""
        return await page_of(collection, request.clause, request.sort, request.window, selected.decoder)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(1 + _count_calls(self.collection, selected), rows=rows)

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        return (self.collection.members(selected.is_direct, lists_from),)

    def sources(self, selected: Selected, is_direct: bool) -> list[Source]:
        if self.table is not None:
            return []
        return [Source(self.collection, is_direct or selected.is_direct)]


def _count_calls(collection: CollectionName, selected: Selected) -> int:
    """Return 1 if a total may have to be counted by a separate call, beside that for the records."""
    fields = selected.fields
    return int("totalCount" in fields and not (fields <= _READ_NO_RECORDS or collection.forwards_total))


EMBEDDED_KEYS: frozenset[Path] = frozenset({("id",), ("batchId",), ("itemId",)})
"""The keys that each embedded parent has. Of others, there may be no value if the parent does not exist."""


class ConnectionLink(PagedField, Link):
    """A connection on a record: the records that have its key."""

    @property
    def semantic_non_null(self) -> Levels:
        return (0,) if self.key in EMBEDDED_KEYS else ()

    def load(self, context: Context, request: PageRequest, selected: Selected) -> Load:
        request.check(context)
        window, clause, sort = request
        loaders = context.loaders.direct if selected.is_direct else context.loaders
        loader: Grouped = getattr(loaders, self.loader)(clause, sort)
        return Load(loader, lambda key: (key, window), empty=Slice([], window.offset, 0, False))

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        sources = self.sources(selected, False)
        calls = self.calls + sum(_count_calls(each.collection, selected) for each in sources)
        if not self.batched or getattr(getattr(Loaders, self.loader), "has_large_groups", False):
            return Cost(calls, False, rows)
        return Cost(calls, True, rows, more=MORE_CALLS)


class FullListLink(ComputedLink):
    """A list that upstream serves completely, one parent per call."""

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        return Load(getattr(context.loaders, self.loader), None, Slice, self.without_key())

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(1, self.batched, rows)


full_list_link = partial(list_link, kind=FullListLink)


def connection(
    description: str,
    *,
    collection: str,
    filter: type,
    sort: type | None = None,
    default_sort: Sequence[cql.SortKey],
    direct: str | None = None,
    table: str | None = None,
    kind: type[ConnectionField] = ConnectionField,
) -> Declared:
    """Declare a connection at the root by its collection, such as `users.users` of `Upstream`.

    `direct` is read instead if something is selected that the BFF drops. `table` names the loader of a small
    table, which also has the list if nothing narrows it.
    """
    field = kind(description=description)
    field.collection, field.table = CollectionName(collection, direct), table
    field.default_sort = tuple(default_sort)
    field.arguments = [*_filters(filter, sort), _cql(field.default_sort), *PAGE_ARGUMENTS]
    return field


def connection_link(
    description: str,
    *,
    loader: str,
    key: str = "id",
    filter: type | None = None,
    sort: type | None = None,
    within: cql.Cql | None = None,
    default_sort: Sequence[cql.SortKey] = (),
    kind: type[ConnectionLink] = ConnectionLink,
) -> Declared:
    """Declare a connection on a record: `loader` takes the clause and the sort, `key` is the parent's."""
    field = kind(description=description)
    field.calls = len(declared_calls(Loaders, loader))
    field.loader, field.key, field.within = loader, path_of(key), within
    field.default_sort = tuple(default_sort)
    field.arguments = [*_filters(filter, sort), *PAGE_ARGUMENTS]
    return field


_READ_NO_RECORDS = frozenset({"totalCount", "__typename"})


PAGE_ARGUMENTS = (
    argument(
        "first",
        int | None,
        "The number of records, at most 1000. 0 with `totalCount` only counts.",
        default=10,
    ),
    argument("after", str | None, f"The `endCursor` of the previous page, such as `{cursor(9)}`."),
)


def _cql(sort: Sequence[cql.SortKey]) -> StrawberryArgument:
    """Return the argument for a condition in CQL, with an example in an index by which the list is sorted."""
    index = sort[0].index
    is_date, text = index.lower().endswith("date"), "1*" if index.endswith("Id") else "A*"
    example = f'{index}>"2026-01-01T00:00:00"' if is_date else f'{index}="{text}"'
    return argument(
        "cql",
        str | None,
        f"A CQL condition in addition to `filter`, such as `{example}`, without `sortby`; at most 2000 "
        "characters.",
    )


def _filters(filter: type | None, sort: type | None) -> list[StrawberryArgument]:
    arguments = []
    if filter is not None:
        arguments.append(argument("filter", filter | None, "The conditions."))
    if sort is not None:
        sorts: Any = list[sort] | None  # type: ignore[valid-type]  # Strawberry takes types made at run time
        arguments.append(argument("sort", sorts, "The sort order; ties are broken by `id`."))
    return arguments

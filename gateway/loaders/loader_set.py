"""Declarations of loaders, and the set of loaders that one operation has.

A declaration is static: the collection that a loader reads, and the member by which it assigns records to
keys. As an attribute of the class it is itself, so that plans are compiled without an operation; as an
attribute of a set of loaders it is the loader of that operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from operator import attrgetter
from typing import Any, Generic, Self, TypeAlias, TypeVar, overload
from weakref import proxy

from gateway.loaders.grouped import Grouped, grouped_by
from gateway.loaders.loader import ById, Loader, by_id
from gateway.loaders.table import Table
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, Collection
from gateway.upstream.services import SERVICES, ListsFrom, Upstream

_getter = cache(attrgetter)


@dataclass(frozen=True, slots=True)
class CollectionName:
    """A collection by its attributes of `Upstream`; `direct` if circulation itself serves it too."""

    name: str
    direct: str | None = None

    def key(self, is_direct: bool) -> str:
        """Return the name of the collection that is read, at the BFF or at circulation itself."""
        return self.direct if is_direct and self.direct is not None else self.name

    def members(self, is_direct: bool, lists_from: ListsFrom) -> tuple[str, ...]:
        """Return the name of the collection that is read, then the one that may be read in its place."""
        first = self.key(is_direct or lists_from == "circulation")
        if self.direct in (None, first) or lists_from != "auto":
            return (first,)
        return (first, self.direct)

    def of(self, upstream: Upstream, lists_from: ListsFrom) -> BoundCollection:
        """Return the collection in the name of the caller."""
        collection: BoundCollection = _getter(self.key(lists_from == "circulation"))(upstream)
        if self.direct is None:
            return collection
        if lists_from == "auto":
            # A proxy: the list is kept by `upstream`, and a cycle would stay until a garbage collection.
            return upstream.bff_or_circulation(collection, partial(_getter(self.direct), proxy(upstream)))
        return upstream.bff_if_served(collection) if lists_from == "bff if served" else collection

    @property
    def forwards_total(self) -> bool:
        """False if large totals of the collection are estimates."""
        service, name = self.name.split(".")
        declaration = vars(SERVICES[service])[name]
        return not isinstance(declaration, Collection) or declaration.forwards_total

    def is_from_circulation(self, is_direct: bool) -> bool:
        """Return True if its records come from circulation itself, which also has a BFF in front of it."""
        return is_direct and self.direct is not None


Calls: TypeAlias = tuple[tuple[str, ...], ...]
"""Upstream calls in their order, each by the method or collection of `Upstream` that sends it.

`(("users.users",), ("circulation.queue_of_item", "circulation.queue_of_instance"))` are two calls: the second
is one of two, as the arguments or the record decide.
"""

_DECLARED: dict[str, Calls] = {}
Create = TypeVar("Create", bound=Callable[..., object])
Declared = TypeVar("Declared")


def calls(*members: str) -> Callable[[Create], Create]:
    """Declare the calls of a loader that a function creates: for each key, or for those of a batch."""

    def declare(create: Create) -> Create:
        _DECLARED[create.__name__] = tuple((each,) for each in members)
        return create

    return declare


def declared_calls(
    owner: type, name: str, lists_from: ListsFrom = "auto", *, is_direct: bool = False
) -> Calls:
    """Return the calls of a loader; none if it only passes keys on to others."""
    declaration = getattr(owner, name)
    if isinstance(declaration, TableLoader | RowLoader):
        return ((declaration.reads,),)
    collection: CollectionName | None = getattr(declaration, "collection", None)
    if collection is None:
        return _DECLARED.get(name, ())
    before: Sequence[str] = getattr(declaration, "before", ())
    return (*((each,) for each in before), collection.members(is_direct, lists_from))


_OWN_ATTRIBUTES = frozenset({"upstream", "limits", "lists_from", "is_direct", "_groups"})


class LoaderSet:
    """The loaders of one operation, each created when it is first used.

    `lists_from` is the source of loans and requests; with "circulation" the set `is_direct`.
    """

    def __init__(self, upstream: Upstream, limits: LimitSettings, *, lists_from: ListsFrom = "bff") -> None:
        self.upstream = upstream
        self.limits = limits
        self.lists_from: ListsFrom = lists_from
        self.is_direct = lists_from == "circulation"
        self._groups: dict[tuple[str, ...], Grouped] = {}

    def grouped(
        self,
        collection: BoundCollection,
        index: str,
        *,
        within: cql.Cql | None = None,
        sort: Sequence[cql.SortKey] = (),
        key: tuple[str, ...] | None = None,
        owner: Callable[[str], object] = lambda key: key,
        has_large_groups: bool = False,
    ) -> Grouped:
        """Return the one loader of this operation for lists grouped in this way."""
        variant = (collection.path, index, str(within), *map(str, sort))
        loader = self._groups.get(variant)
        if loader is None:
            loader = self._groups[variant] = grouped_by(
                collection,
                self.limits,
                index=index,
                key=key or (index,),
                owner=owner,
                within=within,
                sort=sort,
                has_large_groups=has_large_groups,
            )
        return loader

    def cancel(self) -> None:
        """Cancel all loading, because the operation was cancelled."""
        for each in [*self._groups.values(), *self.__dict__.values()]:
            if isinstance(each, Loader | Table | LoaderSet) and each is not self:
                each.cancel()

    def forget(self) -> None:
        """Drop all loaded records, because a mutation may have changed them, or the operation has ended."""
        attributes = self.__dict__
        if self._groups:
            self._groups = {}
        if len(attributes) == len(_OWN_ATTRIBUTES):
            return  # no loader was created
        for name in [*attributes]:
            if name not in _OWN_ATTRIBUTES:
                each = attributes.pop(name)
                if isinstance(each, LoaderSet) and each is not self:
                    each.forget()


class Declaration(Generic[Declared]):
    """An attribute of `LoaderSet` that is itself on the class, and a loader, or what makes one, on a set."""

    name: str

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, loaders: None, owner: type) -> Self: ...
    @overload
    def __get__(self, loaders: LoaderSet, owner: type) -> Declared: ...
    def __get__(self, loaders: LoaderSet | None, owner: type) -> Self | Declared:
        return self if loaders is None else self.of(loaders)

    def of(self, loaders: LoaderSet) -> Declared:
        """Return what a set of loaders has."""
        raise NotImplementedError


class RecordLoader(Declaration[ById]):
    """Declares a loader of single records by an index that at most one record has."""

    def __init__(
        self,
        collection: CollectionName,
        *,
        index: str = "id",
        create: Callable[..., ById] = by_id,
        **options: Any,  # of `create`
    ) -> None:
        self.collection = collection
        self.member = (index,)
        self.create = create
        self.options = {"index": index, **options}

    def of(self, loaders: LoaderSet) -> ById:
        collection = self.collection.of(loaders.upstream, loaders.lists_from)
        loader = loaders.__dict__[self.name] = self.create(collection, loaders.limits, **self.options)
        return loader


class TableLoader(Declaration[Table]):
    """Declares a small table, which is loaded completely, by its collection and its order."""

    def __init__(self, reads: str, *sort: cql.SortKey) -> None:
        self.reads = reads
        self.sort = sort

    def of(self, loaders: LoaderSet) -> Table:
        collection = _getter(self.reads)(loaders.upstream)
        table = loaders.__dict__[self.name] = Table(collection, loaders.limits, self.sort)
        return table


class RowLoader(Declaration[ById]):
    """Declares a loader of the rows of a small table by their ids."""

    def __init__(self, table: TableLoader) -> None:
        self._table = table

    @property
    def reads(self) -> str:
        return self._table.reads

    def of(self, loaders: LoaderSet) -> ById:
        table: Table = getattr(loaders, self._table.name)
        return table.by_id


ListLoaders: TypeAlias = Callable[["cql.Cql | None", Sequence[cql.SortKey]], Grouped]


class GroupLoader(Declaration[ListLoaders]):
    """Declares loaders of lists by a foreign key; each condition and order has its own.

    With `has_large_groups`, thousands of records per key are normal, and each key is counted by a call.
    """

    def __init__(
        self,
        collection: CollectionName,
        index: str,
        *,
        member: tuple[str, ...] | None = None,
        has_large_groups: bool = False,
    ) -> None:
        self.collection = collection
        self.index = index
        self.member = member or (index,)
        self.has_large_groups = has_large_groups

    def of(self, loaders: LoaderSet) -> ListLoaders:
        collection = self.collection.of(loaders.upstream, loaders.lists_from)
        return lambda within, sort: loaders.grouped(
            collection,
            self.index,
            within=within,
            sort=sort,
            key=self.member,
            has_large_groups=self.has_large_groups,
        )

"""The kinds of fields: each is one class, a subclass of `Field`.

The compiler, the executor and the cost estimate call the methods of a field and know none of the kinds:

- `reads`: the members of the record that its value comes from,
- `load`: the loader that has its value and the key there, unless the record has it,
- `embedded`: the members of that value which the record has as well,
- `cost`: the number of upstream calls that it takes,
- `upstream_calls`: these calls,
- `plan`: its part of a compiled plan,
- `semantic_non_null`: where its value is null only with an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self, TypeAlias

import strawberry
from aiodataloader import DataLoader
from graphql import FieldNode, GraphQLResolveInfo

from gateway.context import Context, Info
from gateway.engine.core import DeclaredField
from gateway.loaders import Loaders
from gateway.loaders.loader_set import Calls, CollectionName, declared_calls
from gateway.upstream.collection import RecordDecoder
from gateway.upstream.services import ListsFrom

Path: TypeAlias = tuple[str, ...]
Json: TypeAlias = Any  # a record, a part of one, or a value of a field: JSON, or a Struct of selected members
Declared: TypeAlias = Any  # a declaration in the body of a type: the annotation beside it is its type
Needs: TypeAlias = frozenset[Path]
Reader: TypeAlias = Callable[[Json], Json]
Levels: TypeAlias = tuple[int, ...]
Arguments: TypeAlias = Mapping[str, Any]  # Any: arguments of all types, by their names in the graph

CALLS = "calls"  # in the metadata of a field with a function of its own: the upstream calls of that
REPEATED = "repeated"  # as well, if the last is sent for each element of a list: see `Cost`
DROPPED_BY_BFF: Path = ("circulation>",)  # needed if the BFF does not send a member, and circulation does


class Cost(NamedTuple):
    """Upstream calls of a field, per batch of parents or per parent, and the records that it has.

    `more` are the calls that a batch of several parents may take in addition, `once` those before all others
    however many parents there are, to read a record by an argument: `keys` are the loaders of such arguments.
    `repeated` is the member of the argument `input` that is a list, for each element of which one more call
    is sent, one after another. `calls_if_direct` are the calls if the parents are from circulation itself;
    `is_direct` is True if the records are, None if they are from the source of the parents. `calls_polaris`
    is True if a call is to Polaris.
    """

    calls: int = 0
    batched: bool = True
    rows: int = 1
    more: int = 0
    once: int = 0
    keys: Mapping[str, str] = MappingProxyType({})
    repeated: str | None = None
    calls_if_direct: int = 0
    is_direct: bool | None = None
    calls_polaris: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """The part of a selection that decides how a field is loaded."""

    needs: Needs = frozenset()  # the members that are read of the loaded records
    fields: frozenset[str] = frozenset()  # the names of the fields directly below
    is_direct: bool = False  # circulation itself is read, because the BFF drops a selected member
    decoder: RecordDecoder | None = None  # of the loaded records; None if they are dictionaries


class Load(NamedTuple):
    """How the values of a field are loaded, for all parents of a level.

    `key` maps a parent's key to the loader's; `value` maps a loaded record to the value of the field; `empty`
    is the value of a parent without a key, or the error for it. Without a loader, the key is the value. Any:
    keys and values of all loaders.
    """

    loader: DataLoader[Any, Any] | None
    key: Reader | None = None
    value: Reader | None = None
    empty: Json = None

    async def one(self, key: Json) -> Json:
        """Load the value of one parent."""
        if self.key is not None:
            key = self.key(key)
        if self.loader is None or key is None:
            return self.empty if key is None else key
        value = await self.loader.load(key)
        return value if self.value is None or value is None else self.value(value)


class Place(Protocol):
    """A field in a selection while it is compiled. Its methods return the expression for its value."""

    @property
    def needs(self) -> Needs:
        """The members of the target that the selection reads."""

    def member(self, key: str) -> str:
        """Complete a member of the record."""

    def member_or_load(self, key: str, dropped_by_bff: bool) -> str:
        """Complete a member of the record, and load a record that has it if this one cannot have it."""

    def derive(self, read: Reader, members: Iterable[str]) -> str:
        """Complete what a function computes from members of the record."""

    def embed(self) -> str:
        """Complete the target from what the record embeds of it, and load it if that is not all."""

    def identities(self, key: str) -> str:
        """Complete targets of which nothing but the id is selected, from the list of ids."""

    def load(self, value: str = "None", *, if_null: bool = False) -> str:
        """Load the value; until then, and if there is none, it is the given one.

        `if_null` to load it only if the given one is null.
        """

    def pick(self, key: str, member: str) -> str:
        """Complete an object that `Field.load` picks from a list in the record by one of its members."""


class Field(DeclaredField):
    """A field of a kind of our own. Any: records are JSON, and Strawberry's signatures are wide."""

    value_of: ClassVar[Literal["record", "page"]] = "record"  # what it reads
    reads_objects: ClassVar[bool] = False  # objects are read by their members
    reads_ids: ClassVar[bool] = False  # its key must look like an id
    loads_lists: ClassVar[bool] = False  # its key is a list of keys
    selects_nodes: ClassVar[bool] = False  # its value is a page; what is selected of that are the records
    loads_owner: ClassVar[bool] = False  # a complete record is loaded of which it is a member
    key_types: ClassVar[Mapping[Path, type]] = MappingProxyType({})  # of the members of its key, if not text
    embedded: Mapping[Path, Path] = MappingProxyType({})  # members of the target by those of the record
    embeds: Mapping[Path, Path] = MappingProxyType({})  # the same, if any parent may embed them
    optional_key_paths: ClassVar[frozenset[Path]] = frozenset()  # of its key, which it has a value without
    identity: Path | None = None  # the member of the record without which there is no target
    sent_with: Mapping[Path, Path] = MappingProxyType({})  # unknown, and not null, if this member is null

    def __copy__(self) -> Self:
        """Copy the field with the attributes of its kind, but for what is computed from others."""
        copy = super().__copy__()
        for name, value in vars(self).items():
            if name not in vars(copy) and not isinstance(getattr(type(self), name, None), cached_property):
                setattr(copy, name, value)
        return copy

    @property
    def semantic_non_null(self) -> Levels:
        """The levels of its type that are null only with an error: 0 is the value, 1 the elements of a list.

        The schema file has them as `@semanticNonNull`. Levels that are never null are not among them.
        """
        return ()

    def resolve(self, source: Json, raw: GraphQLResolveInfo[Context], **given: Any) -> Json:
        return self.get_value(source, strawberry.Info(_raw_info=raw, _field=self), given)

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        """Return the value of the field, or an awaitable for it."""
        raise NotImplementedError

    @property
    def reads(self) -> tuple[Path, ...] | None:
        """The members of the record that its value comes from, that with the value first.

        None if no parent can embed them.
        """
        return None

    @property
    def key_paths(self) -> tuple[Path, ...]:
        """The members of the record that make its key."""
        return self.reads or ()

    def parse(self, arguments: Arguments, selected: Selected) -> Json:
        """Return the arguments in the form in which `load` takes them, which is the same for every request.

        Raises `BadUserInput` for arguments that are not valid.
        """
        return arguments

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        """Return how values are loaded, with parsed arguments."""
        raise NotImplementedError

    @property
    def loader_names(self) -> Collection[str]:
        """The loaders that may have its value, by their names in `Loaders`."""
        return ()

    def sources(self, selected: Selected, is_direct: bool) -> list[Source]:
        """Return the collections that loaded records come from; empty if they are dictionaries.

        `is_direct` if loans and requests are read from circulation itself.
        """
        sources = [loader_sources(name, is_direct or selected.is_direct) for name in self.loader_names]
        return [*chain.from_iterable(sources)] if all(sources) else []

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        """Return the upstream calls for a selection and the arguments of a field.

        `rows` is the number of records assumed for its type.
        """
        return Cost(rows=rows)

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        """Return the calls that `cost` counts, in their order; none if it is not known which they are.

        `lists_from` is the source of loans and requests.
        """
        names = self.loader_names
        calls = (declared_calls(Loaders, name, lists_from, is_direct=selected.is_direct) for name in names)
        return tuple(dict.fromkeys(chain.from_iterable(calls)))

    def plan(self, place: Place) -> str:
        """Return the expression for the value in a compiled plan."""
        return place.load()


class Source(NamedTuple):
    """A collection that a loader reads, and the member by which it assigns records to keys."""

    collection: CollectionName
    is_direct: bool
    member: Path = ("id",)


def loader_sources(name: str, is_direct: bool) -> list[Source]:
    """Return the collection of a loader, by its declaration; none for a loader of dictionaries."""
    declaration = getattr(Loaders, name)
    collection = getattr(declaration, "collection", None)
    return [] if collection is None else [Source(collection, is_direct, declaration.member)]

"""Fields of the query, and the ones that find a record by exactly one of its natural keys."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final, get_args

import strawberry
from graphql import FieldNode

from gateway.context import Context, Info
from gateway.engine.core import StrawberryAnnotation, StrawberryField, to_camel_case
from gateway.fields.arguments import Key, given_key, key_arguments
from gateway.fields.base import CALLS, Arguments, Cost, Declared, Field, Json, Levels, Selected
from gateway.fields.selection import get_selected
from gateway.loaders.loader import Loader
from gateway.loaders.loader_set import Calls

SEMANTIC_NON_NULL: Final = "semantic_non_null"
"""In the metadata of a field that is no `Field`: its levels that are null only with an error."""


def root(name: str, type_: type, field: StrawberryField) -> StrawberryField:
    """Name a root field and give it its type, made nullable: one failure must not null the others."""
    field.python_name = name
    field.type_annotation = StrawberryAnnotation(type_ | None)
    return field


def query(
    description: str, *, calls: Sequence[str | tuple[str, ...]]
) -> Callable[[Callable[..., object]], StrawberryField]:
    """Declare a root field that its own function resolves.

    `calls` are the methods of `Upstream` that it calls one after another, in each place one of those in a
    tuple.
    """
    return partial(field_of_function, description, calls)


def field_of_function(
    description: str,
    calls: Sequence[str | tuple[str, ...]],
    resolver: Callable[..., object],
    **metadata: object,
) -> StrawberryField:
    """Return a root field that a function resolves: see `query`. Its type is nullable, as that of `root`.

    It is null only with an error if the function never returns None.
    """
    declared: Any = resolver.__annotations__["return"]
    levels: Levels = () if type(None) in get_args(declared) else (0,)
    sent: Calls = tuple((each,) if isinstance(each, str) else each for each in calls)
    metadata |= {CALLS: sent, SEMANTIC_NON_NULL: levels}
    field: StrawberryField = strawberry.field(description=description, metadata=metadata)(resolver)
    namespace = vars(sys.modules[resolver.__module__])
    field.type_annotation = StrawberryAnnotation(declared | None, namespace=namespace)
    return field


class RootField(Field):
    """A field of the query or the subscription."""

    keys: Mapping[str, Key] = MappingProxyType({})  # by their names as arguments
    loaders: Mapping[str, str] = MappingProxyType({})  # of the records with these keys

    @property
    def loader_names(self) -> Collection[str]:
        return self.loaders.values()

    def set_keys(self, keys: Mapping[str, tuple[str, type, str]]) -> None:
        """Declare arguments of which exactly one is given: loader, `strawberry.ID` or `str`, description."""
        self.loaders = {to_camel_case(name): key[0] for name, key in keys.items()}
        self.keys = {to_camel_case(name): Key(*key[1:]) for name, key in keys.items()}
        self.arguments = key_arguments(self.keys)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(1, rows=rows)

    def start(self, context: Context, arguments: Json, selected: Selected, *, is_alone: bool = False) -> Json:
        """Return the value, or an awaitable for it, with parsed arguments.

        `is_alone` if nothing else is loaded in this turn of the event loop.
        """
        raise NotImplementedError

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        selection = get_selected(info, self)
        return self.start(info.context, self.parse(arguments, selection), selection)


class LookupField(RootField):
    """One record by one of several keys, each with its loader."""

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(1, rows=rows, keys={} if selected.is_direct else self.loaders)

    def start(self, context: Context, given: Json, selected: Selected, *, is_alone: bool = False) -> Json:
        name, key = given
        loaders = context.loaders.direct if selected.is_direct else context.loaders
        loader: Loader[str, Any] = getattr(loaders, self.loaders[name])
        if selected.decoder is not None:
            loader.decoder = selected.decoder
        return loader.load_now(key) if is_alone and isinstance(loader, Loader) else loader.load(key)

    def parse(self, given: Arguments, selected: Selected) -> tuple[str, str]:
        """Return the name and the value of the one key that is given. Raises `BadUserInput`."""
        return given_key(given, self.keys)


def lookup(description: str, **keys: tuple[str, type, str]) -> Declared:
    """Declare a root by its keys, as `set_keys` takes them. A single key is a required argument."""
    field = LookupField(description=description)
    field.set_keys(keys)
    return field

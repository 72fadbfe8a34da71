"""Fields of the query, and the ones that find a record by exactly one of its natural keys."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

import strawberry
from graphql import FieldNode

from gateway.context import Context, Info
from gateway.engine.core import StrawberryAnnotation, StrawberryField, to_camel_case
from gateway.fields import arguments
from gateway.fields.arguments import argument
from gateway.fields.base import (
    CALLS,
    Arguments,
    Cost,
    Declared,
    Field,
    Json,
    Levels,
    Selected,
    Source,
    calls_of,
    loader_sources,
)
from gateway.fields.selection import get_selected
from gateway.loaders import Loaders
from gateway.loaders.loader import Loader
from gateway.loaders.loader_set import Calls, declared_calls
from gateway.upstream.services import ListsFrom

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

    def declare(resolver: Callable[..., object]) -> StrawberryField:
        declared: StrawberryField = strawberry.field(
            description=description,
            metadata={CALLS: calls_of(calls), SEMANTIC_NON_NULL: levels_of_function(resolver)},
        )(resolver)
        return make_nullable(declared, resolver)

    return declare


def levels_of_function(resolver: Callable[..., object]) -> Levels:
    """Return the levels at which a field is null only with an error: none if its function may return None."""
    return () if type(None) in get_args(resolver.__annotations__["return"]) else (0,)


def make_nullable(field: StrawberryField, resolver: Callable[..., object]) -> StrawberryField:
    """Make the type of a root field nullable, whatever its function returns, and return the field."""
    declared: Any = resolver.__annotations__["return"] | None
    field.type_annotation = StrawberryAnnotation(declared, namespace=vars(sys.modules[resolver.__module__]))
    return field


class RootField(Field):
    """A field of the query."""

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

    loaders: Mapping[str, str]

    def start(self, context: Context, given: Json, selected: Selected, *, is_alone: bool = False) -> Json:
        name, key = given
        loaders = context.loaders.direct if selected.is_direct else context.loaders
        loader: Loader[str, Any] = getattr(loaders, self.loaders[name])
        if selected.decoder is not None:
            loader.decoder = selected.decoder
        return loader.load_now(key) if is_alone and isinstance(loader, Loader) else loader.load(key)

    def parse(self, given: Arguments, selected: Selected) -> tuple[str, str]:
        """Return the name and the value of the one key that is given. Raises `BadUserInput`."""
        names = self.argument_names
        name, key = arguments.exactly_one(**{name: given.get(names[name]) for name in self.loaders})
        return name, arguments.check_uuid(key, name) if name == "id" else arguments.check_text(key, name)

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        if calls := super().upstream_calls(selected, node, lists_from):
            return calls
        loaders = self.loaders.values()
        return tuple(dict.fromkeys(each for name in loaders for each in declared_calls(Loaders, name)))

    def sources(self, selected: Selected, is_direct: bool) -> list[Source]:
        is_direct = is_direct or selected.is_direct
        sources = [loader_sources(name, is_direct) for name in self.loaders.values()]
        return [source for each in sources for source in each] if all(sources) else []


def lookup(description: str, **keys: tuple[str, str]) -> Declared:
    """Declare a root by its keys: argument = (loader, meaning). A single key is a required argument."""
    field = LookupField(description=description)
    field.loaders = {to_camel_case(name): loader for name, (loader, _) in keys.items()}
    required = len(keys) == 1
    field.arguments = [
        argument(name, _type_of(name, required), meaning, **({} if required else {"default": None}))
        for name, (_, meaning) in keys.items()
    ]
    return field


def _type_of(name: str, required: bool) -> object:
    kind: type = strawberry.ID if name == "id" else str
    return kind if required else kind | None

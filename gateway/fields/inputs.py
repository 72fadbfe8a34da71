"""Input values as the methods of fields take them, by converters that are made once for each type.

Strawberry finds out names and types anew for each value, which is half the execution of a check-out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cache
from typing import Any, TypeAlias, cast

import strawberry
from graphql import GraphQLObjectType

from gateway.engine.core import (
    LazyType,
    StrawberryField,
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    core_schema,
    declaration_of,
    has_object_definition,
)

Converter: TypeAlias = Callable[[Any], Any]  # Any: input values, before and after
Arguments: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]


class Inputs:
    """The converters of a schema, each made when it is first wanted."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._names = schema.config.name_converter
        self._of_types: dict[type, Converter] = {}
        self._of_fields: dict[int, tuple[StrawberryField, Arguments]] = {}

    def arguments_of(self, field: StrawberryField) -> Arguments:
        """What makes Python's arguments of those that GraphQL has coerced: as Strawberry itself does."""
        found = self._of_fields.get(id(field))
        if found is None:
            found = self._of_fields[id(field)] = (field, self._made(field))
        return found[1]

    def _made(self, field: StrawberryField) -> Arguments:
        members = [
            (self._names.from_argument(each), each.python_name, self._of(each.type))
            for each in field.arguments
        ]
        return lambda given: _converted(given, members)

    def _of(self, kind: Any) -> Converter | None:  # Any: whatever Strawberry takes for a type
        """The converter of a type; None where values stay as they are."""
        if isinstance(kind, StrawberryMaybe):
            raise TypeError("Maybe is no type of an argument here.")
        if isinstance(kind, StrawberryOptional):
            return self._of(kind.of_type)
        if isinstance(kind, StrawberryList):
            each = self._of(kind.of_type)
            if each is None:
                return list  # a copy: a default is the same for every request
            return lambda values: [value if value is None else each(value) for value in values]
        if isinstance(kind, LazyType):
            return self._of(kind.resolve_type())
        return self.of_input(kind) if has_object_definition(kind) else None

    def of_input(self, kind: type) -> Converter:
        """The converter of an input type."""
        if kind not in self._of_types:
            self._of_types[kind] = lambda value: self._of_types[kind](value)  # it may hold itself
            self._of_types[kind] = self._made_input(kind)
        return self._of_types[kind]

    def _made_input(self, kind: Any) -> Converter:
        definition: StrawberryObjectDefinition = kind.__strawberry_definition__
        absent = {
            each.python_name: None
            for each in definition.fields
            if each.default_value is MISSING and each.default_factory is MISSING
        }
        members = [
            (
                self._names.from_field(each),
                each.python_name,
                self._of(each.resolve_type(type_definition=definition)),
            )
            for each in definition.fields
        ]
        return lambda given: kind(**{**absent, **_converted(given, members)})


def _converted(given: Mapping[str, Any], members: list[tuple[str, str, Converter | None]]) -> dict[str, Any]:
    made = {}
    for name, python_name, convert in members:
        if name in given:
            value = given[name]
            made[python_name] = value if convert is None or value is None else convert(value)
    return made


@cache
def inputs_of(schema: strawberry.Schema) -> Inputs:
    """The converters of a schema; there is one set of them."""
    return Inputs(schema)


def convert_once(schema: strawberry.Schema) -> None:
    """Let every input type of the schema be built by a converter of its own."""
    inputs = inputs_of(schema)
    for named in core_schema(schema).type_map.values():
        if not isinstance(named, GraphQLObjectType):
            continue
        for field in named.fields.values():
            definition = declaration_of(field)
            if isinstance(definition, StrawberryField):
                inputs.arguments_of(definition)
    for kind, convert in inputs._of_types.items():
        definition = cast(Any, kind).__strawberry_definition__
        definition.from_input = lambda _, value, __, convert=convert: convert(value)

"""Conversion of input values to Python arguments, with one converter per type.

Strawberry resolves names and types again for each value, which is half the execution time of a check-out.
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
    """The converters of a schema, each created on first use."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._names = schema.config.name_converter
        self._of_types: dict[type, Converter] = {}
        self._of_fields: dict[int, tuple[StrawberryField, Arguments]] = {}

    def arguments_of(self, field: StrawberryField) -> Arguments:
        """Return the function that converts coerced arguments to Python arguments, as Strawberry does."""
        entry = self._of_fields.get(id(field))
        if entry is None:
            entry = self._of_fields[id(field)] = (field, self._create(field))
        return entry[1]

    def _create(self, field: StrawberryField) -> Arguments:
        members = [
            (self._names.from_argument(each), each.python_name, self._of(each.type))
            for each in field.arguments
        ]
        return lambda values: _convert(values, members)

    def _of(self, kind: Any) -> Converter | None:  # Any: Strawberry has no common class of types
        """Return the converter of a type; None if values stay unchanged."""
        if isinstance(kind, StrawberryMaybe):
            raise TypeError("Maybe is not supported as the type of an argument.")
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
        """Return the converter of an input type."""
        if kind not in self._of_types:
            self._of_types[kind] = lambda value: self._of_types[kind](value)  # the type may contain itself
            self._of_types[kind] = self._create_for_input(kind)
        return self._of_types[kind]

    def _create_for_input(self, kind: Any) -> Converter:
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
        return lambda values: kind(**{**absent, **_convert(values, members)})


def _convert(values: Mapping[str, Any], members: list[tuple[str, str, Converter | None]]) -> dict[str, Any]:
    arguments = {}
    for name, python_name, convert in members:
        if name in values:
            value = values[name]
            arguments[python_name] = value if convert is None or value is None else convert(value)
    return arguments


@cache
def inputs_of(schema: strawberry.Schema) -> Inputs:
    """Return the converters of a schema."""
    return Inputs(schema)


def convert_once(schema: strawberry.Schema) -> None:
    """Create the converters of all arguments of a schema, and use them for its input types."""
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

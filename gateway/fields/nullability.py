"""`@semanticNonNull`: where fields are null only with an error. The schema file has it, introspection cannot.

The levels follow from the declaration of each field: see `Field.semantic_non_null`. A client that handles
errors elsewhere, such as one generated with `errorHandlingClient`, needs no test for null there.
"""

from __future__ import annotations

from collections.abc import Iterator

import strawberry
from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_directive_values,
    get_nullable_type,
)

from gateway.engine.core import DirectiveLocation, declaration_of
from gateway.fields.base import Field, Levels
from gateway.fields.root import SEMANTIC_NON_NULL


@strawberry.schema_directive(
    name="semanticNonNull",
    locations=[DirectiveLocation.FIELD_DEFINITION],
    description="The field is null only with an error: the value at level 0, the elements of a list at "
    "level 1. Clients that handle errors before they read data can treat it as non-null.",
)
class SemanticNonNull:
    """The directive, in the form of https://specs.apollo.dev/nullability/v0.4."""

    levels: list[int] = strawberry.directive_field(name="levels", default=(0,))


def semantic_levels(field: GraphQLField) -> Levels:
    """Return the levels of a field's type that are null only with an error, without those never null."""
    declaration = declaration_of(field)
    if isinstance(declaration, Field):
        declared = declaration.semantic_non_null
    else:
        declared = declaration.metadata.get(SEMANTIC_NON_NULL, ())
    never = never_null_levels(field)
    return tuple(level for level in declared if level not in never)


def lost_levels(before: GraphQLSchema, after: GraphQLSchema) -> Iterator[str]:
    """Describe the fields of an older schema file that may be null without an error in a newer one."""
    for kind in before.type_map.values():
        later = after.type_map.get(kind.name)
        if isinstance(kind, GraphQLObjectType) and isinstance(later, GraphQLObjectType):
            for name in kind.fields.keys() & later.fields.keys():
                kept = {*written_levels(after, later.fields[name]), *never_null_levels(later.fields[name])}
                for level in set(written_levels(before, kind.fields[name])) - kept:
                    part = "elements" if level else "it"
                    yield f"{kind.name}.{name}: {part} may be null without an error."


def written_levels(schema: GraphQLSchema, field: GraphQLField) -> list[int]:
    """Return the levels of a field that a schema file has in the directive."""
    directive = schema.get_directive("semanticNonNull")
    values = directive and field.ast_node and get_directive_values(directive, field.ast_node)
    return values["levels"] if values else []


def never_null_levels(field: GraphQLField) -> list[int]:
    """Return the levels of a field's type that are non-null."""
    return [
        level for level, kind in enumerate(types_by_level(field.type)) if isinstance(kind, GraphQLNonNull)
    ]


def types_by_level(kind: GraphQLOutputType) -> Iterator[GraphQLOutputType]:
    """The type of a value, and those of the elements of lists in it."""
    yield kind
    inner = get_nullable_type(kind)
    if isinstance(inner, GraphQLList):
        yield from types_by_level(inner.of_type)


def annotate(schema: GraphQLSchema) -> None:
    """Give all fields the directive with which Strawberry prints them."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for field in kind.fields.values():
                levels = semantic_levels(field)
                if levels:
                    given = strawberry.UNSET if levels == (0,) else [*levels]  # the default is not printed
                    declaration_of(field).directives = [SemanticNonNull(levels=given)]

"""The only importer of graphql-core's and Strawberry's internals.

The rest of the gateway uses the public names of `graphql` and `strawberry`, and from here the few others that
it needs. An upgrade of either library is a change of this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.executor import default_field_resolver, default_type_resolver
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.pyutils import Path as ResponsePath
from strawberry.annotation import StrawberryAnnotation
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import (
    StrawberryContainer,
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType
from strawberry.types.scalar import ScalarDefinition
from strawberry.utils.str_converters import to_camel_case

__all__ = [
    "FieldDetails",
    "FragmentDetails",
    "GroupedFieldSet",
    "LazyType",
    "ResponsePath",
    "ScalarDefinition",
    "StrawberryAnnotation",
    "StrawberryArgument",
    "StrawberryContainer",
    "StrawberryEnumDefinition",
    "StrawberryField",
    "StrawberryGraphQLCoreExecutionContext",
    "StrawberryList",
    "StrawberryMaybe",
    "StrawberryObjectDefinition",
    "StrawberryOptional",
    "VariableValues",
    "collect_fields",
    "collect_subfields",
    "core_schema",
    "declaration_of",
    "default_field_resolver",
    "default_type_resolver",
    "get_argument_values",
    "get_object_definition",
    "get_variable_values",
    "has_object_definition",
    "optimized_is_awaitable",
    "raw_info",
    "resolve_info",
    "to_camel_case",
]


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """Return graphql-core's schema behind Strawberry's."""
    return schema._schema


def declaration_of(field: GraphQLField) -> Any:
    """Return Strawberry's declaration of a field, None if it has none. Any: the classes of gateway/fields."""
    return field.extensions.get("strawberry-definition")


def raw_info(info: strawberry.Info[Any, Any]) -> GraphQLResolveInfo[Any]:
    """Return graphql-core's resolve info behind Strawberry's."""
    return info._raw_info


def resolve_info(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
    context: Any,
    *,
    name: str,
    parent_type: GraphQLObjectType,
    field: GraphQLField,
    nodes: Sequence[FieldNode],
) -> strawberry.Info[Any, Any]:
    """Build the resolve info of a field, the same for all its parents: its path is its name alone."""
    raw: GraphQLResolveInfo[Any] = GraphQLResolveInfo(
        nodes[0].name.value,
        list(nodes),
        field.type,
        parent_type,
        ResponsePath(None, name, parent_type.name),
        schema,
        fragments,
        None,
        operation,
        variables,  # type: ignore[arg-type]  # as Strawberry hands it to resolvers
        context,
        optimized_is_awaitable,  # type: ignore[arg-type]  # as graphql-core's own, but no type guard
        None,
        None,  # type: ignore[arg-type]  # for work beside the execution, which no resolver of ours begins
    )
    return strawberry.Info(_raw_info=raw, _field=declaration_of(field))

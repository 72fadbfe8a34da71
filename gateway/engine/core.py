"""The only importer of graphql-core's and Strawberry's internals.

The rest of the gateway uses the public names of `graphql` and `strawberry`, and from here the few others that
it needs. An upgrade of either library is a change of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import strawberry
from graphql import (
    ExecutionResult,
    ExperimentalIncrementalExecutionResults,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    coerce_input_value,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.executor import Executor, default_field_resolver, default_type_resolver
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import (
    VariableValues,
    VariableValueSource,
    coerce_argument,
    get_argument_values,
    get_variable_values,
    input_is_nested_too_deeply,
)
from graphql.pyutils import AwaitableOrValue
from graphql.pyutils import Path as ResponsePath
from graphql.utilities import print_directive
from graphql.utilities.find_schema_changes import BreakingChange, DangerousChange
from strawberry.annotation import StrawberryAnnotation
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
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
    "ARGUMENT_COERCION",
    "LEAF_COMPLETION",
    "LIST_COMPLETION",
    "STRAWBERRY_RULES",
    "VALUE_COMPLETION",
    "BreakingChange",
    "CompletingExecutor",
    "DangerousChange",
    "FieldDetails",
    "FragmentDetails",
    "GraphQLVariableSignature",
    "GroupedFieldSet",
    "LazyType",
    "ScalarDefinition",
    "StrawberryAnnotation",
    "StrawberryArgument",
    "StrawberryContainer",
    "StrawberryEnumDefinition",
    "StrawberryField",
    "StrawberryInputCoercionError",
    "StrawberryList",
    "StrawberryMaybe",
    "StrawberryObjectDefinition",
    "StrawberryOptional",
    "VariableValues",
    "class_of",
    "coerce_variables",
    "collect_fields",
    "collect_subfields",
    "core_schema",
    "declaration_of",
    "execute_operation",
    "get_argument_values",
    "get_object_definition",
    "get_variable_values",
    "has_object_definition",
    "new_executor",
    "print_directive",
    "raw_info",
    "resolve_info",
    "to_camel_case",
    "variable_signatures",
]

# graphql-core has no classes for its field errors. These functions raise them, and are found in tracebacks.
ARGUMENT_COERCION = coerce_argument.__code__
LEAF_COMPLETION = Executor.complete_leaf_value.__code__
LIST_COMPLETION = Executor.complete_list_value.__code__
VALUE_COMPLETION = Executor.complete_value.__code__

# The rules that Strawberry's own validate_document adds to those of the specification.
STRAWBERRY_RULES = (MaybeNullValidationRule, OneOfInputValidationRule)


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """Return graphql-core's schema behind Strawberry's."""
    return schema._schema


def declaration_of(field: GraphQLField) -> Any:
    """Return Strawberry's declaration of a field, None if it has none. Any: the classes of gateway/fields."""
    return field.extensions.get("strawberry-definition")


def class_of(kind: GraphQLObjectType) -> type:
    """Return the Python class of an object type."""
    origin: type = kind.extensions["strawberry-definition"].origin
    return origin


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


AnyExecutor = TypeVar("AnyExecutor", bound=Executor[Any])


def new_executor(
    kind: Callable[..., AnyExecutor],
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    fragment_details: dict[str, FragmentDetails],
    variables: VariableValues,
    context: object,
    **extensions: Any,
) -> AnyExecutor:
    """Create an executor of one operation, as Strawberry does. Any: request extensions are JSON."""
    return kind(
        schema,
        fragments,
        fragment_details,
        None,
        context,
        operation,
        variables,
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
        is_awaitable=optimized_is_awaitable,
        **extensions,
    )


def execute_operation(
    schema: strawberry.Schema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    fragment_details: dict[str, FragmentDetails],
    variables: VariableValues,
    context: object,
    extensions: dict[str, Any] | None = None,
) -> AwaitableOrValue[ExecutionResult | ExperimentalIncrementalExecutionResults]:
    """Execute a valid operation by Strawberry's executor. Any: request extensions are JSON."""
    executor = new_executor(
        schema.execution_context_class,
        schema._schema,
        operation,
        fragments,
        fragment_details,
        variables,
        context,
        operation_extensions=extensions,
    )
    return executor.execute_operation()


def variable_signatures(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]
) -> tuple[GraphQLVariableSignature, ...]:
    """Return the signatures of the variables of a valid operation."""
    signatures = [get_variable_signature(schema, each) for each in definitions]
    return tuple(each for each in signatures if isinstance(each, GraphQLVariableSignature))


def coerce_variables(
    signatures: Sequence[GraphQLVariableSignature], given: Mapping[str, Any]
) -> VariableValues | None:
    """Coerce variables that are all given and valid; None otherwise, for `get_variable_values` to judge.

    Any: JSON as the client sent it.
    """
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature in signatures:
        value = given.get(signature.name, Undefined)
        if value is Undefined:
            return None
        if type(value) in (dict, list) and input_is_nested_too_deeply(value, signature.type):
            return None
        result = coerce_input_value(value, signature.type)
        if result is Undefined:
            return None
        sources[signature.name] = VariableValueSource(signature, value)
        coerced[signature.name] = result
    return VariableValues(sources, coerced)


class CompletingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Completes roots whose values are loaded, beside completed ones. Any: graphql-core's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.completed: dict[str, Any] = {}
        self.loaded: dict[str, Any] = {}

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: list[FieldDetails],
        path: ResponsePath,
        position_context: Any,
    ) -> Any:
        if path.prev is not None:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        name = str(path.key)
        if name in self.completed:
            return self.completed[name]
        nodes = [each.node for each in field_details_list]
        field = parent_type.fields[nodes[0].name.value]
        info = self.build_resolve_info(field, nodes, parent_type, path)
        try:
            result = self.complete_value(
                field.type, field_details_list, info, path, self.loaded[name], position_context
            )
        except Exception as error:
            self.handle_field_error(error, field.type, field_details_list, path)
            return None
        if not self.is_awaitable(result):
            return result

        async def completed() -> Any:
            try:
                return await result
            except Exception as error:
                self.handle_field_error(error, field.type, field_details_list, path)
                return None

        return completed()

"""The only importer of graphql-core's and Strawberry's internals.

The rest of the gateway uses the public names of `graphql` and `strawberry`, and from here the few others that
it needs: each name that is imported here is for them. An upgrade of either library is a change of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import MISSING, dataclass
from functools import partial
from time import perf_counter
from typing import Any, Protocol, Self

import msgspec
import strawberry
from graphql import (
    Executor,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    VariableNode,
    VariableValues,
    default_field_resolver,
    default_type_resolver,
    get_argument_values,
    get_named_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import (
    VariableValueSource,
    coerce_argument,
    input_is_nested_too_deeply,
)
from graphql.pyutils import AwaitableOrValue, gather_with_cancel
from graphql.pyutils import Path as ResponsePath
from graphql.utilities.coerce_input_value import coerce_default_value
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
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.scalar import ScalarDefinition
from strawberry.utils.str_converters import to_camel_case

from gateway.upstream.turns import SLICE_SECONDS, Turn

# A slice ends at a multiple of it, which is that of the keys in one upstream call by default.
SLICE_ITEMS = 50

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


def convert_inputs_once(schema: strawberry.Schema) -> None:
    """Let graphql-core create the objects of input types as it coerces their values.

    Strawberry would resolve names and types again for each value, which is half the execution time of a
    check-out. It takes the objects as they are.
    """
    for named in schema._schema.type_map.values():
        if isinstance(named, GraphQLInputObjectType):
            definition: StrawberryObjectDefinition = named.extensions["strawberry-definition"]
            for field in named.fields.values():
                field.out_name = field.extensions["strawberry-definition"].python_name
            required = [
                each.python_name
                for each in definition.fields
                if each.default_value is MISSING and each.default_factory is MISSING
            ]
            absent = dict.fromkeys(required)  # one that may be null may be omitted
            named.out_type = partial(_create_input, definition.origin, absent)  # type: ignore[method-assign]
            definition.from_input = lambda _, value, __: value


def call_mutations_directly(schema: strawberry.Schema) -> None:
    """Let the functions of mutations be called with the objects of their inputs.

    Strawberry would look for conversions of each argument again, and find none: see `convert_inputs_once`.
    """
    mutation = schema._schema.mutation_type
    for field in mutation.fields.values() if mutation is not None else ():
        field.resolve = _mutation_resolver(schema, declaration_of(field))


def _mutation_resolver(schema: strawberry.Schema, field: StrawberryField) -> Callable[..., Any]:
    """Return the resolver of a mutation: an asynchronous function of `info` and of objects of inputs."""
    resolver = field.base_resolver
    if resolver is None or field.extensions or field.permission_classes or not resolver.is_async:
        raise TypeError(f"{field.name} must be an asynchronous function without extensions.")
    function: Any = resolver.wrapped_func  # Any: a function of any arguments
    handlers = schema.schema_converter._get_field_exception_handlers(field)

    async def resolve(_: object, raw: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        info: strawberry.Info[Any, Any] = strawberry.Info(_raw_info=raw, _field=field)
        try:
            return await function(info=info, **arguments)
        except Exception as error:
            for kinds, handler in handlers:
                if isinstance(error, kinds):
                    result = handler.handle(error, field=field, info=info)
                    if result is None:  # it stays an error
                        raise
                    return result
            raise

    return resolve


def _create_input(origin: type, absent: dict[str, None], values: dict[str, Any]) -> Any:
    return origin(**{**absent, **values})


class ValidOperation(Protocol):
    """A valid operation with its fragments."""

    @property
    def node(self) -> OperationDefinitionNode: ...
    @property
    def fragment_definitions(self) -> dict[str, FragmentDefinitionNode]: ...
    @property
    def fragments(self) -> dict[str, FragmentDetails]: ...


def argument_values(
    field: GraphQLField, node: FieldNode, variables: VariableValues, hide_suggestions: bool
) -> dict[str, Any]:
    """Return the arguments of a field, coerced. Raises `GraphQLError`.

    If all are variables they are coerced already. graphql-core coerces any others.
    """
    values: dict[str, Any] = {}
    given = {each.name.value: each.value for each in node.arguments or ()}
    for name, argument in field.args.items():
        value, is_nullable = given.get(name), not isinstance(argument.type, GraphQLNonNull)
        has_default = argument.default is not None or argument.default_value is not Undefined
        if value is None and is_nullable and not has_default:
            continue
        result = Undefined
        if isinstance(value, VariableNode):
            result = variables.coerced.get(value.name.value, Undefined)
        if result is Undefined or (result is None and not is_nullable):
            return get_argument_values(field, node, variables, None, hide_suggestions)
        values[argument.out_name or name] = result
    return values


_encode = msgspec.json.Encoder().encode


class SlicingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Completes long lists in slices, between which the event loop serves others. Any: graphql-core's own."""

    @classmethod
    def of(
        cls, schema: GraphQLSchema, operation: ValidOperation, variables: VariableValues, context: object
    ) -> Self:
        """Return an executor of a valid operation."""
        return cls(
            schema,
            operation.fragment_definitions,
            operation.fragments,
            None,
            context,
            operation.node,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
        )

    def root_info(
        self, parent_type: GraphQLObjectType, field: GraphQLField, nodes: list[FieldNode]
    ) -> GraphQLResolveInfo[Any]:
        """Return the resolve info of a root field, or of one whose value is completed by itself."""
        path = ResponsePath(None, (nodes[0].alias or nodes[0].name).value, parent_type.name)
        return self.build_resolve_info(field, nodes, parent_type, path)

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: GraphQLResolveInfo[Any],
        path: ResponsePath,
        items: Any,
        position_context: Any,
    ) -> AwaitableOrValue[list[Any]]:
        is_introspection = info.parent_type.name.startswith("__")
        # The result of a mutation must be complete, because its write has happened.
        is_counted = not is_introspection and self.operation.operation is OperationType.QUERY
        if is_counted and isinstance(items, Collection) and not is_leaf_type(get_named_type(item_type)):
            self.context_value.count_records(len(items))
        if not isinstance(items, Collection) or len(items) <= (10 if is_introspection else SLICE_ITEMS):
            return super().complete_iterable_value(
                item_type, field_details_list, info, path, items, position_context
            )
        elements = list(items)

        def complete(results: list[Any]) -> bool:
            """Complete the next item; True if it is to be awaited."""
            key = path.add_key(len(results), None)
            item = elements[len(results)]
            return self.complete_list_item_value(
                item, results, item_type, field_details_list, info, key, position_context
            )

        return self._complete_in_slices(complete, len(elements), 1 if is_introspection else SLICE_ITEMS)

    async def _complete_in_slices(
        self, complete: Callable[[list[Any]], bool], length: int, step: int
    ) -> list[Any]:
        results: list[Any] = []
        waiting: list[int] = []
        try:
            while len(results) < length:
                async with Turn():
                    until = perf_counter() + SLICE_SECONDS
                    while len(results) < length and (len(results) % step or perf_counter() < until):
                        if complete(results):
                            waiting.append(len(results) - 1)
                        else:
                            results[-1] = _encode_object(results[-1])
        except Exception:
            if waiting:
                self.settle_in_background([results[place] for place in waiting])
            raise
        if waiting:
            completed = await gather_with_cancel(*(results[place] for place in waiting))
            for place, result in zip(waiting, completed, strict=True):
                results[place] = _encode_object(result)
        return results


def _encode_object(result: Any) -> Any:
    """Return the JSON of a completed object, which takes a fifth of its memory. Any: graphql-core's own."""
    return msgspec.Raw(_encode(result)) if type(result) is dict else result


@dataclass(frozen=True, slots=True)
class Completed:
    """The result for a page with one record, in the place of the record in the complete page."""

    page: Any


class CompletingExecutor(SlicingExecutor):
    """Completes a loaded value by itself. Any: graphql-core's own."""

    async def complete(
        self,
        parent_type: GraphQLObjectType,
        field: GraphQLField,
        kind: GraphQLOutputType,
        nodes: list[FieldNode],
        value: Any,
    ) -> tuple[Any, list[GraphQLError]]:
        """Return the completed value, null if it has an error there, and the errors.

        `kind` is the type of the value: it may be null. Paths begin with the name of the field.
        """
        info = self.root_info(parent_type, field, nodes)

        async def load() -> Any:
            return value

        details = [FieldDetails(node, None) for node in nodes]
        result = await self.complete_awaitable_value(kind, details, info, info.path, load(), None)
        return result, self.collected_errors.errors

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: GraphQLResolveInfo[Any],
        path: ResponsePath,
        result: Any,
        position_context: Any,
    ) -> Any:
        if not isinstance(result, Completed):
            return super().complete_value(
                return_type, field_details_list, info, path, result, position_context
            )
        part = result.page
        for key in path.as_list()[1:]:
            if isinstance(key, int):
                (part,) = part
            else:
                names: tuple[str, ...] = part.__struct_encode_fields__
                part = getattr(part, part.__struct_fields__[names.index(key)])
        return part

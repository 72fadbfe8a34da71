"""The only importer of graphql-core's and Strawberry's internals.

The rest of the gateway uses the public names of `graphql` and `strawberry`, and from here the few others that
it needs: each name that is imported here is for them. An upgrade of either library is a change of this file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import MISSING, dataclass, field
from functools import cache, partial
from types import CoroutineType
from typing import Any, NewType, Protocol, Self, TypeGuard, cast, get_args

import msgspec
import strawberry
from graphql import (
    Executor,
    ExperimentalIncrementalExecutionResults,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableValues,
    default_field_resolver,
    default_type_resolver,
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
from graphql.pyutils import AwaitableOrValue, gather_with_cancel, is_awaitable
from graphql.pyutils import Path as ResponsePath
from graphql.utilities.coerce_input_value import coerce_default_value
from propcache.api import cached_property
from strawberry.annotation import StrawberryAnnotation
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.schema_directive import Location as DirectiveLocation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import (
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

from gateway.engine.backlog import Backlog, TurnTime
from gateway.engine.coroutines import Coroutines
from gateway.errors import GatewayError

# The elements of a long list whose links are loaded at once: somewhat less than an upstream call has.
SLICE_ITEMS = 75

# graphql-core has no classes for its field errors. These functions raise them, and are found in tracebacks.
ARGUMENT_COERCION = coerce_argument.__code__
LEAF_COMPLETION = Executor.complete_leaf_value.__code__
LIST_COMPLETION = Executor.complete_list_value.__code__
VALUE_COMPLETION = Executor.complete_value.__code__

# The rules that Strawberry's own validate_document adds to those of the specification.
STRAWBERRY_RULES = (MaybeNullValidationRule, OneOfInputValidationRule)


class DeclaredField(StrawberryField):
    """A field whose class is no argument of its type, and whose type is resolved when that is complete.

    `dataclasses` would compile functions of all fields of a record type, which no one calls, and read each
    type while the class has none of the names that Strawberry resolves it with.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: Strawberry's own
        super().__init__(*arguments, **options)
        self.init = self.repr = self.compare = False

    @property
    def type(self) -> Any:
        """The type, or before the field has a class the annotation."""
        if self.origin is None and self.type_annotation is not None:
            return self.type_annotation.raw_annotation
        return self.resolve_type()

    @type.setter
    def type(self, declared: Any) -> None:
        annotate = _annotation_of if _is_complete(declared) else StrawberryAnnotation
        self.type_annotation = annotate(declared)

    def resolve(self, source: Any, raw: GraphQLResolveInfo[Any], **given: Any) -> Any:
        """Resolve the field when graphql-core executes it. Any: its parents, values and arguments."""
        raise NotImplementedError


def _is_complete(declared: Any) -> bool:
    """Return True for an annotation without the name of a type that may follow later."""
    arguments = get_args(declared)
    return all(map(_is_complete, arguments)) if arguments else isinstance(declared, type | NewType)


@cache
def _annotation_of(declared: Any) -> StrawberryAnnotation:
    """Return one annotation for all fields of a type, which is resolved once."""
    return StrawberryAnnotation(declared, namespace={})


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


def resolve_fields_directly(schema: strawberry.Schema) -> None:
    """Let graphql-core call the declarations of fields, and the functions of mutations with their inputs.

    Strawberry's resolvers would look for conversions of each argument again: see `convert_inputs_once`. Those
    of declared fields are simple ones, because they look basic to it: it makes eight functions for each of
    the others.
    """
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                declared = declaration_of(field)
                if isinstance(declared, DeclaredField):
                    field.resolve = declared.resolve
                elif kind is schema._schema.mutation_type:
                    field.resolve = _mutation_resolver(schema, declared)


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


_encode = msgspec.json.Encoder().encode

# The resolve info has two methods of the executor, for types that are determined asynchronously. No type of
# the schema is, and they would keep each executor, with the context and its records, in a reference cycle.
_NO_HELPERS: Any = None


def root_info(
    schema: GraphQLSchema,
    operation: ValidOperation,
    variables: VariableValues,
    context: object,
    parent_type: GraphQLObjectType,
    field: GraphQLField,
    nodes: list[FieldNode],
) -> GraphQLResolveInfo[Any]:
    """Return the resolve info of a root field that is executed by its plan."""
    return GraphQLResolveInfo(
        nodes[0].name.value,
        nodes,
        field.type,
        parent_type,
        ResponsePath(None, (nodes[0].alias or nodes[0].name).value, parent_type.name),
        schema,
        operation.fragment_definitions,
        None,
        operation.node,
        cast(Any, variables.coerced),  # as Strawberry passes them
        context,
        is_awaitable,
        None,
        _NO_HELPERS,
    )


class SlicingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Completes results in slices, between which the event loop serves others. Any: graphql-core's own.

    The elements of long lists are encoded as they are completed, unless `encodes_objects` is false: parts of
    a page whose links a plan sets later are not complete yet.
    """

    encodes_objects = True
    coroutines: Coroutines

    @classmethod
    def of(
        cls, schema: GraphQLSchema, operation: ValidOperation, variables: VariableValues, context: object
    ) -> Self:
        """Return an executor of a valid operation."""
        coroutines = Coroutines()

        def is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
            if type(value) is CoroutineType:
                coroutines.add(value)
                return True
            return optimized_is_awaitable(value)

        executor = cls(
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
            is_awaitable=is_awaitable,
        )
        executor.coroutines = coroutines
        executor.async_helpers = _NO_HELPERS
        return executor

    async def with_abort_signal(self, awaitable: Awaitable[Any]) -> Any:
        """Await the value of a field or of an element, and a turn in which it can be completed."""
        value = await awaitable
        await self.backlog.wait()
        return value

    @cached_property
    def backlog(self) -> Backlog:
        """The remaining results, which are completed in later turns of the event loop."""
        return Backlog(self.context_value.operation)

    def close(self) -> None:
        """Complete and await nothing more."""
        self.backlog.close()
        self.coroutines.close()

    def complete_list_item_value(self, item: Any, complete_results: list[Any], *place: Any) -> bool:
        is_awaitable = super().complete_list_item_value(item, complete_results, *place)
        if is_awaitable:
            self.coroutines.add(complete_results[-1])
        return is_awaitable

    def execute_operation(self, serially: bool | None = None) -> Any:
        execution = super().execute_operation(serially)
        return self._finish(execution) if self.is_awaitable(execution) else execution

    async def _finish(self, execution: Awaitable[Any]) -> Any:
        """Await an execution, and close what it does not await itself if no deferred fragment follows."""
        try:
            result = await execution
        except asyncio.CancelledError:
            self.close()
            raise
        if self.coroutines.are_abandoned and not isinstance(result, ExperimentalIncrementalExecutionResults):
            self.close()
        return result

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Execute the root fields, each within the time of the operation, except those of a mutation."""
        if self.operation.operation is OperationType.MUTATION:
            return super().execute_root_grouped_field_set(
                root_type, root_value, grouped_field_set, serially, position_context
            )
        results: dict[str, Any] = {}
        waiting: dict[str, Awaitable[Any]] = {}
        try:
            for name, details in grouped_field_set.items():
                path = ResponsePath(None, name, root_type.name)
                result = self.execute_field(root_type, root_value, details, path, position_context)
                results[name] = result
                if self.is_awaitable(result):
                    field: Any = self.schema.get_field(
                        root_type, details[0].node.name.value
                    )  # `__schema` too
                    waiting[name] = self._complete_root(field.type, details, path, result)
        except Exception:
            if waiting:
                self.settle_in_background([*waiting.values()])
            raise

        async def complete_roots() -> dict[str, Any]:
            completed = await gather_with_cancel(*waiting.values())
            return results | dict(zip(waiting, completed, strict=True))

        return complete_roots() if waiting else results

    async def _complete_root(
        self,
        kind: GraphQLOutputType,
        details: list[FieldDetails],
        path: ResponsePath,
        completion: Awaitable[Any],
    ) -> Any:
        """Await a root: null, with an error in the place of those below it, if it takes too long."""
        try:
            return await self._complete_in_time(completion)
        except GatewayError as error:
            errors = self.collected_errors.errors
            errors[:] = [each for each in errors if not each.path or each.path[0] != path.key]
            self.handle_field_error(error, kind, details, path)
            return None

    def execute_execution_group(self, *group: Any) -> Any:
        """Execute a deferred fragment within the time of the operation, except one of a mutation."""
        execution = super().execute_execution_group(*group)
        return self._complete_in_time(execution) if self.is_awaitable(execution) else execution

    async def cancel_incremental_work(self, reason: BaseException | None = None) -> None:
        """Cancel what remains of deferred fragments, at the end of the response."""
        try:
            await super().cancel_incremental_work(reason)
        finally:
            self.close()

    async def _complete_in_time(self, completion: Awaitable[Any]) -> Any:
        """Await a part of the result. Raises `UpstreamTimeout` if one of no mutation takes too long."""
        if self.operation.operation is OperationType.MUTATION:
            return await completion
        try:
            return await self.context_value.complete_in_time(completion)
        except GatewayError:
            self.coroutines.are_abandoned = True
            raise

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: GraphQLResolveInfo[Any],
        path: ResponsePath,
        items: Any,
        position_context: Any,
    ) -> AwaitableOrValue[list[Any]]:
        if not isinstance(items, Collection) or is_leaf_type(get_named_type(item_type)):
            return super().complete_iterable_value(
                item_type, field_details_list, info, path, items, position_context
            )
        # The result of a mutation must be complete, because its write has happened.
        is_introspection = info.parent_type.name.startswith("__")
        if not is_introspection and self.operation.operation is not OperationType.MUTATION:
            self.context_value.count_records(len(items))

        def complete(item: Any, key: int, results: list[Any]) -> bool:
            return self.complete_list_item_value(
                item, results, item_type, field_details_list, info, path.add_key(key, None), position_context
            )

        encodes = self.encodes_objects and len(items) > SLICE_ITEMS
        elements = _Elements(self, complete, iter(items), len(items), encodes)
        if not elements.proceed(self.backlog.time):
            return elements.finish(self.backlog.finish(elements))
        return elements.finish() if elements.waiting else elements.results


@dataclass(slots=True, eq=False)
class _Elements:
    """A list of objects while its elements are completed. Any: graphql-core's own.

    The links of the first elements of a long list are loaded while the others are completed, which takes no
    more upstream calls if these are groups that fill a call. Its complete elements are kept as their JSON,
    which takes a fifth of the memory: in the place of several elements the results have one `Raw`.
    """

    executor: SlicingExecutor
    complete: Callable[[Any, int, list[Any]], bool]  # adds an element to the results: True if it is awaitable
    remaining: Iterator[Any]
    length: int
    encodes: bool
    results: list[Any] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)  # the places of awaitables in the results
    _completed: int = 0
    _group: list[bytes] = field(default_factory=list)  # JSON of the last elements
    _is_divided: bool = False  # in the group of elements that is being completed

    @property
    def may_load(self) -> bool:
        """True at the end of a group of elements."""
        return self._completed % SLICE_ITEMS == 0

    def proceed(self, time: TurnTime) -> bool:
        """Complete at least one element, and others as long as there is time; True if none is left."""
        results = self.results
        try:
            for element in self.remaining:
                is_awaitable = self.complete(element, self._completed, results)
                self._completed += 1
                if is_awaitable:
                    self._end_group(results.pop())
                elif self.encodes:
                    self._group.append(_encode(results.pop()))
                    if self.may_load:
                        self._end_group()
                if time.is_over or (self._is_divided and self.may_load):
                    break
        except Exception:
            if self.waiting:
                self.executor.settle_in_background([results[place] for place in self.waiting])
            raise
        self._is_divided = not self.may_load
        if self._completed < self.length:
            return False
        self._end_group()
        return True

    def _end_group(self, awaitable: Any = None) -> None:
        """Add the JSON of the last elements to the results, and an element that is not complete."""
        if self._group:
            self.results.append(msgspec.Raw(b",".join(self._group)))
            self._group.clear()
        if awaitable is not None:
            self.waiting.append(len(self.results))
            self.results.append(awaitable)

    async def finish(self, completion: Awaitable[None] | None = None) -> list[Any]:
        """Return the complete list after a `completion` of its elements, and after what they wait for."""
        if completion is not None:
            await completion
        results = self.results
        if self.waiting:
            completed = await gather_with_cancel(*(results[place] for place in self.waiting))
            for place, result in zip(self.waiting, completed, strict=True):
                results[place] = msgspec.Raw(_encode(result)) if self.encodes else result
        return results


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
        path = ResponsePath(None, (nodes[0].alias or nodes[0].name).value, parent_type.name)
        info = self.build_resolve_info(field, nodes, parent_type, path)

        async def load() -> Any:
            return value

        details = [FieldDetails(node, None) for node in nodes]
        completion = self.complete_awaitable_value(kind, details, info, path, load(), None)
        result = await self._finish(self._complete_root(kind, details, path, completion))
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

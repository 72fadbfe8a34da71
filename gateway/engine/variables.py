"""The variables and arguments of an operation: decoded, and coerced to the values that resolvers take.

Only the variables that the operation declares are decoded. Values that are not in their usual form are left
to graphql-core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias

import msgspec
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    VariableValues,
    coerce_input_value,
    get_argument_values,
    get_named_type,
    is_required_input_field,
)
from msgspec import UNSET

from gateway.engine.core import (
    GraphQLVariableSignature,
    VariableValueSource,
    coerce_default_value,
    get_variable_signature,
    input_is_nested_too_deeply,
)
from gateway.engine.limits import limit_error
from gateway.errors import BadRequest

# Beyond it, decoded JSON could take many times the bytes of a body: `[],` becomes an object of 56.
MAX_VALUES = 20_000
FEW_BYTES = 40_000  # that cannot be more values: each takes two characters


class VariablesDecoder:
    """Decodes the declared variables of one operation."""

    def __init__(self, operation: OperationDefinitionNode) -> None:
        names = [each.variable.name.value for each in operation.variable_definitions or ()]
        self._names = {f"v{number}": name for number, name in enumerate(names)}
        self._decoder = _decoder_of(list(self._names), self._names, Any, UNSET)
        self._raw_decoder = _decoder_of(list(self._names), self._names, msgspec.Raw, msgspec.Raw())

    def decode(self, variables: msgspec.Raw) -> dict[str, Any]:
        """Decode a JSON object, or null. Any: JSON.

        Raises `BadRequest` for what is not JSON, and `GraphQLError` for a variable of too many values.
        """
        if not variables or bytes(variables) == b"null":
            return {}
        try:
            if len(memoryview(variables)) > FEW_BYTES:
                self._check_values(variables)
            decoded = self._decoder.decode(variables)
        except RecursionError:
            raise BadRequest("Member variables is nested too deeply.") from None
        except msgspec.ValidationError as error:  # a number that is out of range
            raise BadRequest(f"Member variables is not valid: {error}.") from None
        except msgspec.MsgspecError:
            raise BadRequest("Member variables is not JSON in UTF-8.") from None
        return {
            name: value
            for attribute, name in self._names.items()
            if (value := getattr(decoded, attribute)) is not UNSET
        }

    def _check_values(self, variables: msgspec.Raw) -> None:
        raw = self._raw_decoder.decode(variables)
        for attribute, name in self._names.items():
            text = bytes(getattr(raw, attribute))
            if text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_VALUES:
                raise limit_error(
                    "MAX_VALUES", MAX_VALUES, f"Variable ${name} has more than {MAX_VALUES} values"
                )


def _decoder_of(
    attributes: Sequence[str], names: dict[str, str], kind: Any, default: Any
) -> msgspec.json.Decoder[Any]:  # Any: a Struct of these members, of any kind
    fields = [(each, kind, default) for each in attributes]
    return msgspec.json.Decoder(msgspec.defstruct("Variables", fields, rename=names))


class Variable(NamedTuple):
    """A variable of a valid operation, and the coercion of its usual values."""

    signature: GraphQLVariableSignature
    coerce: Coercion


def variables_of(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]
) -> tuple[Variable, ...]:
    """Return the variables of a valid operation."""
    signatures = [get_variable_signature(schema, each) for each in definitions]
    return tuple(
        Variable(each, _coercion(each.type))
        for each in signatures
        if isinstance(each, GraphQLVariableSignature)
    )


def coerce_variables(variables: Sequence[Variable], given: Mapping[str, Any]) -> VariableValues | None:
    """Coerce variables that are all given and valid; None otherwise, for `get_variable_values` to judge.

    Any: JSON as the client sent it.
    """
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature, coerce in variables:
        name = signature.name
        value = given.get(name, Undefined)
        if value is Undefined:
            return None
        result = coerce(value)
        if result is Undefined:
            if type(value) in (dict, list) and input_is_nested_too_deeply(value, signature.type):
                return None
            result = coerce_input_value(value, signature.type)
            if result is Undefined:
                return None
        sources[name] = VariableValueSource(signature, value)
        coerced[name] = result
    return VariableValues(sources, coerced)


# Coerces a value in its usual form. Undefined for any other: that is for graphql-core, which takes four times
# as long because it looks at the type again for each value.
Coercion: TypeAlias = Callable[[Any], Any]


def _coercion(kind: GraphQLInputType) -> Coercion:
    is_nullable = not isinstance(kind, GraphQLNonNull)
    named = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if named is GraphQLString or named is GraphQLID:
        return _coerce_text_or_null if is_nullable else _coerce_text
    if isinstance(named, GraphQLInputObjectType) and not named.is_one_of and not _is_recursive(named):
        coerce = _object_coercion(named)
        return (lambda value: None if value is None else coerce(value)) if is_nullable else coerce
    if isinstance(named, GraphQLEnumType):
        return _enum_coercion(named, is_nullable)
    if isinstance(named, GraphQLScalarType):
        return partial(_coerce_by_core, kind)
    if isinstance(named, GraphQLList):
        return _list_coercion(_coercion(named.of_type), is_nullable)
    return lambda value: Undefined


def _coerce_text(value: Any) -> Any:
    return value if type(value) is str else Undefined


def _coerce_text_or_null(value: Any) -> Any:
    return value if type(value) is str or value is None else Undefined


def _coerce_by_core(kind: GraphQLInputType, value: Any) -> Any:
    return coerce_input_value(value, kind)


def _enum_coercion(kind: GraphQLEnumType, is_nullable: bool) -> Coercion:
    members = {name: kind.coerce_input_value(name) for name in kind.values}

    def coerce(value: Any) -> Any:
        if type(value) is str:
            return members.get(value, Undefined)
        return None if value is None and is_nullable else Undefined

    return coerce


def _list_coercion(coerce_element: Coercion, is_nullable: bool) -> Coercion:
    def coerce(value: Any) -> Any:
        if type(value) is not list:  # which would be one element
            return None if value is None and is_nullable else Undefined
        elements = [coerce_element(each) for each in value]
        return Undefined if Undefined in elements else elements

    return coerce


@cache
def _object_coercion(kind: GraphQLInputObjectType) -> Coercion:
    members = [
        (name, field.out_name or name, _coercion(field.type), _default_of(field))
        for name, field in kind.fields.items()
    ]

    def coerce(value: Any) -> Any:
        if type(value) is not dict:
            return Undefined
        result: dict[str, Any] = {}
        number = 0
        for name, out_name, coerce_member, default in members:
            member = value.get(name, Undefined)
            if member is not Undefined:
                member = coerce_member(member)
                if member is Undefined:
                    return Undefined
                number += 1
                result[out_name] = member
            elif default is _NEEDED:
                return Undefined
            elif default is not Undefined:
                result[out_name] = default
        return kind.out_type(result) if number == len(value) else Undefined

    return coerce


_NEEDED = object()


def _default_of(field: GraphQLInputField) -> Any:
    """Return the value of an absent field, Undefined without a default, or `_NEEDED`."""
    default = _NEEDED if is_required_input_field(field) else coerce_default_value(field)
    return _NEEDED if isinstance(default, list | dict) else default  # each object has a new one


@cache
def _is_recursive(kind: GraphQLInputObjectType) -> bool:
    """Return True if an object may contain one of its own type, so that JSON may nest them deeply."""
    reached: set[GraphQLNamedType] = set()
    pending: list[GraphQLNamedType] = [kind]
    while pending:
        each = pending.pop()
        if isinstance(each, GraphQLInputObjectType):
            for field in each.fields.values():
                below = get_named_type(field.type)
                if below not in reached:
                    reached.add(below)
                    pending.append(below)
    return kind in reached or any(
        isinstance(each, GraphQLInputObjectType) and _is_recursive(each) for each in reached
    )


def has_variable(value: ValueNode) -> bool:
    """Return True if a value is a variable, or has one in it."""
    if isinstance(value, ListValueNode):
        return any(map(has_variable, value.values))
    if isinstance(value, ObjectValueNode):
        return any(has_variable(each.value) for each in value.fields)
    return isinstance(value, VariableNode)


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

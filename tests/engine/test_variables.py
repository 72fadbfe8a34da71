"""Variables in their usual form are coerced without graphql-core, to the values that it coerces them to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    OperationDefinitionNode,
    VariableValues,
    get_argument_values,
    get_variable_values,
    parse,
)

from gateway.engine.core import core_schema
from gateway.engine.variables import argument_values, coerce_variables, variables_of
from gateway.graph import schema

SCHEMA = core_schema(schema)
TEXTS = {"DateTime": "2026-11-21T10:00:00Z", "Int": 3, "Float": 1.5, "Boolean": True, "JSON": {"a": [1]}}
INPUTS = sorted(
    name
    for name, kind in SCHEMA.type_map.items()
    if isinstance(kind, GraphQLInputObjectType) and not name.startswith("__")
)
ODD: tuple[Any, ...] = (None, "", 1, True, 1.5, [], ["a"], {}, {"a": 1}, "UNKNOWN", "a" * 10_001)


def valid(kind: GraphQLInputType, depth: int = 0) -> Any:
    """A valid value of a type with all fields, those of nested objects down to a depth."""
    if isinstance(kind, GraphQLNonNull):
        return valid(kind.of_type, depth)
    if isinstance(kind, GraphQLList):
        return [valid(kind.of_type, depth + 1)]
    if isinstance(kind, GraphQLInputObjectType):
        fields = [*kind.fields.items()]
        if kind.is_one_of:
            fields = fields[:1]
        return {
            name: valid(field.type, depth + 1)
            for name, field in fields
            if depth < 3 or isinstance(field.type, GraphQLNonNull)
        }
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    return TEXTS.get(kind.name, "text")


def variants(value: Any) -> Iterator[Any]:
    """The value, and the same with one part odd, missing or too many."""
    yield value
    yield from ODD
    if isinstance(value, dict):
        yield {**value, "surplus": 1}
        for name, member in value.items():
            yield {key: each for key, each in value.items() if key != name}
            for each in variants(member):
                yield {**value, name: each}


def coerced(kind: str, value: Any) -> tuple[Any, Any]:
    """The value in a list, as it is coerced here and by graphql-core; None if it is not valid."""
    (operation,) = parse(f"query ($value: {kind}) {{ __typename }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    definitions = operation.variable_definitions or ()
    result = coerce_variables(variables_of(SCHEMA, definitions), {"value": value})
    expected = get_variable_values(SCHEMA, definitions, {"value": value})
    if not isinstance(expected, VariableValues):
        return result, None
    if result is not None:
        assert result.sources["value"].value is expected.sources["value"].value is value
    return result and [result.coerced["value"]], [expected.coerced["value"]]


@pytest.mark.parametrize("name", INPUTS)
def test_objects_are_those_of_graphql_core(name: str) -> None:
    """Each input of the schema, valid or with anything else in one place, is coerced or rejected alike."""
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLInputObjectType)
    for value in variants(valid(kind)):
        for written in (name, f"{name}!"):
            result, expected = coerced(written, value)
            assert result == expected, value


@pytest.mark.parametrize("written", ["String", "ID", "Int", "Float", "Boolean", "DateTime", "JSON", "[ID!]"])
@pytest.mark.parametrize("value", [*ODD, "2026-11-21T10:00:00Z", 2**31, ["a", None]])
def test_scalars_are_those_of_graphql_core(written: str, value: Any) -> None:
    """Each scalar is coerced or rejected alike, nullable or not."""
    for kind in (written, f"{written}!"):
        result, expected = coerced(kind, value)
        assert result == expected


def test_deep_objects_are_left_to_graphql_core() -> None:
    """JSON that is nested far deeper than any input is rejected, and not by a stack that is full."""
    value: dict[str, Any] = {}
    for _ in range(900):
        value = {"itemBarcode": value}
    assert coerced("CheckOutInput!", value) == (None, None)


QUERIES = (
    "query ($id: ID!) { loan(id: $id) { id } }",
    'query ($id: ID) { loan(id: "1") { id } }',
    "query ($first: Int, $after: String) { loans(first: $first, after: $after) { nodes { id } } }",
    "query ($filter: LoanFilter, $sort: [LoanSort!]) { loans(filter: $filter, sort: $sort) { totalCount } }",
    "query ($id: ID, $barcode: String) { item(id: $id, barcode: $barcode) { id } }",
    "{ loans { nodes { id } } }",
)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    "given",
    [{}, {"id": "1"}, {"id": None}, {"first": 3}, {"first": None, "after": "x"}, {"filter": {}, "sort": []}],
)
def test_arguments_are_those_of_graphql_core(query: str, given: dict[str, Any]) -> None:
    """Arguments that are variables, literals or absent are coerced or rejected alike."""
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    values = get_variable_values(SCHEMA, operation.variable_definitions or (), given)
    if not isinstance(values, VariableValues):  # rejected before it is executed
        return
    (node,) = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    assert SCHEMA.query_type is not None
    field = SCHEMA.query_type.fields[node.name.value]

    def outcome(values_of: Callable[[], dict[str, Any]]) -> dict[str, Any] | str:
        try:
            return values_of()
        except GraphQLError as error:
            return error.message

    assert outcome(lambda: argument_values(field, node, values, False)) == outcome(
        lambda: get_argument_values(field, node, values)
    )

"""Examples in descriptions are valid and return records."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    Undefined,
    get_named_type,
    parse_value,
    value_from_ast,
)

from gateway.graph import schema
from tests.gateway_under_test import Gateway

CORE = schema._schema
INPUTS = [each for each in CORE.type_map.values() if isinstance(each, GraphQLInputObjectType)]
OF_LISTS = [each for each in INPUTS if each.name.endswith(("Filter", "Sort"))]


def example(declared: GraphQLInputObjectType) -> str | None:
    """Return the value of this type in its description."""
    match = re.search(r"`(\{ .*? \})`", declared.description or "")
    return match[1] if match else None


def uses() -> Iterator[tuple[str, str, str]]:
    """Yield root fields with a filter or a sort, with the example of each."""
    query = CORE.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)
    for name, field in query.fields.items():
        for argument in ("filter", "sort"):
            declared_argument = field.args.get(argument)
            if declared_argument is not None:
                declared = get_named_type(declared_argument.type)
                assert isinstance(declared, GraphQLInputObjectType)
                yield name, argument, example(declared) or ""


def operations() -> Iterator[str]:
    """Yield complete operations from descriptions."""
    query = CORE.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)
    for field in query.fields.values():
        yield from re.findall(r"Try `(\{ .* \})`", field.description or "")


@pytest.mark.parametrize("declared", OF_LISTS, ids=lambda declared: declared.name)
def test_each_filter_and_sort_has_an_example(declared: GraphQLInputObjectType) -> None:
    """Each filter and sort has an example in its description or that of a field."""
    at_fields = "".join(field.description or "" for field in declared.fields.values())

    assert example(declared) or "`" in at_fields


@pytest.mark.parametrize(
    "declared", [each for each in INPUTS if example(each)], ids=lambda declared: declared.name
)
def test_an_example_is_a_value_of_its_type(declared: GraphQLInputObjectType) -> None:
    """Names and values of an example are those of the schema."""
    value = value_from_ast(parse_value(example(declared) or ""), declared)

    assert value is not Undefined


@pytest.mark.anyio
@pytest.mark.parametrize(("root", "argument", "value"), list(uses()))
async def test_each_example_can_be_queried(gateway: Gateway, root: str, argument: str, value: str) -> None:
    """The sandbox accepts each example."""
    text = f"[{value}]" if argument == "sort" else value

    data = await gateway.data(f"{{ {root}({argument}: {text}, first: 1) {{ nodes {{ __typename }} }} }}")

    assert data[root] is not None


def test_common_queries_have_an_operation() -> None:
    """The most common root fields have a complete operation to paste."""
    begin = {re.findall(r"\w+", operation)[0] for operation in operations()}

    assert begin == {"instances", "item", "items", "loans", "requests", "user", "users"}


@pytest.mark.anyio
@pytest.mark.parametrize("operation", list(operations()))
async def test_each_operation_returns_records(gateway: Gateway, operation: str) -> None:
    """An operation from a description runs unchanged and returns records."""
    (result,) = (await gateway.data(operation)).values()

    assert result is not None
    assert result.get("nodes") != []

"""Examples in the descriptions are true: whoever pastes one gets an answer."""

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
    """The value of this type that its description shows."""
    found = re.search(r"`(\{ .*? \})`", declared.description or "")
    return found[1] if found else None


def uses() -> Iterator[tuple[str, str, str]]:
    """Questions at the root that take a filter or a sort, with the example of each."""
    query = CORE.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)
    for name, field in query.fields.items():
        for argument in ("filter", "sort"):
            given = field.args.get(argument)
            if given is not None:
                declared = get_named_type(given.type)
                assert isinstance(declared, GraphQLInputObjectType)
                yield name, argument, example(declared) or ""


def operations() -> Iterator[str]:
    """FullList operations that descriptions say to try."""
    query = CORE.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)
    for field in query.fields.values():
        yield from re.findall(r"Try `(\{ .* \})`", field.description or "")


@pytest.mark.parametrize("declared", OF_LISTS, ids=lambda declared: declared.name)
def test_each_filter_and_sort_has_an_example(declared: GraphQLInputObjectType) -> None:
    """How a filter or a sort is written stands where it is explained, or at one of its fields."""
    at_fields = "".join(field.description or "" for field in declared.fields.values())

    assert example(declared) or "`" in at_fields


@pytest.mark.parametrize(
    "declared", [each for each in INPUTS if example(each)], ids=lambda declared: declared.name
)
def test_an_example_is_a_value_of_its_type(declared: GraphQLInputObjectType) -> None:
    """Names and values of an example are those of the graph."""
    value = value_from_ast(parse_value(example(declared) or ""), declared)

    assert value is not Undefined


@pytest.mark.anyio
@pytest.mark.parametrize(("question", "argument", "value"), list(uses()))
async def test_an_example_can_be_asked(gateway: Gateway, question: str, argument: str, value: str) -> None:
    """The embedded library understands what each example asks."""
    given = f"[{value}]" if argument == "sort" else value

    data = await gateway.data(f"{{ {question}({argument}: {given}, first: 1) {{ nodes {{ __typename }} }} }}")

    assert data[question] is not None


def test_the_questions_that_are_asked_most_can_be_tried() -> None:
    """What people look at first has a whole operation to paste."""
    begin = {re.findall(r"\w+", operation)[0] for operation in operations()}

    assert begin == {"instances", "item", "items", "loans", "requests", "user", "users"}


@pytest.mark.anyio
@pytest.mark.parametrize("operation", list(operations()))
async def test_what_is_to_be_tried_gives_records(gateway: Gateway, operation: str) -> None:
    """An operation from a description runs as it stands, and finds something."""
    (found,) = (await gateway.data(operation)).values()

    assert found is not None
    assert found.get("nodes") != []

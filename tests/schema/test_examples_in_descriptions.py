"""Examples in descriptions are valid and return records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    Undefined,
    get_named_type,
    parse_value,
    value_from_ast,
)

from gateway.fields.arguments import offset_after
from gateway.fields.scalars import day_from_caller, from_caller
from gateway.graph import schema
from gateway.sandbox import create_sandbox
from gateway.upstream.cql import caller_cql
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


def accepted() -> Iterator[tuple[str, GraphQLArgument | GraphQLInputField]]:
    """Yield all arguments of fields and all fields of inputs, each with its place."""
    for kind in CORE.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for field, declared in kind.fields.items():
                yield from ((f"{kind.name}.{field}.{name}", each) for name, each in declared.args.items())
        elif isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{kind.name}.{name}", each) for name, each in kind.fields.items())


def is_barcode_of_item(text: str) -> bool:
    return any(each.get("barcode") == text for each in LIBRARY.items.values())


def is_barcode_of_user(text: str) -> bool:
    return any(each.get("barcode") == text for each in LIBRARY.users.values())


LIBRARY = create_sandbox().library("diku")
OF_USERS = re.compile(r"(?:user|requester)barcode$|^UserFilter|^Query\.user\.", re.IGNORECASE)


def reader_of(place: str, declared: GraphQLArgument | GraphQLInputField) -> Callable[[str], object] | None:
    """Return the function that accepts a valid text for an argument of which the form is not obvious."""
    name, kind = place.rpartition(".")[2], get_named_type(declared.type).name
    if "barcode" in name.lower():
        return is_barcode_of_user if OF_USERS.search(place) else is_barcode_of_item
    if kind in ("Date", "DateTime"):
        return day_from_caller if kind == "Date" else from_caller
    if name == "cql":
        return caller_cql
    return offset_after if name == "after" else None


def test_arguments_of_certain_forms_have_a_valid_example() -> None:
    """Each barcode, CQL condition, cursor, day and date has an example: barcodes are of the library."""
    read = [(place, each, reader_of(place, each)) for place, each in accepted()]
    examples = {
        place: next((text for text in re.findall(r"such as `(.+?)`", each.description or "")), None)
        for place, each, reader in read
        if reader is not None
    }

    assert len(examples) > 150
    assert [place for place, text in examples.items() if text is None] == []
    invalid = [place for place, _, reader in read if reader is not None and not reader(examples[place] or "")]
    assert invalid == []


@pytest.mark.anyio
async def test_each_condition_in_cql_can_be_queried(gateway: Gateway) -> None:
    """The library accepts the example of each argument `cql`, and most of them match records."""
    query = CORE.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)
    names = [name for name, field in query.fields.items() if "cql" in field.args and "first" in field.args]
    matches = {}
    for name in names:
        (text,) = re.findall(r"such as `(.+?)`", query.fields[name].args["cql"].description or "")
        read = f"query($cql: String) {{ {name}(cql: $cql, first: 0) {{ totalCount }} }}"
        matches[name] = (await gateway.data(read, {"cql": text}))[name]["totalCount"]

    assert len(matches) == 34
    assert {"loans", "requests", "instances", "users", "accounts"} <= {
        name for name, count in matches.items() if count
    }


@pytest.mark.anyio
async def test_the_condition_on_the_search_index_returns_a_title(gateway: Gateway) -> None:
    """The example of `searchInstance` is the ISBN of a title of the library."""
    query = CORE.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)
    (text,) = re.findall(r"such as `(.+?)`", query.fields["searchInstance"].args["cql"].description or "")

    data = await gateway.data("query($cql: String) { searchInstance(cql: $cql) { title } }", {"cql": text})

    assert data["searchInstance"]["title"]


@pytest.mark.anyio
async def test_the_schema_has_a_description_with_an_operation(gateway: Gateway) -> None:
    """Introspection has the description of the schema, and the operation in it returns records."""
    introspected = await gateway.data("{ __schema { description } }")

    description = introspected["__schema"]["description"]
    (operation,) = re.findall(r"Try `(\{ .* \})`", description)
    assert description == CORE.description
    assert len((await gateway.data(operation))["loans"]["nodes"]) == 3

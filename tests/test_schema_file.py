"""The published schema: the committed file is current, and the schema follows its rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    execute,
    find_schema_changes,
    get_named_type,
    graphql_sync,
    parse,
)

from gateway.cli.schema import print_schema
from gateway.fields.link import Link
from gateway.fields.page import ConnectionField, ConnectionLink
from gateway.fields.record import RecordField
from gateway.fields.root import LookupField
from gateway.graph import schema

CORE = schema._schema
GATEWAY_TYPES = [each for name, each in CORE.type_map.items() if not name.startswith("__")]
OBJECTS = [each for each in GATEWAY_TYPES if isinstance(each, GraphQLObjectType)]
BUILT_IN = {"String", "Int", "Float", "Boolean", "ID"}


def definition(declared: object) -> object:
    return getattr(declared, "extensions", {}).get("strawberry-definition")


def test_the_schema_file_is_current() -> None:
    """`schema.graphql` is up to date; `circulation-gateway schema --write` writes it."""
    committed = (Path(__file__).parent.parent / "schema.graphql").read_text()

    assert committed == print_schema()


def test_the_schema_file_can_be_executed() -> None:
    """graphql-core executes the committed schema; one that declares `@defer` is rejected."""
    query = "{ __typename }"

    assert graphql_sync(build_schema(print_schema()), query).data == {"__typename": "Query"}
    with pytest.raises(GraphQLError, match="@defer"):
        execute(build_schema(print_schema(incremental=True)), parse(query))


def test_only_the_incremental_schema_declares_defer() -> None:
    """The two schemas differ only in the definition of `@defer`, which introspection keeps."""
    plain, incremental = build_schema(print_schema()), build_schema(print_schema(incremental=True))
    changes = [change.description for change in find_schema_changes(plain, incremental)]

    assert changes == ["Directive @defer was added."]
    assert build_schema(print_schema(incremental=True)).get_directive("defer") is not None
    assert schema._schema.get_directive("defer") is not None


def undescribed() -> Iterator[str]:
    for each in GATEWAY_TYPES:
        if each.name in BUILT_IN:
            continue
        if not each.description:
            yield each.name
        if isinstance(each, GraphQLObjectType | GraphQLInputObjectType):
            for name, declared in each.fields.items():
                if not declared.description:
                    yield f"{each.name}.{name}"
                for argument, given in getattr(declared, "args", {}).items():
                    if not given.description:
                        yield f"{each.name}.{name}({argument}:)"
        if isinstance(each, GraphQLEnumType):
            for name, value in each.values.items():
                if not value.description:
                    yield f"{each.name}.{name}"


def test_everything_is_described() -> None:
    """Each type, field, argument and enum value has a description."""
    assert list(undescribed()) == []


def test_only_keys_are_non_null() -> None:
    """Upstream records lack required fields in practice, so only the id of a record is non-null."""
    required = {
        f"{each.name}.{name}"
        for each in OBJECTS
        for name, declared in each.fields.items()
        if isinstance(definition(declared), RecordField) and isinstance(declared.type, GraphQLNonNull)
    }

    assert {name for name in required if not name.endswith(".id")} == set()


def test_links_are_nullable() -> None:
    """A link reads another service: its failure must not null the record."""
    crossing = (Link, ConnectionLink, ConnectionField, LookupField)
    non_null = [
        f"{each.name}.{name}"
        for each in OBJECTS
        for name, declared in each.fields.items()
        if isinstance(definition(declared), crossing) and isinstance(declared.type, GraphQLNonNull)
    ]

    assert non_null == []


def test_list_elements_are_nullable_in_records() -> None:
    """An invalid element nulls its place in the list, not the list."""
    strict = [
        f"{each.name}.{name}"
        for each in OBJECTS
        for name, declared in each.fields.items()
        if isinstance(definition(declared), RecordField)
        and isinstance(declared.type, GraphQLList)
        and isinstance(declared.type.of_type, GraphQLNonNull)
    ]

    assert strict == []


def test_lists_of_records_that_grow_are_connections() -> None:
    """No field is a plain list of records with an id, except the few that cannot grow."""
    entities = {
        each.name
        for each in OBJECTS
        if "id" in each.fields and isinstance(each.fields["id"].type, GraphQLNonNull)
    }
    bare = {
        f"{each.name}.{name}"
        for each in OBJECTS
        for name, declared in each.fields.items()
        if isinstance(declared.type, GraphQLList) and get_named_type(declared.type).name in entities
    }

    assert bare == {
        "AllowedServicePoints.hold",  # the response to one query, never paged
        "AllowedServicePoints.page",
        "AllowedServicePoints.recall",
        "Calendar.servicePoints",  # assigned to it by hand
        "Location.servicePoints",
        "RequestPolicyServicePoints.hold",  # the settings of one policy
        "RequestPolicyServicePoints.page",
        "RequestPolicyServicePoints.recall",
        "SearchInstance.holdings",  # part of a single search document
        "SearchInstance.items",
        "User.departments",
        "FeeFinesActionCheck.accounts",  # those of the arguments, at most 100
        *(
            f"{name}{settled}.{member}"  # what one mutation wrote
            for settled in ("Paid", "Waived", "Transferred", "Refunded", "Cancelled")
            for name, member in (
                ("FeeFine", "actions"),
                ("FeeFines", "actions"),
                ("FeeFines", "accounts"),
            )
        ),
    }


def mutations() -> list[tuple[str, GraphQLField]]:
    assert CORE.mutation_type is not None
    return list(CORE.mutation_type.fields.items())


@pytest.mark.parametrize(("name", "mutation"), mutations())
def test_a_mutation_has_one_input_and_a_result(name: str, mutation: GraphQLField) -> None:
    """Every mutation has one `input` and a union named after it with `Refusal` as a member."""
    arguments = mutation.args
    result = get_named_type(mutation.type)
    pascal = name[0].upper() + name[1:]

    assert list(arguments) == ["input"]
    assert str(arguments["input"].type) == f"{pascal}Input!"
    assert isinstance(result, GraphQLUnionType)
    assert result.name == f"{pascal}Result"
    assert "Refusal" in {member.name for member in result.types}


def test_foreign_keys_are_links() -> None:
    """A record with a type in the graph is a link, never the text of its id."""
    named = {each.name for each in OBJECTS}
    leftovers = {
        f"{each.name}.{name}"
        for each in OBJECTS
        for name in each.fields
        if name.endswith("Id") and name[:-2][:1].upper() + name[:-2][1:] in named
    }

    assert leftovers == {"StaffSlipRequest.requestId"}  # the slip prints it, as FOLIO does

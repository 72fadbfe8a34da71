"""Operations made up from the schema, in which ids, barcodes and dates are mostly those of real records.

schemathesis makes one strategy for each field of `Query` and `Mutation`. Left to itself it makes up the
values too, and then hardly any act gets past the checks of the gateway; so arguments are bound, by their name
and the field they stand at, to dictionaries with values from the embedded library.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import graphql
import schemathesis
from graphql import get_nullable_type
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case

from gateway.fields import arguments
from gateway.sandbox import Library, create_sandbox
from gateway.sandbox.library import Record

SDL = (Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8")
GRAPH = graphql.build_schema(SDL)
# schemathesis asks for the introspection in a way that graphql-core refuses where there is @defer.
SDL_WITHOUT_DEFER = graphql.print_schema(
    graphql.GraphQLSchema(
        GRAPH.query_type,
        GRAPH.mutation_type,
        types=list(GRAPH.type_map.values()),
        directives=[each for each in GRAPH.directives if each.name != "defer"],
    )
)

ENOUGH = 6  # records of a kind: few, so that the values of one operation often belong together
KNOWN = 0.9  # of all bound arguments get a known value, the others are made up
PLAIN = 0.7  # of all other texts are such as people type

DATES = (
    *("2026-11-22T10:00:00Z", "2027-01-31T23:59:59.999+01:00", "2020-02-29T00:00:00-05:00") * 4,
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
)

SCALARS = {
    "ID": st.uuids().map(str),
    "DateTime": st.sampled_from(DATES),
    "JSON": st.text(max_size=5),
}

# The kind of record that an argument names, by the argument's name.
KINDS = {
    "itemId": "items",
    "destinationItemId": "items",
    "itemBarcode": "item barcodes",
    "userId": "users",
    "requesterId": "users",
    "borrowerId": "users",
    "patronId": "users",
    "cancelledByUserId": "users",
    "proxyUserId": "users",
    "userBarcode": "user barcodes",
    "requesterBarcode": "user barcodes",
    "proxyUserBarcode": "user barcodes",
    "username": "user names",
    "externalSystemId": "external ids",
    "externalUserId": "external ids",
    "tenantId": "tenants",
    "servicePointId": "service points",
    "pickupServicePointId": "service points",
    "checkoutServicePointId": "service points",
    "checkinServicePointId": "service points",
    "retrievalServicePointId": "service points",
    "primaryServicePointId": "service points",
    "loanId": "loans",
    "requestId": "requests",
    "requestIds": "requests",
    "confirmedRequestId": "mediated requests",
    "instanceId": "instances",
    "holdingsId": "holdings",
    "holdingsRecordId": "holdings",
    "cancellationReasonId": "cancellation reasons",
    "deliveryAddressTypeId": "address types",
    "patronGroupId": "patron groups",
    "effectiveLocationId": "locations",
    "itemEffectiveLocationId": "locations",
    "materialTypeId": "material types",
    "permanentLoanTypeId": "loan types",
    "objectId": "lockable objects",
    "newPosition": "positions",
    "position": "positions",
    "first": "page sizes",
    "after": "cursors",
    "cql": "CQL",
}
# `id` and `barcode` name the record that the field itself is about.
KINDS_BY_FIELD = {
    ("id", "loan"): "loans",
    ("id", "loans"): "loans",
    ("id", "request"): "requests",
    ("id", "requests"): "requests",
    ("id", "instance"): "instances",
    ("id", "instances"): "instances",
    ("id", "searchInstance"): "instances",
    ("hrid", "searchInstance"): "HRIDs",
    ("hrid", "instances"): "HRIDs",
    ("id", "holdings"): "holdings",
    ("id", "item"): "items",
    ("id", "items"): "items",
    ("id", "user"): "users",
    ("id", "users"): "users",
    ("id", "servicePoint"): "service points",
    ("id", "servicePoints"): "service points",
    ("id", "location"): "locations",
    ("id", "locations"): "locations",
    ("id", "account"): "accounts",
    ("id", "accounts"): "accounts",
    ("id", "batchRequest"): "batches",
    ("id", "reorderQueue"): "requests",
    ("id", "confirmMediatedRequest"): "mediated requests",
    ("barcode", "item"): "item barcodes",
    ("barcode", "items"): "item barcodes",
    ("barcode", "consortiumItem"): "item barcodes",
    ("barcode", "searchInstance"): "item barcodes",
    ("barcode", "user"): "user barcodes",
    ("barcode", "users"): "user barcodes",
}
# Fields that want one of several ways to name what is meant, and nothing of the others.
ONE_OF: dict[str, list[tuple[str, ...]]] = {
    "item": [("id",), ("barcode",)],
    "user": [("id",), ("barcode",), ("username",), ("externalSystemId",)],
    "searchInstance": [("id",), ("hrid",), ("barcode",), ("cql",)],
    "allowedServicePoints": [
        ("requestId",),
        ("requesterId", "itemId"),
        ("requesterId", "instanceId"),
        ("patronGroupId", "itemId"),
    ],
    "requestQueue": [("instanceId",), ("itemId",)],
    "reorderQueue": [("instanceId", "queue"), ("itemId", "queue")],
    "renew": [("itemBarcode", "userBarcode"), ("itemId", "userId")],
}


def known_values(library: Library) -> dict[str, Sequence[str | int]]:
    """Ids, barcodes and other values that the library knows, by kind; never an empty list."""
    items = sorted(library.items.values(), key=lambda item: item["status"]["name"] != "Available")
    items = [*items[: ENOUGH // 2], *(library.items[loan["itemId"]] for loan in open_loans(library))][:ENOUGH]
    holdings = [library.holdings[item["holdingsRecordId"]] for item in items]
    readers = [each for each in library.users.values() if each.get("type", "patron") == "patron"]
    borrowers = [library.users[loan["userId"]] for loan in open_loans(library)]
    users = [*readers[20 : 20 + ENOUGH // 2], *borrowers][:ENOUGH]
    waiting = [each for each in library.requests.values() if each["status"].startswith("Open")]
    values: dict[str, Sequence[str | int]] = {
        "items": [item["id"] for item in items],
        "item barcodes": [item["barcode"] for item in items if "barcode" in item],
        "holdings": [each["id"] for each in holdings],
        "instances": [each["instanceId"] for each in holdings],
        "HRIDs": [library.instances[each["instanceId"]]["hrid"] for each in holdings],
        "users": [user["id"] for user in users],
        "user barcodes": [user["barcode"] for user in users if "barcode" in user],
        "user names": [user["username"] for user in users if "username" in user],
        "external ids": [
            each["externalSystemId"] for each in library.users.values() if "externalSystemId" in each
        ][:ENOUGH],
        "loans": [loan["id"] for loan in open_loans(library)],
        "requests": [each["id"] for each in waiting][:ENOUGH],
        "service points": list(library.service_points)[:2],
        "tenants": ["diku", "college"],
        "lockable objects": [1, 2, 29937],
        "other ids": [str(uuid.UUID(int=number)) for number in range(1, 30)],
        "positions": [1, 2, 3],
        "page sizes": [0, 1, 3, 10],
        "cursors": [arguments.cursor(0), arguments.cursor(2)],
        "CQL": ["cql.allRecords=1", 'id=="*"', "id<>1 and (id<>2 or id<>3)"],
        "plain texts": ["Called twice.", "O'Reilly & Søn", "«naïve» 図書館\nsecond line", "\U0001f4da"],
    }
    shelves = {
        "accounts": library.accounts,
        "address types": library.address_types,
        "batches": library.batch_requests,
        "cancellation reasons": library.cancellation_reasons,
        "loan types": library.loan_types,
        "locations": library.locations,
        "material types": library.material_types,
        "mediated requests": library.mediated_requests,
        "patron groups": library.groups,
    }
    values.update((kind, list(shelf)[:ENOUGH]) for kind, shelf in shelves.items())
    return {kind: found for kind, found in values.items() if found}


def open_loans(library: Library) -> list[Record]:
    return [each for each in library.open_loans() if "userId" in each][: ENOUGH // 2]


def argument_paths() -> Iterator[tuple[str, str]]:
    """Each argument as `Type.field.argument`, members of inputs dotted, `[*]` for lists, and its kind."""
    for kind in GRAPH.type_map.values():
        if isinstance(kind, graphql.GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                for argument, declared in field.args.items():
                    path = f"{kind.name}.{name}.{argument}"
                    yield from leaves(path, argument, name, declared.type)


def leaves(path: str, name: str, field: str, declared: graphql.GraphQLInputType) -> Iterator[tuple[str, str]]:
    inner = get_nullable_type(declared)
    if isinstance(inner, graphql.GraphQLList):
        yield from leaves(f"{path}[*]", name, field, inner.of_type)
    elif isinstance(inner, graphql.GraphQLInputObjectType):
        for member, part in inner.fields.items():
            yield from leaves(f"{path}.{member}", member, field, part.type)
    elif kind := KINDS_BY_FIELD.get((name, field)) or KINDS.get(name):
        yield path, kind
    elif inner == graphql.GraphQLID:
        yield path, "other ids"


def configuration() -> SchemathesisConfig:
    values = known_values(create_sandbox().library("diku"))
    paths = {path: kind for path, kind in argument_paths() if kind in values}
    bound = {path: {"dictionary": kind, "probability": KNOWN} for path, kind in paths.items()}
    return SchemathesisConfig.from_dict(
        {
            "dictionaries": {kind: {"values": found} for kind, found in values.items()},
            "parameters": bound,
            "generation": {"dictionaries": {"string": {"dictionary": "plain texts", "probability": PLAIN}}},
        }
    )


def root_fields(
    root: str, mode: GenerationMode = GenerationMode.POSITIVE
) -> dict[str, st.SearchStrategy[str]]:
    """For each field of `Query` or `Mutation` a strategy of documents that ask for it alone.

    Negative ones hold one value that the schema rules out; fields without arguments have none.
    """
    for name, strategy in SCALARS.items():
        schemathesis.graphql.scalar(name, strategy.map(schemathesis.graphql.nodes.String))
    operations = schemathesis.graphql.from_file(SDL_WITHOUT_DEFER, config=configuration())[root]
    named = GRAPH.type_map[root]
    assert isinstance(named, graphql.GraphQLObjectType)
    return {
        name: documents(operations[name].as_strategy(mode), name)
        if mode is GenerationMode.POSITIVE
        else operations[name].as_strategy(mode).map(lambda case: str(case.body))
        for name, field in named.fields.items()
        if mode is GenerationMode.POSITIVE or field.args
    }


def documents(cases: st.SearchStrategy[Case[Any]], field: str) -> st.SearchStrategy[str]:
    """The documents of these cases, which name what is meant in one way."""
    ways = ONE_OF.get(field)
    if ways is None:
        return cases.map(lambda case: str(case.body))
    given = [st.fixed_dictionaries({name: literals(name, field) for name in way}) for way in ways]
    every = {name for way in ways for name in way}
    return st.builds(lambda case, told: with_only(str(case.body), every, told), cases, st.one_of(given))


def literals(name: str, field: str) -> st.SearchStrategy[str]:
    """Known values of an argument, as they stand in a document."""
    values = known_values(create_sandbox().library("diku"))
    if name == "queue":
        some = st.lists(st.sampled_from(values["requests"]), min_size=1, max_size=3)
        return some.map(
            lambda ids: "".join(
                ["[", *(f'{{id: "{id}", newPosition: {place}}}' for place, id in enumerate(ids, 1)), "]"]
            )
        )
    return st.sampled_from(values[KINDS_BY_FIELD.get((name, field)) or KINDS[name]]).map(json.dumps)


def with_only(document: str, every: Collection[str], told: Mapping[str, str]) -> str:
    """The document with these literals in place of what its root field says by any of these names."""
    operation = graphql.parse(document)
    field = root_field(operation)
    (definition,) = operation.definitions
    assert isinstance(definition, graphql.OperationDefinitionNode)
    values = [(graphql.NameNode(value=name), graphql.parse_value(literal)) for name, literal in told.items()]
    if definition.operation is graphql.OperationType.MUTATION:
        (argument,) = field.arguments or ()
        assert isinstance(argument.value, graphql.ObjectValueNode)
        members = [each for each in argument.value.fields if each.name.value not in every]
        members += [graphql.ObjectFieldNode(name=name, value=value) for name, value in values]
        arguments = [replace(argument, value=replace(argument.value, fields=tuple(members)))]
    else:
        arguments = [each for each in field.arguments or () if each.name.value not in every]
        arguments += [graphql.ArgumentNode(name=name, value=value) for name, value in values]
    selected = graphql.print_ast(replace(field, arguments=tuple(arguments)))
    return f"{definition.operation.value} {{ {selected} }}"


def root_field(document: graphql.DocumentNode) -> graphql.FieldNode:
    (operation,) = document.definitions
    assert isinstance(operation, graphql.OperationDefinitionNode)
    (field,) = operation.selection_set.selections
    assert isinstance(field, graphql.FieldNode)
    return field


def several(documents: Sequence[str]) -> str:
    """One mutation of all, its fields named `_0`, `_1`, ... in this order, each with its type told."""
    fields = [graphql.print_ast(root_field(graphql.parse(document))) for document in documents]
    acts = [f"_{number}: {field.removesuffix('}')} __typename }}" for number, field in enumerate(fields)]
    return f"mutation {{ {' '.join(acts)} }}"

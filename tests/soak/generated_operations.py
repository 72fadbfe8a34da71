"""Operations generated from the schema, with ids, barcodes and dates mostly of real records.

schemathesis creates one strategy for each field of `Query` and `Mutation`. By default it generates the values
too, and hardly any mutation then passes the gateway's validation; so arguments are bound, by their name and
their field, to dictionaries with values from the embedded library.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import graphql
from graphql import get_nullable_type
from hypothesis import strategies as st

from gateway import graph
from gateway.engine.core import core_schema
from gateway.fields import arguments
from gateway.sandbox import Library, create_sandbox
from gateway.sandbox.library import Record

if TYPE_CHECKING:  # it is imported only to generate, not to collect the tests
    from schemathesis.config import SchemathesisConfig
    from schemathesis.generation.case import Case
    from schemathesis.specs.graphql.schemas import GraphQLSchema

GRAPH = core_schema(graph.schema)

MAX_PER_KIND = 6  # per kind, so that the values of one operation often belong together
BOUND_PROBABILITY = 0.9  # of bound arguments get a sample value, the others a generated one
PLAIN_TEXT_PROBABILITY = 0.7  # of other texts are ordinary texts

DATES = (
    *("2026-11-22T10:00:00Z", "2027-01-31T23:59:59.999+01:00", "2020-02-29T00:00:00-05:00") * 4,
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
)

SCALARS = {
    "ID": st.uuids().map(str),
    "DateTime": st.sampled_from(DATES),
    "Date": st.sampled_from(("2026-12-23", "2026-12-24", "2027-02-01", "0001-01-01", "9999-12-31")),
    "JSON": st.text(max_size=5),
    "Decimal": st.sampled_from(["0.01", "1", "2.50", "7.25", "10.00", "0"]),
}

# The kind of record that an argument identifies, by the argument's name.
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
    "loanIds": "loans",
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
    "loanTypeId": "loan types",
    "locationId": "locations",
    "accountId": "accounts",
    "accountIds": "accounts",
    "manualBlockId": "manual blocks",
    "feeFineId": "fee fine types",
    "ownerId": "fee fine owners",
    "objectId": "lockable objects",
    "newPosition": "positions",
    "position": "positions",
    "first": "page sizes",
    "after": "cursors",
    "cql": "CQL",
}
# `id` and `barcode` identify the record that the field returns.
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
    ("id", "manualBlock"): "manual blocks",
    ("id", "feeFineOwners"): "fee fine owners",
    ("id", "feeFineTypes"): "fee fine types",
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
# Fields that require exactly one of several sets of arguments.
ONE_OF: dict[str, list[tuple[str, ...]]] = {
    "item": [("id",), ("barcode",)],
    "user": [("id",), ("barcode",), ("username",), ("externalSystemId",)],
    "searchInstance": [("id",), ("hrid",), ("barcode",), ("cql",)],
    "allowedServicePoints": [
        ("operation: REPLACE", "requestId"),
        ("operation: MOVE", "requestId", "itemId"),
        ("operation: CREATE", "requesterId", "itemId"),
        ("operation: CREATE", "requesterId", "instanceId"),
        ("operation: CREATE", "patronGroupId", "itemId"),
    ],
    "requestQueue": [("instanceId",), ("itemId",)],
    "reorderQueue": [("instanceId", "queue"), ("itemId", "queue")],
    "renew": [("itemBarcode", "userBarcode"), ("itemId", "userId")],
    **{
        name: [("accountIds",)]
        for name in (
            "feeFinesActionCheck",
            "payFeeFines",
            "waiveFeeFines",
            "transferFeeFines",
            "refundFeeFines",
            "cancelFeeFines",
        )
    },
}


def sample_values(library: Library) -> dict[str, Sequence[str | int]]:
    """Return ids, barcodes and other values of the library by kind; no list is empty."""
    items = sorted(library.items.values(), key=lambda item: item["status"]["name"] != "Available")
    items = [*items[: MAX_PER_KIND // 2], *(library.items[loan["itemId"]] for loan in open_loans(library))][
        :MAX_PER_KIND
    ]
    holdings = [library.holdings[item["holdingsRecordId"]] for item in items]
    patrons = [each for each in library.users.values() if each.get("type", "patron") == "patron"]
    borrowers = [library.users[loan["userId"]] for loan in open_loans(library)]
    users = [*patrons[20 : 20 + MAX_PER_KIND // 2], *borrowers][:MAX_PER_KIND]
    open_requests = [each for each in library.requests.values() if each["status"].startswith("Open")]
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
        ][:MAX_PER_KIND],
        "loans": [loan["id"] for loan in open_loans(library)],
        "requests": [each["id"] for each in open_requests][:MAX_PER_KIND],
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
    collections = {
        "accounts": library.accounts,
        "address types": library.address_types,
        "batches": library.batch_requests,
        "cancellation reasons": library.cancellation_reasons,
        "fee fine owners": library.fee_fine_owners,
        "fee fine types": library.fee_fine_types,
        "manual blocks": library.manual_blocks,
        "loan types": library.loan_types,
        "locations": library.locations,
        "material types": library.material_types,
        "mediated requests": library.mediated_requests,
        "patron groups": library.groups,
    }
    values.update((kind, list(collection)[:MAX_PER_KIND]) for kind, collection in collections.items())
    return {kind: entries for kind, entries in values.items() if entries}


def open_loans(library: Library) -> list[Record]:
    return [each for each in library.open_loans() if "userId" in each][: MAX_PER_KIND // 2]


def argument_paths() -> Iterator[tuple[str, str | None]]:
    """Yield each argument as `Type.field.argument`, input fields dotted, `[*]` for lists, and its kind."""
    for kind in GRAPH.type_map.values():
        if isinstance(kind, graphql.GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                for argument, declared in field.args.items():
                    path = f"{kind.name}.{name}.{argument}"
                    yield from leaves(path, argument, name, declared.type)


def leaves(
    path: str, name: str, field: str, declared: graphql.GraphQLInputType
) -> Iterator[tuple[str, str | None]]:
    inner = get_nullable_type(declared)
    if isinstance(inner, graphql.GraphQLList):
        yield from leaves(f"{path}[*]", name, field, inner.of_type)
    elif isinstance(inner, graphql.GraphQLInputObjectType):
        for member, part in inner.fields.items():
            yield from leaves(f"{path}.{member}", member, field, part.type)
    else:
        default = "other ids" if inner == graphql.GraphQLID else None
        yield path, KINDS_BY_FIELD.get((name, field)) or KINDS.get(name) or default


def bound_arguments(values: Collection[str]) -> dict[str, str]:
    """Return the kind of each argument that has values; `*.*` is any field.

    Arguments of one kind in all fields have one entry, because schemathesis reads all entries for each case.
    """
    kinds: dict[str, dict[str, str]] = defaultdict(dict)
    for path, kind in argument_paths():
        argument = path.split(".", 2)[2]
        kinds[argument][path] = kind if kind in values and kind is not None else ""
    bound: dict[str, str] = {}
    for argument, paths in kinds.items():
        if len(set(paths.values())) == 1:
            bound[f"*.*.{argument}"] = next(iter(paths.values()))
        else:
            bound |= paths
    return {path: kind for path, kind in bound.items() if kind}


def configuration() -> SchemathesisConfig:
    from schemathesis.config import SchemathesisConfig

    values = sandbox_values()
    bound = {
        path: {"dictionary": kind, "probability": BOUND_PROBABILITY}
        for path, kind in bound_arguments(values).items()
    }
    return SchemathesisConfig.from_dict(
        {
            "dictionaries": {kind: {"values": entries} for kind, entries in values.items()},
            "parameters": bound,
            "generation": {
                "dictionaries": {
                    "string": {"dictionary": "plain texts", "probability": PLAIN_TEXT_PROBABILITY}
                }
            },
        }
    )


@cache
def sandbox_values() -> dict[str, Sequence[str | int]]:
    return sample_values(create_sandbox().library("diku"))


@cache
def schemathesis_schema() -> GraphQLSchema:
    import schemathesis

    for name, strategy in SCALARS.items():
        schemathesis.graphql.scalar(name, strategy.map(schemathesis.graphql.nodes.String))
    # schemathesis runs the introspection in a way that graphql-core rejects for a schema with @defer.
    without_defer = graphql.GraphQLSchema(
        GRAPH.query_type,
        GRAPH.mutation_type,
        types=list(GRAPH.type_map.values()),
        directives=[each for each in GRAPH.directives if each.name != "defer"],
    )
    return schemathesis.graphql.from_file(graphql.print_schema(without_defer), config=configuration())


class GeneratedFields(Mapping[str, st.SearchStrategy[str]]):
    """For each field of `Query` or `Mutation`, a strategy of documents that select it alone.

    Negative ones contain one value that the schema excludes; fields without arguments have none. A strategy
    is created when it is used: the names alone are enough to collect the tests.
    """

    def __init__(self, *roots: str, is_negative: bool = False, without: Collection[str] = ()) -> None:
        self.is_negative = is_negative
        self._roots: dict[str, str] = {}
        for root in roots:
            root_type = GRAPH.type_map[root]
            assert isinstance(root_type, graphql.GraphQLObjectType)
            for name, field in root_type.fields.items():
                if name not in without and (field.args or not is_negative):
                    self._roots[name] = root
        self._strategies: dict[str, st.SearchStrategy[str]] = {}

    def __getitem__(self, name: str) -> st.SearchStrategy[str]:
        if name not in self._strategies:
            self._strategies[name] = self._create(name)
        return self._strategies[name]

    def _create(self, name: str) -> st.SearchStrategy[str]:
        from schemathesis.generation import GenerationMode

        operation = schemathesis_schema()[self._roots[name]][name]
        if self.is_negative:
            return operation.as_strategy(GenerationMode.NEGATIVE).map(lambda case: str(case.body))
        return documents(operation.as_strategy(GenerationMode.POSITIVE), name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._roots)

    def __len__(self) -> int:
        return len(self._roots)


def documents(cases: st.SearchStrategy[Case[Any]], field: str) -> st.SearchStrategy[str]:
    """Return a strategy of documents with exactly one of the alternative sets of arguments."""
    alternatives = ONE_OF.get(field)
    if alternatives is None:
        return cases.map(lambda case: str(case.body))
    choices = [
        st.fixed_dictionaries({argument_name(name): literals(name, field) for name in names})
        for names in alternatives
    ]
    exclusive = {argument_name(name) for names in alternatives for name in names}
    return st.builds(
        lambda case, literals_by_name: replace_arguments(str(case.body), exclusive, literals_by_name),
        cases,
        st.one_of(choices),
    )


def argument_name(alternative: str) -> str:
    """Return the name of an argument, which stands before its literal if it has a fixed one."""
    return alternative.partition(": ")[0]


def literals(name: str, field: str) -> st.SearchStrategy[str]:
    """Return a strategy of sample values of an argument, as literals of a document."""
    if literal := name.partition(": ")[2]:
        return st.just(literal)
    values = sandbox_values()
    if name == "queue":
        ids_strategy = st.lists(st.sampled_from(values["requests"]), min_size=1, max_size=3)
        return ids_strategy.map(
            lambda ids: "".join(
                [
                    "[",
                    *(f'{{id: "{id}", newPosition: {position}}}' for position, id in enumerate(ids, 1)),
                    "]",
                ]
            )
        )
    if name == "accountIds":
        return st.lists(st.sampled_from(values["accounts"]), min_size=1, max_size=3, unique=True).map(
            json.dumps
        )
    return st.sampled_from(values[KINDS_BY_FIELD.get((name, field)) or KINDS[name]]).map(json.dumps)


def replace_arguments(document: str, exclusive: Collection[str], literals_by_name: Mapping[str, str]) -> str:
    """Replace the arguments of these names in the root field by the given literals."""
    operation = graphql.parse(document)
    field = root_field(operation)
    (definition,) = operation.definitions
    assert isinstance(definition, graphql.OperationDefinitionNode)
    values = [
        (graphql.NameNode(value=name), graphql.parse_value(literal))
        for name, literal in literals_by_name.items()
    ]
    if definition.operation is graphql.OperationType.MUTATION:
        (argument,) = field.arguments or ()
        assert isinstance(argument.value, graphql.ObjectValueNode)
        members = [each for each in argument.value.fields if each.name.value not in exclusive]
        members += [graphql.ObjectFieldNode(name=name, value=value) for name, value in values]
        arguments = [replace(argument, value=replace(argument.value, fields=tuple(members)))]
    else:
        arguments = [each for each in field.arguments or () if each.name.value not in exclusive]
        arguments += [graphql.ArgumentNode(name=name, value=value) for name, value in values]
    selected = graphql.print_ast(replace(field, arguments=tuple(arguments)))
    return f"{definition.operation.value} {{ {selected} }}"


def root_field(document: graphql.DocumentNode) -> graphql.FieldNode:
    (operation,) = document.definitions
    assert isinstance(operation, graphql.OperationDefinitionNode)
    (field,) = operation.selection_set.selections
    assert isinstance(field, graphql.FieldNode)
    return field


def merge_mutations(documents: Sequence[str]) -> str:
    """Merge documents into one mutation with the fields `_0`, `_1`, ..., each with its `__typename`."""
    fields = [graphql.print_ast(root_field(graphql.parse(document))) for document in documents]
    aliased = [f"_{number}: {field.removesuffix('}')} __typename }}" for number, field in enumerate(fields)]
    return f"mutation {{ {' '.join(aliased)} }}"

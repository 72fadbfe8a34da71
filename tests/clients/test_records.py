"""Assumptions of clients that cache by type and id: a record is unique, and `__typename` costs nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    NameNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
    print_ast,
    visit,
)

from gateway.graph import schema
from tests.gateway_under_test import Json, open_gateway
from tests.manual.pages import EXAMPLES, Example
from tests.semantic_nulls import Nulls
from tests.widest import selection

pytestmark = pytest.mark.anyio

# The documents of these tests exceed the default limits.
WIDE: dict[str, Any] = {
    "max_cost": 100_000,
    "max_result_nodes": 10_000_000,
    "max_nodes": 100_000,
    "max_tokens": 100_000,
    "max_depth": 100,
}
# None of their arguments is required, but one of several is.
ONE_OF_SEVERAL = {"requestQueue", "allowedServicePoints", "appliedPolicies"}

Seen = dict[
    tuple[str, str], dict[str, dict[str, set[str]]]
]  # of a record, by path: values, and the paths of each


class Typenames(Visitor):
    """Adds `__typename` to each selection but the operation's, as Apollo Client and urql do."""

    def leave_selection_set(self, node: SelectionSetNode, _key: object, parent: Node, *_: object) -> Json:
        if isinstance(parent, OperationDefinitionNode):
            return None
        typename = FieldNode(name=NameNode(value="__typename"))
        return SelectionSetNode(selections=(*node.selections, typename))


def with_typenames(document: str) -> str:
    return print_ast(visit(parse(document), Typenames()))


def selectable(kind: GraphQLObjectType) -> Iterator[tuple[str, GraphQLField]]:
    """Return the fields of a type that need no argument."""
    for name, field in kind.fields.items():
        if name not in ONE_OF_SEVERAL and not any(map(is_required_argument, field.args.values())):
            yield name, field


def in_full(kind: GraphQLObjectType, links: int = 1, within: tuple[str, ...] = ()) -> str:
    """Return a selection of all members of a record, and of its linked records, but not of pages of them."""
    parts = ["__typename"]
    for name, field in selectable(kind):
        target = get_named_type(field.type)
        if is_leaf_type(target):
            parts.append(name)
        elif not isinstance(target, GraphQLObjectType) or target.name.endswith("Connection"):
            continue
        elif "id" not in target.fields and target.name not in within:
            parts.append(f"{name} {in_full(target, links, (*within, target.name))}")
        elif "id" in target.fields and links:
            parts.append(f"{name} {in_full(target, links - 1)}")
    return f"{{ {' '.join(parts)} }}"


def lists() -> Iterator[tuple[str, GraphQLObjectType]]:
    """Return the lists of the graph as queries, with the type of their records."""
    query = schema._schema.query_type
    assert query is not None
    for name, field in selectable(query):
        page = get_named_type(field.type)
        if isinstance(page, GraphQLObjectType) and "nodes" in page.fields:
            node = get_named_type(page.fields["nodes"].type)
            assert isinstance(node, GraphQLObjectType)
            yield (f"{name}(first: 30)" if "first" in field.args else name), node


def note(seen: Seen, value: Json, where: str) -> None:
    """Record the values of each record in a response."""
    if isinstance(value, list):
        for each in value:
            note(seen, each, where)
    elif isinstance(value, dict):
        if value.get("id"):
            for path, member in leaves(value):
                seen[value["__typename"], value["id"]][path][repr(member)].add(where)
        for name, each in value.items():
            note(seen, each, f"{where}.{name}")


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield the plain values of a record and its objects, up to its linked records."""
    for name, each in value.items():
        if isinstance(each, dict):
            if not each.get("id"):
                yield from leaves(each, f"{path}{name}.")
        elif not (isinstance(each, list) and any(isinstance(entry, dict) for entry in each)):
            yield f"{path}{name}", each


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Use one event loop for this file, whose tests share the collected values."""
    return "asyncio"


def wide_queries() -> Iterator[tuple[str, str]]:
    """Return queries of all records, complete with their links, and as embedded in their parents."""
    for written, kind in lists():
        for selected in (in_full(kind), selection(kind.name)):
            yield written, with_typenames(f"{{ {written} {{ totalCount nodes {selected} }} }}")


@pytest.fixture(scope="module", name="responses")
async def _responses() -> list[tuple[str, str, Json]]:
    """Collect the responses to these queries, each with its list and its query."""
    async with open_gateway(**WIDE) as gateway:
        staff = gateway.as_staff("head")
        return [
            (written, query, await gateway.data(query, headers=staff)) for written, query in wide_queries()
        ]


@pytest.fixture(scope="module", name="seen")
def _seen(responses: list[tuple[str, str, Json]]) -> Seen:
    """Collect the records in them."""
    seen: Seen = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
    for written, _, data in responses:
        note(seen, data, written)
    return seen


async def test_promised_values_are_there(responses: list[tuple[str, str, Json]]) -> None:
    """Of the fields with `@semanticNonNull`, none is null: the responses have no errors."""
    fields = set[str]()
    for _, query, data in responses:
        nulls = Nulls(query, {"data": data})
        assert nulls.unexplained() == [], query
        fields |= nulls.seen
    assert len(fields) > 150


async def test_a_record_is_the_same_on_every_path(seen: Seen) -> None:
    """Members embedded in a loan equal those of the item, so that responses do not overwrite each other."""
    contradictions = {
        (record, path): dict(values)
        for record, paths in seen.items()
        for path, values in paths.items()
        if len(values) > 1
    }
    assert contradictions == {}
    several = sum(
        len(set[str]().union(*values.values())) > 1 for paths in seen.values() for values in paths.values()
    )
    assert several > 2_500  # the number of values on several paths


async def test_an_id_is_shared_only_by_a_record_and_its_copies(seen: Seen) -> None:
    """Type and id identify a record. A copy with the same id has another type."""
    types = defaultdict(set)
    for kind, key in seen:
        types[key].add(kind)

    assert {frozenset(kinds) for kinds in types.values() if len(kinds) > 1} == {
        frozenset({"Item", "LoanItem"}),
        frozenset({"Item", "ItemInTransit"}),
        frozenset({"Location", "ItemLocation"}),
        frozenset({"StaffSlipTemplate", "ServicePointStaffSlip"}),
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
async def test_typenames_cost_no_call(example: Example) -> None:
    """A query with `__typename` everywhere makes the same upstream calls."""
    calls = []
    for document in (example.query, with_typenames(example.query)):
        async with open_gateway() as gateway:
            data = await gateway.data(document, example.variables, gateway.as_staff("head"))
            calls.append(sorted((call.method, call.path, str(call.query)) for call in gateway.calls))
    assert "__typename" in str(data)
    assert calls[0] == calls[1]

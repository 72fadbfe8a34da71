"""Nulls in a response where the schema has `@semanticNonNull` and no error explains them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
)

from gateway.fields.nullability import semantic_levels
from gateway.graph import schema

CORE = schema._schema
Json = Any  # a response of any shape
Path = tuple[str | int, ...]


@cache
def levels_of(kind: str, name: str) -> frozenset[int]:
    """Return the levels of a field, by the names of its type and its own."""
    declared = CORE.type_map[kind]
    assert isinstance(declared, GraphQLObjectType)
    return frozenset(semantic_levels(declared.fields[name]))


class Nulls:
    """The nulls of one response; `seen` are the annotated fields that have a value in it."""

    def __init__(self, query: str, response: Json) -> None:
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.response = response
        self.errors = [tuple(each["path"]) for each in response.get("errors", ()) if "path" in each]
        self.seen: set[str] = set()
        document: DocumentNode = parse(query)
        for each in document.definitions:
            if isinstance(each, FragmentDefinitionNode):
                self.fragments[each.name.value] = each
        (self.operation,) = (
            each for each in document.definitions if isinstance(each, OperationDefinitionNode)
        )

    def unexplained(self) -> list[Path]:
        """Return the places of nulls that are promised to have an error, and have none."""
        root = CORE.get_root_type(self.operation.operation)
        data = self.response.get("data")
        if root is None or data is None:
            return []
        return list(self._of_object(root, [self.operation.selection_set], data, ()))

    def _of_object(
        self, kind: GraphQLNamedType, selections: list[SelectionSetNode], data: Json, path: Path
    ) -> Iterator[Path]:
        nodes: dict[str, list[tuple[GraphQLObjectType, FieldNode]]] = {}
        for selection in selections:
            for parent, node in self._fields(kind, selection):
                nodes.setdefault((node.alias or node.name).value, []).append((parent, node))
        for name, places in nodes.items():
            if name not in data or places[0][1].name.value.startswith("__"):
                continue  # left out by a condition, or of another member of the union
            parent, node = places[0]
            levels = frozenset.intersection(
                *(levels_of(each.name, field.name.value) for each, field in places)
            )
            below = [field.selection_set for _, field in places if field.selection_set]
            if data[name] is not None and levels:
                self.seen.add(f"{parent.name}.{node.name.value}")
            yield from self._of_value(
                parent.fields[node.name.value], levels, below, data[name], (*path, name), 0
            )

    def _of_value(
        self,
        field: GraphQLField,
        levels: frozenset[int],
        below: list[SelectionSetNode],
        value: Json,
        path: Path,
        level: int,
    ) -> Iterator[Path]:
        if value is None:
            if level in levels and not any(error[: len(path)] == path for error in self.errors):
                yield path
        elif isinstance(value, list):
            for number, each in enumerate(value):
                yield from self._of_value(field, levels, below, each, (*path, number), level + 1)
        elif below:
            yield from self._of_object(get_named_type(field.type), below, value, path)

    def _fields(
        self, kind: GraphQLNamedType, selection: SelectionSetNode
    ) -> Iterator[tuple[GraphQLObjectType, FieldNode]]:
        """Yield the fields of a selection, each with the type that it is of."""
        for node in selection.selections:
            if isinstance(node, FieldNode):
                if isinstance(kind, GraphQLObjectType):
                    yield kind, node
                continue
            inner: Any = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(inner, InlineFragmentNode | FragmentDefinitionNode)
            condition = inner.type_condition
            narrowed = CORE.type_map[condition.name.value] if condition is not None else kind
            yield from self._fields(
                kind if isinstance(narrowed, GraphQLUnionType) else narrowed, inner.selection_set
            )


def unexplained_nulls(query: str, response: Json) -> list[Path]:
    """Return the places of annotated fields that are null without an error."""
    return Nulls(query, response).unexplained()

"""The widest selection that reads only the record itself: every member, and the embedded members of links."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphql import GraphQLNamedType, GraphQLObjectType, GraphQLUnionType, get_named_type, is_leaf_type

from gateway.fields.link import EmbeddedLink, Link, ManyLink
from gateway.fields.record import DerivedField, PartField, RecordField, SourceSpecificField
from gateway.graph import schema

TYPES = schema._schema.type_map
SLICES = {"nodes", "totalCount"}

Tree = dict[str, Any]  # a selection: names, and the selection of each


def selection(name: str) -> str:
    """Return the selection of a type by name, with its braces."""
    return _text(_tree(TYPES[name]))


def _tree(kind: GraphQLNamedType) -> Tree:
    if isinstance(kind, GraphQLUnionType):
        return {f"... on {each.name}": _tree(each) for each in kind.types if each.name != "Refusal"}
    if not isinstance(kind, GraphQLObjectType):
        return {}
    tree: Tree = {}
    for name, declared in kind.fields.items():
        definition = declared.extensions.get("strawberry-definition")
        target = get_named_type(declared.type)
        if isinstance(definition, SourceSpecificField | PartField) and definition.dropped_by_bff:
            continue
        if isinstance(definition, EmbeddedLink):
            tree[name] = {"id": {}, "name": {}}
        elif isinstance(definition, ManyLink):
            tree[name] = {"id": {}}
        elif isinstance(definition, Link):
            if embedded := _embedded(target, definition.embedded):
                tree[name] = embedded
            if ("id",) in definition.embedded:
                tree[f"{name}_id: {name}"] = {"id": {}}  # free even if the rest of the summary is absent
        elif isinstance(definition, RecordField | DerivedField) or name in SLICES or _of_a_result(kind):
            tree[name] = {} if is_leaf_type(target) else _tree(target)
    return tree


def _of_a_result(kind: GraphQLObjectType) -> bool:
    """Return True for a result type of a mutation, with plain fields."""
    return any(
        isinstance(union, GraphQLUnionType) and kind in union.types
        for union in TYPES.values()
        if union.name.endswith("Result")
    )


def _embedded(target: GraphQLNamedType, embedded: Iterable[tuple[str, ...]]) -> Tree:
    tree: Tree = {}
    for path in embedded:
        here, there = tree, target
        steps = _names(there, path)
        if steps is None:
            continue
        for name, kind in steps:
            here = here.setdefault(name, {})
            there = kind
        if not is_leaf_type(there) and not here:
            here.update(_tree(there))
    return tree


def _names(kind: GraphQLNamedType, path: tuple[str, ...]) -> list[tuple[str, GraphQLNamedType]] | None:
    """Return the fields for a member, including links by their key; None if there are none."""
    steps: list[tuple[str, GraphQLNamedType]] = []
    linked = False
    for key in path:
        match = _field(kind, key)
        if match is None:
            return None
        name, kind, linked = match
        steps.append((name, kind))
    return [*steps, ("id", TYPES["ID"])] if linked and path[-1][-1] != ">" else steps


def _field(kind: GraphQLNamedType, key: str) -> tuple[str, GraphQLNamedType, bool] | None:
    """Return the field for a member, the type of its value, and True if it is a link."""
    for name, declared in getattr(kind, "fields", {}).items():
        definition = declared.extensions.get("strawberry-definition")
        if isinstance(definition, RecordField) and definition.key == key:
            return name, get_named_type(declared.type), False
        if isinstance(definition, Link) and (definition.key == (key,) or f"{name}>" == key):
            return name, get_named_type(declared.type), True
    return None


def _text(tree: Tree) -> str:
    if not tree:
        return ""
    return "{ " + " ".join(f"{name} {_text(below)}".strip() for name, below in tree.items()) + " }"

"""The part of a selection that decides how its records are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from gateway.context import Info
from gateway.engine.core import declaration_of, raw_info
from gateway.fields.base import DROPPED_BY_BFF, Field, Path, Selected

_ANYTHING: Path = ("*",)  # no parent embeds it, so a selection of such a field loads its record


class Document(NamedTuple):
    """The fragments and variables of a selection. Without variables, conditions leave nothing out."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any] | None = None  # Any: values of variables


def analyze_selection(
    declaration: Field, field: GraphQLField, nodes: Sequence[FieldNode], document: Document
) -> Selected:
    """Return what the selection below a field decides."""
    selections = _below(nodes)
    target = get_named_type(field.type)
    if not isinstance(target, GraphQLObjectType):
        return Selected(frozenset())
    if not declaration.selects_nodes:
        needs = frozenset(_needs(target, selections, document))
        return Selected(needs, is_direct=DROPPED_BY_BFF in needs)
    fields = list(_fields_in(selections, document))
    edges = _below([node for node in fields if node.name.value == "edges"])
    records = [node for node in fields if node.name.value == "nodes"]
    records += [node for node in _fields_in(edges, document) if node.name.value == "node"]
    record = get_named_type(target.fields["nodes"].type)
    needs = frozenset(_needs(record, _below(records), document))
    names = frozenset(node.name.value for node in fields)
    return Selected(needs, names, DROPPED_BY_BFF in needs)


def get_selected(info: Info, declaration: Field) -> Selected:
    """Return the same for a field that is being resolved.

    It is kept by operation and variables, because it depends on both. The entry holds them, so that no other
    operation in this context has their ids.
    """
    raw = raw_info(info)
    cache, key = info.context.selections, (id(raw.operation), id(raw.variable_values))
    entry = cache.get(key)
    if entry is None:
        entry = cache[key] = (raw.operation, raw.variable_values, {})
    nodes = tuple(map(id, raw.field_nodes))
    selection = entry[2].get(nodes)
    if selection is None:
        field = raw.parent_type.fields[raw.field_name]
        document = Document(raw.fragments, cast("Mapping[str, Any]", raw.variable_values))
        selection = entry[2][nodes] = analyze_selection(declaration, field, raw.field_nodes, document)
    return selection


def _fields_in(selections: Iterable[SelectionNode], document: Document) -> Iterator[FieldNode]:
    """The field nodes of a selection and of its fragments, but for those that a condition leaves out."""
    for selection in selections:
        if _is_left_out(selection.directives or (), document.variables):
            continue
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields_in(selection.selection_set.selections, document)
        elif isinstance(selection, FragmentSpreadNode):
            fragment = document.fragments[selection.name.value]
            yield from _fields_in(fragment.selection_set.selections, document)


def _needs(target: Any, selections: Iterable[SelectionNode], document: Document) -> Iterator[Path]:
    for node in _fields_in(selections, document):
        name = node.name.value
        if name.startswith("__"):
            continue
        field: GraphQLField = target.fields[name]
        declaration = declaration_of(field)
        reads = getattr(declaration, "reads", None)
        if reads is None:
            yield _ANYTHING
            continue
        yield from declaration.requires
        if declaration.reads_objects and isinstance(get_nullable_type(field.type), GraphQLObjectType):
            below = tuple(_needs(get_named_type(field.type), _below([node]), document))
            # If nothing is read of an object (`__typename`), it still matters whether there is one.
            yield from ((*reads[0], *path) for path in below or ((),))
        else:
            yield from reads


def _below(nodes: Sequence[FieldNode]) -> list[SelectionNode]:
    sets: list[SelectionSetNode] = [node.selection_set for node in nodes if node.selection_set is not None]
    return [selection for each in sets for selection in each.selections]


def _is_left_out(directives: Sequence[DirectiveNode], variables: Mapping[str, Any] | None) -> bool:
    if variables is None:
        return False
    for directive in directives:
        name = directive.name.value
        if name not in ("skip", "include"):
            continue
        value = next(argument.value for argument in directive.arguments or ())
        if isinstance(value, VariableNode):
            condition = variables.get(value.name.value)
        else:
            condition = getattr(value, "value", None)
        if bool(condition) is (name == "skip"):
            return True
    return False

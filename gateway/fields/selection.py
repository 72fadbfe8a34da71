"""The part of a selection that decides how its records are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionNode,
    get_named_type,
    get_nullable_type,
    value_from_ast_untyped,
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
    target = get_named_type(field.type)
    if not isinstance(target, GraphQLObjectType):
        return Selected()
    names = frozenset[str]()
    if declaration.selects_nodes:
        fields = list(fields_below(nodes, document))
        names = frozenset(node.name.value for node in fields)
        edges = [node for node in fields if node.name.value == "edges"]
        fields += fields_below(edges, document)
        nodes = [node for node in fields if node.name.value in ("nodes", "node")]
        target = get_named_type(target.fields["nodes"].type)
    needs = frozenset(_needs(target, nodes, document))
    return Selected(needs, names, DROPPED_BY_BFF in needs)


def get_selected(info: Info, declaration: Field) -> Selected:
    """Return the same for a field that is being resolved.

    It is kept by nodes, operation and variables, because it depends on all. The entry holds them, so that no
    others in this context have their ids.
    """
    raw = raw_info(info)
    on = (*raw.field_nodes, raw.operation, raw.variable_values)
    cache, key = info.context.selections, tuple(map(id, on))
    if key not in cache:
        field = raw.parent_type.fields[raw.field_name]
        document = Document(raw.fragments, cast("Mapping[str, Any]", raw.variable_values))
        cache[key] = analyze_selection(declaration, field, raw.field_nodes, document), on
    selected: Selected = cache[key][0]
    return selected


def _needs(target: Any, nodes: Sequence[FieldNode], document: Document) -> Iterator[Path]:
    """The members of a type that the selections below nodes read."""
    for node in fields_below(nodes, document):
        name = node.name.value
        if name.startswith("__"):
            continue
        field: GraphQLField = target.fields[name]
        declaration = declaration_of(field)
        reads = getattr(declaration, "reads", None)
        if reads is None:
            yield _ANYTHING
            continue
        first, *others = reads
        yield from others
        if declaration.reads_objects and isinstance(get_nullable_type(field.type), GraphQLObjectType):
            below = tuple(_needs(get_named_type(field.type), [node], document))
            # If nothing is read of an object (`__typename`), it still matters whether there is one.
            yield from (path if path == DROPPED_BY_BFF else (*first, *path) for path in below or ((),))
        else:
            yield first


def fields_below(
    nodes: Iterable[FieldNode | InlineFragmentNode | FragmentDefinitionNode], document: Document
) -> Iterator[FieldNode]:
    """The field nodes below nodes, in fragments too, but for those that a condition leaves out."""
    for node in nodes:
        for selection in () if node.selection_set is None else node.selection_set.selections:
            if _is_left_out(selection, document.variables):
                continue
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                yield from fields_below([selection], document)
            elif isinstance(selection, FragmentSpreadNode):
                yield from fields_below([document.fragments[selection.name.value]], document)


def _is_left_out(selection: SelectionNode, variables: Mapping[str, Any] | None) -> bool:
    for directive in selection.directives or ():
        name = directive.name.value
        if variables is not None and name in ("skip", "include"):
            (argument,) = directive.arguments or ()
            if bool(value_from_ast_untyped(argument.value, dict(variables))) is (name == "skip"):
                return True
    return False

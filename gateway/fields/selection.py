"""What a selection needs of a record, so that a link can tell whether its parent carries it already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, cast

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from gateway.context import Context, Info
from gateway.engine.core import raw_info
from gateway.fields.record import Path, RecordField, SourceSpecificField
from gateway.loaders import Loaders

Needs = frozenset[Path]
# By the ids of operation and variables, both of them, and what is needed below field nodes by their ids.
NeedsCache: TypeAlias = dict[tuple[int, int], tuple[object, object, dict[tuple[int, ...], Needs]]]
ResolveInfo: TypeAlias = GraphQLResolveInfo[Context]

_DEFINITION = "strawberry-definition"
_ANYTHING: Path = ("*",)  # nobody carries it, so whoever selects such a field asks upstream
_DROPPED_BY_BFF: Path = ("circulation>",)  # the BFF does not send it, circulation itself does
_NODES = 0  # begins the key under which the needs of a connection's records are kept: no node has this id


def needs_of(info: Info) -> Needs:
    """Return the members of the target record that the selection below this field reads."""
    raw = raw_info(info)
    cache = _cache(info.context, raw)
    nodes = tuple(map(id, raw.field_nodes))
    needs = cache.get(nodes)
    if needs is None:
        target = get_named_type(raw.return_type)
        selections = _below(raw.field_nodes)
        needs = frozenset(_needs(target, selections, raw)) if _plain(target) else frozenset()
        cache[nodes] = needs
    return needs


def _cache(context: Context, raw: ResolveInfo) -> dict[tuple[int, ...], Needs]:
    """Return the needs of one execution: what is needed depends on the operation and on its variables.

    The entry holds both, so that no other operation in this context has their ids.
    """
    key = (id(raw.operation), id(raw.variable_values))
    entry = context.needs.get(key)
    if entry is None:
        entry = context.needs[key] = (raw.operation, raw.variable_values, {})
    return entry[2]


def needs_below(field: GraphQLField, nodes: Sequence[FieldNode], info: Any) -> Needs:
    """The same for a field that is not being resolved. Any: `info` has `fragments` and `variable_values`."""
    target = get_named_type(field.type)
    return frozenset(_needs(target, _below(nodes), info)) if _plain(target) else frozenset()


def needs_of_nodes(info: Info) -> Needs:
    """Return the members that the selection reads of the records of a connection."""
    raw = raw_info(info)
    cache = _cache(info.context, raw)
    nodes = (_NODES, *map(id, raw.field_nodes))
    needs = cache.get(nodes)
    if needs is None:
        fields = cast(GraphQLObjectType, get_named_type(raw.return_type)).fields
        target = get_named_type(fields["nodes"].type)
        selected = list(fields_in(_below(raw.field_nodes), raw))
        edges = _below([node for node in selected if node.name.value == "edges"])
        records = [node for node in selected if node.name.value == "nodes"]
        records += [node for node in fields_in(edges, raw) if node.name.value == "node"]
        needs = cache[nodes] = frozenset(_needs(target, _below(records), raw))
    return needs


def loaders_for(info: Info, needs: Needs) -> Loaders:
    """The loaders of the interface that sends what is needed: the BFF where it does, else circulation."""
    loaders = info.context.loaders
    return loaders.direct if dropped_by_bff(needs) else loaders


def dropped_by_bff(needs: Needs) -> bool:
    """Whether something is needed that the BFF leaves out of its loans and requests."""
    return _DROPPED_BY_BFF in needs


def selected_fields(info: Info) -> frozenset[str]:
    """The names of the fields selected directly below this one, fragments included."""
    raw = raw_info(info)
    return frozenset(node.name.value for node in fields_in(_below(raw.field_nodes), raw))


def fields_in(selections: Iterable[SelectionNode], info: ResolveInfo) -> Iterator[FieldNode]:
    """The field nodes of a selection: fragments opened, what `@skip` and `@include` leave out left out."""
    for selection in selections:
        if _left_out(selection.directives or (), info):
            continue
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from fields_in(selection.selection_set.selections, info)
        elif isinstance(selection, FragmentSpreadNode):
            fragment = info.fragments[selection.name.value]
            yield from fields_in(fragment.selection_set.selections, info)


def _needs(target: Any, selections: Iterable[SelectionNode], info: ResolveInfo) -> Iterator[Path]:
    for node in fields_in(selections, info):
        name = node.name.value
        if name.startswith("__"):
            continue
        declared = target.fields[name]
        definition: Any = declared.extensions.get(_DEFINITION)  # Any: Strawberry puts it there untyped
        if isinstance(definition, SourceSpecificField) and definition.dropped_by_bff:
            yield _DROPPED_BY_BFF
        if not hasattr(definition, "needs"):
            yield _ANYTHING
        elif isinstance(definition, RecordField) and _plain(get_nullable_type(declared.type)):
            below = tuple(_needs(get_named_type(declared.type), _below([node]), info))
            # Where nothing is read of an object (`__typename`), it still matters whether there is one.
            yield from ((definition.key, *path) for path in below or ((),))
        else:
            yield from definition.needs


def _plain(target: object) -> bool:
    return isinstance(target, GraphQLObjectType)


def _below(nodes: Sequence[FieldNode]) -> list[SelectionNode]:
    sets: list[SelectionSetNode] = [node.selection_set for node in nodes if node.selection_set is not None]
    return [selection for each in sets for selection in each.selections]


def _left_out(directives: Sequence[DirectiveNode], info: ResolveInfo) -> bool:
    variables: Any = info.variable_values  # Any: Strawberry hands resolvers the plain dictionary
    if variables is None:  # they are not known yet, and neither is what they leave out
        return False
    for directive in directives:
        name = directive.name.value
        if name not in ("skip", "include"):
            continue
        value = next(argument.value for argument in directive.arguments or ())
        condition = (
            variables.get(value.name.value)
            if isinstance(value, VariableNode)
            else getattr(value, "value", None)
        )
        if bool(condition) is (name == "skip"):
            return True
    return False

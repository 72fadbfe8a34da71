"""`@defer` in documents: where it stands, and the same document without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    REMOVE,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLDeferDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

_NAME = GraphQLDeferDirective.name


def may_defer(text: str) -> bool:
    """Whether it is worth looking for `@defer`: few documents have it."""
    return _NAME in text


def conditions_of_defer(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[bool | str, ...]:
    """For each `@defer` of a valid operation its `if`: a value, or the name of the variable that has it.

    What stands in a fragment counts wherever that is spread, as in the limits, which bound this walk too.
    """
    found: list[bool | str] = []
    open_sets = [operation.selection_set]
    while open_sets:
        for selection in open_sets.pop().selections:
            found += [_condition(each) for each in selection.directives or () if each.name.value == _NAME]
            below = None
            if isinstance(selection, FragmentSpreadNode):
                below = fragments[selection.name.value].selection_set
            elif isinstance(selection, FieldNode | InlineFragmentNode):
                below = selection.selection_set
            if below is not None:
                open_sets.append(below)
    return tuple(found)


def _condition(directive: DirectiveNode) -> bool | str:
    for argument in directive.arguments or ():
        if argument.name.value == "if":
            if isinstance(argument.value, VariableNode):
                return argument.value.name.value
            return isinstance(argument.value, BooleanValueNode) and argument.value.value
    return True


def without_defer(document: DocumentNode) -> DocumentNode:
    """The document whose answer comes in one piece: a server may always ignore `@defer`."""

    class Without(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
            return REMOVE if node.name.value == _NAME else None

    stripped: DocumentNode = visit(document, Without())
    return stripped

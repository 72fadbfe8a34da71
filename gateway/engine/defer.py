"""The directive `@defer` in documents: its conditions, and its removal."""

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
    """Return whether a text may have `@defer`. Few have, and the search costs little."""
    return _NAME in text


def defer_conditions(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[bool | str, ...]:
    """Return the `if` of each `@defer` of a valid operation: a value, or the name of a variable.

    Fragments count wherever they are spread, as in the limits, which bound this walk too.
    """
    conditions: list[bool | str] = []
    pending = [operation.selection_set]
    while pending:
        for selection in pending.pop().selections:
            conditions += [
                _condition(each) for each in selection.directives or () if each.name.value == _NAME
            ]
            nested = None
            if isinstance(selection, FragmentSpreadNode):
                nested = fragments[selection.name.value].selection_set
            elif isinstance(selection, FieldNode | InlineFragmentNode):
                nested = selection.selection_set
            if nested is not None:
                pending.append(nested)
    return tuple(conditions)


def _condition(directive: DirectiveNode) -> bool | str:
    for argument in directive.arguments or ():
        if argument.name.value == "if":
            if isinstance(argument.value, VariableNode):
                return argument.value.name.value
            return isinstance(argument.value, BooleanValueNode) and argument.value.value
    return True


def without_defer(document: DocumentNode) -> DocumentNode:
    """Return the document without `@defer`, which a server may always ignore."""

    class Stripper(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
            return REMOVE if node.name.value == _NAME else None

    stripped: DocumentNode = visit(document, Stripper())
    return stripped

"""`@defer` in documents: where it stands, and the same document without it."""

from __future__ import annotations

from typing import Any

from graphql import (
    REMOVE,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    GraphQLDeferDirective,
    VariableNode,
    Visitor,
    visit,
)

_NAME = GraphQLDeferDirective.name


def may_defer(text: str) -> bool:
    """Whether it is worth looking for `@defer`: few documents have it."""
    return _NAME in text


def conditions_of_defer(document: DocumentNode) -> tuple[bool | str, ...]:
    """For each `@defer` of a valid document its `if`: a value, or the name of the variable that has it."""
    found: list[bool | str] = []

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            if node.name.value != _NAME:
                return
            given = [argument.value for argument in node.arguments or () if argument.name.value == "if"]
            condition: bool | str = True
            if given and isinstance(given[0], VariableNode):
                condition = given[0].name.value
            elif given and isinstance(given[0], BooleanValueNode):
                condition = given[0].value
            found.append(condition)

    visit(document, Conditions())
    return tuple(found)


def without_defer(document: DocumentNode) -> DocumentNode:
    """The document whose answer comes in one piece: a server may always ignore `@defer`."""

    class Without(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
            return REMOVE if node.name.value == _NAME else None

    stripped: DocumentNode = visit(document, Without())
    return stripped

"""A rule of validation in the place of graphql-core's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import (
    SKIP,
    ArgumentNode,
    GraphQLError,
    GraphQLInputType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VisitorAction,
    validate_input_literal,
)


class LocatedValuesOfCorrectTypeRule(ValuesOfCorrectTypeRule):
    """Values must be of the correct type, and an error that a scalar raises says which value it is about.

    graphql-core reports such an error as it was raised: without a location and without the argument.
    """

    _name = ""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self._name = f"Argument '{node.name.value}"

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self._name = f"The default of variable '${node.variable.name.value}"

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        """Report what is wrong with a value and everything in it."""
        if input_type:

            def report(error: GraphQLError, path: Sequence[str | int]) -> None:
                if error.nodes is None:
                    name = "".join([self._name, *(f".{step}" for step in path)])
                    error = GraphQLError(f"{name}': {error.message}", _value_at(node, path))
                self.report_error(error)

            validate_input_literal(node, input_type, report, None, None, self.context.hide_suggestions)
        return SKIP


def _value_at(value: ValueNode, path: Sequence[str | int]) -> ValueNode:
    for step in path:
        if isinstance(value, ListValueNode) and isinstance(step, int):
            value = value.values[step]
        elif isinstance(value, ObjectValueNode):
            value = next(each.value for each in value.fields if each.name.value == step)
    return value

"""Where plans are kept: with the operation that they were made for, and gone when it is."""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from gateway.execution.plan import Plan

Plans = dict[Hashable, Plan | None]  # None: not to be planned

COMPILED_AT = 2  # the use of an operation that is compiled for: a text that is sent once is never worth it
MOST_VARIANTS = 16  # values of conditions that plans of one operation are kept for


@dataclass(slots=True, eq=False)
class OperationPlans:
    """The plans of one operation, by the values of the variables in its `@skip` and `@include`.

    It must not refer to the operation's node: the node's end is the end of this.
    """

    schema: GraphQLSchema
    conditions: tuple[str, ...]
    uses: int = 0
    variants: dict[tuple[object, ...], Plans] = field(default_factory=dict)


class PlanCache:
    """The plans of all operations whose nodes are alive."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[OperationDefinitionNode], OperationPlans]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def plans_for(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Iterable[FragmentDefinitionNode],
        variables: dict[str, object],
    ) -> Plans | None:
        """The plans for these values of conditions; None while the operation is not worth any."""
        key = id(operation)
        entry = self._kept.get(key)
        if entry is None or entry[0]() is not operation:
            conditions = tuple(sorted({*_conditions(operation.selection_set, fragments)}))
            entry = self._kept[key] = (
                weakref.ref(operation, lambda gone: self._drop(key, gone)),
                OperationPlans(schema, conditions),
            )
        plans = entry[1]
        plans.uses += 1
        if plans.uses < COMPILED_AT or plans.schema is not schema:
            return None
        values = tuple(variables.get(name) for name in plans.conditions)
        found = plans.variants.get(values)
        if found is None:
            if len(plans.variants) >= MOST_VARIANTS:
                return None
            found = plans.variants[values] = {}
        return found

    def _drop(self, key: int, gone: weakref.ref[OperationDefinitionNode]) -> None:
        entry = self._kept.get(key)
        if entry is not None and entry[0] is gone:
            del self._kept[key]


def _conditions(selections: SelectionSetNode, fragments: Iterable[FragmentDefinitionNode]) -> set[str]:
    """The variables that stand in a condition of the operation or of a fragment."""
    found: set[str] = set()
    open_sets = [selections, *(fragment.selection_set for fragment in fragments)]
    while open_sets:
        for each in open_sets.pop().selections:
            for directive in each.directives or ():
                if directive.name.value not in ("skip", "include"):
                    continue
                for argument in directive.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        found.add(argument.value.name.value)
            if isinstance(each, FieldNode | InlineFragmentNode) and each.selection_set is not None:
                open_sets.append(each.selection_set)
    return found

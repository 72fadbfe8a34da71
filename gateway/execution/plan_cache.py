"""Where plans are kept: with the operation that they were made for, and gone when it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, InlineFragmentNode, SelectionSetNode, VariableNode

from gateway.execution.compiler import Asked, planned
from gateway.execution.fallbacks import FALLBACKS
from gateway.execution.plan import NotPlanned, OperationPlan

MOST_VARIANTS = 16  # values of conditions that plans of one operation are kept for
_KEY = "by values of conditions"


@dataclass(slots=True, eq=False)
class Variants:
    """The plans of one operation, by the values of the variables in its `@skip` and `@include`."""

    conditions: tuple[str, ...]
    uses: int = 0
    plans: dict[tuple[object, ...], OperationPlan | None] = field(default_factory=dict)


def plan_of(
    kept: MutableMapping[Hashable, Any], asked: Asked, plan_after: int
) -> OperationPlan | None:
    """The plan for these values of conditions; None while the operation is not worth one, or for good.

    Any: what is kept is `Variants` here, and others may keep other things.
    """
    variants: Variants | None = kept.get(_KEY)
    if variants is None:
        operation = asked.operation
        conditions = _conditions(operation.node.selection_set, operation.fragment_definitions.values())
        variants = kept[_KEY] = Variants(tuple(sorted(set(conditions))))
    variants.uses += 1
    if variants.uses < plan_after:
        return None
    coerced = asked.variables.coerced
    values = tuple([coerced.get(name) for name in variants.conditions])
    try:
        return variants.plans[values]
    except KeyError:
        if len(variants.plans) >= MOST_VARIANTS:
            return None
    plan: OperationPlan | None = None
    try:
        plan = planned(asked)
    except NotPlanned:
        FALLBACKS.count("not planned")
    except Exception:  # the answer does not depend on it
        FALLBACKS.count("not compiled")
    variants.plans[values] = plan
    return plan


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

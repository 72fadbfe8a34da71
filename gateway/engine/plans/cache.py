"""Where plans are kept: with the operation that they were made for, and gone when it is."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Hashable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)

from gateway.engine.plans.compiler import Asked, Prepared, planned
from gateway.engine.plans.fallbacks import FALLBACKS
from gateway.engine.plans.plan import NotPlanned, OperationPlan
from gateway.errors import GatewayError

log = logging.getLogger(__name__)

MOST_VARIANTS = 16  # values of conditions that plans of one operation are kept for
_KEY = "by values of conditions"


@dataclass(slots=True, eq=False)
class Variants:
    """The plans of one operation, by the values of the variables in its `@skip` and `@include`."""

    conditions: tuple[str, ...]
    plans: dict[tuple[object, ...], OperationPlan | None] = field(default_factory=dict)


def plan_of(kept: MutableMapping[Hashable, Any], asked: Asked) -> OperationPlan | None:
    """The plan for these values of conditions; None while the operation is not worth one, or for good.

    Any: what is kept is `Variants` here, and others may keep other things.
    """
    variants: Variants | None = kept.get(_KEY)
    if variants is None:
        variants = kept[_KEY] = Variants(tuple(conditions_of(asked.operation)))
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
    except (NotPlanned, GraphQLError, GatewayError):  # errors are told where the field is executed
        FALLBACKS.count("not planned")
    except Exception as problem:  # the answer does not depend on it
        FALLBACKS.count("not compiled")
        log.warning("An operation has no plan: %s in %s", type(problem).__name__, _place(problem))
    variants.plans[values] = plan
    return plan


def plan_ahead(
    kept: MutableMapping[Hashable, Any],
    conditions: Sequence[str],
    asked_with: Callable[[Mapping[str, bool]], Asked],
) -> None:
    """Plan an operation before it is asked, for every value of its conditions.

    Of an operation with many conditions only a few of all sets of values are ever asked, and their plans
    could take the places of those that are: it is planned when it is asked. Any: as above.
    """
    if 2 ** len(conditions) > MOST_VARIANTS:
        return
    for values in product((True, False), repeat=len(conditions)):
        plan_of(kept, asked_with(dict(zip(conditions, values, strict=True))))


def conditions_of(operation: Prepared) -> list[str]:
    """The variables in the conditions of an operation, each once and in order."""
    return sorted(_conditions(operation.node.selection_set, operation.fragment_definitions.values()))


def _place(problem: Exception) -> str:
    """Where it was raised. What it says may hold values of the document, which do not belong into logs."""
    *_, (frame, line) = traceback.walk_tb(problem.__traceback__)
    return f"{frame.f_code.co_name}, line {line}"


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

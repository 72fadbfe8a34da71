"""The cost of a field in upstream calls, as its class declares it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphql import FieldNode, FragmentDefinitionNode, GraphQLField, get_nullable_type, is_list_type

from gateway.engine.core import declaration_of
from gateway.fields.base import CALLS, REPEATED, Cost, Field
from gateway.fields.selection import Document, analyze_selection
from gateway.loaders.loader_set import Calls

CIRCULATION = ("circulation.", "circulation_reports.")  # the members of its services, not of the BFF
ASSUMED_ROWS = 10  # of a list whose length is not known before it is loaded


def price(
    field: GraphQLField, nodes: Sequence[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> Cost:
    """Return the calls of a field, `batched` if one serves many parents, and the records below each parent.

    `@skip` and `@include` are assumed not to leave anything out.
    """
    rows = ASSUMED_ROWS if is_list_type(get_nullable_type(field.type)) else 1
    declaration = declaration_of(field)
    if not isinstance(declaration, Field):
        metadata = getattr(declaration, "metadata", {})
        calls, repeated = metadata.get(CALLS, ()), metadata.get(REPEATED)
        number = len(calls) if repeated is None else len(calls) - 1
        cost = Cost(number, rows=rows, repeated=repeated)
        return cost._replace(is_direct=_is_direct(calls), calls_polaris=_calls_polaris(calls))
    selected = analyze_selection(declaration, field, nodes, Document(fragments))
    cost = declaration.cost(selected, rows, nodes[0])
    if not cost.calls:
        return cost
    calls = declaration.upstream_calls(selected, nodes[0], "auto")
    return cost._replace(is_direct=_is_direct(calls), calls_polaris=_calls_polaris(calls))


def _is_direct(calls: Calls) -> bool | None:
    """Return True if the last of these calls, that for the records, is to circulation; None without calls."""
    return all(each.startswith(CIRCULATION) for each in calls[-1]) if calls else None


def _calls_polaris(calls: Calls) -> bool:
    return any(each.startswith("polaris.") for place in calls for each in place)

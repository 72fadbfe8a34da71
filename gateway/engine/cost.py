"""The cost of a field in upstream calls, as its class declares it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphql import FieldNode, FragmentDefinitionNode, GraphQLField, get_nullable_type, is_list_type

from gateway.engine.core import declaration_of
from gateway.fields.base import CALLS, REPEATED, Cost, Field
from gateway.fields.selection import Document, analyze_selection

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
        calls, repeated = len(metadata.get(CALLS, ())), metadata.get(REPEATED)
        return Cost(calls if repeated is None else calls - 1, rows=rows, repeated=repeated)
    selected = analyze_selection(declaration, field, nodes, Document(fragments))
    return declaration.cost(selected, rows, nodes[0])

"""What a field costs in upstream calls, as its class declares it.

`batched` says that the field asks upstream, and whether one call serves many parents; `calls` how many it
takes, where it is more than one. A field without `batched` asks nothing. A list whose length nobody knows
before is taken to have ten records, unless the class says otherwise in `rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphql import FieldNode, FragmentDefinitionNode, GraphQLField, get_nullable_type, is_list_type

from gateway.fields.selection import needs_below

SUPPOSED_ROWS = 10


class Unasked(NamedTuple):
    """What `needs_below` reads of an operation that is not being executed: nothing of it is left out."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variable_values: None = None


def price(
    field: GraphQLField, nodes: Sequence[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[int, bool, int]:
    """Calls, whether one serves many parents, and the records below each parent."""
    definition: Any = field.extensions.get("strawberry-definition")  # Any: Strawberry puts it there untyped
    supposed = SUPPOSED_ROWS if is_list_type(get_nullable_type(field.type)) else 1
    rows = getattr(definition, "rows", supposed)
    batched = getattr(definition, "batched", None)
    if batched is None or (
        hasattr(definition, "carries") and definition.carries(needs_below(field, nodes, Unasked(fragments)))
    ):
        return 0, True, rows
    return getattr(definition, "calls", 1), batched, rows

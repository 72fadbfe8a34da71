"""Random operations over the schema, the same ones in every run."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from graphql import GraphQLArgument, GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument

from tests.schema.graph_walk import object_types

# Root fields with records in the sandbox.
ROOTS = (
    ("loans", "LoanConnection"),
    ("requests", "RequestConnection"),
    ("items", "ItemConnection"),
    ("instances", "InstanceConnection"),
    ("users", "UserConnection"),
    ("accounts", "AccountConnection"),
    ("locations", "LocationConnection"),
    ("servicePoints", "ServicePointConnection"),
    ("patronGroups", "PatronGroupConnection"),
)
# Batches are excluded: their state changes with every read.
CONDITIONS = ("$yes", "$no", "true", "false")
EXCLUDED_FIELDS = frozenset(
    {"allowedServicePoints", "appliedPolicies", "currentDateTime"}
)  # take one of several arguments; is the clock


class Operations:
    """A source of operations: fragments, aliases, fields that merge, conditions and `__typename`."""

    def __init__(self, seed: int, *, depth: int = 4) -> None:
        self.random = Random(seed)  # noqa: S311 - it is to be the same every time
        self.types = object_types()
        self.depth = depth
        self._fragments: list[str] = []
        self._names = 0

    def __iter__(self) -> Iterator[tuple[str, dict[str, bool]]]:
        while True:
            text = self._operation()
            for yes, no in ((True, False), (False, False), (True, True)):
                yield text, {"yes": yes, "no": no}

    def _operation(self) -> str:
        self._fragments.clear()
        roots = self.random.sample(ROOTS, 1 if self.random.random() < 0.8 else 2)
        query = self.types["Query"]
        fields = [
            self._field(query, name, self.types[kind], self.depth)
            for name, kind in roots
            if name in query.fields
        ]
        text = f"query Made($yes: Boolean = true, $no: Boolean = false) {{ {' '.join(fields)} }}"
        used = "{ loans(first: 0) { nodes { id @skip(if: $no) @include(if: $yes) } } }"
        return " ".join([text[:-1], f"used: {used[2:-2]} }}", *self._fragments])

    def _selection(self, kind: GraphQLObjectType, depth: int) -> str:
        names = [name for name in kind.fields if self._is_selectable(kind, name, depth)]
        if not names:
            return "__typename"
        max_fields = 6 if depth > 2 else 4
        chosen = self.random.sample(names, min(len(names), self.random.randint(1, max_fields)))
        if "nodes" in names and not {"nodes", "edges"} & {*chosen}:
            chosen.append(self.random.choice([name for name in ("nodes", "edges") if name in names]))
        parts = []
        for name in chosen:
            below = get_named_type(kind.fields[name].type)
            field = self._field(kind, name, below, depth)
            parts.append(self._wrapped(kind, field))
            if self.random.random() < 0.06 and isinstance(below, GraphQLObjectType) and "(" not in field:
                parts.append(
                    self._field(kind, name, below, depth, alias=False)
                )  # merges if there is no alias
        if self.random.random() < 0.12:
            parts.insert(0, self.random.choice(["__typename", "kind: __typename"]))
        return " ".join(parts)

    def _wrapped(self, kind: GraphQLObjectType, text: str) -> str:
        chance = self.random.random()
        if chance < 0.06:
            return f"... on {kind.name} {self._condition()} {{ {text} }}"
        if chance < 0.1:
            return f"... {self._condition()} {{ {text} }}"
        if chance < 0.16:
            self._names += 1
            self._fragments.append(f"fragment F{self._names} on {kind.name} {{ {text} }}")
            return f"...F{self._names} {self._condition()}"
        return text

    def _condition(self) -> str:
        if self.random.random() < 0.7:
            return ""
        return f"@{self.random.choice(['skip', 'include'])}(if: {self.random.choice(CONDITIONS)})"

    def _field(
        self, kind: GraphQLObjectType, name: str, below: object, depth: int, *, alias: bool = True
    ) -> str:
        text = name
        given = self._given(kind.fields[name].args)
        if alias and (given or self.random.random() < 0.12):
            self._names += 1
            text = f"a{self._names}: {name}"
        text += given
        if alias and self.random.random() < 0.08:
            text += " " + self._condition()
        if isinstance(below, GraphQLObjectType):
            text += f" {{ {self._selection(below, depth - 1)} }}"
        return text

    def _given(self, arguments: dict[str, GraphQLArgument]) -> str:
        return f"(first: {self.random.choice((0, 1, 2, 4, 7))})" if "first" in arguments else ""

    def _is_selectable(self, kind: GraphQLObjectType, name: str, depth: int) -> bool:
        declared = kind.fields[name]
        below = get_named_type(declared.type)
        if name in EXCLUDED_FIELDS or any(map(is_required_argument, declared.args.values())):
            return False
        return is_leaf_type(below) or (isinstance(below, GraphQLObjectType) and depth > 0)

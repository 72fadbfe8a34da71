"""The compiler: it plans an operation for the values of its conditions, without a caller or a context."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from graphql import (
    GraphQLError,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    VariableValues,
)

from gateway.engine.core import (
    GroupedFieldSet,
    ValidOperation,
    collect_fields,
    collect_subfields,
)
from gateway.engine.parts import Parts
from gateway.engine.plans.plan import FieldPlan, OperationPlan, UnsupportedOperation
from gateway.engine.plans.projection import Details, FieldPlace, Writer, check_field, draft, draft_member
from gateway.engine.variables import has_variable
from gateway.errors import GatewayError
from gateway.fields.base import Field, Source
from gateway.fields.selection import Document, analyze_selection
from gateway.upstream.collection import RecordDecoder
from gateway.upstream.record_types import Members

MAX_FIELDS = 1000  # beyond every screen; a plan of so many takes 40 ms to compile and a megabyte to keep


@dataclass(eq=False)
class Compiler:
    """Compiles one operation for one set of values of the variables in its conditions.

    `is_direct` if loans and requests are read from circulation itself: their records differ from the BFF's.
    """

    schema: GraphQLSchema
    operation: ValidOperation
    conditions: VariableValues
    is_direct: bool = field(kw_only=True)
    hide_suggestions: bool = field(default=False, kw_only=True)
    _decoders: dict[str, RecordDecoder] = field(default_factory=dict, init=False)  # of collections
    _drafts: list[Writer] = field(default_factory=list, init=False)
    _collected: dict[tuple[str, tuple[int, ...]], GroupedFieldSet] = field(default_factory=dict, init=False)
    _fields: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.document = Document(self.operation.fragment_definitions, self.conditions.coerced)

    def compile(self) -> Parts[OperationPlan]:
        """Return the plan, in parts.

        Raises `UnsupportedOperation` and `ConflictingTypes`, and `GraphQLError` for a condition that is null.
        """
        node = self.operation.node
        kind = self.schema.get_root_type(node.operation)
        if kind is None:
            raise UnsupportedOperation("an operation of another kind")
        selected = collect_fields(self.schema, self.operation.fragments, self.conditions, kind, node)
        roots: list[FieldPlan] = []
        results: dict[str, str | None] = {}
        for name, details in selected.grouped_field_set.items():
            field_name = details[0].node.name.value
            results[name] = kind.name if field_name == "__typename" else None
            if field_name == "__typename":
                continue
            field = check_field(kind.fields.get(field_name), details)
            if isinstance(field.type, GraphQLNonNull):
                raise UnsupportedOperation("a root that cannot be null by itself")
            roots.append(FieldPlan(parent_type=kind, field=field, nodes=[each.node for each in details]))
            self._plan(roots[-1], details)
            yield
        for each in self._drafts:
            each.finish()
            yield
        return OperationPlan(roots=roots, results=results)

    def _plan(
        self,
        plan: FieldPlan,
        details: Details,
        members: Members | None = None,
        member_of: FieldPlace | None = None,
    ) -> None:
        """Plan what a field leads to. The parent may have decoded members of its records."""
        declaration = plan.declaration
        if isinstance(declaration, Field):
            plan.selected = analyze_selection(declaration, plan.field, plan.nodes, self.document)
            if members is None:
                decoder = self._decoder(declaration.sources(plan.selected, self.is_direct))
                plan.selected = replace(plan.selected, decoder=decoder)
                members = None if decoder is None else decoder.members
        if member_of is None:
            writer = draft(plan.kind, details, self, members)
        else:
            writer = draft_member(member_of, members)
        plan.target = writer.plan
        if not any(has_variable(each.value) for each in plan.nodes[0].arguments or ()):
            with suppress(GatewayError, GraphQLError):  # raised when the field is executed
                plan.arguments = plan.parse_arguments(self.conditions, self.hide_suggestions)
        drafts = [writer]
        for each in drafts:
            drafts += each.rare
            for link in each.links:
                self._plan(*link)
        self._drafts += drafts

    def collect(self, kind: GraphQLObjectType, details: Details) -> GroupedFieldSet:
        """Return the fields below a field, by their names in the response."""
        key = (kind.name, tuple(id(each.node) for each in details))
        collected = self._collected.get(key)
        if collected is None:
            collected = self._collected[key] = collect_subfields(
                self.schema,
                self.operation.fragments,
                self.conditions,
                self.operation.node,
                kind,
                details,
                self.hide_suggestions,
            ).grouped_field_set
        self._fields += len(collected)
        if self._fields > 2 * MAX_FIELDS:  # most are collected twice
            raise UnsupportedOperation("more fields than a plan is worth")
        return collected

    def _decoder(self, sources: Sequence[Source]) -> RecordDecoder | None:
        """Return the decoder of the records of a loader: the same for all that read a collection."""
        first = None
        for source in sources:
            key = source.collection.key(source.is_direct)
            if key not in self._decoders:
                sends = source.collection.is_from_circulation(source.is_direct)
                members = Members(from_circulation=sends)
                self._decoders[key] = RecordDecoder(members, from_circulation=bool(sends))
            decoder = self._decoders[key]
            decoder.members.path(source.member, str)
            decoder.members.path(("id",), str)  # loaders compare records by it
            first = first or decoder
        return first

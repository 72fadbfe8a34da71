"""The compiler: it plans an operation for the values of its conditions, without a caller or a context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableNode,
    get_nullable_type,
)

from gateway.engine.core import (
    FragmentDetails,
    GroupedFieldSet,
    VariableValues,
    collect_fields,
    collect_subfields,
    declaration_of,
    get_argument_values,
)
from gateway.engine.plans.plan import (
    FieldPlan,
    LinkPlan,
    OperationPlan,
    Plan,
    Unembedded,
    UnsupportedOperation,
)
from gateway.engine.plans.projection import Decoding, Details, Draft, FieldPlace, draft
from gateway.errors import GatewayError
from gateway.fields.base import Field, Needs, Selected, Source
from gateway.fields.inputs import Arguments as Converter
from gateway.fields.inputs import Inputs
from gateway.fields.selection import Document, analyze_selection
from gateway.upstream.collection import RecordDecoder
from gateway.upstream.record_types import ConflictingTypes, Members

MAX_FIELDS = 1000  # beyond every screen; a plan of so many takes 40 ms to compile and a megabyte to keep


class Operation(Protocol):
    """A valid operation with its fragments."""

    @property
    def node(self) -> OperationDefinitionNode: ...
    @property
    def fragment_definitions(self) -> dict[str, FragmentDefinitionNode]: ...
    @property
    def fragments(self) -> dict[str, FragmentDetails]: ...


class Compiler:
    """Compiles one operation for one set of values of the variables in its conditions.

    `is_direct` if loans and requests are read from circulation itself: their records differ from the BFF's.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        inputs: Inputs,
        operation: Operation,
        conditions: VariableValues,
        *,
        is_direct: bool,
        hide_suggestions: bool = False,
    ) -> None:
        self.schema = schema
        self.inputs = inputs
        self.operation = operation
        self.conditions = conditions
        self.is_direct = is_direct
        self.hide_suggestions = hide_suggestions
        self.document = Document(operation.fragment_definitions, conditions.coerced)
        self._decodings: dict[str, Decoding] = {}
        self._plans: list[tuple[str, FieldPlan]] = []  # with the key of their decoding
        self._drafts: list[Draft] = []
        self._collected: dict[tuple[str, tuple[int, ...]], GroupedFieldSet] = {}
        self._fields = 0

    def compile(self) -> OperationPlan:
        """Return the plan. Raises `UnsupportedOperation`, and `GraphQLError` for a condition that is null."""
        try:
            return self._compile()
        except ConflictingTypes as error:
            raise UnsupportedOperation("a member that is read as two types") from error

    def _compile(self) -> OperationPlan:
        node = self.operation.node
        is_mutation = node.operation is OperationType.MUTATION
        kind = self.schema.mutation_type if is_mutation else self.schema.query_type
        if kind is None or node.operation is OperationType.SUBSCRIPTION:
            raise UnsupportedOperation("an operation of another kind")
        selected = collect_fields(self.schema, self.operation.fragments, self.conditions, kind, node)
        roots: list[FieldPlan] = []
        typenames: dict[str, str] = {}
        for name, details in selected.grouped_field_set.items():
            field_name = details[0].node.name.value
            if field_name == "__typename":
                typenames[name] = kind.name
                continue
            field = kind.fields.get(field_name)
            if field is None:
                raise UnsupportedOperation("introspection")
            roots.append(self._root(name, kind, field, details))
        decoders = {
            key: RecordDecoder(each.members, from_circulation=bool(each.from_circulation))
            for key, each in self._decodings.items()
        }
        for each in self._drafts:
            each.finish()
        for key, plan in self._plans:
            plan.decoder = decoders[key]
        return OperationPlan(
            roots=roots,
            typenames=typenames,
            order=list(selected.grouped_field_set),
            is_mutation=is_mutation,
        )

    def _root(self, name: str, kind: GraphQLObjectType, field: GraphQLField, details: Details) -> FieldPlan:
        declaration = declaration_of(field)
        if declaration is None or declaration.extensions:
            raise UnsupportedOperation("a root that is declared otherwise")
        if isinstance(field.type, GraphQLNonNull):
            raise UnsupportedOperation("a root that cannot be null by itself")
        nodes = [each.node for each in details]
        selected, sources = Selected(frozenset()), list[Source]()
        if isinstance(declaration, Field):
            selected = analyze_selection(declaration, field, nodes, self.document)
            sources = declaration.sources(selected, self.is_direct)
        decoding, key = self._decoding(sources)
        plan = FieldPlan(
            name=name,
            parent_type=kind,
            field=field,
            declaration=declaration,
            nodes=nodes,
            selected=selected,
            arguments=self._arguments(field, declaration, nodes[0], selected),
            convert=self._converter(declaration),
            target=self._draft(field.type, details, decoding, many=False),
            starts=isinstance(declaration, Field),
        )
        if key is not None:
            self._plans.append((key, plan))
        return plan

    # Called by the generator

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

    def needs(self, declaration: Any, field: GraphQLField, details: Details) -> Needs:
        """Return the members that the selection below a field reads."""
        return analyze_selection(declaration, field, [each.node for each in details], self.document).needs

    def link(
        self, place: FieldPlace, decoding: Decoding | None, *, targets: int, keys: int, has_value: bool
    ) -> LinkPlan:
        """Return the plan of a link. Its records have a decoding if they are in the parent already."""
        declaration, field = place.declaration, place.field
        nodes = [each.node for each in place.details]
        selected = analyze_selection(declaration, field, nodes, self.document)
        key = None
        if decoding is None:
            decoding, key = self._decoding(declaration.sources(selected, self.is_direct))
        kind: Any = get_nullable_type(field.type).of_type if declaration.loads_lists else field.type  # type: ignore[union-attr]  # a list
        member_of = place if declaration.loads_owner else None
        plan = LinkPlan(
            name=place.name,
            parent_type=place.parent_type,
            field=field,
            declaration=declaration,
            nodes=nodes,
            selected=selected,
            arguments=self._arguments(field, declaration, nodes[0], selected),
            convert=self._converter(declaration),
            target=self._draft(kind, place.details, decoding, member_of=member_of),
            targets=targets,
            keys=keys,
            attribute=place.attribute,
            nullable=not isinstance(field.type, GraphQLNonNull),
            has_value=has_value,
        )
        if key is not None:
            self._plans.append((key, plan))
        return plan

    def embedded(self, place: FieldPlace, decoding: Decoding) -> tuple[Plan, list[Unembedded]] | None:
        """Return the plan for the members of a link's target that records embed, and the others.

        None if the target cannot be without the others, or if nothing of it but its id is embedded.
        """
        try:
            drafted = draft(
                place.field.type, place.details, self, decoding, member_of=place, is_embedded=True
            )
        except UnsupportedOperation:
            return None
        self._drafts.append(drafted)
        return drafted.plan, drafted.writer.unembedded

    def _decoding(self, sources: Sequence[Source]) -> tuple[Decoding | None, str | None]:
        """Return the decoding of the records of a loader; there is one for each collection."""
        first: tuple[Decoding | None, str | None] = None, None
        for source in sources:
            key = source.collection.key(source.is_direct)
            decoding = self._decodings.get(key)
            if decoding is None:
                from_circulation = source.collection.is_from_circulation(source.is_direct)
                decoding = self._decodings[key] = Decoding(Members(), from_circulation)
            decoding.members.path(source.member, str)
            decoding.members.path(("id",), str)  # loaders compare records by it
            if first[0] is None:
                first = decoding, key
        return first

    def _draft(
        self,
        kind: Any,
        details: Details,
        decoding: Decoding | None,
        *,
        many: bool = True,
        member_of: FieldPlace | None = None,
    ) -> Plan:
        drafted = draft(kind, details, self, decoding, many=many, member_of=member_of)
        self._drafts.append(drafted)
        return drafted.plan

    def _arguments(self, field: GraphQLField, declaration: Any, node: FieldNode, selected: Selected) -> Any:
        """Return the parsed arguments, None if there are variables in them or if they are not valid."""
        if any(_has_variable(argument.value) for argument in node.arguments or ()):
            return None
        given = get_argument_values(field, node, self.conditions, None, self.hide_suggestions)
        if declaration.base_resolver:  # Strawberry converts them
            return given
        try:
            return declaration.parse(self.inputs.arguments_of(declaration)(given), selected)
        except (GatewayError, GraphQLError):  # raised when the field is executed
            return None

    def _converter(self, declaration: Any) -> Converter | None:
        return None if declaration.base_resolver else self.inputs.arguments_of(declaration)


def _has_variable(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(map(_has_variable, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_has_variable(each.value) for each in value.fields)
    return isinstance(value, VariableNode)

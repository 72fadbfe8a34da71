"""An operation read once: which fields ask, of whom, and what of the records is read at all."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
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
    get_named_type,
    get_nullable_type,
)
from strawberry import Info

from gateway.engine.core import (
    FieldDetails,
    FragmentDetails,
    GroupedFieldSet,
    StrawberryField,
    VariableValues,
    collect_fields,
    collect_subfields,
    get_argument_values,
    resolve_info,
)
from gateway.engine.plans.embedded import carried_by, struct_carried_by
from gateway.engine.plans.leaves import leaf_at
from gateway.engine.plans.plan import LinkPlan, NotPlanned, OperationPlan, Plan, RootPlan
from gateway.engine.plans.projection import Decoding, Details, Draft, LinkPlace, drafted
from gateway.fields.inputs import Inputs
from gateway.fields.link import EMBEDDED, THROUGH, EmbeddedLink, Link, ListLink, ManyLink
from gateway.fields.lookup import LookupField
from gateway.fields.page import ConnectionField, ConnectionLink, FullListLink, PageField
from gateway.fields.record import DerivedField, RecordField, SourceSpecificField
from gateway.fields.selection import Needs, loaders_for, needs_of, needs_of_nodes
from gateway.loaders.loader import Reads
from gateway.upstream.collection import BoundCollection, Shape
from gateway.upstream.record_types import ListOf, Members, NotShaped

_DEFINITION = "strawberry-definition"
_FOLLOWED = (Link, ManyLink, ListLink)
# Beyond every screen. A plan of so many takes 40 ms to compile and a megabyte to keep.
MOST_FIELDS = 1000
_ID_ALONE: Needs = frozenset({("id",)})


class Prepared(Protocol):
    """A valid operation and what belongs to it."""

    @property
    def node(self) -> OperationDefinitionNode: ...
    @property
    def fragment_definitions(self) -> dict[str, FragmentDefinitionNode]: ...
    @property
    def fragments(self) -> dict[str, FragmentDetails]: ...


class Asked:
    """One operation as it is asked: by whom, with which variables. What fields are told when they ask."""

    def __init__(
        self,
        schema: GraphQLSchema,
        inputs: Inputs,
        operation: Prepared,
        variables: VariableValues,
        context: Any,
        *,
        hide_suggestions: bool = False,
    ) -> None:
        self.core_schema = schema
        self.inputs = inputs
        self.operation = operation
        self.variables = variables
        self.context = context
        self.hide_suggestions = hide_suggestions

    def info(
        self,
        name: str,
        parent_type: GraphQLObjectType,
        field: GraphQLField,
        definition: StrawberryField,
        nodes: list[FieldNode],
    ) -> Info[Any, Any]:
        """The resolve info of a field, the same for all its parents: it names no place in the answer."""
        return resolve_info(
            self.core_schema,
            self.operation.node,
            self.operation.fragment_definitions,
            self.variables.coerced,
            self.context,
            name=name,
            parent_type=parent_type,
            field=field,
            nodes=nodes,
        )

    def arguments(self, field: GraphQLField, nodes: Sequence[FieldNode]) -> dict[str, Any]:
        """The arguments as GraphQL has them. Raises `GraphQLError`."""
        if not field.args and not nodes[0].arguments:
            return {}
        return get_argument_values(field, nodes[0], self.variables, None, self.hide_suggestions)

    def converted(self, given: Mapping[str, Any], definition: StrawberryField) -> dict[str, Any]:
        """The arguments as the methods of a field take them."""
        return self.inputs.arguments_of(definition)(given)


def planned(asked: Asked) -> OperationPlan:
    """The plan of an operation for the variables in its conditions, be the others what they may.

    Records are decoded as far as they are read; where that cannot be told, all of them become dictionaries.
    Raises `NotPlanned`.
    """
    try:
        return _Compiler(asked, decoded=True).operation()
    except NotShaped:
        return _Compiler(asked, decoded=False).operation()


class _Compiler:
    def __init__(self, asked: Asked, *, decoded: bool) -> None:
        self.asked = asked
        self.decoded = decoded
        self.collections: dict[Hashable, tuple[BoundCollection, Decoding]] = {}
        self.drafts: list[Draft] = []
        self.fields = 0

    def operation(self) -> OperationPlan:
        node = self.asked.operation.node
        is_mutation = node.operation is OperationType.MUTATION
        schema = self.asked.core_schema
        kind = schema.mutation_type if is_mutation else schema.query_type
        if kind is None or node.operation is OperationType.SUBSCRIPTION:
            raise NotPlanned("an operation of another kind")
        if is_mutation and self.decoded:
            raise NotShaped("what an act changes is read anew")
        found = collect_fields(schema, self.asked.operation.fragments, self.asked.variables, kind, node)
        roots: list[RootPlan] = []
        names: dict[str, str] = {}
        for name, details in found.grouped_field_set.items():
            field_name = details[0].node.name.value
            if field_name == "__typename":
                names[name] = kind.name
                continue
            field = kind.fields.get(field_name)
            if field is None:
                raise NotPlanned("introspection")
            roots.append(self._root(name, kind, field, details))
        for draft in self.drafts:
            draft.finish()
        return OperationPlan(
            roots=roots,
            names=names,
            order=list(found.grouped_field_set),
            shapes={key: Shape(ask, decoding.members) for key, (ask, decoding) in self.collections.items()},
            needs=self._needs_by_nodes(),
            is_mutation=is_mutation,
        )

    def _root(self, name: str, kind: GraphQLObjectType, field: GraphQLField, details: Details) -> RootPlan:
        definition = field.extensions.get(_DEFINITION)
        if not isinstance(definition, StrawberryField) or definition.extensions:
            raise NotPlanned("a root that is declared otherwise")
        if isinstance(field.type, GraphQLNonNull):
            raise NotPlanned("a root that cannot be null by itself")
        nodes = _nodes(details)
        info = self.asked.info(name, kind, field, definition, nodes)
        shape = None
        if type(definition) is ConnectionField:
            if definition.table is None:
                shape = self._reads([Reads(definition.asking(info), ("id",))])
        elif type(definition) is LookupField:
            loaders = loaders_for(info, needs_of(info))
            shape = self._reads([_reads(getattr(loaders, each)) for each in definition.loaders.values()])
        elif self.decoded:
            raise NotShaped("a resolver may look into records that are loaded")
        return RootPlan(
            name=name,
            parent_type=kind,
            field=field,
            definition=definition,
            nodes=nodes,
            kwargs=self._constant(field, definition, nodes),
            shape=shape,
            target=self._target(field.type, details, shape, many=False),
        )

    def _needs_by_nodes(self) -> dict[tuple[int, ...], Needs]:
        asked = self.asked
        entry = asked.context.needs.get((id(asked.operation.node), id(asked.variables.coerced)))
        return {} if entry is None else dict(entry[2])

    # What the projector asks.

    def collected(self, kind: GraphQLObjectType, details: Details) -> GroupedFieldSet:
        asked = self.asked
        found = collect_subfields(
            asked.core_schema,
            asked.operation.fragments,
            asked.variables,
            asked.operation.node,
            kind,
            details,
            asked.hide_suggestions,
        ).grouped_field_set
        self.fields += len(found)
        if self.fields > MOST_FIELDS:
            raise NotPlanned("more fields than a plan is worth")
        return found

    def is_link(
        self, kind: GraphQLObjectType, field: GraphQLField, details: Details, decoding: Decoding | None
    ) -> bool:
        definition = field.extensions[_DEFINITION]
        if isinstance(definition, EmbeddedLink):
            return not self._needs(kind, field, details) <= EMBEDDED
        if isinstance(definition, SourceSpecificField):
            if decoding is not None and decoding.from_circulation is not definition.dropped_by_bff:
                raise NotShaped("a member that must be asked of the other interface")
            return decoding is None
        if isinstance(definition, PageField | DerivedField | RecordField):
            return False
        return not definition.is_basic_field

    def link(self, place: LinkPlace) -> LinkPlan:
        definition: Any = place.field.extensions[_DEFINITION]
        nodes = _nodes(place.details)
        info = self.asked.info(place.name, place.parent_type, place.field, definition, nodes)
        plan = LinkPlan(
            name=place.name,
            parent_type=place.parent_type,
            field=place.field,
            definition=definition,
            nodes=nodes,
            kwargs=self._constant(place.field, definition, nodes),
            shape=None,
            attribute=place.attribute,
            nullable=not isinstance(place.field.type, GraphQLNonNull),
            key=(),
            keys=place.note(),
            sources=None,
            target=NOTHING,
        )
        kind: Any = place.field.type
        if type(definition) in _FOLLOWED:
            loader = getattr(loaders_for(info, needs_of(info)), definition.loader)
            plan.key = definition.key
            if type(definition) is ManyLink:
                kind = get_nullable_type(kind).of_type
                if needs_of(info) <= _ID_ALONE:
                    plan.carried, plan.carried_target = _by_id_alone, self._target(kind, place.details, None)
            elif type(definition) is Link:
                self._carried(plan, definition, place, needs_of(info))
        elif type(definition) is ConnectionLink:
            loaders = loaders_for(info, needs_of_nodes(info))
            loader = getattr(loaders, definition.loader)(None, ())
            plan.key = definition.key
        elif type(definition) is FullListLink:
            loader = getattr(info.context.loaders, definition.loader)
            plan.key = definition.key
        elif type(definition) is EmbeddedLink:
            loader = getattr(info.context.loaders, definition.loader)
            plan.key = (definition.key, "id")
            plan.sources = place.note()
            plan.carried_target = self._target(kind, place.details, None)
            if place.members is not None:
                place.members.path((definition.key, "name"), str)
                target: Any = get_named_type(kind)
                for path in needs_of(info):  # where there is no such record, the parent's stands for it
                    if path[0] in _members_of(target):
                        place.members.path((definition.key, *path), leaf_at(target, path))
        else:
            if self.decoded:
                raise NotShaped("a resolver may look into records that are loaded")
            plan.sources = place.note()
            plan.target = self._target(kind, place.details, None)
            return plan
        if place.members is not None:
            leaf: Any = ListOf(str, nullable=True) if type(definition) is ManyLink else str
            place.members.path(plan.key, leaf)
        plan.shape = self._reads([_reads(loader)])
        plan.target = self._target(kind, place.details, plan.shape)
        return plan

    def _carried(self, plan: LinkPlan, declared: Link, place: LinkPlace, needs: Needs) -> None:
        """How the target is made of what the parent carries, if that can be enough."""
        decoded = place.members is not None
        known = bool(declared.embedded) and needs <= declared.embedded.keys()
        if not known and decoded:
            return
        plan.sources = place.note()
        if place.members is not None and self._carried_in_struct(plan, declared, place, place.members, needs):
            return
        plan.carried_target = self._target(place.field.type, place.details, None)
        if not decoded:
            plan.knows_names = needs
        if not known:
            return
        begun = {path[0] for path in needs}
        if any(not each.key for site in plan.carried_target.sites for each in site.links):
            begun = {
                path[0] for path in declared.embedded
            }  # nobody knows what a resolver of its own looks at
        paths = {
            target: origin
            for target, origin in declared.embedded.items()
            if target[0] in begun or target[0].endswith(THROUGH)
        }
        if place.members is not None:
            kind: Any = get_named_type(place.field.type)
            for target, origin in paths.items():
                place.members.path(origin, str if target == ("id",) else leaf_at(kind, target))
        plan.carried = carried_by(paths, sorted(needs), decoded=decoded)

    def _carried_in_struct(
        self, plan: LinkPlan, declared: Link, place: LinkPlace, members: Members, needs: Needs
    ) -> bool:
        """The same for targets of nothing but leaves, which is what most are. False for all others."""
        begun = {path[0] for path in needs}
        paths = {target: origin for target, origin in declared.embedded.items() if target[0] in begun}
        carried = Decoding(Members(), from_circulation=False)
        fields = self.fields
        try:
            draft = drafted(place.field.type, place.details, _WithoutLinks(self), carried, many=True)
            if carried.members.required and paths.get(("id",)) != declared.key:
                raise NotShaped("an id that may not be known")
            plan.carried = struct_carried_by(paths, sorted(needs), carried.members)
        except NotShaped:
            self.fields = fields
            return False
        self.drafts.append(draft)
        plan.carried_target = draft.plan
        kind: Any = get_named_type(place.field.type)
        for target, origin in paths.items():
            members.path(origin, str if target == ("id",) else leaf_at(kind, target))
        return True

    # Parts

    def _needs(self, kind: GraphQLObjectType, field: GraphQLField, details: Details) -> Needs:
        definition = field.extensions[_DEFINITION]
        return needs_of(self.asked.info("", kind, field, definition, _nodes(details)))

    def _reads(self, reads: Sequence[Reads | None]) -> Hashable:
        """The key of the shape that these loaders have in common; None where they load dictionaries."""
        if not self.decoded or not reads:
            return None
        paths = {None if each is None else each.ask.path for each in reads}
        if len(paths) != 1 or None in paths:
            return None
        for each in reads:
            assert each is not None  # noqa: S101 - looked at above
            ask = each.ask
            known = self.collections.get(ask.path)
            if known is None:
                decoding = Decoding(Members(), from_circulation=ask.mark is not None)
                known = self.collections[ask.path] = (ask, decoding)
            members = known[1].members
            members.path(each.key, str)
            members.path(("id",), str)  # by which loaders tell records from each other
        return paths.pop()

    def _target(self, kind: Any, details: Details, shape: Hashable, *, many: bool = True) -> Plan:
        decoding = None if shape is None else self.collections[shape][1]
        draft = drafted(kind, details, self, decoding, many=many)
        self.drafts.append(draft)
        return draft.plan

    def _constant(
        self, field: GraphQLField, definition: StrawberryField, nodes: list[FieldNode]
    ) -> Mapping[str, Any] | None:
        """The arguments, where they are the same whenever the operation is asked."""
        if any(map(_varies, _values(nodes[0]))):
            return None
        given = self.asked.arguments(field, nodes)
        return given if definition.base_resolver else self.asked.converted(given, definition)


class _WithoutLinks:
    """Linking where a record is all there is. Raises `NotShaped` for a link."""

    def __init__(self, compiler: _Compiler) -> None:
        self.collected = compiler.collected
        self._is_link = compiler.is_link

    def is_link(
        self, kind: GraphQLObjectType, field: GraphQLField, details: Details, decoding: Decoding | None
    ) -> bool:
        if self._is_link(kind, field, details, decoding):
            raise NotShaped("a link")
        return False

    def link(self, place: LinkPlace) -> LinkPlan:
        raise NotShaped("a link")


NOTHING = Plan(project=lambda values: values, notes=0, sites=[], source="")


def _by_id_alone(keys: Any) -> Any:
    return {"id": keys}


def _members_of(kind: GraphQLObjectType) -> set[str]:
    declared = (each.extensions.get(_DEFINITION) for each in kind.fields.values())
    return {each.key for each in declared if isinstance(each, RecordField)}


def _reads(loader: Any) -> Reads | None:
    found: Reads | None = getattr(loader, "reads", None)
    return found


def _nodes(details: list[FieldDetails]) -> list[FieldNode]:
    return [each.node for each in details]


def _values(node: FieldNode) -> Iterator[ValueNode]:
    for argument in node.arguments or ():
        yield argument.value


def _varies(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(map(_varies, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_varies(each.value) for each in value.fields)
    return isinstance(value, VariableNode)

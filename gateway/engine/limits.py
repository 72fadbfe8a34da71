"""Limits of a document, checked before it is validated or executed.

The shape of a document is walked once with fragment spreads expanded, up to the first limit it exceeds. So
neither nested fragments nor cycles of them cost more than a plain document. Validation comes after that,
because some of its rules take quadratic time. The cost in upstream calls, and the number of records in the
result, are estimated with the variables.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    MaxIntrospectionDepthRule,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionNode,
    SelectionSetNode,
    TypeMetaFieldDef,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    parse,
    print_ast,
)

from gateway.engine.core import to_camel_case
from gateway.errors import BadUserInput, LimitExceeded
from gateway.fields.base import Cost
from gateway.settings import LimitSettings

MAX_COMPARISONS = 10_000  # of fields with the same response name, which validation compares in pairs
MAX_NAME = 200  # characters of an alias, which stands in each row of a list, and in the path of each error
MAX_REPORTED_COST = 1_000_000  # a larger estimate is reported as "more than" this


def limit_error(
    limit: str, maximum: int, message: str, node: Node | None = None, **figures: int
) -> GraphQLError:
    """Return the error for an exceeded limit, named as clients read it: `MAX_DEPTH`."""
    extensions = {"code": LimitExceeded.code, "limit": limit, "maximum": maximum, **figures}
    return GraphQLError(f"{message} ({limit}).", node, extensions=extensions)


# Text


def parse_document(query: str, limits: LimitSettings) -> DocumentNode:
    """Parse a text. Raises `GraphQLError`, with a code if a limit is exceeded."""
    maximum = limits.max_query_characters
    if len(query) > maximum:
        raise limit_error(
            "MAX_QUERY_CHARACTERS",
            maximum,
            f"The query has {len(query)} characters; at most {maximum} are allowed",
            figure=len(query),
        )
    try:
        return parse(query, max_lexical_tokens=limits.max_tokens, max_comments=limits.max_tokens)
    except GraphQLError as error:
        # graphql-core has no class for it. No syntax error can begin like this: they quote the token.
        for kind in ("tokens", "comments"):
            excess = f"more than {limits.max_tokens} {kind}"
            if error.message.startswith(f"Syntax Error: Document contains {excess}"):
                raise limit_error("MAX_TOKENS", limits.max_tokens, f"The query has {excess}") from None
        raise


# Shape


class _Selections(NamedTuple):
    nodes: Sequence[SelectionNode]
    depth: int
    place: int  # of these fields in the response: all that are merged there have one number
    spreads: frozenset[str]  # the fragments being expanded, to stop at cycles


class _Walk:
    """One walk through a document, with counts for the complete document."""

    def __init__(self, document: DocumentNode, limits: LimitSettings) -> None:
        self.limits = limits
        self.document = document
        self.fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self.seen: set[str] = set()
        self.nodes = self.aliases = self.directives = self.comparisons = 0

    def check(self) -> None:
        for definition in self.document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                for variable in definition.variable_definitions or ():
                    self.count_directives(variable)
                self.check_definition(definition)
        for name, fragment in self.fragments.items():
            if name not in self.seen:  # it is not spread, but would be validated
                self.check_definition(fragment)

    def check_definition(self, definition: OperationDefinitionNode | FragmentDefinitionNode) -> None:
        limits = self.limits
        places: dict[tuple[int, str], int] = {}
        fields_at: defaultdict[int, int] = defaultdict(int)
        root_fields = 0
        self.count_directives(definition)
        pending = [_Selections(definition.selection_set.selections, 1, 0, frozenset())]
        while pending:
            selections, depth, place, spreads = pending.pop()
            for selection in selections:
                self.nodes += 1
                if self.nodes > limits.max_nodes:
                    self.refuse(
                        "MAX_NODES",
                        limits.max_nodes,
                        "fields and fragments, with fragment spreads expanded",
                        selection,
                    )
                self.count_directives(selection)
                if isinstance(selection, FieldNode):
                    if depth > limits.max_depth:
                        self.refuse("MAX_DEPTH", limits.max_depth, "levels of fields", selection)
                    if depth == 1 and isinstance(definition, OperationDefinitionNode):
                        root_fields += 1
                        if root_fields > limits.max_root_fields:
                            self.refuse(
                                "MAX_ROOT_FIELDS", limits.max_root_fields, "fields at the root", selection
                            )
                    if selection.alias is not None:
                        self.aliases += 1
                        if self.aliases > limits.max_aliases:
                            self.refuse("MAX_ALIASES", limits.max_aliases, "aliases", selection)
                        if len(selection.alias.value) > MAX_NAME:
                            self.refuse("MAX_NAME", MAX_NAME, "characters in an alias", selection)
                    name = (selection.alias or selection.name).value
                    here = places.setdefault((place, name), len(places) + 1)
                    self.comparisons += fields_at[here]
                    fields_at[here] += 1
                    if self.comparisons > MAX_COMPARISONS:
                        self.refuse(
                            "MAX_COMPARISONS",
                            MAX_COMPARISONS,
                            "pairs of fields with the same response name",
                            selection,
                        )
                    if selection.selection_set is not None:
                        nodes = selection.selection_set.selections
                        pending.append(_Selections(nodes, depth + 1, here, spreads))
                elif isinstance(selection, InlineFragmentNode):
                    pending.append(_Selections(selection.selection_set.selections, depth, place, spreads))
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    fragment = self.fragments.get(name)
                    if fragment is not None and name not in spreads:  # validation reports both
                        if name not in self.seen:
                            self.seen.add(name)
                            self.count_directives(fragment)
                        nodes = fragment.selection_set.selections
                        pending.append(_Selections(nodes, depth, place, spreads | {name}))

    def count_directives(self, node: Any) -> None:  # Any: nodes with directives have no common class
        directives = node.directives
        if directives:
            self.directives += len(directives)
            if self.directives > self.limits.max_directives:
                self.refuse("MAX_DIRECTIVES", self.limits.max_directives, "directives", directives[-1])

    def refuse(self, limit: str, maximum: int, counted: str, node: Node) -> None:
        raise limit_error(limit, maximum, f"The query has more than {maximum} {counted}", node)


def check_shape(document: DocumentNode, limits: LimitSettings) -> int:
    """Return the number of aliases, with fragment spreads expanded.

    Raises `GraphQLError` at the first limit that the document exceeds.
    """
    walk = _Walk(document, limits)
    walk.check()
    return walk.aliases


# Validation rules


class FiniteNumbers(ASTValidationRule):
    """A rule against numbers that exceed a double, which would reach a resolver as infinity."""

    def _check(self, node: FloatValueNode | IntValueNode) -> None:
        if not math.isfinite(float(node.value)):
            extensions = {"code": BadUserInput.code}
            message = "A number exceeds the range of a double-precision float."
            self.report_error(GraphQLError(message, node, extensions=extensions))

    def enter_float_value(self, node: FloatValueNode, *_: object) -> None:
        self._check(node)

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        self._check(node)


class IntrospectionDepth(MaxIntrospectionDepthRule):
    """graphql-core's rule against nested lists of introspection, reported as a limit with its code."""

    def report_error(self, error: GraphQLError) -> None:
        message = "The query nests more than 2 lists of introspection"
        node = error.nodes[0] if error.nodes else None
        super().report_error(limit_error("MAX_INTROSPECTION_DEPTH", 2, message, node))


# Cost in upstream calls


# Returns the declared cost of a field that is selected by these nodes.
Pricing: TypeAlias = Callable[[GraphQLField, Sequence[FieldNode], Mapping[str, FragmentDefinitionNode]], Cost]


class ListSize(NamedTuple):
    """The length of a list in the value of a variable: the value itself, or a member of it."""

    variable: str
    member: str | None

    def of(self, variables: Mapping[str, Any]) -> int | None:
        """Return the length; None if there is no such list. Any: values of variables, coerced or as JSON."""
        value = variables.get(self.variable)
        if self.member is not None:
            name = to_camel_case(self.member)
            value = value.get(name) if isinstance(value, dict) else getattr(value, self.member, None)
        return len(value) if isinstance(value, list) else None


class Step(NamedTuple):
    """A field that costs upstream calls or multiplies those below it. Other fields have none."""

    price: Cost
    first: int | str | ListSize | None  # a number, or the name of a variable
    default: int  # of `first`, if the variable was not sent
    below: tuple[Step, ...]


T = TypeVar("T")


Reads: TypeAlias = frozenset[tuple[str, str]]
"""Records that are read by arguments, each by its loader, and by the variable or the literal that is its key.

A loader reads a record once in an operation, so that it is counted once in the part of the operation that is
below a field and those beside it.
"""


class PricedField(NamedTuple):
    """A field of an operation in one place of its result: the nodes that select it, and its price.

    `first` and `default` are as of `Step`. `reads` is what it may read by its arguments.
    """

    parent: str
    definition: GraphQLField
    nodes: Sequence[FieldNode]
    price: Cost
    first: int | str | None
    default: int
    reads: Reads

    @property
    def repetition(self) -> Step | None:
        """The calls that are sent for each element of a list in its `input`; None if there are none."""
        size = None if self.price.repeated is None else _size(self.nodes[0], self.price.repeated)
        if size is None:
            return None
        call = Step(Cost(calls=1, batched=False), None, 1, ())
        return Step(Cost(), size, 1, (call,))

    def counts(self, *, has_steps: bool) -> bool:
        """Return True if it costs upstream calls, or multiplies those below it if it `has_steps` there."""
        is_list = self.price.rows != 1 and (has_steps or self.parent.startswith("__"))
        return bool(self.price.calls or is_list or (has_steps and self.first is not None))


def cost_steps(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    pricing: Pricing,
) -> tuple[Step, ...]:
    """Return the fields of a valid operation that cost upstream calls, assuming that none is skipped."""
    return tuple(walk_prices(schema, operation, fragments, pricing, _step))


def walk_prices(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    pricing: Pricing,
    collect: Callable[[PricedField, list[T]], list[T]],
) -> list[T]:
    """Return what `collect` makes of the fields at the root of a valid operation.

    It is called for each field with what it has returned for the fields below.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:  # rejected by validation
        return []
    selected: _Selected = [(root, operation.selection_set.selections)]
    return _collect(selected, schema, fragments, pricing, collect, frozenset(), is_direct=False)


def _step(field: PricedField, below: list[Step]) -> list[Step]:
    if not field.counts(has_steps=bool(below)):
        return below
    step = Step(field.price, field.first, field.default, tuple(below))
    repetition = field.repetition
    return [step] if repetition is None else [step, repetition]


_Selected: TypeAlias = "list[tuple[GraphQLNamedType, Sequence[SelectionNode]]]"


def _collect(
    selected: _Selected,
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
    pricing: Pricing,
    collect: Callable[[PricedField, list[T]], list[T]],
    read: Reads,
    *,
    is_direct: bool,
) -> list[T]:
    """`read` is what the fields above and those beside them have read.

    `is_direct` is True if the record that has the fields is from circulation itself.
    """
    merged: dict[tuple[str, str], list[FieldNode]] = {}
    for kind, selections in selected:
        for parent, node in _fields(kind, selections, schema, fragments):
            merged.setdefault((parent.name, (node.alias or node.name).value), []).append(node)
    priced: list[PricedField] = []
    for (parent_name, _), nodes in merged.items():
        parent = schema.type_map[parent_name]
        name = nodes[0].name.value
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            continue
        if name.startswith("__"):
            if (meta := _META_FIELDS.get(name)) is None:  # `__typename`
                continue
            field, price = meta, Cost()
        elif parent.name.startswith("__"):
            field, price = parent.fields[name], Cost(rows=_introspected(schema, name))
        else:
            field = parent.fields[name]
            price = pricing(field, nodes, fragments)
        if is_direct and price.calls_if_direct:
            price = price._replace(calls=price.calls_if_direct)
        reads = _reads(price, nodes[0])
        if price.once and reads <= read:
            price = price._replace(once=0)
        priced.append(PricedField(parent_name, field, nodes, price, *_first(field, nodes[0]), reads))
    read = read.union(*(each.reads for each in priced if len(each.reads) == 1))  # of several, one is read
    collected: list[T] = []
    for each in priced:
        target = get_named_type(each.definition.type)
        deeper: _Selected = [
            (target, node.selection_set.selections) for node in each.nodes if node.selection_set is not None
        ]
        source = is_direct if each.price.is_direct is None else each.price.is_direct
        below = (
            _collect(deeper, schema, fragments, pricing, collect, read, is_direct=source) if deeper else []
        )
        collected += collect(each, below)
    return collected


_META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


def _introspected(schema: GraphQLSchema, name: str) -> int:
    """Return the number of elements that a list of introspection has, for types about as many as they are.

    Other lists have about ten in the average, and so have the arguments of all fields of a type together.
    """
    if name == "types":
        return len(schema.type_map)
    return 10 if name in ("fields", "inputFields", "enumValues", "possibleTypes", "directives") else 1


def _fields(
    kind: GraphQLNamedType,
    selections: Sequence[SelectionNode],
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Iterator[tuple[GraphQLNamedType, FieldNode]]:
    for selection in selections:
        if isinstance(selection, FieldNode):
            yield kind, selection
            continue
        fragment: Any = selection  # Any: a spread or an inline fragment, there is no third
        if isinstance(selection, FragmentSpreadNode):
            fragment = fragments[selection.name.value]
        condition = fragment.type_condition
        narrowed = kind if condition is None else schema.type_map[condition.name.value]
        yield from _fields(narrowed, fragment.selection_set.selections, schema, fragments)


def nests_lists(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> bool:
    """Return whether an element of a list in the result of a valid operation may have a list in it."""
    root = schema.get_root_type(operation.operation)
    if root is None:
        return False
    pending: list[tuple[GraphQLNamedType, SelectionSetNode, bool]] = [(root, operation.selection_set, False)]
    while pending:
        kind, selected, is_element = pending.pop()
        for parent, node in _fields(kind, selected.selections, schema, fragments):
            name = node.name.value
            if name == "__typename":
                continue
            if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
                return True
            type_ = parent.fields[name].type
            named = get_named_type(type_)
            is_list = is_list_type(get_nullable_type(type_))
            is_json = isinstance(named, GraphQLScalarType) and named.name not in _LEAVES
            if is_element and (is_list or is_json):
                return True
            if node.selection_set is not None:
                pending.append((named, node.selection_set, is_element or is_list))
    return False


_LEAVES = frozenset({"String", "ID", "Int", "Float", "Boolean", "Date", "DateTime"})  # others may be any JSON


def _first(field: GraphQLField, node: FieldNode) -> tuple[int | str | None, int]:
    declared = field.args.get("first")
    if declared is None:
        return None, 1
    default = declared.default_value if isinstance(declared.default_value, int) else 10
    for argument in node.arguments or ():
        if argument.name.value == "first":
            if isinstance(argument.value, VariableNode):
                return argument.value.name.value, default
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value), default
    return default, default


def _reads(price: Cost, node: FieldNode) -> Reads:
    given = [each for each in node.arguments or () if each.name.value in price.keys]
    return frozenset((price.keys[each.name.value], print_ast(each.value)) for each in given)


def _size(node: FieldNode, member: str) -> int | ListSize | None:
    """Return the length of the list that is a member of the argument `input`."""
    value = next((each.value for each in node.arguments or () if each.name.value == "input"), None)
    if isinstance(value, VariableNode):
        return ListSize(value.name.value, member)
    fields = value.fields if isinstance(value, ObjectValueNode) else ()
    value = next((each.value for each in fields if each.name.value == to_camel_case(member)), None)
    if isinstance(value, VariableNode):
        return ListSize(value.name.value, None)
    return len(value.values) if isinstance(value, ListValueNode) else 1  # one element may be no list


def has_variable_cost(steps: Sequence[Step]) -> bool:
    """Return whether the estimate depends on variables: a list takes its `first` from one."""
    return any(isinstance(each.first, str | ListSize) or has_variable_cost(each.below) for each in steps)


def calls_polaris(steps: Sequence[Step]) -> bool:
    """Return whether any of these fields, or of those below them, calls Polaris."""
    return any(each.price.calls_polaris or calls_polaris(each.below) for each in steps)


def page_sizes(steps: Sequence[Step], variables: Mapping[str, Any]) -> Iterator[int]:
    """Yield the `first` of each list for which it is given. Any: the value of a variable."""
    for _, first, _, below in steps:
        given = variables.get(first) if isinstance(first, str) else first
        if isinstance(given, int):
            yield given
        yield from page_sizes(below, variables)


class Estimate(NamedTuple):
    """The upstream calls that an operation may need, and the records that its result may have.

    Each place of a record in the result counts. Only records of lists with `first`, and of lists with such
    lists below them, are counted: others are a part of the record that has them.
    """

    calls: int
    records: int


def estimate_cost(
    steps: Sequence[Step], variables: Mapping[str, Any], limits: LimitSettings, parents: int = 1
) -> Estimate:
    """Return the estimate for these steps below each of `parents`. Any: the value of a variable."""
    calls = records = 0
    for price, first, default, below in steps:
        calls += price.once
        if price.batched:
            calls += (price.calls + (price.more if parents > 1 else 0)) * -(-parents // limits.ids_in_call)
        else:
            calls += price.calls * parents
        rows = price.rows
        if first is not None:
            given: Any = first
            if isinstance(first, str):
                given = variables.get(first)
            elif isinstance(first, ListSize):
                given = first.of(variables)
            rows *= min(max(given if isinstance(given, int) else default, 0), limits.max_page_size)
        if first is not None or rows != 1:
            records += parents * rows
        if below:
            more = estimate_cost(below, variables, limits, parents * rows)
            calls += more.calls
            records += more.records
    return Estimate(calls, records)


def check_estimate(estimate: Estimate, limits: LimitSettings) -> GraphQLError | None:
    """Return the error for an operation whose estimate exceeds a limit."""
    calls, records = estimate
    if calls > limits.max_cost:
        return limit_error(
            "MAX_COST",
            limits.max_cost,
            f"The operation may need {_reported(calls)} upstream calls; at most {limits.max_cost} are "
            "allowed. Select smaller pages or fewer links",
            estimated=min(calls, MAX_REPORTED_COST),
        )
    if records > limits.max_result_nodes:
        return limit_error(
            "MAX_RESULT_NODES",
            limits.max_result_nodes,
            f"The result may have {_reported(records)} records; at most {limits.max_result_nodes} are "
            "allowed. Select smaller pages or fewer lists",
            estimated=min(records, MAX_REPORTED_COST),
        )
    return None


def _reported(number: int) -> str:
    return str(number) if number <= MAX_REPORTED_COST else f"more than {MAX_REPORTED_COST}"

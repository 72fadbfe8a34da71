"""How much a document may ask: bounds that are checked before it costs anything.

The shape of a document is walked once, fragments put in where they are spread, and the walk ends at the first
bound that is passed. So neither fragments that spread each other nor cycles of them cost more than a plain
document. Only then is the document validated, some of whose rules take quadratic time. What it costs upstream
is estimated when the variables are known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from graphql import (
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
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    MaxIntrospectionDepthRule,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    VariableNode,
    get_named_type,
    parse,
)
from graphql.validation import ASTValidationRule

from gateway.errors import BadUserInput, LimitExceeded
from gateway.settings import LimitSettings

MAX_COMPARISONS = 10_000  # of fields with one name in one place, which validation compares pair by pair
MAX_REPORTED_COST = 1_000_000  # a larger estimate is reported as "more than" this


def exceeded(limit: str, most: int, message: str, node: Node | None = None, **figures: int) -> GraphQLError:
    """Return the error for an exceeded limit, named as clients read it: `MAX_DEPTH`."""
    extensions = {"code": LimitExceeded.code, "limit": limit, "maximum": most, **figures}
    return GraphQLError(f"{message} ({limit}).", node, extensions=extensions)


# Text


def parsed(query: str, limits: LimitSettings) -> DocumentNode:
    """Parse a text, unless it is too long. Raises `GraphQLError`, with a code where it is about a limit."""
    most = limits.max_query_characters
    if len(query) > most:
        raise exceeded(
            "MAX_QUERY_CHARACTERS",
            most,
            f"The query has {len(query)} characters; at most {most} are allowed",
            figure=len(query),
        )
    most = limits.max_tokens
    try:
        return parse(query, max_lexical_tokens=most, max_comments=most)
    except GraphQLError as error:
        # graphql-core has no class for it. No syntax error can begin like this: they quote what they found.
        for kind in ("tokens", "comments"):
            if error.message.startswith(
                f"Syntax Error: Document contains more than {limits.max_tokens} {kind}"
            ):
                passed = exceeded(
                    "MAX_TOKENS", limits.max_tokens, f"The query has more than {limits.max_tokens} {kind}"
                )
                raise passed from None
        raise


# Shape


class _Found(NamedTuple):
    selections: Sequence[SelectionNode]
    depth: int
    place: int  # where these fields are in the answer: all that are merged there have one number
    within: frozenset[str]  # the fragments being put in, for cycles


class _Walk:
    """One walk through a document; what it counts belongs to the document as a whole."""

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
            if name not in self.seen:  # nobody spreads it, and yet it would be validated
                self.check_definition(fragment)

    def check_definition(self, definition: OperationDefinitionNode | FragmentDefinitionNode) -> None:
        limits = self.limits
        places: dict[tuple[int, str], int] = {}
        fields_at: defaultdict[int, int] = defaultdict(int)
        root_fields = 0
        self.count_directives(definition)
        found = [_Found(definition.selection_set.selections, 1, 0, frozenset())]
        while found:
            selections, depth, place, within = found.pop()
            for selection in selections:
                self.nodes += 1
                if self.nodes > limits.max_nodes:
                    self.refuse(
                        "MAX_NODES",
                        limits.max_nodes,
                        "fields and fragments, counted where they are spread",
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
                    name = (selection.alias or selection.name).value
                    here = places.setdefault((place, name), len(places) + 1)
                    self.comparisons += fields_at[here]
                    fields_at[here] += 1
                    if self.comparisons > MAX_COMPARISONS:
                        self.refuse(
                            "MAX_COMPARISONS",
                            MAX_COMPARISONS,
                            "pairs of fields with the same name in the same place",
                            selection,
                        )
                    if selection.selection_set is not None:
                        found.append(_Found(selection.selection_set.selections, depth + 1, here, within))
                elif isinstance(selection, InlineFragmentNode):
                    found.append(_Found(selection.selection_set.selections, depth, place, within))
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    fragment = self.fragments.get(name)
                    if fragment is not None and name not in within:  # validation has the words for both
                        if name not in self.seen:
                            self.seen.add(name)
                            self.count_directives(fragment)
                        found.append(_Found(fragment.selection_set.selections, depth, place, within | {name}))

    def count_directives(self, node: Any) -> None:  # Any: the nodes that can have some have no common class
        directives = node.directives
        if directives:
            self.directives += len(directives)
            if self.directives > self.limits.max_directives:
                self.refuse("MAX_DIRECTIVES", self.limits.max_directives, "directives", directives[-1])

    def refuse(self, limit: str, most: int, what: str, node: Node) -> None:
        raise exceeded(limit, most, f"The query has more than {most} {what}", node)


def check_shape(document: DocumentNode, limits: LimitSettings) -> None:
    """Raises `GraphQLError` at the first limit that the document passes, its fragments put in."""
    _Walk(document, limits).check()


# Rules of validation


class FiniteNumbers(ASTValidationRule):
    """A number beyond what a double can hold would reach a resolver as infinity."""

    def _check(self, node: FloatValueNode | IntValueNode) -> None:
        if not math.isfinite(float(node.value)):
            extensions = {"code": BadUserInput.code}
            self.report_error(GraphQLError("A number is too large to be one.", node, extensions=extensions))

    def enter_float_value(self, node: FloatValueNode, *_: object) -> None:
        self._check(node)

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        self._check(node)


class IntrospectionDepth(MaxIntrospectionDepthRule):
    """graphql-core's rule against lists of lists of the schema, as a limit with its code."""

    def report_error(self, error: GraphQLError) -> None:
        message = "The query nests more than 2 lists of the schema"
        node = error.nodes[0] if error.nodes else None
        super().report_error(exceeded("MAX_INTROSPECTION_DEPTH", 2, message, node))


# Cost in upstream calls


class Price(NamedTuple):
    """What a field asks upstream: `calls`, once for each batch of parents or for each parent.

    `rows` is how many records it is taken to have, where no argument `first` says it.
    """

    calls: int = 0
    batched: bool = True
    rows: int = 1


# The declared price of a field that is selected by these nodes; whoever knows the fields gives the function.
Pricing: TypeAlias = Callable[
    [GraphQLField, Sequence[FieldNode], Mapping[str, FragmentDefinitionNode]], tuple[int, bool, int]
]


class Step(NamedTuple):
    """A field that asks upstream or multiplies those below it; fields that do neither are left out."""

    price: Price
    first: int | str | None  # a number, or the name of the variable that has it
    default: int  # `first`, where the variable was not given
    below: tuple[Step, ...]


def steps_of(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    pricing: Pricing,
) -> tuple[Step, ...]:
    """What of a valid operation costs upstream calls. `@skip` and `@include` are taken not to leave out."""
    root = schema.get_root_type(operation.operation)
    if root is None:  # validation has seen to it
        return ()
    selected: _Selected = [(root, operation.selection_set.selections)]
    return tuple(_steps(selected, schema, fragments, pricing, calls=1))


_Selected: TypeAlias = "list[tuple[GraphQLNamedType, Sequence[SelectionNode]]]"


def _steps(
    selected: _Selected,
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
    pricing: Pricing,
    calls: int = 0,
) -> Iterator[Step]:
    merged: dict[tuple[str, str], list[FieldNode]] = {}
    for kind, selections in selected:
        for parent, node in _fields(kind, selections, schema, fragments):
            merged.setdefault((parent.name, (node.alias or node.name).value), []).append(node)
    for (parent_name, _), nodes in merged.items():
        parent = schema.type_map[parent_name]
        name = nodes[0].name.value
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            continue
        field = parent.fields[name]
        price = Price(*pricing(field, nodes, fragments))
        price = price._replace(calls=max(price.calls, calls))
        target = get_named_type(field.type)
        deeper: _Selected = [
            (target, node.selection_set.selections) for node in nodes if node.selection_set is not None
        ]
        below = tuple(_steps(deeper, schema, fragments, pricing)) if deeper else ()
        first, default = _first(field, nodes[0])
        if price.calls or (below and (price.rows != 1 or first is not None)):
            yield Step(price, first, default, below)
        else:
            yield from below


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
        opened: Any = selection  # Any: a spread or an inline fragment, there is no third
        if isinstance(selection, FragmentSpreadNode):
            opened = fragments[selection.name.value]
        narrowed = opened.type_condition
        within = kind if narrowed is None else schema.type_map[narrowed.name.value]
        yield from _fields(within, opened.selection_set.selections, schema, fragments)


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


def estimated(
    steps: Sequence[Step], variables: Mapping[str, Any], limits: LimitSettings, parents: int = 1
) -> int:
    """How many calls these steps may need; Any: the value of a variable."""
    calls = 0
    for price, first, default, below in steps:
        calls += price.calls * (-(-parents // limits.batch_size) if price.batched else parents)
        if below:
            rows = price.rows
            if first is not None:
                given = variables.get(first) if isinstance(first, str) else first
                rows *= min(max(given if isinstance(given, int) else default, 0), limits.max_page_size)
            calls += estimated(below, variables, limits, parents * rows)
    return calls


def too_costly(
    steps: Sequence[Step], variables: Mapping[str, Any], limits: LimitSettings
) -> GraphQLError | None:
    """The refusal of an operation that may need more upstream calls than one may."""
    calls = estimated(steps, variables, limits)
    if calls <= limits.max_cost:
        return None
    told = str(calls) if calls <= MAX_REPORTED_COST else f"more than {MAX_REPORTED_COST}"
    return exceeded(
        "MAX_COST",
        limits.max_cost,
        f"The operation may need {told} upstream calls; at most {limits.max_cost} are allowed. "
        "Ask for smaller pages or fewer links",
        estimated=min(calls, MAX_REPORTED_COST),
    )

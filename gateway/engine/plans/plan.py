"""Compiled plans: an operation as far as it is known before it is executed."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    VariableValues,
    get_nullable_type,
)

from gateway.context import Context
from gateway.engine.core import declaration_of
from gateway.engine.variables import argument_values
from gateway.fields.base import Field, Selected

Json: TypeAlias = Any  # a record or a part of a response
# The values, the execution, and one `append` for each list of notes.
Projection: TypeAlias = Callable[..., list[Json]]
Step: TypeAlias = tuple[str, Sequence[FieldNode]]  # the attribute of a result, and the field that it is of
Unembedded: TypeAlias = tuple[Step, ...]
"""The way in a link's target to a member that the parent does not embed, or that older upstreams omit."""


NOTHING = Selected()


class UnexpectedValue(Exception):
    """A value is not of the type in the schema, so graphql-core must complete it."""


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """An error in the place of a value in a result. It becomes null, and the error gets the path."""

    error: Exception
    nodes: Sequence[FieldNode]  # of the field, for the locations


@dataclass(slots=True, eq=False)
class Unexpected:
    """A value in the place of its part of a result, which graphql-core completes beside the plan.

    For a page, `parts` are the results for pages of one record each, some of them unexpected themselves.
    """

    value: Json
    field: FieldPlan
    parts: Sequence[Json] = ()
    completion: asyncio.Task[tuple[Json, list[GraphQLError]]] | None = None


class UnsupportedOperation(Exception):
    """The operation has something that plans do not support."""


@dataclass(slots=True, eq=False, kw_only=True)
class FieldPlan:
    """A field that is loaded: at the root, or a link."""

    parent_type: GraphQLObjectType
    field: GraphQLField
    nodes: list[FieldNode]
    selected: Selected = NOTHING
    arguments: Json = None  # parsed; None if there are variables in them, or if they are not valid
    target: Plan = dataclasses.field(init=False)

    name: str = dataclasses.field(init=False)  # in the response
    declaration: Any = dataclasses.field(init=False)  # a `Field`, or at the root another field of Strawberry
    has_resolver: bool = dataclasses.field(init=False)  # it is another field of Strawberry
    kind: GraphQLOutputType = dataclasses.field(init=False)  # of each loaded value, or element of a list

    def __post_init__(self) -> None:
        self.name = (self.nodes[0].alias or self.nodes[0].name).value
        self.declaration = declaration_of(self.field)
        self.has_resolver = not isinstance(self.declaration, Field)
        kind: Any = get_nullable_type(self.field.type)
        loads_lists = not self.has_resolver and self.declaration.loads_lists
        self.kind = kind.of_type if loads_lists else self.field.type

    @property
    def may_be_completed_alone(self) -> bool:
        """True if graphql-core can complete one loaded value: it is the field's own, and may be null."""
        owns = not self.has_resolver and self.declaration.loads_owner
        return not owns and not isinstance(self.kind, GraphQLNonNull)

    def parse_arguments(self, variables: VariableValues, hide_suggestions: bool) -> Json:
        """Return the arguments, parsed by the declaration. Raises `GraphQLError` and `BadUserInput`."""
        given = argument_values(self.field, self.nodes[0], variables, hide_suggestions)
        if self.has_resolver:
            return given
        return self.declaration.parse(given, self.selected)


@dataclass(slots=True, eq=False, kw_only=True)
class LinkPlan(FieldPlan):
    """A link of a selection. The projection notes its parents: tuples that begin with the parent's result."""

    notes: int  # the number of the list of notes
    key: int  # the place of the parent's key in a note
    attribute: str  # of the parent's result
    record: int | None = None  # the place of the parent's record, if that embeds any of the target
    embedded: Plan | None = None  # the target as far as a parent's record has it, null if it has nothing
    unembedded: Sequence[Unembedded] = ()  # in the order of the selection: the first gets the error

    @property
    def is_nullable(self) -> bool:
        return not isinstance(self.field.type, GraphQLNonNull)


@dataclass(slots=True, eq=False, kw_only=True)
class Plan:
    """How values of one type become their part of the response, for one selection.

    `project` is pure and raises if a value is unexpected. It leaves links null and notes, in as many lists as
    `notes` says, the parents whose links are to be loaded.
    """

    project: Projection = dataclasses.field(init=False)  # when the plan is complete
    notes: int = 0
    links: list[LinkPlan] = dataclasses.field(default_factory=list)
    source: str = ""


@dataclass(slots=True, eq=False, kw_only=True)
class OperationPlan:
    """An operation for one set of values of the variables in its conditions."""

    roots: list[FieldPlan]
    results: dict[str, Json]  # in the order of the response: null, and the values of `__typename`


class Execution(Protocol):
    """An execution of an operation, for the links of one root."""

    context: Context

    def arguments(self, plan: FieldPlan) -> Json:
        """Return the parsed arguments of a field. Raises `GraphQLError` and `BadUserInput`."""

    def count_embedded(self, number: int) -> None:
        """Count links whose targets were embedded in their parents."""

    def fail(self, error: Exception, nodes: Sequence[FieldNode]) -> Failure:
        """Return what stands for a field with an error in the result, until it is located there."""

    def complete(self, unexpected: Unexpected) -> Unexpected:
        """Start its completion by graphql-core, and return it."""

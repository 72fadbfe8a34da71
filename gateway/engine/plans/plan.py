"""What is known of an operation before any record is there."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLField, GraphQLObjectType

from gateway.engine.core import StrawberryField
from gateway.upstream.collection import Shape

Json: TypeAlias = Any  # a record as a dictionary or as a Struct, or a part of an answer
Projection: TypeAlias = Callable[..., list[Json]]  # the values, then one `append` for each list of notes


class Anomaly(Exception):
    """Something is not what the schema says, and graphql-core must say what that comes to."""


class NotPlanned(Exception):
    """The operation has something that plans do not know."""


@dataclass(slots=True, eq=False, kw_only=True)
class FieldPlan:
    """A field that asks: at the root, or a link. `kwargs` are its arguments where no variable is in them."""

    name: str  # in the answer
    parent_type: GraphQLObjectType
    field: GraphQLField
    definition: StrawberryField
    nodes: list[FieldNode]
    kwargs: Mapping[str, Any] | None
    shape: Hashable  # whose records it leads to; None where they are dictionaries


@dataclass(slots=True, eq=False, kw_only=True)
class RootPlan(FieldPlan):
    """A root field, and what becomes of its value."""

    target: Plan


@dataclass(slots=True, eq=False, kw_only=True)
class LinkPlan(FieldPlan):
    """One link of a selection.

    Its parents are noted when they are made: their keys in the list `keys`, themselves in the list `sources`
    where more than the key is read of them. `target` is for what the loader has. `carried` makes the target
    of what the parent knows of it, None where that is not all that is selected; `carried_target` is for that.
    """

    key: tuple[str, ...]  # the path of the key in the parent; nothing where the parent resolves it all
    attribute: str  # where the parent's result holds it
    nullable: bool
    keys: int
    sources: int | None
    target: Plan
    carried: Callable[[Json], Json] | None = None
    carried_target: Plan | None = None
    knows_names: frozenset[tuple[str, ...]] | None = None  # needed, where a partial may know it


@dataclass(slots=True, eq=False)
class Site:
    """A place in a selection whose objects have links; `targets` is the list of their results."""

    targets: int
    links: list[LinkPlan] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Plan:
    """How values of one type become their part of the answer, for one selection.

    `project` is pure and raises on any doubt. Links it leaves null, and notes what following them takes in
    as many lists as `notes` says.
    """

    project: Projection
    notes: int
    sites: list[Site]
    source: str


@dataclass(slots=True, eq=False, kw_only=True)
class OperationPlan:
    """All of one operation, for one set of values of the variables in its conditions."""

    roots: list[RootPlan]
    names: dict[str, str]  # root fields that are `__typename`
    order: list[str]
    shapes: Mapping[Hashable, Shape]
    needs: dict[tuple[int, ...], Any]  # as `Context.needs`: of this operation they are always the same
    is_mutation: bool

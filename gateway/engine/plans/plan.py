"""Compiled plans: an operation as far as it is known before it is executed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLField, GraphQLObjectType

from gateway.fields.base import Selected
from gateway.fields.inputs import Arguments as Converter
from gateway.upstream.collection import RecordDecoder

Json: TypeAlias = Any  # a record or a part of a response
# The values, a function that counts embedded targets, and one `append` for each list of notes.
Projection: TypeAlias = Callable[..., list[Json]]


class UnexpectedValue(Exception):
    """A value is not of the type in the schema, so graphql-core must complete it."""


class UnsupportedOperation(Exception):
    """The operation has something that plans do not support."""


@dataclass(slots=True, eq=False, kw_only=True)
class FieldPlan:
    """A field that is loaded: at the root, or a link."""

    name: str  # in the response
    parent_type: GraphQLObjectType
    field: GraphQLField
    declaration: Any  # a `Field`, or at the root another field of Strawberry
    nodes: list[FieldNode]
    selected: Selected
    arguments: Any = None  # parsed; None if there are variables in them, or if they are not valid
    convert: Converter | None = None  # makes Python's arguments of those of GraphQL
    target: Plan
    starts: bool = True  # the declaration has a method `start`; else it has a resolver
    decoder: RecordDecoder | None = None  # of the records it leads to; None if they are dictionaries


@dataclass(slots=True, eq=False, kw_only=True)
class LinkPlan(FieldPlan):
    """A link of a selection. The projection notes its parents in two lists: their results and their keys."""

    targets: int  # the number of the list of results
    keys: int  # the number of the list of keys
    attribute: str  # of the parent's result
    nullable: bool
    has_value: bool  # the projection has set a value, which stays if there is no record


@dataclass(slots=True, eq=False, kw_only=True)
class Plan:
    """How values of one type become their part of the response, for one selection.

    `project` is pure and raises if a value is unexpected. It leaves links null and notes, in as many lists as
    `notes` says, the parents whose links are to be loaded.
    """

    project: Projection
    notes: int
    links: list[LinkPlan]
    source: str


@dataclass(slots=True, eq=False, kw_only=True)
class OperationPlan:
    """An operation for one set of values of the variables in its conditions."""

    roots: list[FieldPlan]
    typenames: dict[str, str]  # root fields that are `__typename`
    order: list[str]
    is_mutation: bool

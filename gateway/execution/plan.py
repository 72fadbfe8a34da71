"""What is known of a selection on records before any record is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import GraphQLField, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails

from gateway.schema.link import Link
from gateway.schema.selection import Needs

Json: TypeAlias = Any  # a record, or a part of an answer
Projection: TypeAlias = Callable[..., list[Json]]  # the values, then two `append`s for each site


class Anomaly(Exception):
    """Something is not what the schema says, and graphql-core must say what that comes to."""


class NotPlanned(Exception):
    """The selection has something that plans do not know."""


@dataclass(slots=True, eq=False, kw_only=True)
class LinkPlan:
    """One link of a selection, and the plan for what it leads to.

    `carried` makes the target from what the parent knows of it, None where the parent does not carry all
    that is selected; it is there only where the declaration knows enough. `declared` is set for the links
    that are followed by their key; the others are resolved as they always are.
    """

    name: str
    parent_type: GraphQLObjectType
    field: GraphQLField
    details: list[FieldDetails]
    target: Plan
    nullable: bool
    declared: Link | None
    needs: Needs
    carried: Callable[[Json], Json] | None


@dataclass(slots=True, eq=False)
class Site:
    """A place in a selection whose objects have links: each of them is noted when it is made."""

    links: list[LinkPlan] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Plan:
    """How values of one type become their part of the answer, for one selection.

    `project` is pure and raises on any doubt. Links it leaves null, and notes source and result of the
    object at its site.
    """

    project: Projection
    sites: list[Site]
    source: str


@dataclass(slots=True, eq=False)
class Projected:
    """What came of projecting values: those in `failed` are to be completed by graphql-core."""

    values: list[Json]
    results: list[Json]
    failed: set[int]
    sources: list[list[Json]]
    targets: list[list[Json]]

    def owners(self, plan: Plan, site: int) -> list[int]:
        """For each object noted at a site, the place of the value that it belongs to."""
        found: list[int] = []
        for place, value in enumerate(self.values):
            if place not in self.failed:
                sources: list[list[Json]] = [[] for _ in plan.sites]
                plan.project([value], *_notes(sources, [[] for _ in plan.sites]))
                found += [place] * len(sources[site])
        return found


def projected(plan: Plan, values: list[Json]) -> Projected:
    """Project values; one that cannot be costs no other."""
    sources: list[list[Json]] = [[] for _ in plan.sites]
    targets: list[list[Json]] = [[] for _ in plan.sites]
    try:
        return Projected(values, plan.project(values, *_notes(sources, targets)), set(), sources, targets)
    except Exception:  # whatever it was, it is looked at value by value
        return _one_by_one(plan, values)


def _one_by_one(plan: Plan, values: list[Json]) -> Projected:
    whole = Projected(values, [None] * len(values), set(), [[] for _ in plan.sites], [[] for _ in plan.sites])
    for place, value in enumerate(values):
        sources: list[list[Json]] = [[] for _ in plan.sites]
        targets: list[list[Json]] = [[] for _ in plan.sites]
        try:
            (whole.results[place],) = plan.project([value], *_notes(sources, targets))
        except Exception:
            whole.failed.add(place)
            continue
        for kept, more in ((whole.sources, sources), (whole.targets, targets)):
            for each, added in zip(kept, more, strict=True):
                each += added
    return whole


def _notes(sources: list[list[Json]], targets: list[list[Json]]) -> list[Callable[[Json], None]]:
    return [kept.append for pair in zip(sources, targets, strict=True) for kept in pair]

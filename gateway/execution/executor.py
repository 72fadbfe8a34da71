"""An executor that completes records by plans, and everything else as graphql-core does.

Roots keep their resolvers; a plan begins where the value of a field is an object or a list of records.
Projection is pure and loaders remember, so what a plan cannot do is done by graphql-core for that subtree
alone, with its errors, paths and nulls, and nothing is asked upstream twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from copy import copy
from typing import Any

import strawberry
from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    get_nullable_type,
)
from graphql.execution.collect_fields import FieldDetails, GroupedFieldSet
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path, gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.info import Info

from gateway.execution.fallbacks import FALLBACKS
from gateway.execution.link_batch import Level
from gateway.execution.plan import LinkPlan, NotPlanned, Plan, projected
from gateway.execution.plan_cache import PlanCache, Plans
from gateway.execution.projector import carried_by, compiled
from gateway.loaders.batching import Slice
from gateway.schema.link import EMBEDDED, THROUGH, EmbeddedLink, Link
from gateway.schema.selection import Needs, needs_of

PLANS = PlanCache()

Details = list[FieldDetails]


class PlanExecutor(StrawberryGraphQLCoreExecutionContext):
    """Any in its signatures: they are graphql-core's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plans: Plans | None = None
        self._refused: dict[tuple[int, int], Any] = {}  # what a plan gave up, by its selection
        self._infos: dict[int, Info[Any, Any]] = {}
        if self.middleware_manager is None and self.abort_signal is None and self.error_propagation:
            self._plans = PLANS.plans_for(
                self.schema, self.operation, self.fragment_definitions.values(), self.variable_values.coerced
            )

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: Details,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        plan = None
        if self._plans is not None and type(result) is list and result:
            item = get_nullable_type(return_type.of_type)
            if isinstance(item, GraphQLObjectType) and type(result[0]) in (dict, tuple, type(None)):
                plan = self._plan(return_type.of_type, field_details_list)
        if plan is None:
            return super().complete_list_value(
                return_type, field_details_list, info, path, result, position_context
            )
        made = projected(plan, result)
        FALLBACKS.planned += 1
        generic = _Items(self, return_type.of_type, field_details_list, info, path, made.results)
        if made.failed:
            FALLBACKS.count("record")
            generic.complete(made.failed, result)
        if not plan.sites:
            return generic.finish() if generic.awaited else made.results
        level = Level(self, plan, made)
        if not level.batches:
            return generic.finish() if generic.awaited else made.results

        async def linked() -> list[Any]:
            failed = await level.finish()
            if failed:
                FALLBACKS.count("link")
                generic.complete(failed, result)
            return await generic.finish() if generic.awaited else made.results

        return linked()

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Details,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        def generic() -> Any:
            return super(PlanExecutor, self).complete_object_value(
                return_type, field_details_list, info, path, result, position_context
            )

        if self._plans is None or type(result) not in (dict, Slice):
            return generic()
        place = (id(field_details_list), id(result))
        if place in self._refused:
            return generic()
        plan = self._plan(return_type, field_details_list)
        if plan is None:
            return generic()
        made = projected(plan, [result])
        FALLBACKS.planned += 1
        if made.failed:
            FALLBACKS.count("record")
            return generic()
        if not plan.sites:
            return made.results[0]
        level = Level(self, plan, made)
        if not level.batches:
            return made.results[0]

        async def linked() -> Any:
            if not await level.finish():
                return made.results[0]
            FALLBACKS.count("link")
            completed = generic()
            return await completed if self.is_awaitable(completed) else completed

        return linked()

    def refuse(self, details: Details, value: Any) -> None:
        """Let no plan try this value for this selection again. It is kept, so that its id stays its own."""
        self._refused[id(details), id(value)] = value

    # What plans and links ask of the operation.

    def info_of(self, link: LinkPlan) -> Info[Any, Any]:
        """The resolve info of a link, the same for all its parents: it names no place in the answer."""
        found = self._infos.get(id(link))
        if found is None:
            found = self._infos[id(link)] = self._info(link.name, link.parent_type, link.field, link.details)
        return found

    def arguments_of(self, field: GraphQLField, details: Details) -> Mapping[str, Any]:
        node = details[0].node
        if not field.args and not node.arguments:
            return {}
        return get_argument_values(field, node, self.variable_values, None, self.hide_suggestions)

    def _info(
        self, name: str, parent_type: GraphQLObjectType, field: GraphQLField, details: Details
    ) -> Info[Any, Any]:
        nodes = [each.node for each in details]
        raw = self.build_resolve_info(field, nodes, parent_type, Path(None, name, parent_type.name))
        return Info(_raw_info=raw, _field=field.extensions["strawberry-definition"])

    def _plan(self, kind: GraphQLOutputType, details: Details) -> Plan | None:
        """The plan for values of a type that these fields lead to; None where there can be none."""
        plans = self._plans
        if plans is None:
            return None
        nodes = (details[0].node,) if len(details) == 1 else tuple(each.node for each in details)
        key = (id(kind), *map(id, nodes))  # the type and the nodes live as long as the plans
        try:
            return plans[key]
        except KeyError:
            plans[key] = None
        try:
            plans[key] = compiled(kind, details, self._collected, self._link)
        except NotPlanned:
            FALLBACKS.count("not planned")
        except Exception:  # the answer does not depend on it
            FALLBACKS.count("not compiled")
        return plans[key]

    def _collected(self, kind: GraphQLObjectType, details: Details) -> GroupedFieldSet:
        return self.collect_subfields(kind, details).grouped_field_set

    def _link(
        self, name: str, parent_type: GraphQLObjectType, field: GraphQLField, details: Details
    ) -> LinkPlan | None:
        definition = field.extensions["strawberry-definition"]
        needs: Needs = frozenset()
        declared = definition if type(definition) is Link else None
        if isinstance(definition, Link | EmbeddedLink):
            needs = needs_of(self._info(name, parent_type, field, details))
            if isinstance(definition, EmbeddedLink) and needs <= EMBEDDED:
                return None
        target = self._plan(field.type, details)
        if target is None:
            raise NotPlanned("behind a link")
        return LinkPlan(
            name=name,
            parent_type=parent_type,
            field=field,
            details=details,
            target=target,
            nullable=not isinstance(field.type, GraphQLNonNull),
            declared=declared,
            needs=needs,
            carried=_carried(declared, needs),
        )


def executed_by_plans(schema: strawberry.Schema) -> strawberry.Schema:
    """The same schema, to be executed by plans."""
    made = copy(schema)
    made.execution_context_class = PlanExecutor
    return made


class _Items:
    """The items of a list that graphql-core completes, each in its place."""

    def __init__(
        self,
        executor: PlanExecutor,
        item_type: GraphQLOutputType,
        details: Details,
        info: GraphQLResolveInfo[Any],
        path: Path,
        results: list[Any],
    ) -> None:
        self.executor = executor
        self.item_type = item_type
        self.details = details
        self.info = info
        self.path = path
        self.results = results
        self.awaited: dict[int, Awaitable[Any]] = {}

    def complete(self, places: set[int], items: list[Any]) -> None:
        """Complete the items at these places. Raises what makes an end of the whole list."""
        executor = self.executor
        try:
            for place in sorted(places):
                item = items[place]
                executor.refuse(self.details, item)
                completed: list[Any] = []
                later = executor.complete_list_item_value(
                    item,
                    completed,
                    self.item_type,
                    self.details,
                    self.info,
                    self.path.add_key(place, None),
                    None,
                )
                if later:
                    self.awaited[place] = completed[0]
                else:
                    self.results[place] = completed[0]
        except Exception:
            if self.awaited:
                executor.settle_in_background(list(self.awaited.values()))
            raise

    async def finish(self) -> list[Any]:
        awaited = await gather_with_cancel(*self.awaited.values())
        for place, result in zip(self.awaited, awaited, strict=True):
            self.results[place] = result
        return self.results


def _carried(declared: Link | None, needs: Needs) -> Any:
    """How the target is made of what the parent carries, if that can be enough. Any: a function of JSON."""
    if declared is None or not declared.known or not needs <= declared.known.keys():
        return None
    begun = {path[0] for path in needs}
    paths = {
        target: origin
        for target, origin in declared.known.items()
        if target[0] in begun or target[0].endswith(THROUGH)
    }
    return carried_by(paths, sorted(needs), THROUGH)

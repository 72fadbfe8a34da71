"""Links, a level at a time: the keys of all parents at once, and each distinct record completed once.

All loaders of a level are started before any is awaited, in the tick in which the parents were read, so that
their batches are those of resolvers that run side by side. Loaders remember what they answered, errors too:
whoever completes a record anew asks nothing again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from graphql import GraphQLError, GraphQLField
from graphql.execution.collect_fields import FieldDetails
from strawberry.types.info import Info

from gateway.errors import GatewayError
from gateway.execution.plan import Anomaly, Json, LinkPlan, Plan, Projected, projected
from gateway.schema.link import Link, id_in
from gateway.schema.record import dig
from gateway.schema.selection import loaders_for


class Following(Protocol):
    """What following a link takes of the operation."""

    def info_of(self, link: LinkPlan) -> Info[Any, Any]: ...

    def arguments_of(self, field: GraphQLField, details: list[FieldDetails]) -> Mapping[str, Any]: ...


class Level:
    """The links of what was projected, begun. Whoever makes one must finish it."""

    def __init__(self, operation: Following, plan: Plan, made: Projected) -> None:
        self.plan = plan
        self.made = made
        self.batches = [
            (number, LinkBatch(operation, link, made.sources[number], made.targets[number]))
            for number, site in enumerate(plan.sites)
            if made.sources[number]
            for link in site.links
        ]

    async def finish(self) -> set[int]:
        """Fill in the links. Answers the places of the values that graphql-core must complete instead."""
        deep = sum(bool(batch.link.target.sites) for _, batch in self.batches)
        if deep and len(self.batches) > 1:
            failures = await asyncio.gather(*(batch.finish() for _, batch in self.batches))
        else:
            failures = [await batch.finish() for _, batch in self.batches]
        failed: set[int] = set()
        for (number, _), places in zip(self.batches, failures, strict=True):
            if places:
                owners = self.made.owners(self.plan, number)
                failed.update(owners[place] for place in places)
        return failed


class LinkBatch:
    """One link of many parents: what is carried at once, and one future for each distinct key."""

    def __init__(
        self, operation: Following, link: LinkPlan, sources: list[Json], targets: list[Json]
    ) -> None:
        self.operation = operation
        self.link = link
        self.targets = targets
        self.failed: set[int] = set()
        self.carried: list[int] = []
        self.values: list[Json] = []
        self.futures: dict[asyncio.Future[Json], list[int]] = {}
        if link.declared is None:
            self._resolve(sources)
        else:
            self._by_key(link.declared, sources)

    async def finish(self) -> set[int]:
        """Complete what the links lead to. Answers the places of the parents where that failed."""
        places: list[list[int]] = [[place] for place in self.carried]
        values = self.values
        try:
            for future, parents in self.futures.items():
                try:
                    value = await future
                except Exception:  # graphql-core asks the loader again, and the error is its to tell
                    self.failed.update(parents)
                    continue
                if value is None and self.link.nullable:
                    continue
                values.append(value)
                places.append(parents)
        except asyncio.CancelledError:
            for each in self.futures:
                each.cancel()
            raise
        if values:
            await self._complete(values, places)
        return self.failed

    async def _complete(self, values: list[Json], places: list[list[int]]) -> None:
        plan = self.link.target
        made = projected(plan, values)
        failed = made.failed
        if plan.sites:
            failed = failed | await Level(self.operation, plan, made).finish()
        name, targets = self.link.name, self.targets
        for number, (result, parents) in enumerate(zip(made.results, places, strict=True)):
            if number in failed:
                self.failed.update(parents)
            else:
                for parent in parents:
                    targets[parent][name] = result

    def _by_key(self, declared: Link, sources: list[Json]) -> None:
        """As `Link.get_result`, for all parents."""
        link = self.link
        load = None
        path, through = declared.key, declared.through
        key_name = path[0] if len(path) == 1 else None
        by_key: dict[str, list[int]] = {}
        for place, source in enumerate(sources):
            key = source.get(key_name) if key_name is not None else dig(source, path)
            if key is None or key == "":
                self._nothing(place)
                continue
            try:
                parents = by_key.get(key)
                if parents is None:
                    id_in(declared, key)
            except (GatewayError, TypeError):
                self.failed.add(place)
                continue
            if through in source:
                known = source[through]
                if known is not None and link.needs <= {("id",), *((name,) for name in known)}:
                    self._carries(place, {"id": key, **known})
                    continue
            if link.carried is not None:
                target = link.carried(source)
                if target is not None:
                    self._carries(place, target)
                    continue
            if parents is None:
                if load is None:
                    info = self.operation.info_of(link)
                    load = getattr(loaders_for(info, link.needs), declared.loader).load
                parents = by_key[key] = self.futures.setdefault(load(key), [])
            parents.append(place)

    def _resolve(self, sources: list[Json]) -> None:
        """As graphql-core does, with one resolve info for all parents: resolvers of links ask for no path."""
        link = self.link
        resolve = link.field.resolve
        try:
            if resolve is None:
                raise Anomaly
            arguments = self.operation.arguments_of(link.field, link.details)
        except (Anomaly, GraphQLError):
            self.failed.update(range(len(sources)))
            return
        info = self.operation.info_of(link)._raw_info
        for place, source in enumerate(sources):
            try:
                value = resolve(source, info, **arguments)
            except Exception:  # whatever it is, it is raised again where graphql-core resolves the field
                self.failed.add(place)
                continue
            if asyncio.isfuture(value):
                self.futures.setdefault(value, []).append(place)
            elif asyncio.iscoroutine(value):
                self.futures[asyncio.ensure_future(value)] = [place]
            elif value is None:
                self._nothing(place)
            else:
                self._carries(place, value)

    def _nothing(self, place: int) -> None:
        if not self.link.nullable:
            self.failed.add(place)

    def _carries(self, place: int, target: Json) -> None:
        self.carried.append(place)
        self.values.append(target)

"""Links, a level at a time: the keys of all parents at once, and each distinct record completed once.

All loaders of a level are started before any is awaited, in the tick in which the parents were read, so that
their batches are those of resolvers that run side by side. A link that fails costs itself and nothing else:
its parents hold null, and are noted with the error for whoever tells where in the answer they are.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, cast

from graphql import GraphQLError
from msgspec import to_builtins
from strawberry import Info

from gateway.engine.plans.compiler import Asked
from gateway.engine.plans.plan import Anomaly, FieldPlan, Json, LinkPlan, OperationPlan, Plan
from gateway.errors import GatewayError
from gateway.fields.link import Asking, EmbeddedLink, ManyLink, are_ids, id_in
from gateway.fields.page import ConnectionLink, FullListLink
from gateway.loaders.loader import Loader, settled

Found: TypeAlias = tuple[Json, list[int]]  # a value, and the places of its parents


@dataclass(frozen=True, slots=True)
class Failure:
    """A link of a parent that is null because of an error."""

    parent: Json
    link: LinkPlan
    error: Exception


class Resolved(NamedTuple):
    """What a resolver of one parent came to: a value, or an exception. The parent is held for its id."""

    source: Json
    value: Json


@dataclass(slots=True, eq=False)
class Following:
    """One run of a plan: what its links are followed with, and those that failed."""

    plan: OperationPlan
    asked: Asked
    failures: list[Failure] = field(default_factory=list)
    infos: dict[int, Info[Any, Any]] = field(default_factory=dict)
    resolved: dict[tuple[int, int], Resolved] = field(default_factory=dict)  # by ids of node and source

    def info(self, plan: FieldPlan) -> Info[Any, Any]:
        found = self.infos.get(id(plan))
        if found is None:
            found = self.infos[id(plan)] = self.asked.info(
                plan.name, plan.parent_type, plan.field, plan.definition, plan.nodes
            )
        return found

    def kwargs(self, plan: FieldPlan) -> Mapping[str, Any]:
        """The arguments of a field. Raises what coercing them raises."""
        if plan.kwargs is not None:
            return plan.kwargs
        given = self.asked.arguments(plan.field, plan.nodes)
        if plan.definition.base_resolver:
            return given
        return self.asked.converted(given, plan.definition)


async def completed(following: Following, plan: Plan, values: list[Json]) -> list[Json]:
    """Values as their parts of the answer, links and all.

    Raises `Anomaly`, or whatever a projection raises, when graphql-core must complete them instead; by then
    nothing that was begun here is still running.
    """
    notes: list[list[Json]] = [[] for _ in range(plan.notes)]
    results = plan.project(values, *[each.append for each in notes])
    batches = [
        LinkBatch(following, link, notes[site.targets], notes)
        for site in plan.sites
        if notes[site.targets]
        for link in site.links
    ]
    if not batches:
        return results
    if len(batches) == 1:
        await batches[0].finish()
        return results
    try:
        if any(each.is_deep for each in batches):
            ends = await asyncio.gather(*(each.ended() for each in batches))
        else:
            ends = [await each.ended() for each in batches]
    except asyncio.CancelledError:  # some may not have come to wait for anything
        for each in batches:
            each.cancel()
        raise
    for end in ends:
        if end is not None:
            raise end
    return results


class LinkBatch:
    """One link of many parents: what is carried at once, and one future for each distinct key.

    It is begun when it is made, and nothing is raised before it is finished.
    """

    def __init__(
        self, following: Following, link: LinkPlan, targets: list[Json], notes: list[list[Json]]
    ) -> None:
        self.following = following
        self.link = link
        self.targets = targets
        self.keys = notes[link.keys]
        self.sources = [] if link.sources is None else notes[link.sources]
        self.carried: list[Json] = []
        self.carriers: list[int] = []  # the places of the parents that carry them
        self.found: list[Found] = []
        self.loading: dict[asyncio.Future[Json], list[int]] = {}
        self.by_key: dict[str, list[int]] = {}  # what one loader was asked for at once
        self.pending: set[asyncio.Future[Json]] = set()
        self.loader: Loader[Any, Any] | None = None
        self.lists: list[tuple[int, list[Json]]] = []  # of futures, until they are finished
        self.made: Callable[[Json], Json] | None = None
        self.anomaly: Exception | None = None
        try:
            self._begin()
        except (GatewayError, GraphQLError) as problem:
            for place in range(len(targets)):
                self._fail(place, problem)
        except Exception as problem:  # a slip of ours, or of a record: the ordinary way knows what it is
            self.anomaly = problem

    @property
    def is_deep(self) -> bool:
        """Whether there may be more to ask behind what this asks."""
        link = self.link
        return bool(link.target.sites or (link.carried_target and link.carried_target.sites))

    async def finish(self) -> None:
        """Complete what the links lead to, and put it into their parents. Raises as `completed`."""
        try:
            if self.carried:
                try:
                    await self._put_carried()
                except Exception as problem:  # raised when nothing is under way any more
                    self.anomaly = problem
            await self._loaded()
            if self.carried:  # for want of anything else
                await self._put_carried()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if self.anomaly is not None:
            raise self.anomaly
        if self.found:
            await self._put(self.link.target, self.found)
        if self.lists:
            await self._put_lists()

    async def ended(self) -> Exception | None:
        """The same, and what it raised."""
        try:
            await self.finish()
        except Exception as problem:
            return problem
        return None

    def cancel(self) -> None:
        listed = (each for _, loading in self.lists for each in loading if asyncio.isfuture(each))
        for each in (*self.loading, *self.pending, *listed):
            each.cancel()

    # How links are followed

    def _begin(self) -> None:
        link, following = self.link, self.following
        definition: Any = link.definition
        info, kwargs = following.info(link), following.kwargs(link)
        if not link.key:
            self._resolve(definition, info, kwargs)
            return
        by_key = None
        if not isinstance(definition, ConnectionLink | ManyLink):
            by_key = self._grouped()
            if by_key is not None and not by_key:  # nothing to ask for
                return
        asking: Asking = definition.asking(info, kwargs)
        if link.shape is not None:
            asking.loader.shape = following.plan.shapes[link.shape]  # type: ignore[attr-defined]  # it reads
        if isinstance(definition, ConnectionLink):
            self._of_connections(asking, definition.empty(info, kwargs))
        elif isinstance(definition, ManyLink):
            self._many(asking)
        elif by_key is not None:
            self._all_at_once(asking, by_key)
        else:
            self._one_by_one(asking)

    def _of_connections(self, asking: Asking, empty: Json) -> None:
        load, key_of = asking.loader.load, asking.key
        for place, key in enumerate(self.keys):
            if key is None:
                self.found.append((empty, [place]))
            else:
                self.loading.setdefault(load(key_of(key)), []).append(place)

    def _grouped(self) -> dict[str, list[int]] | None:
        """The places of each key that must be asked for, where all keys are ids or null.

        What is null, and what the parents carry, is dealt with. None where a key must be looked at by itself.
        """
        by_key = _plain_keys(self.keys)
        if by_key is None:
            return None
        if None in by_key:
            self._nothing(by_key.pop(None))
        link, sources, carried, carriers = self.link, self.sources, self.carried, self.carriers
        if link.carried is None and link.knows_names is None:
            return by_key
        begun = len(carried)
        carried_by = link.carried if link.knows_names is None else None
        for key, places in [*by_key.items()]:
            left = []
            for place in places:
                source = sources[place]
                known = self._known(key, source) if carried_by is None else carried_by(source)
                if known is None:
                    left.append(place)
                else:
                    carried.append(known)
                    carriers.append(place)
            if left:
                by_key[key] = left
            else:
                del by_key[key]
        self.following.asked.context.operation.embedded += len(carried) - begun
        return by_key

    def _all_at_once(self, asking: Asking, by_key: dict[str, list[int]]) -> None:
        """By the keys of all parents together."""
        self.loader = loader = cast("Loader[Any, Any]", asking.loader)
        self.made, self.by_key = asking.made, by_key
        operation = self.following.asked.context.operation
        operation.loads += sum(map(len, by_key.values())) - len(by_key)  # the loader counts these
        self.pending = loader.load_all(by_key)

    def _one_by_one(self, asking: Asking) -> None:
        """By the key of each parent, where some have what is no key."""
        definition: Any = self.link.definition
        load, key_of, self.made = asking.loader.load, asking.key, asking.made
        whole = isinstance(definition, FullListLink)
        for place, key in enumerate(self.keys):
            if key is None or (key == "" and not whole):
                self._nothing([place])
                continue
            try:
                id_in(definition, key)
                known = self._known(key, self.sources[place]) if self.sources else None
                if known is None:
                    self.loading.setdefault(load(key_of(key)), []).append(place)
                else:
                    self.carried.append(known)
                    self.carriers.append(place)
                    self.following.asked.context.operation.embedded += 1
            except Exception as problem:
                if whole:  # it takes any key
                    self.anomaly = problem
                else:
                    self._fail(place, problem)

    def _known(self, key: str, source: Json) -> Json:
        """The target as far as the parent knows it, None where that is not enough. As `Link.get_result`."""
        link = self.link
        if link.knows_names is not None:
            definition: Any = link.definition
            known = source.get(definition.through)
            if known is not None and link.knows_names <= {("id",), *((name,) for name in known)}:
                return {"id": key, **known}
        return None if link.carried is None else link.carried(source)

    def _many(self, asking: Asking) -> None:
        """By a list of keys of each parent."""
        made = self.link.carried or asking.loader.load
        for place, keys in enumerate(self.keys):
            if not isinstance(keys, list):
                continue
            try:
                ids = [id_in(self.link.definition, each) for each in keys]
                self.lists.append((place, [made(key) for key in ids if key is not None]))
                if self.link.carried:
                    self.following.asked.context.operation.embedded += len(self.lists[-1][1])
            except Exception as problem:
                self._fail(place, problem)

    def _resolve(self, definition: Any, info: Any, kwargs: Mapping[str, Any]) -> None:
        """As its own resolver does, with one resolve info for all parents: none asks for a path."""
        for place, source in enumerate(self.sources):
            try:
                value = definition.get_result(source, info, [], dict(kwargs))
            except Exception as problem:
                self._fail(place, problem)
                continue
            if asyncio.isfuture(value):
                self.loading.setdefault(value, []).append(place)
            elif asyncio.iscoroutine(value):
                self.loading[asyncio.ensure_future(value)] = [place]
            elif value is None:
                self._nothing([place])
            else:
                self.found.append((value, [place]))

    # What becomes of them

    async def _loaded(self) -> None:
        if self.loader is not None:
            await settled(self.pending)
            values = self.loader.answers(self.by_key)
            for value, places in zip(values, self.by_key.values(), strict=True):
                if isinstance(value, Exception):
                    for place in places:
                        self._fail(place, value)
                elif value is None:
                    self._nothing(places)
                else:
                    self.found.append((value if self.made is None else self.made(value), places))
        for future, places in self.loading.items():
            try:
                value = await future
            except Exception as problem:
                self._remember(places, problem)
                for place in places:
                    self._fail(place, problem)
                continue
            self._remember(places, value)
            if value is None:
                self._nothing(places)
            else:
                self.found.append((value if self.made is None else self.made(value), places))
        for number, (place, loading) in enumerate(self.lists):
            records: list[Json] = []
            problems: list[Exception] = []
            for each in loading:  # all of them, so that no error is left that nobody asked for
                try:
                    records.append(await each if asyncio.isfuture(each) else each)
                except Exception as problem:
                    problems.append(problem)
            if problems:
                self._fail(place, problems[0])
                records = []
            self.lists[number] = (place, [record for record in records if record is not None])

    def _remember(self, places: list[int], value: Json) -> None:
        """Keep what a resolver came to that may have asked upstream by itself: no loader would know it."""
        if self.link.key:
            return
        node, resolved = id(self.link.nodes[0]), self.following.resolved
        for source in (self.sources[place] for place in places):
            resolved[node, id(source)] = Resolved(source, value)

    async def _put(self, plan: Plan, found: list[Found]) -> None:
        results = await completed(self.following, plan, [value for value, _ in found])
        attribute, targets = self.link.attribute, self.targets
        for result, (_, places) in zip(results, found, strict=True):
            for place in places:
                setattr(targets[place], attribute, result)

    async def _put_carried(self) -> None:
        values, places = self.carried, self.carriers
        self.carried, self.carriers = [], []
        assert self.link.carried_target is not None  # noqa: S101 - what is carried has a plan
        results = await completed(self.following, self.link.carried_target, values)
        attribute, targets = self.link.attribute, self.targets
        for place, result in zip(places, results, strict=True):
            setattr(targets[place], attribute, result)

    async def _put_lists(self) -> None:
        every = [record for _, records in self.lists for record in records]
        results = await completed(self.following, self.link.carried_target or self.link.target, every)
        failed = {id(each.parent) for each in self.following.failures if each.link is self.link}
        start = 0
        for place, records in self.lists:
            end = start + len(records)
            if id(self.targets[place]) not in failed:
                setattr(self.targets[place], self.link.attribute, results[start:end])
            start = end

    def _nothing(self, places: list[int]) -> None:
        """There is no such record. What the parent has of it stands for it, where it has something."""
        if isinstance(self.link.definition, EmbeddedLink):
            for place in places:
                record = self.sources[place].get(self.link.key[0])
                if record is not None:
                    self.carried.append(to_builtins(record))
                    self.carriers.append(place)
        elif not self.link.nullable:
            self.anomaly = Anomaly()

    def _fail(self, place: int, problem: Exception) -> None:
        if self.link.nullable:
            self.following.failures.append(Failure(self.targets[place], self.link, problem))
        else:
            self.anomaly = Anomaly()


def _plain_keys(keys: list[Json]) -> dict[Any, list[int]] | None:
    """The places of each key, where all are ids or null; None where one must be looked at by itself."""
    places: defaultdict[Any, list[int]] = defaultdict(list)
    try:
        for place, key in enumerate(keys):
            places[key].append(place)
        plain = "" not in places and are_ids([key for key in places if key is not None])
    except TypeError:  # a key that is no text
        return None
    return places if plain else None

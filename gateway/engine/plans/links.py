"""Links, a level at a time: the keys of all parents at once, and each distinct record completed once.

All loaders of a level are started before any is awaited, in the same turn of the event loop, so that their
batches are those of resolvers that run side by side. A link that fails costs itself and nothing else: its
parents hold null, and are noted with the error, which is located in the response at the end.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from graphql import GraphQLError

from gateway.context import Context
from gateway.engine.plans.plan import FieldPlan, Json, LinkPlan, Plan, UnexpectedValue
from gateway.errors import GatewayError
from gateway.fields.base import Load
from gateway.fields.link import NO_ID, are_ids, id_in
from gateway.loaders.loader import Loader, wait_for_all


@dataclass(frozen=True, slots=True)
class Failure:
    """A link of a parent that is null because of an error."""

    parent: Json
    link: LinkPlan
    error: Exception


class Execution(Protocol):
    """An execution of an operation, for the links of one root."""

    context: Context
    failures: list[Failure]

    def arguments(self, plan: FieldPlan) -> Any:
        """Return the parsed arguments of a field. Raises `GraphQLError` and `BadUserInput`."""

    def count_embedded(self, number: int) -> None:
        """Count links whose targets were embedded in their parents."""


async def complete(execution: Execution, plan: Plan, values: list[Json]) -> list[Json]:
    """Return the parts of the response for values, with their links.

    Raises `UnexpectedValue`, or what a projection raises, if graphql-core must complete them instead; by then
    nothing that was started here is still running.
    """
    if not plan.notes:
        return plan.project(values, execution.count_embedded)
    notes: list[list[Json]] = [[] for _ in range(plan.notes)]
    results = plan.project(values, execution.count_embedded, *[each.append for each in notes])
    batches = [
        LinkBatch(execution, link, notes[link.targets], notes[link.keys])
        for link in plan.links
        if notes[link.targets]
    ]
    if not batches:
        return results
    if len(batches) == 1:
        await batches[0].finish()
        return results
    try:
        if any(each.link.target.links for each in batches):
            errors = await asyncio.gather(*(each.finish_or_error() for each in batches))
        else:
            errors = [await each.finish_or_error() for each in batches]
    except asyncio.CancelledError:  # some may not have started to wait
        for each in batches:
            each.cancel()
        raise
    for error in errors:
        if error is not None:
            raise error
    return results


class LinkBatch:
    """One link of many parents: their keys are loaded together.

    Loading starts with the batch, and nothing is raised before it is finished.
    """

    def __init__(self, execution: Execution, link: LinkPlan, targets: list[Json], keys: list[Json]) -> None:
        self.execution = execution
        self.link = link
        self.targets = targets
        self.loader: Loader[Any, Any] | None = None
        self.places: dict[Any, list[int]] = {}  # of the parents, by the loader's key
        self.pending: set[asyncio.Future[Json]] = set()
        self.values: list[tuple[Json, list[int]]] = []
        self.lists: list[tuple[int, list[Any]]] = []  # parents with their lists of keys
        self.loaded: list[Any] = []  # the keys in lists that have a record
        self.errors: dict[Any, Exception] = {}  # of the others
        self.value_of: Callable[[Any], Any] | None = None
        self.unexpected: Exception | None = None
        try:
            self._start(keys)
        except (GatewayError, GraphQLError) as error:
            for place in range(len(targets)):
                self._fail(place, error)
        except Exception as error:  # of a bad record: graphql-core raises it at its place
            self.unexpected = error

    async def finish(self) -> None:
        """Complete the targets and set them in their parents. Raises as `complete`."""
        if self.loader is not None:
            await wait_for_all(self.pending)
            self._read(self.loader)
        if self.unexpected is not None:
            raise self.unexpected
        attribute, targets = self.link.attribute, self.targets
        results = await complete(self.execution, self.link.target, [value for value, _ in self.values])
        if self.lists:
            self._set_lists(results)
            return
        for result, (_, places) in zip(results, self.values, strict=True):
            for place in places:
                setattr(targets[place], attribute, result)

    async def finish_or_error(self) -> Exception | None:
        """Finish, and return the exception that it raises."""
        try:
            await self.finish()
        except Exception as error:
            return error
        return None

    def cancel(self) -> None:
        for each in self.pending:
            each.cancel()

    def _start(self, keys: list[Json]) -> None:
        link, execution = self.link, self.execution
        context = execution.context
        arguments = link.arguments if link.arguments is not None else execution.arguments(link)
        load = link.declaration.load(context, arguments, link.selected)
        if link.declaration.loads_lists:
            self._group_lists(keys)
        elif load.loader is None:
            picked = ((place, key and load.key and load.key(key)) for place, key in enumerate(keys))
            self.values = [(value, [place]) for place, value in picked if value is not None]
            return
        else:
            self._group(keys, load)
        if not self.places:
            return
        self.loader, self.value_of = cast("Loader[Any, Any]", load.loader), load.value
        if link.decoder is not None:
            self.loader.decoder = link.decoder
        # The loader counts each key once.
        context.operation.loads += sum(map(len, self.places.values())) - len(self.places)
        self.pending = self.loader.load_all(self.places)

    def _group(self, keys: list[Json], load: Load) -> None:
        """Find the parents of each key."""
        by_key: defaultdict[Any, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            by_key[key].append(place)
        absent = by_key.pop(None, [])
        if self.link.declaration.reads_ids and load.key is None:
            for no_id in NO_ID:
                absent += by_key.pop(no_id, [])
            if are_ids(by_key):
                self.places = by_key
                by_key = defaultdict(list)
        for key, places in by_key.items():
            try:
                if self.link.declaration.reads_ids and type(key) is str:
                    key = id_in(self.link.declaration, key)
                if key is not None and load.key is not None:
                    key = load.key(key)
            except GatewayError as error:
                for place in places:
                    self._fail(place, error)
                continue
            if key is None:
                absent += places
            else:
                self.places.setdefault(key, []).extend(places)
        if absent and load.empty is not None:
            self.values.append((load.empty, absent))
        elif absent:
            self._set_nothing()

    def _group_lists(self, lists: list[Json]) -> None:
        for place, keys in enumerate(lists):
            if keys is None:
                continue
            try:
                ids = [each for key in keys if (each := id_in(self.link.declaration, key)) is not None]
            except GatewayError as error:
                self._fail(place, error)
                continue
            self.lists.append((place, ids))
            for each in ids:
                self.places.setdefault(each, []).append(place)

    def _read(self, loader: Loader[Any, Any]) -> None:
        """Read what was loaded."""
        decoder, value_of = self.link.decoder, self.value_of
        for (key, places), value in zip(self.places.items(), loader.results(self.places), strict=True):
            if isinstance(value, Exception):
                if self.lists:
                    self.errors[key] = value
                else:
                    for place in places:
                        self._fail(place, value)
                continue
            if value is None:
                self._set_nothing()
                continue
            if type(value) is dict and decoder is not None:
                try:
                    value = decoder.convert(value)
                except Exception as error:
                    self.unexpected = error
            self.values.append((value if value_of is None else value_of(value), places))
            if self.lists:
                self.loaded.append(key)

    def _set_lists(self, results: list[Json]) -> None:
        by_key = dict(zip(self.loaded, results, strict=True))
        for place, keys in self.lists:
            error = next((self.errors[key] for key in keys if key in self.errors), None)
            if error is not None:
                self._fail(place, error)
            else:
                value = [by_key[key] for key in keys if key in by_key]
                setattr(self.targets[place], self.link.attribute, value)

    def _set_nothing(self) -> None:
        """Leave what the projection has set, for parents without a target."""
        if not self.link.nullable:
            self.unexpected = UnexpectedValue()

    def _fail(self, place: int, error: Exception) -> None:
        link = self.link
        if not link.nullable:
            self.unexpected = UnexpectedValue()
            return
        self.execution.failures.append(Failure(self.targets[place], link, error))
        if link.has_value:
            setattr(self.targets[place], link.attribute, None)

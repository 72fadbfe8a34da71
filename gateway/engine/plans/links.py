"""Links, a level at a time: the keys of all parents at once, and each distinct record completed once.

All loaders of a level are started before any is awaited, in the same turn of the event loop, so that their
batches are those of resolvers that run side by side. A link that fails costs itself and nothing else: its
parents hold null, and are noted with the error, which is located in the response at the end.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

from graphql import GraphQLError
from msgspec.structs import astuple

from gateway.engine.plans.plan import (
    Execution,
    FieldPlan,
    Json,
    LinkPlan,
    Plan,
    Unexpected,
    UnexpectedValue,
)
from gateway.errors import GatewayError, without_frames
from gateway.fields.base import Load
from gateway.fields.link import NO_ID, are_ids, are_uuids, id_in, ids_in
from gateway.loaders.loader import Loader, wait_for_all
from gateway.loaders.pages import Slice
from gateway.upstream.turns import Turn

COMPLETION_TURNS = 2  # of the event loop, until graphql-core comes to the links of what it completes
SLICE_RECORDS = 250  # projected in one turn of the event loop, unless they are one page
PAGE_RECORDS = 2_500  # of one page, projected in one turn; upstream's pages have at most a thousand


async def complete(
    execution: Execution, plan: Plan, values: list[Json], field: FieldPlan | None, parents: int = 1
) -> list[Json]:
    """Return the parts of the response for values, with their links. Each has at most `parents`.

    In the place of a value that is not of the type in the schema is an `Unexpected`, if null is valid there;
    `field` is the one whose values they are. Otherwise it raises `UnexpectedValue`, or what a projection
    raises; by then nothing that was started here is still running.
    """
    notes: list[list[Json]] = [[] for _ in range(plan.notes)]
    results: list[Json]
    if _is_long(values):
        results = []
        for some in _slices(values):
            if len(some) == 1 and type(some[0]) is Slice and len(some[0].records) > PAGE_RECORDS:
                results += await _project_page(execution, plan, some[0], notes, field)
            else:
                async with Turn():
                    results += project(execution, plan, some, notes, field)
    else:
        results = project(execution, plan, values, notes, field)
    if not any(notes):
        return results
    if any(type(each) is Unexpected for each in results):
        for _ in range(COMPLETION_TURNS):
            await asyncio.sleep(0)
    batches = [
        LinkBatch(execution, link, noted, parents) for link in plan.links if (noted := notes[link.notes])
    ]
    if len(batches) == 1:
        await batches[0].finish()
        return results
    try:
        errors = await asyncio.gather(*(each.finish() for each in batches), return_exceptions=True)
    except asyncio.CancelledError:  # some may not have started to wait
        for each in batches:
            each.cancel()
        raise
    for error in errors:
        if error is not None:
            raise error
    return results


def _slices(values: list[Json]) -> Iterator[list[Json]]:
    """Divide values into those that are projected together: by their number, or by that of their records."""
    some: list[Json] = []
    records = 0
    for each in values:
        number = len(each.records) if type(each) is Slice else 1
        if some and (records + number > PAGE_RECORDS or len(some) == SLICE_RECORDS):
            yield some
            some, records = [], 0
        some.append(each)
        records += number
    yield some


async def _project_page(
    execution: Execution, plan: Plan, page: Slice, notes: list[list[Json]], field: FieldPlan | None
) -> list[Json]:
    """Project a long page in parts, and join their lists: all other fields are of the whole page."""
    lengths = [len(each) for each in notes]
    result: Json = None
    joined: list[list[Json]] = []
    try:
        for start in range(0, len(page.records), PAGE_RECORDS):
            async with Turn():
                part = replace(page, part=range(start, start + PAGE_RECORDS))
                (projected,) = _project_all(execution, plan, [part], notes)
                lists = _lists_in(projected)
                if result is None:
                    result, joined = projected, lists
                else:
                    for whole, more in zip(joined, lists, strict=True):
                        whole += more
    except Exception as error:
        if field is None or not field.may_be_completed_alone:
            raise
        without_frames(error)
        for each, length in zip(notes, lengths, strict=True):
            del each[length:]
        # Not by halves, as shorter pages: it would be one turn.
        return [execution.complete(Unexpected(page, field))]
    return [result]


def _lists_in(result: Json) -> list[list[Json]]:
    """Return the lists in the result of a page. Two names may have the same one."""
    return list({id(each): each for each in astuple(result) if type(each) is list}.values())


def project(
    execution: Execution, plan: Plan, values: list[Json], notes: list[list[Json]], field: FieldPlan | None
) -> list[Json]:
    """Return the parts of the response for values, without their links; otherwise as `complete`."""
    try:
        return _project_all(execution, plan, values, notes)
    except Exception as error:
        if field is None or not field.may_be_completed_alone:
            raise
        without_frames(error)
    results = _project_parts(execution, plan, values, notes, field)
    return [execution.complete(each) if isinstance(each, Unexpected) else each for each in results]


def _project_all(execution: Execution, plan: Plan, values: list[Json], notes: list[list[Json]]) -> list[Json]:
    """Project values, or raise what the projection raises and note nothing."""
    lengths = [len(each) for each in notes]
    try:
        return plan.project(values, execution, *[each.append for each in notes])
    except Exception:
        for each, length in zip(notes, lengths, strict=True):
            del each[length:]
        raise


def _project_parts(
    execution: Execution, plan: Plan, values: list[Json], notes: list[list[Json]], field: FieldPlan
) -> list[Json]:
    """Project values of which one is unexpected: by halves, so that few are projected by themselves."""
    if len(values) > 1:
        parts, middle = [], len(values) // 2
        for half in values[:middle], values[middle:]:
            try:
                parts += _project_all(execution, plan, half, notes)
            except Exception as error:
                without_frames(error)
                parts += _project_parts(execution, plan, half, notes, field)
        return parts
    (page,) = values
    if type(page) is not Slice or len(page.records) < 2:
        return [Unexpected(page, field)]
    pages = [
        replace(page, records=[record], offset=place)
        for place, record in enumerate(page.records, page.offset)
    ]
    return [Unexpected(page, field, _project_parts(execution, plan, pages, notes, field))]


def _is_long(values: list[Json]) -> bool:
    """Return whether the projection of values is to take a turn of its own: they have many records."""
    if len(values) > SLICE_RECORDS:
        return True
    if not values or type(values[0]) is not Slice:
        return False
    return any(type(each) is Slice and len(each.records) > SLICE_RECORDS for each in values)


class LinkBatch:
    """One link of many parents: their keys are loaded together.

    Loading starts with the batch, and nothing is raised before it is finished.
    """

    def __init__(self, execution: Execution, link: LinkPlan, noted: list[Json], parents: int) -> None:
        self.execution = execution
        self.parents = parents  # of one target, at most
        self.link = link
        self.noted = noted
        self.absent: dict[int, Exception | None] = {}  # parents without a loaded target, with the error
        self.loader: Loader[Any, Any] | None = None
        self.places: dict[Any, list[int]] = {}  # of the parents, by the loader's key
        self.keys: list[Any] = []  # the same keys, as the loader's cache has them
        self.has_uuids = False  # all keys are UUIDs in lower case
        self.pending: set[asyncio.Future[Json]] = set()
        self.values: list[Json] = []  # of the targets that were loaded, and of each the places of its parents
        self.places_of_values: list[list[int]] = []
        self.lists: list[tuple[int, range]] = []  # parents with lists of keys: all other places are in these,
        self.elements: list[Json] = []  # one after another; None for an element without a target
        self.value_of: Callable[[Any], Any] | None = None
        self.unexpected: Exception | None = None
        try:
            self._start([each[link.key] for each in noted])
        except (GatewayError, GraphQLError) as error:
            self._set_absent([*range(len(noted))], error)
        except Exception as error:  # of a bad record: graphql-core raises it at its place
            self.unexpected = error

    async def finish(self) -> None:
        """Complete the targets and set them in their parents. Raises as `complete`."""
        if self.loader is not None:
            await wait_for_all(self.pending)
            self._read(self.loader)
            self._count_parents()
        if self.unexpected is not None:
            raise self.unexpected
        if self.lists:
            await self._set_lists()
        elif not self.absent:
            await self._set_loaded()
        elif not self.values:
            await self._set_embedded()
        else:  # side by side, so that their links share batches
            errors = await asyncio.gather(self._set_loaded(), self._set_embedded(), return_exceptions=True)
            for error in errors:
                if error is not None:
                    raise error

    async def _set_loaded(self) -> None:
        """Complete the targets that were loaded, and set them in their parents."""
        attribute, noted = self.link.attribute, self.noted
        results = await complete(self.execution, self.link.target, self.values, self.link, self.parents)
        for result, places in zip(results, self.places_of_values, strict=True):
            for place in places:
                setattr(noted[place][0], attribute, result)

    async def _set_lists(self) -> None:
        """Complete the targets that were loaded, and set the lists of them: none has a gap."""
        link, elements = self.link, self.elements
        results = await complete(self.execution, link.target, self.values, link, self.parents)
        for result, places in zip(results, self.places_of_values, strict=True):
            for place in places:
                elements[place] = result
        for place, within in self.lists:
            error = next((self.absent[each] for each in within if each in self.absent), None)
            value: Json = [elements[each] for each in within if elements[each] is not None]
            if error is not None:
                value = self.execution.fail(error, link.nodes)
            setattr(self.noted[place][0], link.attribute, value)

    async def _set_embedded(self) -> None:
        """Set what parents embed of targets that could not be loaded, or that do not exist any more."""
        link, noted, absent = self.link, self.noted, self.absent
        if link.embedded is None or link.record is None:
            values = [getattr(noted[place][0], link.attribute) for place in absent]  # as projected
        else:
            records = [noted[place][link.record] for place in absent]
            values = await complete(self.execution, link.embedded, records, None, self.parents)
        for (place, error), value in zip(absent.items(), values, strict=True):
            if error is not None:
                value = self._with_error(value, error)
            setattr(noted[place][0], link.attribute, value)

    def _with_error(self, target: Json, error: Exception) -> Json:
        """Return an embedded target with the error in the first member that is missing, else the error."""
        if target is None:
            return self.execution.fail(error, self.link.nodes)
        known = ((name, self.link.nodes) for name in target.__struct_fields__)
        for steps in (*self.link.unembedded, *((step,) for step in known)):
            part = target
            for attribute, nodes in steps:
                if (below := getattr(part, attribute)) is None:
                    setattr(part, attribute, self.execution.fail(error, nodes))
                    return target
                part = below
        return self.execution.fail(error, self.link.nodes)

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
            for place, key in enumerate(keys):
                if load.key is not None and (value := load.key(key)) is not None:
                    self._add(value, [place])
            return
        else:
            self._group(keys, load)
        if not self.places:
            return
        self.loader, self.value_of = cast("Loader[Any, Any]", load.loader), load.value
        if link.selected.decoder is not None:
            self.loader.decoder = link.selected.decoder
        # The loader counts each key once.
        context.operation.loads += sum(map(len, self.places.values())) - len(self.places)
        self.keys = [*self.places] if self.has_uuids else self.loader.cache_keys(self.places)
        self.pending = self.loader.load_all(self.places, self.keys)

    def _group(self, keys: list[Json], load: Load) -> None:
        """Find the parents of each key."""
        by_key: defaultdict[Any, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            by_key[key].append(place)
        absent = by_key.pop(None, [])
        if self.link.declaration.reads_ids and load.key is None:
            for no_id in NO_ID:
                absent += by_key.pop(no_id, [])
            self.has_uuids = are_uuids(by_key)
            if self.has_uuids or are_ids(by_key):
                self.places = by_key
                by_key = defaultdict(list)
        for key, places in by_key.items():
            try:
                if self.link.declaration.reads_ids and type(key) is str:
                    key = id_in(self.link.declaration, key)
                if key is not None and load.key is not None:
                    key = load.key(key)
            except GatewayError as error:
                self._set_absent(places, error)
                continue
            if key is None:
                absent += places
            else:
                self.places.setdefault(key, []).extend(places)
        if absent and load.empty is not None:
            if isinstance(load.empty, Exception):
                self._set_absent(absent, load.empty)
            else:
                self._add(load.empty, absent)
        elif absent and not self.link.is_nullable:
            self.unexpected = UnexpectedValue()
        elif load.key is not None:  # of several members, which are some of the target's too
            self._set_absent(absent, None)

    def _group_lists(self, lists: list[Json]) -> None:
        elements = self.elements
        for place, keys in enumerate(lists):
            if keys is None:
                continue
            start = len(elements)
            for each in ids_in(self.link.declaration, keys):
                if isinstance(each, str):
                    self.places.setdefault(each, []).append(len(elements))
                    elements.append(None)
                else:
                    elements.append(self.execution.fail(each, self.link.nodes))
            self.lists.append((place, range(start, len(elements))))

    def _read(self, loader: Loader[Any, Any]) -> None:
        """Read what was loaded."""
        decoder, value_of = self.link.selected.decoder, self.value_of
        values = loader.results(self.keys)
        if value_of is None and decoder is not None and {*map(type, values)} == {decoder.struct}:
            self.values += values
            self.places_of_values += self.places.values()
            return
        for places, value in zip(self.places.values(), values, strict=True):
            if value is None or isinstance(value, Exception):
                self._set_absent(places, value)
                continue
            if type(value) is dict and decoder is not None:
                value = decoder.convert(value)
            self._add(value if value_of is None else value_of(value), places)

    def _add(self, value: Json, places: list[int]) -> None:
        self.values.append(value)
        self.places_of_values.append(places)

    def _count_parents(self) -> None:
        """Count how often a target is in the result, which has it once in memory and often when encoded."""
        self.parents *= max(map(len, self.places.values()))
        operation = self.execution.context.operation
        operation.parents = max(operation.parents, self.parents)

    def _set_absent(self, places: list[int], error: Exception | None) -> None:
        """Leave parents without a loaded target, because of an error or because upstream has none."""
        if not self.link.is_nullable:
            self.unexpected = UnexpectedValue()
        elif error is not None or self.link.embedded is not None:
            self.absent |= dict.fromkeys(places, error)

"""The plan of an operation: its upstream calls, why each is needed, and what was sent in fact.

The calls are those that the kinds of fields count in their cost. Nothing here knows any field.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
)

from gateway.context import Context, ContextFactory
from gateway.engine.core import declaration_of
from gateway.engine.cost import price
from gateway.engine.documents import Operation
from gateway.engine.limits import Estimate, PricedField, Reads, Step, estimate_cost, walk_prices
from gateway.engine.response_body import LARGE, LARGE_RESULT, encode
from gateway.fields.base import CALLS, Field
from gateway.fields.link import LoadedField
from gateway.fields.root import LookupField
from gateway.fields.selection import Document, analyze_selection, fields_below
from gateway.identity import Caller
from gateway.loaders import Loaders
from gateway.loaders.loader_set import Calls, declared_calls
from gateway.loaders.recorded import RecordedLoaders
from gateway.observability.operation import OperationRecord
from gateway.settings import LimitSettings
from gateway.upstream.recorded_calls import RecordedServices, SentCall
from gateway.upstream.routes import Route
from gateway.upstream.services import ListsFrom, declared_routes

log = logging.getLogger(__name__)

MAX_SHOWN = 5  # fields that a hint names as free
Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]


class PlannedCall(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An upstream call that a field may need, and how often by estimate.

    `batch` is the number of keys that one call has at most; None if it has none. `alternatives` are the
    routes one of which may be called in place of `route`, as the arguments, the record or the BFF decide.
    `after` are the ids of the calls whose results it needs.
    """

    id: int
    service: str
    method: str
    route: str
    alternatives: list[str]
    purpose: str
    path: str
    batch: int | None
    estimated: int
    after: list[int]


class PlannedLink(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A link that is resolved from its parent, or the selected `members` for which it is not."""

    path: str
    from_parent: bool
    members: list[str]
    hint: str | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Upstream calls, and records in the result."""

    calls: int
    nodes: int


class Limits(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The limits: `calls` is MAX_COST, `nodes` MAX_RESULT_NODES, the others have their settings' names."""

    calls: int
    nodes: int
    depth: int
    root_fields: int
    aliases: int
    page_size: int
    batch_size: int


class SentRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An upstream call that was sent, with the id of the planned one. Times are in milliseconds.

    `status` is the HTTP status, or the reason why there is none. `keys` is the number of ids in its query.
    """

    call: int | None
    service: str
    method: str
    route: str
    status: int | str
    start_ms: float
    duration_ms: float
    keys: int | None


class LoaderCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that were passed to a loader, those that it had already, and its batches."""

    loader: str
    loads: int
    hits: int
    batches: int


class Actual(msgspec.Struct, frozen=True, kw_only=True):
    """The calls and records in fact; `embedded` are the links that were resolved from their parents.

    `nodes` is None for a long response.
    """

    calls: int
    nodes: int | None
    embedded: int
    requests: list[SentRequest]
    loaders: list[LoaderCounts]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """The upstream calls of an operation: by estimate, in fact, and the limit of the estimate."""

    estimated: int
    actual: int
    limit: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The plan of an operation, and what was sent if it was executed."""

    estimate: Counts
    limits: Limits
    calls: list[PlannedCall]
    links: list[PlannedLink]
    actual: Actual | None = None


class Explainer:
    """Explains operations, by the schema, the limits and the source of loans and requests."""

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: LimitSettings,
        *,
        lists_from: ListsFrom,
        create_context: ContextFactory | None = None,
    ) -> None:
        """`lists_from` is the source of loans and requests.

        Without `create_context` it explains no executions.
        """
        self.schema = schema
        self.limits = limits
        self.lists_from = lists_from
        self.create_context = create_context

    def explain(self, operation: Operation, variables: Mapping[str, Any]) -> Explanation:
        """Return the plan of an operation with these variables. Any: values of variables."""
        return _Plan(self, operation, variables).explain()


class _PlannedField(NamedTuple):
    """A field with those below it.

    `counts` is true if it costs calls or multiplies records, `has_steps` if it or a field below it does.
    `has_lists` is true if it or a field below it may have records that the estimate counts.
    """

    field: PricedField
    below: list[_PlannedField]
    counts: bool
    has_steps: bool
    has_lists: bool

    @classmethod
    def of(cls, field: PricedField, below: list[_PlannedField]) -> list[_PlannedField]:
        has_steps = any(each.has_steps for each in below)
        counts = field.counts(has_steps=has_steps)
        is_list = field.first is not None or (counts and field.price.rows != 1)
        has_lists = is_list or any(each.has_lists for each in below)
        return [cls(field, below, counts, counts or has_steps, has_lists)]


class _Plan:
    """The calls and links of one operation."""

    def __init__(self, explainer: Explainer, operation: Operation, variables: Mapping[str, Any]) -> None:
        self.limits = explainer.limits
        self.lists_from = explainer.lists_from
        self.fragments = operation.fragment_definitions
        self.is_mutation = operation.node.operation is OperationType.MUTATION
        self.variables = variables
        self.estimate = Estimate(0, 0)
        self.calls: list[PlannedCall] = []
        self.look_ups: dict[Reads, list[int]] = {}  # their calls
        self.after_look_ups: list[tuple[Reads, list[int]]] = []  # what they read, and calls that need it
        self.links: list[PlannedLink] = []
        self.roots = walk_prices(
            explainer.schema, operation.node, operation.fragment_definitions, price, _PlannedField.of
        )
        after: list[int] = []
        for each in self.roots:
            own = self.add(each, "", 1, after)
            after = own if self.is_mutation else []  # one after another
        for reads, needed in self.after_look_ups:  # which may be selected after the fields that need them
            needed[:] = sorted({*needed, *self.look_ups.get(reads, ())})

    def explain(self) -> Explanation:
        limits, (calls, records) = self.limits, self.estimate
        return Explanation(
            estimate=Counts(calls=calls, nodes=records),
            limits=Limits(
                calls=limits.max_cost,
                nodes=limits.max_result_nodes,
                depth=limits.max_depth,
                root_fields=limits.max_root_fields,
                aliases=limits.max_aliases,
                page_size=limits.max_page_size,
                batch_size=limits.ids_in_call,
            ),
            calls=self.calls,
            links=self.links,
        )

    def add(self, planned: _PlannedField, path: str, parents: int, after: list[int]) -> list[int]:
        """Add a field and those below it, and return the ids of the calls that these need."""
        field = planned.field
        node = field.nodes[0]
        path = f"{path}.{(node.alias or node.name).value}".removeprefix(".")
        if planned.counts:
            step = Step(field.price, field.first, field.default, ())
            calls, records = estimate_cost((step,), self.variables, self.limits, parents)
            if (repetition := field.repetition) is not None:
                repeated = estimate_cost((repetition,), self.variables, self.limits, parents)
                calls += repeated.calls
                self.estimate = Estimate(self.estimate.calls, self.estimate.records + repeated.records)
            self.estimate = Estimate(self.estimate.calls + calls, self.estimate.records + records)
            if calls:
                after = self.add_calls(field, path, parents, calls, after)
            if field.first is not None or field.price.rows != 1:
                parents = records
        self.add_link(field, path)
        for each in planned.below:
            self.add(each, path, parents, after)
        return after

    def add_calls(
        self, field: PricedField, path: str, parents: int, number: int, after: list[int]
    ) -> list[int]:
        """Add the calls of a field: those before the last once, or once for each batch of parents."""
        is_batched = field.price.batched
        batches = -(-parents // self.limits.ids_in_call) if is_batched else parents
        is_look_up = isinstance(declaration_of(field.definition), LookupField)
        has_keys = is_look_up or "." in path
        if field.reads and not field.price.once and not is_look_up:
            after = [*after]
            self.after_look_ups.append((field.reads, after))
        routes = list(self.routes_of(field))
        for place, (route, *others) in enumerate(routes, 1):
            estimated = min(field.price.once or batches, number) if place < len(routes) else number
            number -= estimated
            self.calls.append(
                PlannedCall(
                    id=len(self.calls) + 1,
                    service=service_of(route.method, route.template),
                    method=route.method,
                    route=route.template,
                    alternatives=[f"{each.method} {each.template}" for each in others],
                    purpose=f"{field.parent}.{field.nodes[0].name.value}",
                    path=path,
                    batch=None if not has_keys else self.limits.ids_in_call if is_batched else 1,
                    estimated=estimated,
                    after=after,
                )
            )
            after = [len(self.calls)]
        if is_look_up:
            self.look_ups[field.reads] = after
        return after

    def routes_of(self, field: PricedField) -> Iterator[list[Route]]:
        """Yield the route of each call of a field, with the routes that may be called in its place."""
        declaration = declaration_of(field.definition)
        calls: Calls
        if isinstance(declaration, Field):
            selected = analyze_selection(declaration, field.definition, field.nodes, Document(self.fragments))
            calls = declaration.upstream_calls(selected, field.nodes[0], self.lists_from)
            for loader, _ in field.reads if field.price.once else ():
                calls = (*declared_calls(Loaders, loader, self.lists_from), *calls)
        else:
            calls = declaration.metadata.get(CALLS, ())
        for members in filter(None, calls):
            yield [_routes()[member] for member in members]

    def add_link(self, field: PricedField, path: str) -> None:
        """Add a link that its parent may embed."""
        declaration, target = declaration_of(field.definition), get_named_type(field.definition.type)
        if not isinstance(declaration, LoadedField) or not isinstance(target, GraphQLObjectType):
            return
        leaves = dict(_leaves(field.definition, field.nodes, self.fragments))
        if not leaves or self._calls_of(declaration, field, ()):
            return  # it always costs a call
        costly = [name for name in leaves if self._calls_of(declaration, field, leaves[name])]
        free = [name for name in leaves if name not in costly]
        if costly and not free:
            scalars = [
                name for name, each in target.fields.items() if is_leaf_type(get_named_type(each.type))
            ]
            free = [
                name
                for name in scalars
                if not self._calls_of(declaration, field, [FieldNode(name=NameNode(value=name))])
            ]
        self.links.append(
            PlannedLink(
                path=path,
                from_parent=not field.price.calls,
                members=costly if free else [],
                hint=self._hint(field, costly, free) if costly else None,
            )
        )

    def _calls_of(self, declaration: Field, field: PricedField, selection: Sequence[FieldNode]) -> int:
        """Return the calls of a link if only this is selected."""
        node = _selecting(field.nodes[0], selection)
        selected = analyze_selection(declaration, field.definition, [node], Document(self.fragments))
        return declaration.cost(selected, 1, node).calls

    def _hint(self, field: PricedField, costly: Sequence[str], free: Sequence[str]) -> str:
        calls, size = field.price.calls, self.limits.ids_in_call
        per = f"every {size} records" if field.price.batched else "each record"
        cost = f"{'one call' if calls == 1 else f'{calls} calls'} for {per}"
        if not free:
            return f"costs {cost}; no member is in every parent"
        verb = "costs" if len(costly) == 1 else "cost"
        be = "is" if len(free) == 1 else "are"
        return f"{_listed(costly)} {verb} {cost}; {_listed(free[:MAX_SHOWN])} {be} free"


def _leaves(
    field: GraphQLField, nodes: Sequence[FieldNode], fragments: Fragments
) -> Iterator[tuple[str, list[FieldNode]]]:
    """Yield each member that is selected below a field: its name, and the selection of it alone."""
    target = get_named_type(field.type)
    for node in fields_below(nodes, Document(fragments)):
        name = node.name.value
        if name.startswith("__") or not isinstance(target, GraphQLObjectType):
            continue
        below = target.fields[name]
        declaration = declaration_of(below)
        if getattr(declaration, "reads_objects", False) and node.selection_set is not None:
            for member, selection in _leaves(below, [node], fragments):
                yield f"{name}.{member}", [_selecting(node, selection)]
        else:
            yield name, [node]


def _selecting(node: FieldNode, selection: Sequence[FieldNode]) -> FieldNode:
    """Return a node that selects only this."""
    return FieldNode(
        name=node.name,
        alias=node.alias,
        arguments=node.arguments,
        directives=node.directives,
        selection_set=SelectionSetNode(selections=tuple(selection)),
    )


def _listed(names: Sequence[str]) -> str:
    quoted = [f"`{each}`" for each in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


@cache
def _routes() -> Mapping[str, Route]:
    return {f"{each.service}.{each.member}": each.route for each in declared_routes()}


@cache
def _services() -> Mapping[tuple[str, str], str]:
    """The services by methods and templates of their routes."""
    return {(each.route.method, each.route.template): each.service for each in reversed(declared_routes())}


def service_of(method: str, template: str) -> str:
    """Return the name of the service that has a route: `circulation-bff`."""
    return _services()[method, template].replace("_", "-")


# The execution


class Execution:
    """The execution of one operation whose calls and loaders are recorded."""

    def __init__(self, explainer: Explainer, operation: Operation, variables: Mapping[str, Any]) -> None:
        """Plan an operation, before it is executed. Any: values of variables."""
        self._create_context = explainer.create_context
        self._plan = _Plan(explainer, operation, variables)
        self._upstream: RecordedServices | None = None

    def new_context(self, caller: Caller, record: OperationRecord) -> Context:
        """Return a context whose upstream calls and loaders are recorded."""
        create = self._create_context
        if create is None:
            raise ValueError("the explainer has no create_context")
        context = create(caller, record)
        self._upstream = upstream = RecordedServices(context.upstream)
        context = msgspec.structs.replace(context, upstream=upstream)
        vars(context)["loaders"] = RecordedLoaders(upstream, context.limits, lists_from=context.lists_from)
        return context

    def explain(self, data: object) -> Explanation:
        """Return the plan and, after the execution, what was sent and how many records the result has."""
        explanation = self._plan.explain()
        if self._upstream is None:
            return explanation
        try:
            actual = self._actual(self._upstream, data)
        except Exception as error:  # the outcome of a mutation must not depend on it
            log.warning("The calls of an operation are not shown: %s", type(error).__name__)
            return explanation
        return msgspec.structs.replace(explanation, actual=actual)

    def _actual(self, upstream: RecordedServices, data: object) -> Actual:
        record, recording = upstream.operation, upstream.recording
        for counts in recording.loaders.values():
            record.loads += counts.loads
            record.batches += counts.batches
        is_short = record.received < LARGE and record.result_size < LARGE_RESULT
        return Actual(
            calls=len(record.calls),
            nodes=_count_nodes(self._plan.roots, msgspec.json.decode(encode(data))) if is_short else None,
            embedded=record.embedded,
            requests=_requests(self._plan.calls, sorted(recording.calls, key=lambda each: each.started)),
            loaders=[
                LoaderCounts(loader=name, loads=each.loads, hits=each.loader_hits, batches=len(each.batches))
                for name, each in recording.loaders.items()
            ],
        )


def _requests(planned: Sequence[PlannedCall], sent: Sequence[SentCall]) -> list[SentRequest]:
    """Return the calls that were sent, each with the first planned one of its route that expects one more.

    A call with ids in its query is one for keys, if there is such a planned one.
    """
    expected = {each.id: each.estimated for each in planned}
    by_route: defaultdict[str, list[PlannedCall]] = defaultdict(list)
    for each in planned:
        for name in (f"{each.method} {each.route}", *each.alternatives):
            by_route[name].append(each)
    requests = []
    for call, status, started, keys in sent:
        candidates = [
            (expected[each.id] <= 0, (each.batch is None) is not (keys is None), each.id)
            for each in by_route[f"{call.method} {call.route}"]
        ]
        number = min(candidates)[-1] if candidates else None
        if number is not None:
            expected[number] -= 1
        requests.append(
            SentRequest(
                call=number,
                service=service_of(call.method, call.route),
                method=call.method,
                route=call.route,
                status=call.status if status is None else status,
                start_ms=round(started * 1000, 3),
                duration_ms=round(call.seconds * 1000, 3),
                keys=keys,
            )
        )
    return requests


def _count_nodes(planned: Sequence[_PlannedField], parent: Any, *, is_page: bool = False) -> int:
    """Count the records that an estimate counts, in a result. Any: JSON."""
    if type(parent) is list:
        return sum(_count_nodes(planned, each) for each in parent)
    if type(parent) is not dict:
        return 0
    number = 0
    for each in planned:
        if not is_page and not each.has_lists:
            continue
        field = each.field
        node = field.nodes[0]
        value = parent.get((node.alias or node.name).value)
        if type(value) is list and (is_page or field.price.rows != 1):
            number += len(value) if is_page or each.counts else 0
            is_page = False
        number += _count_nodes(each.below, value, is_page=field.first is not None)
    return number

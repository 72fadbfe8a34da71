"""Selections as generated functions: nested objects and lists inlined, one type test for each leaf.

Values are JSON that upstream sent, or what a declared function makes of it: never an awaitable, never a
callable. The code holds names and constants by their `repr` alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    Undefined,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails, GroupedFieldSet
from strawberry.types.field import StrawberryField

from gateway.execution.plan import Anomaly, Json, LinkPlan, NotPlanned, Plan, Projection, Site
from gateway.loaders.batching import Slice
from gateway.schema.link import EmbeddedLink, Link
from gateway.schema.page import ConnectionLink, SliceField, WholeLink
from gateway.schema.record import DerivedField, OneSidedField, Path, RecordField
from gateway.upstream.circulation import FROM_CIRCULATION

Details: TypeAlias = list[FieldDetails]
Collect: TypeAlias = Callable[[GraphQLObjectType, Details], GroupedFieldSet]
PlanLink: TypeAlias = Callable[[str, GraphQLObjectType, GraphQLField, Details], "LinkPlan | None"]

_DEFINITION = "strawberry-definition"
_CONDITIONS = frozenset({"skip", "include"})
_READ = (SliceField, DerivedField)  # by a function of the source, which asks nobody
_LINKS = (Link, ConnectionLink, WholeLink)

_TESTS = {  # what a value of a scalar certainly is, so that it is taken as it stands
    "String": "type({v}) is str",
    "ID": "type({v}) is str",
    "Boolean": "{v} is True or {v} is False",
    "Int": "type({v}) is int and -2147483648 <= {v} <= 2147483647",
    "Float": "type({v}) is float and -INF < {v} < INF",
}


def compiled(kind: GraphQLOutputType, details: Details, collect: Collect, plan_link: PlanLink) -> Plan:
    """The plan for values of a type, by the fields that select from them.

    `plan_link` says how a link is followed, None where its value stands in the record already. Raises
    `NotPlanned`, and whatever the compiler of Python does for selections that are too deep.
    """
    writer = _Writer(collect, plan_link)
    body = writer.value(kind, details, "v", "  ", None)
    notes = "".join(f", s{number}, t{number}" for number in range(len(writer.sites)))
    source = "\n".join(
        [
            f"def project(values{notes}):",
            " out = []",
            " add = out.append",
            " for v in values:",
            *body,
            "  add(v)",
            " return out",
        ]
    )
    # The names of fields are GraphQL names, keys are those of the schema, and both stand as `repr`.
    exec(compile(source, "<plan>", "exec"), writer.names)  # noqa: S102
    project: Projection = writer.names["project"]
    return Plan(project=project, sites=writer.sites, source=source)


class _Writer:
    def __init__(self, collect: Collect, plan_link: PlanLink) -> None:
        self.collect = collect
        self.plan_link = plan_link
        self.sites: list[Site] = []
        self.names: dict[str, Any] = {"A": Anomaly, "INF": math.inf, "SOURCES": (dict, Slice, tuple)}
        self._count = 0

    def value(
        self, kind: GraphQLOutputType, details: Details, v: str, indent: str, field: RecordField | None
    ) -> list[str]:
        """Lines that put the completed value in the place of the value in the variable."""
        if isinstance(kind, GraphQLNonNull):
            nullable, inner = False, kind.of_type
        else:
            nullable, inner = True, kind
        if is_leaf_type(inner):
            return self._leaf(inner, v, indent, field, nullable)
        deeper = indent + " "
        if isinstance(inner, GraphQLObjectType):
            lines = self._object(inner, details, v, deeper)
        elif isinstance(inner, GraphQLList):
            each, made = self._name("e"), self._name("l")
            lines = [
                f"{deeper}if type({v}) is not list: raise A",
                f"{deeper}{made} = []",
                f"{deeper}for {each} in {v}:",
                *self.value(inner.of_type, details, each, deeper + " ", field),
                f"{deeper} {made}.append({each})",
                f"{deeper}{v} = {made}",
            ]
        else:
            raise NotPlanned("an abstract type")
        otherwise = [] if nullable else [f"{indent}else: raise A"]
        return [f"{indent}if {v} is not None:", *lines, *otherwise]

    def _leaf(
        self, leaf: GraphQLLeafType, v: str, indent: str, field: RecordField | None, nullable: bool
    ) -> list[str]:
        if isinstance(leaf, GraphQLEnumType):
            table = self._bound(EnumNames(leaf, None if field is None else field.reader))
            change = f"{v} = {table}[{v}]"
            return [f"{indent}if {v} is not None: {change}" if nullable else f"{indent}{change}"]
        coerce = self._bound(_coerced(leaf))
        test = _TESTS.get(leaf.name)
        if test is None or not isinstance(leaf, GraphQLScalarType):
            change = f"{v} = {coerce}({v})"
            return [f"{indent}if {v} is not None: {change}" if nullable else f"{indent}{change}"]
        test = test.format(v=v)
        if nullable:
            test = f"{v} is None or {test}"
        return [f"{indent}if not ({test}): {v} = {coerce}({v})"]

    def _object(self, kind: GraphQLObjectType, details: Details, v: str, indent: str) -> list[str]:
        if kind.is_type_of:
            raise NotPlanned("a type that looks at its values")
        lines: list[str] = []
        entries: list[str] = []
        site = Site()
        of_records = only_names = True
        get = self._name("g")
        for name, each in self.collect(kind, details).items():
            field_name = each[0].node.name.value
            _check(each)
            if field_name == "__typename":
                entries.append(f"{name!r}: {kind.name!r}")
                continue
            only_names = False
            declared = kind.fields.get(field_name)
            if declared is None:
                raise NotPlanned("an unknown field")
            definition = declared.extensions.get(_DEFINITION)
            if not isinstance(definition, StrawberryField) or definition.extensions:
                raise NotPlanned("a field that is declared otherwise")
            if isinstance(definition, SliceField):
                of_records = False
            if isinstance(definition, (*_LINKS, EmbeddedLink)):
                link = self.plan_link(name, kind, declared, each)
                if link is not None:
                    site.links.append(link)
                    entries.append(f"{name!r}: None")
                    continue
            read = self._reading(definition, v, get)
            value = self._name("v")
            field = definition if isinstance(definition, RecordField) else None
            lines.append(f"{indent}{value} = {read}")
            if isinstance(definition, OneSidedField):
                lines.append(f"{indent}{_asked_elsewhere(definition, v, value)}")
            lines += self.value(declared.type, each, value, indent, field)
            entries.append(f"{name!r}: {value}")
        if only_names:
            start = [f"{indent}if type({v}) not in SOURCES: raise A"]
        elif of_records:
            start = [f"{indent}if type({v}) is not dict: raise A", f"{indent}{get} = {v}.get"]
        else:
            start = []
            if site.links or any(f"{get}(" in line for line in lines):
                raise NotPlanned("a type of two kinds of fields")
        made = "{" + ", ".join(entries) + "}"
        if not site.links:
            return [*start, *lines, f"{indent}{v} = {made}"]
        number = len(self.sites)
        self.sites.append(site)
        result = self._name("o")
        return [
            *start,
            *lines,
            f"{indent}{result} = {made}",
            f"{indent}s{number}({v}); t{number}({result})",
            f"{indent}{v} = {result}",
        ]

    def _reading(self, definition: StrawberryField, v: str, get: str) -> str:
        if isinstance(definition, _READ):
            return f"{self._bound(definition.read)}({v})"
        if isinstance(definition, RecordField):
            return f"{get}({definition.key!r})"
        raise NotPlanned("a field of another kind")

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}_"

    def _bound(self, value: object) -> str:
        name = self._name("K")
        self.names[name] = value
        return name


class EnumNames(dict[Any, str]):
    """Names of a closed value set by what upstream sends; other spellings are looked up as they come."""

    def __init__(self, leaf: GraphQLEnumType, reader: Callable[[Any], Any] | None) -> None:
        self._read = reader
        self._coerce = _coerced(leaf)
        known = (member.value for member in leaf.values.values())
        for value in (getattr(each, "value", each) for each in known):
            if type(value) is str:
                try:
                    self[value] = self[value]
                except Anomaly:
                    continue

    def __missing__(self, value: Any) -> str:
        try:
            read = value if self._read is None else self._read(value)
        except Exception as problem:
            raise Anomaly from problem
        name: str = self._coerce(read)
        return name


def _coerced(leaf: GraphQLLeafType) -> Callable[[Json], Json]:
    coerce = leaf.coerce_output_value

    def coerced(value: Json) -> Json:
        """As graphql-core completes a leaf, but whatever it would refuse is an anomaly."""
        if value is None:
            raise Anomaly
        made = coerce(value)
        if made is None or made is Undefined:
            raise Anomaly
        return made

    return coerced


def _asked_elsewhere(field: OneSidedField, v: str, value: str) -> str:
    """The test for a record that lacks the member because its interface drops it: that one must be asked."""
    mark, side = f"({FROM_CIRCULATION!r} in {v})", field.dropped_by_bff
    return (
        f"if {value} is None and {field.key!r} not in {v} and {mark} is not {side} "
        f"and {v}.get('id') is not None: raise A"
    )


def _check(details: Details) -> None:
    for each in details:
        if each.fragment_variable_values or each.defer_usage:
            raise NotPlanned("a fragment with variables, or in parts")
        if any(directive.name.value not in _CONDITIONS for directive in each.node.directives or ()):
            raise NotPlanned("a directive")


def carried_by(paths: dict[Path, Path], needed: list[Path], through: str) -> Callable[[Json], Json]:
    """A function that makes a target from what its parent knows: as `Link.partial`, where it may be made.

    It answers None where the parent does not carry the objects that the needed members would stand in.
    """
    lines = ["def carried(s):"]
    objects: dict[Path, str] = {(): "s"}

    def holder(path: Path) -> str:
        if path not in objects:
            above = holder(path[:-1])
            name = objects[path] = f"h{len(objects)}"
            lines.append(f" {name} = {above}.get({path[-1]!r})")
            lines.append(f" if type({name}) is not dict: {name} = NONE")
        return objects[path]

    for path in dict.fromkeys(paths[each][:-1] for each in needed):
        if path:
            lines.append(f" if {holder(path)} is NONE: return None")
    lines.append(" made = {}")
    for target, origin in paths.items():
        where = holder(origin[:-1])
        lines.append(f" v = {where}.get({origin[-1]!r})")
        test = "v is not None"
        if target[0].endswith(through) and len(origin) > 1:
            test += f" or {where} is not NONE"
        elif target[0].endswith(through):
            test = "True"
        lines.append(f" if {test}:")
        if len(target) == 1:
            lines.append(f"  made[{target[0]!r}] = v")
            continue
        here = "made"
        for step in target[:-1]:
            here += f".setdefault({step!r}, {{}})"
        lines.append(f"  {here}[{target[-1]!r}] = v")
    lines.append(" return made")
    names: dict[str, Any] = {"NONE": {}}
    # As above: keys of the schema, as `repr`.
    exec(compile("\n".join(lines), "<carried>", "exec"), names)  # noqa: S102
    made: Callable[[Json], Json] = names["carried"]
    return made

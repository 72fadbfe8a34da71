"""Selections as generated functions: nested objects and lists inlined, leaves tested or known by their type.

Values are what upstream sent: dictionaries, whose leaves are tested one by one, or Structs that hold what is
read and no more, whose leaves were tested when they were decoded. Or they are what an act came to. Results
are Structs too, with the names of the answer. The code holds names and constants by their `repr` alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)

from gateway.engine.core import FieldDetails, GroupedFieldSet, StrawberryField
from gateway.engine.plans.leaves import (
    DECODED,
    TESTS,
    EnumNames,
    EnumObjects,
    coerced_by,
    decoded_type,
    leaf_at,
    moment,
    nullable,
)
from gateway.engine.plans.plan import Anomaly, Json, LinkPlan, NotPlanned, Plan, Site
from gateway.fields.page import PageField
from gateway.fields.record import DerivedField, RecordField, dig, record_of
from gateway.fields.scalars import all_from_upstream
from gateway.upstream.record_types import ListOf, Members, NotShaped

Details: TypeAlias = list[FieldDetails]
Line: TypeAlias = str | Callable[[], list[str]]  # or what is written when all that is read is known
Entry: TypeAlias = str | Callable[[], str]
Same: TypeAlias = "list[tuple[str, Same | None]] | None"  # names as upstream has them; or not all are

_DEFINITION = "strawberry-definition"
_CONDITIONS = frozenset({"skip", "include"})


class Linking(Protocol):
    """What the projector asks of the compiler of the operation."""

    def collected(self, kind: GraphQLObjectType, details: Details) -> GroupedFieldSet: ...

    def is_link(
        self,
        kind: GraphQLObjectType,
        field: GraphQLField,
        details: Details,
        decoding: Decoding | None,
    ) -> bool: ...

    def link(self, place: LinkPlace) -> LinkPlan: ...


class Decoding:
    """Records that are decoded into Structs: what is read of them, and who sends them."""

    def __init__(self, members: Members, *, from_circulation: bool) -> None:
        self.members = members
        self.from_circulation = from_circulation


class LinkPlace:
    """A link where it stands in a selection."""

    def __init__(
        self,
        name: str,
        attribute: str,
        parent_type: GraphQLObjectType,
        field: GraphQLField,
        details: Details,
        members: Members | None,
        note: Callable[[], int],
    ) -> None:
        self.name = name
        self.attribute = attribute
        self.parent_type = parent_type
        self.field = field
        self.details = details
        self.members = members
        self.note = note


class Rows:
    """Records that are gone through one by one, and what is made of all of them before: columns."""

    def __init__(self, row: str, values: str) -> None:
        """`row` is the variable of one record, and `values` what it goes through."""
        self.row = row
        self.lines: list[str] = []
        self._lists = {row: values}
        self._found_in: dict[str, tuple[str, str]] = {}
        self._columns: list[str] = []

    def holds(self, variable: str) -> bool:
        """Whether the object in a variable is one of the row, so that it has columns."""
        return variable in self._lists or variable in self._found_in

    def found(self, variable: str, parent: str, expression: str) -> None:
        """Tell where the object in a variable is from: the expression reads it of its parent, named `p`."""
        if self.holds(parent):
            self._found_in[variable] = parent, expression

    def column(self, parent: str, expression: str, made_by: str) -> str:
        """The variable with the row's value of a column, made by a function of the whole list."""
        name = f"{self.row}c{len(self._columns)}"
        self._columns.append(name)
        self.lines.append(f"{name} = {made_by}({self._listed(parent, expression)})")
        return name

    def loop(self) -> str:
        """The head of the loop."""
        values = self._lists[self.row]
        if not self._columns:
            return f"for {self.row} in {values}:"
        columns = ", ".join(self._columns)
        return f"for {self.row}, {columns} in zip({values}, {columns}):"

    def _listed(self, parent: str, expression: str) -> str:
        test = "" if parent == self.row else "None if p is None else "
        return f"[{test}{expression} for p in {self._list_of(parent)}]"

    def _list_of(self, variable: str) -> str:
        found = self._lists.get(variable)
        if found is None:
            found = self._lists[variable] = f"{variable}l"
            self.lines.append(f"{found} = {self._listed(*self._found_in[variable])}")
        return found


@dataclass(slots=True, eq=False)
class Draft:
    """A plan that is written when all that is read of records is known."""

    plan: Plan
    body: list[Line]
    names: dict[str, Any]
    rows: Rows

    def finish(self) -> None:
        """Raises whatever the compiler of Python does for selections that are too deep."""
        plan = self.plan
        notes = "".join(f", n{number}" for number in range(plan.notes))
        plan.source = "\n".join(
            [
                f"def project(values{notes}):",
                " out = []",
                " add = out.append",
                *(f" {line}" for line in (*self.rows.lines, self.rows.loop())),
                *_settled(self.body),
                "  add(v)",
                " return out",
            ]
        )
        # The names of fields are GraphQL names, keys are those of the schema, and both stand as `repr`.
        exec(compile(plan.source, "<plan>", "exec"), self.names)  # noqa: S102
        plan.project = self.names["project"]


def drafted(
    kind: GraphQLOutputType, details: Details, linking: Linking, decoding: Decoding | None, *, many: bool
) -> Draft:
    """The draft of the plan for values of a type, by the fields that select from them.

    `decoding` gathers what is read, where the values are Structs; `many` says that there may be many of them.
    Raises `NotPlanned` and `NotShaped`.
    """
    rows = Rows("v", "values")
    writer = _Writer(linking, decoding, rows if many else None)
    body = writer.value(kind, details, "v", "  ", None, None if decoding is None else decoding.members)
    plan = Plan(project=_unfinished, notes=writer.notes, sites=writer.sites, source="")
    return Draft(plan, body, writer.names, rows)


def _unfinished(*_: Any) -> list[Json]:
    raise RuntimeError("the plan is a draft")


class _Writer:
    def __init__(self, linking: Linking, decoding: Decoding | None, rows: Rows | None) -> None:
        self.linking = linking
        self.decoding = decoding
        self.rows = rows  # those that are gone through where it writes, if they are records
        self.enums: dict[Entry, tuple[EnumNames, str]] = {}  # by the expression, the names and what is read
        self.sites: list[Site] = []
        self.notes = 0
        self.names: dict[str, Any] = {
            "A": Anomaly,
            "INF": math.inf,
            "NO_RECORDS": (str, int, float, bool, list),
            "DIG": dig,
            "RECORD": record_of,
        }
        self._count = 0

    def value(
        self,
        kind: GraphQLOutputType,
        details: Details,
        v: str,
        indent: str,
        field: StrawberryField | None,
        members: Members | None,
    ) -> list[Line]:
        """Lines that put the completed value in the place of the value in the variable.

        `members` are those of the objects in it, where they are Structs.
        """
        if isinstance(kind, GraphQLNonNull):
            nullable, inner = False, kind.of_type
        else:
            nullable, inner = True, kind
        if is_leaf_type(inner):
            return self._tested_leaf(inner, v, indent, field, nullable)
        deeper = indent + " "
        if isinstance(inner, GraphQLObjectType):
            lines, same = self._object(inner, details, v, deeper, members)
            if members is not None and same is not None:
                made = lines
                lines = [
                    lambda: (
                        [f"{deeper}if type({v}) is dict: raise A"]
                        if _is_as_decoded(members, same)
                        else _settled(made)
                    )
                ]
        elif isinstance(inner, GraphQLUnionType):
            lines = self._union(inner, details, v, deeper)
        elif isinstance(inner, GraphQLList):
            each, out = self._name("e"), self._name("l")
            rows, around = Rows(each, v), self.rows
            self.rows = None if members is None else rows
            made_of_each = self.value(inner.of_type, details, each, deeper + " ", field, members)
            self.rows = around
            lines = [
                f"{deeper}if type({v}) is not list: raise A",
                f"{deeper}{out} = []",
                *(f"{deeper}{line}" for line in (*rows.lines, rows.loop())),
                *made_of_each,
                f"{deeper} {out}.append({each})",
                f"{deeper}{v} = {out}",
            ]
        else:
            raise NotPlanned("an interface")
        otherwise = [] if nullable else [f"{indent}else: raise A"]
        return [f"{indent}if {v} is not None:", *lines, *otherwise]

    # Leaves

    def _tested_leaf(
        self, leaf: GraphQLLeafType, v: str, indent: str, field: StrawberryField | None, nullable: bool
    ) -> list[Line]:
        if isinstance(leaf, GraphQLEnumType):
            table = self._bound(EnumNames(leaf, getattr(field, "reader", None)))
            change = f"{v} = {table}[{v}]"
            return [f"{indent}if {v} is not None: {change}" if nullable else f"{indent}{change}"]
        coerce = self._bound(coerced_by(leaf))
        test = TESTS.get(leaf.name)
        if test is None or not isinstance(leaf, GraphQLScalarType):
            change = f"{v} = {coerce}({v})"
            return [f"{indent}if {v} is not None: {change}" if nullable else f"{indent}{change}"]
        test = test.format(v=v)
        if nullable:
            test = f"{v} is None or {test}"
        return [f"{indent}if not ({test}): {v} = {coerce}({v})"]

    def _decoded_leaf(self, leaf: GraphQLLeafType, v: str, field: RecordField, of: str | None = None) -> str:
        """The expression for a leaf, null or not, that was decoded as what it is; `of` holds its object."""
        if isinstance(leaf, GraphQLEnumType):
            names = EnumNames(leaf, field.reader)
            names[None] = None
            found = f"{self._bound(names)}[{v}]"
            self.enums[found] = names, v
            return found
        if leaf.name in DECODED or leaf.name == "JSON":
            return v
        if leaf.name == "DateTime":
            if of is not None and self.rows is not None and self.rows.holds(of):
                return self.rows.column(of, f"p.{field.key}", self._bound(all_from_upstream))
            return f"{self._bound(moment)}({v})"
        return f"{self._bound(nullable(coerced_by(leaf)))}({v})"

    # Objects

    def _union(self, kind: GraphQLUnionType, details: Details, v: str, indent: str) -> list[Line]:
        lines: list[Line] = []
        for number, member in enumerate(kind.types):
            origin = self._bound(member.extensions[_DEFINITION].origin)
            lines += [
                f"{indent}{'el' if number else ''}if type({v}) is {origin}:",
                *self._object(member, details, v, indent + " ", None)[0],
            ]
        return [*lines, f"{indent}else: raise A"]

    def _object(
        self, kind: GraphQLObjectType, details: Details, v: str, indent: str, members: Members | None
    ) -> tuple[list[Line], Same]:
        """Lines that make the result, and what it has in common with what was decoded."""
        lines: list[Line] = []
        names: list[str] = []
        entries: list[Entry] = []
        same: Same = []
        links: list[LinkPlace] = []
        get, record = self._name("g"), self._name("r")
        kinds: set[str] = set()
        fields = self.linking.collected(kind, details)
        for name, each in fields.items():
            field_name = each[0].node.name.value
            _check(each)
            attribute = f"f{len(names)}"
            names.append(name)
            if field_name == "__typename":
                entries.append(repr(kind.name))
                continue
            declared = kind.fields.get(field_name)
            if declared is None:
                raise NotPlanned("an unknown field")
            definition = declared.extensions.get(_DEFINITION)
            if not isinstance(definition, StrawberryField) or definition.extensions:
                raise NotPlanned("a field that is declared otherwise")
            decoding = None if members is None else self.decoding
            if self.linking.is_link(kind, declared, each, decoding):
                kinds.add("record")
                links.append(LinkPlace(name, attribute, kind, declared, each, members, self._note))
                entries.append("None")
                continue
            if isinstance(definition, RecordField) and members is not None:
                kinds.add("record")
                more, entry, below = self._member(definition, declared, each, v, record, indent, members)
                lines += more
                entries.append(entry)
                if name != definition.key or below is False:
                    same = None
                elif same is not None:
                    same.append((name, None if below is True else below))
                continue
            value, handed_on = self._name("v"), None
            if isinstance(definition, PageField):
                of, handed_on = "page", members
                read = self._slice(definition, kind, v, value, members)
            else:
                of, read = self._reading(definition, v, record, get, decoded=members is not None)
            kinds.add(of)
            lines.append(f"{indent}{value} = {read}")
            lines += self.value(declared.type, each, value, indent, definition, handed_on)
            entries.append(value)
        start = self._start(v, get, record, indent, kinds, decoded=members is not None)
        if same is not None and len(same) < len(fields):
            same = None
        bound = self._bound(_result(tuple(names)))

        def made(variable: str) -> Line:
            return lambda: [f"{indent}{variable} = {bound}({', '.join(map(_entry, entries))})"]

        if not links and len(entries) == 1 and entries[0] in self.enums:
            table, value = self.enums[entries[0]]
            shared = self._bound(EnumObjects(table, _result(tuple(names))))
            return [*start, *lines, f"{indent}{v} = {shared}[{value}]"], same
        if not links:
            return [*start, *lines, made(v)], same
        result = self._name("o")
        site = Site(self._note())
        self.sites.append(site)
        noted: list[Line] = [f"{indent}n{site.targets}({result})"]
        for place in links:
            plan = self.linking.link(place)
            site.links.append(plan)
            if plan.sources is not None:
                noted.append(f"{indent}n{plan.sources}({record})")
            noted += self._noted_key(plan, record, indent, decoded=members is not None)
        return [*start, *lines, made(result), *noted, f"{indent}{v} = {result}"], None

    def _slice(
        self, field: PageField, kind: GraphQLObjectType, v: str, value: str, members: Members | None
    ) -> str:
        """The expression that reads a field of a page, or of an edge, into the variable `value`."""
        read = self._bound(field.read)
        if members is not None:
            for name in field.of_records:
                record: Any = get_named_type(kind.fields["nodes"].type)
                members.path((name,), leaf_at(record, (name,)))
            if self.rows is not None:
                self.rows.found(value, v, f"{read}(p)")
        return f"{read}({v})"

    def _reading(
        self, definition: StrawberryField, v: str, record: str, get: str, *, decoded: bool
    ) -> tuple[str, str]:
        """What kind of value a field is read of, and the expression that reads it."""
        if isinstance(definition, DerivedField):
            if decoded:
                raise NotShaped(definition.python_name)
            return "record", f"{self._bound(definition.read)}({record})"
        if isinstance(definition, RecordField):
            return "record", f"{get}({definition.key!r})"
        if definition.is_basic_field:
            return "object", f"{v}.{definition.python_name}"
        raise NotPlanned("a field of another kind")

    def _start(
        self, v: str, get: str, record: str, indent: str, kinds: set[str], *, decoded: bool
    ) -> list[Line]:
        if not kinds:  # nothing but `__typename`
            return [] if decoded else [f"{indent}if type({v}) in NO_RECORDS: raise A"]
        if kinds == {"record"}:
            if decoded:
                return [f"{indent}{record} = {v}"]
            return [
                f"{indent}{record} = {v} if type({v}) is dict else RECORD({v})",
                f"{indent}{get} = {record}.get",
            ]
        if "record" in kinds:
            raise NotPlanned("a type of two kinds of fields")
        return []

    def _member(
        self,
        field: RecordField,
        declared: GraphQLField,
        details: Details,
        of: str,
        record: str,
        indent: str,
        members: Members,
    ) -> tuple[list[Line], Entry, Same | bool]:
        """Lines, the expression for a member of a Struct, and whether that is as it was decoded.

        The Struct is in the variable `of` before what is made of it takes its place, and in `record`.
        """
        here = f"{record}.{field.key}"
        required = isinstance(declared.type, GraphQLNonNull)
        kind = get_nullable_type(declared.type)
        if is_leaf_type(kind):
            members.read(field.key, decoded_type(kind), required=required)
            leaf = self._decoded_leaf(kind, here, field, of)
            return [], leaf, leaf == here
        value = self._name("v")
        if self.rows is not None:
            self.rows.found(value, of, f"p.{field.key}")
        if isinstance(kind, GraphQLObjectType):
            below = members.object(field.key)
            if required:
                members.required.add(field.key)
            lines, same = self._object(kind, details, value, indent + " ", below)
        elif isinstance(kind, GraphQLList):
            lines, same, below = self._list(kind, field, details, value, indent + " ", members, required)
        else:
            raise NotPlanned("an abstract type")
        if not lines:
            return [], here, True
        read: list[Line] = [f"{indent}{value} = {here}", f"{indent}if {value} is not None:", *lines]
        if same is None:
            return read, value, False
        return (
            [lambda: [] if _is_as_decoded(below, same) else _settled(read)],
            lambda: here if _is_as_decoded(below, same) else value,
            same,
        )

    def _list(
        self,
        kind: GraphQLList[Any],
        field: RecordField,
        details: Details,
        v: str,
        indent: str,
        members: Members,
        required: bool,
    ) -> tuple[list[Line], Same, Members]:
        item = get_nullable_type(kind.of_type)
        nullable = not isinstance(kind.of_type, GraphQLNonNull)
        each = self._name("e")
        if is_leaf_type(item):
            members.read(field.key, ListOf(decoded_type(item), nullable), required=required)
            made = self._decoded_leaf(item, each, field)
            lines: list[Line] = [] if made == each else [f"{indent}{v} = [{made} for {each} in {v}]"]
            return lines, None, Members()
        if not isinstance(item, GraphQLObjectType):
            raise NotShaped(field.key)
        known = members.of.get(field.key)
        below = known.of if isinstance(known, ListOf) and isinstance(known.of, Members) else Members()
        members.read(field.key, ListOf(below, nullable), required=required)
        out = self._name("l")
        lines, same = self._object(item, details, each, indent + "  ", below)
        lines = [
            f"{indent}{out} = []",
            f"{indent}for {each} in {v}:",
            f"{indent} if {each} is not None:",
            *lines,
            f"{indent} {out}.append({each})",
            f"{indent}{v} = {out}",
        ]
        return lines, same, below

    def _noted_key(self, plan: LinkPlan, v: str, indent: str, *, decoded: bool) -> list[Line]:
        note, key = f"n{plan.keys}", plan.key
        if not key:
            return [f"{indent}{note}(None)"]
        if not decoded:
            read = f"{v}.get({key[0]!r})" if len(key) == 1 else f"DIG({v}, {key!r})"
            return [f"{indent}{note}({read})"]
        lines: list[Line] = []
        here = v
        for step in key[:-1]:
            above, here = here, self._name("h")
            test = "" if above == v else f"None if {above} is None else "
            lines.append(f"{indent}{here} = {test}{above}.{step}")
        test = "" if here == v else f"None if {here} is None else "
        return [*lines, f"{indent}{note}({test}{here}.{key[-1]})"]

    def _note(self) -> int:
        self.notes += 1
        return self.notes - 1

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}_"

    def _bound(self, value: object) -> str:
        name = self._name("K")
        self.names[name] = value
        return name


def _settled(lines: list[Line]) -> list[str]:
    return [each for line in lines for each in ([line] if isinstance(line, str) else line())]


def _entry(entry: Entry) -> str:
    return entry if isinstance(entry, str) else entry()


def _is_as_decoded(members: Members, same: Same) -> bool:
    """Whether what is decoded of an object is just what is answered of it, in the same order."""
    if same is None or list(members.of) != [name for name, _ in same]:
        return False
    for name, below in same:
        member = members.of[name]
        if isinstance(member, ListOf):
            member = member.of
        if isinstance(member, Members) and not _is_as_decoded(member, below):
            return False
    return True


@lru_cache(maxsize=1024)  # a Struct type takes kilobytes, and few selections are unlike all others
def _result(names: tuple[str, ...]) -> Any:
    """The Struct of a part of an answer: `f0`, `f1` and so on, encoded under the names of the answer."""
    attributes = [f"f{number}" for number in range(len(names))]
    fields: list[tuple[str, Any]] = [(each, Any) for each in attributes]
    return msgspec.defstruct("Result", fields, rename=dict(zip(attributes, names, strict=True)), gc=False)


def _check(details: Details) -> None:
    for each in details:
        if each.fragment_variable_values or each.defer_usage:
            raise NotPlanned("a fragment with variables, or in parts")
        if any(directive.name.value not in _CONDITIONS for directive in each.node.directives or ()):
            raise NotPlanned("a directive")

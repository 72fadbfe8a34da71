"""The generator of projections: functions that turn records into their part of the response.

Results are Structs with the names of the response. For the users of the selection `proxy { name: username
patronGroup { id } manualBlocks { totalCount } }` it generates, with other names for its constants:

    def project(values, execution, n0, n1):
     out = []
     add = out.append
     c = 0
     vc0 = check_ids([p.patronGroup for p in values])
     for v, vc0 in zip(values, vc0):
      if v is not None:
       e2_ = None
       if vc0 is not None:
        e2_ = PatronGroup(vc0)
        c += 1
       o = Proxy(v.username, e2_, None)
       n0(o)
       n1(v.id)
       v = o
      add(v)
     if c: execution.count_embedded(c)
     return out

Nested objects and embedded targets are inlined. Leaves are not tested: the decoder of the records did that. A
DateTime or an id is converted or checked a column at a time. A link that must be loaded leaves a note: the
result that it belongs to, its key, and the record if that embeds any of the target: another plan projects
these members if the target cannot be loaded. Objects whose members are exactly the selected ones, under their
own names, are taken over as they were decoded. The code has names and constants by their `repr` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, cast

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)

from gateway.engine.core import FieldDetails, GroupedFieldSet, class_of, declaration_of
from gateway.engine.plans.leaves import (
    AS_DECODED,
    EnumNames,
    EnumObjects,
    check_id,
    check_ids,
    coercion_of,
    convert_date,
    convert_dates,
    decoded_type,
    nullable,
)
from gateway.engine.plans.plan import (
    Json,
    LinkPlan,
    Plan,
    Projection,
    Step,
    Unembedded,
    UnexpectedValue,
    UnsupportedOperation,
)
from gateway.fields.base import Needs, Path
from gateway.fields.link import EMBEDDED, THROUGH
from gateway.fields.record import record_of
from gateway.upstream.record_types import Decoded, ListOf, Members, attribute_of

Details: TypeAlias = list[FieldDetails]
Line: TypeAlias = str | Callable[[], list[str]]  # or written when all that is read is known
Entry: TypeAlias = str | Callable[[], str]
Same: TypeAlias = "list[tuple[str, Same | None]] | None"  # names as upstream has them; None if not all are

_CONDITIONS = frozenset({"skip", "include"})
_MARK = "circulation>"  # the member of dictionaries that circulation itself sent


@dataclass(slots=True, eq=False)
class Decoding:
    """Records that are decoded into Structs: the members that are read, and if circulation itself sent them.

    The latter is None if it is only known of each record, which was a dictionary before.
    """

    members: Members
    from_circulation: bool | None = None


class Compiler(Protocol):
    """The part of the compiler that the generator calls."""

    def collect(self, kind: GraphQLObjectType, details: Details) -> GroupedFieldSet: ...

    def needs(self, declaration: Any, field: GraphQLField, details: Details) -> Needs: ...

    def link(
        self, place: FieldPlace, decoding: Decoding | None, *, targets: int, keys: int, has_value: bool
    ) -> LinkPlan: ...

    def embedded(self, place: FieldPlace, decoding: Decoding) -> tuple[Plan, list[Unembedded]] | None: ...


class Rows:
    """The records of a loop, and their columns: what is computed of all of them before it."""

    def __init__(self, row: str, values: str) -> None:
        """`row` is the variable of one record, and `values` the variable that the loop is over."""
        self.row = row
        self.lines: list[str] = []
        self._lists = {row: values}
        self._parts: dict[str, tuple[str, str]] = {}
        self._columns: list[str] = []

    def has(self, variable: str) -> bool:
        """Return True if the object in a variable is the row or a part of it, so that it has columns."""
        return variable in self._lists or variable in self._parts

    def add(self, variable: str, parent: str, expression: str) -> None:
        """Add a part: the expression reads the object in the variable of its parent, named `p`."""
        if self.has(parent):
            self._parts[variable] = parent, expression

    def column(self, parent: str, expression: str, function: str, arguments: str) -> str:
        """Return the variable with the row's value of a column, computed by a function of the list."""
        name = f"{self.row}c{len(self._columns)}"
        self._columns.append(name)
        self.lines.append(f"{name} = {function}({self._list_expression(parent, expression)}{arguments})")
        return name

    def loop(self) -> str:
        """Return the head of the loop."""
        values = self._lists[self.row]
        if not self._columns:
            return f"for {self.row} in {values}:"
        columns = ", ".join(self._columns)
        return f"for {self.row}, {columns} in zip({values}, {columns}):"

    def _list_expression(self, parent: str, expression: str) -> str:
        test = "" if parent == self.row else "None if p is None else "
        return f"[{test}{expression} for p in {self._list_of(parent)}]"

    def _list_of(self, variable: str) -> str:
        name = self._lists.get(variable)
        if name is None:
            name = self._lists[variable] = f"{variable}l"
            self.lines.append(f"{name} = {self._list_expression(*self._parts[variable])}")
        return name


class Record:
    """A Struct in a variable. Objects in it are read into variables once, before anything else."""

    def __init__(self, writer: Writer, variable: str, decoding: Decoding, indent: str) -> None:
        self.writer = writer
        self.variable = variable
        self.decoding = decoding
        self.indent = indent
        self.head: list[str] = []
        self._parts: dict[Path, tuple[str, Members]] = {(): (variable, decoding.members)}

    @property
    def struct(self) -> Record:
        return self

    def part(self, path: Path) -> tuple[str, Members]:
        """Return the variable of the object at a path, None if it is absent, and its members."""
        if path not in self._parts:
            above, members = self.part(path[:-1])
            attribute, name = attribute_of(path[-1]), self.writer.name("h")
            test = "" if above == self.variable else f"None if {above} is None else "
            self.head.append(f"{self.indent}{name} = {test}{above}.{attribute}")
            if self.writer.rows is not None:
                self.writer.rows.add(name, above, f"p.{attribute}")
            self._parts[path] = name, members.object(path[-1])
        return self._parts[path]

    def leaf(self, path: Path, kind: Any, *, required: bool = False) -> str:
        """Return the expression for a leaf."""
        variable, members = self.part(path[:-1])
        if isinstance(kind, ListOf):
            members.list(path[-1], kind.of, nullable=kind.nullable)
        else:
            members.leaf(path[-1], kind, required=required)
        read = f"{variable}.{attribute_of(path[-1])}"
        return self._guard(variable, read)

    def _guard(self, variable: str, read: str) -> str:
        if variable == self.variable or f"{variable} is not None" in self.writer.certain:
            return read
        return f"(None if {variable} is None else {read})"

    def column(self, path: Path, function: Callable[..., Any], arguments: str = "") -> str | None:
        """Return the variable of a column of a leaf that was read; None if the record is not in a loop.

        `arguments` are those of the function behind the list.
        """
        rows, (variable, _) = self.writer.rows, self.part(path[:-1])
        if rows is None or not rows.has(variable):
            return None
        return rows.column(variable, f"p.{attribute_of(path[-1])}", self.writer.bind(function), arguments)

    def objects(self, path: Path, *, nullable: bool) -> tuple[str, Members]:
        """Return the expression for a list of objects, and their members."""
        variable, members = self.part(path[:-1])
        below: Any = members.list(path[-1], Members(), nullable=nullable).of
        read = f"{variable}.{attribute_of(path[-1])}"
        return self._guard(variable, read), below

    def object(self, path: Path) -> tuple[str, str, AnyRecord]:
        """Return the test for an object at a path, its variable, and the record that it is."""
        variable, members = self.part(path)
        record = Record(self.writer, variable, Decoding(members, self.decoding.from_circulation), "")
        return f"{variable} is not None", variable, record

    def tests(self, path: Path) -> list[str]:
        """Return the tests for an object at a path to be there."""
        return [f"{self.part(path)[0]} is not None"] if path else []

    def through(self, name: str) -> Mapping[Path, Path]:
        """Return the members of a link's target that are embedded beside its key: none."""
        return {}

    def lacks(self, path: Path) -> bool:
        """Return True if the member is not embedded."""
        return False

    def sent_with(self, path: Path) -> list[str]:
        """Return the tests for the upstream to be one that sends an embedded member."""
        return []

    def of_struct(self, struct: Record) -> AnyRecord:
        """Return the same record of another variable."""
        return struct


class EmbeddedRecord:
    """A record whose members stand in another one. `values` are members that are in variables already."""

    def __init__(
        self,
        parent: AnyRecord,
        kind: GraphQLObjectType,
        paths: Mapping[Path, Path],
        values: Mapping[Path, str] = MappingProxyType({}),
        sent_with: Mapping[Path, Path] = MappingProxyType({}),
    ) -> None:
        self.writer: Writer = parent.writer
        self.parent = parent
        self.struct: Record = parent.struct
        self.kind = kind
        self.paths = paths
        self.values = values
        self._sent_with = sent_with
        self.decoding: Decoding = Decoding(Members(), parent.decoding.from_circulation)
        self.head: list[str] = []
        self.variable = ""
        self.indent = ""
        self.at: Path = ()  # in the target of the link
        self.steps: Unembedded = ()  # the same, in its result

    def leaf(self, path: Path, kind: Any, *, required: bool = False) -> str:
        if path in self.values:
            return self.values[path]
        origin = self._origin(path)
        if origin is None:  # an optional part of a key
            return "None"
        read = self.parent.leaf(origin, kind)
        return f"{self.writer.bind(_not_null)}({read})" if required else read

    def column(self, path: Path, function: Callable[..., Any], arguments: str = "") -> str | None:
        origin = self._origin(path)
        if origin is None or path in self.values:
            return None
        return self.parent.column(origin, function, arguments)

    def objects(self, path: Path, *, nullable: bool) -> tuple[str, Members]:
        origin = self._origin(path)
        if origin is None:
            raise UnsupportedOperation("a list that is not embedded")
        return self.parent.objects(origin, nullable=nullable)

    def object(self, path: Path) -> tuple[str, str, AnyRecord]:
        origin = self._origin(path)
        if origin is not None:
            return self.parent.object(origin)
        below = self._below(path)
        kind: Any = self.kind
        for step in path:
            field = _reader(kind, step)
            if field is None:
                raise UnsupportedOperation("an object that is not embedded")
            kind = get_named_type(field.type)
        tests = [
            f"{self.parent.leaf(self.paths[(*path, *target)], _leaf_at(kind, target))} is not None"
            for target in below
        ]
        return " or ".join(tests), "", EmbeddedRecord(self.parent, kind, below)

    def tests(self, path: Path) -> list[str]:
        if not path:
            return []
        origin = self._origin(path)
        if origin is not None:
            return self.parent.tests(origin)
        if path[0].endswith(THROUGH):
            return [test for each in self._below(path).values() for test in self.parent.tests(each[:-1])]
        return [f"({self.object(path)[0]})"]

    def through(self, name: str) -> Mapping[Path, Path]:
        return {target: (name, *target) for target in self._below((name,))}

    def lacks(self, path: Path) -> bool:
        return path not in self.values and self._origin(path) is None and not self._below(path)

    def of_struct(self, struct: Record) -> AnyRecord:
        parent = self.parent.of_struct(struct)
        return EmbeddedRecord(parent, self.kind, self.paths, sent_with=self._sent_with)

    def sent_with(self, path: Path) -> list[str]:
        origin = self._sent_with.get(path)
        return [] if origin is None else [f"{self.parent.leaf(origin, str)} is not None"]

    def _origin(self, path: Path) -> Path | None:
        for length in range(len(path), 0, -1):
            if path[:length] in self.paths:
                return self.paths[path[:length]] + path[length:]
        return None

    def _below(self, path: Path) -> dict[Path, Path]:
        length = len(path)
        return {
            target[length:]: origin
            for target, origin in self.paths.items()
            if target[:length] == path and len(target) > length
        }


AnyRecord: TypeAlias = Record | EmbeddedRecord


@dataclass(slots=True, eq=False)
class FieldPlace:
    """A field in a selection of a record: `gateway.fields.base.Place`, whose methods write its code."""

    writer: Writer
    name: str  # in the response
    attribute: str  # of the parent's result
    parent_type: GraphQLObjectType
    field: GraphQLField
    declaration: Any  # a `Field`
    details: Details
    record: AnyRecord
    lines: list[Line]
    indent: str
    notes: list[Line]  # written when there is a result
    same: Same | bool = None  # True if the value is as it was decoded, under the field's own name
    has_links: bool = False
    embedding: tuple[Mapping[Path, Path], Path | None] | None = (
        None  # of the target, as the field declares it
    )

    @property
    def needs(self) -> Needs:
        return self.writer.compiler.needs(self.declaration, self.field, self.details)

    def member(self, key: str) -> Entry:
        return self._member(self.record, key, self.lines, self.indent)

    def _member(self, record: AnyRecord, key: str, lines: list[Line], indent: str) -> Entry:
        if record.lacks((key,)):
            return self._missing()
        writer, declared = self.writer, self.field.type
        self._add_if_unknown(record, (key,))
        required = isinstance(declared, GraphQLNonNull)
        kind = get_nullable_type(declared)
        if is_leaf_type(kind):
            read = record.leaf((key,), decoded_type(kind), required=required)
            leaf = writer.leaf(kind, read, self.declaration, record, (key,), self.details)
            self.same = leaf == read
            return leaf
        if isinstance(kind, GraphQLList):
            return self._list(kind, record, key, lines, indent)
        if not isinstance(kind, GraphQLObjectType):
            raise UnsupportedOperation("an abstract type")
        test, variable, part = record.object((key,))
        if required and isinstance(record, Record):
            record.decoding.members.required.add(key)
        elif required:
            lines.append(f"{indent}if not ({test}): raise A")
        value = writer.name("v")
        part.indent = indent + " "
        if isinstance(part, EmbeddedRecord) and isinstance(record, EmbeddedRecord):
            part.at, part.steps = (*record.at, key), (*record.steps, self._step())
        body, same = writer.write_object(kind, self.details, part, value, indent + " ")
        written: list[Line] = [f"{indent}{value} = None", f"{indent}if {test}:", *body]
        if same is None or not variable:
            lines += written
            return value
        self.same = same
        members = part.decoding.members
        lines.append(lambda: [] if _is_as_decoded(members, same) else _flatten(written))
        return lambda: variable if _is_as_decoded(members, same) else value

    def _list(
        self, kind: GraphQLList[Any], record: AnyRecord, key: str, lines: list[Line], indent: str
    ) -> Entry:
        writer = self.writer
        item, nullable = get_nullable_type(kind.of_type), not isinstance(kind.of_type, GraphQLNonNull)
        each, value = writer.name("e"), writer.name("l")
        if is_leaf_type(item):
            read = record.leaf((key,), ListOf(decoded_type(item), nullable))
            leaf = writer.leaf(item, each, self.declaration)
            self.same = leaf == each
            if leaf == each:
                return read
            lines.append(f"{indent}{value} = {read}")
            lines.append(f"{indent}if {value} is not None: {value} = [{leaf} for {each} in {value}]")
            return value
        if not isinstance(item, GraphQLObjectType):
            raise UnsupportedOperation("a list of another kind")
        read, members = record.objects((key,), nullable=nullable)
        part = Record(writer, each, Decoding(members, record.decoding.from_circulation), indent + "   ")
        rows, writer.rows = writer.rows, None
        body, same = writer.write_object(item, self.details, part, each, indent + "   ")
        writer.rows = rows
        written: list[Line] = [
            f"{indent}{value} = {read}",
            f"{indent}if {value} is not None:",
            f"{indent} {value}, {value}l = [], {value}",
            f"{indent} for {each} in {value}l:",
            f"{indent}  if {each} is not None:",
            *body,
            f"{indent}  {value}.append({each})",
        ]
        if same is None:
            lines += written
            return value
        self.same = same
        lines.append(lambda: [] if _is_as_decoded(members, same) else _flatten(written))
        return lambda: read if _is_as_decoded(members, same) else value

    def member_or_load(self, key: str, dropped_by_bff: bool) -> Entry:
        record = self.record
        is_certain = record.decoding.from_circulation is dropped_by_bff and dropped_by_bff
        if not isinstance(record, Record) or is_certain:
            return self.member(key)
        record.decoding.members.unset.add(key)
        value, indent, lines = self.writer.name("w"), self.indent, list[Line]()
        rows, self.writer.rows = self.writer.rows, None  # columns are computed for records without it too
        entry = self._member(record, key, lines, indent + " ")
        self.writer.rows = rows
        self.same = None
        absent = f"{record.variable}.{attribute_of(key)} is UNSET"
        test = f"{absent} and {record.leaf(('id',), str)} is not None"
        if record.decoding.from_circulation is False:  # circulation may be read in place of the BFF
            test += f" and {record.variable}.is_from_circulation is not {dropped_by_bff}"
        elif record.decoding.from_circulation is None:
            test += f" and (True if {record.leaf((_MARK,), bool)} else False) is not {dropped_by_bff}"
        self.lines += [
            f"{indent}{value} = None",
            f"{indent}if not ({absent}):",
            *lines,
            lambda: [f"{indent} {value} = {_write_entry(entry)}"],
        ]
        self._note(test)
        return value

    def derive(self, read: Callable[[Any], Any], members: Iterable[str]) -> Entry:
        record, writer = self.record, self.writer
        if not isinstance(record, Record):
            return self._missing()
        of = record.decoding.members
        for name in members:
            reader = _reader(self.parent_type, name)
            kind = None if reader is None else get_nullable_type(reader.type)
            if isinstance(kind, GraphQLObjectType):
                of.object(name)
            elif kind is not None and is_leaf_type(kind):
                of.leaf(name, decoded_type(kind))
            else:
                of.leaf(name, Any)
                of.unset.add(name)
        value = writer.name("v")
        self.lines.append(f"{self.indent}{value} = {writer.bind(read)}({record.variable})")
        self.lines += writer.value(self.field.type, self.details, value, self.indent, self.declaration, None)
        return value

    def embed(self, paths: Mapping[Path, Path], identity: Path | None = None) -> Entry:
        record, writer, indent, needs = self.record, self.writer, self.indent, self.needs
        self.embedding = paths, identity
        if identity is not None:
            if record.lacks(identity):
                return self._missing()
            self._add_if_unknown(record, identity)
        through = record.through(self.declaration.through)
        if identity is None:
            paths = {**paths, **through}
        elif through and needs <= {("id",), *through}:
            paths = {("id",): identity, **through}
        if not paths or not needs <= paths.keys():
            return self.load()
        key, values = self._key(paths, identity)
        tests = []
        if identity is not None:
            origins = [paths[each] for each in sorted(needs) if paths[each] != identity]
            tests = [test for origin in origins for test in record.tests(origin[:-1])]
        else:
            for each in sorted(needs or paths):
                tests += (
                    record.tests(through[each][:-1])
                    if each in through
                    else [self._is_there(paths, each, values)]
                )
            if not needs:  # one of them is enough
                tests = [f"({' or '.join(tests)})"]
        for each in sorted(needs):
            if (origin := self.declaration.sent_with.get(each)) is not None:
                tests.append(f"{record.leaf(origin, str)} is not None")
            elif each in through:
                tests += record.sent_with(through[each])
        tests = list(dict.fromkeys(tests))
        value = self._write_embedded(paths, values, [f"{key} is not None"] * (key is not None), tests)
        writer.counts = True
        if identity is not None:  # without a key it is not counted where it is resolved either
            self.lines.append(f"{indent} c += 1")
        if tests:
            self._note(f"{value} is None" + (f" and {key} is not None" if key is not None else ""), key)
        return value

    def embed_any(self) -> Entry:
        """Complete what the record has of the target, if there is any. Raises `UnsupportedOperation`."""
        record, declaration = self.record, self.declaration
        paths, identity = self.embedding or ({}, None)
        paths = {**paths, **record.through(declaration.through)}
        target = EmbeddedRecord(record, cast(Any, get_named_type(self.field.type)), paths)
        if all(map(target.lacks, self.needs)):
            raise UnsupportedOperation("a target of which nothing that is selected is embedded")
        key, values = self._key(paths, identity)
        there = [
            " or ".join(record.tests(origin[:-1])) if len(origin) > 1 else self._is_there(paths, each, values)
            for each, origin in paths.items()
            if origin != identity and each != ("id",)
        ]
        if not there:
            raise UnsupportedOperation("a target of which nothing is embedded")
        test = f"({' or '.join(dict.fromkeys(there))})"
        self.writer.sent_with = declaration.sent_with
        if ("id",) in self.needs:  # which is never null
            key = values.get(("id",), key)
        return self._write_embedded(paths, values, [f"{key} is not None"] * (key is not None), [test])

    def _key(self, paths: Mapping[Path, Path], identity: Path | None) -> tuple[str | None, dict[Path, str]]:
        """Return the variable of a link's key, and the members of the target that are in variables.

        Without an identity, the id of the target is one of the embedded members.
        """
        path = identity or paths.get(("id",))
        if path is None or self.record.lacks(path):
            return None, {}
        read = self.record.leaf(path, str)
        key = self.record.column(path, check_ids)
        if key is None:
            key = self.writer.name("k")
            self.lines.append(f"{self.indent}{key} = {self.writer.bind(check_id)}({read})")
        values = {each: key for each, origin in paths.items() if origin == path}
        return None if identity is None else key, values

    def _is_there(self, paths: Mapping[Path, Path], target: Path, values: Mapping[Path, str]) -> str:
        if target in values:
            return f"{values[target]} is not None"
        kind: Any = get_named_type(self.field.type)
        return f"{self.record.leaf(paths[target], _leaf_at(kind, target))} is not None"

    def _write_embedded(
        self, paths: Mapping[Path, Path], values: Mapping[Path, str], keys: list[str], tests: list[str]
    ) -> str:
        """Write lines for a target that is embedded if all tests are true, and return its variable."""
        writer, kind = self.writer, cast(Any, get_named_type(self.field.type))
        value = writer.name("e")
        target = EmbeddedRecord(self.record, kind, paths, values, self.declaration.sent_with)
        around, writer.certain = writer.certain, writer.certain.union(tests)
        body, _ = writer.write_object(kind, self.details, target, value, self.indent + " ")
        writer.certain = around
        head = [f"{self.indent}{value} = None", f"{self.indent}if {' and '.join([*keys, *tests])}:"]
        self.lines += [*head, *body]
        return value

    def identities(self, key: str) -> Entry:
        if self.record.lacks((key,)):
            return self._missing()
        writer, indent = self.writer, self.indent
        kind: Any = get_named_type(self.field.type)
        read = self.record.leaf((key,), ListOf(str, nullable=True))
        each, value = writer.name("e"), writer.name("l")
        target = EmbeddedRecord(self.record, kind, {}, {("id",): each})
        body, _ = writer.write_object(kind, self.details, target, each, indent + "   ")
        writer.counts = True
        self.lines += [
            f"{indent}{value} = {read}",
            f"{indent}if {value} is not None:",
            f"{indent} {value}, {value}l = [], {writer.bind(check_ids)}({value})",
            f"{indent} for {each} in {value}l:",
            f"{indent}  if {each} is not None:",
            *body,
            f"{indent}   {value}.append({each})",
            f"{indent}   c += 1",
        ]
        return value

    def load(self, value: Entry = "None", *, if_null: bool = False) -> Entry:
        self.same = None
        if any(map(self.record.lacks, self.declaration.key_paths)):
            return self._missing() if value == "None" else value
        self._note(f"{_write_entry(value)} is None" if if_null else "", has_value=value != "None")
        return value

    def pick(self, key: str, member: str) -> Entry:
        if self.record.lacks((key,)):
            return self._missing()
        read, members = self.record.objects((key,), nullable=True)
        members.leaf(member, str)
        self._note("", read, decoding=Decoding(members, self.record.decoding.from_circulation))
        return "None"

    def _note(
        self, test: str, key: str | None = None, *, has_value: bool = False, decoding: Decoding | None = None
    ) -> None:
        """Note the result and its key for loading, if the test is true."""
        writer, indent = self.writer, self.indent
        self.has_links = True
        if key is None:
            leaf: Any = ListOf(str, nullable=True) if self.declaration.loads_lists else str
            types = self.declaration.key_types
            reads = [self.record.leaf(path, types.get(path, leaf)) for path in self.declaration.key_paths]
            key = reads[0] if len(reads) == 1 else f"({', '.join(reads)})"
        targets, keys = writer.note(), writer.note()
        plan = writer.compiler.link(self, decoding, targets=targets, keys=keys, has_value=has_value)
        writer.links.append(plan)
        notes = [f"n{targets}(o)", f"n{keys}({key})"]
        struct = self.record.struct
        if self.embedding is not None:
            embedded = writer.compiler.embedded(self, struct.decoding)
            if embedded is not None:
                plan.embedded, plan.unembedded = embedded
                plan.records = writer.note()
                notes.append(f"n{plan.records}({struct.variable})")
        elif has_value:
            plan.unembedded = self._unembedded()
        if test:
            self.notes += [f"{indent}if {test}:", *(f"{indent} {each}" for each in notes)]
        else:
            self.notes += [f"{indent}{each}" for each in notes]

    def _missing(self) -> Entry:
        """Return null, for a member of an embedded target that is not embedded."""
        self.same = None
        if isinstance(self.field.type, GraphQLNonNull):
            raise UnsupportedOperation("a member that is never null and not embedded")
        self._add_unembedded(self.record)
        return "None"

    def _add_unembedded(self, record: AnyRecord) -> None:
        if isinstance(record, EmbeddedRecord):
            self.writer.unembedded.append((*record.steps, self._step()))

    def _add_if_unknown(self, record: AnyRecord, path: Path) -> None:
        """Note a member that is null in no target, and null in the parent if that does not have it."""
        if isinstance(record, EmbeddedRecord):
            sent_with = self.writer.sent_with.get((*record.at, *path))
            if sent_with is not None and sent_with == record.paths.get(path):
                self._add_unembedded(record)

    def _step(self) -> Step:
        return self.attribute, [each.node for each in self.details]

    def _unembedded(self) -> list[Unembedded]:
        """The members of a target that are not in the object which the record embeds in its place."""
        kind: Any = get_named_type(self.field.type)
        fields = enumerate(self.writer.compiler.collect(kind, self.details).values())
        return [
            ((f"f{number}", [each.node for each in details]),)
            for number, details in fields
            if details[0].node.name.value not in ("__typename", *(name for (name,) in EMBEDDED))
        ]


class Writer:
    """Writes the code of one projection."""

    def __init__(self, compiler: Compiler, rows: Rows | None) -> None:
        self.compiler = compiler
        self.rows = rows  # of the loop that code is written for, if it is over Structs
        self.enums: dict[Entry, tuple[EnumNames, str]] = {}  # by the expression, the names and the value
        self.links: list[LinkPlan] = []
        self.certain: set[str] = set()  # tests that are true where code is written
        self.counts = False  # embedded targets, in the variable `c`
        self.sent_with: Mapping[Path, Path] = {}  # of the link whose embedded target is projected
        self.unembedded: list[Unembedded] = []
        self.names: dict[str, Any] = {
            "A": UnexpectedValue,
            "UNSET": msgspec.UNSET,
            "DECODED": Decoded,
            "CONVERT": msgspec.convert,
            "RECORD": record_of,
            "NO_RECORDS": (str, int, float, bool, list, Exception),
        }
        self.conversions: dict[str, Members] = {}  # names that are to be bound when all is read
        self.number_of_notes = 0
        self._count = 0

    def value(
        self,
        declared: GraphQLOutputType,
        details: Details,
        v: str,
        indent: str,
        declaration: Any,
        decoding: Decoding | None,
    ) -> list[Line]:
        """Write lines that complete the value in a variable, which are records if there is a decoding."""
        is_nullable, kind = not isinstance(declared, GraphQLNonNull), get_nullable_type(declared)
        if is_leaf_type(kind):
            return [f"{indent}{v} = {self._coerce_leaf(kind, v, declaration, is_nullable)}"]
        deeper = indent + " "
        if isinstance(kind, GraphQLObjectType):
            lines = self._object_value(kind, details, v, deeper, decoding)
        elif isinstance(kind, GraphQLUnionType):
            lines = []
            for number, member in enumerate(kind.types):
                origin = self.bind(class_of(member))
                lines.append(f"{deeper}{'el' if number else ''}if type({v}) is {origin}:")
                lines += self._object_value(member, details, v, deeper + " ", None)
            lines.append(f"{deeper}else: raise A")
        elif isinstance(kind, GraphQLList):
            each, out = self.name("e"), self.name("l")
            rows, around = Rows(each, v), self.rows
            self.rows = None if decoding is None else rows
            body = self.value(kind.of_type, details, each, deeper + " ", declaration, decoding)
            self.rows = around
            lines = [
                f"{deeper}if type({v}) is not list: raise A",
                f"{deeper}{out} = []",
                lambda: [f"{deeper}{line}" for line in (*rows.lines, rows.loop())],
                *body,
                f"{deeper} {out}.append({each})",
                f"{deeper}{v} = {out}",
            ]
        else:
            raise UnsupportedOperation("an interface")
        otherwise = [] if is_nullable else [f"{indent}else: raise A"]
        return [f"{indent}if {v} is not None:", *lines, *otherwise]

    def _object_value(
        self, kind: GraphQLObjectType, details: Details, v: str, indent: str, decoding: Decoding | None
    ) -> list[Line]:
        """Write lines for an object of any class: a record, a page or the result of a mutation."""
        selected = self.compiler.collect(kind, details)
        declarations = [
            declaration_of(f) for d in selected.values() if (f := kind.fields.get(d[0].node.name.value))
        ]
        classes = {getattr(each, "value_of", "object") for each in declarations}
        if classes == {"record"}:
            start: list[Line] = []
            if decoding is None:
                decoding = Decoding(Members())
                convert = self.name("K")
                self.conversions[convert] = decoding.members
                start.append(f"{indent}{v} = CONVERT({v} if type({v}) is dict else RECORD({v}), {convert})")
            record = Record(self, v, decoding, indent)
            lines, same = self.write_object(kind, details, record, v, indent)
            members = decoding.members
            if same is None:
                return [*start, *lines]
            untouched = [f"{indent}if not isinstance({v}, DECODED): raise A"]
            return [*start, lambda: untouched if _is_as_decoded(members, same) else _flatten(lines)]
        if len(classes) > 1:
            raise UnsupportedOperation("a type of two kinds of fields")
        lines = []
        if not classes:  # nothing is read that shows it is no record
            lines.append(f"{indent}if isinstance({v}, NO_RECORDS): raise A")
        names, entries = list[str](), list[Entry]()
        for name, each in selected.items():
            names.append(name)
            field_name = each[0].node.name.value
            if field_name == "__typename":
                entries.append(repr(kind.name))
                continue
            field = kind.fields[field_name]
            declaration = _check_declaration(field, each)
            value, handed_on = self.name("v"), None
            if getattr(declaration, "value_of", None) == "page":
                lines.append(f"{indent}{value} = {self._read_page(declaration, kind, v, value, decoding)}")
                handed_on = decoding
            elif declaration.is_basic_field:
                lines.append(f"{indent}{value} = {v}.{declaration.python_name}")
            else:
                raise UnsupportedOperation("a resolver of an object")
            lines += self.value(field.type, each, value, indent, declaration, handed_on)
            entries.append(value)
        result = self.bind(_result(tuple(names)))
        return [*lines, f"{indent}{v} = {result}({', '.join(map(_write_entry, entries))})"]

    def _read_page(
        self, declaration: Any, kind: GraphQLObjectType, v: str, value: str, decoding: Decoding | None
    ) -> str:
        """Return the expression that reads a field of a page, or of an edge."""
        read = self.bind(declaration.read)
        if decoding is not None:
            for name in declaration.of_records:
                record: Any = get_named_type(kind.fields["nodes"].type)
                decoding.members.path((name,), _leaf_at(record, (name,)))
            if self.rows is not None:
                self.rows.add(value, v, f"{read}(p)")
        return f"{read}({v})"

    def write_object(
        self, kind: GraphQLObjectType, details: Details, record: AnyRecord, out: str, indent: str
    ) -> tuple[list[Line], Same]:
        """Write lines that put the result for a record into a variable, and return its unchanged members."""
        lines, notes = list[Line](), list[Line]()
        names, entries = list[str](), list[Entry]()
        same: Same = []
        if isinstance(record, Record):
            record.indent = indent
        for name, each in self.compiler.collect(kind, details).items():
            field_name = each[0].node.name.value
            names.append(name)
            if field_name == "__typename":
                entries.append(repr(kind.name))
                same = None
                continue
            field = kind.fields.get(field_name)
            if field is None:
                raise UnsupportedOperation("an unknown field")
            declaration = _check_declaration(field, each)
            if getattr(declaration, "value_of", None) != "record":
                raise UnsupportedOperation("a field that is declared otherwise")
            place = FieldPlace(
                self, name, f"f{len(names) - 1}", kind, field, declaration, each, record, lines, indent, notes
            )
            entries.append(declaration.plan(place))
            key = getattr(declaration, "key", None)
            if place.has_links or name != key or not place.same:
                same = None
            elif same is not None:
                same.append((name, None if place.same is True else place.same))
        result = self.bind(_result(tuple(names)))
        head: Line = lambda: record.head  # noqa: E731 - it grows while others are written
        if notes:
            created = lambda: [f"{indent}o = {result}({', '.join(map(_write_entry, entries))})"]  # noqa: E731
            return [head, *lines, created, *notes, f"{indent}{out} = o"], None
        if len(entries) == 1 and entries[0] in self.enums:
            table, value = self.enums[entries[0]]
            shared = self.bind(EnumObjects(table, _result(tuple(names))))
            return [head, *lines, f"{indent}{out} = {shared}[{value}]"], same
        return [
            head,
            *lines,
            lambda: [f"{indent}{out} = {result}({', '.join(map(_write_entry, entries))})"],
        ], same

    def member_of_record(self, place: FieldPlace, decoding: Decoding, *, is_embedded: bool) -> list[Line]:
        """Write lines for records of which the field of a place is a member, or whose target is embedded."""
        lines = list[Line]()
        struct = Record(self, "v", decoding, "   ")
        record = place.record.of_struct(struct) if is_embedded else struct
        copy = replace(place, writer=self, record=record, lines=lines, indent="   ", notes=[], same=None)
        entry = copy.embed_any() if is_embedded else copy.member(place.declaration.key)
        return ["  if v is not None:", lambda: struct.head, *lines, lambda: [f"   v = {_write_entry(entry)}"]]

    def leaf(
        self,
        leaf: GraphQLLeafType,
        read: str,
        declaration: Any,
        record: AnyRecord | None = None,
        path: Path = (),
        details: Details | None = None,
    ) -> str:
        """Return the expression for a leaf, null or not, that was decoded as its type."""
        if isinstance(leaf, GraphQLEnumType):
            names = EnumNames(leaf, declaration.reader)
            names[None] = None
            expression = f"{self.bind(names)}[{read}]"
            self.enums[expression] = names, read
            return expression
        if leaf.name in AS_DECODED:
            return read
        if leaf.name == "DateTime" and record is not None and details is not None:
            arguments = f", execution, {self.bind([each.node for each in details])}"
            column = record.column(path, convert_dates, arguments)
            return column or f"{self.bind(convert_date)}({read}{arguments})"
        return f"{self.bind(nullable(coercion_of(leaf)))}({read})"

    def _coerce_leaf(self, leaf: GraphQLLeafType, v: str, declaration: Any, is_nullable: bool) -> str:
        """Return the expression for a leaf that no decoder tested: of a page, or a result of a mutation."""
        if isinstance(leaf, GraphQLEnumType):
            value = f"{self.bind(EnumNames(leaf, getattr(declaration, 'reader', None)))}[{v}]"
        else:
            value = f"{self.bind(coercion_of(leaf))}({v})"
        return f"(None if {v} is None else {value})" if is_nullable else value

    def note(self) -> int:
        """Return the number of another list of notes."""
        self.number_of_notes += 1
        return self.number_of_notes - 1

    def name(self, letter: str) -> str:
        """Return another variable."""
        self._count += 1
        return f"{letter}{self._count}_"

    def bind(self, value: object) -> str:
        """Return a name for a constant."""
        name = self.name("K")
        self.names[name] = value
        return name


@dataclass(slots=True, eq=False)
class Draft:
    """A plan whose code is written when all that is read of records is known."""

    plan: Plan
    body: list[Line]
    writer: Writer
    rows: Rows
    is_rare: bool

    def finish(self) -> None:
        """Write the code and compile it, or let its first use do that if there may never be one.

        Raises what Python raises for selections that are too deep.
        """
        plan, writer = self.plan, self.writer
        names = writer.names
        for name, members in writer.conversions.items():
            names[name] = members.struct()
        body = _flatten(self.body)
        plan.source = "\n".join(
            [
                f"def project(values, execution{''.join(f', n{number}' for number in range(plan.notes))}):",
                " out = []",
                " add = out.append",
                *([" c = 0"] if writer.counts else []),
                *(f" {line}" for line in (*self.rows.lines, self.rows.loop())),
                *body,
                "  add(v)",
                *([" if c: execution.count_embedded(c)"] if writer.counts else []),
                " return out",
            ]
        )

        def compile_project() -> Projection:
            # The names of fields are GraphQL names, keys are those of the schema, and both stand as `repr`.
            exec(compile(plan.source, "<plan>", "exec"), names)  # noqa: S102
            plan.project = names["project"]
            return plan.project

        if self.is_rare:
            plan.project = lambda *arguments: compile_project()(*arguments)
        else:
            compile_project()


def draft(
    kind: GraphQLOutputType,
    details: Details,
    compiler: Compiler,
    decoding: Decoding | None,
    *,
    many: bool = True,
    member_of: FieldPlace | None = None,
    is_embedded: bool = False,
) -> Draft:
    """Draft the plan for values of a type, by the fields that select from them.

    `decoding` is that of the values, None if they are dictionaries or other objects; `many` if there may be
    many of them. With `member_of`, the values are records of which the field of that place is a member; they
    embed its target if `is_embedded`. Raises `UnsupportedOperation` and `ConflictingTypes`.
    """
    rows = Rows("v", "values")
    writer = Writer(compiler, rows if many and decoding is not None else None)
    if member_of is None:
        body = writer.value(kind, details, "v", "  ", None, decoding)
    else:
        decoding = decoding or Decoding(Members())
        body = writer.member_of_record(member_of, decoding, is_embedded=is_embedded)
    plan = Plan(project=_unfinished, notes=writer.number_of_notes, links=writer.links, source="")
    return Draft(plan, body, writer, rows, is_embedded)


def _unfinished(*_: Any) -> list[Json]:
    raise RuntimeError("the plan is a draft")


def _not_null(value: Json) -> Json:
    if value is None:
        raise UnexpectedValue
    return value


def _flatten(lines: list[Line]) -> list[str]:
    return [each for line in lines for each in ([line] if isinstance(line, str) else line())]


def _write_entry(entry: Entry) -> str:
    return entry if isinstance(entry, str) else entry()


def _is_as_decoded(members: Members, same: Same) -> bool:
    """Return True if the decoded members are exactly the selected ones, in the same order."""
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
    """Return the Struct of a part of a response: `f0`, `f1` and so on, encoded under the response names."""
    attributes = [f"f{number}" for number in range(len(names))]
    fields: list[tuple[str, Any]] = [(each, Any) for each in attributes]
    return msgspec.defstruct("Result", fields, rename=dict(zip(attributes, names, strict=True)), gc=False)


def _check_declaration(field: GraphQLField, details: Details) -> Any:
    for each in details:
        if each.fragment_variable_values or each.defer_usage:
            raise UnsupportedOperation("a fragment with variables, or in parts")
        if any(directive.name.value not in _CONDITIONS for directive in each.node.directives or ()):
            raise UnsupportedOperation("a directive")
    declaration = declaration_of(field)
    if declaration is None or declaration.extensions:
        raise UnsupportedOperation("a field that is declared otherwise")
    return declaration


def _leaf_at(kind: GraphQLObjectType, path: Path) -> Any:
    """Return the decoded type of the member at a path of a type. Any: a type that msgspec decodes."""
    for number, step in enumerate(path):
        through = step.endswith(THROUGH)
        field = kind.fields.get(step.removesuffix(THROUGH)) if through else _reader(kind, step)
        if field is None:
            return str  # the key of a link
        inner = get_nullable_type(field.type)
        if number == len(path) - 1:
            return decoded_type(inner) if is_leaf_type(inner) else Any
        if not isinstance(inner, GraphQLObjectType):
            return Any
        kind = inner
    return str


def _reader(kind: GraphQLObjectType, member: str) -> GraphQLField | None:
    """Return the field that reads a member of a record."""
    for field in kind.fields.values():
        declaration = declaration_of(field)
        if getattr(declaration, "reads_objects", False) and declaration.key == member:
            reader: GraphQLField = field
            return reader
    return None

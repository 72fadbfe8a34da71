"""The generator of projections: functions that turn records into their part of the response.

Results are Structs with the names of the response. For the users of the selection `proxy { name: username
patronGroup { id } manualBlocks { totalCount } }` it generates, with other names for its constants:

    def project(values, execution, n0):
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
       n0((o, v.id))
       v = o
      add(v)
     if c: execution.count_embedded(c)
     return out

Nested objects and embedded targets are inlined. Leaves are not tested: the decoder of the records did that. A
DateTime or an id is converted or checked a column at a time. Links that must be loaded leave a note: the
result that they belong to, their keys, and the record if that embeds any of a target: another plan projects
these members if the target cannot be loaded. The code has names and constants by their `repr` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import msgspec
from graphql import (
    FieldNode,
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
    check_ids,
    completion_of,
    convert_date,
    convert_dates,
    decoded_type,
)
from gateway.engine.plans.plan import (
    LinkPlan,
    Plan,
    Projection,
    Step,
    Unembedded,
    UnexpectedValue,
    UnsupportedOperation,
)
from gateway.fields.base import Field, Needs, Path, Reader
from gateway.fields.link import EMBEDDED, THROUGH
from gateway.fields.record import RecordField, record_of
from gateway.fields.selection import Document, analyze_selection
from gateway.upstream.record_types import FROM_CIRCULATION, ListOf, Members, attribute_of

Details: TypeAlias = list[FieldDetails]
Block: TypeAlias = "list[str | Block]"  # lines of code; those of a block in it are indented

Notes: TypeAlias = dict[str, tuple[int, list[str]]]
"""By the tests for links of an object: the number of the list of their notes, and what each note has."""

Unread: TypeAlias = "tuple[str, Rows | None]"
"""The variable of an object that is no record, and the rows that it is one of, if they are decoded."""

Unplanned: TypeAlias = "tuple[LinkPlan, Details, Members | None, FieldPlace | None]"
"""A link whose target is to be planned: what is decoded of that, and the member of it that is the value."""

_CONDITIONS = frozenset({"skip", "include"})


class Selections(Protocol):
    """The selections of an operation, for the values of its conditions."""

    document: Document

    def collect(self, kind: GraphQLObjectType, details: Details) -> GroupedFieldSet:
        """Return the fields below a field, by their names in the response."""


@dataclass(slots=True, eq=False)
class Rows:
    """Decoded records in a loop, and their columns: what is computed of all of them before it."""

    row: str  # the variable of one record
    values: str  # and of all
    members: Members
    element: str = "p"  # the expression for a record by that of the loop, which is `p`
    columns: dict[str, str] = field(default_factory=dict)  # by their variables

    def add(self, expression: str, function: str, arguments: str) -> str:
        """Return the variable with the row's value of a column, computed by a function of the list."""
        name = f"{self.row}c{len(self.columns)}"
        self.columns[name] = f"{function}([{expression} for p in {self.values}]{arguments})"
        return name

    def loop(self) -> list[str]:
        """Return the head of the loop, after its columns."""
        row, values, names = self.row, self.values, ", ".join(self.columns)
        head = f"for {row}, {names} in zip({values}, {names}):" if names else f"for {row} in {values}:"
        return [*(f"{name} = {column}" for name, column in self.columns.items()), head]


@dataclass(slots=True, eq=False)
class Struct:
    """A Struct in a variable. Objects in it are read into variables once, before the block goes on."""

    writer: Writer
    variable: str
    members: Members
    block: Block
    rows: Rows | None = None  # of a loop that it is in, if that has columns
    _reads: int = field(init=False)  # the place in the block for the next of them
    _objects: dict[Path, tuple[str, Members]] = field(init=False)

    def __post_init__(self) -> None:
        self._reads, self._objects = len(self.block), {(): (self.variable, self.members)}

    def object(self, path: Path) -> tuple[str, Members]:
        """Return the variable of the object at a path, None if it is absent, and its members."""
        if path not in self._objects:
            (holder, members), variable = self.object(path[:-1]), self.writer.name("h")
            below, test = members.object(path[-1]), f"None if {holder} is None else "
            read = _read_member(members, path[-1], holder)
            self.block.insert(self._reads, f"{variable} = {test if path[1:] else ''}{read}")
            self._reads += 1
            self._objects[path] = variable, below
        return self._objects[path]

    def read(self, path: Path, certain: Collection[str]) -> str:
        """Return the expression for a member, null if the object that holds it is absent.

        `certain` are tests that are true where it is read.
        """
        holder, members = self.object(path[:-1])
        read = _read_member(members, path[-1], holder)
        if holder == self.variable or f"{holder} is not None" in certain:
            return read
        return f"(None if {holder} is None else {read})"


@dataclass(slots=True, eq=False)
class Record:
    """A record of which a Struct has the members: the Struct, an object in it, or a target that it embeds.

    `paths` are the places of its members in the Struct, and `values` the expressions for others. A member is
    unknown if the one at its place in `sent_with` is null or empty. `steps` is the way to it in the target of
    a link.
    """

    struct: Struct
    kind: GraphQLObjectType | None = None
    paths: Mapping[Path, Path] = field(default_factory=lambda: {(): ()})
    values: Mapping[Path, str] = field(default_factory=dict)
    sent_with: Mapping[Path, Path] = field(default_factory=dict)
    steps: Unembedded | None = None
    certain: frozenset[str] = frozenset()  # tests that are true where its members are read

    @property
    def is_embedded(self) -> bool:
        return () not in self.paths

    def embed(
        self,
        kind: GraphQLObjectType,
        paths: Mapping[Path, Path],
        values: Mapping[Path, str],
        sent_with: Mapping[Path, Path],
    ) -> Record:
        """Return a target that the record embeds. The paths are those of this record's members."""
        places, shown_by = (
            {target: origin for target, path in each.items() if (origin := self._origin(path)) is not None}
            for each in (paths, sent_with)
        )
        inherited = {
            target: self.values.get(path, "None")  # for an optional part of a key
            for target, path in paths.items()
            if path in self.values or target not in places
        }
        return Record(self.struct, kind, places, {**inherited, **values}, shown_by)

    def holder(self) -> tuple[str, Members]:
        """Return the variable of a record that is not embedded, and its members."""
        return self.struct.object(self.paths[()])

    def lacks(self, path: Path) -> bool:
        """Return True if the member is not embedded."""
        return path not in self.values and self._origin(path) is None and not self._below(path)

    def leaf(self, path: Path, kind: Any, *, required: bool = False) -> str:
        """Return the expression for a leaf, or a list of leaves. Any: a type that msgspec decodes."""
        origin = self._origin(path)
        if path in self.values or origin is None:
            return self.values.get(path, "None")
        members = self.struct.object(origin[:-1])[1]
        members.leaf(origin[-1], kind, required=required)
        read = self.struct.read(origin, self.certain)
        return f"({read} or None)" if self.sent_with.get(path) == origin else read

    def objects(self, path: Path) -> tuple[str, Members]:
        """Return the expression for a list of objects, and their members."""
        origin = self._origin(path)
        if origin is None:
            raise UnsupportedOperation("a list that is not embedded")
        members: Any = self.struct.object(origin[:-1])[1].list(origin[-1], Members(), nullable=False).of
        members.from_circulation = self.struct.members.from_circulation
        return self.struct.read(origin, self.certain), members

    def column(self, path: Path, leaf: str, function: Callable[..., object], arguments: str = "") -> str:
        """Return the expression for what a function of a list, which `arguments` follow, makes of a leaf.

        It is the variable of a column, if all records are at hand.
        """
        struct, origin = self.struct, self._origin(path)
        convert = struct.writer.bind(function)
        if struct.rows is None or origin is None or path in self.values:
            if function is convert_dates:
                return f"{struct.writer.bind(convert_date)}({leaf}{arguments})"
            return f"{convert}([{leaf}]{arguments})[0]"
        read = struct.rows.element
        for depth, name in enumerate(origin):
            holder, members = "p" if read == "p" else f"q{depth}", struct.object(origin[:depth])[1]
            member = _read_member(members, name, holder)
            read = member if holder == "p" else f"({holder} := {read}) and {member}"
        return struct.rows.add(read, convert, arguments)

    def object(self, path: Path) -> tuple[str, Record]:
        """Return the test for an object at a path, and the record that it is."""
        origin = self._origin(path)
        if origin is not None:
            return f"{self.struct.object(origin)[0]} is not None", Record(self.struct, None, {(): origin})
        kind: Any = self.kind
        for step in path:
            reader = _reader(kind, step)
            if reader is None:
                raise UnsupportedOperation("an object that is not embedded")
            kind = get_named_type(reader.type)
        below, length = self._below(path), len(path)
        leaves = [self.leaf((*path, *target), _leaf_at(kind, target)) for target in below]
        sent_with = {each[length:]: at for each, at in self.sent_with.items() if each[:length] == path}
        test = " or ".join(f"{leaf} is not None" for leaf in leaves)
        return test, Record(self.struct, kind, below, sent_with=sent_with)

    def tests(self, path: Path) -> list[str]:
        """Return the tests for an object at a path to be there."""
        origins = [self._origin(path)] if path else []
        if path and origins == [None]:
            if not path[0].endswith(THROUGH):
                return [f"({self.object(path)[0]})"]
            origins = [each[:-1] for each in self._below(path).values()]
        return [f"{self.struct.object(each)[0]} is not None" for each in origins if each]

    def through(self, name: str) -> Mapping[Path, Path]:
        """Return the members of a link's target that are embedded beside its key."""
        return {target: (name, *target) for target in self._below((name,))}

    def _origin(self, path: Path) -> Path | None:
        for length in range(len(path), -1, -1):
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


@dataclass(slots=True, eq=False)
class FieldPlace:
    """A field in a selection of a record: `gateway.fields.base.Place`, whose methods write its code."""

    writer: Writer
    attribute: str  # of the parent's result
    parent_type: GraphQLObjectType
    field: GraphQLField
    details: Details
    record: Record
    block: Block
    notes: Notes  # written when there is a result

    @property
    def declaration(self) -> Any:  # Any: a `Field`
        return declaration_of(self.field)

    @property
    def target(self) -> Any:  # Any: the type of the field without lists, mostly an object
        return get_named_type(self.field.type)

    @property
    def needs(self) -> Needs:
        document = self.writer.selections.document
        return analyze_selection(self.declaration, self.field, _nodes(self.details), document).needs

    def member(self, key: str) -> str:
        record, writer, path = self.record, self.writer, (key,)
        if record.lacks(path):
            return self._missing()
        self._add_if_unknown(path)
        required = isinstance(self.field.type, GraphQLNonNull) or 0 in self.declaration.semantic_non_null
        kind = get_nullable_type(self.field.type)
        if is_leaf_type(kind):
            read = record.leaf(path, decoded_type(kind), required=required and not record.is_embedded)
            if required and record.is_embedded and path not in record.values:
                self.block.append(f"if {read} is None: raise A")
            if kind.name != "DateTime":
                return writer.leaf(kind, read, self.declaration)
            arguments = f", execution, {writer.bind(_nodes(self.details))}"
            return record.column(path, read, convert_dates, arguments)
        if isinstance(kind, GraphQLList):
            return self._list(kind, path)
        if not isinstance(kind, GraphQLObjectType):
            raise UnsupportedOperation("an abstract type")
        test, part = record.object(path)
        if required and not record.is_embedded:
            record.holder()[1].required.add(key)
        elif required:
            self.block.append(f"if not ({test}): raise A")
        part.steps = None if record.steps is None else (*record.steps, self._step())
        part.certain = record.certain | {test}
        body: Block = []
        result = writer.write_object(kind, self.details, body, part)
        if not body:
            return f"({result} if {test} else None)"
        value = writer.name("v")
        self.block += [f"{value} = None", f"if {test}:", [*body, f"{value} = {result}"]]
        return value

    def _list(self, kind: GraphQLList[Any], path: Path) -> str:
        writer, record = self.writer, self.record
        item, value, members = get_nullable_type(kind.of_type), writer.name("l"), Members()
        if is_leaf_type(item):
            read = record.leaf(path, ListOf(decoded_type(item), nullable=False))
            if item.name in AS_DECODED:
                return read
        elif isinstance(item, GraphQLObjectType):
            read, members = record.objects(path)
        else:
            raise UnsupportedOperation("a list of another kind")
        self.block.append(f"{value} = {read}")
        rows = Rows(value, value, members)
        writer.value(self.field.type, self.details, value, self.block, self.declaration, rows)
        return value

    def member_or_load(self, key: str, dropped_by_bff: bool) -> str:
        record = self.record
        from_circulation = record.struct.members.from_circulation
        if record.is_embedded or (dropped_by_bff and from_circulation):
            return self.member(key)
        holder, members = record.holder()
        members.unset.add(key)
        value = self.member(key)
        test = f"{holder}.{attribute_of(key)} is UNSET and {record.leaf(('id',), str)} is not None"
        if from_circulation is False:  # circulation may be read in place of the BFF
            test += f" and {holder}.is_from_circulation is not {dropped_by_bff}"
        elif from_circulation is None:
            test += f" and ({record.leaf((FROM_CIRCULATION,), bool)} is True) is not {dropped_by_bff}"
        self._note(test)
        return value

    def derive(self, read: Reader, members: Iterable[str]) -> str:
        if self.record.is_embedded:
            return self._missing()
        writer, (holder, of) = self.writer, self.record.holder()
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
        self.block.append(f"{value} = {writer.bind(read)}({holder})")
        declared: Any = self.field.type
        if 0 in self.declaration.semantic_non_null:
            declared = GraphQLNonNull(get_nullable_type(declared))
        writer.value(declared, self.details, value, self.block, self.declaration)
        return value

    def embed(self) -> str:
        record, declaration, needs = self.record, self.declaration, self.needs
        identity, shown_by = declaration.identity, declaration.sent_with
        if identity is not None:
            if record.lacks(identity):
                return self._missing()
            self._add_if_unknown(identity)
        through = record.through(declaration.through)
        paths = {**declaration.embeds, **through}
        if not needs <= paths.keys():
            return self.load()
        key, values = self._key(paths, identity)
        tests = list[str]()
        for each in sorted(needs or (paths if identity is None else ())):
            if paths[each] != identity:
                tests += record.tests(paths[each][:-1])
            if each in shown_by:
                tests.append(values.get(each) or record.leaf(shown_by[each], str))  # an empty one is none
            elif each in through and through[each] in record.sent_with:
                holder = Record(record.struct, certain=record.certain)
                tests.append(holder.leaf(record.sent_with[through[each]], str))
        if not needs and tests:  # one of them is enough
            tests = [f"({' or '.join(tests)})"]
        tests = list(dict.fromkeys(tests))
        is_known = [f"{key} is not None"] * (key is not None)
        value = self._write_embedded(paths, values, [*is_known, *tests])
        self.writer.counts = True
        if identity is not None:  # without a key it is not counted where it is resolved either
            self.block.append(["c += 1"])
        if tests:
            self._note(" and ".join([f"{value} is None", *is_known]), key)
        return value

    def embed_any(self) -> str:
        """Complete what the record has of the target, if there is any. Raises `UnsupportedOperation`."""
        record, through = self.record, self.record.through(self.declaration.through)
        paths, identity = {**self.declaration.embeds, **through}, self.declaration.identity
        if all(map(record.embed(self.target, paths, {}, {}).lacks, self.needs)):
            raise UnsupportedOperation("a target of which nothing that is selected is embedded")
        key, values = self._key(paths, identity)
        there = [
            " or ".join(record.tests(origin[:-1]))
            if len(origin) > 1
            else f"{values.get(each) or record.leaf(origin, _leaf_at(self.target, each))} is not None"
            for each, origin in paths.items()
            if origin != identity and each != ("id",)
        ]
        if not there:
            raise UnsupportedOperation("a target of which nothing is embedded")
        if ("id",) in self.needs:  # which is never null
            key = values.get(("id",), key)
        tests = [f"{key} is not None"] * (key is not None)
        return self._write_embedded(paths, values, [*tests, f"({' or '.join(dict.fromkeys(there))})"], ())

    def _key(self, paths: Mapping[Path, Path], identity: Path | None) -> tuple[str | None, dict[Path, str]]:
        """Return the variable of a link's key, and the members of the target that are in variables.

        Without an identity, the id of the target is one of the embedded members.
        """
        path = identity or paths.get(("id",))
        if path is None or self.record.lacks(path):
            return None, {}
        key = column = self.record.column(path, self.record.leaf(path, str), check_ids)
        if not column.isidentifier():
            key = self.writer.name("k")
            self.block.append(f"{key} = {column}")
        values = {each: key for each, origin in paths.items() if origin == path}
        return None if identity is None else key, values

    def _write_embedded(
        self,
        paths: Mapping[Path, Path],
        values: Mapping[Path, str],
        tests: list[str],
        steps: Unembedded | None = None,
    ) -> str:
        """Write lines for a target that is embedded if all tests are true, and return its variable."""
        value = self.writer.name("e")
        body: Block = []
        target = self.record.embed(self.target, paths, values, self.declaration.sent_with)
        target.steps, target.certain = steps, self.record.certain.union(tests)
        result = self.writer.write_object(self.target, self.details, body, target)
        self.block += [f"{value} = None", f"if {' and '.join(tests)}:", [*body, f"{value} = {result}"]]
        return value

    def identities(self, key: str) -> str:
        if self.record.lacks((key,)):
            return self._missing()
        writer = self.writer
        read = self.record.leaf((key,), ListOf(str, nullable=True))
        each, keys, value, body = writer.name("e"), writer.name("k"), writer.name("l"), list[Any]()
        target = Record(self.record.struct, self.target, {}, {("id",): each})
        result = writer.write_object(self.target, self.details, body, target)
        writer.counts = True
        ids = f"for {each} in filter(None, {keys}):"
        lines: Block = [f"{keys} = {writer.bind(check_ids)}({value})", f"{value} = []"]
        lines += [ids, [*body, f"{value}.append({result})"], f"c += len({value})"]
        self.block += [f"{value} = {read}", f"if {value} is not None:", lines]
        return value

    def load(self, value: str = "None", *, if_null: bool = False) -> str:
        declaration = self.declaration
        if any(map(self.record.lacks, set(declaration.key_paths) - declaration.optional_key_paths)):
            return self._missing() if value == "None" else value
        plan = self._note(f"{value} is None" if if_null else "")
        if value != "None":
            plan.unembedded = self._unembedded()
        return value

    def pick(self, key: str, member: str) -> str:
        if self.record.lacks((key,)):
            return self._missing()
        read, members = self.record.objects((key,))
        members.leaf(member, str)
        self._note("", read, members)
        return "None"

    def _note(self, test: str, key: str | None = None, decoded: Members | None = None) -> LinkPlan:
        """Note the result and its key for loading, if the test is true."""
        writer, declaration, struct = self.writer, self.declaration, self.record.struct
        if key is None:
            leaf: Any = ListOf(str, nullable=True) if declaration.loads_lists else str
            types = declaration.key_types
            reads = [self.record.leaf(path, types.get(path, leaf)) for path in declaration.key_paths]
            key = reads[0] if len(reads) == 1 else f"({', '.join(reads)})"
        if test not in self.notes:
            self.notes[test] = writer.plan.notes, ["o"]
            writer.plan.notes += 1
        number, noted = self.notes[test]
        plan = LinkPlan(
            parent_type=self.parent_type,
            field=self.field,
            nodes=_nodes(self.details),
            notes=number,
            key=len(noted),
            attribute=self.attribute,
        )
        noted.append(key)
        writer.plan.links.append(plan)
        writer.links.append((plan, self.details, decoded, self if declaration.loads_owner else None))
        if declaration.embeds:
            with suppress(UnsupportedOperation):  # nothing of it but its id, or too little, is embedded
                rare = draft_member(self, struct.members, is_embedded=True)
                writer.rare.append(rare)
                plan.embedded, plan.unembedded = rare.plan, rare.unembedded
                if struct.variable not in noted:
                    noted.append(struct.variable)
                plan.record = noted.index(struct.variable)
        return plan

    def _missing(self) -> str:
        """Return null, for a member of an embedded target that is not embedded."""
        if isinstance(self.field.type, GraphQLNonNull):
            raise UnsupportedOperation("a member that is never null and not embedded")
        self._add_unembedded()
        return "None"

    def _add_unembedded(self) -> None:
        if self.record.steps is not None:
            self.writer.unembedded.append((*self.record.steps, self._step()))

    def _step(self) -> Step:
        return self.attribute, _nodes(self.details)

    def _add_if_unknown(self, path: Path) -> None:
        """Note a member that is null in no target, and null in the parent if that does not have it."""
        origin = self.record.sent_with.get(path)
        if origin is not None and origin == self.record.paths.get(path):
            self._add_unembedded()

    def _unembedded(self) -> list[Unembedded]:
        """The members of a target that are not in the object which the record embeds in its place."""
        fields = enumerate(self.writer.selections.collect(self.target, self.details).values())
        return [
            ((f"f{number}", _nodes(details)),)
            for number, details in fields
            if details[0].node.name.value not in ("__typename", *(name for (name,) in EMBEDDED))
        ]


class Writer:
    """Writes the code of one plan."""

    def __init__(self, selections: Selections, rows: Rows, *, is_rare: bool = False) -> None:
        self.selections = selections
        self.plan = Plan()
        self.is_rare = is_rare
        self.body: Block = []
        self.links: list[Unplanned] = []
        self.rare: list[Writer] = []  # of what records embed of the targets of these
        self._rows = rows
        self.counts = False  # embedded targets, in the variable `c`
        self.unembedded: list[Unembedded] = []
        self.names: dict[str, Any] = {
            "A": UnexpectedValue,
            "UNSET": msgspec.UNSET,
            "CONVERT": msgspec.convert,
            "RECORD": record_of,
            "NO_RECORDS": (str, int, float, bool, list, Exception),
        }
        self._count = 0

    def value(
        self,
        declared: GraphQLOutputType,
        details: Details,
        v: str,
        block: Block,
        declaration: Any = None,
        rows: Rows | None = None,
    ) -> None:
        """Write lines that complete the value in a variable, of decoded records if there are rows."""
        kind = get_nullable_type(declared)
        lines: Block = []
        if is_leaf_type(kind):
            lines.append(f"{v} = {self.leaf(kind, v, declaration, is_decoded=False)}")
        elif isinstance(kind, GraphQLObjectType):
            self._object_value(kind, details, v, lines, rows)
        elif isinstance(kind, GraphQLUnionType):
            for number, member in enumerate(kind.types):
                body: Block = []
                self._object_value(member, details, v, body, None)
                lines += [f"{'el' if number else ''}if type({v}) is {self.bind(class_of(member))}:", body]
            lines.append("else: raise A")
        elif isinstance(kind, GraphQLList):
            each, out, body = self.name("e"), self.name("l"), []
            elements = Rows(each, v, Members() if rows is None else rows.members)
            self.value(kind.of_type, details, each, body, declaration, rows and elements)
            lines += [f"if type({v}) is not list: raise A", f"{out} = []", *elements.loop()]
            lines += [[*body, f"{out}.append({each})"], f"{v} = {out}"]
        else:
            raise UnsupportedOperation("an interface")
        block += [f"if {v} is not None:", lines]
        if isinstance(declared, GraphQLNonNull):
            block.append("else: raise A")

    def _object_value(
        self, kind: GraphQLObjectType, details: Details, v: str, block: Block, rows: Rows | None
    ) -> None:
        """Write lines for an object of any class: a record, a page or the result of a mutation."""
        names = [each[0].node.name.value for each in self.selections.collect(kind, details).values()]
        classes = [_class_of(kind.fields[name]) for name in names if name in kind.fields]
        if "record" in classes:
            members = Members() if rows is None else rows.members
            if rows is None:
                convert = self.bind(members)
                block.append(f"{v} = CONVERT({v} if type({v}) is dict else RECORD({v}), {convert})")
            struct = Struct(self, v, members, block, rows)
            result = self.write_object(kind, details, block, Record(struct, kind))
        else:
            if not classes:  # nothing is read that shows it is no record
                block.append(f"if isinstance({v}, NO_RECORDS): raise A")
            result = self.write_object(kind, details, block, (v, rows))
        block.append(f"{v} = {result}")

    def _page_field(
        self, field: GraphQLField, kind: GraphQLObjectType, details: Details, source: Unread, block: Block
    ) -> str:
        """Write lines for a field of an object that is no record."""
        (v, rows), declaration, value = source, declaration_of(field), self.name("v")
        read = f"{v}.{declaration.python_name}"
        if _class_of(field) == "page":
            function = self.bind(declaration.read)
            read = f"{function}({v})"
            if rows is not None:
                for name in declaration.of_records:
                    record: Any = get_named_type(kind.fields["nodes"].type)
                    rows.members.path((name,), _leaf_at(record, (name,)))
                rows = replace(rows, element=f"{function}({rows.element})")
        else:
            rows = None
            if isinstance(declaration, Field) or not declaration.is_basic_field:
                raise UnsupportedOperation("a resolver of an object")
        block.append(f"{value} = {read}")
        self.value(field.type, details, value, block, declaration, rows)
        return value

    def write_object(
        self, kind: GraphQLObjectType, details: Details, block: Block, source: Record | Unread
    ) -> str:
        """Return the expression for the result of an object, after the lines that it needs."""
        notes: Notes = {}
        entries: dict[str, str] = {}
        for name, each in self.selections.collect(kind, details).items():
            field_name = each[0].node.name.value
            if field_name == "__typename":
                entries[name] = repr(kind.name)
                continue
            field = check_field(kind.fields.get(field_name), each)
            if (_class_of(field) == "record") is isinstance(source, tuple):
                raise UnsupportedOperation("a field that is declared otherwise")
            if isinstance(source, tuple):
                entries[name] = self._page_field(field, kind, each, source, block)
            else:
                place = FieldPlace(self, f"f{len(entries)}", kind, field, each, source, block, notes)
                entries[name] = place.declaration.plan(place)
        result = f"{self.bind(_result(tuple(entries)))}({', '.join(entries.values())})"
        if not notes:
            return result
        block.append(f"o = {result}")
        for test, (number, noted) in notes.items():
            note = f"n{number}(({', '.join(noted)}))"
            block += [f"if {test}:", [note]] if test else [note]
        return "o"

    def leaf(self, leaf: GraphQLLeafType, read: str, declaration: Any, *, is_decoded: bool = True) -> str:
        """Return the expression for a leaf that was decoded as its type, or not tested by any decoder."""
        if is_decoded and leaf.name in AS_DECODED:
            return read
        complete = completion_of(leaf, getattr(declaration, "reader", None), is_decoded=is_decoded)
        return f"{self.bind(complete)}({read})"

    def name(self, letter: str) -> str:
        """Return another variable."""
        self._count += 1
        return f"{letter}{self._count}_"

    def bind(self, value: object) -> str:
        """Return a name for a constant: for `Members` that of their Struct, when all are read."""
        name = self.name("K")
        self.names[name] = value
        return name

    def finish(self) -> None:
        """Compile the code, or let its first use do that if there may never be one.

        Raises what Python raises for selections that are too deep.
        """
        plan, constants = self.plan, self.names.items()
        names: dict[str, Any] = {
            name: each.struct() if isinstance(each, Members) else each for name, each in constants
        }
        lines: Block = [
            f"def project(values, execution{''.join(f', n{number}' for number in range(plan.notes))}):",
            [
                "out = []",
                "add = out.append",
                *(["c = 0"] if self.counts else []),
                *self._rows.loop(),
                [*self.body, "add(v)"],
                *(["if c: execution.count_embedded(c)"] if self.counts else []),
                "return out",
            ],
        ]
        plan.source = "\n".join(_render(lines))

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
    kind: GraphQLOutputType, details: Details, selections: Selections, members: Members | None
) -> Writer:
    """Write the plan for values of a type, by the fields that select from them.

    `members` are decoded of the values, None if they are dictionaries or other objects. Raises
    `UnsupportedOperation` and `ConflictingTypes`.
    """
    rows = Rows("v", "values", members or Members())
    writer = Writer(selections, rows)
    writer.value(kind, details, "v", writer.body, rows=None if members is None else rows)
    return writer


def draft_member(place: FieldPlace, members: Members | None, *, is_embedded: bool = False) -> Writer:
    """Write the plan for records of which the field of a place is a member, or which embed its target.

    Otherwise as `draft`.
    """
    rows = Rows("v", "values", members or Members())
    writer = Writer(place.writer.selections, rows, is_rare=is_embedded)
    body: Block = []
    struct = Struct(writer, "v", rows.members, body, None if members is None else rows)
    record = Record(struct, place.parent_type)
    if is_embedded:
        record.paths, record.sent_with = place.record.paths, place.record.sent_with
    member = replace(place, writer=writer, record=record, block=body, notes={})
    entry = member.embed_any() if is_embedded else member.member(place.declaration.key)
    writer.body += ["if v is not None:", [*body, f"v = {entry}"]]
    return writer


def _render(block: Block, indent: str = "") -> Iterator[str]:
    for each in block:
        if isinstance(each, str):
            yield indent + each
        else:
            yield from _render(each, indent + " ")


def _nodes(details: Details) -> list[FieldNode]:
    return [each.node for each in details]


def _read_member(members: Members, name: str, variable: str) -> str:
    """Return the expression for a member of the object in a variable."""
    read = f"{variable}.{attribute_of(name)}"
    return f"(None if {read} is UNSET else {read})" if name in members.unset else read


@lru_cache(maxsize=1024)  # a Struct type takes kilobytes, and few selections are unlike all others
def _result(names: tuple[str, ...]) -> Any:
    """Return the Struct of a part of a response: `f0`, `f1` and so on, encoded under the response names."""
    attributes = [f"f{number}" for number in range(len(names))]
    fields: list[tuple[str, Any]] = [(each, Any) for each in attributes]
    return msgspec.defstruct("Result", fields, rename=dict(zip(attributes, names, strict=True)), gc=False)


def check_field(field: GraphQLField | None, details: Details) -> GraphQLField:
    """Return a field. Raises `UnsupportedOperation` if plans do not support it, or how it is selected."""
    if field is None:
        raise UnsupportedOperation("an unknown field")
    for each in details:
        if each.fragment_variable_values or each.defer_usage:
            raise UnsupportedOperation("a fragment with variables, or in parts")
        if any(directive.name.value not in _CONDITIONS for directive in each.node.directives or ()):
            raise UnsupportedOperation("a directive")
    declaration = declaration_of(field)
    if declaration is None or declaration.extensions:
        raise UnsupportedOperation("a field that is declared otherwise")
    return field


def _class_of(field: GraphQLField) -> str:
    """Return what a field reads: a record, a page or another object."""
    return getattr(declaration_of(field), "value_of", "object")


def _leaf_at(kind: GraphQLObjectType, path: Path) -> Any:
    """Return the decoded type of the member at a path of a type. Any: a type that msgspec decodes."""
    if path == (FROM_CIRCULATION,):
        return bool
    step, *rest = path
    name = step.removesuffix(THROUGH)
    field = _reader(kind, step) if name == step else kind.fields.get(name)
    if field is None:
        return str  # the key of a link
    inner = get_nullable_type(field.type)
    if rest:
        return _leaf_at(inner, tuple(rest)) if isinstance(inner, GraphQLObjectType) else Any
    return decoded_type(inner) if is_leaf_type(inner) else Any


def _reader(kind: GraphQLObjectType, member: str) -> GraphQLField | None:
    """Return the field that reads a member of a record."""
    fields: Iterable[GraphQLField] = kind.fields.values()
    readers = ((each, declaration_of(each)) for each in fields)
    return next((each for each, by in readers if isinstance(by, RecordField) and by.key == member), None)

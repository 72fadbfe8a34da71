"""Fields of records: a record is the JSON object that upstream sent, and a field declares how it is read.

A record is a dictionary, or a Struct that holds the selected members of one. Both are read by `get`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cached_property, partial
from typing import Literal, cast

from graphql import FieldNode

from gateway import errors
from gateway.context import Context, Info
from gateway.engine.core import (
    StrawberryEnumDefinition,
    StrawberryField,
    StrawberryList,
    StrawberryOptional,
    has_object_definition,
    to_camel_case,
)
from gateway.fields.base import (
    DROPPED_BY_BFF,
    Arguments,
    Cost,
    Declared,
    Field,
    Json,
    Levels,
    Load,
    Path,
    Place,
    Reader,
    Selected,
    Source,
    loader_sources,
)
from gateway.fields.selection import get_selected
from gateway.loaders import Loaders
from gateway.loaders.loader_set import Calls, declared_calls
from gateway.upstream.record_types import FROM_CIRCULATION, Decoded
from gateway.upstream.services import ListsFrom

UNREPORTED = "error>"  # in an embedded record: the list of errors that its missing members have to raise


class RecordField(Field):
    """A member of a record; texts of closed value sets become enum values."""

    reads_objects = True
    given_key: str | None = None
    is_required = False  # every record has the member, so that its absence is an error

    @cached_property
    def key(self) -> str:
        """The JSON member: the GraphQL name, unless the declaration says otherwise."""
        return self.given_key or to_camel_case(self.python_name)

    @property
    def semantic_non_null(self) -> Levels:
        return (0,) * self.is_required + (1,) * self._is_list

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = record_of(source, self)
        return None if is_missing(record, self.key) else self.read(record)

    def read(self, record: Json) -> Json:
        """Return the value of the member, with enum values for texts of closed value sets.

        An element of a list that is null, or cannot be read, is an error in its slot. Raises
        `UpstreamBadResponse` for a required member that is null or absent.
        """
        value, read = record.get(self.key), self.reader
        if value is None:
            if self.is_required:
                raise errors.UpstreamBadResponse(f"An upstream service sent a record without `{self.key}`.")
            return None
        if self._is_list and isinstance(value, list):
            return [self._read_element(each) for each in value]
        return value if read is None else read(value)

    def _read_element(self, value: Json) -> Json:
        """Read one element of a list. One that cannot be read costs no other element."""
        if value is None:
            return errors.UpstreamBadResponse(
                f"An upstream service sent null for an element of `{self.key}`."
            )
        try:
            return value if self.reader is None else self.reader(value)
        except errors.UpstreamBadResponse as error:
            return error

    @property
    def reads(self) -> tuple[Path, ...]:
        return ((self.key,),)

    @cached_property
    def reader(self) -> Reader | None:
        """The function that reads one value; None if it is taken as it is."""
        named = named_type(self.type)
        if has_object_definition(named):
            return partial(record_of, field=self)
        if isinstance(named, StrawberryEnumDefinition):
            return _member_of(cast("type[Enum]", named.wrapped_cls))
        return _to_float if named is float else None

    def plan(self, place: Place) -> str:
        return place.member(self.key)

    @cached_property
    def _is_list(self) -> bool:
        return is_list(self.type)


class SourceSpecificField(RecordField):
    """A member of loans or requests that only one of the two interfaces which serve them sends.

    Lists are read from the interface that sends what is selected. A record that came from the other one, and
    lacks the member because that drops it, is loaded by its id.
    """

    reads_ids = True
    loads_owner = True
    key_paths = (("id",),)
    dropped_by_bff: bool  # circulation itself drops it otherwise

    @property
    def reads(self) -> tuple[Path, ...]:
        return ((self.key,), DROPPED_BY_BFF) if self.dropped_by_bff else ((self.key,),)

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = record_of(source, self)
        if is_missing(record, self.key):
            return None
        if type(record) is dict:
            is_present, is_direct = self.key in record, FROM_CIRCULATION in record
        else:
            is_present, is_direct = record.has(self.key), record.is_from_circulation
        if is_present or is_direct is self.dropped_by_bff or record.get("id") is None:
            return self.read(record)
        load = self.load(info.context, {}, get_selected(info, self))
        return load._replace(value=self.read).one(record.get("id"))

    @cached_property
    def _loader(self) -> str:
        """The name of the loader: that of the type, loan or request."""
        return str(self.origin.__name__.lower())  # type: ignore[union-attr]  # every field has one

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        loaders = context.loaders.direct if self.dropped_by_bff else context.loaders.through_bff
        return Load(getattr(loaders, self._loader))

    def sources(self, selected: Selected, is_direct: bool) -> list[Source]:
        return loader_sources(self._loader, self.dropped_by_bff)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(rows=rows, calls_if_direct=0 if self.dropped_by_bff else 1)

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        return declared_calls(Loaders, self._loader, "bff", is_direct=self.dropped_by_bff)

    def plan(self, place: Place) -> str:
        return place.member_or_load(self.key, self.dropped_by_bff)


class PartField(RecordField):
    """A member of an object in loans that the BFF drops from lists: circulation is read instead."""

    dropped_by_bff = True

    @property
    def reads(self) -> tuple[Path, ...]:
        return (self.key,), DROPPED_BY_BFF


def _to_float(value: Json) -> Json:
    """Read an integer as the number that it is in JSON, which graphql-core would refuse if it is long."""
    try:
        return float(value) if type(value) is int else value
    except OverflowError:  # it fails when it is completed
        return value


def _member_of(enum: type[Enum]) -> Reader:
    """Return the reader of a closed value set: every value that a newer upstream may send is UNKNOWN.

    FOLIO itself is not sure about capitals: the enum of batch requests has `In progress` and the published
    example `In Progress`.
    """
    values = {_fold_case(each.value): each.value for each in enum}
    unknown = enum["UNKNOWN"].value

    def read(value: Json) -> Json:
        # A value that is neither text nor number is of no version, and fails when it is completed.
        return values.get(_fold_case(value), unknown) if type(value) in (str, int) else value

    return read


def _fold_case(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


def field(
    description: str,
    *,
    key: str | None = None,
    dropped_by: Literal["bff", "bff in part", "circulation"] | None = None,
    deprecated: str | None = None,
    is_required: bool = False,
) -> Declared:
    """Declare a member of a record: its description for front-end developers, and its JSON key if it differs.

    `is_required` if each record has the member on every platform and in every version: its absence is an
    error then. Not for members of a type that a link embeds in part, whose targets may no longer exist.

    `dropped_by` names the interface to loans and requests that does not send the member; the other does. "bff
    in part" is for a member of an object in them.
    """
    kind = _KINDS.get(dropped_by, SourceSpecificField)
    field = kind(description=description, deprecation_reason=deprecated, default=None)
    field.given_key, field.is_required = key, is_required
    if isinstance(field, SourceSpecificField):
        field.dropped_by_bff = dropped_by == "bff"
    return field


_KINDS: dict[str | None, type[RecordField]] = {None: RecordField, "bff in part": PartField}


class DerivedField(Field):
    """A value that is computed from members of a record."""

    read: Reader
    members: tuple[str, ...]
    is_computed: bool  # of each record

    @property
    def semantic_non_null(self) -> Levels:
        return (0,) if self.is_computed else ()

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = record_of(source, self)
        return None if is_missing(record, None) else self.read(record)

    def plan(self, place: Place) -> str:
        return place.derive(self.read, self.members)


def derived(description: str, read: Reader, *, members: Iterable[str], is_computed: bool = False) -> Declared:
    """Declare a value that `read` computes from these members of a record, which it reads by `get`.

    `is_computed` if it returns none for no record. Not for a type that a link embeds.
    """
    field = DerivedField(description=description, default=None)
    field.read, field.members, field.is_computed = read, tuple(members), is_computed
    return field


def record_of(source: Json, field: StrawberryField | None = None) -> Json:
    """Return the record behind a source: itself, or the one that the result of a mutation holds.

    Raises `UpstreamBadResponse`, naming the field that reads it, if there is something else in its place.
    """
    if type(source) is dict or isinstance(source, Decoded):
        return source
    record = getattr(source, "record", None)
    if type(record) is not dict:
        name = "a field" if field is None else f"`{to_camel_case(field.python_name)}`"
        raise errors.UpstreamBadResponse(
            f"An upstream service sent something else where {name} has a record."
        )
    return record


def is_missing(record: Json, member: str | None) -> bool:
    """Return True for a member that an embedded record lacks; None is for one that is never embedded.

    Raises, for the first of them alone, the error for which the complete record could not be loaded.
    """
    if type(record) is not dict or member in record or (unreported := record.get(UNREPORTED)) is None:
        return False
    if unreported:
        raise unreported.pop()
    return True


def path_of(text: str) -> Path:
    """Return the path that is written with dots."""
    return tuple(text.split("."))


def is_list(declared: object) -> bool:
    """Return True for the type of a list, which may be null or not."""
    return isinstance(
        declared.of_type if isinstance(declared, StrawberryOptional) else declared, StrawberryList
    )


def named_type(declared: object) -> object:
    """Return the type of a declared one without null and lists."""
    while isinstance(declared, StrawberryOptional | StrawberryList):
        declared = declared.of_type
    return declared

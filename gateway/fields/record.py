"""Fields of records: a record is the JSON object that upstream sent, and a field says how to read it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cached_property, partial
from typing import Any, Literal, cast

from gateway import errors
from gateway.engine.core import (
    StrawberryEnumDefinition,
    StrawberryField,
    StrawberryList,
    StrawberryOptional,
    has_object_definition,
    raw_info,
    to_camel_case,
)
from gateway.upstream.services.circulation import FROM_CIRCULATION

Path = tuple[str, ...]


class RecordField(StrawberryField):
    """A member of a record, read as it stands; texts of closed value sets become enum values.

    Any: a record is JSON, and Strawberry's own signatures are wide.
    """

    @cached_property
    def key(self) -> str:
        """The JSON member: the GraphQL name, unless the declaration says otherwise."""
        return str(self.metadata.get("key") or to_camel_case(self.python_name))

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        value = record_of(source, self).get(self.key)
        read = self.reader
        if value is None or read is None:
            return value
        if self._is_list and isinstance(value, list):
            return [_slot(read, each) for each in value]
        return read(value)

    @property
    def needs(self) -> tuple[Path, ...]:
        return ((self.key,),)

    @cached_property
    def reader(self) -> Callable[[Any], Any] | None:
        """How one value is read; None where it is taken as it stands."""
        if has_object_definition(_named(self.type)):
            return partial(record_of, field=self)
        enum = _enum_of(self.type)
        return None if enum is None else _member_of(enum)

    @cached_property
    def _is_list(self) -> bool:
        declared = self.type
        return isinstance(
            declared.of_type if isinstance(declared, StrawberryOptional) else declared, StrawberryList
        )


class SourceSpecificField(RecordField):
    """A member of loans or requests that only one of the two interfaces which serve them sends.

    Whoever asks for records looks at the selection and asks the interface that sends what is selected. A
    record that came otherwise, and lacks the member because its interface drops it, is asked for by its id.
    """

    @property
    def is_basic_field(self) -> bool:
        return False

    @property
    def dropped_by_bff(self) -> bool:
        return bool(self.metadata["dropped_by"] == "bff")

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        record = record_of(source, self)
        sent_by_circulation = FROM_CIRCULATION in record
        if self.key in record or sent_by_circulation is self.dropped_by_bff or record.get("id") is None:
            return super().get_result(record, info, args, kwargs)
        return self._of_the_other(record["id"], info)

    async def _of_the_other(self, key: str, info: Any) -> Any:
        loaders = info.context.loaders.direct if self.dropped_by_bff else info.context.loaders.through_bff
        name = raw_info(info).parent_type.name.lower()  # loan or request, as their loaders are called
        record = await getattr(loaders, name).load(key)
        return None if record is None else super().get_result(record, info, [], {})


def _slot(read: Callable[[Any], Any], value: Any) -> Any:
    """One element of a list. What cannot be read is an error in its slot and costs no other element."""
    try:
        return None if value is None else read(value)
    except errors.UpstreamBadResponse as problem:
        return problem


def _member_of(enum: type[Enum]) -> Callable[[Any], Any]:
    """The reader of a closed value set: every value that a newer upstream may send is UNKNOWN.

    FOLIO itself is not sure about capitals: the enum of batch requests says `In progress` and the published
    example `In Progress`.
    """
    values = {_folded(each.value): each.value for each in enum}
    unknown = enum["UNKNOWN"].value

    def read(value: Any) -> Any:
        # What is neither text nor number is no value of any version, and fails where it is completed.
        return values.get(_folded(value), unknown) if type(value) in (str, int) else value

    return read


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


def field(
    description: str,
    *,
    key: str | None = None,
    dropped_by: Literal["bff", "circulation"] | None = None,
    deprecated: str | None = None,
) -> Any:
    """Declare a member of a record: what it means to a front-end developer, and its JSON key if it differs.

    `dropped_by` names the interface to loans and requests that does not send the member; the other does.
    Any: the annotation beside the declaration is the type.
    """
    kind = RecordField if dropped_by is None else SourceSpecificField
    return kind(
        description=description,
        metadata={
            name: value for name, value in (("key", key), ("dropped_by", dropped_by)) if value is not None
        },
        deprecation_reason=deprecated,
        default=None,
    )


class DerivedField(StrawberryField):
    """What follows from a record without asking anybody. Any: as above."""

    read: Callable[[Any], Any]

    def __copy__(self) -> DerivedField:
        made = super().__copy__()
        made.read = self.read
        return made

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        return self.read(record_of(source, self))


def derived(description: str, read: Callable[[Any], Any]) -> Any:
    """Declare what follows from a record. Any: the annotation beside the declaration is the type."""
    made = DerivedField(description=description, default=None)
    made.read = read
    return made


def record_of(source: Any, field: StrawberryField | None = None) -> Any:
    """The record behind a source: itself, or what the result of an act holds.

    Raises `UpstreamBadResponse`, naming the field that reads it, where something else stands in its place.
    """
    record = source if type(source) is dict else getattr(source, "record", None)
    if type(record) is not dict:
        name = "a field" if field is None else f"`{to_camel_case(field.python_name)}`"
        raise errors.UpstreamBadResponse(
            f"An upstream service sent something else where {name} has a record."
        )
    return record


def dig(record: Any, path: Path) -> Any:  # Any: JSON
    """The value at the end of the path, None where the path ends early."""
    for key in path:
        if type(record) is not dict:
            return None
        record = record.get(key)
    return record


def path_of(text: str) -> Path:
    return tuple(text.split("."))


def _enum_of(declared: object) -> type[Enum] | None:
    named = _named(declared)
    return cast(type[Enum], named.wrapped_cls) if isinstance(named, StrawberryEnumDefinition) else None


def _named(declared: object) -> object:
    while isinstance(declared, StrawberryOptional | StrawberryList):
        declared = declared.of_type
    return declared

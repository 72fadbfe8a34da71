"""Fields of records: a record is the JSON object that upstream sent, and a field says how to read it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cached_property
from typing import Any, cast

from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

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
        value = record_of(source).get(self.key)
        if value is None or self._enum is None:
            return value
        if isinstance(value, list):
            return [self._known(each) for each in value]
        return self._known(value)

    @property
    def needs(self) -> tuple[Path, ...]:
        return ((self.key,),)

    def _known(self, value: Any) -> Any:
        values, unknown = self._enum or ({}, None)
        return value if value in values else unknown

    @cached_property
    def _enum(self) -> tuple[frozenset[object], object] | None:
        """The texts of a closed value set and the one for every text that a newer upstream may send."""
        enum = _enum_of(self.type)
        return None if enum is None else (frozenset(each.value for each in enum), enum["UNKNOWN"].value)


def field(description: str, *, key: str | None = None, deprecated: str | None = None) -> Any:
    """Declare a member of a record: what it means to a front-end developer, and its JSON key if it differs.

    Any: the annotation beside the declaration is the type.
    """
    return RecordField(
        description=description,
        metadata={} if key is None else {"key": key},
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
        return self.read(record_of(source))


def derived(description: str, read: Callable[[Any], Any]) -> Any:
    """Declare what follows from a record. Any: the annotation beside the declaration is the type."""
    made = DerivedField(description=description, default=None)
    made.read = read
    return made


def record_of(source: Any) -> Any:
    """The record behind a source: itself, or what the result of an act holds."""
    return source if type(source) is dict else source.record


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
    while isinstance(declared, StrawberryOptional | StrawberryList):
        declared = declared.of_type
    return cast(type[Enum], declared.wrapped_cls) if isinstance(declared, StrawberryEnumDefinition) else None

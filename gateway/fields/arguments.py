"""Arguments checked before anything is sent: ids, pages, callers' CQL, and filters turned into CQL."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, TypeVar

import strawberry

from gateway import errors
from gateway.engine.core import StrawberryAnnotation, StrawberryArgument, to_camel_case
from gateway.fields.base import Declared
from gateway.upstream import cql

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_CONTROL_IN_PROSE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_CURSOR = re.compile(rb"offset:(\d{1,10})")
MAX_PROSE_LENGTH = 10_000  # characters; a comment is written by hand
UNKNOWN = "UNKNOWN"  # the member of an enum for values of a newer upstream
MAX_OFFSET = 2_147_483_647  # FOLIO's own limit (RAML of the storage modules)

Given = TypeVar("Given")


def argument(name: str, type_: object, description: str, **default: Any) -> StrawberryArgument:
    """Declare an argument of a field without a function, by its name. Any: values of all types."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation(type_),
        description=description,
        **default,
    )


def check_uuid(value: str, name: str) -> str:
    """Return the id in lower case. Raises `BadUserInput`, naming the argument, if it is not a UUID."""
    if not _UUID.fullmatch(value):
        raise errors.BadUserInput(f"`{name}` must be a UUID such as 7c9e6679-7425-40de-944b-e07fc1f90ae7.")
    return value.lower()


class Key(NamedTuple):
    """An argument that is a key of a record: `strawberry.ID` for a UUID or `str`, and its description."""

    type: type
    description: str


def key_arguments(keys: Mapping[str, Key]) -> list[StrawberryArgument]:
    """Declare keys of which exactly one is given, by their names. A single one is required."""
    return [
        argument(name, kind if len(keys) == 1 else kind | None, description)
        for name, (kind, description) in keys.items()
    ]


def given_key(given: Mapping[str, Any], keys: Mapping[str, Key]) -> tuple[str, str]:
    """Return the name and the value of the one key that is given. Raises `BadUserInput`."""
    name, key = exactly_one(**{name: given.get(name) for name in keys})
    return name, check_uuid(key, name) if keys[name].type is strawberry.ID else check_text(key, name)


def exactly_one(**given: Given | None) -> tuple[str, Given]:
    """Return the one argument with a value. Raises `BadUserInput` if there are none or several."""
    present = [(name, value) for name, value in given.items() if value is not None]
    if len(present) != 1:
        names = ", ".join(f"`{name}`" for name in given)
        raise errors.BadUserInput(f"Exactly one of {names} must be given; got {len(present)}.")
    return present[0]


def check_text(value: str, name: str) -> str:
    """Return a key such as a barcode. Raises `BadUserInput` if its length or a character is invalid."""
    if not value or len(value) > 500:
        raise errors.BadUserInput(f"`{name}` must have 1 to 500 characters; got {len(value)}.")
    if _CONTROL.search(value):
        raise errors.BadUserInput(f"`{name}` must not contain control characters.")
    return value


def check_prose(value: str, name: str) -> str:
    """Return a text with line breaks. Raises `BadUserInput` if it is too long or has control characters."""
    if len(value) > MAX_PROSE_LENGTH:
        raise errors.BadUserInput(
            f"`{name}` must have at most {MAX_PROSE_LENGTH} characters; got {len(value)}."
        )
    if _CONTROL_IN_PROSE.search(value):
        raise errors.BadUserInput(f"`{name}` must not contain control characters.")
    return value


def check_not_blank(value: str, name: str) -> None:
    """Check a text that upstream requires. Raises `BadUserInput` if it is blank."""
    if not value.strip():
        raise errors.BadUserInput(f"`{name}` must not be blank.")


def check_positive(value: Decimal, name: str) -> Decimal:
    """Return an amount. Raises `BadUserInput` if it is zero."""
    if value <= 0:
        raise errors.BadUserInput(f"`{name}` must be greater than 0; got {value}.")
    return value


def enum_value(value: Enum, name: str) -> str:
    """Return upstream's text of an enum member. Raises `BadUserInput` for UNKNOWN."""
    if value.value == UNKNOWN:
        raise errors.BadUserInput(f"`{name}` must not be UNKNOWN, which is a value of responses only.")
    return str(value.value)


def page_size(first: int | None) -> int:
    """Return `first`, by default 10; null is the default too. Raises `BadUserInput` below 0."""
    if first is not None and first < 0:
        raise errors.BadUserInput(f"`first` must not be less than 0; got {first}.")
    return 10 if first is None else first


def cursor(offset: int) -> str:
    """Return the opaque cursor of the record at an offset."""
    return base64.urlsafe_b64encode(b"offset:%d" % offset).decode()


def offset_after(after: str | None) -> int:
    """Return the offset of the page after a cursor. Raises `BadUserInput` for an invalid cursor."""
    if after is None:
        return 0
    try:
        place = _CURSOR.fullmatch(base64.b64decode(after.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError):
        place = None
    if place is None or int(place[1]) >= MAX_OFFSET:
        raise errors.BadUserInput("`after` must be a cursor of this list, such as `pageInfo.endCursor`.")
    return int(place[1]) + 1


def clause_of(filter: Any | None, caller: str | None) -> cql.Cql | None:  # Any: one of the filter inputs
    """Combine `filter` and `cql` into one clause. Raises `BadUserInput` before anything is sent."""
    try:
        written = None if caller is None else cql.caller_cql(caller)
        return cql.all_of(None if filter is None else _filter_clause(filter), written)
    except cql.CqlError as problem:
        raise errors.BadUserInput(f"`cql` or `filter` cannot be used: {problem}.") from None


def sort_keys(sort: Sequence[Any] | None) -> tuple[cql.SortKey, ...]:  # Any: one of the sort inputs
    """Return the sort keys of a sort argument, in order."""
    keys = []
    for each in sort or ():
        index, _, modifier = each.field.value.partition("/")
        descending = each.direction.value == "descending"
        keys.append(cql.SortKey(index, descending=descending, number=modifier == "number"))
    return tuple(keys)


Condition = Callable[[str, str, Any], cql.Cql | None]  # Any: the value of the filter's field


def condition(description: str, index: str, how: Condition) -> Declared:
    """Declare a field of a filter: the CQL index and how its value becomes a clause."""
    return strawberry.field(
        description=description, default=None, metadata={"condition": how, "index": index}
    )


def _filter_clause(filter: Any) -> cql.Cql | None:  # Any: one of the filter inputs
    clauses = []
    for declared in dataclasses.fields(filter):
        value = getattr(filter, declared.name)
        if value is not None:
            metadata = declared.metadata
            how: Condition = metadata["condition"]
            clauses.append(how(metadata["index"], to_camel_case(declared.name), value))
    return cql.all_of(*clauses)

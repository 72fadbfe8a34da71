"""Records as an operation reads them: msgspec Structs that hold only the selected members.

The members that an operation reads of a collection make a Struct, and the bytes of a page are decoded into
Structs. Members that it does not name are skipped by the parser and never become objects. Types are checked
by the decoder; a page that holds anything else is decoded into dictionaries instead.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from keyword import iskeyword
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec

from gateway import errors
from gateway.upstream.turns import Turn

Record: TypeAlias = dict[str, Any]
"""A JSON object as upstream sent it. `Any` because this is where JSON becomes a record."""

FROM_CIRCULATION = "circulation>"
"""Marks records of mod-circulation that are dictionaries: they have other members than the BFF's."""

INT = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
# An overflowing number is infinite in a dictionary, and no number in JSON.
FLOAT = Annotated[float, msgspec.Meta(ge=-1.7976931348623157e308, le=1.7976931348623157e308)]


# A number beyond a double, such as 1e999, is one bad field and no bad response: it is read as infinity.
_decode = msgspec.json.Decoder(float_hook=float).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode

LARGE_MEMBER = 100_000  # bytes of a list that is decoded in slices
ELEMENTS_AT_ONCE = 100


class ConflictingTypes(Exception):
    """One member of a record is read as two different types."""


MAX_DIGITS = 4300  # of an integer that Python converts (sys.int_info.default_max_str_digits)
MAX_NESTING = 100  # levels of arrays and objects; FOLIO's records have below 20

# Values that cost themselves alone: halves of surrogate pairs, numbers that JSON does not have, and integers
# that Python does not convert. Each is looked for once at each place.
_INVALID_VALUE = re.compile(
    rb"\\u[dD][89a-fA-F]|[:,\[\s-](?:NaN|Infinity)\b|(?<!\d)\d{%d}" % (MAX_DIGITS + 1)
)

INVALID = "invalid>"  # the member with the error, in the place of an element of a page that is no object


def decode_json(body: bytes) -> object:
    """Return the JSON in `body`, regardless of its Content-Type; None if it is not JSON or too deep.

    How deep JSON may be nested for the decoder and the encoder depends on the version of Python and on the
    calls that lead to them. With more than `MAX_NESTING` levels it is not used at all.

    In the place of a text that is not Unicode, with a lone surrogate or with bytes that are not UTF-8, and of
    a number such as `NaN`, is an error: such a value costs itself alone. An overflowing number is infinite.
    """
    value = _decode_of_any_depth(body)
    may_be_deep = body.count(b"{") + body.count(b"[") > MAX_NESTING
    return None if may_be_deep and is_too_deep(value) else value


def invalid_value_in(value: object) -> errors.UpstreamBadResponse | None:
    """Return the error for a value in decoded JSON that JSON cannot have; None if there is none.

    Such values are the errors in the place of what upstream sent wrongly, and overflowing numbers, which
    would be encoded as null.
    """
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, errors.UpstreamBadResponse):
            return part
        if isinstance(part, float) and not math.isfinite(part):
            return errors.UpstreamBadResponse("An upstream service sent a number that is too large.")
        if isinstance(part, dict | list):
            pending += part.values() if isinstance(part, dict) else part
    return None


async def decode_large_object(body: bytes) -> Record | None:
    """Return the same as `decode_object`, for a body that takes more than one turn of the event loop."""
    try:
        return await _decode_in_slices(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        async with Turn():
            value = _decode_of_any_depth(body)
        async with Turn():
            return value if isinstance(value, dict) and not is_too_deep(value) else None


async def _decode_in_slices(body: bytes) -> Record:
    """Decode an object with a long list in it. Raises an error if the body is anything else, or too deep."""
    async with Turn():
        members = _decode_members(body)
    record: Record = {}
    for name, member in members.items():
        if len(memoryview(member)) > LARGE_MEMBER:
            record[name] = await _decode_list_in_slices(member)
        else:
            record[name] = _decode_part(member)
    return record


async def _decode_list_in_slices(member: msgspec.Raw) -> list[Any]:  # Any: JSON
    async with Turn():
        elements = _decode_elements(member)
    values: list[Any] = []
    while len(values) < len(elements):
        async with Turn() as turn:
            while len(values) < len(elements) and turn.has_time:
                some = elements[len(values) : len(values) + ELEMENTS_AT_ONCE]
                values += _decode_part(b"[" + b",".join(some) + b"]")
    return values


def _decode_part(member: bytes | msgspec.Raw) -> Any:  # Any: JSON
    """Decode a member of an object, or a part of it. Raises `RecursionError` if it is too deep."""
    value = _decode(member)
    if is_too_deep([value]):
        raise RecursionError
    return value


def _decode_of_any_depth(body: bytes) -> object:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # either for bytes that are no text
        return _decode_invalid_values(body) if _INVALID_VALUE.search(body) or not _is_utf_8(body) else None


def _is_utf_8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


_CONTAINERS = frozenset({dict, list})


def is_too_deep(value: object) -> bool:
    """Return True if a JSON value has more than `MAX_NESTING` levels of arrays and objects."""
    level: list[Any] = [[value]]  # Any: containers of JSON
    for _ in range(MAX_NESTING + 1):
        below: list[Any] = []
        for part in level:
            values = part.values() if type(part) is dict else part
            if not _CONTAINERS.isdisjoint(map(type, values)):  # most objects hold none
                below += [each for each in values if type(each) in _CONTAINERS]
        if not below:
            return False
        level = below
    return True


def _decode_invalid_values(body: bytes) -> object:
    try:
        value = json.loads(
            body.decode("utf-8", "surrogateescape"), parse_constant=_no_number, parse_int=_long_number
        )
    except (ValueError, RecursionError):
        return None
    if type(value) not in _CONTAINERS:
        return None
    root = [value]
    pending: list[Any] = [root]
    while pending:
        part = pending.pop()
        for key, each in [*part.items()] if type(part) is dict else enumerate(part):
            if type(each) in (dict, list):
                pending.append(each)
            elif type(each) is str and not _is_unicode(each):
                part[key] = errors.UpstreamBadResponse("An upstream service sent a text that is not Unicode.")
            if type(key) is str and not _is_unicode(key):
                part[key.encode("utf-8", "replace").decode()] = part.pop(key)
    return root[0]


def _no_number(constant: str) -> errors.UpstreamBadResponse:
    return errors.UpstreamBadResponse("An upstream service sent a number that JSON does not have.")


def _long_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def decode_object(body: bytes) -> Record | None:
    """Return the JSON object in `body`; None if there is anything else."""
    value = decode_json(body)
    return value if isinstance(value, dict) else None


def rows_of(value: object) -> list[Record] | None:
    """Return the records of a page; None if it is no list.

    In the place of an element that is no object is one whose member `INVALID` is the error for it.
    """
    if not isinstance(value, list):
        return None
    if not all(type(each) is dict for each in value):
        error = errors.UpstreamBadResponse(
            "An upstream service sent something else where a list has a record."
        )
        return [each if type(each) is dict else {INVALID: error} for each in value]
    return value


def mark_from_circulation(records: list[Record]) -> list[Record]:
    """Mark records that are dictionaries as those of mod-circulation, and return them."""
    for record in records:
        record[FROM_CIRCULATION] = True
    return records


def record_or_error(record: Any) -> Any:  # Any: a record, or a Struct of members of one
    """Return an element of a page, and the error for one that is no object."""
    return record.get(INVALID, record) if type(record) is dict else record


def find_invalid(records: Iterable[Any]) -> errors.GatewayError | None:  # Any: as above
    """Return the error for an element of a page that is no object, None if all are objects."""
    return next((each[INVALID] for each in records if type(each) is dict and INVALID in each), None)


def records_of(value: object) -> list[Record] | None:
    """Return a value that is a list of JSON objects; None if it is anything else."""
    if isinstance(value, list) and all(type(each) is dict for each in value):
        return value
    return None


@lru_cache(maxsize=4096)
def attribute_of(member: str) -> str:
    """Return the Struct attribute for a JSON member. No dictionary has it, so that these are noticed."""
    if member.isidentifier() and not iskeyword(member) and member[0] != "_" and not hasattr(dict, member):
        return member
    return "member_" + re.sub(r"\W", "_", member)


class Decoded(msgspec.Struct, gc=False):
    """A record as far as an operation reads it. A member that upstream left out is None."""

    is_from_circulation: ClassVar[bool] = False

    def get(self, name: str, default: Any = None) -> Any:  # Any: JSON
        """Return a member by its JSON name, the default if it is absent or not read."""
        value = getattr(self, attribute_of(name), msgspec.UNSET)
        return default if value is msgspec.UNSET else value

    def has(self, name: str) -> bool:
        """Return True unless the member is one whose absence matters, and absent."""
        return getattr(self, attribute_of(name), None) is not msgspec.UNSET


class DecodedFromCirculation(Decoded, gc=False):
    """A loan or a request that circulation itself sent, not the BFF."""

    is_from_circulation: ClassVar[bool] = True


def dig(record: Any, path: Iterable[str]) -> Any:  # Any: JSON
    """Return the value at the end of the path, None if the path ends early."""
    for key in path:
        if type(record) is not dict and not isinstance(record, Decoded):
            return None
        record = record.get(key)
    return record


@dataclass(frozen=True, slots=True)
class ListOf:
    """A member that is a list; `nullable` if its elements may be null."""

    of: Member
    nullable: bool


@dataclass(slots=True, eq=False)
class Members:
    """The members that are read of an object. Each reader adds its own.

    `from_circulation` is True if circulation itself sends the object, and None if only each object shows it,
    which was a dictionary before.
    """

    of: dict[str, Member] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    unset: set[str] = field(default_factory=set)  # members that are UNSET when absent
    from_circulation: bool | None = None

    def leaf(self, name: str, kind: Any, *, required: bool = False) -> None:  # Any: a type for msgspec
        """Read a leaf. Raises `ConflictingTypes` if it is read as another type already."""
        if self.of.setdefault(name, kind) != kind:
            raise ConflictingTypes(name)
        if required:
            self.required.add(name)

    def object(self, name: str) -> Members:
        """Read an object, and return its members. Raises `ConflictingTypes`."""
        member = self.of.setdefault(name, Members())
        if not isinstance(member, Members):
            raise ConflictingTypes(name)
        return member

    def list(self, name: str, of: Member, *, nullable: bool) -> ListOf:
        """Read a list, of objects if `of` is `Members`. Raises `ConflictingTypes`."""
        member = self.of.setdefault(name, ListOf(of, nullable))
        if not isinstance(member, ListOf):
            raise ConflictingTypes(name)
        if member.nullable is not nullable or not (
            (isinstance(member.of, Members) and isinstance(of, Members)) or member.of == of
        ):
            raise ConflictingTypes(name)
        return member

    def path(self, path: tuple[str, ...], leaf: Any) -> None:  # Any: as above
        """Read the leaf at the end of a path."""
        here = self
        for name in path[:-1]:
            here = here.object(name)
        here.leaf(path[-1], leaf)

    def struct(self, base: type[Decoded] = Decoded) -> type[Decoded]:
        """Return the Struct type with these members, those of objects below included."""
        names = {name: attribute_of(name) for name in self.of}
        struct: Any = msgspec.defstruct(
            "Record",
            [self._field(name, member) for name, member in self.of.items()],
            bases=(base,),
            rename={attribute: name for name, attribute in names.items()},
            kw_only=True,
            gc=False,
        )
        return struct  # type: ignore[no-any-return]

    def _field(self, name: str, member: Member) -> Any:
        kind, attribute = _type(member), attribute_of(name)
        if name in self.unset:
            return attribute, kind | None | msgspec.UnsetType, msgspec.UNSET
        return (attribute, kind) if name in self.required else (attribute, kind | None, None)


Member: TypeAlias = Members | ListOf | Any  # Any: a type that msgspec decodes


def _type(member: Member) -> Any:
    if isinstance(member, Members):
        return member.struct()
    if isinstance(member, ListOf):
        item = _type(member.of)
        return list[item | None] if member.nullable else list[item]  # type: ignore[valid-type]  # run-time types
    return member

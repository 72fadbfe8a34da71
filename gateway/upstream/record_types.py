"""What is read of records, when it is known before they are asked: only that is decoded.

The members that an operation reads make a msgspec Struct, and the bytes of a page are decoded into it. What
it does not name is skipped by the parser and never becomes an object. Types are checked on the way: a page
with anything else in it is read the ordinary way, into dictionaries, and whoever expected Structs sees that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Annotated, Any, TypeAlias

import msgspec

from gateway.upstream.collection import Collection, Page

INT = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class NotShaped(Exception):
    """What is read of a record cannot be told as one Struct."""


class Decoded(msgspec.Struct, gc=False):
    """A record as far as an operation reads it. A member that upstream left out is None."""

    def get(self, name: str) -> Any:  # Any: JSON
        """A member by its JSON name. Raises `AttributeError` for one that is not read."""
        return getattr(self, name)


@dataclass(frozen=True, slots=True)
class ListOf:
    of: Member
    nullable: bool


@dataclass(slots=True, eq=False)
class Members:
    """The members that are read of an object, more with each who reads it."""

    of: dict[str, Member] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)

    def read(self, name: str, member: Member, *, required: bool = False) -> Member:
        """Add a member, or find it as it is. Raises `NotShaped` where others read it as something else."""
        # What a dictionary has as well could be read of a record that is one.
        if not name.isidentifier() or iskeyword(name) or name.startswith("_") or hasattr(dict, name):
            raise NotShaped(name)
        if required:
            self.required.add(name)
        known = self.of.setdefault(name, member)
        if not _same(known, member):
            raise NotShaped(name)
        return known

    def object(self, name: str) -> Members:
        """The members of an object that is a member."""
        found = self.read(name, self.of.get(name) or Members())
        if not isinstance(found, Members):
            raise NotShaped(name)
        return found

    def path(self, path: tuple[str, ...], leaf: Any) -> None:  # Any: a type that msgspec decodes
        """Read what stands at the end of a path."""
        here = self
        for name in path[:-1]:
            here = here.object(name)
        here.read(path[-1], leaf)

    def struct(self) -> type[Decoded]:
        """The Struct with these members, those below included."""
        fields = [
            (name, _type(member)) if name in self.required else (name, _type(member) | None, None)
            for name, member in self.of.items()
        ]
        made: Any = msgspec.defstruct("Record", fields, bases=(Decoded,), kw_only=True, gc=False)
        return made  # type: ignore[no-any-return]


Member: TypeAlias = Members | ListOf | Any  # Any: a type that msgspec decodes


def _same(known: Member, other: Member) -> bool:
    if isinstance(known, ListOf):
        return isinstance(other, ListOf) and known.nullable == other.nullable and _same(known.of, other.of)
    return known is other or known == other


def _type(member: Member) -> Any:
    if isinstance(member, Members):
        return member.struct()
    if isinstance(member, ListOf):
        each = _type(member.of)
        item: Any = each | None if member.nullable else each
        return list[item]
    return member


class Shape:
    """How the pages of one collection are decoded for one operation."""

    def __init__(self, ask: Collection, members: Members) -> None:
        record: Any = members.struct()
        page = msgspec.defstruct(
            "Page",
            [("records", list[record]), ("totalRecords", Any, None)],
            rename={"records": ask.key},
            gc=False,
        )
        self._decode = msgspec.json.Decoder(page).decode
        self._mark = ask.mark

    async def page(
        self, ask: Collection, query: str | None, *, limit: int, offset: int = 0, total: bool = False
    ) -> Page:
        """Ask for a page; raises as the collection itself does."""
        body = await ask.undecoded(query, limit=limit, offset=offset, total=total)
        try:
            found: Any = self._decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return ask.page(body, total=total)
        told = found.totalRecords if total else None
        return Page(found.records, told if type(told) is int else None)

    def record(self, value: Any) -> Any:
        """The record as a dictionary: all of it that was decoded, as upstream named it."""
        if not isinstance(value, Decoded):
            return value
        record = msgspec.to_builtins(value)
        if self._mark is not None:
            record[self._mark] = True
        return record

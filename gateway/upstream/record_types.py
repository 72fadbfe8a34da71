"""Types for the records that an operation reads: only the members that it reads are decoded.

The members that an operation reads form a msgspec Struct, into which the bytes of a page are decoded. The
parser skips all others and never creates an object for them. Types are checked on the way: a page with any
other type in it is decoded into dictionaries, which the reader must accept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Annotated, Any, TypeAlias

import msgspec

Record: TypeAlias = dict[str, Any]
"""A JSON object as upstream sent it. `Any` because this is where JSON becomes a record."""

INT = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class NotShaped(Exception):
    """The members that are read of a record do not fit into one Struct."""


class Decoded(msgspec.Struct, gc=False):
    """The members of a record that an operation reads. A member that upstream omitted is None."""

    def get(self, name: str) -> Any:  # Any: JSON
        """Return a member by its JSON name. Raises `AttributeError` for one that is not read."""
        return getattr(self, name)


@dataclass(frozen=True, slots=True)
class ListOf:
    of: Member
    nullable: bool


@dataclass(slots=True, eq=False)
class Members:
    """The members that are read of an object; each reader adds its own."""

    of: dict[str, Member] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)

    def read(self, name: str, member: Member, *, required: bool = False) -> Member:
        """Add a member, or return the one of this name. Raises `NotShaped` if it is read as another type."""
        # On a record that is a dictionary, a name of its methods would return the method.
        if not name.isidentifier() or iskeyword(name) or name.startswith("_") or hasattr(dict, name):
            raise NotShaped(name)
        if required:
            self.required.add(name)
        existing = self.of.setdefault(name, member)
        if not _is_same(existing, member):
            raise NotShaped(name)
        return existing

    def object(self, name: str) -> Members:
        """Return the members of an object that is a member."""
        members = self.read(name, self.of.get(name) or Members())
        if not isinstance(members, Members):
            raise NotShaped(name)
        return members

    def path(self, path: tuple[str, ...], leaf: Any) -> None:  # Any: a type that msgspec decodes
        """Read the member at the end of a path."""
        members = self
        for name in path[:-1]:
            members = members.object(name)
        members.read(path[-1], leaf)

    def struct(self) -> type[Decoded]:
        """Create the Struct with these members, nested ones included."""
        fields = [
            (name, _type(member)) if name in self.required else (name, _type(member) | None, None)
            for name, member in self.of.items()
        ]
        struct: Any = msgspec.defstruct("Record", fields, bases=(Decoded,), kw_only=True, gc=False)
        return struct  # type: ignore[no-any-return]


Member: TypeAlias = Members | ListOf | Any  # Any: a type that msgspec decodes


def _is_same(one: Member, other: Member) -> bool:
    if isinstance(one, ListOf):
        return isinstance(other, ListOf) and one.nullable == other.nullable and _is_same(one.of, other.of)
    return one is other or one == other


def _type(member: Member) -> Any:
    if isinstance(member, Members):
        return member.struct()
    if isinstance(member, ListOf):
        element = _type(member.of)
        item: Any = element | None if member.nullable else element
        return list[item]
    return member

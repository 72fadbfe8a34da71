"""What a parent carries of the target of a link, made into a record without asking anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any

import msgspec

from gateway.engine.plans.plan import Json
from gateway.fields.link import THROUGH
from gateway.fields.record import Path
from gateway.upstream.record_types import Decoded, ListOf, Members, NotShaped


class _Reading:
    """A generated function `carried(s)` as it grows: objects of the parent that it reads are found once."""

    def __init__(self, *, decoded: bool) -> None:
        self.lines = ["def carried(s):"]
        self._decoded = decoded
        self._holders: dict[Path, str] = {(): "s"}

    def holder(self, path: Path) -> str:
        """The variable of the object at a path of the parent; it is None where there is none."""
        if path not in self._holders:
            read = self.member(path)
            name = self._holders[path] = f"h{len(self._holders)}"
            self.lines.append(f" {name} = {read}")
            if not self._decoded:
                self.lines.append(f" if type({name}) is not dict: {name} = None")
        return self._holders[path]

    def member(self, path: Path) -> str:
        """The expression for what stands at a path of the parent."""
        above = self.holder(path[:-1])
        read = f"{above}.{path[-1]}" if self._decoded else f"{above}.get({path[-1]!r})"
        return read if above == "s" else f"None if {above} is None else {read}"

    def demand(self, origins: Iterable[Path]) -> None:
        """Let the function answer None where the parent has not the objects that these stand in."""
        for path in dict.fromkeys(origin[:-1] for origin in origins):
            if path:
                self.lines.append(f" if {self.holder(path)} is None: return None")

    def compiled(self, names: dict[str, Any]) -> Callable[[Json], Json]:
        # As in projections: keys of the schema, attributes of Structs or as `repr`.
        exec(compile("\n".join(self.lines), "<carried>", "exec"), names)  # noqa: S102
        made: Callable[[Json], Json] = names["carried"]
        return made


def carried_by(paths: Mapping[Path, Path], needed: list[Path], *, decoded: bool) -> Callable[[Json], Json]:
    """A function that makes a target from what its parent knows: as `Link.partial`, where it may be made.

    It answers None where the parent does not carry the objects that the needed members would stand in. The
    target is a dictionary; the parent is one, or a Struct.
    """
    reading = _Reading(decoded=decoded)
    reading.demand(paths[each] for each in needed)
    lines = reading.lines
    lines.append(" made = {}")
    for target, origin in paths.items():
        read = reading.member(origin)
        lines.append(f" v = {read}")
        test = "v is not None"
        if target[0].endswith(THROUGH) and len(origin) > 1:
            test += f" or {reading.holder(origin[:-1])} is not None"
        elif target[0].endswith(THROUGH):
            test = "True"
        lines.append(f" if {test}:")
        if len(target) == 1:
            lines.append(f"  made[{target[0]!r}] = v")
            continue
        here = "made"
        for step in target[:-1]:
            here += f".setdefault({step!r}, {{}})"
        lines.append(f"  {here}[{target[-1]!r}] = v")
    lines.append(" return made")
    return reading.compiled({})


def struct_carried_by(
    paths: Mapping[Path, Path], needed: list[Path], members: Members
) -> Callable[[Json], Json]:
    """The same from a Struct into a Struct, which has just these members and in their order.

    Raises `NotShaped` where the members are not leaves, of the target or of objects in it, that the parent
    knows all of; and where one must not be null but for the id, of which the caller has seen that it is not.
    """
    if not members.required <= {"id"}:
        raise NotShaped("a member that must be there")
    reading = _Reading(decoded=True)
    reading.demand(paths[each] for each in needed)
    numbers = count()
    names: dict[str, Any] = {}

    def value(target: Path) -> str:
        if target not in paths:
            raise NotShaped(target[-1])
        read, name = reading.member(paths[target]), f"v{next(numbers)}"
        reading.lines.append(f" {name} = {read}")
        return name

    def made(of: Members, values: list[str]) -> str:
        kind = f"K{len(names)}"
        fields: list[tuple[str, Any]] = [(name, Any) for name in of.of]
        names[kind] = msgspec.defstruct("Record", fields, bases=(Decoded,), gc=False)
        return f"{kind}({', '.join(values)})"

    values: list[str] = []
    for name, member in members.of.items():
        if isinstance(member, ListOf):
            raise NotShaped(name)
        if not isinstance(member, Members):
            values.append(value((name,)))
            continue
        if member.required or not member.of:
            raise NotShaped(name)
        if any(isinstance(each, Members | ListOf) for each in member.of.values()):
            raise NotShaped(name)
        inner = made(member, [value((name, each)) for each in member.of])
        some = " or ".join(f"{value(each)} is not None" for each in paths if each[0] == name)
        values.append(f"{inner} if {some} else None")
    reading.lines.append(f" return {made(members, values)}")
    return reading.compiled(names)

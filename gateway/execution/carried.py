"""What a parent carries of the target of a link, made into a record without asking anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import msgspec

from gateway.execution.plan import Json
from gateway.schema.link import THROUGH
from gateway.schema.record import Path
from gateway.upstream.shape import Decoded, ListOf, Members, NotShaped


def carried_by(
    paths: Mapping[Path, Path], needed: list[Path], *, decoded: bool
) -> Callable[[Json], Json]:
    """A function that makes a target from what its parent knows: as `Link.partial`, where it may be made.

    It answers None where the parent does not carry the objects that the needed members would stand in. The
    target is a dictionary; the parent is one, or a Struct.
    """
    lines = ["def carried(s):"]
    objects: dict[Path, str] = {(): "s"}

    def read(holder: str, name: str) -> str:
        if not decoded:
            return f"{holder}.get({name!r})"
        return f"{holder}.{name}" if holder == "s" else f"None if {holder} is NONE else {holder}.{name}"

    def holder(path: Path) -> str:
        if path not in objects:
            above = holder(path[:-1])
            name = objects[path] = f"h{len(objects)}"
            lines.append(f" {name} = {read(above, path[-1])}")
            lines.append(f" if {name} is None: {name} = NONE" if decoded else
                         f" if type({name}) is not dict: {name} = NONE")  # fmt: skip
        return objects[path]

    for path in dict.fromkeys(paths[each][:-1] for each in needed):
        if path:
            lines.append(f" if {holder(path)} is NONE: return None")
    lines.append(" made = {}")
    for target, origin in paths.items():
        where = holder(origin[:-1])
        lines.append(f" v = {read(where, origin[-1])}")
        test = "v is not None"
        if target[0].endswith(THROUGH) and len(origin) > 1:
            test += f" or {where} is not NONE"
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
    names: dict[str, Any] = {"NONE": {}}
    # As above: keys of the schema, as `repr`.
    exec(compile("\n".join(lines), "<carried>", "exec"), names)  # noqa: S102
    made: Callable[[Json], Json] = names["carried"]
    return made


def struct_carried_by(
    paths: Mapping[Path, Path], needed: list[Path], members: Members
) -> Callable[[Json], Json]:
    """The same from a Struct into a Struct, which has just these members and in their order.

    Raises `NotShaped` where the members are not leaves, of the target or of objects in it, that the parent
    knows all of; and where one must not be null but for the id, of which the caller has seen that it is not.
    """
    if not members.required <= {"id"}:
        raise NotShaped("a member that must be there")
    lines = ["def carried(s):"]
    holders: dict[Path, str] = {(): "s"}
    numbers = count()
    names: dict[str, Any] = {}

    def holder(path: Path) -> str:
        if path not in holders:
            above = holder(path[:-1])
            holders[path] = f"h{len(holders)}"
            lines.append(f" {holders[path]} = {member_of(above, path[-1])}")
        return holders[path]

    def member_of(above: str, name: str) -> str:
        return f"s.{name}" if above == "s" else f"None if {above} is None else {above}.{name}"

    def value(target: Path) -> str:
        if target not in paths:
            raise NotShaped(target[-1])
        origin = paths[target]
        above, name = holder(origin[:-1]), f"v{next(numbers)}"
        lines.append(f" {name} = {member_of(above, origin[-1])}")
        return name

    def made(of: Members, values: list[str]) -> str:
        kind = f"K{len(names)}"
        fields: list[tuple[str, Any]] = [(name, Any) for name in of.of]
        names[kind] = msgspec.defstruct("Record", fields, bases=(Decoded,), gc=False)
        return f"{kind}({', '.join(values)})"

    for path in dict.fromkeys(paths[each][:-1] for each in needed):
        if path:
            lines.append(f" if {holder(path)} is None: return None")
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
    lines.append(f" return {made(members, values)}")
    # As above.
    exec(compile("\n".join(lines), "<carried>", "exec"), names)  # noqa: S102
    function: Callable[[Json], Json] = names["carried"]
    return function

"""What a parent carries of the target of a link, made into a record without asking anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, get_nullable_type, is_leaf_type

from gateway.execution.leaves import decoded_type
from gateway.execution.plan import Json
from gateway.schema.link import THROUGH
from gateway.schema.record import Path, RecordField

_DEFINITION = "strawberry-definition"


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


def leaf_at(kind: GraphQLObjectType, path: Path) -> Any:
    """How the member at a path of a type is decoded. Any: a type that msgspec decodes."""
    for number, step in enumerate(path):
        linked = step.endswith(THROUGH)
        found = kind.fields.get(step.removesuffix(THROUGH)) if linked else _reading(kind, step)
        if found is None:
            return str  # the key of a link
        inner = get_nullable_type(found.type)
        if number == len(path) - 1:
            return decoded_type(inner) if is_leaf_type(inner) else Any
        if not isinstance(inner, GraphQLObjectType):
            return Any
        kind = inner
    return str


def _reading(kind: GraphQLObjectType, member: str) -> GraphQLField | None:
    """The field that reads a member of a record."""
    for each in kind.fields.values():
        definition = each.extensions[_DEFINITION]
        if isinstance(definition, RecordField) and definition.key == member:
            found: GraphQLField = each
            return found
    return None

"""Leaves: how a value of a scalar or an enum is known to be one, and what it becomes in the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
)

from gateway.engine.plans.plan import Anomaly, Json
from gateway.fields.link import THROUGH
from gateway.fields.record import Path, RecordField
from gateway.fields.scalars import from_upstream
from gateway.upstream.record_types import INT

_DEFINITION = "strawberry-definition"

TESTS = {  # what a value of a scalar certainly is, so that it is taken as it stands
    "String": "type({v}) is str",
    "ID": "type({v}) is str",
    "Boolean": "{v} is True or {v} is False",
    "Int": "type({v}) is int and -2147483648 <= {v} <= 2147483647",
    "Float": "type({v}) is float and -INF < {v} < INF",
}
DECODED: Mapping[str, Any] = {"String": str, "ID": str, "Boolean": bool, "Int": INT, "Float": float}


class EnumNames(dict[Any, Any]):
    """Names of a closed value set by what upstream sends; other spellings are looked up as they come."""

    def __init__(self, leaf: GraphQLEnumType, reader: Callable[[Any], Any] | None) -> None:
        self._read = reader
        self._coerce = coerced_by(leaf)
        known = (member.value for member in leaf.values.values())
        for value in (getattr(each, "value", each) for each in known):
            if type(value) is str:
                try:
                    self[value] = self.__missing__(value)
                except Anomaly:
                    continue

    def __missing__(self, value: Any) -> Any:
        try:
            read = value if self._read is None else self._read(value)
        except Exception as problem:
            raise Anomaly from problem
        return self._coerce(read)


class EnumObjects(dict[Any, Any]):
    """Objects of nothing but such a name, `{ name: OPEN }`, one for all records that have the same."""

    def __init__(self, names: EnumNames, kind: Callable[[Any], Any]) -> None:
        super().__init__((value, kind(name)) for value, name in names.items())
        self._names = names
        self._kind = kind

    def __missing__(self, value: Any) -> Any:
        return self._kind(self._names[value])


def decoded_type(leaf: GraphQLLeafType) -> Any:
    """What a leaf is decoded as. Any: a type that msgspec decodes."""
    if leaf.name == "JSON":
        return Any
    return DECODED.get(leaf.name, str)


def moment(value: str | None) -> str | None:
    """A `DateTime` that was decoded as text. Raises `GraphQLError`."""
    return None if value is None else from_upstream(value)


def nullable(coerce: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """The same, but null stays null."""
    return lambda value: None if value is None else coerce(value)


def coerced_by(leaf: GraphQLLeafType) -> Callable[[Json], Json]:
    """The function that completes a leaf."""
    coerce = leaf.coerce_output_value

    def coerced(value: Json) -> Json:
        """As graphql-core completes a leaf, but whatever it would refuse is an anomaly."""
        if value is None:
            raise Anomaly
        made = coerce(value)
        if made is None or made is Undefined:
            raise Anomaly
        return made

    return coerced


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

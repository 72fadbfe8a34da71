"""Leaves: the tests for values of scalars and enums, and their conversion for the response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import FieldNode, GraphQLEnumType, GraphQLError, GraphQLLeafType, Undefined

from gateway.engine.plans.plan import Execution, Json, UnexpectedValue
from gateway.errors import UpstreamBadResponse
from gateway.fields.base import Reader
from gateway.fields.link import NO_ID, are_ids
from gateway.fields.scalars import all_from_upstream, from_upstream
from gateway.upstream.record_types import FLOAT, INT

_DECODED: Mapping[str, Any] = {
    "String": str,
    "ID": str,
    "Boolean": bool,
    "Int": INT,
    "Float": FLOAT,
    "JSON": Any,
}
AS_DECODED = _DECODED.keys() - {"JSON"}  # which may be nested too deeply


class EnumNames(dict[Any, Any]):
    """Names of a closed value set by upstream's values; other spellings are added as they come."""

    def __init__(self, leaf: GraphQLEnumType, reader: Reader | None) -> None:
        self._read = reader
        self._coerce = coercion_of(leaf)
        members = (member.value for member in leaf.values.values())
        for value in (getattr(each, "value", each) for each in members):
            if type(value) is str:
                try:
                    self[value] = self.__missing__(value)
                except UnexpectedValue:
                    continue

    def __missing__(self, value: Json) -> Json:
        try:
            read = value if self._read is None else self._read(value)
        except Exception as error:
            raise UnexpectedValue from error
        return self._coerce(read)


class EnumObjects(dict[Any, Any]):
    """Objects of nothing but such a name, `{ name: OPEN }`, one for all records that have the same."""

    def __init__(self, names: EnumNames, kind: Reader) -> None:
        super().__init__((value, kind(name)) for value, name in names.items())
        self._names = names
        self._kind = kind

    def __missing__(self, value: Json) -> Json:
        return self._kind(self._names[value])


def decoded_type(leaf: GraphQLLeafType) -> Any:
    """Return the type that a leaf is decoded as. Any: a type that msgspec decodes."""
    return _DECODED.get(leaf.name, str)


def nullable(coerce: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """Return the same function with null for null."""
    return lambda value: None if value is None else coerce(value)


def coercion_of(leaf: GraphQLLeafType) -> Callable[[Json], Json]:
    """Return a function that completes a leaf as graphql-core does. It raises `UnexpectedValue` for null."""
    coerce = leaf.coerce_output_value

    def coerced(value: Json) -> Json:
        if value is None:
            raise UnexpectedValue
        result = coerce(value)
        if result is None or result is Undefined:
            raise UnexpectedValue
        return result

    return coerced


def convert_date(value: str | None, execution: Execution, nodes: Sequence[FieldNode]) -> Json:
    """Return a DateTime of the response; a failure of the execution if there is no such date."""
    if value is None:
        return None
    try:
        return from_upstream(value)
    except GraphQLError:
        return execution.fail(_bad_leaf(nodes), nodes)


def convert_dates(values: list[str | None], execution: Execution, nodes: Sequence[FieldNode]) -> list[Json]:
    """Return the same for many at once."""

    return all_from_upstream(values, lambda _: execution.fail(_bad_leaf(nodes), nodes))


def _bad_leaf(nodes: Sequence[FieldNode]) -> UpstreamBadResponse:
    name = (nodes[0].alias or nodes[0].name).value
    return UpstreamBadResponse(f"An upstream service sent a value of another type for {name}.")


def check_id(value: str | None) -> str | None:
    """Return an id in lower case, None for no id. Raises `UnexpectedValue` for text that cannot be an id."""
    if value is None or value in NO_ID:
        return None
    if not are_ids([value]):
        raise UnexpectedValue
    return value.lower()


def check_ids(values: list[str | None]) -> list[str | None]:
    """Return the same for many ids at once."""
    if all(values) and "0" not in values:
        ids = values
    else:
        ids = [None if value in NO_ID else value for value in values]
    present = [value for value in ids if value is not None]
    if not are_ids(present):
        raise UnexpectedValue
    return ids if "".join(present).islower() else [value and value.lower() for value in ids]

"""Leaves: the tests for values of scalars and enums, and their conversion for the response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import FieldNode, GraphQLEnumType, GraphQLError, GraphQLLeafType, Undefined

from gateway.engine.plans.plan import Execution, Failure, Json, UnexpectedValue
from gateway.errors import UpstreamBadResponse
from gateway.fields.base import Reader
from gateway.fields.link import NO_ID, are_ids, are_uuids
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
MAX_SPELLINGS = 64  # of the members of one enum
AS_DECODED = _DECODED.keys() - {"JSON"}  # which may be nested too deeply


def decoded_type(leaf: GraphQLLeafType) -> Any:
    """Return the type that a leaf is decoded as. Any: a type that msgspec decodes."""
    return _DECODED.get(leaf.name, str)


def completion_of(leaf: GraphQLLeafType, reader: Reader | None, *, is_decoded: bool) -> Reader:
    """Return a function that completes a leaf as graphql-core does, and raises if there would be an error.

    `reader` is that of the field of an enum. The names of its members, in all their spellings, are kept for
    values that were decoded as text.
    """
    is_enum = isinstance(leaf, GraphQLEnumType)

    def complete(value: Json) -> Json:
        if value is None:
            return None
        if isinstance(value, Exception):  # which graphql-core raises, and which text could be made of
            raise UnexpectedValue
        result = leaf.coerce_output_value(value if reader is None or not is_enum else reader(value))
        if result is None or result is Undefined:
            raise UnexpectedValue
        return result

    return _Names(complete).__getitem__ if is_enum and is_decoded else complete


class _Names(dict[Json, Json]):
    """The names of an enum's members by their spellings, kept as they occur."""

    def __init__(self, complete: Reader) -> None:
        self.complete = complete

    def __missing__(self, value: Json) -> Json:
        name = self.complete(value)
        if len(self) < MAX_SPELLINGS:
            self[value] = name
        return name


def convert_dates(values: list[str | None], execution: Execution, nodes: Sequence[FieldNode]) -> list[Json]:
    """Return DateTimes of the response, and failures of the execution for dates that do not exist."""

    def fail(_: GraphQLError) -> Failure:
        name = (nodes[0].alias or nodes[0].name).value
        message = f"An upstream service sent a value of another type for {name}."
        return execution.fail(UpstreamBadResponse(message), nodes)

    return all_from_upstream(values, fail)


def convert_date(value: str | None, execution: Execution, nodes: Sequence[FieldNode]) -> Json:
    """Return the same for one, in less than a list of it takes."""
    try:
        return None if value is None else from_upstream(value)
    except GraphQLError:
        return convert_dates([value], execution, nodes)[0]


def check_ids(values: list[str | None]) -> list[str | None]:
    """Return ids in lower case, None for no id. Raises `UnexpectedValue` for text that cannot be an id."""
    present = [value for value in values if value is not None]
    if are_uuids(present):
        return values
    ids = [None if value in NO_ID else value for value in values]
    present = [value for value in ids if value is not None]
    if not are_ids(present):
        raise UnexpectedValue
    return [value and value.lower() for value in ids]

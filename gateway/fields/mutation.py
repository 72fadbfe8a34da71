"""Running a mutation: preconditions before the first write, and inputs as request bodies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Protocol, runtime_checkable

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.engine.core import (
    StrawberryContainer,
    StrawberryField,
    StrawberryOptional,
    get_object_definition,
    to_camel_case,
)
from gateway.fields import arguments
from gateway.fields.scalars import upstream_text
from gateway.upstream.record_types import Record
from gateway.upstream.services import Upstream


@runtime_checkable
class HasBody(Protocol):
    """An input whose body differs from its fields."""

    def body(self) -> Record: ...


def mutation(description: str) -> Callable[[Callable[..., object]], StrawberryField]:
    """Declare a field of Mutation. Its name, `input` and result are those of the function."""

    def declare(resolver: Callable[..., object]) -> StrawberryField:
        field: StrawberryField = strawberry.mutation(description=description)(resolver)
        for argument in field.arguments:
            argument.description = "The parameters of the mutation."
        return field

    return declare


def begin_mutation(info: Info) -> Upstream:
    """Return the services to write to. Clears the loaders, because the write may change loaded records.

    Raises `UpstreamUnavailable` after a mutation of the same operation whose outcome is unknown, because a
    later one may depend on it, after the request was cancelled, and during shutdown, which waits only for
    writes already sent.
    """
    context = info.context
    for is_so, reason in (
        (context.stopping.now, "the gateway is shutting down"),
        (context.mutations.request_cancelled, "the request was cancelled"),
        (context.mutations.outcome_unknown, "the outcome of an earlier mutation is unknown"),
    ):
        if is_so:
            message = f"Not attempted, nothing was sent: {reason}."
            raise errors.UpstreamUnavailable(message, details={"reason": "notAttempted"})
    context.forget_records()
    return context.upstream.begin_write()  # an earlier mutation may have used the time up


def body_of(input: object, *excluded: str) -> Record:
    """Build a request body from the fields of an input, in FOLIO's names and formats. Nulls are omitted.

    `excluded` names fields that do not belong in the body under their own name. Raises `BadUserInput`, naming
    the field, for a malformed id or text and for the value UNKNOWN.
    """
    body: Record = {}
    input_type: type = type(input)
    for attribute, name, convert in _members_of(input_type):
        value = getattr(input, attribute)
        if value is not None and name not in excluded:
            body[name] = convert(value, name)
    return body


def now() -> str:
    """Return the current time in the format that FOLIO's own front end sends."""
    return upstream_text(datetime.now(UTC))


@cache
def _members_of(input_type: type) -> tuple[tuple[str, str, Callable[[Any, str], Any]], ...]:
    """Return attribute, GraphQL name and conversion of the fields of an input. Any: JSON."""
    fields = get_object_definition(input_type, strict=True).fields
    return tuple(
        (
            each.python_name,
            each.graphql_name or to_camel_case(each.python_name),
            _conversion(_without_null(each.type)),
        )
        for each in fields
    )


def _conversion(kind: object) -> Callable[[Any, str], Any]:
    """Return the function that converts values of a declared type, from value and name."""
    if kind is strawberry.ID:
        return arguments.check_uuid
    return arguments.check_prose if kind is str else partial(_convert, kind)


def _without_null(declared: object) -> object:
    return declared.of_type if isinstance(declared, StrawberryOptional) else declared


def _convert(kind: object, value: Any, name: str) -> Any:  # Any: an input value as JSON
    if isinstance(value, str):
        return arguments.check_prose(value, name)
    if isinstance(value, Enum):
        return arguments.enum_value(value, name)
    if isinstance(value, datetime):
        return upstream_text(value)
    if isinstance(value, list):
        assert isinstance(kind, StrawberryContainer)  # noqa: S101 - the only type with list values
        convert = _conversion(_without_null(kind.of_type))
        return [convert(each, name) for each in value]
    if isinstance(value, HasBody):
        return value.body()
    return body_of(value) if get_object_definition(value) else value

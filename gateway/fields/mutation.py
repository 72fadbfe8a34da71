"""Running a mutation: preconditions before the first write, and inputs as request bodies."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, wraps
from typing import Any, Protocol, TypeVar, runtime_checkable
from uuid import uuid4, uuid5

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.engine.core import StrawberryField, get_object_definition, to_camel_case
from gateway.fields import arguments
from gateway.fields.base import REPEATED
from gateway.fields.record import named_type
from gateway.fields.root import field_of_function
from gateway.fields.scalars import upstream_text
from gateway.live.changed_records import ChangesOf, Declared, NoChanges, Written
from gateway.upstream.past_write import PastWrite
from gateway.upstream.record_types import Record
from gateway.upstream.services import Upstream, declared_routes

InputT = TypeVar("InputT")
ResultT = TypeVar("ResultT")

log = logging.getLogger(__name__)

CHANGES = "changes"  # in the metadata of a field of Mutation: what it declares


@runtime_checkable
class HasBody(Protocol):
    """An input whose body differs from its fields."""

    def body(self) -> Record: ...


def mutation(
    description: str,
    *,
    changes: Declared,
    calls: Sequence[str | tuple[str, ...]] = (),
    repeated: str | None = None,
) -> Callable[[Callable[[Info, Any], Awaitable[object]]], StrawberryField]:
    """Declare a field of Mutation. Its name, `input` and result are those of the function.

    `changes` are the records that it changes, for those who watch. `calls` are as of `query`; by default the
    method of a service that has the same name. The last is sent for each element of the member `repeated` of
    the input. Any: each has its own input.
    """

    def declare(resolver: Callable[[Info, Any], Awaitable[object]]) -> StrawberryField:
        if not isinstance(changes, NoChanges):
            resolver = publishing(changes, resolver)
        sent = calls or [_members_named(resolver.__name__)]
        metadata = {CHANGES: changes, REPEATED: repeated}
        field = field_of_function(description, sent, resolver, **metadata)
        for argument in field.arguments:
            argument.description = "The parameters of the mutation."
        return field

    return declare


@cache
def _members_named(name: str) -> tuple[str, ...]:
    """Return the method of a service that has the name of a mutation.

    Raises `ValueError` if there is none.
    """
    members = tuple(f"{each.service}.{name}" for each in declared_routes() if each.member == name)
    if not members:
        raise ValueError(f"No method of a service has the name of the mutation {name}: declare its calls.")
    return members


def publishing(
    changes: ChangesOf, write: Callable[[Info, InputT], Awaitable[ResultT]]
) -> Callable[[Info, InputT], Awaitable[ResultT]]:
    """Let a function that writes publish the changes, also if its outcome is unknown.

    Not if it raises any other error: nothing was sent then, or upstream refused it.
    """

    @wraps(write)
    async def write_and_publish(info: Info, input: InputT) -> ResultT:
        try:
            result = await write(info, input)
            _publish(info, changes, input, result)
            return result
        except errors.OutcomeUnknown:
            _publish(info, changes, input, None)
            raise
        finally:
            info.context.mutations.before = {}  # the next mutation may not read its record

    return write_and_publish


def _publish(info: Info, changes: ChangesOf, input: object, result: object) -> None:
    """Publish the changes. That they cannot be determined is logged: the write has its outcome already."""
    context = info.context
    own = context.own_mutations
    if own is not None and own.is_active:
        written = Written(input, result, context.mutations.before)
        try:
            records = tuple(changes(written))
        except Exception as error:  # its text may have values of the library
            log.error("The changes of %s are not published: %s", info.field_name, type(error).__name__)
            return
        own.publish(context.caller.tenant, records)


def begin_mutation(info: Info) -> Upstream:
    """Return the services to write to. Clears the loaders, because the write may change loaded records.

    Raises `UpstreamUnavailable` after a mutation of the same operation whose outcome is unknown, because a
    later one may depend on it, after the request was cancelled, and during shutdown, which waits only for
    writes already sent.

    In a repetition of a request with an idempotency key, the services send no writes: they raise
    `OutcomeUnknown`, so that the mutation is looked up.
    """
    context = info.context
    state = context.mutations
    if state.is_repetition and state.claimed_at is not None:
        if info.path.key in state.settled:
            raise errors.UpstreamUnavailable("Nothing was sent: the result of this mutation is known.")
        return context.upstream.begin_write().for_look_up(PastWrite(state.claimed_at))
    if state.outcome_unknown or state.request_cancelled or context.stopping.now:
        reason = (
            "the gateway is shutting down"
            if context.stopping.now
            else "the request was cancelled"
            if state.request_cancelled
            else "the outcome of an earlier mutation is unknown"
        )
        message = f"Not attempted, nothing was sent: {reason}."
        raise errors.UpstreamUnavailable(message, details={"reason": "notAttempted"})
    context.forget_records()
    return context.upstream.begin_write()  # an earlier mutation may have used the time up


def body_of(input: object, *excluded: str) -> Record:
    """Build a request body from the fields of an input, in FOLIO's names and formats.

    Nulls and absent fields are omitted.

    `excluded` names fields that do not belong in the body under their own name. Raises `BadUserInput`, naming
    the field, for a malformed id or text and for the value UNKNOWN.
    """
    body: Record = {}
    input_type: type = type(input)
    for attribute, name, check in _members_of(input_type):
        value = getattr(input, attribute)
        if value is not None and value is not strawberry.UNSET and name not in excluded:
            body[name] = check(value, name) if type(value) is str else _json_of(value, name, check)
    return body


def nulls_of(input: object) -> set[str]:
    """Return the GraphQL names of the fields of an input that are null; absent ones have to be UNSET."""
    input_type: type = type(input)
    return {name for attribute, name, _ in _members_of(input_type) if getattr(input, attribute) is None}


def now(info: Info) -> str:
    """Return the current time in the format that FOLIO's own front end sends.

    With an idempotency key it is the same in each repetition.
    """
    return upstream_text(info.context.mutations.claimed_at or datetime.now(UTC))


def new_id(info: Info) -> str:
    """Return an id for a new record, so that upstream itself refuses to create it twice.

    With an idempotency key it is the same in each repetition.
    """
    claim_id = info.context.mutations.claim_id
    return str(uuid4() if claim_id is None else uuid5(claim_id, str(info.path.key)))


@cache
def _members_of(input_type: type) -> tuple[tuple[str, str, Callable[[str, str], str]], ...]:
    """Return attribute, GraphQL name and the check of texts of the fields of an input."""
    return tuple(
        (
            each.python_name,
            each.graphql_name or to_camel_case(each.python_name),
            arguments.check_uuid if named_type(each.type) is strawberry.ID else arguments.check_prose,
        )
        for each in get_object_definition(input_type, strict=True).fields
    )


def _json_of(value: Any, name: str, check: Callable[[str, str], str]) -> Any:  # Any: an input value as JSON
    if isinstance(value, str):
        return check(value, name)
    if isinstance(value, Enum):
        return arguments.enum_value(value, name)
    if isinstance(value, datetime):
        return upstream_text(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return [_json_of(each, name, check) for each in value]
    if isinstance(value, HasBody):
        return value.body()
    return body_of(value) if get_object_definition(value) else value

"""Inputs as bodies: FOLIO's names and forms, checked before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import strawberry

from gateway.engine.core import StrawberryContainer, StrawberryOptional, get_object_definition, to_camel_case
from gateway.fields import arguments
from gateway.fields.scalars import upstream_text
from gateway.schema.override_blocks import OverrideBlocksInput, override_blocks
from gateway.upstream.response import Record


def body_of(input: Any, *apart: str) -> Record:  # Any: one of the inputs of the acts
    """The members that the caller gave, as their declared types say they travel; a null is not sent.

    `apart` names members that do not stand in the body under their own name. Raises `BadUserInput`, naming
    the member, for a broken id, for text that is none and for the value UNKNOWN.
    """
    body: Record = {}
    for declared in get_object_definition(input, strict=True).fields:
        name = declared.graphql_name or to_camel_case(declared.python_name)
        value = getattr(input, declared.python_name)
        if value is not None and name not in apart:
            body[name] = _sent(value, declared.type, name)
    return body


def now() -> str:
    """This moment, as the desks send it."""
    return upstream_text(datetime.now(UTC))


def _sent(value: Any, declared: Any, name: str) -> Any:  # Any: an input and its type as Strawberry has it
    kind = declared.of_type if isinstance(declared, StrawberryOptional) else declared
    if isinstance(value, list):
        assert isinstance(kind, StrawberryContainer)  # noqa: S101 - what else would hold a list
        return [_sent(each, kind.of_type, name) for each in value]
    if isinstance(value, OverrideBlocksInput):
        return override_blocks(value)
    if isinstance(value, datetime):
        return upstream_text(value)
    if isinstance(value, Enum):
        return arguments.known(value, name)
    if isinstance(value, str):
        return arguments.uuid(value, name) if kind is strawberry.ID else arguments.prose(value, name)
    return body_of(value) if get_object_definition(value) else value

"""Bodies of writes, validated by the JSON schemas of mod-feesfines as raml-module-builder does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.sandbox.clock import format_timestamp, parse_timestamp
from gateway.sandbox.http.errors import BadRequest, Refused, reason
from gateway.sandbox.http.request import UUID, HttpRequest
from gateway.sandbox.http.validation import is_date
from gateway.sandbox.library import Record, split_names

NOT_NULL = "javax.validation.constraints.NotNull.message"
PATTERN = "javax.validation.constraints.Pattern.message"
CHECKS: Mapping[str, Callable[[object], bool]] = {
    "text": lambda value: isinstance(value, str),
    "uuid": lambda value: isinstance(value, str),  # its pattern is checked later, with another error
    "uuids": lambda value: isinstance(value, list),
    "date": is_date,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
}


def members(names: str) -> dict[str, str]:
    """Return the kinds of members, given as `name:kind`."""
    return dict(each.split(":") for each in split_names(names))


def validated_body(http_request: HttpRequest, kinds: Mapping[str, str], required: str) -> Record:
    """Return the body without nulls and with dates in FOLIO's form.

    An unknown member, an absent one that is required and an id that is none are 422 with `errors[]`; a value
    of another type is 400 with text (raml-module-builder, RestVerticle and ValidationHelper).
    """
    body = http_request.json_object()
    for name, value in body.items():
        if name not in kinds:
            raise Refused([reason(f'Unrecognized field "{name}"', {name: str(value)}, code="-1")])
        if value is not None and not CHECKS[kinds[name]](value):
            raise BadRequest(f"Json content error: {name} is not of type {kinds[name]}")
    body = {name: value for name, value in body.items() if value is not None}
    absent = [
        reason("must not be null", {name: "null"}, code=NOT_NULL)
        for name in split_names(required)
        if name not in body
    ]
    malformed = [
        reason('must match "^[a-fA-F0-9]{8}-..."', {name: str(value)}, code=PATTERN)
        for name, value in body.items()
        if not all(UUID.fullmatch(each) for each in ids(kinds[name], value))
    ]
    if absent or malformed:
        raise Refused([*absent, *malformed])
    return {
        name: format_timestamp(parse_timestamp(value)) if kinds[name] == "date" else value
        for name, value in body.items()
    }


def ids(kind: str, value: object) -> list[str]:
    """Return the ids in a member: its value, or the elements of a list of ids."""
    if kind == "uuid":
        return [str(value)]
    return [str(each) for each in value] if kind == "uuids" and isinstance(value, list) else []

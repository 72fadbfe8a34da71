"""The encoding of a response: of a long one in pieces, between which the event loop serves others."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import msgspec
from msgspec import UNSET

from gateway.engine.error_masking import mask_exception
from gateway.engine.operations import GraphQLResponse
from gateway.errors import LimitExceeded
from gateway.upstream.turns import SLICE_SECONDS, Turn

SLICE_ELEMENTS = 50  # encoded at once; a list of more of them is encoded in pieces
LARGE = 1_000_000  # bytes that upstream sent: the response to fewer is encoded at once

encode = msgspec.json.Encoder().encode


async def encode_response(
    response: GraphQLResponse, request_id: str, *, received: int, maximum: int | None
) -> tuple[GraphQLResponse, list[bytes]]:
    """Return the response as it is sent, and the pieces of its JSON.

    `received` are the bytes that upstream sent for it. A root beyond `maximum` bytes of all roots is null,
    with an error; `maximum` is None if the roots must be complete.
    """
    data = response.data
    if received < LARGE or type(data) is not dict or not any(map(_is_long, data.values())):
        return response, [encode(response)]
    errors = [] if response.errors is UNSET else list(response.errors)
    pieces: list[bytes] = []
    size = 0
    for name, root in data.items():
        own: list[bytes] = []
        parts = _encode_parts(root)
        more = True
        while more:
            async with Turn():
                until = perf_counter() + SLICE_SECONDS
                while more and perf_counter() < until:
                    part = next(parts, None)
                    more = part is not None
                    if part is not None:
                        own.append(part)
                        size += len(part)
                        if maximum is not None and size > maximum:
                            more = False
        if maximum is not None and size > maximum:
            errors.append(_too_large(maximum, request_id) | {"path": [name]})
            size -= sum(map(len, own))
            own = [b"null"]
        pieces += (b"," if pieces else b"", encode(name), b":", *own)
    head = b'{"data":{' if not errors else b'{"errors":' + encode(errors) + b',"data":{'
    return GraphQLResponse(errors or UNSET, data), [head, *pieces, b"}}"]


def _too_large(maximum: int, request_id: str) -> dict[str, Any]:
    error = LimitExceeded(
        f"The response has more than {maximum} bytes. Select smaller pages or fewer fields "
        "(MAX_RESPONSE_BYTES).",
        details={"limit": "MAX_RESPONSE_BYTES", "maximum": maximum},
    )
    return mask_exception(error, request_id)


def _is_long(value: Any) -> bool:
    """Return whether a value has a long list in it, or in one of its members."""
    if type(value) is list:
        return len(value) > SLICE_ELEMENTS or any(map(_is_long, value))
    if isinstance(value, msgspec.Struct):
        return any(_is_long(getattr(value, each)) for each in value.__struct_fields__)
    return type(value) is dict and any(map(_is_long, value.values()))


def _encode_parts(value: Any) -> Iterator[bytes]:
    """Encode a value in parts, each of at most a few elements of a list."""
    if type(value) is list:
        start = b"["
        if len(value) > SLICE_ELEMENTS and not any(map(_is_long, value[:1])):
            for place in range(0, len(value), SLICE_ELEMENTS):
                yield start + encode(value[place : place + SLICE_ELEMENTS])[1:-1]
                start = b","
        else:
            for each in value:
                yield start
                yield from _encode_parts(each)
                start = b","
        yield b"]" if value else b"[]"
    elif _is_long(value):
        members: Any = value.items() if type(value) is dict else _members(value)
        start = b"{"
        for name, each in members:
            yield start + encode(name) + b":"
            yield from _encode_parts(each)
            start = b","
        yield b"}"
    else:
        yield encode(value)


def _members(value: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
    return ((name, getattr(value, attribute)) for attribute, name in names)

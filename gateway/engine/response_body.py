"""The encoding of a response: of a long one in pieces, between which the event loop serves others."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from gateway.engine.error_masking import mask_exception
from gateway.errors import LimitExceeded, too_many_records
from gateway.observability.operation import RECORD_SIZE, OperationRecord
from gateway.upstream.turns import Turn

SLICE_ELEMENTS = 50  # encoded at once; a list of more of them is encoded in pieces
LONG_JSON = 5_000  # bytes of elements that are encoded already
LARGE = 1_000_000  # bytes that upstream sent: the response to fewer is encoded at once,
LARGE_RESULT = 10_000_000  # unless it may have so many, because it repeats them

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


class GraphQLResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A response in one piece. It has no `data` if the operation was not executed."""

    errors: list[dict[str, Any]] | UnsetType = UNSET  # Any: JSON, as is data
    data: Any = UNSET
    extensions: Mapping[str, object] | UnsetType = UNSET


CONFIRMED = {"outcome": "confirmed"}
"""The extensions of a response with a mutation whose outcome was unknown until a record proved it."""


async def encode_in_pieces(
    response: GraphQLResponse, record: OperationRecord, *, max_bytes: int, max_records: int
) -> tuple[GraphQLResponse, list[bytes]]:
    """Return a response that may be large as it is sent, and the pieces of its JSON.

    A root of a query is null, with an error, if it has more than `max_records` elements of lists of objects,
    if the roots up to it have more than `max_bytes`, or if there is no room for it beside what other
    operations hold. Those of a mutation are complete. Each root is dropped when it has been encoded.
    """
    data, size = response.data, record.result_size
    if type(data) is not dict or not any(map(_is_long, data.values())):
        return response, [encode(response)]
    is_limited, budget = record.kind != "mutation", record.budget
    errors = [] if response.errors is UNSET else list(response.errors)

    def refuse(name: str, error: LimitExceeded) -> None:
        errors.append(mask_exception(error, record.request_id) | {"path": [name]})
        data[name] = None

    if is_limited and size >= RECORD_SIZE * max_records:
        remaining = max_records
        for name, root in data.items():
            number = await _count_records(root)
            if number > remaining:
                refuse(name, too_many_records(max_records))
            else:
                remaining -= number
    pieces: list[bytes] = []
    length = 0
    for name, root in data.items():
        own: list[bytes] = []
        # The objects of graphql-core's lists are JSON already, beside the pieces until all are encoded.
        copies = 2 if type(root) is dict else 1
        size, excess = 0, None
        piece = bytearray()  # of many parts: to send ten thousand would take a tenth of a second
        parts = _encode_parts(root, record.nests_lists, piece)
        more = True
        while more and excess is None:
            async with Turn() as turn:
                while more and excess is None and turn.has_time:
                    before = len(piece)
                    more = next(parts, False)
                    size += len(piece) - before
                    excess = None if budget is None else budget.hold_response(copies * (len(piece) - before))
                    if length + size > max_bytes:
                        excess = _too_large(max_bytes)
                    excess = excess if is_limited else None
                own.append(bytes(piece))
                piece.clear()
        if excess is None:
            length += size
        else:
            refuse(name, excess)
            own = [b"null"]
        if budget is not None:
            budget.drop_response(size * (copies if excess else copies - 1))
        data[name] = root = None
        pieces += (b"," if pieces else b"", encode(name), b":", *own)
    head = b'{"data":{' if not errors else b'{"errors":' + encode(errors) + b',"data":{'
    tail = b"}}" if response.extensions is UNSET else b'},"extensions":' + encode(response.extensions) + b"}"
    return GraphQLResponse(errors or UNSET, data), [head, *pieces, tail]


def _too_large(maximum: int) -> LimitExceeded:
    return LimitExceeded(
        f"The response has more than {maximum} bytes. Select smaller pages or fewer fields "
        "(MAX_RESPONSE_BYTES).",
        details={"limit": "MAX_RESPONSE_BYTES", "maximum": maximum},
    )


async def _count_records(root: Any) -> int:
    """Return the number of elements of all lists of objects, each place of a list counted."""
    counting = _count(root, {})
    while True:
        async with Turn() as turn:
            while turn.has_time:
                try:
                    next(counting)
                except StopIteration as end:
                    number: int = end.value
                    return number


def _count(value: Any, counted: dict[int, int]) -> Generator[None, None, int]:
    """Count in steps. The target of several links is one object, which is counted once and added often."""
    if isinstance(value, msgspec.Struct):
        number = counted.get(id(value))
        if number is None:
            number = 0
            for each in value.__struct_fields__:
                number += yield from _count(getattr(value, each), counted)
            counted[id(value)] = number
        return number
    number = 0
    if type(value) is dict:
        for each in value.values():
            number += yield from _count(each, counted)
    elif type(value) is list:
        for each in value:
            yield
            if isinstance(each, msgspec.Struct | dict):
                number += 1 + (yield from _count(each, counted))
    return number


_LEAVES = frozenset({str, int, float, bool, type(None)})


def _is_long(value: Any) -> bool:
    """Return whether a value has a long list in it, or in one of its members."""
    return _have_long([value])


def _have_long(values: Sequence[Any]) -> bool:
    """Return whether any of these values has a long list in it, or is the JSON of elements of one.

    Member by member for objects of one type, because most members are leaves in all of them.
    """
    kinds = {*map(type, values)}
    for kind in kinds - _LEAVES:
        own: Sequence[Any] = values if len(kinds) == 1 else [each for each in values if type(each) is kind]
        if kind is list:
            if max(map(len, own)) > SLICE_ELEMENTS or _have_long([*chain.from_iterable(own)]):
                return True
        elif kind is dict:
            if _have_long([*chain.from_iterable(map(dict.values, own))]):
                return True
        elif kind is msgspec.Raw:
            if max(len(memoryview(each)) for each in own) > LONG_JSON:
                return True
        elif issubclass(kind, msgspec.Struct) and any(
            map(_have_long, zip(*map(msgspec.structs.astuple, own), strict=True))
        ):
            return True
    return False


def _encode_parts(value: Any, nests_lists: bool, piece: bytearray) -> Iterator[Literal[True]]:
    """Append the JSON of a value in parts, each of at most a few elements of a list."""
    if type(value) is list and value:
        start = b"["
        for place in range(0, len(value), SLICE_ELEMENTS):
            elements = value[place : place + SLICE_ELEMENTS]
            if nests_lists and _have_long(elements):
                for each in elements:
                    piece += start
                    yield from _encode_parts(each, nests_lists, piece)
                    start = b","
                continue
            offset = len(piece)
            _encoder.encode_into(elements, piece, offset)
            piece[offset : offset + 1] = start  # its own brackets are not those of the list
            piece.pop()
            start = b","
            yield True
        piece += b"]"
    elif type(value) is not msgspec.Raw and _is_long(value):
        members: Any = value.items() if type(value) is dict else _members(value)
        start = b"{"
        for name, each in members:
            piece += start + encode(name) + b":"
            yield from _encode_parts(each, nests_lists, piece)
            start = b","
        piece += b"}"
    else:
        _encoder.encode_into(value, piece, len(piece))
        yield True


def _members(value: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
    return ((name, getattr(value, attribute)) for attribute, name in names)

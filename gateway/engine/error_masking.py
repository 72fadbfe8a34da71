"""Errors as clients may see them: the only place that decides it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from traceback import walk_tb
from types import CodeType
from typing import Any

from graphql import GraphQLError

from gateway.engine.core import (
    ARGUMENT_COERCION,
    LEAF_COMPLETION,
    LIST_COMPLETION,
    VALUE_COMPLETION,
    StrawberryInputCoercionError,
)
from gateway.engine.parts import Parts, finish
from gateway.errors import BadUserInput, ErrorCode, GatewayError, UpstreamBadResponse, without_frames

MAX_MESSAGE = 300  # characters: messages quote names and values of the document, which may be megabytes

ERRORS_IN_PART = 250

INTERNAL_MESSAGE = "An unexpected error occurred in the gateway."

log = logging.getLogger(__name__)

_NULL = re.compile(r"Cannot return null for non-nullable field (\w+\.\w+)\.")

_MAX_FRAMES = 12  # in the log: enough to reach from graphql-core's frames into ours


def mask_errors(errors: Iterable[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """Format the errors of one response. The text of an unexpected exception is replaced.

    An exception with many paths is logged once. Afterwards the errors have no frames: these hold records.
    """
    return finish(mask_in_parts(errors, request_id))


def mask_in_parts(errors: Iterable[GraphQLError], request_id: str) -> Parts[list[dict[str, Any]]]:
    """Return what `mask_errors` returns, in parts. Any: JSON."""
    errors = tuple(errors)
    formatted = []
    logged: set[int] = set()
    for number, error in enumerate(errors, 1):
        if number % ERRORS_IN_PART == 0:
            yield
        message, extensions = _mask(error)
        cause = _chain(error)[-1]
        if extensions["code"] == ErrorCode.INTERNAL_ERROR and id(cause) not in logged:
            logged.add(id(cause))
            _log(cause, request_id)
        entry: dict[str, Any] = {"message": shorten(message)}
        if error.locations:
            entry["locations"] = [location.formatted for location in error.locations]
        if error.path:
            entry["path"] = error.path
        formatted.append(entry | {"extensions": extensions | {"requestId": request_id}})
    for number, error in enumerate(errors, 1):
        if number % ERRORS_IN_PART == 0:
            yield
        for each in _chain(error):
            without_frames(each)
    return formatted


def mask_exception(error: Exception, request_id: str) -> dict[str, Any]:
    """Format an error of the request as a whole, which has no location in a document."""
    if isinstance(error, GatewayError):
        message, extensions = error.message, error.extensions
    else:
        message, extensions = _internal()
        _log(error, request_id)
    without_frames(error)
    return {"message": shorten(message), "extensions": extensions | {"requestId": request_id}}


def shorten(message: str) -> str:
    """Return a message without the middle of it, if it is long: both ends say what is wrong with a value."""
    if len(message) <= MAX_MESSAGE:
        return message
    return f"{message[: MAX_MESSAGE - 150]} ... {message[-145:]}"


def _mask(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    chain = _chain(error)
    cause = chain[-1]
    if isinstance(cause, GatewayError):
        return error.message, cause.extensions
    if invalid := _invalid_value(error, cause):
        return invalid.message, invalid.extensions
    # A scalar refuses an input by a ValueError. Any other exception in there is a defect of the scalar.
    if isinstance(cause, GraphQLError | ValueError):
        given = error.extensions or {}
        if "code" in given and (error.path is None or isinstance(cause, GraphQLError)):
            return error.message, {"code": given["code"], "retryable": False, **given}
        if _is_about_input(error, chain):
            return error.message, BadUserInput(error.message).extensions
    return _internal()


def _invalid_value(error: GraphQLError, cause: Exception) -> UpstreamBadResponse | None:
    """Recognize a value that the schema excludes: a null, or a leaf or list of another type.

    graphql-core has no classes for these errors, and their messages quote values. The function that raised
    them identifies them.
    """
    raised_in = list(_functions(cause))
    if not raised_in:
        return None
    if raised_in[-1] is VALUE_COMPLETION and (null := _NULL.fullmatch(str(cause))):
        return UpstreamBadResponse(f"An upstream service sent no value for {null[1]}, which is never null.")
    if LEAF_COMPLETION in raised_in or raised_in[-1] is LIST_COMPLETION:
        name = next((key for key in reversed(error.path or ()) if isinstance(key, str)), "a field")
        return UpstreamBadResponse(f"An upstream service sent a value of another type for {name}.")
    return None


def _is_about_input(error: GraphQLError, chain: list[Exception]) -> bool:
    # Without a path no field was executed yet, so the error is about a variable.
    return (
        error.path is None
        or isinstance(chain[-1], StrawberryInputCoercionError)
        or any(ARGUMENT_COERCION in _functions(each) for each in chain)
    )


def _internal() -> tuple[str, dict[str, Any]]:
    return INTERNAL_MESSAGE, {"code": ErrorCode.INTERNAL_ERROR, "retryable": False}


def _chain(error: GraphQLError) -> list[Exception]:
    """List the error and the errors it wraps, the original exception last."""
    chain: list[Exception] = [error]
    while isinstance(chain[-1], GraphQLError) and chain[-1].original_error is not None:
        chain.append(chain[-1].original_error)
    return chain


def _functions(error: Exception) -> Iterator[CodeType]:
    """Return the functions that the exception passed through, ending with the one that raised it."""
    return (frame.f_code for frame, _ in walk_tb(error.__traceback__))


def _log(error: Exception, request_id: str) -> None:
    """Log class and location. The text of a foreign exception may hold anything, such as a patron's name."""
    kind = type(error)
    frames = [f"{frame.f_code.co_filename}:{line}" for frame, line in walk_tb(error.__traceback__)]
    log.error(
        "Unexpected %s.%s in request %s at %s",
        kind.__module__,
        kind.__qualname__,
        request_id,
        " > ".join(frames[-_MAX_FRAMES:]) or "an unknown location",
    )

"""What an outsider may read of an error: the one place that decides it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from traceback import walk_tb
from types import CodeType
from typing import Any

from graphql import GraphQLError
from graphql.execution.executor import Executor
from graphql.execution.values import coerce_argument
from strawberry.exceptions import StrawberryInputCoercionError

from gateway.errors import BadUserInput, ErrorCode, GatewayError, UpstreamBadResponse

INTERNAL_MESSAGE = "Something went wrong in the gateway."

log = logging.getLogger(__name__)

# graphql-core has no classes for its own field errors, and their messages quote values. What tells them apart
# for certain is the function that raised them, so these are looked for in the traceback.
_COERCES_ARGUMENT = coerce_argument.__code__
_COMPLETES_LEAF = Executor.complete_leaf_value.__code__
_COMPLETES_LIST = Executor.complete_list_value.__code__
_COMPLETES_VALUE = Executor.complete_value.__code__
_NULL = re.compile(r"Cannot return null for non-nullable field (\w+\.\w+)\.")

_FRAMES_LOGGED = 12  # enough to reach from graphql-core's frames into ours


def masked(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """Format an error for the response: what we foresaw as it is, anything else without its text."""
    return all_masked((error,), request_id)[0]


def all_masked(errors: Iterable[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """Format the errors of one response; an exception that struck many paths is logged once."""
    formatted = []
    logged: set[int] = set()
    for error in errors:
        message, extensions = _judged(error)
        cause = _chain(error)[-1]
        if extensions["code"] == ErrorCode.INTERNAL_ERROR and id(cause) not in logged:
            logged.add(id(cause))
            _log(cause, request_id)
        entry: dict[str, Any] = {"message": message}
        if error.locations:
            entry["locations"] = [location.formatted for location in error.locations]
        if error.path:
            entry["path"] = error.path
        formatted.append(entry | {"extensions": extensions | {"requestId": request_id}})
    return formatted


def refusal(error: Exception, request_id: str) -> dict[str, Any]:
    """Format an error that belongs to the request as a whole and has no place in a document."""
    if isinstance(error, GatewayError):
        message, extensions = error.message, error.extensions
    else:
        message, extensions = _internal()
        _log(error, request_id)
    return {"message": message, "extensions": extensions | {"requestId": request_id}}


def _judged(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    chain = _chain(error)
    cause = chain[-1]
    if isinstance(cause, GatewayError):
        return error.message, cause.extensions
    if broken := _broken_answer(error, cause):
        return broken.message, broken.extensions
    # A ValueError is how a scalar refuses an input; any other exception in there is a fault of the scalar.
    if isinstance(cause, GraphQLError | ValueError):
        given = error.extensions or {}
        if "code" in given and (error.path is None or isinstance(cause, GraphQLError)):
            return error.message, {"code": given["code"], "retryable": False, **given}
        if _about_input(error, chain):
            return error.message, BadUserInput(error.message).extensions
    return _internal()


def _broken_answer(error: GraphQLError, cause: Exception) -> UpstreamBadResponse | None:
    """Recognise a value that the schema rules out: a null, a leaf or a list that is none."""
    raised_in = list(_functions(cause))
    if not raised_in:
        return None
    if raised_in[-1] is _COMPLETES_VALUE and (null := _NULL.fullmatch(str(cause))):
        return UpstreamBadResponse(f"An upstream service sent no value for {null[1]}, which is never null.")
    if _COMPLETES_LEAF in raised_in or raised_in[-1] is _COMPLETES_LIST:
        name = next((key for key in reversed(error.path or ()) if isinstance(key, str)), "a field")
        return UpstreamBadResponse(f"An upstream service sent a value for {name} which is not of its type.")
    return None


def _about_input(error: GraphQLError, chain: list[Exception]) -> bool:
    # Without a path no field was executed yet: what remains at that point are the variables.
    return (
        error.path is None
        or isinstance(chain[-1], StrawberryInputCoercionError)
        or any(_COERCES_ARGUMENT in _functions(each) for each in chain)
    )


def _internal() -> tuple[str, dict[str, Any]]:
    return INTERNAL_MESSAGE, {"code": ErrorCode.INTERNAL_ERROR, "retryable": False}


def _chain(error: GraphQLError) -> list[Exception]:
    """List the error and what it wraps, the exception that was raised first at the end."""
    chain: list[Exception] = [error]
    while isinstance(chain[-1], GraphQLError) and chain[-1].original_error is not None:
        chain.append(chain[-1].original_error)
    return chain


def _functions(error: Exception) -> Iterator[CodeType]:
    """Name the functions that the exception passed through, the one that raised it last."""
    return (frame.f_code for frame, _ in walk_tb(error.__traceback__))


def _log(error: Exception, request_id: str) -> None:
    """Log class and place. The text of a foreign exception may hold anything, a patron's name included."""
    kind = type(error)
    frames = [f"{frame.f_code.co_filename}:{line}" for frame, line in walk_tb(error.__traceback__)]
    log.error(
        "Unforeseen %s.%s in request %s at %s",
        kind.__module__,
        kind.__qualname__,
        request_id,
        " > ".join(frames[-_FRAMES_LOGGED:]) or "an unknown place",
    )

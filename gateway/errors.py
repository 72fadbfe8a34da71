"""All errors and their codes.

GatewayError
  BadRequest
  LimitExceeded
  BadUserInput
  Unauthenticated
  Forbidden
  Conflict
  UpstreamRejected
  IdempotencyKeyReused
  IdempotencyKeyInUse
  RateLimited
  Overloaded
  UpstreamTimeout
  UpstreamUnavailable
    UpstreamNotConfigured
  UpstreamBadResponse
  UpstreamError
  OutcomeUnknown
  Refused                  returned to clients as data, not as an error
  NotFound                 returned to clients as null, not as an error

Errors about documents have codes without a class; `engine.error_masking` reports any exception outside this
tree as INTERNAL_ERROR.

Messages are written for clients: they name a service and a fact, never a URL, a host, a class, a token or a
body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

AnyException = TypeVar("AnyException", bound=BaseException)


class ErrorCode(StrEnum):
    """The closed list of codes in `errors[].extensions.code`, each with its description."""

    description: str

    def __new__(cls, code: str, description: str) -> ErrorCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.description = description
        return member

    BAD_REQUEST = "BAD_REQUEST", "The HTTP request, its headers or its JSON is invalid."
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED", "The document has a syntax error."
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED", "The document does not match the schema."
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED", "The document is not in the manifest of trusted documents."
    PERSISTED_QUERY_NOT_FOUND = (
        "PERSISTED_QUERY_NOT_FOUND",
        "The hash of a persisted document is unknown; send the document with its hash.",
    )
    PERSISTED_QUERY_NOT_SUPPORTED = (
        "PERSISTED_QUERY_NOT_SUPPORTED",
        "Registration of persisted documents is disabled.",
    )
    LIMIT_EXCEEDED = (
        "LIMIT_EXCEEDED",
        "The document, its estimated cost, a page or what upstream sends exceeds a limit.",
    )
    BAD_USER_INPUT = "BAD_USER_INPUT", "An argument or a variable is invalid; nothing was sent upstream."
    UNAUTHENTICATED = "UNAUTHENTICATED", "The token is missing, invalid or expired."
    FORBIDDEN = "FORBIDDEN", "The user lacks a permission."
    CONFLICT = "CONFLICT", "The record was changed, or is in use by another user."
    NOT_FOUND = (
        "NOT_FOUND",
        "The record of a mutation or a subscription does not exist; a query returns null.",
    )
    UPSTREAM_REJECTED = "UPSTREAM_REJECTED", "The upstream rejected the request; `reasons` has the details."
    IDEMPOTENCY_KEY_REUSED = (
        "IDEMPOTENCY_KEY_REUSED",
        "The Idempotency-Key belongs to another request; nothing was sent upstream.",
    )
    IDEMPOTENCY_KEY_IN_USE = (
        "IDEMPOTENCY_KEY_IN_USE",
        "The first request with this Idempotency-Key is still running; nothing was sent upstream.",
    )
    RATE_LIMITED = "RATE_LIMITED", "Too many requests; `retryAfter` is in seconds."
    OVERLOADED = "OVERLOADED", "The gateway is at capacity; nothing was sent upstream."
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT", "A read timed out."
    UPSTREAM_UNAVAILABLE = (
        "UPSTREAM_UNAVAILABLE",
        "The upstream is unreachable or not configured; a write was not sent.",
    )
    UPSTREAM_BAD_RESPONSE = (
        "UPSTREAM_BAD_RESPONSE",
        "The upstream response is invalid, too large or a redirect.",
    )
    UPSTREAM_ERROR = "UPSTREAM_ERROR", "The upstream failed with a server error."
    OUTCOME_UNKNOWN = (
        "OUTCOME_UNKNOWN",
        "A write was sent without a conclusive response; it may or may not have been applied.",
    )
    INTERNAL_ERROR = "INTERNAL_ERROR", "An unexpected exception in the gateway; the log has the request id."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a reason, with the upstream's key: `itemBarcode`, `userId`, ..."""

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridableBlock:
    """A block that can be overridden, and the permissions that the caller lacks to override it."""

    name: str
    missing_permissions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A reason of a refusal: the structured part of an upstream 400 or 422 response."""

    message: str
    code: str | None = None
    parameters: list[Parameter] = field(default_factory=list)
    overridable_block: OverridableBlock | None = None

    def as_extension(self) -> dict[str, Any]:
        """Return the reason for `extensions.reasons`, without empty members."""
        extension: dict[str, Any] = {"message": self.message}
        if self.code is not None:
            extension["code"] = self.code
        if self.parameters:
            extension["parameters"] = [{"key": each.key, "value": each.value} for each in self.parameters]
        if self.overridable_block is not None:
            extension["overridableBlock"] = {
                "name": self.overridable_block.name,
                "missingPermissions": self.overridable_block.missing_permissions,
            }
        return extension


class GatewayError(Exception):
    """An error with a code that clients can rely on."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL_ERROR
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        upstream: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        reasons: Sequence[Reason] = (),
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.upstream = upstream
        self.status = status
        self.retry_after = retry_after
        self.reasons = tuple(reasons)
        self.details = details or {}

    @property
    def extensions(self) -> dict[str, Any]:
        """Return the `extensions` of the error in a response; graphql-core reads this property."""
        extensions: dict[str, Any] = {"code": self.code, "retryable": self.retryable}
        if self.upstream is not None:
            extensions["upstream"] = self.upstream
        if self.status is not None:
            extensions["status"] = self.status
        if self.retry_after is not None:
            extensions["retryAfter"] = self.retry_after
        if self.reasons:
            extensions["reasons"] = [reason.as_extension() for reason in self.reasons]
        return extensions | self.details


class BadRequest(GatewayError):
    """An invalid HTTP request: its headers, its body or its JSON."""

    code = ErrorCode.BAD_REQUEST


class LimitExceeded(GatewayError):
    """A page, a document or a result that exceeds a limit; the message names the limit and the value."""

    code = ErrorCode.LIMIT_EXCEEDED


class BadUserInput(GatewayError):
    """An invalid argument; nothing was sent upstream for this field."""

    code = ErrorCode.BAD_USER_INPUT


class Unauthenticated(GatewayError):
    """A missing, invalid or expired token."""

    code = ErrorCode.UNAUTHENTICATED


class Forbidden(GatewayError):
    """A missing permission of the user."""

    code = ErrorCode.FORBIDDEN


class Conflict(GatewayError):
    """A record that was changed, or is in use by another user."""

    code = ErrorCode.CONFLICT


class UpstreamRejected(GatewayError):
    """A read rejected by the upstream (400 or 422), with its `reasons`."""

    code = ErrorCode.UPSTREAM_REJECTED


class IdempotencyKeyReused(GatewayError):
    """An idempotency key that was sent with another request before."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED


class IdempotencyKeyInUse(GatewayError):
    """An idempotency key whose first request is still running."""

    code = ErrorCode.IDEMPOTENCY_KEY_IN_USE
    retryable = True


class RateLimited(GatewayError):
    """A rate limit exceeded, of the upstream or RATE_LIMIT; `retryAfter` is in seconds, if known."""

    code = ErrorCode.RATE_LIMITED
    retryable = True


class Overloaded(GatewayError):
    """A gateway at capacity; nothing was sent upstream."""

    code = ErrorCode.OVERLOADED
    retryable = True


class UpstreamTimeout(GatewayError):
    """A read without a complete response before its timeout."""

    code = ErrorCode.UPSTREAM_TIMEOUT
    retryable = True


class UpstreamUnavailable(GatewayError):
    """An upstream that is unreachable or not ready. A write was not sent."""

    code = ErrorCode.UPSTREAM_UNAVAILABLE
    retryable = True


class UpstreamNotConfigured(UpstreamUnavailable):
    """An upstream without a configured address."""

    retryable = False


class UpstreamBadResponse(GatewayError):
    """An unusable response: malformed, of an unexpected shape, too large, or a redirect."""

    code = ErrorCode.UPSTREAM_BAD_RESPONSE


class UpstreamError(GatewayError):
    """A server error of the upstream (5xx, except those for 'not ready')."""

    code = ErrorCode.UPSTREAM_ERROR
    retryable = True


class OutcomeUnknown(GatewayError):
    """A write that was sent without a conclusive response: it may or may not have been applied.

    `sent_at` is the time of its sending by the clock of this machine. `permission` is the one that its route
    requires, if the response was a 403 that may be about another route; otherwise None.
    """

    code = ErrorCode.OUTCOME_UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        sent_at: datetime,
        permission: str | None = None,
        upstream: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, upstream=upstream, details=details)
        self.sent_at = sent_at
        self.permission = permission


class Refused(GatewayError):
    """A write rejected by the library (400 or 422). Mutations return it as a `Refusal`, which is data."""

    code = ErrorCode.UPSTREAM_REJECTED


class NotFound(GatewayError):
    """A 404 response. Reads by id return null for it."""

    code = ErrorCode.NOT_FOUND


def too_many_records(maximum: int) -> LimitExceeded:
    """Return the error for a result that has more records than its estimate was allowed."""
    return LimitExceeded(
        f"The result has more than {maximum} records, three times MAX_RESULT_NODES.",
        details={"limit": "MAX_RESULT_NODES", "maximum": maximum},
    )


def page_too_large(first: int, maximum: int) -> LimitExceeded:
    """Return the error for a page of more records than the setting allows."""
    return LimitExceeded(
        f"`first` must be between 0 and {maximum}; got {first}.",
        details={"limit": "MAX_PAGE_SIZE", "maximum": maximum},
    )


def query_too_long(source: str, length: int, maximum: int) -> LimitExceeded:
    """Return the error for a query of `length` bytes, which `source` says (with its verb)."""
    return LimitExceeded(
        f"{source} a request line of {length} bytes; at most {maximum} are allowed. Split the query.",
        details={"limit": "MAX_REQUEST_LINE", "maximum": maximum},
    )


def incomplete_result(seconds: float) -> UpstreamTimeout:
    """Return the error for a part of a result that was not complete in the time of its operation."""
    return UpstreamTimeout(f"The result was not complete within the operation's {seconds:g} s.")


def without_frames(error: AnyException) -> AnyException:
    """Remove the tracebacks of an exception and of its causes, and return the exception.

    A traceback holds frames, and frames hold their locals: for a failed call its complete response. Most
    frames also hold the exception in turn, so that only a rare run of the garbage collector frees them.
    """
    pending: list[BaseException | None] = [error]
    visited: set[int] = set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in visited:
            continue
        visited.add(id(each))
        pending += (each.__cause__, each.__context__)
        if isinstance(each, BaseExceptionGroup):
            pending += each.exceptions
        each.__traceback__ = each.__context__ = None
    return error

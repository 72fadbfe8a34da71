"""Every way to fail, each with a code from a closed list.

GatewayError
  BadRequest                 BAD_REQUEST                 the HTTP request or its JSON was refused
  LimitExceeded              LIMIT_EXCEEDED              a size, a depth or a page beyond a limit
  BadUserInput               BAD_USER_INPUT              an argument failed our own check; nothing was sent
  Unauthenticated            UNAUTHENTICATED             upstream does not know the caller
  Forbidden                  FORBIDDEN                   upstream knows the caller and says no
  Conflict                   CONFLICT                    the record changed or is in use
  UpstreamRejected           UPSTREAM_REJECTED           upstream refused the question; `reasons` says why
  RateLimited                RATE_LIMITED                too many requests
  Overloaded                 OVERLOADED                  the gateway itself is full; nothing was asked
  UpstreamTimeout            UPSTREAM_TIMEOUT            a read ran out of time
  UpstreamUnavailable        UPSTREAM_UNAVAILABLE        no connection; for an act: nothing was sent
    UpstreamNotConfigured                                no address was set for it
  UpstreamBadResponse        UPSTREAM_BAD_RESPONSE       unreadable, of a wrong shape, too big or redirected
  UpstreamError              UPSTREAM_ERROR              upstream failed inside
  OutcomeUnknown             OUTCOME_UNKNOWN             an act was sent and no conclusive answer came
  Refused                    (data, not an error)        the library said no to an act
  NotFound                   (null, not an error)        a by-id question found nothing

Six more codes belong to no class of ours: GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED,
DOCUMENT_NOT_TRUSTED, PERSISTED_QUERY_NOT_FOUND and PERSISTED_QUERY_NOT_SUPPORTED are about the document,
INTERNAL_ERROR is what `security.masking` makes of anything that is not in this tree.

Messages are written here and where the errors are raised, for the person at the other end: they name a
service and a fact, never a URL, a host, a class, a token or a body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a reason is about, as upstream names it: `itemBarcode`, `userId`, ..."""

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridableBlock:
    """A block that may be lifted, and the permissions which this caller lacks to lift it."""

    name: str
    missing_permissions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason of a refusal: the structured part of an upstream 400 or 422, and nothing else of it."""

    message: str
    code: str | None = None
    parameters: list[Parameter] = field(default_factory=list)
    overridable_block: OverridableBlock | None = None

    def as_extension(self) -> dict[str, Any]:
        """The reason as it stands in `extensions.reasons`, members that say nothing left out."""
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
    """The root: an error with a code that clients may rely on."""

    code: ClassVar[str] = "INTERNAL_ERROR"
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
        """What the client reads in `errors[].extensions`; graphql-core copies it from here."""
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
    """The HTTP request, its headers or its JSON was refused before any GraphQL was read."""

    code = "BAD_REQUEST"


class LimitExceeded(GatewayError):
    """A page, a document or a result beyond a limit; the message names the limit and the figure."""

    code = "LIMIT_EXCEEDED"


class BadUserInput(GatewayError):
    """An argument failed our own check; nothing was sent upstream for this field."""

    code = "BAD_USER_INPUT"


class Unauthenticated(GatewayError):
    """Upstream does not know the caller: no token, a broken one or one that has run out."""

    code = "UNAUTHENTICATED"


class Forbidden(GatewayError):
    """Upstream knows the caller, who lacks a permission."""

    code = "FORBIDDEN"


class Conflict(GatewayError):
    """The record is in another state than the caller thinks, or in use by someone else."""

    code = "CONFLICT"


class UpstreamRejected(GatewayError):
    """Upstream refused a question (400 or 422); `reasons` holds what it said."""

    code = "UPSTREAM_REJECTED"


class RateLimited(GatewayError):
    """Upstream, or our own RATE_LIMIT, wants fewer requests; `retryAfter` is in seconds where it is known."""

    code = "RATE_LIMITED"
    retryable = True


class Overloaded(GatewayError):
    """The gateway has as much to do as it takes on at once; nothing was asked."""

    code = "OVERLOADED"
    retryable = True


class UpstreamTimeout(GatewayError):
    """A read got no full answer within its time."""

    code = "UPSTREAM_TIMEOUT"
    retryable = True


class UpstreamUnavailable(GatewayError):
    """No connection, or upstream says that it is not ready. For an act: nothing was sent."""

    code = "UPSTREAM_UNAVAILABLE"
    retryable = True


class UpstreamNotConfigured(UpstreamUnavailable):
    """The operator has set no address for this service."""

    retryable = False


class UpstreamBadResponse(GatewayError):
    """An answer that cannot be used: unreadable, of another shape, too big, redirected."""

    code = "UPSTREAM_BAD_RESPONSE"


class UpstreamError(GatewayError):
    """Upstream failed inside (a 5xx that does not mean 'not ready')."""

    code = "UPSTREAM_ERROR"
    retryable = True


class OutcomeUnknown(GatewayError):
    """An act was sent and no conclusive answer came: it may or may not have happened."""

    code = "OUTCOME_UNKNOWN"


class Refused(GatewayError):
    """The library said no to an act (400 or 422). Mutations turn it into a `Refusal`, which is data."""

    code = "UPSTREAM_REJECTED"


class NotFound(GatewayError):
    """Upstream answered 404. By-id questions turn it into null."""

    code = "NOT_FOUND"

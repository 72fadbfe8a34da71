"""In whose name upstream is asked: the few request headers that we read, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import random

from gateway.errors import BadRequest

Headers = Sequence[tuple[bytes, bytes]]

_TENANT = re.compile(rb"[a-z][a-z0-9_]{0,62}")
_REQUEST_ID = re.compile(rb"[0-9A-Za-z/;,\-_.]{1,256}")
_VISIBLE = bytes(range(0x21, 0x7F))  # a table: tokens are long, and a pattern takes four times as long
_PRINTABLE = re.compile(rb"[\x20-\x7e]+")
_BEARER = re.compile(rb"bearer +(.*)", re.IGNORECASE)
_POLARIS_SCHEME = re.compile(rb"(?:PAS|Bearer) +[\x21-\x7e]+")
_NUMBER = re.compile(rb"[0-9]{1,9}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]{1,64})?")

_LONGEST_TOKEN = 8192  # Keycloak's tokens with many roles are 3 to 5 kB
_LONGEST_LIST = 512  # what the trace context specification asks to be carried at least

_POLARIS = (b"x-polaris-authorization", b"x-polaris-workstation", b"x-polaris-organization")

# X-Okapi-Url, -User-Id and -Permissions are not here: from outside they are claims, not facts.
_READ = frozenset(
    {
        b"x-okapi-tenant",
        b"x-okapi-token",
        b"x-okapi-request-id",
        b"authorization",
        b"cookie",
        b"accept-language",
        b"traceparent",
        b"tracestate",
        *_POLARIS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarisIdentity:
    """The staff member as Polaris knows them. A lock belongs to a user at a workstation.

    `authorization` is None where the caller named a workstation or an organization and sent no login.
    """

    authorization: str | None = field(default=None, repr=False)
    workstation: int | None = None
    organization: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Everything of a request that travels on to the services, and nothing else does."""

    tenant: str
    token: str | None = field(default=None, repr=False)
    request_id: str
    accept_language: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    polaris: PolarisIdentity | None = None


def caller_from_headers(
    headers: Headers,
    *,
    token_cookie: bool,
    default_tenant: str | None = None,
    default_polaris: PolarisIdentity | None = None,
) -> Caller:
    """Read the caller from raw ASGI headers; the defaults are for the sandbox, where nobody logs in."""
    given = _read(headers)
    traceparent = _traceparent(given)
    return Caller(
        tenant=_tenant(given, default_tenant),
        token=_token(given, token_cookie=token_cookie),
        request_id=_request_id(given.get(b"x-okapi-request-id")),
        accept_language=_list(given.get(b"accept-language")),
        traceparent=traceparent,
        tracestate=_list(given.get(b"tracestate")) if traceparent else None,
        polaris=_polaris(given, default_polaris),
    )


def request_id_from_headers(headers: Headers) -> str:
    """Name a request whose caller is not known, or not yet."""
    return _request_id([value for name, value in headers if name == b"x-okapi-request-id"])


def _read(headers: Headers) -> dict[bytes, list[bytes]]:
    given: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _READ:
            given.setdefault(name, []).append(value)
    return given


def _single(given: dict[bytes, list[bytes]], name: bytes) -> bytes | None:
    values = given.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise BadRequest(f"Header {_written(name)} was sent more than once.")
    return values[0].strip(b" \t")


def _written(name: bytes) -> str:
    """The name of a header as documentation writes it."""
    return name.decode("ascii").title()


def _tenant(given: dict[bytes, list[bytes]], default: str | None) -> str:
    value = _single(given, b"x-okapi-tenant")
    if value is None:
        if default is None:
            raise BadRequest("Header X-Okapi-Tenant is missing.")
        return default
    if not _TENANT.fullmatch(value):
        raise BadRequest(
            "Header X-Okapi-Tenant is not a tenant id: a small letter, then at most 62 of a-z, 0-9 and _."
        )
    return value.decode("ascii")


def _token(given: dict[bytes, list[bytes]], *, token_cookie: bool) -> str | None:
    """Okapi refuses a request whose two token headers disagree; so do we. A cookie only fills a gap."""
    header = _single(given, b"x-okapi-token")
    bearer = _bearer(given)
    if header is not None and bearer is not None and header != bearer:
        raise BadRequest("Headers X-Okapi-Token and Authorization carry different tokens.")
    if header is not None:
        return _checked_token(header, "Header X-Okapi-Token")
    if bearer is not None:
        return _checked_token(bearer, "Header Authorization")
    cookie = _cookie(given) if token_cookie else None
    return None if cookie is None else _checked_token(cookie, "Cookie folioAccessToken")


def _bearer(given: dict[bytes, list[bytes]]) -> bytes | None:
    value = _single(given, b"authorization")
    if value is None:
        return None
    match = _BEARER.fullmatch(value)
    if match is None:
        raise BadRequest("Header Authorization must be of the form 'Bearer <token>'.")
    return match[1]


def _cookie(given: dict[bytes, list[bytes]]) -> bytes | None:
    # HTTP/2 lets a client split its cookies over several header lines.
    pairs = [pair.strip().partition(b"=") for line in given.get(b"cookie", ()) for pair in line.split(b";")]
    values = [value.strip(b'"') for name, _, value in pairs if name == b"folioAccessToken"]
    if len(values) > 1:
        raise BadRequest("Cookie folioAccessToken was sent more than once.")
    return values[0] if values else None


def _checked_token(value: bytes, carrier: str) -> str:
    if len(value) > _LONGEST_TOKEN:
        raise BadRequest(f"{carrier} is longer than {_LONGEST_TOKEN} bytes.")
    if not value or value.translate(None, _VISIBLE):
        raise BadRequest(f"{carrier} is empty or holds characters that a token cannot have.")
    return value.decode("ascii")


def _request_id(values: list[bytes] | None) -> str:
    """Append our hop the way Okapi does, or start a new chain when there is none worth continuing."""
    hop = f"{int(random() * 1_000_000):06d}/graphql"  # noqa: S311 - a name and no secret
    if values and len(values) == 1 and _REQUEST_ID.fullmatch(values[0]):
        return f"{values[0].decode('ascii')};{hop}"
    return hop


def _traceparent(given: dict[bytes, list[bytes]]) -> str | None:
    # A broken trace is dropped, never refused: tracing must not decide who is served.
    values = given.get(b"traceparent", ())
    if len(values) == 1 and _TRACEPARENT.fullmatch(values[0]):
        return values[0].decode("ascii")
    return None


def _list(values: list[bytes] | None) -> str | None:
    """Join the lines of a list header; one that is too long or unprintable is dropped."""
    if not values:
        return None
    value = b",".join(values)
    if len(value) > _LONGEST_LIST or not _PRINTABLE.fullmatch(value):
        return None
    return value.decode("ascii")


def _polaris(given: dict[bytes, list[bytes]], default: PolarisIdentity | None) -> PolarisIdentity | None:
    if given.keys().isdisjoint(_POLARIS):
        return default
    authorization = _single(given, b"x-polaris-authorization")
    workstation = _number(given, b"x-polaris-workstation")
    organization = _number(given, b"x-polaris-organization")
    if authorization is None:
        default = default or PolarisIdentity()
        return replace(
            default,
            workstation=default.workstation if workstation is None else workstation,
            organization=default.organization if organization is None else organization,
        )
    if len(authorization) > _LONGEST_TOKEN:
        raise BadRequest(f"Header X-Polaris-Authorization is longer than {_LONGEST_TOKEN} bytes.")
    if not _POLARIS_SCHEME.fullmatch(authorization):
        raise BadRequest("Header X-Polaris-Authorization must start with 'PAS ' or 'Bearer '.")
    return PolarisIdentity(
        authorization=authorization.decode("ascii"), workstation=workstation, organization=organization
    )


def _number(given: dict[bytes, list[bytes]], name: bytes) -> int | None:
    value = _single(given, name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise BadRequest(f"Header {_written(name)} must be a number.")
    return int(value)

"""The identity of a caller, read from request headers and validated."""

from __future__ import annotations

import math
import re
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from random import random
from typing import TypeVar

import msgspec

from gateway.errors import BadRequest

C = TypeVar("C")
Headers = Sequence[tuple[bytes, bytes]]

TENANT_HEADER = "X-Okapi-Tenant"
TOKEN_HEADER = "X-Okapi-Token"  # noqa: S105 - the name of a header
REQUEST_ID_HEADER = "X-Okapi-Request-Id"
POLARIS_AUTHORIZATION_HEADER = "X-Polaris-Authorization"
POLARIS_WORKSTATION_HEADER = "X-Polaris-Workstation"
POLARIS_ORGANIZATION_HEADER = "X-Polaris-Organization"
IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
LAST_EVENT_ID_HEADER = "Last-Event-ID"
EXPLAIN_HEADER = "GraphQL-Explain"
COST_HEADER = "GraphQL-Cost"
TOKEN_COOKIE = "folioAccessToken"  # noqa: S105 - the name of a cookie

SANDBOX_TENANT = "diku"  # the default tenant of the sandbox, in which callers need no login
SANDBOX_STAFF = "desk"  # the default staff member of Polaris there

MAX_TOKEN_LENGTH = 8192  # Keycloak's tokens with many roles are 3 to 5 kB
MAX_LIST_LENGTH = 512  # the length that the trace context specification requires at least
MAX_IDEMPOTENCY_KEY_LENGTH = 255
MAX_EVENT_ID_LENGTH = 1024


def raw(header: str) -> bytes:
    """Return the name of a header as in an ASGI scope."""
    return header.lower().encode("ascii")


RAW_REQUEST_ID_HEADER = raw(REQUEST_ID_HEADER)

_IDEMPOTENCY_KEY = raw(IDEMPOTENCY_KEY_HEADER)
_LAST_EVENT_ID = raw(LAST_EVENT_ID_HEADER)
_EXPLAIN = raw(EXPLAIN_HEADER)
_COST = raw(COST_HEADER)
_TENANT = raw(TENANT_HEADER)
_TOKEN = raw(TOKEN_HEADER)
_TOKEN_SOURCE = f"Header {TOKEN_HEADER}"  # in messages
_POLARIS = tuple(
    map(raw, (POLARIS_AUTHORIZATION_HEADER, POLARIS_WORKSTATION_HEADER, POLARIS_ORGANIZATION_HEADER))
)

_TENANT_ID = re.compile(rb"[a-z][a-z0-9_]{0,62}")
_REQUEST_ID = re.compile(rb"[0-9A-Za-z/;,\-_.]{1,256}")
_VISIBLE = bytes(range(0x21, 0x7F))  # a table: a pattern takes four times as long for a long token
_PRINTABLE = re.compile(rb"[\x20-\x7e]+")
_BEARER = re.compile(rb"bearer +(.*)", re.IGNORECASE | re.DOTALL)
_OTHER_SCHEME = re.compile(rb"[ \t]*(?!bearer\b)[a-z][a-z0-9-]* +[^ ]", re.IGNORECASE)
_POLARIS_SCHEME = re.compile(rb"(?:PAS|Bearer) +[\x21-\x7e]+")
_NUMBER = re.compile(rb"[0-9]{1,9}")
_ON = frozenset({b"1", b"?1", b"true"})
# However it is written, and joined with others by a proxy: what is only to be explained must not be executed.
_ONLY = re.compile(rb"\bonly\b", re.IGNORECASE)
# A string of RFC 8941 (section 3.3.3), or the same without quotes, as most clients send it; several in a line
# if a proxy has joined repeated ones.
_KEY = rb'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"|[\x21\x23-\x2b\x2d-\x7e]+'
_KEYS = re.compile(rb"[ \t]*(?:%b)(?:[ \t]*,[ \t]*(?:%b))*[ \t]*" % (_KEY, _KEY))
_EACH_KEY = re.compile(_KEY)
_ESCAPED = re.compile(rb"\\(.)")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]{1,64})?")

# X-Okapi-Url, -User-Id and -Permissions are not read: sent by a client they are claims, not facts.
_READ = frozenset(
    {
        _TENANT,
        _TOKEN,
        RAW_REQUEST_ID_HEADER,
        b"authorization",
        b"cookie",
        b"accept-language",
        b"traceparent",
        b"tracestate",
        _IDEMPOTENCY_KEY,
        _LAST_EVENT_ID,
        _EXPLAIN,
        _COST,
        *_POLARIS,
    }
)

_OPTIONS = frozenset({_IDEMPOTENCY_KEY, _EXPLAIN, _COST})
_RARE = frozenset({b"traceparent", _LAST_EVENT_ID, *_OPTIONS, *_POLARIS})
"""The headers that most requests lack, which then cost one look at all of them."""


class PolarisIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The staff member in Polaris. A lock belongs to a user at a workstation.

    `authorization` is None if the request names a workstation or an organization without a login.
    """

    authorization: str | None = None
    workstation: int | None = None
    organization: int | None = None

    def __repr__(self) -> str:
        """Return the identity without the login."""
        return f"PolarisIdentity(workstation={self.workstation}, organization={self.organization})"


class RequestOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The headers of a request that few have, and that change its execution.

    `idempotency_lines` are those of the header `Idempotency-Key`, which only mutations have a use for: see
    `idempotency_key`. `explains` and `reports_cost` are true if the response is to say what it has cost,
    `only_explains` if the operation is not to be executed.
    """

    idempotency_lines: Sequence[bytes] | None = None
    explains: bool = False
    only_explains: bool = False
    reports_cost: bool = False


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a request that is sent on to the services.

    `token_expires` is the end of the token's validity in seconds since 1970; None if it cannot be read.
    `options` is None for most requests. `last_event_id` is that of the header `Last-Event-ID`, for
    subscriptions: it is not verified.
    """

    tenant: str
    token: str | None = None
    request_id: str
    accept_language: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    polaris: PolarisIdentity | None = None
    options: RequestOptions | None = None
    last_event_id: str | None = None
    token_expires: float | None = None

    def __post_init__(self) -> None:
        if self.token is not None:
            msgspec.structs.force_setattr(self, "token_expires", token_expiry(self.token))

    def __repr__(self) -> str:
        """Return the caller without the token."""
        return f"Caller(tenant={self.tenant!r}, request_id={self.request_id!r})"


def caller_from_headers(
    headers: Headers,
    *,
    token_cookie: bool,
    default_tenant: str | None = None,
    default_polaris: PolarisIdentity | None = None,
) -> Caller:
    """Read the caller from raw ASGI headers; the defaults are for the sandbox, which needs no login."""
    values = _read(headers)
    languages = values.get(b"accept-language")
    if _RARE.isdisjoint(values):
        return Caller(
            tenant=_tenant(values, default_tenant),
            token=_token(values, token_cookie=token_cookie),
            request_id=_request_id(values.get(RAW_REQUEST_ID_HEADER)),
            accept_language=None if languages is None else _list(languages),
            polaris=default_polaris,
        )
    traceparent = _traceparent(values[b"traceparent"]) if b"traceparent" in values else None
    caller = Caller(
        tenant=_tenant(values, default_tenant),
        token=_token(values, token_cookie=token_cookie),
        request_id=_request_id(values.get(RAW_REQUEST_ID_HEADER)),
        accept_language=None if languages is None else _list(languages),
        traceparent=traceparent,
        tracestate=_list(values[b"tracestate"]) if traceparent and b"tracestate" in values else None,
        polaris=_polaris(values, default_polaris),
    )
    if not _OPTIONS.isdisjoint(values):
        only_explains = any(map(_ONLY.search, values.get(_EXPLAIN, ())))
        options = RequestOptions(
            idempotency_lines=values.get(_IDEMPOTENCY_KEY),
            explains=_is_on(values, _EXPLAIN) or only_explains,
            only_explains=only_explains,
            reports_cost=_is_on(values, _COST),
        )
        msgspec.structs.force_setattr(caller, "options", options)
    if _LAST_EVENT_ID in values:
        event_id = values[_LAST_EVENT_ID][0][: MAX_EVENT_ID_LENGTH + 1].decode("latin-1")
        msgspec.structs.force_setattr(caller, "last_event_id", event_id)
    return caller


def _is_on(values: dict[bytes, list[bytes]], name: bytes) -> bool:
    return any(line.strip(b" \t") in _ON for line in values.get(name, ()))


def idempotency_key(lines: Sequence[bytes]) -> bytes:
    """Return the key in the lines of the header `Idempotency-Key`: 1 to 255 visible ASCII characters.

    Raises `BadRequest`. It is a string of RFC 8941, or the same without quotes: both are one key. A value
    that is repeated counts once.
    """
    header = f"Header {IDEMPOTENCY_KEY_HEADER}"
    if not all(map(_KEYS.fullmatch, lines)):
        raise BadRequest(f"{header} must be 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} visible ASCII characters.")
    keys = {
        _ESCAPED.sub(rb"\1", each[1:-1]) if each.startswith(b'"') else each
        for line in lines
        for each in _EACH_KEY.findall(line)
    }
    if len(keys) > 1:
        raise BadRequest(f"{header} was sent more than once, with different values.")
    (key,) = keys
    if not 0 < len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH or b" " in key:
        got = "a space" if b" " in key else len(key)
        raise BadRequest(
            f"{header} must be 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} visible ASCII characters; got {got}."
        )
    return key


class _Expiry(msgspec.Struct):
    exp: float | None = None


class _Subject(msgspec.Struct):
    user_id: str | None = None
    sub: str | None = None


_decode_expiry = msgspec.json.Decoder(_Expiry).decode
_decode_subject = msgspec.json.Decoder(_Subject).decode


def token_expiry(token: str) -> float | None:
    """Return the end of a token's validity in seconds since 1970; None if it cannot be read.

    The signature is not verified: the services do that, and an expiry serves only to send no useless token.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    claims = parts[1]
    try:
        standard = claims.replace("-", "+").replace("_", "/")  # from the alphabet for URLs
        expiry = _decode_expiry(a2b_base64(standard + "=" * (-len(claims) % 4))).exp
    except (ValueError, RecursionError):  # msgspec's and binascii's errors are ValueErrors
        return None
    return expiry if expiry is not None and math.isfinite(expiry) else None


def token_subject(token: str) -> str | None:
    """Return the user whom a token names: the id of mod-authtoken's tokens, or `sub`; None if it is opaque.

    The signature is not verified, so anyone can name anyone.
    """
    claims = _claims(token, _decode_subject)
    return None if claims is None else claims.user_id or claims.sub or None


def _claims(token: str, decode: Callable[[bytes], C]) -> C | None:
    """Return claims of a JSON Web Token; None if it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    claims = parts[1]
    try:
        standard = claims.replace("-", "+").replace("_", "/")  # from the alphabet for URLs
        return decode(a2b_base64(standard + "=" * (-len(claims) % 4)))
    except (ValueError, RecursionError):  # msgspec's and binascii's errors are ValueErrors
        return None


def request_id_from_headers(headers: Headers) -> str:
    """Return the request id of a request whose caller is not known, or not yet."""
    return _request_id([value for name, value in headers if name == RAW_REQUEST_ID_HEADER])


def _read(headers: Headers) -> dict[bytes, list[bytes]]:
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _READ:
            values.setdefault(name, []).append(value)
    return values


def _single(values: dict[bytes, list[bytes]], name: bytes) -> bytes | None:
    lines = values.get(name)
    if lines is None:
        return None
    return lines[0].strip(b" \t") if len(lines) == 1 and b"," not in lines[0] else _only(lines, name)


def _only(lines: Sequence[bytes], name: bytes) -> bytes:
    """Return the value of a header. Proxies may repeat it (CIRC-2282), also in one line with commas."""
    if len(lines) == 1 and b"," not in lines[0]:
        return lines[0].strip(b" \t")
    if len({line.strip(b" \t") for line in lines}) > 1:
        raise BadRequest(f"Header {_display_name(name)} was sent more than once, with different values.")
    repeated = {part.strip(b" \t") for part in lines[0].split(b",")}
    return repeated.pop() if len(repeated) == 1 else lines[0].strip(b" \t")


def _display_name(name: bytes) -> str:
    """Return the name of a header as it is written in documentation."""
    return name.decode("ascii").title()


def _tenant(values: dict[bytes, list[bytes]], default: str | None) -> str:
    value = _single(values, _TENANT)
    if value is None:
        if default is None:
            raise BadRequest(f"Header {TENANT_HEADER} is missing.")
        return default
    if not _TENANT_ID.fullmatch(value):
        raise BadRequest(
            f"Header {TENANT_HEADER} must be a lowercase letter followed by at most 62 of a-z, 0-9 and _."
        )
    return value.decode("ascii")


def _token(values: dict[bytes, list[bytes]], *, token_cookie: bool) -> str | None:
    # As in Okapi, two headers with different tokens are refused. A cookie is used if there is no header.
    header = _single(values, _TOKEN)
    bearer = _bearer(values, has_token=header is not None) if b"authorization" in values else None
    if header is not None and bearer is not None and header != bearer:
        raise BadRequest(f"Headers {TOKEN_HEADER} and Authorization have different tokens.")
    if header is not None:
        return _check_token(header, _TOKEN_SOURCE)
    if bearer is not None:
        return _check_token(bearer, "Header Authorization")
    cookie = _cookie(values) if token_cookie else None
    return None if cookie is None else _check_token(cookie, f"Cookie {TOKEN_COOKIE}")


def _bearer(values: dict[bytes, list[bytes]], *, has_token: bool) -> bytes | None:
    lines: Sequence[bytes] = values.get(b"authorization", ())
    if has_token:  # a login of another kind is for a proxy in front of the gateway
        lines = [line for line in lines if not _OTHER_SCHEME.match(line)]
    if not lines:
        return None
    value = _only(lines, b"authorization")
    match = _BEARER.fullmatch(value)
    if match is None:
        raise BadRequest("Header Authorization must be of the form 'Bearer <token>'.")
    return match[1]


def _cookie(values: dict[bytes, list[bytes]]) -> bytes | None:
    # HTTP/2 lets a client split its cookies over several header lines.
    pairs = [pair.strip().partition(b"=") for line in values.get(b"cookie", ()) for pair in line.split(b";")]
    tokens = [value.strip(b'"') for name, _, value in pairs if name == TOKEN_COOKIE.encode()]
    if len(set(tokens)) > 1:
        raise BadRequest(f"Cookie {TOKEN_COOKIE} was sent more than once, with different values.")
    return tokens[0] if tokens else None


def _check_token(value: bytes, source: str) -> str:
    if len(value) > MAX_TOKEN_LENGTH:
        raise BadRequest(f"{source} must have at most {MAX_TOKEN_LENGTH} bytes; got {len(value)}.")
    if not value or value.translate(None, _VISIBLE):
        raise BadRequest(f"{source} is empty or contains characters that are not allowed in a token.")
    return value.decode("ascii")


def _request_id(values: list[bytes] | None) -> str:
    """Append a hop as Okapi does, or start a new chain if there is no valid one."""
    hop = f"{int(random() * 1_000_000):06d}/graphql"  # noqa: S311 - an identifier, not a secret
    if values and len(values) == 1 and _REQUEST_ID.fullmatch(values[0]):
        return f"{values[0].decode('ascii')};{hop}"
    return hop


def _traceparent(lines: Sequence[bytes]) -> str | None:
    # An invalid trace is dropped, not refused: a request must not fail because of tracing.
    if len(lines) == 1 and _TRACEPARENT.fullmatch(lines[0]):
        return lines[0].decode("ascii")
    return None


def _list(values: Sequence[bytes]) -> str | None:
    """Join the lines of a list header; drop it if it is too long or not printable."""
    value = b",".join(values)
    if len(value) > MAX_LIST_LENGTH or not _PRINTABLE.fullmatch(value):
        return None
    return value.decode("ascii")


def _polaris(values: dict[bytes, list[bytes]], default: PolarisIdentity | None) -> PolarisIdentity | None:
    if values.keys().isdisjoint(_POLARIS):
        return default
    authorization_header, workstation_header, organization_header = _POLARIS
    authorization = _single(values, authorization_header)
    workstation = _number(values, workstation_header)
    organization = _number(values, organization_header)
    if authorization is None:
        default = default or PolarisIdentity()
        return msgspec.structs.replace(
            default,
            workstation=default.workstation if workstation is None else workstation,
            organization=default.organization if organization is None else organization,
        )
    if len(authorization) > MAX_TOKEN_LENGTH:
        raise BadRequest(
            f"Header {POLARIS_AUTHORIZATION_HEADER} must have at most {MAX_TOKEN_LENGTH} bytes;"
            f" got {len(authorization)}."
        )
    if not _POLARIS_SCHEME.fullmatch(authorization):
        raise BadRequest(f"Header {POLARIS_AUTHORIZATION_HEADER} must start with 'PAS ' or 'Bearer '.")
    return PolarisIdentity(
        authorization=authorization.decode("ascii"), workstation=workstation, organization=organization
    )


def _number(values: dict[bytes, list[bytes]], name: bytes) -> int | None:
    value = _single(values, name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise BadRequest(f"Header {_display_name(name)} must be a number.")
    return int(value)

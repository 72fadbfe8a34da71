"""Security headers of every response: no caching, no sniffing, no framing, no loading."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

_NO_STORE = (b"cache-control", b"no-store")  # responses contain personal data
_IMMUTABLE = (b"cache-control", b"public, max-age=31536000, immutable")
_LOAD_NONE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

# GraphiQL loads everything from the gateway. Its editor creates style rules and attributes at run time, which
# no policy permits but `unsafe-inline`.
_LOAD_SELF = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self';"
    b" style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
_ALWAYS = (
    (b"referrer-policy", b"no-referrer"),  # the URL contains the query of a GET
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)

SECURITY_HEADERS = (_NO_STORE, _LOAD_NONE, *_ALWAYS)
PAGE_HEADERS = (_NO_STORE, _LOAD_SELF, *_ALWAYS)
ASSET_HEADERS = (_IMMUTABLE, _LOAD_NONE, *_ALWAYS)
_NAMES = frozenset(name for name, _ in SECURITY_HEADERS)


class SecurityHeaders:
    """Set the headers on the responses of an application, replacing its headers of the same names.

    A page may load resources from the gateway. An immutable file may be cached. No other response may.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with_headers(message.get("headers", ()))}
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _with_headers(headers: Iterable[Header]) -> list[Header]:
    ours = SECURITY_HEADERS
    own = []
    for header in headers:
        name = header[0].lower()
        if name not in _NAMES:
            own.append((name, header[1]))
            if name == b"content-type" and header[1].startswith(b"text/html"):
                ours = PAGE_HEADERS
        elif name == b"cache-control" and b"immutable" in header[1] and ours is SECURITY_HEADERS:
            ours = ASSET_HEADERS
    own += ours
    return own
